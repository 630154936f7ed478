/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranges chosen from statistics, against what sorting, rounding and trying all the numbers
 * themselves gives.
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "passes/quant/range_choice.h"
#include "shared.h"

enum { COUNT = 30000, SAMPLES = 3 };

typedef enum kind { NORMAL, RELU, RELU6, HEAVY, UNIFORM, NEGATIVE, SKEWED, FAR, KINDS } kind;

static float draw(kind k, c2s_random *random) {
    const double n = c2s_random_normal(random), u = c2s_random_uniform(random);
    switch (k) {
    case NORMAL:
        return (float)n;
    case RELU:
        return (float)fmax(n, 0);
    case RELU6:
        return (float)fmin(fmax(n * 3 + 1, 0), 6);
    case HEAVY:
        return (float)(n * n * n * exp2(4 * u));
    case UNIFORM:
        return (float)u;
    case NEGATIVE:
        return (float)-(n * n);
    case SKEWED:
        return (float)(exp2(n) - 0.3);
    default:
        return (float)(100 + u); /* FAR */
    }
}

typedef struct subject {
    float *x;
    c2s_value_stats stats;
} subject;

static subject make(kind k) {
    subject s = {.x = c2s_alloc(COUNT * sizeof *s.x)};
    c2s_random random = {100 + (uint64_t)k};
    c2s_value_stats_init(&s.stats, "x", C2S_HISTOGRAM_BINS, C2S_NO_CHANNELS);
    for (size_t i = 0; i < COUNT; i++)
        s.x[i] = draw(k, &random);
    for (size_t at = 0; at < COUNT; at += COUNT / SAMPLES) {
        c2s_tensor *t;
        const int64_t dim = COUNT / SAMPLES;
        assert_int_equal(c2s_tensor_create(C2S_FLOAT, 1, &dim, &t), C2S_OK);
        memcpy(c2s_tensor_mutable(t), s.x + at, COUNT / SAMPLES * sizeof *s.x);
        assert_int_equal(c2s_value_stats_add(&s.stats, t), C2S_OK);
        c2s_tensor_unref(t);
    }
    return s;
}

static void drop(subject *s) {
    c2s_value_stats_free(&s->stats);
    free(s->x);
}

/* By the numbers themselves. */
static double true_error(const subject *s, const c2s_code_grid *grid, c2s_affine affine) {
    return c2s_code_grid_error(grid, affine, s->x, NULL, COUNT) / COUNT;
}

static const struct coding {
    c2s_dtype dtype;
    bool symmetric;
} codings[] = {{C2S_UINT8, false}, {C2S_INT8, false},   {C2S_INT8, true},
               {C2S_UINT4, false}, {C2S_UINT16, false}, {C2S_FLOAT8E4M3FN, true}};
enum { CODINGS = sizeof codings / sizeof *codings };

static void codes_reach_the_range(void **state) {
    (void)state;
    static const float ranges[][2] = {{-1, 1}, {0, 6},   {-3, 0}, {-0.1f, 2.5f},
                                      {2, 3},  {-7, -2}, {0, 0}};
    for (size_t c = 0; c < CODINGS; c++)
        for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {
            c2s_code_grid grid;
            float low, high, zero = 0, code;
            assert_int_equal(
                c2s_code_grid_of(codings[c].dtype, C2S_FLOAT, codings[c].symmetric, false, &grid),
                C2S_OK);
            const c2s_affine a = c2s_affine_of_range(&grid, ranges[k][0], ranges[k][1]);
            c2s_affine_reach(&grid, a, &low, &high);
            assert_true(low <= ranges[k][0] + a.scale * 0.51f);
            assert_true(high >= ranges[k][1] - a.scale * 0.51f);
            c2s_code_grid_round(&grid, a, &zero, 1, &code);
            assert_true(code == a.zero);
            if (ranges[k][0] <= 0 && ranges[k][1] >= 0 && ranges[k][1] > ranges[k][0] &&
                !grid.symmetric)
                assert_true(fabsf((high - low) - (ranges[k][1] - ranges[k][0])) < 1e-5f);
        }
}

static void error_is_that_of_the_numbers(void **state) {
    (void)state;
    for (kind k = 0; k < KINDS; k++) {
        subject s = make(k);
        for (size_t c = 0; c < CODINGS; c++)
            for (int turn = 0; turn < 8; turn++) {
                const float share = (float)(8 - turn) / 8;
                c2s_code_grid grid;
                assert_int_equal(c2s_code_grid_of(codings[c].dtype, C2S_FLOAT, codings[c].symmetric,
                                                  false, &grid),
                                 C2S_OK);
                const c2s_affine a =
                    c2s_affine_of_range(&grid, s.stats.min * share, s.stats.max * share);
                const double found = c2s_range_error(&s.stats, &grid, a);
                const double expected = true_error(&s, &grid, a);
                /* Heavy tails: one bin holds most numbers, whose codes lie closer than that. */
                const double allowed = k == HEAVY ? 0.3 : 0.05;
                if (fabs(found - expected) > allowed * expected + 1e-12)
                    fail_msg("kind %d, coding %zu, share %g: found %g, expected %g", (int)k, c,
                             (double)share, found, expected);
            }
        drop(&s);
    }
}

/* Of all ranges on a grid, whichever are best, by the numbers themselves. */
static double least_error(const subject *s, const c2s_code_grid *grid) {
    enum { STEPS = 30 };
    double least = INFINITY;
    for (int i = 1; i <= STEPS; i++)
        for (int j = 1; j <= STEPS; j++) {
            const float low = fminf(s->stats.min, 0) * (float)i / STEPS;
            const float high = fmaxf(s->stats.max, 0) * (float)j / STEPS;
            if ((low == 0 && i > 1) || (high == 0 && j > 1) || (grid->symmetric && i != j))
                continue;
            const double error = true_error(s, grid, c2s_affine_of_range(grid, low, high));
            least = error < least ? error : least;
        }
    return least;
}

static void mse_finds_the_least_error(void **state) {
    (void)state;
    for (kind k = 0; k < KINDS; k++) {
        subject s = make(k);
        for (size_t c = 0; c < 4; c++) { /* the others take too long in this test */
            c2s_code_grid grid;
            float low, high;
            assert_int_equal(
                c2s_code_grid_of(codings[c].dtype, C2S_FLOAT, codings[c].symmetric, false, &grid),
                C2S_OK);
            assert_int_equal(c2s_range_choose(&s.stats, C2S_RANGE_MSE, 0, codings[c].dtype,
                                              codings[c].symmetric, &low, &high),
                             C2S_OK);
            const double found = true_error(&s, &grid, c2s_affine_of_range(&grid, low, high));
            const double least = k == HEAVY && c == 1 ? INFINITY : least_error(&s, &grid);
            if (found > 1.03 * least)
                fail_msg("kind %d, coding %zu: [%g, %g] has %g, the best has %g", (int)k, c,
                         (double)low, (double)high, found, least);
        }
        drop(&s);
    }
}

static int by_size(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Between the neighbours of the number of that rank, give or take a bin. */
static void expect_rank(float found, const float *sorted, double rank, float bin) {
    const size_t at = (size_t)fmin(fmax(rank, 0), COUNT - 1);
    const float below = sorted[at > 0 ? at - 1 : 0];
    const float above = sorted[at + 1 < COUNT ? at + 1 : COUNT - 1];
    if (found < below - bin || found > above + bin)
        fail_msg("found %g, expected %g to %g", (double)found, (double)below, (double)above);
}

static void percentiles_are_those_of_sorted_numbers(void **state) {
    (void)state;
    static const double percents[] = {99.99, 99.9, 99, 90, 50};
    for (kind k = 0; k < KINDS; k++) {
        subject s = make(k);
        const float bin = ldexpf(1, s.stats.histogram.exponent);
        float *magnitude = c2s_alloc(COUNT * sizeof *magnitude);
        for (size_t i = 0; i < COUNT; i++)
            magnitude[i] = fabsf(s.x[i]);
        qsort(s.x, COUNT, sizeof *s.x, by_size);
        qsort(magnitude, COUNT, sizeof *magnitude, by_size);
        for (size_t p = 0; p < sizeof percents / sizeof *percents; p++) {
            float low, high;
            const double cut = COUNT * (1 - percents[p] / 100);
            c2s_range_choose(&s.stats, C2S_RANGE_PERCENTILE, percents[p], C2S_UINT8, false, &low,
                             &high);
            if (s.x[(size_t)(cut / 2) + 1] < 0) /* else 0 is the end */
                expect_rank(low, s.x, cut / 2, bin);
            if (s.x[COUNT - 2 - (size_t)(cut / 2)] > 0)
                expect_rank(high, s.x, COUNT - cut / 2 - 1, bin);
            c2s_range_choose(&s.stats, C2S_RANGE_PERCENTILE, percents[p], C2S_INT8, true, &low,
                             &high);
            assert_true(low == -high);
            expect_rank(high, magnitude, COUNT - cut - 1, bin);
        }
        free(magnitude);
        drop(&s);
    }
}

static void minmax_and_average_are_plain(void **state) {
    (void)state;
    for (kind k = 0; k < KINDS; k++) {
        subject s = make(k);
        float low, high, least = 0, most = 0;
        double sum_low = 0, sum_high = 0;
        for (size_t sample = 0; sample < SAMPLES; sample++) {
            float from = INFINITY, to = -INFINITY;
            for (size_t i = 0; i < COUNT / SAMPLES; i++) {
                from = fminf(from, s.x[sample * (COUNT / SAMPLES) + i]);
                to = fmaxf(to, s.x[sample * (COUNT / SAMPLES) + i]);
            }
            least = fminf(least, from);
            most = fmaxf(most, to);
            sum_low += (double)from / SAMPLES;
            sum_high += (double)to / SAMPLES;
        }
        c2s_range_choose(&s.stats, C2S_RANGE_MINMAX, 0, C2S_UINT8, false, &low, &high);
        assert_true(low == least && high == most);
        c2s_range_choose(&s.stats, C2S_RANGE_MINMAX, 0, C2S_INT8, true, &low, &high);
        assert_true(high == fmaxf(most, -least) && low == -high);
        c2s_range_choose(&s.stats, C2S_RANGE_AVERAGE, 0, C2S_UINT8, false, &low, &high);
        assert_true(fabs((double)low - fmin(sum_low, 0)) < 1e-6 * fabs(sum_low) + 1e-9);
        assert_true(fabs((double)high - fmax(sum_high, 0)) < 1e-6 * fabs(sum_high) + 1e-9);
        drop(&s);
    }
}

/* Nothing to gain by clipping what is spread evenly or piled up at the end; outliers go. */
static void entropy_clips_outliers_alone(void **state) {
    (void)state;
    float low, high;
    subject s = make(UNIFORM);
    c2s_range_choose(&s.stats, C2S_RANGE_ENTROPY, 0, C2S_UINT8, false, &low, &high);
    assert_true(low == 0 && high > 0.97f);
    drop(&s);
    s = make(RELU6);
    c2s_range_choose(&s.stats, C2S_RANGE_ENTROPY, 0, C2S_UINT8, false, &low, &high);
    assert_true(low == 0 && high > 5.9f);
    drop(&s);
    for (int symmetric = 0; symmetric < 2; symmetric++) {
        s = make(NORMAL);
        c2s_tensor *t;
        assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 1, (int64_t[]){2}, (double[]){20, -16}, &t),
                         C2S_OK);
        assert_int_equal(c2s_value_stats_add(&s.stats, t), C2S_OK);
        c2s_range_choose(&s.stats, C2S_RANGE_ENTROPY, 0, C2S_INT8, symmetric, &low, &high);
        if (high < 2.5f || high > 8 || low > -2 || low < -8)
            fail_msg("symmetric %d: [%g, %g]", symmetric, (double)low, (double)high);
        c2s_tensor_unref(t);
        drop(&s);
    }
}

static void nothing_gives_no_range(void **state) {
    (void)state;
    c2s_value_stats none, zeros;
    c2s_value_stats_init(&none, "x", C2S_HISTOGRAM_BINS, C2S_NO_CHANNELS);
    c2s_value_stats_init(&zeros, "x", C2S_HISTOGRAM_BINS, C2S_NO_CHANNELS);
    c2s_tensor *t;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 1, (int64_t[]){3}, (double[]){0, -0.0, 0}, &t),
                     C2S_OK);
    assert_int_equal(c2s_value_stats_add(&zeros, t), C2S_OK);
    c2s_tensor_unref(t);
    for (c2s_range_method m = 0; m < C2S_RANGE_METHODS; m++) {
        float low = 1, high = 1;
        assert_int_equal(c2s_range_choose(&none, m, 0, C2S_UINT8, false, &low, &high), C2S_OK);
        assert_true(low == 0 && high == 0);
        low = high = 1;
        assert_int_equal(c2s_range_choose(&zeros, m, 0, C2S_INT8, true, &low, &high), C2S_OK);
        assert_true(low == 0 && high == 0);
        c2s_range_method again;
        assert_true(c2s_range_method_named(c2s_range_method_name(m), &again) && again == m);
        assert_int_equal(c2s_range_choose(&none, m, 0, C2S_INT32, false, &low, &high),
                         C2S_ERR_UNSUPPORTED);
    }
    c2s_range_method method;
    assert_false(c2s_range_method_named("kl", &method));
    c2s_value_stats_free(&none);
    c2s_value_stats_free(&zeros);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_reach_the_range),
        cmocka_unit_test(error_is_that_of_the_numbers),
        cmocka_unit_test(mse_finds_the_least_error),
        cmocka_unit_test(percentiles_are_those_of_sorted_numbers),
        cmocka_unit_test(minmax_and_average_are_plain),
        cmocka_unit_test(entropy_clips_outliers_alone),
        cmocka_unit_test(nothing_gives_no_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
