/* SPDX-License-Identifier: Apache-2.0 */
#include "io/gradient.h"

#include <stdlib.h>
#include <string.h>

#include "ir/clone.h"

bool c2s_gradient_is(const c2s_node *node) {
    return strcmp(node->domain, "ai.onnx.preview.training") == 0 &&
           strcmp(node->type, "Gradient") == 0;
}

/* ---- building ---- */

c2s_value *c2s_gradient_node(c2s_gradient *g, const char *type, c2s_value *a, c2s_value *b) {
    return c2s_raise_node(g->r, g->before, type, (c2s_value *[]){a, b}, b ? 2 : 1);
}

static c2s_status known_dtype(const c2s_value *value, c2s_dtype *dtype) {
    if (!c2s_type_is_tensor(&value->type) || value->type.dtype == C2S_UNDEFINED)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the element type of \"%s\" is not known",
                        value->name);
    *dtype = value->type.dtype;
    return C2S_OK;
}

c2s_status c2s_gradient_scalar(c2s_gradient *g, const c2s_value *like, double number,
                               c2s_value **out) {
    c2s_dtype dtype = C2S_UNDEFINED;
    C2S_TRY(known_dtype(like, &dtype));
    return c2s_raise_scalar(g->r, g->before, "factor", dtype, number, out);
}

/* A tensor of the shape and type of `like`, all elements `number`. */
static c2s_status filled(c2s_gradient *g, c2s_value *like, double number, c2s_value **out) {
    c2s_dtype dtype = C2S_UNDEFINED;
    c2s_tensor *tensor;
    C2S_TRY(known_dtype(like, &dtype));
    C2S_TRY(c2s_tensor_from_f64(dtype, 1, (int64_t[]){1}, &number, &tensor));
    *out = c2s_gradient_node(g, "ConstantOfShape", c2s_gradient_node(g, "Shape", like, NULL), NULL);
    c2s_attr_set_tensor((*out)->def, "value", tensor);
    c2s_tensor_unref(tensor);
    return C2S_OK;
}

/* ---- broadcasting ---- */

/* Axes of the result that the operand did not have or had with extent 1. */
static c2s_status summed_axes(const c2s_type *operand, const c2s_type *result, int64_t *axes,
                              size_t *count) {
    *count = 0;
    if (operand->rank < 0 || result->rank < 0 || operand->rank > result->rank)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the rank of an operand is not known");
    int lead = result->rank - operand->rank;
    for (int i = 0; i < result->rank; i++) {
        c2s_dim from = i < lead ? 1 : operand->dim[i - lead];
        if (from == result->dim[i])
            continue;
        if (from != 1)
            return c2s_fail(C2S_ERR_UNSUPPORTED,
                            "axis %d of an operand may or may not be broadcast", i - lead);
        axes[(*count)++] = i;
    }
    if (lead > 0 && *count == 0)
        axes[(*count)++] = 0; /* extents of 1 in front: the sum over them drops nothing */
    return C2S_OK;
}

static c2s_status unbroadcast(c2s_gradient *g, c2s_value *operand, const c2s_type *result,
                              c2s_value **gradient) {
    int64_t axes[C2S_MAX_RANK];
    size_t count;
    if (c2s_type_equal(&operand->type, result) && operand->type.rank >= 0)
        return C2S_OK;
    C2S_TRY(summed_axes(&operand->type, result, axes, &count));
    if (count == 0)
        return C2S_OK;
    c2s_value *list;
    C2S_TRY(c2s_raise_ints(g->r, g->before, "axes", axes, count, &list));
    c2s_value *sum = c2s_gradient_node(g, "ReduceSum", *gradient, list);
    *gradient = sum;
    if (operand->type.rank != result->rank)
        *gradient =
            c2s_gradient_node(g, "Reshape", sum, c2s_gradient_node(g, "Shape", operand, NULL));
    return C2S_OK;
}

c2s_status c2s_gradient_add(c2s_gradient *g, c2s_value *operand, c2s_value *gradient,
                            const c2s_type *result) {
    if (!operand)
        return C2S_OK;
    if (result)
        C2S_TRY(unbroadcast(g, operand, result, &gradient));
    c2s_value *before = c2s_map_get(&g->of, operand);
    c2s_map_put(&g->of, operand, before ? c2s_gradient_node(g, "Add", before, gradient) : gradient);
    return C2S_OK;
}

/* ---- the differentiated part ---- */

typedef struct part {
    c2s_node *node;        /* the Gradient node */
    size_t x_count, count; /* xs; xs and zs */
    c2s_value **named;     /* what xs and zs name */
    c2s_value *y;
    bool *stop;               /* by value id: named */
    bool *varies;             /* by value id: depends on a named value */
    C2S_VEC(c2s_node *) path; /* nodes between the named values and y, in list order */
} part;

static c2s_value *value_named(const c2s_map *values, const c2s_string *text) {
    return c2s_map_get_u64(values, c2s_hash_bytes(text->data, text->size, 0));
}

static void name_value(c2s_map *values, c2s_value *value) {
    if (value)
        c2s_map_put_u64(values, c2s_hash_bytes(value->name, strlen(value->name), 0), value);
}

static void name_outputs(c2s_map *values, const c2s_node *node) {
    for (unsigned i = 0; i < node->output_count; i++)
        name_value(values, node->outputs[i]);
}

static c2s_status find_value(const c2s_map *values, const c2s_string *text, c2s_value **out) {
    *out = value_named(values, text);
    if (!*out || strlen((*out)->name) != text->size ||
        memcmp((*out)->name, text->data, text->size) != 0)
        return c2s_fail(C2S_ERR_INVALID, "there is no value \"%.*s\" before the node",
                        (int)(text->size < 100 ? text->size : 100), text->data);
    return C2S_OK;
}

static c2s_status find_values(part *p, const c2s_map *values) {
    size_t xs, zs;
    const c2s_string *x = c2s_attr_strings(p->node, "xs", &xs);
    const c2s_string *z = c2s_attr_strings(p->node, "zs", &zs);
    const c2s_attr *y = c2s_attr_find(p->node, "y");
    if (xs == 0 || xs + zs != p->node->formal_count || !y || y->kind != C2S_ATTR_STRING ||
        p->node->output_count > xs)
        return c2s_fail(C2S_ERR_INVALID, "%zu xs and %zu zs, expected one for each of %u inputs",
                        xs, zs, p->node->formal_count);
    p->x_count = xs;
    p->count = xs + zs;
    p->named = c2s_alloc_array(p->count, sizeof *p->named);
    for (size_t i = 0; i < p->count; i++) {
        C2S_TRY(find_value(values, i < xs ? &x[i] : &z[i - xs], &p->named[i]));
        C2S_TRY(c2s_raise_need(p->node, (unsigned)i + 1));
    }
    return find_value(values, &y->s, &p->y);
}

static bool varies_with(const part *p, const c2s_node *node) {
    if (c2s_node_is(node, "Shape") || c2s_node_is(node, "Size"))
        return false; /* of what a value holds, nothing shows in its shape */
    for (unsigned i = 0; i < node->input_count; i++)
        if (node->inputs[i].value && p->varies[node->inputs[i].value->id])
            return true;
    return false;
}

/* Nodes that lead from a named value to y. */
static void find_path(part *p) {
    size_t values = p->node->graph->model->values.count;
    bool *needed = c2s_zalloc(values + 1);
    p->stop = c2s_zalloc(values + 1);
    p->varies = c2s_zalloc(values + 1);
    for (size_t i = 0; i < p->count; i++)
        p->stop[p->named[i]->id] = p->varies[p->named[i]->id] = true;
    needed[p->y->id] = true;
    C2S_VEC(c2s_node *) varying = {0};
    for (c2s_node *node = p->node->graph->first; node != p->node; node = node->next) {
        if (!varies_with(p, node))
            continue;
        c2s_vec_push(&varying, node);
        for (unsigned i = 0; i < node->output_count; i++)
            if (node->outputs[i])
                p->varies[node->outputs[i]->id] = true;
    }
    for (size_t k = varying.count; k-- > 0;) { /* backwards: from y; kept ones move to the end */
        c2s_node *node = varying.at[k];
        bool used = false;
        for (unsigned i = 0; i < node->output_count; i++)
            used |=
                node->outputs[i] && needed[node->outputs[i]->id] && !p->stop[node->outputs[i]->id];
        if (!used) {
            varying.at[k] = NULL;
            continue;
        }
        for (unsigned i = 0; i < node->input_count; i++)
            if (node->inputs[i].value)
                needed[node->inputs[i].value->id] = true;
    }
    for (size_t k = 0; k < varying.count; k++)
        if (varying.at[k])
            c2s_vec_push(&p->path, varying.at[k]);
    c2s_vec_free(&varying);
    free(needed);
}

static void part_close(part *p) {
    free(p->named);
    free(p->stop);
    free(p->varies);
    c2s_vec_free(&p->path);
}

/* Where an input is not the value that xs or zs names, y is a function of that input: the path is
 * computed anew from the inputs. */
static c2s_status rebind(part *p) {
    bool same = true;
    for (size_t i = 0; i < p->count; i++)
        same = same && p->named[i] == c2s_node_in(p->node, (unsigned)i);
    if (same)
        return C2S_OK;
    c2s_cloner cloner = {0};
    c2s_status status = C2S_OK;
    for (size_t i = 0; i < p->count; i++)
        c2s_map_put(&cloner.values, p->named[i], c2s_node_in(p->node, (unsigned)i));
    for (size_t k = 0; k < p->path.count && status == C2S_OK; k++)
        status = c2s_node_clone(&cloner, p->path.at[k], p->node->graph, p->node, &p->path.at[k]);
    for (size_t i = 0; i < p->count; i++)
        p->named[i] = c2s_node_in(p->node, (unsigned)i);
    c2s_value *y = c2s_map_get(&cloner.values, p->y);
    p->y = y ? y : p->y;
    c2s_map_free(&cloner.values);
    return status;
}

/* ---- the derivative ---- */

static c2s_status derive_node(c2s_gradient *g, const c2s_node *node) {
    c2s_value *dy = NULL;
    for (unsigned i = 0; i < node->output_count; i++) {
        c2s_value *gradient = node->outputs[i] ? c2s_map_get(&g->of, node->outputs[i]) : NULL;
        if (gradient && i > 0)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "output %u of %s has no derivative", i,
                            c2s_node_text(node));
        dy = gradient ? gradient : dy;
    }
    if (!dy)
        return C2S_OK;
    const c2s_gradient_rule *rule = c2s_gradient_rule_of(node);
    if (!rule)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "there is no derivative for %s", c2s_node_text(node));
    c2s_status status = rule->derive(g, node, dy);
    if (status != C2S_OK)
        c2s_note("derivative of %s", c2s_node_text(node));
    return status;
}

static c2s_status derive(c2s_gradient *g, part *p) {
    const c2s_type *type;
    c2s_value *one;
    C2S_TRY(c2s_raise_type(g->r, p->y, &type)); /* types of all of the path */
    C2S_TRY(filled(g, p->y, 1, &one));
    c2s_map_put(&g->of, p->y, one);
    for (size_t k = p->path.count; k-- > 0;)
        C2S_TRY(derive_node(g, p->path.at[k]));
    for (unsigned i = 0; i < p->node->output_count; i++) {
        c2s_value *out = p->node->outputs[i], *gradient = c2s_map_get(&g->of, p->named[i]);
        if (!out)
            continue;
        if (!gradient)
            C2S_TRY(filled(g, p->named[i], 0, &gradient));
        /* A node of its own: one gradient may be several outputs. */
        gradient = c2s_gradient_node(g, "Identity", gradient, NULL);
        c2s_value_replace(out, gradient);
        c2s_value_swap_names(out, gradient);
    }
    return C2S_OK;
}

c2s_status c2s_gradient_expand(c2s_raise *r, c2s_node *node) {
    part p = {.node = node};
    c2s_map values = {0};
    name_outputs(&values, node->graph->entry);
    for (size_t i = 0; i < node->graph->initializers.count; i++)
        name_value(&values, node->graph->initializers.at[i]);
    for (const c2s_node *n = node->graph->first; n != node; n = n->next)
        name_outputs(&values, n);
    c2s_status status = find_values(&p, &values);
    c2s_map_free(&values);
    if (status == C2S_OK) {
        find_path(&p);
        status = rebind(&p);
    }
    c2s_gradient g = {.r = r, .before = node};
    if (status == C2S_OK)
        status = derive(&g, &p);
    c2s_map_free(&g.of);
    part_close(&p);
    if (status == C2S_OK)
        c2s_node_remove(node);
    return status;
}
