/* SPDX-License-Identifier: Apache-2.0
 *
 * One case of a pass: a graph, the pipeline, the operators that must be left, the same results.
 */
#ifndef C2S_TESTS_PASS_CASE_H
#define C2S_TESTS_PASS_CASE_H

#include "unit/make_graph.h"

#include "base/log.h"
#include "io/text.h"
#include "ops/op_form.h"
#include "passes/custom/custom.h"
#include "passes/pipeline.h"

/* The model as text; free it. */
static inline char *text_of(const c2s_model *model) {
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    c2s_text_write(model, NULL, stream);
    fclose(stream);
    return text;
}

/* Numbers in constants that are used and have more than one axis. */
static inline size_t weights_of(const c2s_model *model) {
    size_t count = 0;
    for (size_t i = 0; i < model->values.count; i++) {
        const c2s_value *value = model->values.at[i];
        if (value && value->constant && value->use_count > 0 && value->type.rank > 1)
            count += value->constant->count;
    }
    return count;
}

/* All refusals of the last pass, one a line. */
static char refusals[8192];
static void keep_refusal(void *user, int level, const char *text) {
    (void)user;
    (void)level;
    size_t length = strlen(refusals);
    snprintf(refusals + length, sizeof refusals - length, "%s\n", text);
}

/* Names of rewrites, with spaces between, that the next run must not apply anywhere: those that are
 * no rules have no other way to say that a case is about what they leave alone. */
static char left_alone[400];
static inline bool is_left_alone(const char *name) {
    char wanted[80], list[sizeof left_alone + 2];
    snprintf(wanted, sizeof wanted, " %s ", name);
    snprintf(list, sizeof list, " %s ", left_alone);
    return strstr(list, wanted) != NULL;
}

/* What was done has a name that users can give to --skip. */
static inline void check_names(const c2s_stats *stats, const c2s_rules *rules) {
    for (size_t i = 0; i < stats->rules.count; i++)
        if (strcmp(stats->rules.at[i].name, "dead-nodes") != 0 &&
            !c2s_rules_have(rules, stats->rules.at[i].name) &&
            c2s_rewrite_check_name(stats->rules.at[i].name) != C2S_OK)
            fail_msg("%s", c2s_error());
    for (size_t i = 0; i < stats->rules.count; i++)
        if (stats->rules.at[i].applied && is_left_alone(stats->rules.at[i].name))
            fail_msg("%s was applied", stats->rules.at[i].name);
}

/* A node that the rule could have begun with is there, and the rule left it alone. */
static inline bool has_root_of(const c2s_graph *graph, const c2s_rule *rule) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        if (c2s_row_takes(&rule->rows[rule->row_count - 1], node->op))
            return true;
        for (unsigned i = 0; c2s_node_body(node, i); i++)
            if (has_root_of(c2s_node_body(node, i), rule))
                return true;
    }
    return false;
}

static inline void record_rewrite(FILE *stream, const c2s_stats *stats, const char *name,
                                  bool looked_at) {
    unsigned applied = 0, refused = 0;
    for (size_t i = 0; i < stats->rules.count; i++)
        if (strcmp(stats->rules.at[i].name, name) == 0) {
            applied = stats->rules.at[i].applied;
            refused = stats->rules.at[i].refused;
        }
    fprintf(stream, "%s %d %d %d\n", name, applied > 0, refused > 0, looked_at && !applied);
}

/* For passes.rule_cases, in the file that C2S_RULE_CASES names: what each rewrite of the pass did
 * in this case: whether it was applied, refused, and whether it left alone what it looked at. */
static inline void record_case(const c2s_pass *pass, const c2s_stats *stats,
                               const c2s_graph *graph) {
    FILE *stream = getenv("C2S_RULE_CASES") ? fopen(getenv("C2S_RULE_CASES"), "a") : NULL;
    if (!stream)
        return;
    for (const c2s_rewrite_kind *kind = pass->kinds; kind && kind->name; kind++)
        record_rewrite(stream, stats, kind->name, is_left_alone(kind->name));
    for (const c2s_rule *const *rule = pass->rules; rule && *rule; rule++)
        record_rewrite(stream, stats, (*rule)->name,
                       is_left_alone((*rule)->name) || has_root_of(graph, *rule));
    fclose(stream);
}

/* A node that is not as the model's opset has it, with the reason as error; NULL: all are. */
static inline const c2s_node *node_beyond_opset(const c2s_model *model) {
    for (size_t i = 0; i < model->nodes.count; i++) {
        const c2s_node *node = model->nodes.at[i];
        if (!node || node == node->graph->entry || node == node->graph->exit ||
            c2s_graph_is_function(node->graph))
            continue;
        const int64_t opset = c2s_model_opset(model, node->domain);
        if (opset && c2s_op_form_check(node, opset) != C2S_OK)
            return node;
    }
    return NULL;
}

/* Samples for passes that learn from some; NULL: there are none. */
static const c2s_feed *case_feed;

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
    const c2s_pass_context context = {.evaluator = &c2s_evaluator_reference, .feed = case_feed};
    c2s_pipeline_options options = {.context = &context};
    const bool obeys = !node_beyond_opset(model);
    if (c2s_pipeline_run(pipeline, model, &options, &result) != C2S_OK)
        fail_msg("%s", c2s_error());
    const c2s_node *beyond = obeys ? node_beyond_opset(model) : NULL;
    if (beyond)
        fail_msg("%s: %s", c2s_node_text(beyond), c2s_error());
    unsigned rewrites = 0;
    for (size_t i = 0; i < result.steps.count; i++) {
        if (result.steps.at[i].report.reason)
            fail_msg("rolled back: %s", result.steps.at[i].report.reason);
        check_names(&result.steps.at[i].stats, rules);
        record_case(pipeline->steps.at[i].pass, &result.steps.at[i].stats, model->graph);
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

/* How far the outputs of two models with one input and one output are apart, over samples. */
typedef struct case_distance {
    double signal, noise;  /* sums of squares: of the first model's output, of the difference */
    double largest, apart; /* the largest magnitude of each */
} case_distance;

static inline void add_distance(const c2s_model *before, const c2s_model *after, c2s_tensor *in,
                                case_distance *d) {
    c2s_tensor *out[2][1];
    for (int side = 0; side < 2; side++) {
        c2s_eval_options options = {.threads = 1};
        c2s_session *session;
        const c2s_evaluator *e = &c2s_evaluator_reference;
        assert_int_equal(e->open((side ? after : before)->graph, &options, &session), C2S_OK);
        assert_int_equal(e->run(session, (const c2s_tensor *const *)&in, out[side]), C2S_OK);
        e->close(session);
    }
    for (size_t i = 0; i < out[0][0]->count; i++) {
        const double a = c2s_tensor_f64_at(out[0][0], i), b = c2s_tensor_f64_at(out[1][0], i);
        d->signal += a * a;
        d->noise += (a - b) * (a - b);
        d->largest = fmax(d->largest, fabs(a));
        d->apart = fmax(d->apart, fabs(a - b));
    }
    c2s_tensor_unref(out[0][0]);
    c2s_tensor_unref(out[1][0]);
}

/* On samples first .. end - 1, also beyond those that the feed counts: what was learnt from them is
 * judged by others. */
static inline case_distance distance_on(const c2s_feed *feed, size_t first, size_t end,
                                        const c2s_model *before, const c2s_model *after) {
    case_distance d = {0};
    for (size_t k = first; k < end; k++) {
        c2s_tensor *in;
        assert_int_equal(feed->get(feed, before->graph, k, &in), C2S_OK);
        add_distance(before, after, in, &d);
        c2s_tensor_unref(in);
    }
    return d;
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
