/* SPDX-License-Identifier: Apache-2.0 */
/* The pipeline's text, and its run with proof, rollback and bisection. */
#include "unit/make_graph.h"

#include "passes/pipeline.h"

static void expect_error(const char *text, const char *message) {
    c2s_pipeline *pipeline = NULL;
    assert_int_equal(c2s_pipeline_parse(text, &pipeline), C2S_ERR_USAGE);
    if (!strstr(c2s_error(), message))
        fail_msg("\"%s\": expected \"%s\", found \"%s\"", text, message, c2s_error());
}

static void reads_text(void **state) {
    (void)state;
    c2s_pipeline *p;
    assert_int_equal(c2s_pipeline_parse(" cleanup ( fold_limit = 2M , keep_initializer_inputs ), "
                                        "cleanup",
                                        &p),
                     C2S_OK);
    assert_int_equal(p->steps.count, 2);
    uint64_t bytes;
    bool flag;
    assert_int_equal(c2s_option_bytes(&p->steps.at[0].options, "fold_limit", &bytes), C2S_OK);
    assert_int_equal(bytes, 2 << 20);
    assert_int_equal(c2s_option_flag(&p->steps.at[0].options, "keep_initializer_inputs", &flag),
                     C2S_OK);
    assert_true(flag);
    assert_int_equal(c2s_option_flag(&p->steps.at[1].options, "keep_initializer_inputs", &flag),
                     C2S_OK);
    assert_false(flag);
    c2s_pipeline_set(p, "cleanup", "fold_limit", "17");
    assert_int_equal(c2s_option_bytes(&p->steps.at[1].options, "fold_limit", &bytes), C2S_OK);
    assert_int_equal(bytes, 17);
    c2s_pipeline_free(p);
    assert_int_equal(c2s_pipeline_parse("none", &p), C2S_OK);
    assert_int_equal(p->steps.count, 0);
    c2s_pipeline_free(p);
}

static void explains_errors(void **state) {
    (void)state;
    expect_error("", "expected the name of a pass");
    expect_error("cleanup,", "ends too early");
    expect_error("tidy", "there is no pass \"tidy\"; there are cleanup");
    expect_error("cleanup(foo=1)", "no option \"foo\"; it has fold_limit, fold_growth, "
                                   "tie_transposed, keep_initializer_inputs");
    expect_error("cleanup(fold_limit=", "a value");
    expect_error("cleanup(fold_limit=1", "',' or ')'");
    expect_error("cleanup cleanup", "found 'c' at character 9");
    expect_error("cleanup)", "found ')'");
    c2s_pipeline *p;
    uint64_t bytes;
    static const char *const wrong[] = {"12x", "-1", "k", "99999999999999999999", "20000000000G"};
    for (int i = 0; i < 5; i++) {
        char text[80];
        snprintf(text, sizeof text, "cleanup(fold_limit=%s)", wrong[i]);
        assert_int_equal(c2s_pipeline_parse(text, &p), C2S_OK);
        assert_int_equal(c2s_option_bytes(&p->steps.at[0].options, "fold_limit", &bytes),
                         C2S_ERR_USAGE);
        assert_non_null(strstr(c2s_error(), "pass cleanup: option fold_limit"));
        c2s_pipeline_free(p);
    }
}

#define ALL "Abs Identity Identity Identity Identity Identity Identity"

/* A pass that removes the identities of a chain one by one; the third removal does damage. */
static c2s_status break_third(c2s_model *model, const c2s_options *options,
                              const c2s_pass_context *context, c2s_stats *stats) {
    (void)options;
    (void)context;
    int place = 0;
    for (c2s_node *node = model->graph->first, *next; node; node = next) {
        next = node->next;
        if (!c2s_node_is(node, "Identity") || !c2s_stats_may_apply(stats))
            continue;
        const char *kind = ++place == 3 ? "bad-rule" : "good-rule";
        if (c2s_stats_skips(stats, kind, c2s_node_text(node)))
            continue;
        c2s_stats_apply(stats, kind, c2s_node_text(node));
        c2s_stats_removed(stats, node);
        if (place == 3)
            c2s_node_set_type(node, "", "Neg");
        else
            c2s_value_replace(node->outputs[0], node->inputs[0].value);
    }
    return C2S_OK;
}

static c2s_status prove(void *user, c2s_model *before, c2s_model *after, c2s_proof *proof) {
    (*(int *)user)++;
    proof->error = largest_difference(before, after);
    proof->verdict = proof->error > 1e-6 ? C2S_DIFFERENT : C2S_PROVED;
    snprintf(proof->text, sizeof proof->text, "output \"y\" differs");
    return C2S_OK;
}

static c2s_status fail_run(c2s_model *model, const c2s_options *options,
                           const c2s_pass_context *context, c2s_stats *stats) {
    (void)options;
    (void)context;
    c2s_stats_apply(stats, "half-done", c2s_node_text(model->graph->first));
    c2s_node_set_type(model->graph->first, "", "Neg");
    return c2s_fail(C2S_ERR_UNSUPPORTED, "stopped half way");
}

static c2s_model *identities(void) {
    c2s_model *m = make_model();
    c2s_value *y = OP(m, "Abs", INPUT(m, "x", 2, 3));
    for (int i = 0; i < 6; i++)
        y = OP(m, "Identity", y);
    make_output(y, "y");
    return m;
}

/* `after`: the operators that are left; NULL: all of them. */
static void run_own(const c2s_pass *pass, bool bisect, c2s_pipeline_result *result, int *proofs,
                    const char *after) {
    c2s_model *m = identities();
    c2s_pipeline pipeline = {0};
    c2s_vec_push(&pipeline.steps, (c2s_pipeline_step){.pass = pass});
    c2s_prover prover = {.prove = prove, .user = proofs};
    c2s_pipeline_options options = {.prover = &prover, .bisect = bisect};
    assert_int_equal(c2s_pipeline_run(&pipeline, m, &options, result), C2S_OK);
    assert_int_equal(c2s_model_verify(m), C2S_OK);
    assert_string_equal(ops_of(m->graph), after ? after : ALL);
    assert_ptr_equal(m->graph->model, m);
    c2s_vec_free(&pipeline.steps);
    c2s_model_destroy(m);
}

static void rolls_back_what_breaks(void **state) {
    (void)state;
    static const c2s_pass bad = {.name = "bad", .summary = "", .run = break_third};
    for (int bisect = 0; bisect < 2; bisect++) {
        c2s_pipeline_result result;
        int proofs = 0;
        run_own(&bad, bisect, &result, &proofs, bisect ? "Abs Identity" : NULL);
        const c2s_step_result *step = &result.steps.at[0];
        const c2s_pass_report *report = &step->report;
        assert_int_equal(report->outcome, bisect ? C2S_APPLIED : C2S_ROLLED_BACK);
        assert_int_equal(report->rewrites, bisect ? 5 : 6);
        assert_int_equal(step->left_out.count, bisect);
        if (bisect) {
            assert_string_equal(step->left_out.at[0], "bad-rule at node \"Identity_3\" (Identity)");
            assert_true(report->error == 0);
        } else {
            assert_non_null(strstr(report->reason, "output \"y\" differs"));
            assert_true(report->error > 1);
        }
        assert_int_equal(proofs, bisect ? 5 : 1);
        c2s_pipeline_result_free(&result);
    }
}

/* A rule that is wrong wherever it applies is left out as a whole once it was so a few times. */
static c2s_status break_all(c2s_model *model, const c2s_options *options,
                            const c2s_pass_context *context, c2s_stats *stats) {
    (void)options;
    (void)context;
    for (int i = 0; i < 20 && c2s_stats_may_apply(stats); i++) {
        char where[32];
        snprintf(where, sizeof where, "place %d", i);
        if (c2s_stats_skips(stats, "bad-rule", where))
            continue;
        c2s_stats_apply(stats, "bad-rule", where);
        c2s_node_set_type(model->graph->first, "", "Neg");
    }
    return C2S_OK;
}

/* Breaks the model beside its rewrites, which it only makes together. */
static c2s_status break_beside(c2s_model *model, const c2s_options *options,
                               const c2s_pass_context *context, c2s_stats *stats) {
    (void)options;
    (void)context;
    c2s_node_set_type(model->graph->first, "", "Neg");
    for (int i = 0; i < 2 && stats->limit > 1; i++)
        c2s_stats_apply(stats, "good-rule", "somewhere");
    return C2S_OK;
}

/* Then no rewrite is to blame, and the search for one has an end. */
static void blames_nobody(void **state) {
    (void)state;
    static const c2s_pass bad = {.name = "bad", .summary = "", .run = break_beside};
    c2s_pipeline_result result;
    int proofs = 0;
    run_own(&bad, true, &result, &proofs, NULL);
    assert_int_equal(result.steps.at[0].report.outcome, C2S_ROLLED_BACK);
    assert_int_equal(result.steps.at[0].left_out.count, 0);
    assert_int_equal(proofs, 3);
    c2s_pipeline_result_free(&result);
}

static void leaves_out_all_of_a_kind(void **state) {
    (void)state;
    static const c2s_pass bad = {.name = "bad", .summary = "", .run = break_all};
    c2s_pipeline_result result;
    int proofs = 0;
    run_own(&bad, true, &result, &proofs, NULL);
    const c2s_step_result *step = &result.steps.at[0];
    assert_int_equal(step->report.outcome, C2S_UNCHANGED);
    assert_int_equal(step->left_out.count, 3);
    assert_string_equal(step->left_out.at[0], "bad-rule at place 0");
    assert_string_equal(step->left_out.at[2], "bad-rule everywhere");
    c2s_pipeline_result_free(&result);
}

/* What is wrong however much is left out: all of the pass goes. */
static c2s_status break_always(c2s_model *model, const c2s_options *options,
                               const c2s_pass_context *context, c2s_stats *stats) {
    C2S_TRY(break_all(model, options, context, stats));
    if (!c2s_stats_may_apply(stats))
        return C2S_OK;
    c2s_stats_apply(stats, "worse-rule", "the whole");
    c2s_node_set_type(model->graph->first, "", "Neg");
    return C2S_OK;
}

static void gives_up(void **state) {
    (void)state;
    static const c2s_pass bad = {.name = "bad", .summary = "", .run = break_always};
    c2s_pipeline_result result;
    int proofs = 0;
    run_own(&bad, true, &result, &proofs, NULL);
    const c2s_step_result *step = &result.steps.at[0];
    assert_int_equal(step->report.outcome, C2S_ROLLED_BACK);
    assert_int_equal(step->left_out.count, 0);
    assert_non_null(strstr(step->report.reason, "broken by bad-rule at place 0"));
    c2s_pipeline_result_free(&result);
}

/* Leaving out, stopping and recording. */
static void obeys_the_user(void **state) {
    (void)state;
    static const c2s_pass bad = {.name = "bad", .summary = "", .run = break_third};
    static const c2s_skip skips[] = {{"good-rule", "Identity_1", "not wanted"},
                                     {"bad-rule", NULL, "bad"}};
    c2s_trace *trace = c2s_trace_create();
    c2s_pipeline_options options = {.skips = skips, .skip_count = 2, .limit = 2, .trace = trace};
    c2s_model *m = identities();
    c2s_pipeline pipeline = {0};
    c2s_vec_push(&pipeline.steps, (c2s_pipeline_step){.pass = &bad});
    c2s_vec_push(&pipeline.steps, (c2s_pipeline_step){.pass = &bad});
    c2s_pipeline_result result;
    assert_int_equal(c2s_pipeline_run(&pipeline, m, &options, &result), C2S_OK);
    assert_string_equal(ops_of(m->graph), "Abs Identity Identity Identity Identity");
    assert_int_equal(result.steps.at[0].report.rewrites, 2);
    assert_int_equal(result.steps.at[1].report.rewrites, 0);
    assert_int_equal(trace->events.count, 4);
    static const char *const reasons[] = {"not wanted", NULL, "bad", NULL};
    for (size_t i = 0; i < 4; i++) {
        const c2s_event *event = &trace->events.at[i];
        assert_string_equal(event->pass, "bad");
        assert_int_equal(event->reason == NULL, reasons[i] == NULL);
        if (reasons[i])
            assert_string_equal(event->reason, reasons[i]);
        else
            assert_string_equal(event->removed.at[0], i == 1 ? "Identity_2" : "Identity_4");
    }
    assert_int_equal(c2s_rewrite_check_name("fold-constant"), C2S_OK);
    assert_int_equal(c2s_rewrite_check_name("pad-conv"), C2S_OK);
    assert_int_equal(c2s_rewrite_check_name("dead-nodes"), C2S_ERR_USAGE);
    assert_int_equal(c2s_rewrite_check_name("no-such-rule"), C2S_ERR_USAGE);
    c2s_pipeline_result_free(&result);
    c2s_vec_free(&pipeline.steps);
    c2s_trace_destroy(trace);
    c2s_model_destroy(m);
}

static void rolls_back_what_fails(void **state) {
    (void)state;
    static const c2s_pass bad = {.name = "bad", .summary = "", .run = fail_run};
    c2s_pipeline_result result;
    int proofs = 0;
    run_own(&bad, false, &result, &proofs, NULL);
    assert_int_equal(result.steps.at[0].report.outcome, C2S_ROLLED_BACK);
    assert_non_null(strstr(result.steps.at[0].report.reason, "stopped half way"));
    assert_int_equal(proofs, 0);
    c2s_pipeline_result_free(&result);
}

static void keeps_what_is_proved(void **state) {
    (void)state;
    c2s_model *m = make_model();
    make_output(OP(m, "Relu", OP(m, "Identity", INPUT(m, "x", 2, 3))), "y");
    c2s_pipeline *pipeline;
    c2s_pipeline_result result;
    int proofs = 0;
    c2s_prover prover = {.prove = prove, .user = &proofs};
    c2s_pipeline_options options = {.prover = &prover};
    assert_int_equal(c2s_pipeline_parse("cleanup,cleanup", &pipeline), C2S_OK);
    assert_int_equal(c2s_pipeline_run(pipeline, m, &options, &result), C2S_OK);
    assert_string_equal(ops_of(m->graph), "Relu");
    assert_int_equal(result.steps.at[0].report.outcome, C2S_APPLIED);
    assert_true(result.steps.at[0].report.error == 0);
    assert_int_equal(result.steps.at[1].report.outcome, C2S_UNCHANGED);
    assert_int_equal(proofs, 1);
    c2s_pipeline_result_free(&result);
    c2s_pipeline_free(pipeline);
    c2s_model_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_text),
        cmocka_unit_test(explains_errors),
        cmocka_unit_test(rolls_back_what_breaks),
        cmocka_unit_test(rolls_back_what_fails),
        cmocka_unit_test(blames_nobody),
        cmocka_unit_test(leaves_out_all_of_a_kind),
        cmocka_unit_test(gives_up),
        cmocka_unit_test(obeys_the_user),
        cmocka_unit_test(keeps_what_is_proved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
