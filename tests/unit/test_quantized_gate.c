/* SPDX-License-Identifier: Apache-2.0 */
/* What a function and its operand meet in is one table, as long as nobody else reads what the
 * function gives. */
#include "unit/run_text.h"

#include "eval/random_inputs.h"
#include "runtime/session.h"

static size_t steps_of(const c2s_session *session, const char *kernel) {
    enum { MOST = 32 };
    c2s_step_profile steps[MOST];
    size_t count = c2s_onednn_profile_read(session, NULL), found = 0;
    assert_true(count <= MOST);
    c2s_onednn_profile_read(session, steps);
    for (size_t i = 0; i < count; i++)
        found += strcmp(steps[i].kernel, kernel) == 0;
    return found;
}

static void compare(const c2s_tensor *want, const c2s_tensor *found) {
    size_t off = 0;
    assert_int_equal(want->count, found->count);
    for (size_t i = 0; i < want->count; i++) {
        const double difference = c2s_tensor_f64_at(want, i) - c2s_tensor_f64_at(found, i);
        assert_true(fabs(difference) <= 1);
        off += difference != 0;
    }
    assert_true(off * 100 <= want->count);
}

/* `body` reads x, which stands for the integers a, and gives y. */
static void check(const char *dtype, const char *outputs, const char *body, size_t binaries) {
    char text[2048];
    snprintf(text, sizeof text,
             "g (float[1,8,6,5] real) => (%s[1,8,6,5] y%s)"
             "<float s = {0.03}, float t = {0.004}, float u = {0.02}, %s z = {7}, %s n = {0}>"
             "{ a = QuantizeLinear (real, s, z) x = DequantizeLinear (a, s, z) %s }",
             dtype, outputs, dtype, dtype, body);
    c2s_model *model = model_of_text(21, text);
    assert_int_equal(c2s_model_normalise(model), C2S_OK);
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    const c2s_random_options random = {.seed = 1};
    const c2s_eval_options one = {.threads = 1};
    c2s_tensor *in, *want[2] = {0}, *found[2] = {0};
    c2s_session *session;
    assert_int_equal(c2s_random_inputs(model->graph, &random, &in), C2S_OK);
    const c2s_tensor *const given[] = {in};
    assert_int_equal(c2s_evaluator_reference.open(model->graph, &one, &session), C2S_OK);
    assert_int_equal(c2s_evaluator_reference.run(session, given, want), C2S_OK);
    c2s_evaluator_reference.close(session);
    assert_int_equal(c2s_evaluator_onednn.open(model->graph, &one, &session), C2S_OK);
    assert_int_equal(c2s_evaluator_onednn.run(session, given, found), C2S_OK);
    if (steps_of(session, "quantized_table") != 1 ||
        steps_of(session, "quantized_binary") != binaries)
        fail_msg("%zu tables, %zu binaries: %s", steps_of(session, "quantized_table"),
                 steps_of(session, "quantized_binary"), body);
    c2s_evaluator_onednn.close(session);
    for (unsigned k = 0; k < c2s_graph_output_count(model->graph); k++) {
        compare(want[k], found[k]);
        c2s_tensor_unref(want[k]);
        c2s_tensor_unref(found[k]);
    }
    c2s_tensor_unref(in);
    c2s_model_destroy(model);
}

#define FUNCTION "f = Sigmoid (x) g = QuantizeLinear (f, t, n) h = DequantizeLinear (g, t, n) "

static void a_gate_joins_its_function(void **state) {
    (void)state;
    check("uint8", "", FUNCTION "m = Mul (x, h) y = QuantizeLinear (m, u, z)", 0);
    check("uint8", "", FUNCTION "m = Mul (h, x) y = QuantizeLinear (m, u, z)", 0);
    check("int8", "", FUNCTION "m = Mul (x, h) y = QuantizeLinear (m, u, z)", 0);
    check("int8", "", FUNCTION "m = Sub (h, x) y = QuantizeLinear (m, u, z)", 0);
    check("uint8", "", FUNCTION "m = Add (x, h) y = QuantizeLinear (m, u, z)", 0);
    check("uint8", "",
          FUNCTION "own = DequantizeLinear (a, s, z) m = Mul (own, h) y = QuantizeLinear (m, u, z)",
          0);
}

static void others_stay_by_themselves(void **state) {
    (void)state;
    /* the function's integers are an output */
    check("uint8", ", uint8[1,8,6,5] g", FUNCTION "m = Mul (x, h) y = QuantizeLinear (m, u, z)", 1);
    /* the same integers stand for other numbers */
    check("uint8", "",
          FUNCTION "w = DequantizeLinear (a, u, z) m = Mul (w, h) y = QuantizeLinear (m, u, z)", 1);
    /* they meet what was made of others */
    check("uint8", "",
          FUNCTION "b = QuantizeLinear (real, u, z) w = DequantizeLinear (b, u, z) m = Mul (w, h) "
                   "y = QuantizeLinear (m, u, z)",
          1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gate_joins_its_function),
        cmocka_unit_test(others_stay_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
