/* SPDX-License-Identifier: Apache-2.0 */
/* Coordinates of weights: there and back, derivatives against differences, and what they are for:
 * what a row of weights gives deviates by the length of its coordinates. */
#include "unit/make_graph.h"

#include "base/random.h"
#include "passes/measure/joint_basis.h"

enum { CHANNELS = 4, SIDE = 6, OUT = 6, SAMPLES = 64, MOST = 512 };

/* Far from 0 in the mean, and neighbours are alike. */
static double pixel(size_t sample, size_t i) {
    c2s_random random = {sample * 1000 + i / 2};
    return 5 + c2s_random_normal(&random) + 0.1 * cos((double)(i * 7 + sample));
}

static c2s_status get(const c2s_feed *feed, const c2s_graph *graph, size_t index, c2s_tensor **in) {
    double values[CHANNELS * SIDE * SIDE];
    (void)feed, (void)graph;
    for (size_t i = 0; i < CHANNELS * SIDE * SIDE; i++)
        values[i] = pixel(index, i);
    return c2s_tensor_from_f64(C2S_FLOAT, 4, (int64_t[]){1, CHANNELS, SIDE, SIDE}, values, &in[0]);
}
static const c2s_feed feed = {.count = SAMPLES, .get = get};

static c2s_value *numbers(c2s_model *m, const char *name, int rank, const int64_t *dim) {
    double values[MOST];
    size_t count = 1;
    c2s_tensor *tensor;
    c2s_random random = {strlen(name)};
    for (int k = 0; k < rank; k++)
        count *= (size_t)dim[k];
    assert_true(count <= MOST);
    for (size_t i = 0; i < count; i++)
        values[i] = c2s_random_normal(&random);
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, rank, dim, values, &tensor), C2S_OK);
    return c2s_value_constant(m->graph, name, tensor);
}

/* Conv of two groups with bias, pooled -> MatMul -> Add */
typedef struct net {
    c2s_model *m;
    c2s_joint_parameter parameters[4];
    c2s_joint_fit fit;
    c2s_joint_basis *basis;
    size_t count;
} net;

static void open_net(net *n, bool uncorrelated) {
    n->m = make_model();
    c2s_value *x = INPUT(n->m, "x", 1, CHANNELS, SIDE, SIDE);
    c2s_node *conv = NODE(n->m, "Conv", x, numbers(n->m, "w", 4, (int64_t[]){OUT, 2, 2, 1}),
                          numbers(n->m, "bias", 1, (int64_t[]){OUT}));
    c2s_attr_set_int(conv, "group", 2);
    x = make_infer(conv);
    x = OP(n->m, "Flatten", OP(n->m, "GlobalAveragePool", x));
    c2s_node *product = NODE(n->m, "MatMul", x, numbers(n->m, "second", 2, (int64_t[]){OUT, 3}));
    x = make_infer(product);
    c2s_node *sum = NODE(n->m, "Add", numbers(n->m, "b", 1, (int64_t[]){3}), x);
    make_output(make_infer(sum), "y");
    n->parameters[0] = (c2s_joint_parameter){conv, 1, true, 0};
    n->parameters[1] = (c2s_joint_parameter){conv, 2, false, -1};
    n->parameters[2] = (c2s_joint_parameter){product, 1, true, 1};
    n->parameters[3] = (c2s_joint_parameter){sum, 0, false, -1};
    n->fit = (c2s_joint_fit){.graph = n->m->graph,
                             .parameters = n->parameters,
                             .parameter_count = 4,
                             .feed = &feed,
                             .uncorrelated = uncorrelated};
    n->count = OUT * 4 + OUT + OUT * 3 + 3;
    assert_int_equal(c2s_joint_basis_open(&n->fit, &n->basis), C2S_OK);
}

static void close_net(net *n) {
    c2s_joint_basis_close(n->basis);
    c2s_model_destroy(n->m);
}

static void read(const net *n, float *x) {
    for (size_t k = 0; k < 4; k++) {
        const c2s_tensor *t = c2s_node_in(n->parameters[k].node, n->parameters[k].slot)->constant;
        memcpy(x, c2s_tensor_data(t), t->count * sizeof *x);
        x += t->count;
    }
}

static void there_and_back(void **state) {
    (void)state;
    net n;
    float x[MOST], v[MOST], again[MOST];
    open_net(&n, true);
    read(&n, x);
    c2s_joint_basis_enter(n.basis, x, v);
    c2s_joint_basis_leave(n.basis, v, again);
    for (size_t i = 0; i < n.count; i++) {
        assert_true(fabsf(v[i] - x[i]) > 1e-4f); /* all of them, biases as well */
        assert_true(fabsf(again[i] - x[i]) < 1e-3f);
    }
    close_net(&n);
}

static void derivatives(void **state) {
    (void)state;
    net n;
    float x[MOST], v[MOST], slope[MOST], found[MOST], at[MOST], moved[MOST];
    c2s_random random = {9};
    open_net(&n, true);
    read(&n, x);
    for (size_t i = 0; i < n.count; i++)
        slope[i] = (float)c2s_random_normal(&random);
    c2s_joint_basis_enter(n.basis, x, v);
    c2s_joint_basis_derive(n.basis, slope, found);
    c2s_joint_basis_leave(n.basis, v, at);
    for (size_t i = 0; i < n.count; i++) { /* all is linear: steps may be large */
        double expected = 0;
        v[i] += 1;
        c2s_joint_basis_leave(n.basis, v, moved);
        v[i] -= 1;
        for (size_t k = 0; k < n.count; k++)
            expected += (double)slope[k] * ((double)moved[k] - (double)at[k]);
        if (!(fabs((double)found[i] - expected) < 1e-3 * (1 + fabs(expected))))
            fail_msg("by coordinate %zu: %g, expected %g", i, (double)found[i], expected);
    }
    close_net(&n);
}

/* Of the convolution, over all windows of all samples. */
static void lengths_are_deviations(void **state) {
    (void)state;
    net n;
    float x[MOST], v[MOST];
    open_net(&n, true);
    read(&n, x);
    c2s_joint_basis_enter(n.basis, x, v);
    for (size_t j = 0; j < OUT; j++) {
        const size_t group = j / (OUT / 2);
        double sum = 0, square = 0, rows = 0, length = 0;
        for (size_t s = 0; s < SAMPLES; s++)
            for (size_t p = 0; p < (SIDE - 1) * SIDE; p++, rows++) {
                double y = 0;
                for (size_t i = 0; i < 4; i++) /* channel, place of the kernel */
                    y += (double)x[j * 4 + i] *
                         pixel(s, (group * 2 + i / 2) * SIDE * SIDE + p + i % 2 * SIDE);
                sum += y;
                square += y * y;
            }
        const double mean = sum / rows, variance = square / rows - mean * mean;
        for (size_t i = 0; i < 4; i++)
            length += (double)v[j * 4 + i] * (double)v[j * 4 + i];
        if (!(fabs(length - variance) < 0.05 * variance)) /* for the damping */
            fail_msg("row %zu: %g, expected %g", j, length, variance);
        assert_true(fabs((double)v[OUT * 4 + j] - mean - (double)x[OUT * 4 + j]) <
                    1e-3 * fabs(mean));
    }
    close_net(&n);
}

static void scales(void **state) {
    (void)state;
    net n;
    float x[MOST], v[MOST], scale[MOST];
    open_net(&n, true);
    read(&n, x);
    c2s_joint_basis_enter(n.basis, x, v);
    for (size_t i = 0; i < n.count; i++)
        scale[i] = i % 4 ? 1 : 0;
    c2s_joint_basis_scale(n.basis, v, scale);
    for (size_t j = 0; j < OUT; j++) {
        double length = 0;
        for (size_t i = 0; i < 4; i++)
            length += (double)v[j * 4 + i] * (double)v[j * 4 + i];
        assert_true(scale[j * 4] == 0);
        assert_true(fabs((double)scale[j * 4 + 3] - sqrt(length / 3)) < 1e-4 * length);
        assert_true(fabs((double)scale[OUT * 4 + j] - sqrt(length)) < 1e-4 * length);
    }
    close_net(&n);
}

static void nothing_if_not_asked_for(void **state) {
    (void)state;
    net n;
    float x[MOST], v[MOST];
    open_net(&n, false);
    read(&n, x);
    c2s_joint_basis_enter(n.basis, x, v);
    assert_memory_equal(x, v, n.count * sizeof *x);
    close_net(&n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),           cmocka_unit_test(derivatives),
        cmocka_unit_test(lengths_are_deviations),   cmocka_unit_test(scales),
        cmocka_unit_test(nothing_if_not_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
