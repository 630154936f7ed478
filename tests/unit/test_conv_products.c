/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions as products: against the operator's own loops. They are linear in the input and in
 * the weight, so derivatives are what scalar products with any other input or weight say. */
#include "unit/make_graph.h"

#include "base/random.h"
#include "passes/measure/conv_products.h"

enum { TIMES = 300 };

typedef struct arrays {
    size_t in, weights, out;
    float *x, *w, *y, *dy, *other_x, *other_w, *dx, *dw, *bias;
} arrays;

static c2s_conv_shape shape_of(c2s_random *random) {
    const bool depthwise = c2s_random_integer(random, 0, 2) > 0;
    c2s_conv_shape s = {.batch = c2s_random_integer(random, 1, 2),
                        .groups = c2s_random_integer(random, 1, 3),
                        .in = depthwise ? 1 : c2s_random_integer(random, 1, 3),
                        .out = depthwise ? 1 : c2s_random_integer(random, 1, 3)};
    c2s_window *w = &s.window;
    int64_t in[C2S_WINDOW_MAX];
    w->rank = (int)c2s_random_integer(random, 1, 3);
    for (int a = 0; a < w->rank; a++) {
        in[a] = c2s_random_integer(random, 5, 9);
        w->kernel[a] = c2s_random_integer(random, 1, 3);
        w->stride[a] = c2s_random_integer(random, 1, 3);
        w->dilation[a] = c2s_random_integer(random, 1, 2);
        w->pad_begin[a] = c2s_random_integer(random, 0, 5);
        w->pad_end[a] = c2s_random_integer(random, 0, 5);
    }
    assert_int_equal(c2s_window_resolve(w, in), C2S_OK);
    return s;
}

static float *random_floats(size_t count, c2s_random *random) {
    float *x = calloc(count + 1, sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)c2s_random_normal(random);
    return x;
}

static arrays arrays_of(const c2s_conv_shape *s, c2s_random *random) {
    const size_t groups = (size_t)s->groups, batch = (size_t)s->batch;
    arrays a = {.in = batch * groups * (size_t)s->in * (size_t)c2s_window_in_size(&s->window),
                .weights =
                    groups * (size_t)(s->in * s->out) * (size_t)c2s_window_kernel_size(&s->window),
                .out = batch * groups * (size_t)s->out * (size_t)c2s_window_out_size(&s->window)};
    a.x = random_floats(a.in, random);
    a.other_x = random_floats(a.in, random);
    a.w = random_floats(a.weights, random);
    a.other_w = random_floats(a.weights, random);
    a.dy = random_floats(a.out, random);
    a.bias = random_floats(groups * (size_t)s->out, random);
    a.y = calloc(a.out + 1, sizeof *a.y);
    a.dx = calloc(a.in + 1, sizeof *a.dx);
    a.dw = calloc(a.weights + 1, sizeof *a.dw);
    return a;
}

static void free_arrays(arrays *a) {
    float *all[] = {a->x, a->w, a->y, a->dy, a->other_x, a->other_w, a->dx, a->dw, a->bias};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]);
}

static double inner(size_t count, const float *a, const float *b) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void assert_near(double found, double expected) {
    if (!(fabs(found - expected) < 1e-4 * (10 + fabs(expected))))
        fail_msg("%g, expected %g", found, expected);
}

static void computes_what_loops_compute(void **state) {
    c2s_random random = {5};
    (void)state;
    for (int time = 0; time < TIMES; time++) {
        const c2s_conv_shape s = shape_of(&random);
        arrays a = arrays_of(&s, &random);
        const float *bias = time % 2 ? a.bias : NULL;
        float *scratch = malloc(c2s_conv_scratch(&s) * sizeof *scratch);
        float *expected = calloc(a.out + 1, sizeof *expected);
        c2s_conv_f32(&s, a.x, a.w, bias, expected);
        c2s_conv_products(&s, a.x, a.w, bias, scratch, a.y);
        for (size_t i = 0; i < a.out; i++)
            assert_near((double)a.y[i], (double)expected[i]);
        free(expected);
        free(scratch);
        free_arrays(&a);
    }
}

static void derives_by_input_and_weight(void **state) {
    c2s_random random = {6};
    (void)state;
    for (int time = 0; time < TIMES; time++) {
        const c2s_conv_shape s = shape_of(&random);
        arrays a = arrays_of(&s, &random);
        float *scratch = malloc(c2s_conv_scratch(&s) * sizeof *scratch);
        c2s_conv_derive(&s, a.x, a.w, a.dy, scratch, time % 3 == 1 ? NULL : a.dx,
                        time % 3 == 2 ? NULL : a.dw);
        c2s_conv_f32(&s, a.other_x, a.w, NULL, a.y);
        assert_near(inner(a.in, a.dx, a.other_x), time % 3 == 1 ? 0 : inner(a.out, a.dy, a.y));
        c2s_conv_f32(&s, a.x, a.other_w, NULL, a.y);
        assert_near(inner(a.weights, a.dw, a.other_w), time % 3 == 2 ? 0 : inner(a.out, a.dy, a.y));
        free(scratch);
        free_arrays(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_what_loops_compute),
        cmocka_unit_test(derives_by_input_and_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
