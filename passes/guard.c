/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/guard.h"

#include "base/log.h"
#include "ir/swap.h"

/* What a pass made that was asked for because of the size may be slower. */
static bool is_slower(const c2s_pipeline *pipeline, const c2s_prover *prover, c2s_model *model,
                      const c2s_pipeline_result *result, char text[C2S_SLOWER_TEXT]) {
    unsigned rewrites = 0;
    for (size_t i = 0; i < result->steps.count; i++)
        if (result->steps.at[i].report.outcome == C2S_APPLIED) {
            if (pipeline->steps.at[i].pass->for_size)
                return false;
            rewrites += result->steps.at[i].report.rewrites;
        }
    return rewrites > 0 && prover->slower(prover->user, model, text);
}

static void go_back(c2s_model *model, const c2s_model *before, c2s_prover *prover,
                    c2s_trace *trace) {
    c2s_prover_restart(prover);
    c2s_model *fresh = c2s_model_copy(before);
    c2s_model_swap(model, fresh);
    c2s_model_destroy(fresh);
    if (trace)
        c2s_trace_cut(trace, 0);
}

static void report_rollback(c2s_pipeline_result *result, const char *why) {
    for (size_t i = 0; i < result->steps.count; i++) {
        c2s_pass_report *pass = &result->steps.at[i].report;
        if (pass->outcome != C2S_APPLIED)
            continue;
        pass->outcome = C2S_ROLLED_BACK;
        pass->reason = c2s_arena_strdup(result->arena, why);
        result->steps.at[i].left_out.count = 0;
    }
}

static c2s_status look_back(const c2s_pipeline *pipeline, c2s_model *model, const c2s_model *before,
                            const c2s_pipeline_options *options, c2s_prover *prover,
                            c2s_pipeline_result *result) {
    char text[C2S_SLOWER_TEXT];
    if (!is_slower(pipeline, options->prover, model, result, text))
        return C2S_OK;
    c2s_log(0, "%s: looking for the rewrite to blame", text);
    c2s_pipeline_result_free(result);
    go_back(model, before, prover, options->trace);
    c2s_pipeline_options strict = *options;
    strict.guard = true;
    C2S_TRY(c2s_pipeline_run(pipeline, model, &strict, result));
    if (!is_slower(pipeline, options->prover, model, result, text))
        return C2S_OK;
    go_back(model, before, prover, options->trace);
    report_rollback(result, text);
    c2s_log(0, "everything is rolled back: %s", text);
    return C2S_OK;
}

c2s_status c2s_guard_run(const c2s_pipeline *pipeline, c2s_model *model,
                         const c2s_pipeline_options *options, c2s_prover *prover,
                         c2s_pipeline_result *result) {
    c2s_model *before = c2s_model_copy(model);
    c2s_status status = c2s_pipeline_run(pipeline, model, options, result);
    if (status == C2S_OK) {
        c2s_prover_race(prover, before);
        status = look_back(pipeline, model, before, options, prover, result);
        c2s_prover_race(prover, NULL);
    }
    c2s_model_destroy(before);
    return status;
}
