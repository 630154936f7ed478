/* SPDX-License-Identifier: Apache-2.0 */
/* Any model file through what the main job does before its passes: load, normalise, infer, and a
 * run of the plain evaluator. Graphs with bodies are not run: a loop may ask for any number of
 * rounds. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "c2s.h"
#include "eval/evaluator.h"
#include "io/load.h"
#include "io/normalise.h"
#include "ir/graph.h"
#include "ops/op.h"

#define INPUTS_MAX      8
#define OUTPUTS_MAX     64
#define NODES_MAX       200
#define TENSOR_BYTES    (1u << 16)
#define SYMBOLIC_EXTENT 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_verify(const c2s_model *model, const char *after) {
    if (c2s_model_verify(model) == C2S_OK)
        return;
    fprintf(stderr, "after %s: %s\n", after, c2s_error());
    abort();
}

/* A tensor of small integers 0, 1, 2, 0, ... for the type; NULL if it is none or too large. */
static c2s_tensor *make_input(const c2s_type *type) {
    int64_t dim[C2S_MAX_RANK], values[1024];
    size_t count = 1;
    if (!c2s_type_is_tensor(type) || type->rank < 0 || !c2s_dtype_is_real(type->dtype))
        return NULL;
    for (int k = 0; k < type->rank; k++) {
        dim[k] = c2s_dim_is_known(type->dim[k]) ? type->dim[k] : SYMBOLIC_EXTENT;
        if (dim[k] < 0 || dim[k] > 1024)
            return NULL;
        count *= (size_t)dim[k];
        if (count > sizeof values / sizeof *values)
            return NULL;
    }
    for (size_t i = 0; i < count; i++)
        values[i] = (int64_t)(i % 3);
    c2s_tensor *tensor = NULL;
    return c2s_tensor_from_i64(type->dtype, type->rank, dim, values, &tensor) == C2S_OK ? tensor
                                                                                        : NULL;
}

static bool may_run(const c2s_graph *graph) {
    unsigned nodes = 0;
    if (c2s_graph_input_count(graph) > INPUTS_MAX || c2s_graph_output_count(graph) > OUTPUTS_MAX)
        return false;
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (c2s_node_body(node, 0) || ++nodes > NODES_MAX)
            return false;
    return true;
}

static void run_graph(const c2s_graph *graph) {
    const c2s_evaluator *evaluator = &c2s_evaluator_reference;
    c2s_eval_options options = {.threads = 1, .memory_limit = TENSOR_BYTES};
    const c2s_tensor *in[INPUTS_MAX] = {NULL};
    c2s_tensor *out[OUTPUTS_MAX] = {NULL};
    c2s_session *session = NULL;
    bool complete = may_run(graph);
    for (unsigned i = 0; complete && i < c2s_graph_input_count(graph); i++)
        complete = (in[i] = make_input(&c2s_graph_input(graph, i)->type)) != NULL;
    if (complete && evaluator->open(graph, &options, &session) == C2S_OK) {
        if (evaluator->run(session, in, out) == C2S_OK)
            for (unsigned i = 0; i < c2s_graph_output_count(graph); i++)
                c2s_tensor_unref(out[i]);
        evaluator->close(session);
    }
    for (unsigned i = 0; i < INPUTS_MAX; i++)
        c2s_tensor_unref(in[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    void *copy = malloc(size ? size : 1);
    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    c2s_model *model = NULL;
    if (c2s_model_load_memory(copy, size, "fuzz.onnx", &model) == C2S_OK &&
        c2s_model_normalise(model) == C2S_OK) {
        must_verify(model, "normalise");
        if (c2s_graph_infer(model->graph) == C2S_OK) {
            must_verify(model, "infer");
            run_graph(model->graph);
        }
    }
    c2s_model_destroy(model);
    c2s_error_clear();
    return 0;
}
