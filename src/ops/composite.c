/* SPDX-License-Identifier: Apache-2.0
 *
 * The definition is built in a model of its own that lives for one call. For inference it borrows
 * the dimensions of the model that the written node belongs to.
 */
#include "ops/composite.h"

#include <string.h>

struct c2s_composite {
    const c2s_node *node;
    c2s_model *model;
    c2s_value **in, **out; /* per formal input, per output */
    unsigned in_count, out_count;
    bool compute;
    c2s_status status;
};

const c2s_node *c2s_composite_node(const c2s_composite *c) {
    return c->node;
}

c2s_value *c2s_composite_in(const c2s_composite *c, unsigned input) {
    return input < c->in_count ? c->in[input] : NULL;
}

int c2s_composite_rank(const c2s_value *value) {
    return value && c2s_type_is_tensor(&value->type) ? value->type.rank : -1;
}

bool c2s_composite_known(const c2s_value *value) {
    return c2s_composite_rank(value) >= 0;
}

bool c2s_composite_wants(const c2s_composite *c, unsigned output) {
    return c2s_node_out(c->node, output) != NULL;
}

void c2s_composite_out(c2s_composite *c, unsigned output, c2s_value *value) {
    if (output < c->out_count)
        c->out[output] = value;
}

void c2s_composite_fail(c2s_composite *c, c2s_status status) {
    if (c->status == C2S_OK)
        c->status = status;
}

c2s_node *c2s_composite_start(c2s_composite *c, const char *type, c2s_value *const *in,
                              unsigned in_count, unsigned out_count) {
    if (c->status != C2S_OK)
        return NULL;
    c2s_node *node = c2s_node_create(c->model->graph, NULL, "", type, in_count, out_count);
    for (unsigned k = 0; k < in_count; k++)
        if (in[k])
            c2s_use_set(&node->inputs[k], in[k]);
    c2s_node_trim_inputs(node);
    return node;
}

void c2s_composite_attributes(const c2s_composite *c, c2s_node *node) {
    if (!node)
        return;
    for (const c2s_attr_spec *spec = node->op->attrs; spec && spec->name; spec++) {
        const c2s_attr *attr = c2s_attr_find(c->node, spec->name);
        if (!attr || attr->kind != spec->kind)
            continue;
        if (attr->kind == C2S_ATTR_INT)
            c2s_attr_set_int(node, spec->name, attr->i);
        else if (attr->kind == C2S_ATTR_FLOAT)
            c2s_attr_set_float(node, spec->name, attr->f);
        else if (attr->kind == C2S_ATTR_STRING)
            c2s_attr_set_string(node, spec->name, c2s_attr_string(c->node, spec->name, ""));
        else if (attr->kind == C2S_ATTR_INTS)
            c2s_attr_set_ints(node, spec->name, attr->ints, attr->count);
        else if (attr->kind == C2S_ATTR_FLOATS)
            c2s_attr_set_floats(node, spec->name, attr->floats, attr->count);
        else if (attr->kind == C2S_ATTR_STRINGS)
            c2s_attr_set_strings(node, spec->name, attr->strings, attr->count);
    }
}

static c2s_status compute(c2s_node *node) {
    c2s_arena *arena = node->graph->model->arena;
    const c2s_tensor **in = c2s_arena_array(arena, node->formal_count, sizeof(c2s_tensor *));
    c2s_tensor **out = c2s_arena_array(arena, node->output_count, sizeof(c2s_tensor *));
    for (unsigned k = 0; k < node->formal_count; k++)
        in[k] = node->inputs[k].value ? node->inputs[k].value->constant : NULL;
    C2S_TRY(c2s_node_eval(node, in, out, NULL, 0));
    for (unsigned k = 0; k < node->output_count; k++) {
        c2s_value_set_type(node->outputs[k], &out[k]->type);
        c2s_value_set_constant(node->outputs[k], out[k]);
        c2s_tensor_unref(out[k]);
    }
    return C2S_OK;
}

c2s_value *c2s_composite_finish(c2s_composite *c, c2s_node *node) {
    if (c->status == C2S_OK && node)
        c->status = c->compute ? compute(node) : c2s_node_infer(node);
    return c->status == C2S_OK && node ? node->outputs[0] : NULL;
}

c2s_value *c2s_composite_apply(c2s_composite *c, const char *type, c2s_value *const *in,
                               unsigned in_count, bool attributes) {
    c2s_node *node = c2s_composite_start(c, type, in, in_count, 1);
    if (attributes)
        c2s_composite_attributes(c, node);
    return c2s_composite_finish(c, node);
}

/* ---- what definitions often need ---- */

static c2s_value *constant(c2s_composite *c, c2s_status status, c2s_tensor *tensor) {
    c2s_composite_fail(c, status);
    return status == C2S_OK ? c2s_value_constant(c->model->graph, "constant", tensor) : NULL;
}

c2s_value *c2s_composite_scalar(c2s_composite *c, c2s_dtype dtype, double value) {
    c2s_tensor *tensor = NULL;
    if (c->status != C2S_OK)
        return NULL;
    const c2s_status status =
        c2s_tensor_from_f64(dtype ? dtype : C2S_FLOAT, 0, NULL, &value, &tensor);
    return constant(c, status, tensor);
}

c2s_value *c2s_composite_ints(c2s_composite *c, const int64_t *values, size_t count) {
    const int64_t dim = (int64_t)count;
    c2s_tensor *tensor = NULL;
    if (c->status != C2S_OK)
        return NULL;
    const c2s_status status = c2s_tensor_from_i64(C2S_INT64, 1, &dim, values, &tensor);
    return constant(c, status, tensor);
}

c2s_value *c2s_composite_cast(c2s_composite *c, c2s_value *value, c2s_dtype dtype) {
    if (!value || dtype == C2S_UNDEFINED || value->type.dtype == dtype)
        return value;
    c2s_node *node = C2S_START(c, "Cast", value);
    if (node)
        c2s_attr_set_int(node, "to", dtype);
    return c2s_composite_finish(c, node);
}

c2s_value *c2s_composite_transpose(c2s_composite *c, c2s_value *value, const int64_t *order,
                                   int rank) {
    c2s_node *node = C2S_START(c, "Transpose", value);
    if (node)
        c2s_attr_set_ints(node, "perm", order, (size_t)rank);
    return c2s_composite_finish(c, node);
}

c2s_value *c2s_composite_reshape(c2s_composite *c, c2s_value *value, const int64_t *dim, int rank) {
    return C2S_APPLY(c, "Reshape", value, c2s_composite_ints(c, dim, (size_t)rank));
}

c2s_value *c2s_composite_slice(c2s_composite *c, c2s_value *value, int axis, int64_t begin,
                               int64_t end) {
    const int64_t at = axis;
    return C2S_APPLY(c, "Slice", value, c2s_composite_ints(c, &begin, 1),
                     c2s_composite_ints(c, &end, 1), c2s_composite_ints(c, &at, 1));
}

c2s_value *c2s_composite_unsqueeze(c2s_composite *c, c2s_value *value, const int64_t *axes,
                                   size_t count) {
    return C2S_APPLY(c, "Unsqueeze", value, c2s_composite_ints(c, axes, count));
}

c2s_value *c2s_composite_extent(c2s_composite *c, c2s_value *value, int axis) {
    c2s_node *node = C2S_START(c, "Shape", value);
    if (node) {
        c2s_attr_set_int(node, "start", axis);
        c2s_attr_set_int(node, "end", axis + 1);
    }
    return c2s_composite_finish(c, node);
}

c2s_value *c2s_composite_concat(c2s_composite *c, c2s_value *const *parts, unsigned count,
                                int axis) {
    c2s_node *node = c2s_composite_start(c, "Concat", parts, count, 1);
    if (node)
        c2s_attr_set_int(node, "axis", axis);
    return c2s_composite_finish(c, node);
}

c2s_value *c2s_composite_move_channels(c2s_composite *c, c2s_value *value, bool to_last) {
    const int rank = c2s_composite_rank(value);
    int64_t order[C2S_MAX_RANK];
    if (rank < 3)
        return value;
    for (int k = 0; k < rank; k++)
        order[k] = k == 0 ? 0 : to_last ? (k == rank - 1 ? 1 : k + 1) : (k == 1 ? rank - 1 : k - 1);
    return c2s_composite_transpose(c, value, order, rank);
}

c2s_value *c2s_composite_view(c2s_composite *c, c2s_value *value, c2s_dtype dtype, int rank,
                              const int64_t *dim) {
    c2s_tensor *tensor = NULL;
    if (c->status != C2S_OK || !value)
        return NULL;
    if (value->constant) {
        const c2s_status status = c2s_tensor_view(dtype, rank, dim, value->constant->bytes,
                                                  value->constant->offset, &tensor);
        return constant(c, status, tensor);
    }
    const c2s_type type = c2s_type_tensor(dtype, rank, dim);
    return c2s_graph_add_input(c->model->graph, "view", &type);
}

/* ---- the ways to use a definition ---- */

static void begin(c2s_composite *c, c2s_arena *arena) {
    c->model = c2s_model_create();
    c->in = c2s_arena_array(arena, c->in_count, sizeof(c2s_value *));
    c->out = c2s_arena_array(arena, c->out_count, sizeof(c2s_value *));
}

static c2s_value *add_constant(c2s_composite *c, const c2s_tensor *tensor) {
    return c2s_value_constant(c->model->graph, "input", c2s_tensor_ref(tensor));
}

c2s_status c2s_composite_infer(c2s_infer *i) {
    c2s_composite c = {
        .node = i->node, .in_count = i->in_count, .out_count = i->out_count, .compute = false};
    begin(&c, i->arena);
    c2s_dims *own = c.model->dims;
    c.model->dims = i->dims;
    for (unsigned k = 0; k < i->in_count; k++) {
        if (!c2s_infer_has(i, k))
            continue;
        if (i->in[k].constant) {
            c.in[k] = add_constant(&c, i->in[k].constant);
        } else {
            c.in[k] = c2s_graph_add_input(c.model->graph, "input", i->in[k].type);
            c.in[k]->contents = i->in[k].contents;
            c.in[k]->content_count = i->in[k].content_count;
        }
    }
    i->node->op->define(&c);
    for (unsigned k = 0; k < i->out_count && c.status == C2S_OK; k++)
        if (c.out[k] && !c.out[k]->type.element)
            i->out[k] = c.out[k]->type;
    c.model->dims = own;
    c2s_model_destroy(c.model);
    return c.status;
}

c2s_status c2s_composite_eval(c2s_eval *e) {
    c2s_composite c = {
        .node = e->node, .in_count = e->in_count, .out_count = e->out_count, .compute = true};
    c2s_arena *arena = c2s_arena_create();
    begin(&c, arena);
    for (unsigned k = 0; k < e->in_count; k++)
        if (e->in[k])
            c.in[k] = add_constant(&c, e->in[k]);
    e->node->op->define(&c);
    for (unsigned k = 0; k < e->out_count && c.status == C2S_OK; k++)
        if (c.out[k] && c.out[k]->constant)
            c2s_eval_set(e, k, c2s_tensor_ref(c.out[k]->constant));
    c2s_model_destroy(c.model);
    c2s_arena_destroy(arena);
    return c.status;
}

/* Operands for which the definition asks under another type are inputs that nobody can give. */
static c2s_status end_definition(c2s_composite *c, unsigned given) {
    C2S_TRY(c->status);
    if (c2s_graph_input_count(c->model->graph) != given)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the definition reads bytes of operands");
    for (unsigned k = 0; k < c->out_count; k++) {
        if (!c2s_node_out(c->node, k))
            continue;
        if (!c->out[k])
            return c2s_fail(C2S_ERR_UNSUPPORTED, "the definition depends on contents");
        c2s_graph_add_output(c->model->graph, c->out[k], "output");
    }
    return C2S_OK;
}

c2s_status c2s_composite_define(const c2s_node *node, const c2s_type *const *in,
                                const c2s_tensor *const *constant, c2s_model **out) {
    c2s_composite c = {
        .node = node, .in_count = node->formal_count, .out_count = node->output_count};
    c2s_arena *arena = c2s_arena_create();
    unsigned given = 0;
    begin(&c, arena);
    for (unsigned k = 0; k < c.in_count; k++) {
        if (constant[k]) {
            c.in[k] = add_constant(&c, constant[k]);
        } else if (in[k]) {
            c.in[k] = c2s_graph_add_input(c.model->graph, "input", in[k]);
            given++;
        }
    }
    node->op->define(&c);
    const c2s_status status = end_definition(&c, given);
    c2s_arena_destroy(arena);
    *out = status == C2S_OK ? c.model : NULL;
    if (status != C2S_OK)
        c2s_model_destroy(c.model);
    return status;
}
