/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics of values against plain loops over all numbers: histograms that grow, channels,
 * numbers that are none, the order of samples, which samples are taken.
 */
#include <float.h>

#include "base/random.h"
#include "passes/measure/ranges.h"
#include "eval/sample_order.h"
#include "run_text.h"

/* ---- histograms ---- */

/* The rule that the header states, by trying widths one after the other. */
static void expect_histogram(const c2s_histogram *h, const float *x, size_t count) {
    double low = 0, high = 0;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, (double)x[i]);
        high = fmax(high, (double)x[i]);
    }
    int exponent = -126;
    while (floor(ldexp(high, -exponent)) - floor(ldexp(low, -exponent)) >= h->capacity)
        exponent++;
    assert_int_equal(h->exponent, exponent);
    assert_int_equal(h->first, (int)floor(ldexp(low, -exponent)));
    uint64_t *bin = c2s_zalloc(h->capacity * sizeof *bin);
    for (size_t i = 0; i < count; i++)
        bin[(int)floor(ldexp((double)x[i], -exponent)) - h->first]++;
    for (unsigned k = 0; k < h->capacity; k++)
        assert_int_equal(h->bin[k], bin[k]);
    free(bin);
}

static void histograms_grow(void **state) {
    (void)state;
    enum { COUNT = 40000 };
    float *x = c2s_alloc(COUNT * sizeof *x);
    for (unsigned turn = 0; turn < 24; turn++) {
        c2s_random random = {turn};
        const unsigned bins = turn % 3 == 0 ? 16 : turn % 3 == 1 ? 100 : 2048;
        for (size_t i = 0; i < COUNT; i++) {
            const double wide = exp2(c2s_random_uniform(&random) * 60 - 30);
            x[i] = (float)((turn % 4 == 0   ? c2s_random_uniform(&random)
                            : turn % 4 == 1 ? -c2s_random_uniform(&random)
                                            : c2s_random_normal(&random)) *
                           (turn < 12 ? wide : 1));
            if (turn % 5 == 0 && i % 3)
                x[i] = 0;
        }
        c2s_histogram h;
        c2s_histogram_init(&h, bins);
        for (size_t at = 0; at < COUNT;) {
            const size_t most = turn % 2 ? 300 : 20000;
            size_t n = (size_t)c2s_random_integer(&random, 1, (int64_t)most);
            n = n < COUNT - at ? n : COUNT - at;
            float low = x[at], high = x[at];
            for (size_t i = 0; i < n; i++) {
                low = fminf(low, x[at + i]);
                high = fmaxf(high, x[at + i]);
            }
            c2s_histogram_reach(&h, low, high);
            c2s_histogram_add(&h, x + at, n);
            at += n;
        }
        expect_histogram(&h, x, COUNT);
        c2s_histogram_free(&h);
    }
    free(x);
}

static void histograms_take_extreme_numbers(void **state) {
    (void)state;
    static const float cases[][3] = {{0, 0, 0},
                                     {FLT_MAX, -FLT_MAX, 1},
                                     {FLT_MAX, 0, FLT_MIN},
                                     {0x1p-149f, 0, 0x1p-140f},
                                     {-0x1p-149f, -1, -0.0f},
                                     {-1, -2, -4},
                                     {100, 100.5f, 101}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        c2s_histogram h;
        c2s_histogram_init(&h, C2S_HISTOGRAM_BINS);
        for (size_t i = 0; i < 3; i++) {
            c2s_histogram_reach(&h, cases[k][i], cases[k][i]);
            c2s_histogram_add(&h, &cases[k][i], 1);
        }
        expect_histogram(&h, cases[k], 3);
        c2s_histogram_free(&h);
    }
}

/* ---- statistics of one value ---- */

static c2s_tensor *random_tensor(c2s_random *random, c2s_dtype dtype, int rank, const int64_t *dim,
                                 bool broken) {
    c2s_tensor *t, *out;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, rank, dim, &t), C2S_OK);
    float *x = c2s_tensor_mutable(t);
    for (size_t i = 0; i < t->count; i++) {
        x[i] = (float)c2s_random_normal(random);
        if (i % 7 == 3)
            x[i] = 0;
        if (broken && i % 11 == 5)
            x[i] = i % 2 ? INFINITY : i % 4 ? -INFINITY : NAN;
    }
    if (dtype == C2S_FLOAT)
        return t;
    double *wide = c2s_alloc(t->count * sizeof *wide);
    for (size_t i = 0; i < t->count; i++)
        wide[i] = (double)x[i];
    assert_int_equal(c2s_tensor_from_f64(dtype, rank, dim, wide, &out), C2S_OK);
    free(wide);
    c2s_tensor_unref(t);
    return out;
}

typedef struct plain {
    uint64_t count, ignored, zeros;
    double min, max, sum, squares;
} plain;

/* Channel -1: all. */
static void add_plain(plain *p, const c2s_tensor *t, int axis, int64_t channel) {
    size_t inner = 1;
    for (int i = axis + 1; i < t->type.rank; i++)
        inner *= (size_t)t->type.dim[i];
    for (size_t i = 0; i < t->count; i++) {
        if (channel >= 0 && (int64_t)(i / inner) % t->type.dim[axis] != channel)
            continue;
        const double x = c2s_tensor_f64_at(t, i);
        if (!isfinite(x)) {
            p->ignored++;
            continue;
        }
        p->min = p->count ? fmin(p->min, x) : x;
        p->max = p->count ? fmax(p->max, x) : x;
        p->count++;
        p->zeros += x == 0;
        p->sum += x;
        p->squares += x * x;
    }
}

static void expect_near(double found, double expected, double scale) {
    if (fabs(found - expected) > 1e-5 * scale)
        fail_msg("found %g, expected %g, scale %g", found, expected, scale);
}

static void one_case(c2s_random *random, c2s_dtype dtype, int rank, int axis, bool broken) {
    int64_t dim[4];
    const int own = axis < 0 ? axis + rank : axis;
    const int64_t channels = c2s_random_integer(random, 1, 90);
    c2s_value_stats s;
    c2s_value_stats_init(&s, "x", 256, axis);
    plain all = {0}, *by = c2s_zalloc((size_t)channels * sizeof *by);
    double sum_min = 0, sum_max = 0;
    for (int sample = 0; sample < 3; sample++) {
        for (int i = 0; i < rank; i++)
            dim[i] = c2s_random_integer(random, 1, rank == 4 ? 12 : 40);
        dim[own] = channels;
        c2s_tensor *t = random_tensor(random, dtype, rank, dim, broken);
        assert_int_equal(c2s_value_stats_add(&s, t), C2S_OK);
        plain one = {0};
        add_plain(&one, t, own, -1);
        add_plain(&all, t, own, -1);
        for (int64_t c = 0; c < channels; c++)
            add_plain(&by[c], t, own, c);
        sum_min += one.min;
        sum_max += one.max;
        c2s_tensor_unref(t);
    }
    assert_int_equal(s.samples, 3);
    assert_int_equal(s.count, all.count);
    assert_int_equal(s.ignored, all.ignored);
    assert_int_equal(s.zeros, all.zeros);
    assert_true((double)s.min == all.min && (double)s.max == all.max);
    assert_true(s.sum_min == sum_min && s.sum_max == sum_max);
    expect_near(s.sum, all.sum, all.squares);
    expect_near(s.sum_squares, all.squares, all.squares);
    assert_int_equal(s.channels.extent, channels);
    for (int64_t c = 0; c < channels; c++) {
        assert_int_equal(s.channels.count[c], by[c].count);
        if (by[c].count == 0)
            continue;
        assert_true((double)s.channels.min[c] == by[c].min);
        assert_true((double)s.channels.max[c] == by[c].max);
        expect_near(s.channels.sum[c], by[c].sum, by[c].squares);
        expect_near(s.channels.sum_squares[c], by[c].squares, by[c].squares);
    }
    uint64_t counted = 0;
    for (unsigned k = 0; k < s.histogram.capacity; k++)
        counted += s.histogram.bin[k];
    assert_int_equal(counted, s.count);
    c2s_value_stats_free(&s);
    free(by);
}

static void statistics_are_those_of_plain_loops(void **state) {
    (void)state;
    c2s_random random = {7};
    for (int turn = 0; turn < 12; turn++)
        for (int rank = 1; rank <= 4; rank++)
            one_case(&random,
                     turn % 4 == 0   ? C2S_FLOAT16
                     : turn % 4 == 1 ? C2S_DOUBLE
                                     : C2S_FLOAT,
                     rank, turn % 2 ? -1 : rank / 2, turn % 3 == 0);
}

static void channels_of_different_extents_are_given_up(void **state) {
    (void)state;
    c2s_random random = {1};
    c2s_value_stats s;
    c2s_value_stats_init(&s, "x", 256, 1);
    for (int64_t extent = 3; extent < 6; extent++) {
        c2s_tensor *t = random_tensor(&random, C2S_FLOAT, 2, (int64_t[]){2, extent}, false);
        assert_int_equal(c2s_value_stats_add(&s, t), C2S_OK);
        assert_int_equal(s.channels.extent, extent == 3 ? 3 : 0);
        c2s_tensor_unref(t);
    }
    assert_int_equal(s.count, 2 * (3 + 4 + 5));
    c2s_value_stats_free(&s);
}

/* ---- collection ---- */

typedef struct made {
    c2s_tensor **sample;
    size_t asked[64], asked_count;
} made;

static c2s_status get(const c2s_feed *feed, const c2s_graph *graph, size_t index, c2s_tensor **in) {
    made *m = feed->user;
    (void)graph;
    m->asked[m->asked_count++] = index;
    in[0] = c2s_tensor_ref(m->sample[index]);
    return C2S_OK;
}

static c2s_model *subject(void) {
    c2s_model *model = model_of_text(17, "g (float[n,4] x) => (float[n,4] z)\n"
                                         "<float[4] w = {1, -2, 3, 0.5}>\n"
                                         "{ y = Mul(x, w)\n  s = Shape(y)\n  z = Relu(y) }");
    assert_int_equal(c2s_model_normalise(model), C2S_OK);
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    return model;
}

static const c2s_value *value_of(const c2s_model *model, const char *name) {
    for (size_t id = 0; id < model->values.count; id++)
        if (model->values.at[id] && strcmp(model->values.at[id]->name, name) == 0)
            return model->values.at[id];
    fail_msg("no value %s", name);
    return NULL;
}

static void values_are_observed_in_one_run(void **state) {
    (void)state;
    enum { SAMPLES = 5 };
    c2s_random random = {3};
    c2s_tensor *sample[SAMPLES];
    for (int k = 0; k < SAMPLES; k++)
        sample[k] = random_tensor(&random, C2S_FLOAT, 2, (int64_t[]){k + 1, 4}, false);
    made m = {.sample = sample};
    const c2s_feed feed = {.count = SAMPLES, .get = get, .user = &m};
    c2s_model *model = subject();
    c2s_ranges *ranges;
    assert_int_equal(
        c2s_ranges_collect(model->graph, &feed, &c2s_evaluator_reference, NULL, NULL, &ranges),
        C2S_OK);
    assert_int_equal(c2s_ranges_samples(ranges), SAMPLES);
    assert_int_equal(m.asked_count, SAMPLES);
    plain x = {0};
    for (int k = 0; k < SAMPLES; k++)
        add_plain(&x, sample[k], 1, -1);
    const c2s_value_stats *s = c2s_ranges_find(ranges, value_of(model, "x"));
    assert_non_null(s);
    assert_true((double)s->min == x.min && (double)s->max == x.max);
    s = c2s_ranges_find(ranges, value_of(model, "z"));
    assert_non_null(s);
    assert_int_equal(s->count, x.count);
    assert_true(s->min == 0 && s->zeros > 0 && s->histogram.first == 0);
    assert_non_null(c2s_ranges_find(ranges, value_of(model, "y")));
    assert_null(c2s_ranges_find(ranges, value_of(model, "s")));
    assert_null(c2s_ranges_find(ranges, value_of(model, "w")));
    c2s_ranges_free(ranges);

    bool *wanted = c2s_zalloc(model->values.count * sizeof *wanted);
    wanted[value_of(model, "y")->id] = true;
    c2s_ranges_options some = {.samples = 2};
    m.asked_count = 0;
    assert_int_equal(
        c2s_ranges_collect(model->graph, &feed, &c2s_evaluator_reference, wanted, &some, &ranges),
        C2S_OK);
    assert_int_equal(m.asked_count, 2);
    assert_int_equal(m.asked[0], 0);
    assert_int_equal(m.asked[1], 4);
    assert_null(c2s_ranges_find(ranges, value_of(model, "z")));
    assert_non_null(c2s_ranges_find(ranges, value_of(model, "y")));
    c2s_ranges_free(ranges);
    free(wanted);
    c2s_model_destroy(model);
    for (int k = 0; k < SAMPLES; k++)
        c2s_tensor_unref(sample[k]);
}

static c2s_status broken(const c2s_feed *feed, const c2s_graph *graph, size_t index,
                         c2s_tensor **in) {
    if (index == 1)
        return c2s_fail(C2S_ERR_INVALID, "cat.jpg: no picture");
    return get(feed, graph, index, in);
}

static void failures_name_the_sample(void **state) {
    (void)state;
    c2s_random random = {3};
    c2s_tensor *sample = random_tensor(&random, C2S_FLOAT, 2, (int64_t[]){1, 4}, false);
    made m = {.sample = &sample};
    c2s_feed feed = {.count = 2, .get = broken, .user = &m};
    c2s_model *model = subject();
    c2s_ranges *ranges;
    assert_int_equal(
        c2s_ranges_collect(model->graph, &feed, &c2s_evaluator_reference, NULL, NULL, &ranges),
        C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "sample 1: cat.jpg: no picture"));
    feed.count = 0;
    assert_int_equal(
        c2s_ranges_collect(model->graph, &feed, &c2s_evaluator_reference, NULL, NULL, &ranges),
        C2S_ERR_INVALID);
    c2s_model_destroy(model);
    c2s_tensor_unref(sample);
}

/* Any number of samples: the greatest gap is at most four times the average; more are a superset.
 */
static void samples_are_spread(void **state) {
    (void)state;
    for (size_t count = 1; count < 70; count += 3) {
        bool before[70] = {0}, now[70];
        for (size_t wanted = 1; wanted <= count; wanted++) {
            c2s_samples_choose(count, wanted, now);
            size_t chosen = 0, gap = 0, last = 0;
            for (size_t k = 0; k < count; k++) {
                assert_true(now[k] || !before[k]);
                chosen += now[k];
                if (now[k]) {
                    gap = k - last > gap ? k - last : gap;
                    last = k;
                }
                before[k] = now[k];
            }
            gap = count - last > gap ? count - last : gap;
            assert_int_equal(chosen, wanted);
            assert_true(gap * wanted <= 4 * count);
        }
    }
    bool all[3];
    c2s_samples_choose(3, 0, all);
    assert_true(all[0] && all[1] && all[2]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histograms_grow),
        cmocka_unit_test(histograms_take_extreme_numbers),
        cmocka_unit_test(statistics_are_those_of_plain_loops),
        cmocka_unit_test(channels_of_different_extents_are_given_up),
        cmocka_unit_test(values_are_observed_in_one_run),
        cmocka_unit_test(failures_name_the_sample),
        cmocka_unit_test(samples_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
