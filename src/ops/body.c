/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/attention_core.h"
#include "ops/body.h"

#include <string.h>

/* ---- types ---- */

c2s_type c2s_type_join(c2s_dims *dims, c2s_arena *arena, const c2s_type *a, const c2s_type *b) {
    if (a->kind != b->kind)
        return c2s_type_unknown();
    c2s_type joined = *a;
    if (a->dtype != b->dtype)
        joined.dtype = C2S_UNDEFINED;
    if (a->kind != C2S_KIND_TENSOR && a->kind != C2S_KIND_SPARSE) {
        if (a->element && b->element) {
            c2s_type *element = c2s_arena_alloc(arena, sizeof *element);
            *element = c2s_type_join(dims, arena, a->element, b->element);
            joined.element = element;
        } else {
            joined.element = NULL;
        }
        return joined;
    }
    if (a->rank != b->rank) {
        joined.rank = -1;
        return joined;
    }
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i])
            joined.dim[i] = c2s_dim_fresh(dims);
    return joined;
}

c2s_type c2s_type_drop_axis(const c2s_type *type, int axis) {
    c2s_type out = *type;
    if (!c2s_type_is_tensor(type) || type->rank <= 0)
        return out;
    out.rank--;
    for (int i = axis; i < out.rank; i++)
        out.dim[i] = type->dim[i + 1];
    return out;
}

c2s_status c2s_type_add_axis(const c2s_type *type, int axis, c2s_dim extent, c2s_type *out) {
    *out = *type;
    if (!c2s_type_is_tensor(type) || type->rank < 0)
        return C2S_OK;
    if (type->rank == C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "rank %d is beyond %d", type->rank + 1, C2S_MAX_RANK);
    out->rank++;
    for (int i = axis + 1; i < out->rank; i++)
        out->dim[i] = type->dim[i - 1];
    out->dim[axis] = extent;
    return C2S_OK;
}

/* ---- entering bodies ---- */

c2s_status c2s_body_find(const c2s_node *node, const char *name, int64_t inputs, c2s_graph **body) {
    *body = c2s_attr_graph(node, name);
    if (!*body)
        return c2s_fail(C2S_ERR_INVALID, "attribute \"%s\" is missing", name);
    if (inputs >= 0 && (*body)->formal_inputs != inputs)
        return c2s_fail(C2S_ERR_INVALID, "\"%s\" has %u inputs, expected %lld", name,
                        (*body)->formal_inputs, (long long)inputs);
    return C2S_OK;
}

static void refine(c2s_value *value, c2s_type type) {
    c2s_type_merge(&type, &value->type);
    if (!c2s_type_equal(&type, &value->type))
        c2s_value_set_type(value, &type);
}

/* What stays the same from one iteration to the next without looking into the body. */
static c2s_type without_extents(const c2s_type *type) {
    c2s_type out = *type;
    if (c2s_type_is_tensor(type))
        out.rank = -1;
    else if (type->element)
        out.element = NULL;
    return out;
}

static void enter_loop(c2s_node *node) {
    c2s_graph *body = c2s_attr_graph(node, "body");
    if (!body || body->formal_inputs != node->formal_count || node->formal_count < 2)
        return;
    refine(c2s_graph_input(body, 0), c2s_type_tensor(C2S_INT64, -1, NULL));
    refine(c2s_graph_input(body, 1), c2s_type_tensor(C2S_BOOL, -1, NULL));
    if (c2s_graph_input(body, 0)->type.rank < 0)
        refine(c2s_graph_input(body, 0), c2s_type_scalar(C2S_INT64));
    if (c2s_graph_input(body, 1)->type.rank < 0)
        refine(c2s_graph_input(body, 1), c2s_type_scalar(C2S_BOOL));
    for (unsigned i = 2; i < node->formal_count; i++) {
        const c2s_value *initial = c2s_node_in(node, i);
        if (initial)
            refine(c2s_graph_input(body, i), without_extents(&initial->type));
    }
}

static void enter_scan(c2s_node *node) {
    c2s_graph *body = c2s_attr_graph(node, "body");
    int64_t scanned = c2s_attr_int(node, "num_scan_inputs", 0);
    if (!body || body->formal_inputs != node->formal_count || scanned < 0 ||
        scanned > node->formal_count)
        return;
    size_t axis_count;
    const int64_t *axes = c2s_attr_ints(node, "scan_input_axes", &axis_count);
    unsigned states = node->formal_count - (unsigned)scanned;
    for (unsigned i = 0; i < node->formal_count; i++) {
        const c2s_value *value = c2s_node_in(node, i);
        if (!value)
            continue;
        c2s_type type = value->type;
        if (i < states) {
            type = without_extents(&type);
        } else {
            int64_t axis = i - states < axis_count ? axes[i - states] : 0;
            if (axis < 0)
                axis += type.rank;
            if (c2s_type_is_tensor(&type) && type.rank > 0 && axis >= 0 && axis < type.rank)
                type = c2s_type_drop_axis(&type, (int)axis);
            else
                type = without_extents(&type);
        }
        refine(c2s_graph_input(body, i), type);
    }
}

static void enter_sequence_map(c2s_node *node) {
    c2s_graph *body = c2s_attr_graph(node, "body");
    if (!body || body->formal_inputs != node->formal_count)
        return;
    for (unsigned i = 0; i < node->formal_count; i++) {
        const c2s_value *value = c2s_node_in(node, i);
        if (!value || value->type.kind == C2S_KIND_UNKNOWN)
            continue;
        if (value->type.kind != C2S_KIND_SEQUENCE)
            refine(c2s_graph_input(body, i), value->type);
        else if (value->type.element)
            refine(c2s_graph_input(body, i), *value->type.element);
    }
}

/* Scores and probabilities: [batch, query heads, queries, keys] in the type of the softmax. */
static void enter_flex_attention(c2s_node *node) {
    const c2s_value *q = c2s_node_in(node, 0), *k = c2s_node_in(node, 1);
    if (!q || !k || !c2s_type_is_tensor(&q->type) || !q->type.dtype)
        return;
    c2s_type scores = c2s_type_tensor(c2s_flex_precision(node, q->type.dtype), -1, NULL);
    if (q->type.rank == 4 && c2s_type_is_tensor(&k->type) && k->type.rank == 4) {
        const c2s_dim dim[4] = {q->type.dim[0], q->type.dim[1], q->type.dim[2], k->type.dim[2]};
        scores = c2s_type_tensor(scores.dtype, 4, dim);
    }
    c2s_graph *body;
    for (unsigned i = 0; (body = c2s_node_body(node, i)) != NULL; i++)
        if (body->formal_inputs == 1)
            refine(c2s_graph_input(body, 0), scores);
}

void c2s_body_enter(c2s_node *node) {
    if (node->op == &c2s_op_loop)
        enter_loop(node);
    else if (node->op == &c2s_op_scan)
        enter_scan(node);
    else if (node->op == &c2s_op_sequence_map)
        enter_sequence_map(node);
    else if (node->op == &c2s_op_flex_attention)
        enter_flex_attention(node);
}
