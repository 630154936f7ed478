/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a model (grown_model.h), run by the oneDNN session and by the plain evaluator on the
 * same small inputs: both fail, or the results have the same types. With C2S_FUZZ_STRICT they must
 * have the same values, too. */
#include "fuzz/grown_model.h"
#include "fuzz/run_model.h"

#include "eval/compare.h"
#include "eval/random_inputs.h"
#include "runtime/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unique of two codes that differ by rounding has one element more. */
static bool has_extents_of_content(const c2s_graph *graph) {
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (node->op->flags & C2S_OP_SIZES_OUTPUTS)
            return true;
    return false;
}

static void compare(const c2s_graph *graph, c2s_tensor *const *a, c2s_tensor *const *b) {
    const bool open = has_extents_of_content(graph);
    for (unsigned k = 0; k < c2s_graph_output_count(graph); k++) {
        c2s_difference difference;
        const bool equal = c2s_compare(a[k], b[k], -1, &difference);
        const bool fits = difference.same_type || (open && a[k]->type.dtype == b[k]->type.dtype);
        if (fits && (equal || !getenv("C2S_FUZZ_STRICT")))
            continue;
        c2s_text_write(graph->model, NULL, stderr);
        fprintf(stderr, "output %u differs: %s: %g, %g\n", k, difference.where,
                difference.reference, difference.found);
        abort();
    }
}

static void run_both(const c2s_graph *graph) {
    const c2s_random_options random = {.seed = 1};
    c2s_tensor *in[RUN_MOST_INPUTS] = {NULL}, *a[RUN_MOST_OUTPUTS] = {NULL},
               *b[RUN_MOST_OUTPUTS] = {NULL};
    const unsigned inputs = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    if (inputs > RUN_MOST_INPUTS || outputs > RUN_MOST_OUTPUTS ||
        c2s_random_inputs(graph, &random, in) != C2S_OK)
        return;
    const c2s_status plain = run_model(graph, &c2s_evaluator_reference, 2, in, a);
    if (plain != C2S_OK)
        must(*c2s_error() != '\0', "refused without a message");
    const c2s_status fast = run_model(graph, &c2s_evaluator_onednn, 2, in, b);
    if (fast != C2S_OK)
        must(*c2s_error() != '\0', "refused without a message");
    if (plain == C2S_OK && fast == C2S_OK)
        compare(graph, a, b);
    for (unsigned k = 0; k < outputs; k++) {
        if (plain == C2S_OK)
            c2s_tensor_unref(a[k]);
        if (fast == C2S_OK)
            c2s_tensor_unref(b[k]);
    }
    for (unsigned k = 0; k < inputs; k++)
        c2s_tensor_unref(in[k]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    c2s_model *model = grown_model(data, size);
    if (c2s_graph_infer(model->graph) == C2S_OK && !grown_has_bodies(model)) {
        must(c2s_model_verify(model) == C2S_OK, "after inference");
        run_both(model->graph);
    }
    c2s_model_destroy(model);
    c2s_error_clear();
    return 0;
}
