/* SPDX-License-Identifier: Apache-2.0
 *
 * One case of a pass: a graph, the pipeline, the operators that must be left, the same results.
 */
#ifndef C2S_TESTS_PASS_CASE_H
#define C2S_TESTS_PASS_CASE_H

#include "unit/make_graph.h"

#include "base/log.h"
#include "passes/custom/custom.h"
#include "passes/pipeline.h"

/* All refusals of the last pass, one a line. */
static char refusals[8192];
static void keep_refusal(void *user, int level, const char *text) {
    (void)user;
    (void)level;
    size_t length = strlen(refusals);
    snprintf(refusals + length, sizeof refusals - length, "%s\n", text);
}

/* What was done has a name that users can give to --skip. */
static inline void check_names(const c2s_stats *stats, const c2s_rules *rules) {
    for (size_t i = 0; i < stats->rules.count; i++)
        if (strcmp(stats->rules.at[i].name, "dead-nodes") != 0 &&
            !c2s_rules_have(rules, stats->rules.at[i].name) &&
            c2s_rewrite_check_name(stats->rules.at[i].name) != C2S_OK)
            fail_msg("%s", c2s_error());
}

/* Runs the pipeline, the pass custom with `rules` (may be NULL); the model must verify. Returns the
 * number of rewrites. */
static inline unsigned run_passes_with(c2s_model *model, const char *text, const c2s_rules *rules) {
    c2s_log_sink sink = {.verbosity = 1, .line = keep_refusal};
    const c2s_log_sink *before = c2s_log_set_sink(&sink);
    refusals[0] = '\0';
    c2s_pipeline *pipeline;
    c2s_pipeline_result result;
    if (c2s_pipeline_parse(text, &pipeline) != C2S_OK)
        fail_msg("%s", c2s_error());
    if (rules)
        assert_true(c2s_pipeline_use(pipeline, c2s_rules_pass(rules)));
    c2s_pipeline_options options = {.evaluator = &c2s_evaluator_reference};
    if (c2s_pipeline_run(pipeline, model, &options, &result) != C2S_OK)
        fail_msg("%s", c2s_error());
    unsigned rewrites = 0;
    for (size_t i = 0; i < result.steps.count; i++) {
        if (result.steps.at[i].report.reason)
            fail_msg("rolled back: %s", result.steps.at[i].report.reason);
        check_names(&result.steps.at[i].stats, rules);
        rewrites += result.steps.at[i].report.rewrites;
    }
    c2s_pipeline_result_free(&result);
    c2s_pipeline_free(pipeline);
    c2s_log_set_sink(before);
    return rewrites;
}

static inline unsigned run_passes(c2s_model *model, const char *text) {
    return run_passes_with(model, text, NULL);
}

/* After `passes` the operators are `expected`, and every output is the same up to `tolerance`.
 * Takes the model, which it frees. */
static inline void check_case(c2s_model *model, const char *passes, const char *expected,
                              double tolerance) {
    c2s_model *original = c2s_model_copy(model);
    run_passes(model, passes);
    assert_string_equal(ops_of(model->graph), expected);
    double difference = largest_difference(original, model);
    if (!(difference <= tolerance))
        fail_msg("outputs differ by %g, allowed is %g", difference, tolerance);
    c2s_model_destroy(original);
    c2s_model_destroy(model);
}

/* The same for a graph that must stay as it is, with a refusal that contains `reason` (NULL: none
 * is expected). */
static inline void check_refused(c2s_model *model, const char *passes, const char *expected,
                                 const char *reason) {
    run_passes(model, passes);
    assert_string_equal(ops_of(model->graph), expected);
    if (reason && !strstr(refusals, reason))
        fail_msg("expected a refusal with \"%s\", found:\n%s", reason, refusals);
    c2s_model_destroy(model);
}

#endif
