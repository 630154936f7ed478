/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/concrete.h"

#include "ops/infer.h"

/* Largest constant that is computed on the way; shapes and pads are far smaller. */
enum { MAX_FOLDED_BYTES = 4096 };

/* What is known of a value beside its type, by value id. */
typedef struct known {
    const c2s_dim *contents;
    unsigned count;
    const c2s_tensor *tensor; /* computed here: a reference is held */
} known;

typedef struct state {
    c2s_concrete *c;
    known *known;
} state;

static const c2s_tensor *constant_of(const state *s, const c2s_value *value) {
    return value->constant ? value->constant : s->known[value->id].tensor;
}

/* Small results of constants are computed, so that shapes come out however they are calculated. */
static bool may_compute(const state *s, const c2s_node *node, const c2s_inferred *found) {
    if (!node->op->eval || node->input_count != node->formal_count || c2s_node_is_random(node) ||
        (node->op->flags & C2S_OP_HAS_BODY))
        return false;
    for (unsigned k = 0; k < node->formal_count; k++)
        if (node->inputs[k].value && !constant_of(s, node->inputs[k].value))
            return false;
    for (unsigned k = 0; k < node->output_count; k++) {
        size_t count, size;
        if (node->outputs[k] &&
            (!c2s_type_elements(&found->type[k], &count) ||
             !c2s_dtype_size(found->type[k].dtype, count, &size) || size > MAX_FOLDED_BYTES))
            return false;
    }
    return true;
}

static void compute(state *s, const c2s_node *node) {
    const c2s_tensor **in = c2s_arena_array(s->c->arena, node->formal_count, sizeof *in);
    c2s_tensor **out = c2s_arena_array(s->c->arena, node->output_count, sizeof *out);
    for (unsigned k = 0; k < node->formal_count; k++)
        if (node->inputs[k].value)
            in[k] = constant_of(s, node->inputs[k].value);
    if (c2s_node_eval(node, in, out, NULL, MAX_FOLDED_BYTES) != C2S_OK) {
        c2s_error_clear();
        return;
    }
    for (unsigned k = 0; k < node->output_count; k++) {
        if (!out[k])
            continue;
        const c2s_value *value = node->outputs[k];
        c2s_tensor_unref(s->known[value->id].tensor);
        s->c->type[value->id] = out[k]->type;
        s->known[value->id].tensor = out[k];
    }
}

/* Contents without a symbol are a constant too. */
static void keep_contents(state *s, const c2s_value *value) {
    known *k = &s->known[value->id];
    const c2s_type *type = &s->c->type[value->id];
    size_t count;
    if (!k->contents || k->tensor || !c2s_type_elements(type, &count) || count != k->count)
        return;
    for (unsigned i = 0; i < k->count; i++)
        if (!c2s_dim_is_known(k->contents[i]))
            return;
    c2s_tensor *tensor;
    if (c2s_tensor_from_i64(type->dtype, type->rank, type->dim, k->contents, &tensor) == C2S_OK)
        k->tensor = tensor;
}

static void infer_node(state *s, const c2s_node *node) {
    c2s_concrete *c = s->c;
    c2s_fact *in = c2s_arena_array(c->arena, node->formal_count, sizeof *in);
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_value *value = node->inputs[k].value;
        if (value)
            in[k] = (c2s_fact){&c->type[value->id], constant_of(s, value),
                               s->known[value->id].contents, s->known[value->id].count};
    }
    c2s_inferred found;
    c2s_status status = c2s_infer_run(node, c->graph->model->dims, c->arena, in, false, &found);
    if (status != C2S_OK) {
        c->valid = c->valid && status != C2S_ERR_INVALID;
        c2s_error_clear();
        return;
    }
    for (unsigned k = 0; k < node->output_count; k++)
        if (node->outputs[k] && !node->outputs[k]->constant) {
            const c2s_value *value = node->outputs[k];
            c->type[value->id] = found.type[k];
            s->known[value->id].contents = found.contents[k];
            s->known[value->id].count = found.content_count[k];
            keep_contents(s, value);
        }
    if (may_compute(s, node, &found))
        compute(s, node);
}

void c2s_concrete_infer(const c2s_graph *graph, const c2s_type *inputs, c2s_concrete *out) {
    size_t count = graph->model->values.count;
    *out = (c2s_concrete){.graph = graph, .arena = c2s_arena_create(), .valid = true};
    out->type = c2s_arena_array(out->arena, count, sizeof *out->type);
    state s = {out, c2s_arena_array(out->arena, count, sizeof *s.known)};
    for (size_t i = 0; i < count; i++) {
        const c2s_value *value = graph->model->values.at[i];
        out->type[i] = value && value->constant ? value->constant->type : c2s_type_unknown();
    }
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++)
        out->type[c2s_graph_input(graph, k)->id] = inputs[k];
    for (const c2s_node *node = graph->first; node; node = node->next)
        infer_node(&s, node);
    for (size_t i = 0; i < count; i++)
        c2s_tensor_unref(s.known[i].tensor);
}

void c2s_concrete_free(c2s_concrete *concrete) {
    c2s_arena_destroy(concrete->arena);
    *concrete = (c2s_concrete){0};
}

/* Bodies see the extents of what they capture. */
static void infer_bodies(const c2s_graph *graph) {
    for (c2s_node *node = graph->first; node; node = node->next)
        if (node->op->flags & C2S_OP_HAS_BODY && c2s_node_infer(node) != C2S_OK)
            c2s_error_clear();
}

void c2s_concrete_apply(c2s_graph *graph, const c2s_type *inputs) {
    c2s_concrete concrete;
    c2s_concrete_infer(graph, inputs, &concrete);
    for (size_t i = 0; i < graph->model->values.count; i++) {
        c2s_value *value = graph->model->values.at[i];
        if (value && value->graph == graph && !value->constant &&
            concrete.type[i].kind == C2S_KIND_TENSOR)
            c2s_value_set_type(value, &concrete.type[i]);
    }
    c2s_concrete_free(&concrete);
    infer_bodies(graph);
}
