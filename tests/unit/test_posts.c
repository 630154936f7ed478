/* SPDX-License-Identifier: Apache-2.0 */
/* Every operation that a kernel may carry out behind its own, after every kernel that may: results
 * as of the plain evaluator. oneDNN's code for them differs by instruction set (unit.isa). */
#include "unit/make_graph.h"

#include "base/random.h"
#include "eval/compare.h"
#include "runtime/session.h"

typedef struct trial {
    c2s_random random;
    c2s_model *model;
    c2s_tensor *in[4];
    unsigned in_count;
} trial;

static c2s_value *input(trial *t, int rank, const int64_t *dim) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_create(C2S_FLOAT, rank, dim, &tensor), C2S_OK);
    for (size_t k = 0; k < tensor->count; k++)
        ((float *)c2s_tensor_mutable(tensor))[k] = (float)(3 * c2s_random_normal(&t->random));
    char name[8];
    snprintf(name, sizeof name, "x%u", t->in_count);
    t->in[t->in_count++] = tensor;
    return make_input(t->model, name, C2S_FLOAT, rank, dim);
}
#define RANDOM(t, ...) input(t, DIMS(__VA_ARGS__))

/* ---- what comes first ---- */

static c2s_value *conv(trial *t, c2s_value *x, int64_t out, int64_t kernel, int64_t groups) {
    int64_t pads[4] = {kernel / 2, kernel / 2, kernel / 2, kernel / 2};
    c2s_value *w = WEIGHT(t->model, "w", out, x->type.dim[1] / groups, kernel, kernel);
    c2s_node *n = NODE(t->model, "Conv", x, w, WEIGHT(t->model, "b", out));
    c2s_attr_set_ints(n, "pads", pads, 4);
    c2s_attr_set_int(n, "group", groups);
    return make_infer(n);
}

static c2s_value *conv_dense(trial *t, int64_t c) {
    return conv(t, RANDOM(t, 2, 3, 6, 7), c, 3, 1);
}

static c2s_value *conv_pointwise(trial *t, int64_t c) {
    return conv(t, RANDOM(t, 2, 5, 4, 4), c, 1, 1);
}

static c2s_value *conv_depthwise(trial *t, int64_t c) {
    return conv(t, RANDOM(t, 2, c, 4, 4), c, 3, c);
}

static c2s_value *add(trial *t, int64_t c) {
    return OP(t->model, "Add", RANDOM(t, 2, c, 4, 4), RANDOM(t, 2, c, 4, 4));
}

/* In the layout of a convolution, which the pooling keeps. */
static c2s_value *mul_blocked(trial *t, int64_t c) {
    c2s_node *n = NODE(t->model, "MaxPool", conv_pointwise(t, c));
    c2s_attr_set_ints(n, "kernel_shape", (int64_t[]){1, 1}, 2);
    return OP(t->model, "Mul", make_infer(n), RANDOM(t, 2, c, 4, 4));
}

static c2s_value *matmul(trial *t, int64_t c) {
    return OP(t->model, "MatMul", RANDOM(t, 2, 6, 5), WEIGHT(t->model, "w", 5, c));
}

static c2s_value *gemm(trial *t, int64_t c) {
    return OP(t->model, "Gemm", RANDOM(t, 6, 5), WEIGHT(t->model, "w", 5, c),
              WEIGHT(t->model, "b", c));
}

static const struct {
    const char *name;
    c2s_value *(*make)(trial *t, int64_t c);
} makers[] = {{"Conv 3x3", conv_dense},
              {"Conv 1x1", conv_pointwise},
              {"depthwise", conv_depthwise},
              {"Add", add},
              {"blocked Mul", mul_blocked},
              {"MatMul", matmul},
              {"Gemm", gemm}};

/* ---- what follows ---- */

static c2s_value *operand(trial *t, const c2s_value *x, bool whole) {
    if (whole)
        return input(t, x->type.rank, x->type.dim);
    int64_t dim[4] = {1, 1, 1, 1};
    int channel = x->type.rank == 4 ? 1 : x->type.rank - 1;
    dim[channel] = x->type.dim[channel];
    return make_weight(t->model->graph, "p", C2S_FLOAT, 0.1, x->type.rank, dim);
}

static c2s_value *follow(trial *t, c2s_value *x, const char *post) {
    c2s_model *m = t->model;
    if (strcmp(post, "Swish") == 0)
        return OP(m, "Mul", x, OP(m, "Sigmoid", x));
    if (strcmp(post, "Clip") == 0)
        return OP(m, "Clip", x, make_scalar(m, "low", -1), make_scalar(m, "high", 6));
    if (strcmp(post, "Gelu tanh") == 0) {
        c2s_node *n = NODE(m, "Gelu", x);
        c2s_attr_set_string(n, "approximate", "tanh");
        return make_infer(n);
    }
    const char *space = strchr(post, ' ');
    if (!space)
        return OP(m, post, x);
    char op[8] = {0};
    memcpy(op, post, (size_t)(space - post));
    return OP(m, op, x, operand(t, x, strcmp(space, " tensor") == 0));
}

static const char *const posts[] = {"Abs",         "Clip",        "Elu",        "Gelu",
                                    "Gelu tanh",   "HardSwish",   "LeakyRelu",  "Relu",
                                    "Sigmoid",     "Sqrt",        "Swish",      "Tanh",
                                    "Add tensor",  "Add channel", "Mul tensor", "Mul channel",
                                    "Sub channel", "Div channel", "Max tensor", "Min channel"};
enum { MAKERS = sizeof makers / sizeof *makers, POSTS = sizeof posts / sizeof *posts };

/* `kernel`: who computed the two nodes; NULL: not asked. */
static void run(const c2s_evaluator *evaluator, const trial *t, const c2s_node *const *nodes,
                const char **kernel, c2s_tensor **out) {
    c2s_session *session;
    assert_int_equal(evaluator->open(t->model->graph, NULL, &session), C2S_OK);
    if (evaluator->run(session, (const c2s_tensor *const *)t->in, out) != C2S_OK)
        fail_msg("%s: %s", evaluator->name, c2s_error());
    for (int k = 0; k < 2 && kernel; k++)
        kernel[k] = c2s_onednn_kernel_of(session, nodes[k]);
    evaluator->close(session);
}

/* Runs maker, first and second; prints a wrong result. *fused: one kernel computed the first
 * two. `odd`: what the first input holds once, if not 0. */
static bool agrees(unsigned maker, unsigned first, unsigned second, int64_t c, float odd,
                   bool *fused) {
    trial t = {.random = {maker * 1000 + first}, .model = make_model()};
    c2s_value *x = makers[maker].make(&t, c), *y = follow(&t, x, posts[first]);
    const c2s_node *const nodes[2] = {x->def, y->def};
    if (second < POSTS)
        y = follow(&t, y, posts[second]);
    make_output(y, "y");
    c2s_tensor *want, *have;
    c2s_difference d;
    const char *kernel[2];
    if (odd != 0)
        *(float *)c2s_tensor_mutable(t.in[0]) = odd;
    run(&c2s_evaluator_reference, &t, nodes, NULL, &want);
    run(&c2s_evaluator_onednn, &t, nodes, kernel, &have);
    *fused = strcmp(kernel[0], kernel[1]) == 0;
    bool same = c2s_compare(want, have, 1e-5, &d);
    if (!same)
        print_message("%s, %s, %s on %d channels by %s: %g at %s, expected %g\n",
                      makers[maker].name, posts[first], second < POSTS ? posts[second] : "nothing",
                      (int)c, kernel[1], d.found, d.where, d.reference);
    c2s_tensor_unref(want);
    c2s_tensor_unref(have);
    for (unsigned k = 0; k < t.in_count; k++)
        c2s_tensor_unref(t.in[k]);
    c2s_model_destroy(t.model);
    return same;
}

static void posts_agree_with_eval(void **state) {
    (void)state;
    static const int64_t channels[] = {3, 16, 20}; /* blocks with a rest, and without */
    unsigned wrong = 0, fused = 0, count = 0;
    for (unsigned maker = 0; maker < MAKERS; maker++)
        for (unsigned first = 0; first < POSTS; first++)
            for (unsigned second = 0; second <= POSTS; second++) {
                bool as_one;
                if (second < POSTS && strcmp(posts[second], "Sqrt") == 0)
                    continue; /* of what is 0 but for rounding */
                wrong += !agrees(maker, first, second, channels[(first + second) % 3], 0, &as_one);
                fused += as_one;
                count++;
            }
    print_message("%u of %u were computed by the kernel before them\n", fused, count);
    assert_int_equal(wrong, 0);
    assert_true(fused > count / 2);
}

static void posts_of_infinity_agree_with_eval(void **state) {
    (void)state;
    static const float odd[] = {-INFINITY, INFINITY, NAN};
    unsigned wrong = 0;
    bool fused;
    for (unsigned maker = 0; maker < MAKERS; maker++)
        for (unsigned first = 0; first < POSTS; first++)
            for (unsigned k = 0; k < 3; k++)
                wrong += !agrees(maker, first, POSTS, 16, odd[k], &fused);
    assert_int_equal(wrong, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(posts_agree_with_eval),
                                       cmocka_unit_test(posts_of_infinity_agree_with_eval)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
