/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a model that was made of any bytes, within bounds.
 */
#ifndef C2S_TESTS_RUN_MODEL_H
#define C2S_TESTS_RUN_MODEL_H

#include "eval/runner.h"

enum { RUN_MOST_INPUTS = 8, RUN_MOST_OUTPUTS = 64 };

/* So many times, of which the last makes `out`: what is kept between runs shows in the second. */
static c2s_status run_model(const c2s_graph *graph, const c2s_evaluator *evaluator, unsigned runs,
                            c2s_tensor *const *in, c2s_tensor **out) {
    static const c2s_eval_options options = {.threads = 1, .memory_limit = 4 << 20};
    c2s_runner *runner = NULL;
    C2S_TRY(c2s_runner_open(graph, evaluator, &options, &runner));
    c2s_status status = C2S_OK;
    for (unsigned i = 0; i < runs && status == C2S_OK; i++) {
        for (unsigned k = 0; k < c2s_graph_output_count(graph) && i > 0; k++)
            c2s_tensor_unref(out[k]);
        status = c2s_runner_run(runner, (const c2s_tensor *const *)in, out);
    }
    c2s_runner_close(runner);
    return status;
}

#endif
