/* SPDX-License-Identifier: Apache-2.0 */
/* MatMul and Gemm with a matrix of 4 or 8 bits per element behind DequantizeLinear: the session
 * multiplies the integers; held against the plain evaluator. */
#include "unit/make_graph.h"

#include "base/random.h"
#include "eval/compare.h"
#include "runtime/session.h"

typedef struct trial {
    c2s_random random;
    c2s_model *model;
    c2s_value *weight; /* what DequantizeLinear makes */
    int64_t m, n, k;
    bool gemm, transposed;
} trial;

static int64_t pick(trial *t, int64_t low, int64_t high) {
    return c2s_random_integer(&t->random, low, high);
}

static c2s_value *constant(trial *t, c2s_dtype dtype, int rank, const int64_t *dim, double low,
                           double high) {
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= dim[i];
    double *values = calloc((size_t)count + 1, sizeof *values);
    for (int64_t k = 0; k < count; k++)
        values[k] = dtype == C2S_FLOAT ? low + (high - low) * c2s_random_uniform(&t->random)
                                       : (double)pick(t, (int64_t)low, (int64_t)high);
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(dtype, rank, dim, values, &tensor), C2S_OK);
    free(values);
    return c2s_value_constant(t->model->graph, "c", tensor);
}

/* `along`: the axis of the blocks is that of k (else of n); 0: a scale per output, or one. */
static void add_weight(trial *t, c2s_dtype dtype, int64_t block, bool along) {
    int64_t dim[2] = {t->transposed ? t->n : t->k, t->transposed ? t->k : t->n};
    int n_axis = t->transposed ? 0 : 1, axis = block && along ? 1 - n_axis : n_axis, rank = 2;
    int64_t scale[2] = {dim[0], dim[1]};
    if (block) {
        scale[axis] = (scale[axis] + block - 1) / block;
    } else {
        rank = (int)pick(t, 0, 1);
        scale[0] = t->n;
    }
    double low = dtype == C2S_INT4   ? -8
                 : dtype == C2S_INT8 ? -128
                                     : 0,
           high = dtype == C2S_INT4    ? 7
                  : dtype == C2S_UINT4 ? 15
                  : dtype == C2S_INT8  ? 127
                                       : 255;
    c2s_value *codes = constant(t, dtype, 2, dim, low, high);
    c2s_value *scales = constant(t, C2S_FLOAT, rank, scale, 0.01, 1);
    c2s_node *node = pick(t, 0, 1) ? NODE(t->model, "DequantizeLinear", codes, scales)
                                   : NODE(t->model, "DequantizeLinear", codes, scales,
                                          constant(t, dtype, rank, scale, low, high));
    c2s_attr_set_int(node, "axis", axis);
    c2s_attr_set_int(node, "block_size", block);
    t->weight = make_infer(node);
}

static c2s_node *add_product(trial *t, c2s_value *x) {
    c2s_node *node;
    if (t->gemm && pick(t, 0, 1))
        node = NODE(t->model, "Gemm", x, t->weight, constant(t, C2S_FLOAT, 1, &t->n, -1, 1));
    else
        node = NODE(t->model, t->gemm ? "Gemm" : "MatMul", x, t->weight);
    if (t->gemm)
        c2s_attr_set_int(node, "transB", t->transposed);
    make_infer(node);
    return node;
}

static trial make_trial(uint64_t seed) {
    trial t = {.random = {seed}, .model = make_model()};
    t.m = pick(&t, 1, 7);
    t.n = pick(&t, 1, 70);
    t.k = pick(&t, 1, 90);
    t.gemm = pick(&t, 0, 1) != 0;
    t.transposed = t.gemm && pick(&t, 0, 1);
    return t;
}

/* The kernel that computed `node`. */
static const char *run_both(trial *t, const c2s_node *node, const c2s_value *x, uint64_t seed) {
    static char kernel[32];
    c2s_tensor *in, *want[2], *have[2];
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, x->type.rank, x->type.dim, &in), C2S_OK);
    for (size_t k = 0; k < in->count; k++)
        ((float *)c2s_tensor_mutable(in))[k] = (float)c2s_random_normal(&t->random);
    if (seed % 5 == 0)
        ((float *)c2s_tensor_mutable(in))[0] = seed % 2 ? NAN : INFINITY;
    const c2s_evaluator *evaluators[] = {&c2s_evaluator_reference, &c2s_evaluator_onednn};
    for (int i = 0; i < 2; i++) {
        c2s_session *session;
        c2s_eval_options options = {.threads = 2};
        assert_int_equal(evaluators[i]->open(t->model->graph, &options, &session), C2S_OK);
        if (evaluators[i]->run(session, (const c2s_tensor *const *)&in, i ? have : want) != C2S_OK)
            fail_msg("seed %u: %s", (unsigned)seed, c2s_error());
        if (i)
            snprintf(kernel, sizeof kernel, "%s", c2s_onednn_kernel_of(session, node));
        evaluators[i]->close(session);
    }
    for (unsigned k = 0; k < c2s_graph_output_count(t->model->graph); k++) {
        c2s_difference d;
        if (!c2s_compare(want[k], have[k], 1e-5, &d))
            fail_msg("seed %u: %g at %s, expected %g", (unsigned)seed, d.found, d.where,
                     d.reference);
        c2s_tensor_unref(want[k]);
        c2s_tensor_unref(have[k]);
    }
    c2s_tensor_unref(in);
    c2s_model_destroy(t->model);
    return kernel;
}

static c2s_value *input_of(trial *t) {
    bool batch = !t->gemm && pick(t, 0, 1);
    return batch ? make_input(t->model, "x", C2S_FLOAT, DIMS(2, t->m, t->k))
                 : make_input(t->model, "x", C2S_FLOAT, DIMS(t->m, t->k));
}

static void integers_are_multiplied(void **state) {
    (void)state;
    static const c2s_dtype dtypes[] = {C2S_INT4, C2S_UINT4, C2S_INT8, C2S_UINT8};
    for (uint64_t seed = 0; seed < 120; seed++) {
        trial t = make_trial(seed);
        c2s_dtype dtype = dtypes[pick(&t, 0, 3)];
        bool blocks = dtype == C2S_INT8 || dtype == C2S_UINT8 || pick(&t, 0, 1);
        c2s_value *x = input_of(&t);
        add_weight(&t, dtype, blocks ? 16 << pick(&t, 0, 2) : 0, true);
        c2s_node *first = add_product(&t, x), *second = add_product(&t, x);
        make_output(first->outputs[0], "y");
        make_output(second->outputs[0], "z");
        assert_string_equal(run_both(&t, first, x, seed), "block_matmul");
    }
}

/* Blocks that are no whole chunks, or along the outputs; a matrix that somebody else reads. */
static void floats_are_made_for_others(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++) {
        trial t = make_trial(1000 + seed);
        c2s_value *x = input_of(&t);
        add_weight(&t, C2S_INT4, seed % 3 == 0 ? 10 : 32, seed % 3 != 1);
        c2s_node *node = add_product(&t, x);
        make_output(node->outputs[0], "y");
        if (seed % 3 == 2)
            make_output(OP(t.model, "Neg", t.weight), "w");
        const char *kernel = run_both(&t, node, x, seed);
        assert_string_not_equal(kernel, "block_matmul");
        assert_string_not_equal(kernel, "eval");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_multiplied),
        cmocka_unit_test(floats_are_made_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
