/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/backward.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/evaluator.h"
#include "ops/conv.h"
#include "passes/measure/conv_products.h"
#include "passes/measure/slope_rules.h"

/* What is known of a value of the copy. */
typedef struct state {
    const c2s_tensor *tensor; /* of this run, or the constant; a reference */
    bool moving;              /* depends on what is wanted */
    bool sloped;              /* `slope` is of this run */
    c2s_float_room slope;
    float *sum; /* instead of it: somebody else's, for all runs; NULL: there is none */
} state;

struct c2s_backward {
    c2s_model *model;
    c2s_value **own; /* by value id of the graph that was copied */
    state *states;   /* by value id of the copy */
    c2s_kept *kept;  /* by node id of the copy */
    c2s_float_room scratch;
};

c2s_status c2s_float_room_for(c2s_float_room *room, size_t count) {
    if (count <= room->count)
        return C2S_OK;
    free(room->at);
    *room = (c2s_float_room){0};
    C2S_TRY(c2s_scratch(count, sizeof *room->at, &room->at));
    room->count = count;
    return C2S_OK;
}

c2s_slope_rule *c2s_slope_rule_of(const c2s_node *node) {
    c2s_slope_rule *rule = c2s_slope_linear(node);
    if (!rule)
        rule = c2s_slope_pointwise(node);
    if (!rule)
        rule = c2s_slope_functions(node);
    if (!rule)
        rule = c2s_slope_reduction(node);
    return rule ? rule : c2s_slope_movement(node);
}

static state *state_of(const c2s_backward *b, const c2s_value *own) {
    return &b->states[own->id];
}

static void hold(state *s, const c2s_tensor *tensor) {
    c2s_tensor_unref(s->tensor);
    s->tensor = tensor;
}

/* ---- open ---- */

/* Both graphs have the same nodes in the same order. */
static void pair_nodes(c2s_backward *b, const c2s_node *node, const c2s_node *own) {
    for (unsigned k = 0; k < node->input_count; k++)
        if (node->inputs[k].value)
            b->own[node->inputs[k].value->id] = own->inputs[k].value;
    for (unsigned k = 0; k < node->output_count; k++)
        if (node->outputs[k])
            b->own[node->outputs[k]->id] = own->outputs[k];
}

static void pair_values(c2s_backward *b, const c2s_graph *graph) {
    const c2s_node *own = b->model->graph->first;
    b->own = c2s_zalloc((graph->model->values.count + 1) * sizeof(c2s_value *));
    pair_nodes(b, graph->entry, b->model->graph->entry);
    pair_nodes(b, graph->exit, b->model->graph->exit);
    for (const c2s_node *node = graph->first; node; node = node->next, own = own->next)
        pair_nodes(b, node, own);
}

static bool is_float(const c2s_value *value) {
    return value->type.dtype == C2S_FLOAT;
}

/* What depends on something wanted by way of nodes with rules. */
static void find_moving(c2s_backward *b) {
    for (const c2s_node *n = b->model->graph->first; n; n = n->next) {
        bool moves = false;
        for (unsigned k = 0; k < n->formal_count; k++)
            moves |= n->inputs[k].value && state_of(b, n->inputs[k].value)->moving;
        if (moves && n->outputs[0] && is_float(n->outputs[0]) && c2s_slope_rule_of(n))
            state_of(b, n->outputs[0])->moving = true;
    }
}

static c2s_status check_nodes(const c2s_graph *graph) {
    for (const c2s_node *n = graph->first; n; n = n->next)
        if (!n->op->eval || n->body_attrs > 0)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "%s has a body, or cannot be executed",
                            c2s_node_text(n));
    return C2S_OK;
}

c2s_status c2s_backward_open(const c2s_graph *graph, const bool *wanted, c2s_backward **out) {
    *out = NULL;
    C2S_TRY(check_nodes(graph));
    c2s_backward *b = c2s_zalloc(sizeof *b);
    b->model = c2s_model_copy(graph->model);
    b->states = c2s_zalloc((b->model->values.count + 1) * sizeof *b->states);
    b->kept = c2s_zalloc((b->model->nodes.count + 1) * sizeof *b->kept);
    pair_values(b, graph);
    for (size_t id = 0; id < graph->model->values.count; id++)
        if (wanted && wanted[id] && b->own[id])
            state_of(b, b->own[id])->moving = true;
    find_moving(b);
    for (size_t id = 0; id < b->model->values.count; id++) {
        const c2s_value *value = b->model->values.at[id];
        if (value && value->constant)
            b->states[id].tensor = c2s_tensor_ref(value->constant);
    }
    *out = b;
    return C2S_OK;
}

void c2s_backward_close(c2s_backward *b) {
    if (!b)
        return;
    for (size_t id = 0; id < b->model->values.count; id++) {
        c2s_tensor_unref(b->states[id].tensor);
        free(b->states[id].slope.at);
    }
    for (size_t id = 0; id < b->model->nodes.count; id++)
        c2s_kept_free(&b->kept[id]);
    free(b->states);
    free(b->kept);
    free(b->own);
    free(b->scratch.at);
    c2s_model_destroy(b->model);
    free(b);
}

/* ---- forward ---- */

void c2s_backward_set(c2s_backward *b, const c2s_value *constant, c2s_tensor *tensor) {
    hold(state_of(b, b->own[constant->id]), c2s_tensor_ref(tensor));
}

static bool is_float_conv(const c2s_node *node, const c2s_tensor *const *in) {
    return node->op == &c2s_op_conv && in[0]->type.dtype == C2S_FLOAT &&
           in[1]->type.dtype == C2S_FLOAT;
}

/* Products of matrices are faster than the operator's own loops. */
static c2s_status run_conv(c2s_backward *b, const c2s_node *node, const c2s_tensor *const *in,
                           c2s_tensor **out) {
    const c2s_tensor *bias = node->formal_count > 2 ? in[2] : NULL;
    c2s_conv_shape shape;
    C2S_TRY(c2s_conv_shape_of(node, false, &in[0]->type, &in[1]->type, &shape));
    C2S_TRY(c2s_conv_check_bias(&shape, bias));
    const size_t floats = c2s_conv_scratch(&shape);
    if (floats == 0)
        return c2s_fail_alloc(in[0]->count, in[1]->count);
    C2S_TRY(c2s_float_room_for(&b->scratch, floats));
    int64_t dim[C2S_MAX_RANK] = {shape.batch, shape.groups * shape.out};
    for (int k = 0; k < shape.window.rank; k++)
        dim[k + 2] = shape.window.out[k];
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, shape.window.rank + 2, dim, out));
    c2s_conv_products(&shape, c2s_tensor_data(in[0]), c2s_tensor_data(in[1]),
                      bias ? c2s_tensor_data(bias) : NULL, b->scratch.at, c2s_tensor_mutable(*out));
    return C2S_OK;
}

static c2s_status run_node(c2s_backward *b, const c2s_node *node) {
    const c2s_tensor **in = c2s_zalloc((node->formal_count + 1u) * sizeof *in);
    c2s_tensor **out = c2s_zalloc((node->output_count + 1u) * sizeof *out);
    for (unsigned k = 0; k < node->formal_count; k++)
        in[k] = node->inputs[k].value ? state_of(b, node->inputs[k].value)->tensor : NULL;
    const c2s_status status = is_float_conv(node, in)
                                  ? run_conv(b, node, in, out)
                                  : c2s_node_eval_again(node, in, out, NULL, 0, &b->kept[node->id]);
    for (unsigned k = 0; k < node->output_count; k++) {
        if (status == C2S_OK && node->outputs[k])
            hold(state_of(b, node->outputs[k]), out[k]);
        else
            c2s_tensor_unref(out[k]);
    }
    free(in);
    free(out);
    return status;
}

c2s_status c2s_backward_run(c2s_backward *b, const c2s_tensor *const *in) {
    const c2s_graph *graph = b->model->graph;
    C2S_TRY(c2s_eval_check_inputs(graph, in));
    for (size_t id = 0; id < b->model->values.count; id++)
        b->states[id].sloped = false;
    for (unsigned k = 0; k < graph->formal_inputs; k++) {
        const c2s_value *value = graph->entry->outputs[k];
        hold(state_of(b, value), c2s_tensor_ref(in[k] ? in[k] : value->initial));
    }
    for (const c2s_node *n = graph->first; n; n = n->next)
        if (!n->outputs[0] || !n->outputs[0]->constant)
            C2S_TRY(run_node(b, n));
    return C2S_OK;
}

const c2s_tensor *c2s_backward_value(const c2s_backward *b, const c2s_value *value) {
    return state_of(b, b->own[value->id])->tensor;
}

/* ---- backward ---- */

static float *slope_of(state *s) {
    if (!s->moving || !s->tensor)
        return NULL;
    if (s->sum)
        return s->sum;
    if (!s->sloped) {
        if (c2s_float_room_for(&s->slope, s->tensor->count) != C2S_OK)
            return NULL;
        memset(s->slope.at, 0, s->tensor->count * sizeof *s->slope.at);
        s->sloped = true;
    }
    return s->slope.at;
}

float *c2s_backward_slope(c2s_backward *b, const c2s_value *value) {
    return slope_of(state_of(b, b->own[value->id]));
}

void c2s_backward_collect(c2s_backward *b, const c2s_value *constant, float *sum) {
    state_of(b, b->own[constant->id])->sum = sum;
}

static c2s_status derive_node(c2s_backward *b, const c2s_node *node) {
    state *y = state_of(b, node->outputs[0]);
    const c2s_tensor **in = c2s_zalloc((node->formal_count + 1u) * sizeof *in);
    float **dx = c2s_zalloc((node->formal_count + 1u) * sizeof *dx);
    c2s_status status = C2S_OK;
    for (unsigned k = 0; k < node->formal_count; k++) {
        state *x = node->inputs[k].value ? state_of(b, node->inputs[k].value) : NULL;
        in[k] = x ? x->tensor : NULL;
        dx[k] = x ? slope_of(x) : NULL;
        if (x && x->moving && !dx[k])
            status = c2s_fail_alloc(x->tensor->count, sizeof(float));
    }
    const c2s_slope s = {node, in, y->tensor, y->slope.at, dx, &b->scratch};
    if (status == C2S_OK)
        status = c2s_slope_rule_of(node)(&s);
    free(in);
    free(dx);
    return status;
}

c2s_status c2s_backward_propagate(c2s_backward *b) {
    for (const c2s_node *n = b->model->graph->last; n; n = n->prev) {
        const state *y = n->outputs[0] ? state_of(b, n->outputs[0]) : NULL;
        if (y && y->moving && y->sloped && y->tensor->count > 0)
            C2S_TRY(derive_node(b, n));
    }
    return C2S_OK;
}
