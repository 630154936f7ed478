/* SPDX-License-Identifier: Apache-2.0 */
/* New samples out of two: means of floats, spans of integers. */
#include "unit/make_graph.h"

#include "passes/measure/vary_sample.h"

static c2s_tensor *tensor(c2s_dtype dtype, int rank, const int64_t *dim, double first,
                          double step) {
    double values[4096];
    c2s_tensor *out;
    size_t count = 1;
    for (int k = 0; k < rank; k++)
        count *= (size_t)dim[k];
    assert_true(count <= 4096);
    for (size_t i = 0; i < count; i++)
        values[i] = first + step * (double)i;
    assert_int_equal(c2s_tensor_from_f64(dtype, rank, dim, values, &out), C2S_OK);
    return out;
}

/* One input of two samples, which are freed. */
static c2s_tensor *vary(c2s_tensor *a, c2s_tensor *b, uint64_t seed) {
    c2s_random random = {seed};
    c2s_tensor *out = NULL;
    assert_int_equal(c2s_vary_sample(&a, &b, 1, NULL, &random, &out), C2S_OK);
    assert_true(c2s_type_equal(&out->type, &a->type));
    c2s_tensor_unref(a);
    c2s_tensor_unref(b);
    return out;
}

static void means(void **state) {
    (void)state;
    const int64_t dim[] = {1, 16}, other[] = {1, 8};
    double least = 1, most = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        c2s_tensor *y =
            vary(tensor(C2S_FLOAT, 2, dim, 0, 0), tensor(C2S_FLOAT, 2, dim, 1, 0), seed);
        const double part = c2s_tensor_f64_at(y, 0);
        assert_true(part >= 0 && part <= 0.5 && c2s_tensor_f64_at(y, 15) == part);
        least = fmin(least, part);
        most = fmax(most, part);
        c2s_tensor_unref(y);
    }
    assert_true(least < 0.1 && most > 0.4);
    c2s_tensor *y = vary(tensor(C2S_FLOAT, 2, dim, 3, 0), tensor(C2S_FLOAT, 2, other, 1, 0), 1);
    assert_true(c2s_tensor_f64_at(y, 0) == 3); /* of another shape: nothing is mixed in */
    c2s_tensor_unref(y);
}

static void spans(void **state) {
    (void)state;
    const int64_t dim[] = {2, 16}, few[] = {2, 4};
    size_t most = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        c2s_tensor *y =
            vary(tensor(C2S_INT64, 2, dim, 0, 1), tensor(C2S_INT64, 2, dim, 100, 1), seed);
        size_t changed = 0, turns = 0;
        for (size_t i = 0; i < 16; i++) {
            const double value = c2s_tensor_f64_at(y, i), lower = c2s_tensor_f64_at(y, 16 + i);
            const bool second = value >= 100;
            assert_true(value == (double)i + (second ? 100 : 0) && lower == value + 16);
            changed += second;
            turns += i > 0 && second != (c2s_tensor_f64_at(y, i - 1) >= 100);
        }
        assert_true(changed <= 8 && turns <= 2);
        most = changed > most ? changed : most;
        c2s_tensor_unref(y);
    }
    assert_true(most >= 6);
    c2s_tensor *y = vary(tensor(C2S_INT64, 2, few, 0, 1), tensor(C2S_INT64, 2, few, 100, 1), 1);
    for (size_t i = 0; i < 8; i++)
        assert_true(c2s_tensor_f64_at(y, i) == (double)i); /* may well be no sequence */
    c2s_tensor_unref(y);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(means), cmocka_unit_test(spans)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
