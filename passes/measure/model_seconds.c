/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/model_seconds.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/timing.h"
#include "eval/random_inputs.h"
#include "eval/runner.h"

/* Runs: after each so many seconds the least of so many times counts. */
enum { TURNS = 5 };
#define LEAST_SECONDS 0.0005

static c2s_status run_once(c2s_runner *runner, const c2s_tensor *const *in, c2s_tensor **out,
                           unsigned outputs) {
    C2S_TRY(c2s_runner_run(runner, in, out));
    for (unsigned k = 0; k < outputs; k++)
        c2s_tensor_unref(out[k]);
    return C2S_OK;
}

static c2s_status time_runs(c2s_runner *runner, const c2s_tensor *const *in, c2s_tensor **out,
                            unsigned outputs, double *seconds) {
    *seconds = INFINITY;
    C2S_TRY(run_once(runner, in, out, outputs)); /* prepares what is prepared once */
    for (int turn = 0; turn < TURNS; turn++) {
        unsigned runs = 0;
        const double start = c2s_processor_clock();
        double spent = 0;
        for (; spent < LEAST_SECONDS; spent = c2s_processor_clock() - start, runs++)
            C2S_TRY(run_once(runner, in, out, outputs));
        *seconds = fmin(*seconds, spent / runs);
    }
    return C2S_OK;
}

c2s_status c2s_model_seconds(const c2s_model *model, const c2s_pass_context *context,
                             double *seconds) {
    const unsigned inputs = c2s_graph_input_count(model->graph),
                   outputs = c2s_graph_output_count(model->graph);
    const c2s_random_options random = {.seed = context->seed};
    c2s_eval_options eval = context->eval;
    eval.threads = 1;
    c2s_tensor **in = c2s_zalloc((inputs + outputs + 1u) * sizeof *in);
    c2s_runner *runner = NULL;
    c2s_status status = c2s_random_inputs(model->graph, &random, in);
    if (status == C2S_OK)
        status = c2s_runner_open(model->graph, context->evaluator, &eval, &runner);
    if (status == C2S_OK)
        status = time_runs(runner, (const c2s_tensor *const *)in, in + inputs, outputs, seconds);
    c2s_runner_close(runner);
    for (unsigned k = 0; k < inputs; k++)
        c2s_tensor_unref(in[k]);
    free(in);
    return status;
}
