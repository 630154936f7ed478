/* SPDX-License-Identifier: Apache-2.0 */
/* Random transformers against the plain evaluator: products of matrices and what is carried out
 * behind them, activations, normalizations and attention as exporters write them out, Transposes,
 * NaN and infinity. */
#include "unit/make_graph.h"

#include <math.h>

#include "base/random.h"
#include "eval/compare.h"
#include "runtime/dnnl_processor.h"
#include "runtime/session.h"

enum { ROUNDS = 60, MOST_VALUES = 24 };

typedef struct network {
    c2s_random random;
    c2s_model *model;
    c2s_value *value[MOST_VALUES]; /* [batch, length, width] */
    unsigned count;
} network;

static int64_t pick(network *t, int64_t low, int64_t high) {
    return c2s_random_integer(&t->random, low, high);
}

static bool flip(network *t) {
    return pick(t, 0, 1) != 0;
}

static c2s_value *any_value(network *t) {
    unsigned back = (unsigned)pick(t, 0, pick(t, 0, 2) ? 1 : (int64_t)t->count - 1);
    return t->value[back < t->count ? t->count - 1 - back : 0];
}

static c2s_value *weight(network *t, int rank, const int64_t *dim, double scale) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, rank, dim, &tensor), C2S_OK);
    for (size_t k = 0; k < tensor->count; k++)
        ((float *)c2s_tensor_mutable(tensor))[k] =
            (float)(scale * (2 * c2s_random_uniform(&t->random) - 1));
    return c2s_value_constant(t->model->graph, "w", tensor);
}

static c2s_value *binary(network *t, const char *op, c2s_value *a, c2s_value *b) {
    return OP(t->model, op, a, b);
}

static c2s_value *number(network *t, double value) {
    return make_scalar(t->model, "number", value);
}

/* In the order of the operands that chance has it. */
static c2s_value *either(network *t, const char *op, c2s_value *a, c2s_value *b) {
    return flip(t) ? binary(t, op, a, b) : binary(t, op, b, a);
}

/* ---- layers ---- */

static c2s_value *add_linear(network *t, c2s_value *x, int64_t out) {
    int64_t w[2] = {x->type.dim[2], out};
    return binary(t, "MatMul", x, weight(t, 2, w, 1.5 / sqrt((double)w[0])));
}

/* The rows of all batches at once. */
static c2s_value *add_gemm(network *t, c2s_value *x) {
    int64_t width = x->type.dim[2], out = pick(t, 1, 40), *dim = x->type.dim;
    bool transposed = flip(t);
    c2s_value *rows = binary(t, "Reshape", x, INTS(t->model, "shape", -1, width));
    c2s_value *w =
        weight(t, 2, transposed ? (int64_t[]){out, width} : (int64_t[]){width, out}, 0.2);
    c2s_node *n = flip(t) ? NODE(t->model, "Gemm", rows, w)
                          : NODE(t->model, "Gemm", rows, w, weight(t, 1, &out, 0.5));
    c2s_attr_set_int(n, "transB", transposed);
    return binary(t, "Reshape", make_infer(n), INTS(t->model, "shape", dim[0], dim[1], out));
}

static c2s_value *add_bias(network *t, c2s_value *x) {
    int64_t dim[3] = {1, flip(t) ? x->type.dim[1] : 1, x->type.dim[2]};
    int drop = dim[1] == 1 ? (int)pick(t, 0, 2) : 0;
    return either(t, flip(t) ? "Add" : "Mul", x, weight(t, 3 - drop, dim + drop, 1));
}

static c2s_value *add_residual(network *t, c2s_value *x) {
    static const char *const ops[] = {"Add", "Sub", "Max", "Min"};
    for (unsigned k = 0; k < t->count; k++) {
        c2s_value *other = t->value[t->count - 1 - k];
        if (other != x && c2s_type_equal(&other->type, &x->type))
            return either(t, ops[pick(t, 0, 3)], x, other);
    }
    return x;
}

static c2s_value *add_unary(network *t, c2s_value *x) {
    static const char *const ops[] = {"Relu", "Sigmoid", "Tanh", "HardSwish",
                                      "Elu",  "Gelu",    "Abs",  "LeakyRelu"};
    return OP(t->model, ops[pick(t, 0, 7)], x);
}

/* ---- what exporters write out ---- */

static c2s_value *add_gelu(network *t, c2s_value *x) {
    c2s_value *gate, *half = number(t, flip(t) ? 0.5 : 1);
    if (flip(t)) {
        c2s_value *u = flip(t) ? binary(t, "Div", x, number(t, sqrt(2)))
                               : either(t, "Mul", x, number(t, sqrt(0.5)));
        gate = OP(t->model, "Erf", u);
    } else {
        c2s_value *cube = flip(t) ? binary(t, "Pow", x, number(t, 3))
                                  : either(t, "Mul", either(t, "Mul", x, x), x);
        c2s_value *u = either(t, "Add", x, either(t, "Mul", number(t, 0.044715), cube));
        gate = OP(t->model, "Tanh", either(t, "Mul", number(t, sqrt(2 / acos(-1))), u));
    }
    gate = either(t, "Add", gate, number(t, 1));
    switch (pick(t, 0, 3)) {
    case 0:
        return either(t, "Mul", either(t, "Mul", x, gate), half);
    case 1:
        return either(t, "Mul", either(t, "Mul", x, half), gate);
    case 2:
        return either(t, "Mul", x, either(t, "Mul", gate, half));
    default:
        return either(t, "Mul", x, gate);
    }
}

static c2s_value *mean(network *t, c2s_value *x) {
    if (flip(t)) { /* as before opset 18 */
        c2s_node *n = NODE(t->model, "ReduceMean", x);
        c2s_attr_set_ints(n, "axes", (int64_t[]){-1}, 1);
        return make_infer(n);
    }
    return make_infer(NODE(t->model, "ReduceMean", x, INTS(t->model, "axes", flip(t) ? -1 : 2)));
}

static c2s_value *add_norm(network *t, c2s_value *x) {
    int64_t width = x->type.dim[2];
    if (flip(t))
        x = binary(t, "Sub", x, mean(t, x));
    c2s_value *square = flip(t) ? binary(t, "Mul", x, x) : binary(t, "Pow", x, number(t, 2));
    c2s_value *root = OP(t->model, "Sqrt", either(t, "Add", mean(t, square), number(t, 1e-3)));
    c2s_value *y = pick(t, 0, 2) == 0 ? binary(t, "Div", x, root)
                   : flip(t)          ? either(t, "Mul", x, OP(t->model, "Reciprocal", root))
                                      : either(t, "Mul", x, binary(t, "Div", number(t, 1), root));
    if (pick(t, 0, 2) > 0)
        y = either(t, "Mul", y, weight(t, 1, &width, 1));
    return pick(t, 0, 2) > 0 ? either(t, "Add", y, weight(t, 1, &width, 1)) : y;
}

static c2s_value *add_transpose(network *t, c2s_value *x) {
    static const int64_t orders[][3] = {{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 1, 0}, {2, 0, 1}};
    c2s_node *n = NODE(t->model, "Transpose", x);
    c2s_attr_set_ints(n, "perm", orders[pick(t, 0, 4)], 3);
    return make_infer(n);
}

static c2s_value *transposed(network *t, c2s_value *x, int64_t a, int64_t b, int64_t c, int64_t d) {
    c2s_node *n = NODE(t->model, "Transpose", x);
    c2s_attr_set_ints(n, "perm", (int64_t[]){a, b, c, d}, 4);
    return make_infer(n);
}

/* A row of numbers per position, as heads: [batch, heads, length, size]. */
static c2s_value *heads_of(network *t, c2s_value *x, int64_t heads, int64_t size, bool keys) {
    c2s_value *y = add_linear(t, x, heads * size);
    y = binary(t, "Reshape", y, INTS(t->model, "shape", 0, 0, heads, size));
    if (keys)
        return transposed(t, y, 0, 2, 3, 1);
    return transposed(t, y, 0, 2, 1, 3);
}

static c2s_value *mask_of(network *t, c2s_value *scores) {
    int64_t dim[4];
    memcpy(dim, scores->type.dim, sizeof dim);
    for (int i = 0; i < 3; i++)
        dim[i] = flip(t) ? dim[i] : 1;
    int drop = dim[0] == 1 ? (int)pick(t, 0, 1) : 0;
    return weight(t, 4 - drop, dim + drop, 2);
}

static c2s_value *add_attention(network *t, c2s_value *x, c2s_value *other) {
    int64_t heads = pick(t, 1, 3), size = pick(t, 1, 20), width = pick(t, 1, 20);
    if (other->type.dim[0] != x->type.dim[0])
        other = x;
    c2s_value *scores = binary(t, "MatMul", heads_of(t, x, heads, size, false),
                               heads_of(t, other, heads, size, true));
    if (flip(t))
        scores = flip(t) ? binary(t, "Div", scores, number(t, sqrt((double)size)))
                         : either(t, "Mul", scores, number(t, 0.3));
    if (flip(t))
        scores = either(t, "Add", scores, mask_of(t, scores));
    c2s_node *softmax = NODE(t->model, "Softmax", scores);
    c2s_attr_set_int(softmax, "axis", flip(t) ? -1 : 3);
    c2s_value *y =
        binary(t, "MatMul", make_infer(softmax), heads_of(t, other, heads, width, false));
    return binary(t, "Reshape", transposed(t, y, 0, 2, 1, 3),
                  INTS(t->model, "shape", 0, 0, heads * width));
}

static c2s_value *add_layer(network *t) {
    c2s_value *x = any_value(t);
    switch (pick(t, 0, 14)) {
    case 0:
    case 1:
    case 2:
        return add_linear(t, x, pick(t, 1, 40));
    case 3:
        return add_gemm(t, x);
    case 4:
    case 5:
        return add_bias(t, x);
    case 6:
        return add_residual(t, x);
    case 7:
        return add_transpose(t, x);
    case 8:
    case 9:
        return add_gelu(t, x);
    case 10:
        return add_norm(t, x);
    case 11:
    case 12:
        return add_attention(t, x, any_value(t));
    default:
        return add_unary(t, x);
    }
}

static void make_network(network *t, uint64_t seed) {
    *t = (network){.random = {seed}, .model = make_model()};
    t->value[t->count++] =
        make_input(t->model, "x", C2S_FLOAT, DIMS(pick(t, 1, 3), pick(t, 1, 20), pick(t, 1, 40)));
    int64_t layers = pick(t, 3, MOST_VALUES - 1);
    for (int64_t k = 0; k < layers; k++)
        t->value[t->count] = add_layer(t), t->count++;
    make_output(t->value[t->count - 1], "y");
    if (flip(t))
        make_output(any_value(t), "z");
}

/* ---- running ---- */

static c2s_tensor *make_x(network *t, bool special) {
    c2s_tensor *x;
    const c2s_type *type = &t->value[0]->type;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, type->rank, type->dim, &x), C2S_OK);
    float *data = c2s_tensor_mutable(x);
    for (size_t k = 0; k < x->count; k++)
        data[k] = (float)c2s_random_normal(&t->random);
    static const float odd[] = {NAN, INFINITY, -INFINITY, 1e30f, -3e38f};
    if (special)
        data[pick(t, 0, (int64_t)x->count - 1)] = odd[pick(t, 0, 4)];
    return x;
}

static c2s_session *open_session(const c2s_evaluator *evaluator, const network *t,
                                 c2s_eval_options options) {
    c2s_session *session;
    if (evaluator->open(t->model->graph, &options, &session) != C2S_OK)
        fail_msg("%s: %s", evaluator->name, c2s_error());
    return session;
}

static void hold_against_eval(network *t, c2s_session *plain, c2s_session *fast, uint64_t seed,
                              bool special) {
    unsigned outputs = c2s_graph_output_count(t->model->graph);
    const c2s_tensor *x = make_x(t, special);
    c2s_tensor *want[2], *have[2];
    if (plain->evaluator->run(plain, &x, want) != C2S_OK ||
        fast->evaluator->run(fast, &x, have) != C2S_OK)
        fail_msg("seed %llu: %s", (unsigned long long)seed, c2s_error());
    for (unsigned k = 0; k < outputs; k++) {
        c2s_difference d;
        if (!c2s_compare(want[k], have[k], 1e-4, &d))
            fail_msg("seed %llu, special %d, output %u: %g at %s, expected %g",
                     (unsigned long long)seed, special, k, d.found, d.where, d.reference);
        c2s_tensor_unref(want[k]);
        c2s_tensor_unref(have[k]);
    }
    c2s_tensor_unref(x);
}

static void networks_agree_with_eval(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        network t;
        make_network(&t, seed);
        c2s_session *plain = open_session(&c2s_evaluator_reference, &t, (c2s_eval_options){0});
        c2s_session *fast =
            open_session(&c2s_evaluator_onednn, &t, (c2s_eval_options){.threads = 2});
        for (int run = 0; run < 4; run++) /* memory is used again */
            hold_against_eval(&t, plain, fast, seed, run == 1);
        c2s_evaluator_reference.close(plain);
        c2s_evaluator_onednn.close(fast);
        c2s_model_destroy(t.model);
    }
}

/* ---- that it happens at all ---- */

static unsigned count_steps(const c2s_session *session, const char *kernel) {
    size_t count = c2s_onednn_profile_read(session, NULL);
    c2s_step_profile *steps = c2s_zalloc((count + 1) * sizeof *steps);
    unsigned found = 0;
    c2s_onednn_profile_read(session, steps);
    for (size_t i = 0; i < count; i++)
        found += !kernel || strcmp(steps[i].kernel, kernel) == 0;
    free(steps);
    return found;
}

/* Every way to write them that chance finds is one step. */
static void written_functions_are_one_step(void **state) {
    (void)state;
    if (!c2s_processor_has_fma())
        skip();
    for (uint64_t seed = 0; seed < 40; seed++) {
        network t = {.random = {seed}, .model = make_model()};
        t.value[0] = make_input(t.model, "x", C2S_FLOAT, DIMS(2, 3, 11));
        make_output(seed % 2 ? add_gelu(&t, t.value[0]) : add_norm(&t, t.value[0]), "y");
        c2s_session *plain = open_session(&c2s_evaluator_reference, &t, (c2s_eval_options){0});
        c2s_session *fast = open_session(&c2s_evaluator_onednn, &t, (c2s_eval_options){0});
        for (int run = 0; run < 3; run++)
            hold_against_eval(&t, plain, fast, seed, run == 1);
        if (count_steps(fast, NULL) != 1)
            fail_msg("seed %llu: %u steps", (unsigned long long)seed, count_steps(fast, NULL));
        assert_int_equal(count_steps(fast, seed % 2 ? "gelu" : "norm"), 1);
        c2s_evaluator_reference.close(plain);
        c2s_evaluator_onednn.close(fast);
        c2s_model_destroy(t.model);
    }
}

/* Three projections, attention with its Transposes, one projection with bias and residual. */
static void attention_block_is_five_steps(void **state) {
    (void)state;
    if (!c2s_processor_has_fma() || c2s_processor_has_avx512())
        skip();
    for (uint64_t seed = 0; seed < 20; seed++) {
        network t = {.random = {seed}, .model = make_model()};
        int64_t width = 12, length = seed % 2 ? 150 : 7;
        c2s_value *x = t.value[0] = make_input(t.model, "x", C2S_FLOAT, DIMS(2, length, width));
        c2s_value *y = add_linear(&t, add_attention(&t, x, x), width);
        make_output(binary(&t, "Add", binary(&t, "Add", y, weight(&t, 1, &width, 1)), x), "y");
        c2s_session *plain = open_session(&c2s_evaluator_reference, &t, (c2s_eval_options){0});
        c2s_session *fast =
            open_session(&c2s_evaluator_onednn, &t, (c2s_eval_options){.threads = 2});
        for (int run = 0; run < 3; run++)
            hold_against_eval(&t, plain, fast, seed, run == 1);
        assert_int_equal(count_steps(fast, "attention"), 1);
        assert_int_equal(count_steps(fast, "matmul"), 4);
        assert_int_equal(count_steps(fast, "reorder"), 0);
        c2s_evaluator_reference.close(plain);
        c2s_evaluator_onednn.close(fast);
        c2s_model_destroy(t.model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_agree_with_eval),
        cmocka_unit_test(written_functions_are_one_step),
        cmocka_unit_test(attention_block_is_five_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
