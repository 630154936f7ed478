/* SPDX-License-Identifier: Apache-2.0
 *
 * How far the pass lowrank may go: bounds on quality, parts of weights, of multiply-accumulates, of
 * energy. What is lost is counted here, from outputs of the plain evaluator.
 */
#include "unit/pass_case.h"

#include "base/random.h"

enum { WIDTH = 32, ROWS = 24, SAMPLES = 8 };

/* ---- a network, its data, and the answers of the network on them ---- */

static c2s_status sample(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                         c2s_tensor **in) {
    c2s_random random = {index + 7};
    double values[ROWS * WIDTH];
    (void)feed, (void)graph;
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < WIDTH; i++)
            values[r * WIDTH + i] = c2s_random_normal(&random) * (i % 8 < 3 ? 2 : 0.3);
    return c2s_tensor_from_f64(C2S_FLOAT, 2, (int64_t[]){ROWS, WIDTH}, values, &in[0]);
}

static c2s_value *dense(c2s_model *m, c2s_value *x, const char *name) {
    c2s_random random = {(uint64_t)name[1]};
    double values[WIDTH * WIDTH];
    c2s_tensor *tensor;
    for (int i = 0; i < WIDTH * WIDTH; i++)
        values[i] = c2s_random_normal(&random) / sqrt(WIDTH);
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 2, (int64_t[]){WIDTH, WIDTH}, values, &tensor),
                     C2S_OK);
    return OP(m, "MatMul", x, c2s_value_constant(m->graph, name, tensor));
}

static c2s_model *network(void) {
    c2s_model *m = make_model();
    c2s_value *x = OP(m, "Relu", dense(m, INPUT(m, "x", ROWS, WIDTH), "wa"));
    x = OP(m, "Relu", dense(m, x, "wb"));
    make_output(dense(m, x, "wc"), "y");
    return m;
}

static void answers_of(const c2s_model *model, int64_t *answers) {
    c2s_eval_options options = {.threads = 1};
    c2s_session *session;
    const c2s_evaluator *e = &c2s_evaluator_reference;
    assert_int_equal(e->open(model->graph, &options, &session), C2S_OK);
    for (size_t s = 0; s < SAMPLES; s++) {
        c2s_tensor *in, *out;
        assert_int_equal(sample(NULL, model->graph, s, &in), C2S_OK);
        assert_int_equal(e->run(session, (const c2s_tensor *const *)&in, &out), C2S_OK);
        for (size_t r = 0; r < ROWS; r++) {
            size_t best = 0;
            for (size_t i = 1; i < WIDTH; i++)
                if (c2s_tensor_f64_at(out, r * WIDTH + i) >
                    c2s_tensor_f64_at(out, r * WIDTH + best))
                    best = i;
            answers[s * ROWS + r] = (int64_t)best;
        }
        c2s_tensor_unref(in);
        c2s_tensor_unref(out);
    }
    e->close(session);
}

/* ---- runs ---- */

typedef struct outcome {
    size_t weights;
    double sqnr_db, drop; /* on the data, counted here; drop in points */
} outcome;

static outcome judge(const c2s_feed *data, const c2s_model *before, const c2s_model *after) {
    int64_t first[SAMPLES * ROWS], now[SAMPLES * ROWS];
    size_t lost = 0;
    const case_distance d = distance_on(data, 0, SAMPLES, before, after);
    answers_of(before, first);
    answers_of(after, now);
    for (size_t i = 0; i < SAMPLES * ROWS; i++)
        lost += first[i] != now[i];
    return (outcome){.weights = weights_of(after),
                     .sqnr_db = d.noise > 0 ? 10 * log10(d.signal / d.noise) : INFINITY,
                     .drop = 100.0 * (double)lost / (SAMPLES * ROWS)};
}

static void open_quality(c2s_pass_context *context, const c2s_model *m, const c2s_feed *data) {
    const c2s_eval_options eval = {.threads = 1};
    *context = (c2s_pass_context){.evaluator = &c2s_evaluator_reference, .feed = data};
    context->budget.max_drop = context->budget.min_sqnr_db = (double)NAN;
    assert_int_equal(
        c2s_quality_open(m->graph, context->evaluator, &eval, data, 0, &context->quality), C2S_OK);
}

/* With labels that are the answers of the network itself, unless `unlabelled`. */
static c2s_status try_pass(const char *options, bool unlabelled, outcome *out) {
    int64_t answers[SAMPLES * ROWS];
    c2s_tensor *labels;
    c2s_model *m = network(), *before = c2s_model_copy(m);
    c2s_pass_context context;
    c2s_pipeline *pipeline;
    c2s_pipeline_result result;
    char text[200];
    answers_of(m, answers);
    assert_int_equal(
        c2s_tensor_from_i64(C2S_INT64, 1, (int64_t[]){SAMPLES * ROWS}, answers, &labels), C2S_OK);
    const c2s_feed data = {.count = SAMPLES, .get = sample, .labels = unlabelled ? NULL : labels};
    open_quality(&context, m, &data);
    const c2s_pipeline_options run = {.context = &context};
    snprintf(text, sizeof text, "lowrank(timing=no,multiple=1,%s)", options);
    assert_int_equal(c2s_pipeline_parse(text, &pipeline), C2S_OK);
    const c2s_status status = c2s_pipeline_run(pipeline, m, &run, &result);
    if (status == C2S_OK)
        *out = judge(&data, before, m);
    c2s_pipeline_result_free(&result);
    c2s_pipeline_free(pipeline);
    c2s_quality_close(context.quality);
    c2s_model_destroy(m);
    c2s_model_destroy(before);
    c2s_tensor_unref(labels);
    return status;
}

static outcome run(const char *options) {
    outcome found;
    if (try_pass(options, false, &found) != C2S_OK)
        fail_msg("%s: %s", options, c2s_error());
    return found;
}

/* ---- bounds ---- */

enum { ALL = 3 * WIDTH * WIDTH };

static void keeps_sqnr(void **state) {
    (void)state;
    size_t last = ALL + 1;
    for (int bound = 30; bound >= 6; bound -= 12) {
        char text[40];
        snprintf(text, sizeof text, "min_sqnr=%d", bound);
        const outcome found = run(text);
        if (!(found.sqnr_db >= bound && found.weights < last))
            fail_msg("%s: %.1f dB, %zu weights, before %zu", text, found.sqnr_db, found.weights,
                     last);
        last = found.weights;
    }
    assert_true(last < ALL * 2 / 3);
    /* nothing less than what was asked for, where the bound allows that; else as near as it does */
    const outcome asked = run("params=0.8,min_sqnr=6"), held = run("params=0.3,min_sqnr=18");
    assert_in_range(asked.weights, ALL * 3 / 4, ALL * 4 / 5);
    assert_true(held.sqnr_db >= 18 && held.weights > ALL * 3 / 10);
}

static void keeps_answers(void **state) {
    (void)state;
    const outcome few = run("max_drop=3"), many = run("max_drop=30");
    if (!(few.drop <= 3 && many.drop <= 30 && many.weights < few.weights && few.weights < ALL))
        fail_msg("%.2f lost with %zu weights, %.2f with %zu", few.drop, few.weights, many.drop,
                 many.weights);
    /* both bounds at once: the tighter one holds */
    const outcome both = run("max_drop=30,min_sqnr=25");
    assert_true(both.sqnr_db >= 25 && both.weights > many.weights);
    outcome unused;
    assert_int_equal(try_pass("max_drop=3", true, &unused), C2S_ERR_USAGE);
    assert_non_null(strstr(c2s_error(), "labels"));
    assert_int_equal(try_pass("min_sqnr=nan", false, &unused), C2S_ERR_USAGE);
    assert_int_equal(try_pass("max_drop=-1", false, &unused), C2S_ERR_USAGE);
}

/* ---- parts ---- */

static void keeps_parts(void **state) {
    (void)state;
    for (int part = 4; part <= 8; part += 2) {
        static const char *const options[] = {"params", "macs", "ratio"};
        for (int i = 0; i < 3; i++) {
            char text[60];
            snprintf(text, sizeof text, "%s=0.%d", options[i], part);
            const outcome found = run(text);
            const size_t most = (size_t)(ALL * part / 10);
            if (found.weights > most || found.weights < most * 9 / 10)
                fail_msg("%s: %zu weights, expected up to %zu", text, found.weights, most);
        }
    }
    assert_int_equal(run("rank=5,forms=pair").weights, 3 * 5 * 2 * WIDTH);
    assert_int_equal(run("rank=31,forms=pair").weights, ALL); /* saves nothing */
    assert_int_equal(run("params=1").weights, ALL);
}

/* More energy, more weights. */
/* ---- weights of errors ---- */

static void count_trials(void *user, int level, const char *text) {
    (void)level;
    *(int *)user += strstr(text, "to the power of") != NULL;
}

static outcome run_counting(const char *options, int *trials) {
    c2s_log_sink sink = {.verbosity = 1, .line = count_trials, .user = trials};
    const c2s_log_sink *before = c2s_log_set_sink(&sink);
    *trials = 0;
    const outcome found = run(options);
    c2s_log_set_sink(before);
    return found;
}

/* With bounds they are not compared, since the search for these takes long enough. */
static void weights_of_errors_are_tried(void **state) {
    (void)state;
    int trials;
    const outcome compared = run_counting("params=0.5,epochs=0", &trials);
    assert_int_equal(trials, 3);
    const outcome equal = run_counting("params=0.5,epochs=0,weigh=no", &trials);
    assert_int_equal(trials, 0);
    if (!(compared.sqnr_db >= equal.sqnr_db - 0.3))
        fail_msg("%.2f dB, without weights %.2f", compared.sqnr_db, equal.sqnr_db);
    run_counting("params=0.5,min_sqnr=5", &trials);
    assert_int_equal(trials, 0);
    run_counting("params=0.5,method=plain", &trials);
    assert_int_equal(trials, 0);
}

static void keeps_energy(void **state) {
    (void)state;
    size_t last = 0;
    for (int energy = 80; energy <= 98; energy += 9) {
        char text[60];
        snprintf(text, sizeof text, "energy=0.%d,method=whitened", energy);
        const outcome found = run(text);
        if (!(found.weights > last && found.weights < ALL))
            fail_msg("%s: %zu weights, before %zu", text, found.weights, last);
        last = found.weights;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_sqnr), cmocka_unit_test(keeps_answers),
        cmocka_unit_test(keeps_parts), cmocka_unit_test(weights_of_errors_are_tried),
        cmocka_unit_test(keeps_energy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
