/* SPDX-License-Identifier: Apache-2.0 */
/* New pictures: which inputs are such, and that what comes out are parts of what there is. */
#include "unit/make_graph.h"

#include "passes/measure/vary_picture.h"

enum { SIDE = 12, COLOURS = 3, COUNT = COLOURS * SIDE * SIDE };

/* ---- which are ---- */

static c2s_value *filter(c2s_model *m, c2s_value *x, int64_t channels) {
    const size_t count = (size_t)channels * 4;
    double values[64] = {0};
    c2s_tensor *tensor;
    assert_int_equal(
        c2s_tensor_from_f64(C2S_FLOAT, 4, (int64_t[]){1, channels, 2, 2}, values, &tensor), C2S_OK);
    assert_true(count <= 64);
    return OP(m, "Conv", x, c2s_value_constant(m->graph, "w", tensor));
}

static c2s_picture found(c2s_model *m, c2s_value *y) {
    make_output(y, "y");
    const c2s_picture picture = c2s_picture_of(c2s_graph_input(m->graph, 0));
    c2s_model_destroy(m);
    return picture;
}

static void channels_first(void **state) {
    (void)state;
    c2s_model *m = make_model();
    const c2s_picture p = found(m, filter(m, INPUT(m, "x", 1, 3, 8, 9), 3));
    assert_true(p.is && p.channel == 1 && p.row == 2 && p.column == 3);
}

static void channels_last(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", 1, 8, 9, 3);
    c2s_node *turn = NODE(m, "Transpose", OP(m, "Add", x, x));
    c2s_attr_set_ints(turn, "perm", (int64_t[]){0, 3, 1, 2}, 4);
    c2s_picture p = c2s_picture_of(x);
    assert_false(p.is); /* the Add reads it twice */
    c2s_model_destroy(m);
    m = make_model();
    x = INPUT(m, "x", 1, 8, 9, 3);
    c2s_value *by = INPUT(m, "by", 1);
    turn = NODE(m, "Transpose", OP(m, "Sub", x, by));
    c2s_attr_set_ints(turn, "perm", (int64_t[]){0, 3, 1, 2}, 4);
    p = found(m, filter(m, make_infer(turn), 3));
    assert_true(p.is && p.channel == 3 && p.row == 1 && p.column == 2);
}

static void others_are_none(void **state) {
    (void)state;
    c2s_model *m = make_model();
    assert_false(found(m, filter(m, INPUT(m, "x", 1, 1, 8, 9), 1)).is); /* a spectrogram, say */
    m = make_model();
    assert_false(found(m, OP(m, "Relu", INPUT(m, "x", 1, 3, 8, 9))).is);
}

/* ---- what comes out ---- */

static const c2s_picture first = {true, 1, 2, 3}, last = {true, 3, 1, 2};

static size_t at(const c2s_picture *p, size_t channel, size_t row, size_t column) {
    return p->channel == 1 ? (channel * SIDE + row) * SIDE + column
                           : (row * SIDE + column) * COLOURS + channel;
}

/* 100 times the channel, rows and columns counted with weights: all that bilinear parts show of it
 * is as linear. */
static c2s_tensor *ramp(const c2s_picture *p, double down, double right, double from) {
    double values[COUNT];
    c2s_tensor *out;
    for (size_t c = 0; c < COLOURS; c++)
        for (size_t i = 0; i < SIDE; i++)
            for (size_t j = 0; j < SIDE; j++)
                values[at(p, c, i, j)] =
                    from + 100 * (double)c + down * (double)i + right * (double)j;
    const int64_t nchw[] = {1, COLOURS, SIDE, SIDE}, nhwc[] = {1, SIDE, SIDE, COLOURS};
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 4, p->channel == 1 ? nchw : nhwc, values, &out),
                     C2S_OK);
    return out;
}

static c2s_tensor *vary(const c2s_picture *p, c2s_tensor *a, c2s_tensor *b, uint64_t seed) {
    c2s_random random = {seed};
    c2s_tensor *out;
    assert_int_equal(c2s_vary_picture(p, a, b, &random, &out), C2S_OK);
    assert_true(c2s_type_equal(&out->type, &a->type));
    c2s_tensor_unref(a);
    c2s_tensor_unref(b);
    return out;
}

/* Both pictures are the same ramp along one axis: parts, stretched and mirrored, of at least half
 * of it are left, whatever is mixed. Boxes are put in as they are, so lines of one are looked at.
 */
static void parts(void **state) {
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        const c2s_picture *p = turn ? &last : &first;
        size_t mirrored = 0, whole = 0;
        for (uint64_t seed = 0; seed < 60; seed++) {
            c2s_tensor *y = vary(p, ramp(p, 0, 1, 0), ramp(p, 0, 1, 0), seed);
            double least = INFINITY, most = -INFINITY;
            for (size_t c = 0; c < COLOURS; c++)
                for (size_t k = 0; k < SIDE * SIDE; k++) {
                    const double value =
                        c2s_tensor_f64_at(y, at(p, c, k / SIDE, k % SIDE)) - 100 * (double)c;
                    least = fmin(least, value);
                    most = fmax(most, value);
                }
            assert_true(least > -1e-3 && most < SIDE - 1 + 1e-3);
            mirrored +=
                c2s_tensor_f64_at(y, at(p, 0, 0, 0)) > c2s_tensor_f64_at(y, at(p, 0, 0, SIDE - 1));
            whole += least < 1e-3 && most > SIDE - 1 - 1e-3;
            c2s_tensor_unref(y);
        }
        assert_true(mirrored > 10 && mirrored < 50);
        assert_true(whole > 3 && whole < 50);
    }
}

/* One picture is 0, the other one 1: means, boxes, and the first one alone. */
static void mixtures(void **state) {
    (void)state;
    size_t means = 0, boxes = 0, alone = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        c2s_tensor *a = ramp(&first, 0, 0, 0), *b = ramp(&first, 0, 0, 1);
        c2s_tensor *y = vary(&first, a, b, seed);
        double sum = 0;
        bool between = false;
        for (size_t k = 0; k < SIDE * SIDE; k++) {
            const double value = c2s_tensor_f64_at(y, k);
            between |= value > 1e-4 && value < 1 - 1e-4;
            sum += value / (SIDE * SIDE);
            assert_true(fabs(c2s_tensor_f64_at(y, SIDE * SIDE + k) - 100 - value) < 1e-3);
        }
        assert_true(sum >= 0 && sum <= 0.5);
        means += between;
        boxes += !between && sum > 0;
        alone += sum == 0;
        c2s_tensor_unref(y);
    }
    assert_true(means > 70 && boxes > 25 && alone > 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_first),  cmocka_unit_test(channels_last),
        cmocka_unit_test(others_are_none), cmocka_unit_test(parts),
        cmocka_unit_test(mixtures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
