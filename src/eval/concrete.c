/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/concrete.h"

#include "ops/infer.h"

/* Contents of small integer tensors, by value id. */
typedef struct known {
    const c2s_dim *contents;
    unsigned count;
} known;

static void infer_node(c2s_concrete *c, known *contents, const c2s_node *node) {
    c2s_fact *in = c2s_arena_array(c->arena, node->formal_count, sizeof *in);
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_value *value = node->inputs[k].value;
        if (value)
            in[k] = (c2s_fact){&c->type[value->id], value->constant, contents[value->id].contents,
                               contents[value->id].count};
    }
    c2s_inferred found;
    c2s_status status =
        c2s_infer_run(node, c->graph->model->dims, c->arena, in, false, &found);
    if (status != C2S_OK) {
        c->valid = c->valid && status != C2S_ERR_INVALID;
        c2s_error_clear();
        return;
    }
    for (unsigned k = 0; k < node->output_count; k++)
        if (node->outputs[k] && !node->outputs[k]->constant) {
            c->type[node->outputs[k]->id] = found.type[k];
            contents[node->outputs[k]->id] = (known){found.contents[k], found.content_count[k]};
        }
}

void c2s_concrete_infer(const c2s_graph *graph, const c2s_type *inputs, c2s_concrete *out) {
    size_t count = graph->model->values.count;
    *out = (c2s_concrete){.graph = graph, .arena = c2s_arena_create(), .valid = true};
    out->type = c2s_arena_array(out->arena, count, sizeof *out->type);
    known *contents = c2s_arena_array(out->arena, count, sizeof *contents);
    for (size_t i = 0; i < count; i++) {
        const c2s_value *value = graph->model->values.at[i];
        out->type[i] = value && value->constant ? value->constant->type : c2s_type_unknown();
    }
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++)
        out->type[c2s_graph_input(graph, k)->id] = inputs[k];
    for (const c2s_node *node = graph->first; node; node = node->next)
        infer_node(out, contents, node);
}

void c2s_concrete_free(c2s_concrete *concrete) {
    c2s_arena_destroy(concrete->arena);
    *concrete = (c2s_concrete){0};
}
