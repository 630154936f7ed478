/* SPDX-License-Identifier: Apache-2.0 */
/* Spliced samples: the beginning of one and the rest of another, integers alone, always the same.
 */
#include "unit/make_graph.h"

#include "passes/measure/spliced_feed.h"

enum { SAMPLES = 5, LENGTH = 20, TIMES = 4 };

/* Element k of sample s is 100 s + k, of all inputs. */
static c2s_status get(const c2s_feed *feed, const c2s_graph *graph, size_t index, c2s_tensor **in) {
    int64_t values[LENGTH];
    double floats[LENGTH];
    (void)feed, (void)graph;
    for (size_t k = 0; k < LENGTH; k++)
        floats[k] = (double)(values[k] = (int64_t)(100 * index + k));
    assert_int_equal(c2s_tensor_from_i64(C2S_INT64, 2, (int64_t[]){1, LENGTH}, values, &in[0]),
                     C2S_OK);
    return c2s_tensor_from_f64(C2S_FLOAT, 1, (int64_t[]){LENGTH}, floats, &in[1]);
}
static const c2s_feed all = {.count = SAMPLES, .get = get};

static c2s_model *model_of(c2s_dtype first) {
    c2s_model *m = make_model();
    c2s_value *x = make_input(m, "x", first, DIMS(1, LENGTH));
    make_output(OP(m, "Identity", x), "y");
    make_output(OP(m, "Identity", INPUT(m, "z", LENGTH)), "w");
    return m;
}

/* Where the second sample begins. */
static size_t check_sample(const c2s_feed *feed, const c2s_graph *graph, size_t index) {
    c2s_tensor *in[2] = {0};
    const double own = (double)(index % SAMPLES * 100);
    double other = own;
    size_t first = LENGTH;
    assert_int_equal(feed->get(feed, graph, index, in), C2S_OK);
    for (size_t k = 0; k < LENGTH; k++) {
        const double base = c2s_tensor_f64_at(in[0], k) - (double)k;
        assert_true(c2s_tensor_f64_at(in[1], k) == own + (double)k); /* floats stay */
        if (base != own && first == LENGTH) {
            first = k;
            other = base;
        }
        assert_true(base == (k < first ? own : other) && base < 100 * SAMPLES);
    }
    c2s_tensor_unref(in[0]);
    c2s_tensor_unref(in[1]);
    return first;
}

static void splices(void **state) {
    (void)state;
    c2s_model *m = model_of(C2S_INT64);
    c2s_spliced_feed more;
    size_t spliced = 0, where = 0;
    c2s_spliced_feed_open(&all, m->graph, TIMES, &more);
    assert_int_equal(more.feed.count, TIMES * SAMPLES);
    for (size_t i = 0; i < more.feed.count; i++) {
        const size_t at = check_sample(&more.feed, m->graph, i);
        assert_int_equal(at, check_sample(&more.feed, m->graph, i));
        assert_true(at > 0 && (i >= SAMPLES || at == LENGTH));
        spliced += at < LENGTH;
        where |= (size_t)1 << at;
    }
    /* another one than itself, mostly, and not always at the same place */
    assert_true(spliced > SAMPLES * (TIMES - 1) / 2 && (where & (where - 1)) != 0);
    c2s_model_destroy(m);
}

static void floats_stay(void **state) {
    (void)state;
    c2s_model *m = model_of(C2S_FLOAT);
    c2s_spliced_feed same;
    c2s_spliced_feed_open(&all, m->graph, TIMES, &same);
    assert_int_equal(same.feed.count, SAMPLES);
    c2s_model_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(splices), cmocka_unit_test(floats_stay)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
