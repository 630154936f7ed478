/* SPDX-License-Identifier: Apache-2.0 */
#include "io/raise_rows.h"

#include <string.h>

c2s_status c2s_raise_axes(c2s_raise *r, c2s_node *node) {
    return c2s_raise_ints_to_input(r, node, "axes", 1);
}

/* An empty list meant all axes, as does a missing input. */
c2s_status c2s_raise_reduce_axes(c2s_raise *r, c2s_node *node) {
    const c2s_attr *axes = c2s_attr_find(node, "axes");
    if (axes && !axes->reference && axes->count == 0)
        c2s_attr_remove(node, "axes");
    return c2s_raise_axes(r, node);
}

/* Opset 1 took the lengths as a tensor of the data's own (float) type. */
c2s_status c2s_raise_split_input(c2s_raise *r, c2s_node *node) {
    c2s_value *lengths = c2s_node_in(node, 1);
    if (!lengths)
        return C2S_OK;
    c2s_value *cast = c2s_raise_node(r, node, "Cast", &lengths, 1);
    c2s_attr_set_int(cast->def, "to", C2S_INT64);
    c2s_raise_set_input(node, 1, cast);
    c2s_attr_remove(node, "split");
    return C2S_OK;
}

c2s_status c2s_raise_split_lengths(c2s_raise *r, c2s_node *node) {
    return c2s_raise_ints_to_input(r, node, "split", 1);
}

c2s_status c2s_raise_slice(c2s_raise *r, c2s_node *node) {
    if (!c2s_attr_has(node, "starts") || !c2s_attr_has(node, "ends")) {
        if (node->formal_count >= 3)
            return C2S_OK; /* written in the later form already */
        return c2s_fail(C2S_ERR_INVALID, "attribute \"starts\" or \"ends\" is missing");
    }
    C2S_TRY(c2s_raise_ints_to_input(r, node, "starts", 1));
    C2S_TRY(c2s_raise_ints_to_input(r, node, "ends", 2));
    return c2s_raise_ints_to_input(r, node, "axes", 3);
}

/* A float attribute that became a scalar input of the type of input 0. */
static c2s_status float_to_input(c2s_raise *r, c2s_node *node, const char *name, unsigned slot) {
    const c2s_attr *attr = c2s_attr_find(node, name);
    if (!attr)
        return C2S_OK;
    if (attr->kind != C2S_ATTR_FLOAT)
        return c2s_fail(C2S_ERR_INVALID, "attribute \"%s\" is not a float", name);
    C2S_TRY(c2s_raise_need(node, 1));
    c2s_dtype dtype;
    c2s_value *value;
    C2S_TRY(c2s_raise_dtype(r, c2s_node_in(node, 0), &dtype));
    C2S_TRY(c2s_raise_scalar(r, node, name, dtype, (double)attr->f, &value));
    c2s_raise_set_input(node, slot, value);
    c2s_attr_remove(node, name);
    return C2S_OK;
}

c2s_status c2s_raise_pad(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_no_references(node));
    const char *name = r->opset < 2 && c2s_attr_has(node, "paddings") ? "paddings" : "pads";
    if (!c2s_attr_has(node, name)) {
        if (node->formal_count >= 2)
            return C2S_OK; /* written in the later form already */
        return c2s_fail(C2S_ERR_INVALID, "attribute \"%s\" is missing", name);
    }
    if (c2s_attr_float(node, "value", 0) == 0 ||
        strcmp(c2s_attr_string(node, "mode", "constant"), "constant") != 0)
        c2s_attr_remove(node, "value");
    C2S_TRY(float_to_input(r, node, "value", 2));
    return c2s_raise_ints_to_input(r, node, name, 1);
}

c2s_status c2s_raise_clip(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_no_references(node));
    C2S_TRY(float_to_input(r, node, "min", 1));
    return float_to_input(r, node, "max", 2);
}

c2s_status c2s_raise_topk(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_no_references(node));
    const c2s_attr *k = c2s_attr_find(node, "k");
    if (!k || k->kind != C2S_ATTR_INT)
        return c2s_fail(C2S_ERR_INVALID, "attribute \"k\" is missing");
    c2s_value *value;
    C2S_TRY(c2s_raise_ints(r, node, "k", &k->i, 1, &value));
    c2s_raise_set_input(node, 1, value);
    c2s_attr_remove(node, "k");
    return C2S_OK;
}

c2s_status c2s_raise_reshape(c2s_raise *r, c2s_node *node) {
    return c2s_raise_ints_to_input(r, node, "shape", 1);
}

static c2s_value *to_int64(c2s_raise *r, c2s_node *before, c2s_value *value, c2s_value *shape) {
    c2s_value *cast = c2s_raise_node(r, before, "Cast", &value, 1);
    c2s_attr_set_int(cast->def, "to", C2S_INT64);
    return c2s_raise_node(r, before, "Reshape", (c2s_value *[]){cast, shape}, 2);
}

/* Opset 1: (x, tiles, axis) repeats one axis. Now: a repeat for every axis, which is a one-hot row
 * of length rank(x) with `tiles` at `axis` and 1 elsewhere. */
c2s_status c2s_raise_tile(c2s_raise *r, c2s_node *node) {
    if (node->formal_count < 3)
        return C2S_OK; /* written in the later form already */
    C2S_TRY(c2s_raise_need(node, 3));
    c2s_value *x = c2s_node_in(node, 0), *flat, *one;
    C2S_TRY(c2s_raise_ints(r, node, "flat", (int64_t[]){-1}, 1, &flat));
    C2S_TRY(c2s_raise_ints(r, node, "one", (int64_t[]){1}, 1, &one));
    c2s_value *tiles = to_int64(r, node, c2s_node_in(node, 1), flat);
    c2s_value *axis = to_int64(r, node, c2s_node_in(node, 2), flat);
    c2s_value *shape = c2s_raise_node(r, node, "Shape", &x, 1);
    c2s_value *rank = c2s_raise_node(r, node, "Size", &shape, 1);
    c2s_value *values = c2s_raise_node(r, node, "Concat", (c2s_value *[]){one, tiles}, 2);
    c2s_attr_set_int(values->def, "axis", 0);
    c2s_value *row = c2s_raise_node(r, node, "OneHot", (c2s_value *[]){axis, rank, values}, 3);
    c2s_value *repeats = c2s_raise_node(r, node, "Reshape", (c2s_value *[]){row, flat}, 2);
    c2s_raise_become(node, "Tile", (c2s_value *[]){x, repeats}, 2);
    return C2S_OK;
}
