/* SPDX-License-Identifier: Apache-2.0
 *
 * A graph run piece by piece: every cut is what the graph as a whole makes it, and what is changed
 * between two pieces reaches all later ones.
 */
#include "eval/runner.h"
#include "passes/measure/channel_means.h"
#include "passes/measure/piecewise.h"
#include "run_text.h"

enum { SAMPLES = 5 };

/* Branches that meet again, a body that reads a cut, a cut that is an output, too. */
static const char text[] =
    "g (float[2,3] x, bool c) => (float[2,3] y, float[2,3] b) <float k = {2.0}> {"
    " a = Mul(x, k) b = Sin(a) d = Add(b, a)"
    " e = If(c) <then_branch = t () => (float[2,3] p) { p = Exp(b) },"
    "           else_branch = u () => (float[2,3] q) { q = Neg(d) }>"
    " f = Add(e, d) y = Mul(f, f) }";
static const char *const cuts[] = {"a", "b", "d", "f", "y"};
enum { CUTS = 5 };

static c2s_status get(const c2s_feed *feed, const c2s_graph *graph, size_t index, c2s_tensor **in) {
    (void)feed, (void)graph;
    double x[6];
    for (int k = 0; k < 6; k++)
        x[k] = sin((double)index * 5 + k);
    C2S_TRY(c2s_tensor_from_f64(C2S_FLOAT, 2, (int64_t[]){2, 3}, x, &in[0]));
    return c2s_tensor_from_i64(C2S_BOOL, 0, NULL, &(int64_t){index % 2 == 0}, &in[1]);
}

static c2s_model *read(void) {
    c2s_model *model = model_of_text(17, text);
    assert_int_equal(c2s_model_normalise(model), C2S_OK);
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    return model;
}

static c2s_pieces *open(const c2s_model *model, size_t most) {
    static const c2s_feed feed = {.count = SAMPLES, .get = get};
    const c2s_pieces_options o = {
        .evaluator = &c2s_evaluator_reference, .eval = {.threads = 1}, .feed = &feed, .most = most};
    const c2s_value *values[CUTS];
    for (int k = 0; k < CUTS; k++)
        for (size_t id = 0; id < model->values.count; id++)
            if (model->values.at[id]->graph == model->graph &&
                strcmp(model->values.at[id]->name, cuts[k]) == 0)
                values[k] = model->values.at[id];
    c2s_pieces *pieces;
    if (c2s_pieces_open(model->graph, values, CUTS, &o, &pieces) != C2S_OK)
        fail_msg("%s", c2s_error());
    assert_int_equal(c2s_pieces_samples(pieces), SAMPLES);
    return pieces;
}

/* By hand. `b` is multiplied by `scale`. */
static void expect(size_t cut, size_t s, double scale, const c2s_tensor *found) {
    for (int k = 0; k < 6; k++) {
        const double x = (double)(float)sin((double)s * 5 + k), a = 2 * x, b = scale * sin(a),
                     d = a + b, f = (s % 2 == 0 ? exp(b) : -d) + d;
        const double wanted[] = {a, b, d, f, f * f};
        const double is = c2s_tensor_f64_at(found, (size_t)k);
        if (fabs(is - wanted[cut]) > 1e-5 * fmax(1, fabs(wanted[cut])))
            fail_msg("%s of sample %zu: element %d is %g, expected %g", cuts[cut], s, k, is,
                     wanted[cut]);
    }
}

/* `scale` 1: nothing is changed. */
static void check(size_t most, double scale) {
    c2s_model *model = read();
    c2s_pieces *pieces = open(model, most);
    assert_int_equal(c2s_pieces_count(pieces), most < CUTS ? most : CUTS);
    size_t last = 0;
    for (size_t piece = 0; piece < c2s_pieces_count(pieces); piece++) {
        size_t first, end;
        c2s_pieces_range(pieces, piece, &first, &end);
        assert_int_equal(first, last);
        last = end;
        if (c2s_pieces_run(pieces, piece) != C2S_OK)
            fail_msg("piece %zu: %s", piece, c2s_error());
        for (size_t k = first; k < end; k++)
            for (size_t s = 0; s < SAMPLES; s++) {
                c2s_tensor **at = &c2s_pieces_at(pieces, k)[s];
                expect(k, s, k > 1 ? scale : 1, *at);
                if (k != 1 || scale == 1)
                    continue;
                double x[6];
                for (int i = 0; i < 6; i++)
                    x[i] = c2s_tensor_f64_at(*at, (size_t)i) * scale;
                c2s_tensor_unref(*at);
                assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 2, (int64_t[]){2, 3}, x, at),
                                 C2S_OK);
            }
    }
    assert_int_equal(last, CUTS);
    c2s_pieces_close(pieces);
    c2s_model_destroy(model);
}

static void pieces_are_the_whole(void **state) {
    (void)state;
    for (size_t most = 1; most <= 6; most++)
        check(most, 1);
}

static void changes_reach_later_pieces(void **state) {
    (void)state;
    check(5, 0.25);
    check(5, -3);
}

/* ---- means ---- */

static void means_are_by_channel(void **state) {
    (void)state;
    const double x[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, INFINITY};
    c2s_tensor *tensor, *more;
    float means[3];
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 3, (int64_t[]){2, 3, 2}, x, &tensor), C2S_OK);
    assert_int_equal(c2s_channel_means(tensor, 1, 3, means), C2S_OK);
    assert_true(means[0] == 4.5f && means[1] == 6.5f && means[2] == 0);
    assert_int_equal(c2s_channel_means(tensor, 0, 2, means), C2S_OK);
    assert_true(means[0] == 3.5f && means[1] == 0);
    assert_int_equal(c2s_channel_means(tensor, 1, 2, means), C2S_ERR_INVALID);
    assert_int_equal(c2s_channel_means(tensor, 3, 2, means), C2S_ERR_INVALID);
    assert_int_equal(c2s_channel_add(tensor, 1, (double[]){1, 10, 100}, &more), C2S_OK);
    static const double by[12] = {1, 1, 10, 10, 100, 100, 1, 1, 10, 10, 100, 100};
    for (size_t i = 0; i < 12; i++)
        assert_true(c2s_tensor_f64_at(more, i) == x[i] + by[i]);
    c2s_tensor_unref(tensor);
    c2s_tensor_unref(more);
}

/* A difference that is the same in all samples stays; one that is as often up as down goes. */
static void chance_is_taken_off(void **state) {
    (void)state;
    const float zero[8] = {0}, sure[8] = {2, 9, 2, 9, 2, 9, 2, 9},
                random[8] = {1, -1, 2, -2.5f, 2, -1, 1, -2};
    assert_true(c2s_channel_shift(sure, zero, 4, 2) == 2);
    assert_true(c2s_channel_shift(zero, sure + 1, 4, 2) == -9);
    assert_true(c2s_channel_shift(random, zero, 8, 1) == 0);
    assert_true(c2s_channel_shift(random, zero, 1, 1) == 1);
    /* Mean 3, variance of the mean 2 / 3 / 2 = 1 / 3: 3 - 1 / 9. */
    const float some[3] = {2, 3, 4};
    assert_true(fabs(c2s_channel_shift(some, zero, 3, 1) - (3 - 1.0 / 9)) < 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_the_whole),
        cmocka_unit_test(changes_reach_later_pieces),
        cmocka_unit_test(means_are_by_channel),
        cmocka_unit_test(chance_is_taken_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
