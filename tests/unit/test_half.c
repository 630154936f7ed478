/* SPDX-License-Identifier: Apache-2.0 */
/* float16 and bfloat16 in the oneDNN session: results that float16 cannot hold, the corners of the
 * graph interface, and what is computed in which type. Held against the plain evaluator. */
#include "unit/make_graph.h"

#include "base/random.h"
#include "eval/compare.h"
#include "runtime/session.h"
#include "unit/retyped.h"

static c2s_session *open_session(const c2s_evaluator *evaluator, const c2s_model *model) {
    c2s_session *session;
    if (evaluator->open(model->graph, &(c2s_eval_options){.threads = 2}, &session) != C2S_OK)
        fail_msg("%s: %s", evaluator->name, c2s_error());
    return session;
}

/* Runs both evaluators on `x`; returns how many elements of the results are infinite. */
static unsigned agree(const c2s_model *model, c2s_session *fast, const c2s_tensor *x,
                      const char *what) {
    c2s_tensor *want[8], *have[8];
    unsigned infinite = 0;
    c2s_session *plain = open_session(&c2s_evaluator_reference, model);
    assert_int_equal(plain->evaluator->run(plain, &x, want), C2S_OK);
    if (fast->evaluator->run(fast, &x, have) != C2S_OK)
        fail_msg("%s: %s", what, c2s_error());
    for (unsigned k = 0; k < c2s_graph_output_count(model->graph); k++) {
        c2s_difference d;
        if (!c2s_compare(want[k], have[k], -1, &d))
            fail_msg("%s, output %u: %g at %s, expected %g", what, k, d.found, d.where,
                     d.reference);
        for (size_t i = 0; i < want[k]->count; i++)
            infinite += isinf(c2s_tensor_f64_at(want[k], i)) != 0;
        c2s_tensor_unref(want[k]);
        c2s_tensor_unref(have[k]);
    }
    c2s_evaluator_reference.close(plain);
    return infinite;
}

static unsigned agree_once(const c2s_model *model, const c2s_tensor *x, const char *what) {
    c2s_session *fast = open_session(&c2s_evaluator_onednn, model);
    unsigned infinite = agree(model, fast, x, what);
    c2s_evaluator_onednn.close(fast);
    return infinite;
}

static const char *kernel_of(const c2s_session *session, const c2s_model *model, const char *type) {
    for (const c2s_node *node = model->graph->first; node; node = node->next)
        if (c2s_node_is(node, type))
            return c2s_onednn_kernel_of(session, node);
    return NULL;
}

static c2s_tensor *half_of(c2s_dtype dtype, const c2s_type *type, const double *values) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(dtype, type->rank, type->dim, values, &tensor), C2S_OK);
    return tensor;
}

/* ---- overflow ---- */

enum { CHANNELS = 8, SIZE = 5, ELEMENTS = CHANNELS * SIZE * SIZE };

typedef struct chain {
    c2s_random random;
    c2s_model *model;
    c2s_value *x;
    char text[200];
} chain;

static int64_t pick(chain *c, int64_t low, int64_t high) {
    return c2s_random_integer(&c->random, low, high);
}

/* Sums of two elements, or of an element and its opposite: no rounding, so that nothing is near the
 * limit by chance. */
static c2s_value *pairs(chain *c) {
    double w[CHANNELS * CHANNELS] = {0};
    for (int o = 0; o < CHANNELS; o++)
        for (int k = 0; k < 2; k++)
            w[o * CHANNELS + pick(c, 0, CHANNELS - 1)] = pick(c, 0, 1) ? 1 : -1;
    c2s_type type = c2s_type_tensor(C2S_FLOAT16, DIMS(CHANNELS, CHANNELS, 1, 1));
    return c2s_value_constant(c->model->graph, "w", half_of(C2S_FLOAT16, &type, w));
}

static c2s_value *number(chain *c, double value) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT16, 0, NULL, &value, &tensor), C2S_OK);
    return c2s_value_constant(c->model->graph, "c", tensor);
}

static c2s_value *follow(chain *c, c2s_value *y) {
    static const char *const ops[] = {"Relu", "Abs", "Sigmoid", "Tanh", "Add",
                                      "Sub",  "Max", "Mul",     "Clip", "LeakyRelu"};
    const char *op = ops[pick(c, 0, 9)];
    size_t length = strlen(c->text);
    snprintf(c->text + length, sizeof c->text - length, " %s", op);
    if (strcmp(op, "Add") == 0 || strcmp(op, "Max") == 0 || strcmp(op, "Sub") == 0)
        return OP(c->model, op, y, c->x);
    if (strcmp(op, "Mul") == 0)
        return OP(c->model, op, y, number(c, pick(c, 0, 1) ? 0.0625 : 2));
    if (strcmp(op, "Clip") == 0)
        return OP(c->model, op, y, number(c, 0), number(c, 6));
    c2s_node *n = NODE(c->model, op, y);
    if (strcmp(op, "LeakyRelu") == 0)
        c2s_attr_set_float(n, "alpha", 0.0625f);
    return make_infer(n);
}

/* Multiples of 1024 up to 63 * 1024, the last that float16 holds; or small ones. */
static c2s_tensor *large_input(chain *c, bool large) {
    double values[ELEMENTS];
    for (int k = 0; k < ELEMENTS; k++)
        values[k] = (double)pick(c, -63, 63) * (large ? 1024 : 0.0625);
    return half_of(C2S_FLOAT16, &c->x->type, values);
}

static void what_overflows_is_infinite(void **state) {
    (void)state;
    unsigned infinite = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        chain c = {.random = {seed}, .model = make_model()};
        c.x = make_input(c.model, "x", C2S_FLOAT16, DIMS(1, CHANNELS, SIZE, SIZE));
        c2s_value *y = OP(c.model, "Conv", c.x, pairs(&c));
        snprintf(c.text, sizeof c.text, "seed %u: Conv", (unsigned)seed);
        for (int64_t k = pick(&c, 0, 4); k > 0; k--)
            y = follow(&c, y);
        make_output(y, "y");
        c2s_session *fast = open_session(&c2s_evaluator_onednn, c.model);
        for (int run = 0; run < 3; run++) {
            c2s_tensor *x = large_input(&c, run == 1);
            infinite += agree(c.model, fast, x, c.text);
            c2s_tensor_unref(x);
        }
        assert_string_equal(kernel_of(fast, c.model, "Conv"), "dnnl_conv");
        c2s_evaluator_onednn.close(fast);
        c2s_model_destroy(c.model);
    }
    assert_true(infinite > 1000);
}

/* A masked score: the lowest number plus a negative one. */
static void masked_scores_overflow(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_type type = c2s_type_tensor(C2S_FLOAT16, DIMS(4, 4));
    c2s_value *x = make_input(model, "x", C2S_FLOAT16, DIMS(4, 4));
    double mask[16] = {0}, values[16], identity[16] = {0};
    for (int i = 0; i < 16; i++) {
        mask[i] = i % 4 > i / 4 ? -65504 : 0;
        values[i] = i - 100;
        identity[i] = i % 5 == 0;
    }
    c2s_value *w = c2s_value_constant(model->graph, "w", half_of(C2S_FLOAT16, &type, identity));
    c2s_value *m = c2s_value_constant(model->graph, "m", half_of(C2S_FLOAT16, &type, mask));
    c2s_value *y = OP(model, "Add", OP(model, "MatMul", x, w), m);
    make_output(y, "scores");
    make_output(OP(model, "Softmax", y), "y");
    c2s_tensor *in = half_of(C2S_FLOAT16, &type, values);
    assert_int_equal(agree_once(model, in, "mask"), 6);
    c2s_tensor_unref(in);
    c2s_model_destroy(model);
}

/* ---- types ---- */

/* x in float -> Cast -> two halves of a network -> Cast: nothing is computed in half types but the
 * casts; between them floats. */
static void casts_round(void **state) {
    (void)state;
    static const c2s_dtype halves[] = {C2S_FLOAT16, C2S_BFLOAT16};
    for (int i = 0; i < 2; i++) {
        c2s_model *model = make_model();
        c2s_value *x = INPUT(model, "x", 3, 5);
        c2s_node *down = NODE(model, "Cast", x);
        c2s_attr_set_int(down, "to", halves[i]);
        c2s_value *y = OP(model, "Relu", make_infer(down));
        make_output(y, "half");
        c2s_node *up = NODE(model, "Cast", y);
        c2s_attr_set_int(up, "to", C2S_FLOAT);
        make_output(OP(model, "Sub", x, make_infer(up)), "rest"); /* what rounding took away */
        double values[15];
        for (int k = 0; k < 15; k++)
            values[k] = sin(k) * 100;
        c2s_tensor *in = half_of(C2S_FLOAT, &x->type, values);
        c2s_session *fast = open_session(&c2s_evaluator_onednn, model);
        agree(model, fast, in, c2s_dtype_name(halves[i]));
        assert_string_equal(c2s_onednn_kernel_of(fast, down), "round");
        assert_string_equal(c2s_onednn_kernel_of(fast, up), "view");
        assert_string_equal(kernel_of(fast, model, "Relu"), "elementwise");
        c2s_evaluator_onednn.close(fast);
        c2s_tensor_unref(in);
        c2s_model_destroy(model);
    }
}

/* A half value that is a graph input, read in both types, and an output as it is; one that is two
 * outputs; one that only eval reads; a constant output. */
static void interfaces_have_their_types(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_value *x = make_input(model, "x", C2S_FLOAT16, DIMS(2, 6));
    c2s_value *y = OP(model, "Relu", x), *z = OP(model, "Reshape", y, INTS(model, "s", 3, 4));
    make_output(x, "same");
    make_output(z, "z");
    make_output(z, "z2");
    c2s_value *bits = OP(model, "Shape", OP(model, "NonZero", OP(model, "Floor", z)));
    make_output(bits, "count");
    double values[12];
    for (int k = 0; k < 12; k++)
        values[k] = k * 0.4 - 2;
    c2s_tensor *in = half_of(C2S_FLOAT16, &x->type, values);
    agree_once(model, in, "interfaces");
    c2s_tensor_unref(in);
    c2s_model_destroy(model);
}

/* Ties between rounded values are ties: what jumps sees rounded values. */
static void jumps_see_rounded_values(void **state) {
    (void)state;
    c2s_model *model = make_model();
    c2s_value *x = make_input(model, "x", C2S_FLOAT16, DIMS(1, 64));
    double values[64], third = 1.0 / 3;
    c2s_tensor *scale;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT16, 0, NULL, &third, &scale), C2S_OK);
    c2s_value *by = c2s_value_constant(model->graph, "third", scale);
    c2s_value *y = OP(model, "Mul", x, by);
    c2s_node *largest = NODE(model, "ArgMax", y);
    c2s_attr_set_int(largest, "axis", 1);
    make_output(make_infer(largest), "largest");
    make_output(OP(model, "Round", y), "round");
    double one = 1.40625;
    c2s_tensor *limit;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT16, 0, NULL, &one, &limit), C2S_OK);
    make_output(OP(model, "Equal", y, c2s_value_constant(model->graph, "limit", limit)), "equal");
    c2s_node *above = NODE(model, "ThresholdedRelu", y), *shrunk = NODE(model, "Shrink", y);
    c2s_attr_set_float(above, "alpha", (float)one);
    make_output(make_infer(above), "above");
    c2s_attr_set_float(shrunk, "lambd", (float)one);
    make_output(make_infer(shrunk), "shrunk");
    for (int k = 0; k < 64; k++)
        values[k] = 4 + k * 0x1p-8;
    c2s_tensor *in = half_of(C2S_FLOAT16, &x->type, values);
    agree_once(model, in, "jumps");
    c2s_tensor_unref(in);
    c2s_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_overflows_is_infinite),
        cmocka_unit_test(masked_scores_overflow),
        cmocka_unit_test(casts_round),
        cmocka_unit_test(interfaces_have_their_types),
        cmocka_unit_test(jumps_see_rounded_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
