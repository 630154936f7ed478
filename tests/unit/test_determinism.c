/* SPDX-License-Identifier: Apache-2.0 */
/* Same model, inputs and number of threads: same bits, in one session and in two, from both
 * evaluators. Sizes are such that every kernel shares its work among threads. */
#include "unit/make_graph.h"

#ifdef _OPENMP
#include <omp.h>
#endif

#include "base/random.h"
#include "base/threads.h"
#include "runtime/session.h"

enum { MOST = 12 };

static c2s_value *random_constant(c2s_model *m, uint64_t seed, int rank, const int64_t *dim) {
    c2s_random random = {seed};
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, rank, dim, &tensor), C2S_OK);
    for (size_t k = 0; k < tensor->count; k++)
        ((float *)c2s_tensor_mutable(tensor))[k] = 0.1f * (float)c2s_random_normal(&random);
    return c2s_value_constant(m->graph, "w", tensor);
}
#define RANDOM(m, seed, ...) random_constant(m, seed, DIMS(__VA_ARGS__))

static c2s_value *conv(c2s_model *m, c2s_value *x, c2s_value *w, int64_t pad, int64_t groups) {
    c2s_node *n = NODE(m, "Conv", x, w);
    c2s_attr_set_ints(n, "pads", (int64_t[]){pad, pad, pad, pad}, 4);
    c2s_attr_set_int(n, "group", groups);
    return make_infer(n);
}

/* Convolutions (3 x 3, 1 x 1, depthwise, transposed), normalization, pooling, interpolation. */
static c2s_model *make_images(void) {
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", 2, 16, 40, 40);
    c2s_value *dense = OP(m, "Relu", conv(m, x, RANDOM(m, 1, 32, 16, 3, 3), 1, 1));
    c2s_value *point = conv(m, dense, RANDOM(m, 2, 48, 32, 1, 1), 0, 1);
    c2s_value *deep = OP(m, "Sigmoid", conv(m, point, RANDOM(m, 3, 48, 1, 3, 3), 1, 48));
    c2s_value *norm = OP(m, "InstanceNormalization", deep, RANDOM(m, 4, 48), RANDOM(m, 5, 48));
    c2s_node *resize = NODE(m, "Resize", x, NULL, NULL, INTS(m, "sizes", 2, 16, 57, 80));
    c2s_attr_set_string(resize, "mode", "linear");
    make_output(dense, "dense");
    make_output(norm, "norm");
    make_output(OP(m, "GlobalAveragePool", norm), "pool");
    make_output(OP(m, "ConvTranspose", x, RANDOM(m, 6, 16, 8, 3, 3)), "transposed");
    make_output(make_infer(resize), "resize");
    return m;
}

static c2s_value *reduce(c2s_model *m, const char *op, c2s_value *x, c2s_value *axes) {
    c2s_node *n = axes ? NODE(m, op, x, axes) : NODE(m, op, x);
    return make_infer(n);
}

/* Sums, products of matrices with many rows and with few, softmax, normalization. */
static c2s_model *make_matrices(void) {
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", 8, 96, 64);
    c2s_node *turn = NODE(m, "Transpose", x);
    c2s_attr_set_ints(turn, "perm", (int64_t[]){0, 2, 1}, 3);
    c2s_value *scores = OP(m, "Softmax", OP(m, "MatMul", x, make_infer(turn)));
    c2s_value *mixed = OP(m, "MatMul", scores, x);
    c2s_value *wide = OP(m, "Gelu", OP(m, "MatMul", mixed, RANDOM(m, 1, 64, 512)));
    c2s_value *mean = reduce(m, "ReduceMean", wide, INTS(m, "axes", 1, 0));
    make_output(scores, "scores");
    make_output(OP(m, "LayerNormalization", wide, RANDOM(m, 2, 512), RANDOM(m, 3, 512)), "norm");
    make_output(reduce(m, "ReduceSum", wide, NULL), "sum");
    make_output(reduce(m, "ReduceL2", wide, INTS(m, "axes", -1)), "l2");
    make_output(reduce(m, "ReduceLogSumExp", wide, INTS(m, "axes", 0)), "log_sum_exp");
    make_output(mean, "mean");
    make_output(OP(m, "MatMul", mean, RANDOM(m, 4, 512, 700)), "row"); /* one row */
    make_output(OP(m, "CumSum", wide, INTS(m, "axis", 2)), "cumulated");
    return m;
}

static c2s_value *recurrent(c2s_model *m, const char *op, c2s_value *x, int64_t gates) {
    c2s_node *n = NODE(m, op, x, RANDOM(m, 1, 2, gates * 48, 64), RANDOM(m, 2, 2, gates * 48, 48),
                       RANDOM(m, 3, 2, 2 * gates * 48));
    c2s_attr_set_int(n, "hidden_size", 48);
    c2s_attr_set_string(n, "direction", "bidirectional");
    return make_infer(n);
}

static c2s_model *make_sequences(void) {
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", 30, 4, 64);
    make_output(recurrent(m, "LSTM", x, 4), "lstm");
    make_output(recurrent(m, "GRU", x, 3), "gru");
    return m;
}

/* Integers: quantized, multiplied, scaled back. */
static c2s_model *make_quantized(void) {
    c2s_model *m = make_model();
    double zero = 0;
    c2s_tensor *point;
    assert_int_equal(c2s_tensor_from_f64(C2S_INT8, 0, NULL, &zero, &point), C2S_OK);
    c2s_value *zero_point = c2s_value_constant(m->graph, "zero", point),
              *scale = make_scalar(m, "scale", 0.02);
    c2s_value *x = INPUT(m, "x", 2, 16, 40, 40), *w = RANDOM(m, 1, 32, 16, 3, 3);
    c2s_value *both[2] = {x, w};
    for (int k = 0; k < 2; k++)
        both[k] = OP(m, "DequantizeLinear", OP(m, "QuantizeLinear", both[k], scale, zero_point),
                     scale, zero_point);
    c2s_value *y = conv(m, both[0], both[1], 1, 1);
    make_output(OP(m, "QuantizeLinear", y, make_scalar(m, "large", 0.1), zero_point), "y");
    return m;
}

typedef struct results {
    c2s_tensor *out[MOST];
} results;

static void run(c2s_session *session, const c2s_tensor *x, results *r) {
    if (session->evaluator->run(session, &x, r->out) != C2S_OK)
        fail_msg("%s: %s", session->evaluator->name, c2s_error());
}

static void drop(const c2s_model *model, results *r) {
    for (unsigned k = 0; k < c2s_graph_output_count(model->graph); k++)
        c2s_tensor_unref(r->out[k]);
}

static void equal(const c2s_model *model, const results *a, const results *b, const char *when) {
    for (unsigned k = 0; k < c2s_graph_output_count(model->graph); k++)
        if (!c2s_tensor_equal(a->out[k], b->out[k]))
            fail_msg("output \"%s\" has other bits %s", c2s_graph_output_name(model->graph, k),
                     when);
}

static void hold(c2s_model *(*make)(void)) {
    c2s_model *model = make();
    const c2s_type *type = &c2s_graph_input(model->graph, 0)->type;
    c2s_random random = {9};
    c2s_tensor *x;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, type->rank, type->dim, &x), C2S_OK);
    for (size_t k = 0; k < x->count; k++)
        ((float *)c2s_tensor_mutable(x))[k] = (float)c2s_random_normal(&random);
    const c2s_evaluator *const evaluators[] = {&c2s_evaluator_onednn, &c2s_evaluator_reference};
    for (unsigned threads = 1; threads <= 3; threads++)
        for (int i = 0; i < 2; i++) {
            c2s_eval_options options = {.threads = threads};
            results first, again;
            c2s_session *session;
            assert_int_equal(evaluators[i]->open(model->graph, &options, &session), C2S_OK);
            run(session, x, &first);
            for (int round = 0; round < 3; round++) {
                run(session, x, &again);
                equal(model, &first, &again, "in the same session");
                drop(model, &again);
            }
            evaluators[i]->close(session);
            assert_int_equal(evaluators[i]->open(model->graph, &options, &session), C2S_OK);
            run(session, x, &again);
            equal(model, &first, &again, "in another session");
            drop(model, &again);
            drop(model, &first);
            evaluators[i]->close(session);
        }
    c2s_tensor_unref(x);
    c2s_model_destroy(model);
}

static void images(void **state) {
    (void)state;
    hold(make_images);
}

static void matrices(void **state) {
    (void)state;
    hold(make_matrices);
}

static void sequences(void **state) {
    (void)state;
    hold(make_sequences);
}

static void quantized(void **state) {
    (void)state;
    hold(make_quantized);
}

#ifdef _OPENMP
/* No more threads than processors, however many are asked for; afterwards all is as before. */
static void threads_are_limited(void **state) {
    (void)state;
    omp_set_num_threads(omp_get_num_procs() + 5);
    unsigned before = c2s_threads_use(4000000000u);
    assert_int_equal(omp_get_max_threads(), omp_get_num_procs());
    c2s_threads_restore(before);
    assert_int_equal(omp_get_max_threads(), omp_get_num_procs() + 5);
    before = c2s_threads_use(1);
    assert_int_equal(omp_get_max_threads(), 1);
    c2s_threads_restore(before);
    assert_int_equal(c2s_threads_use(0), omp_get_num_procs() + 5);
    assert_int_equal(omp_get_max_threads(), omp_get_num_procs() + 5);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images),
        cmocka_unit_test(matrices),
        cmocka_unit_test(sequences),
        cmocka_unit_test(quantized),
#ifdef _OPENMP
        cmocka_unit_test(threads_are_limited),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
