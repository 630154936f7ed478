/* SPDX-License-Identifier: Apache-2.0 */
/* Channels scaled against each other: the function stays, ranges become alike, and what stands in
 * the way is named. */
#include "unit/make_graph.h"

#include "eval/feed.h"
#include "passes/pass.h"
#include "passes/quant/channel_group.h"

extern const c2s_pass c2s_pass_equalize;

static void attr_int(c2s_node *node, const char *name, int64_t value) {
    c2s_attr_set_int(node, name, value);
}

/* A weight whose output channels differ by powers of 4, alternately. */
static c2s_value *uneven(c2s_model *m, const char *name, int rank, const int64_t *dim) {
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dim[i];
    double *values = calloc(count, sizeof *values);
    for (size_t k = 0; k < count; k++) {
        const size_t channel = k / (count / (size_t)dim[0]);
        values[k] = ((double)(k * 7 % 13) - 6.1) * pow(4, (double)(channel % 3) - 1);
    }
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, rank, dim, values, &tensor), C2S_OK);
    free(values);
    return c2s_value_constant(m->graph, name, tensor);
}
#define UNEVEN(m, name, ...) uneven(m, name, DIMS(__VA_ARGS__))

/* ---- feeds ---- */

/* Samples k = 0, 1: numbers from -(k + 1) to k + 1, channel c of the second axis times 2^c. */
static c2s_status get(const c2s_feed *feed, const c2s_graph *graph, size_t index, c2s_tensor **in) {
    (void)feed;
    const c2s_type *type = &c2s_graph_input(graph, 0)->type;
    size_t count = 1, inner = 1;
    for (int i = 0; i < type->rank; i++)
        count *= (size_t)type->dim[i];
    for (int i = 2; i < type->rank; i++)
        inner *= (size_t)type->dim[i];
    double *values = calloc(count, sizeof *values);
    for (size_t k = 0; k < count; k++)
        values[k] = sin((double)k + (double)index) * (double)(index + 1) *
                    pow(2, (double)(k / inner % (size_t)type->dim[1]));
    c2s_status status = c2s_tensor_from_f64(C2S_FLOAT, type->rank, type->dim, values, &in[0]);
    free(values);
    return status;
}
static const c2s_feed feed = {.count = 2, .get = get};

/* ---- running ---- */

static c2s_stats equalize(c2s_model *m, const char *by, const c2s_feed *data) {
    const char *values[] = {by, data ? "data" : "keep", "0.5"};
    const c2s_options options = {"equalize", c2s_pass_equalize.options, values, NULL};
    const c2s_pass_context context = {
        .evaluator = &c2s_evaluator_reference, .eval = {.threads = 1}, .feed = data};
    c2s_stats stats = C2S_STATS_INIT;
    if (c2s_pass_equalize.run(m, &options, &context, &stats) != C2S_OK)
        fail_msg("%s", c2s_error());
    assert_int_equal(c2s_model_verify(m), C2S_OK);
    return stats;
}

/* The pass changes `rewrites` groups of the model, and not what it computes. */
static void expect(c2s_model *m, const char *by, const c2s_feed *data, unsigned rewrites) {
    c2s_model *before = c2s_model_copy(m);
    c2s_stats stats = equalize(m, by, data);
    assert_int_equal(stats.rewrites, rewrites);
    const double difference = largest_difference(before, m);
    if (difference > 2e-6)
        fail_msg("results differ by %g", difference);
    c2s_stats_free(&stats);
    c2s_model_destroy(before);
}

static c2s_value *find(const c2s_model *m, const char *name) {
    for (size_t i = 0; i < m->graph->initializers.count; i++)
        if (m->graph->initializers.at[i] && strcmp(m->graph->initializers.at[i]->name, name) == 0)
            return m->graph->initializers.at[i];
    fail_msg("there is no constant %s", name);
    return NULL;
}

/* Largest magnitude of elements k with k / inner % extent == index. */
static double largest(const c2s_model *m, const char *name, size_t inner, size_t extent,
                      size_t index) {
    const c2s_tensor *t = find(m, name)->constant;
    double most = 0;
    for (size_t k = 0; k < t->count; k++)
        if (k / inner % extent == index)
            most = fmax(most, fabs(c2s_tensor_f64_at(t, k)));
    return most;
}

/* ---- by weights ---- */

static void two_layers(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x =
        OP(m, "Conv", INPUT(m, "x", 1, 2, 5, 5), UNEVEN(m, "w1", 6, 2, 3, 3), WEIGHT(m, "b1", 6));
    x = OP(m, "Relu", x);
    make_output(OP(m, "Conv", x, WEIGHT(m, "w2", 3, 6, 1, 1)), "y");
    const double before = largest(m, "w1", 18, 6, 2) / largest(m, "w1", 18, 6, 0);
    assert_true(before > 10);
    expect(m, "weights", NULL, 1);
    double ratio = 0;
    for (size_t c = 0; c < 6; c++) { /* both sides are in the same proportion in all channels */
        const double here = largest(m, "w1", 18, 6, c) / largest(m, "w2", 1, 6, c);
        if (c > 0 && fabs(here / ratio - 1) > 0.05)
            fail_msg("channel %zu: %g, channel 0: %g", c, here, ratio);
        ratio = c ? ratio : here;
    }
    c2s_model_destroy(m);
}

/* Residual branches, depthwise convolutions, concatenation, a constant that is added, Flatten. */
static void many_layers(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = OP(m, "Conv", INPUT(m, "x", 1, 3, 4, 4), UNEVEN(m, "w1", 6, 3, 1, 1));
    c2s_value *skip = OP(m, "Add", x, UNEVEN(m, "shift", 6, 1, 1));
    c2s_node *depthwise =
        NODE(m, "Conv", OP(m, "Relu", skip), UNEVEN(m, "w2", 6, 1, 2, 2), WEIGHT(m, "b2", 6));
    attr_int(depthwise, "group", 6);
    int64_t pads[] = {0, 0, 1, 1};
    c2s_attr_set_ints(depthwise, "pads", pads, 4);
    c2s_value *branch = OP(m, "LeakyRelu", make_infer(depthwise));
    branch = OP(m, "Conv", branch, UNEVEN(m, "w3", 6, 6, 1, 1), WEIGHT(m, "b3", 6));
    c2s_value *sum = OP(m, "Add", skip, branch);
    c2s_node *concat = NODE(m, "Concat", sum, OP(m, "Neg", sum));
    attr_int(concat, "axis", 1);
    c2s_value *flat = OP(m, "Flatten", make_infer(concat));
    c2s_node *gemm = NODE(m, "Gemm", flat, UNEVEN(m, "w4", 5, 12 * 16), WEIGHT(m, "b4", 5));
    attr_int(gemm, "transB", 1);
    make_output(OP(m, "MatMul", OP(m, "Relu", make_infer(gemm)), UNEVEN(m, "w5", 5, 2)), "y");
    /* Groups: {w1, w3 | w2, w4}, {w2 | w3}, {w4 | w5}. */
    expect(m, "weights", NULL, 3);
    c2s_model_destroy(m);
}

static void grouped_convolution(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = OP(m, "Conv", INPUT(m, "x", 2, 3, 6), UNEVEN(m, "w1", 8, 3, 3));
    c2s_node *grouped = NODE(m, "Conv", OP(m, "Relu", x), UNEVEN(m, "w2", 6, 4, 1));
    attr_int(grouped, "group", 2);
    make_output(make_infer(grouped), "y");
    expect(m, "weights", NULL, 1);
    c2s_model_destroy(m);
}

/* ---- by activations ---- */

static void normalization(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x =
        OP(m, "LayerNormalization", INPUT(m, "x", 2, 3, 8), UNEVEN(m, "g", 8), WEIGHT(m, "b", 8));
    c2s_value *q = OP(m, "MatMul", x, WEIGHT(m, "wq", 8, 4));
    make_output(OP(m, "Add", q, OP(m, "MatMul", x, WEIGHT(m, "wk", 8, 4))), "y");
    const double before = largest(m, "g", 1, 8, 2) / largest(m, "g", 1, 8, 0);
    expect(m, "activations", &feed, 1);
    const double after = largest(m, "g", 1, 8, 2) / largest(m, "g", 1, 8, 0);
    assert_true(before > 4 && after < before / 2);
    c2s_model_destroy(m);
}

/* Clip to [0, 6]: channels that reach 6 stay as they are. */
static void clamped_channels(void **state) {
    (void)state;
    c2s_model *m = make_model();
    const int64_t dim[] = {4, 4, 1, 1};
    double identity[16] = {0.3, 0, 0, 0, 0, 0.3, 0, 0, 0, 0, 0.3, 0, 0, 0, 0, 0.5};
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 4, dim, identity, &tensor), C2S_OK);
    c2s_value *x =
        OP(m, "Conv", INPUT(m, "x", 1, 4, 8, 8), c2s_value_constant(m->graph, "w1", tensor));
    x = OP(m, "Clip", x, make_scalar(m, "low", 0), make_scalar(m, "high", 6));
    make_output(OP(m, "Conv", x, UNEVEN(m, "w2", 3, 4, 1, 1)), "y");
    c2s_model *before = c2s_model_copy(m);
    c2s_stats stats = equalize(m, "activations", &feed);
    assert_int_equal(stats.rewrites, 1);
    c2s_stats_free(&stats);
    assert_true(largest_difference(before, m) < 2e-6); /* its inputs are within those of the feed */
    assert_true(largest(m, "w1", 4, 4, 0) > 0.31);
    assert_true(largest(m, "w1", 4, 4, 3) == 0.5); /* up to 2 * 8 * 0.5 = 8 */
    c2s_model_destroy(before);
    c2s_model_destroy(m);
}

/* ---- refused ---- */

static void refuses(c2s_model *m, const char *reason) {
    const c2s_node *node;
    c2s_channel_group group;
    const char *why = c2s_channel_group_of(m->graph->first->outputs[0], &group, &node);
    if (!why || !strstr(why, reason))
        fail_msg("\"%s\", expected \"%s\"", why ? why : "nothing is in the way", reason);
    c2s_channel_group_free(&group);
    expect(m, "weights", NULL, 0);
    c2s_model_destroy(m);
}

static c2s_value *first_layer(c2s_model *m) {
    return OP(m, "Conv", INPUT(m, "x", 1, 2, 4, 4), UNEVEN(m, "w1", 6, 2, 1, 1));
}

static void second_layer(c2s_model *m, c2s_value *x) {
    make_output(OP(m, "Conv", x, WEIGHT(m, "w2", 3, 6, 1, 1)), "y");
}

static void what_stands_in_the_way(void **state) {
    (void)state;
    c2s_model *m = make_model();
    second_layer(m, OP(m, "Sigmoid", first_layer(m)));
    refuses(m, "its results would change");

    m = make_model();
    c2s_value *x = first_layer(m);
    make_output(x, "z");
    second_layer(m, x);
    refuses(m, "an output of the model");

    m = make_model();
    x = first_layer(m);
    second_layer(m, OP(m, "Add", x, INPUT(m, "z", 1, 6, 4, 4)));
    refuses(m, "an input of the model");

    m = make_model();
    second_layer(m, OP(m, "Add", first_layer(m), make_scalar(m, "one", 1)));
    refuses(m, "the same for all channels");

    m = make_model();
    x = first_layer(m);
    second_layer(m, OP(m, "Mul", x, x));
    refuses(m, "both operands vary");

    m = make_model();
    second_layer(m, OP(m, "Clip", first_layer(m), make_scalar(m, "low", -1)));
    refuses(m, "other bounds than 0");

    m = make_model();
    x = first_layer(m);
    c2s_value *w = WEIGHT(m, "w2", 3, 6, 1, 1);
    make_output(OP(m, "Conv", x, w), "y");
    make_output(OP(m, "Conv", x, w), "z");
    refuses(m, "no float constant of its own");

    m = make_model();
    second_layer(
        m, OP(m, "Clip", first_layer(m), make_scalar(m, "low", 0), make_scalar(m, "high", 6)));
    expect(m, "weights", NULL, 0); /* without data nobody knows */
    c2s_model_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_layers),          cmocka_unit_test(many_layers),
        cmocka_unit_test(grouped_convolution), cmocka_unit_test(normalization),
        cmocka_unit_test(clamped_channels),    cmocka_unit_test(what_stands_in_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
