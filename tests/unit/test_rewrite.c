/* SPDX-License-Identifier: Apache-2.0 */
/* The matcher, the builder and the driver, with rules made for the test. */
#include "unit/make_graph.h"

#include "base/log.h"
#include "rewrite/builder.h"
#include "rewrite/rewrite.h"

enum { A = C2S_LETTER_A, B, C, Y, Z };

/* Add(Mul(a, b), c) -> Sub(c, a), for constant b: shows letters, orders and constants. */
static const c2s_pattern_row mul_add_rows[] = {
    {.op = &c2s_op_mul, .out = Y, .in = {A, B}},
    {.op = &c2s_op_add, .in = {Y, C}},
};
static const char *mul_add_refuse(const c2s_match *m) {
    return m->value[C]->constant ? "c is constant" : NULL;
}
static c2s_value *mul_add_build(c2s_builder *b, const c2s_match *m) {
    return c2s_build(b, "Sub", (c2s_value *[]){m->value[C], m->value[A]}, 2);
}
static const c2s_rule mul_add = {.name = "mul-add",
                                 C2S_ROWS(mul_add_rows),
                                 .constants = C2S_BIT(B),
                                 .refuse = mul_add_refuse,
                                 .build = mul_add_build};

/* x * sigmoid(x) -> Relu(x): an inner value with two uses, one letter in two places. */
static const c2s_pattern_row swish_rows[] = {
    {.op = &c2s_op_sigmoid, .out = Y, .in = {A}},
    {.op = &c2s_op_mul, .in = {A, Y}},
};
static c2s_value *swish_build(c2s_builder *b, const c2s_match *m) {
    return c2s_build(b, "Relu", (c2s_value *[]){m->value[A]}, 1);
}
static const c2s_rule swish = {.name = "swish", C2S_ROWS(swish_rows), .build = swish_build};

static const c2s_op *const neg_or_abs[] = {&c2s_op_neg, &c2s_op_abs, NULL};
static const c2s_pattern_row twice_rows[] = {
    {.any_of = neg_or_abs, .out = Y, .in = {A}},
    {.op = &c2s_op_neg, .in = {Y}},
};
static const c2s_rule twice = {.name = "twice", C2S_ROWS(twice_rows), .build = c2s_build_forward};

/* Neg(x) -> a node of another type: the driver must not accept that. */
static const c2s_pattern_row neg_rows[] = {{.op = &c2s_op_neg, .in = {A}}};
static c2s_value *wrong_build(c2s_builder *b, const c2s_match *m) {
    c2s_node *node = c2s_build_start(b, "Cast", (c2s_value *[]){m->value[A]}, 1);
    if (node)
        c2s_attr_set_int(node, "to", C2S_DOUBLE);
    return c2s_build_finish(b, node);
}
static const c2s_rule wrong_type = {.name = "wrong-type", C2S_ROWS(neg_rows), .build = wrong_build};
static c2s_value *failing_build(c2s_builder *b, const c2s_match *m) {
    c2s_build(b, "Abs", (c2s_value *[]){m->value[A]}, 1);
    c2s_build_ok(b, c2s_fail(C2S_ERR_UNSUPPORTED, "not today"));
    return NULL;
}
static const c2s_rule failing = {.name = "failing", C2S_ROWS(neg_rows), .build = failing_build};

static char last_line[512];
static void keep_line(void *user, int level, const char *text) {
    (void)user;
    (void)level;
    snprintf(last_line, sizeof last_line, "%s", text);
}

/* Applies the rule; returns how often. Refusals are in last_line. */
static unsigned apply(c2s_model *model, const c2s_rule *rule, unsigned limit) {
    c2s_log_sink sink = {.verbosity = 1, .line = keep_line};
    const c2s_log_sink *before = c2s_log_set_sink(&sink);
    last_line[0] = '\0';
    c2s_stats stats = C2S_STATS_INIT;
    stats.limit = limit;
    assert_int_equal(c2s_rewrite(model->graph, (const c2s_rule *[]){rule, NULL}, &stats), C2S_OK);
    c2s_graph_sweep(model->graph);
    if (c2s_model_verify(model) != C2S_OK)
        fail_msg("%s", c2s_error());
    unsigned applied = stats.rewrites;
    c2s_stats_free(&stats);
    c2s_log_set_sink(before);
    return applied;
}

static void matches_in_every_order(void **state) {
    (void)state;
    for (int order = 0; order < 4; order++) {
        c2s_model *m = make_model();
        c2s_value *x = INPUT(m, "x", 2, 3), *c = INPUT(m, "c", 2, 3), *w = WEIGHT(m, "w", 3);
        c2s_value *y = order & 1 ? OP(m, "Mul", w, x) : OP(m, "Mul", x, w);
        c2s_value *z = order & 2 ? OP(m, "Add", c, y) : OP(m, "Add", y, c);
        make_output(z, "z");
        assert_int_equal(apply(m, &mul_add, C2S_STATS_NO_LIMIT), 1);
        assert_string_equal(ops_of(m->graph), "Sub");
        assert_ptr_equal(m->graph->first->inputs[0].value, c);
        assert_ptr_equal(m->graph->first->inputs[1].value, x);
        assert_string_equal(c2s_graph_output_name(m->graph, 0), "z");
        c2s_model_destroy(m);
    }
}

static void refuses_with_reason(void **state) {
    (void)state;
    c2s_model *m = make_model(); /* b is not constant in either order */
    c2s_value *x = INPUT(m, "x", 2, 3), *c = INPUT(m, "c", 2, 3);
    make_output(OP(m, "Add", OP(m, "Mul", x, c), c), "z");
    assert_int_equal(apply(m, &mul_add, C2S_STATS_NO_LIMIT), 0);
    assert_non_null(strstr(last_line, "not constant"));
    c2s_model_destroy(m);

    m = make_model(); /* the product is used elsewhere */
    x = INPUT(m, "x", 2, 3), c = INPUT(m, "c", 2, 3);
    c2s_value *y = OP(m, "Mul", x, WEIGHT(m, "w", 3));
    make_output(OP(m, "Add", y, c), "z");
    make_output(y, "y");
    assert_int_equal(apply(m, &mul_add, C2S_STATS_NO_LIMIT), 0);
    assert_non_null(strstr(last_line, "used elsewhere"));
    c2s_model_destroy(m);

    m = make_model(); /* the rule's own reason */
    x = INPUT(m, "x", 2, 3);
    y = OP(m, "Mul", x, WEIGHT(m, "w", 3));
    make_output(OP(m, "Add", y, WEIGHT(m, "v", 3)), "z");
    assert_int_equal(apply(m, &mul_add, C2S_STATS_NO_LIMIT), 0);
    assert_non_null(strstr(last_line, "c is constant"));
    assert_string_equal(ops_of(m->graph), "Mul Add");
    c2s_model_destroy(m);
}

static void binds_letters_once(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", 2), *v = INPUT(m, "v", 2);
    make_output(OP(m, "Mul", OP(m, "Sigmoid", x), x), "same");
    make_output(OP(m, "Mul", OP(m, "Sigmoid", x), v), "other");
    assert_int_equal(apply(m, &swish, C2S_STATS_NO_LIMIT), 1);
    assert_string_equal(ops_of(m->graph), "Relu Sigmoid Mul");
    assert_string_equal(m->graph->first->outputs[0]->name, "Mul_1");
    c2s_model_destroy(m);
}

static void removes_chains_to_the_fixed_point(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *x = INPUT(m, "x", 2), *y = OP(m, "Abs", x);
    for (int i = 0; i < 1001; i++)
        y = OP(m, "Neg", y);
    make_output(OP(m, "Relu", y), "y");
    assert_int_equal(apply(m, &twice, C2S_STATS_NO_LIMIT), 501);
    assert_string_equal(ops_of(m->graph), "Relu");
    c2s_model_destroy(m);
}

static void keeps_output_names(void **state) {
    (void)state;
    c2s_model *m = make_model(); /* the result would be the input itself */
    c2s_value *x = INPUT(m, "x", 2);
    c2s_value *y = OP(m, "Neg", OP(m, "Abs", x));
    make_output(y, "y");
    make_output(OP(m, "Relu", y), "z");
    assert_int_equal(apply(m, &twice, C2S_STATS_NO_LIMIT), 1);
    assert_string_equal(ops_of(m->graph), "Relu Identity");
    assert_ptr_equal(m->graph->first->inputs[0].value, x);
    assert_string_equal(c2s_graph_output_name(m->graph, 0), "y");
    c2s_model_destroy(m);
}

static void stops_at_the_limit(void **state) {
    (void)state;
    c2s_model *m = make_model();
    c2s_value *y = INPUT(m, "x", 2);
    for (int i = 0; i < 9; i++)
        y = OP(m, "Neg", y);
    make_output(y, "y");
    assert_int_equal(apply(m, &twice, 2), 2);
    assert_string_equal(ops_of(m->graph), "Neg Neg Neg Neg Neg");
    assert_int_equal(apply(m, &twice, 0), 0);
    c2s_model_destroy(m);
}

static void discards_failures(void **state) {
    (void)state;
    c2s_model *m = make_model();
    make_output(OP(m, "Neg", INPUT(m, "x", 2)), "y");
    assert_int_equal(apply(m, &wrong_type, C2S_STATS_NO_LIMIT), 0);
    assert_non_null(strstr(last_line, "another type"));
    assert_int_equal(apply(m, &failing, C2S_STATS_NO_LIMIT), 0);
    assert_non_null(strstr(last_line, "not today"));
    assert_string_equal(ops_of(m->graph), "Neg");
    c2s_model_destroy(m);
}

/* Abs(x) -> Neg(Abs(x)): finds its own result again. */
static const c2s_pattern_row abs_rows[] = {{.op = &c2s_op_abs, .in = {A}}};
static c2s_value *endless_build(c2s_builder *b, const c2s_match *m) {
    c2s_value *again = c2s_build(b, "Abs", (c2s_value *[]){m->value[A]}, 1);
    return c2s_build(b, "Neg", &again, 1);
}

static void ends(void **state) {
    (void)state;
    static const c2s_rule endless = {.name = "endless", C2S_ROWS(abs_rows), .build = endless_build};
    const c2s_rule *rules[] = {&endless, NULL};
    c2s_model *m = make_model();
    make_output(OP(m, "Abs", INPUT(m, "x", 2)), "y");
    c2s_stats stats = C2S_STATS_INIT;
    assert_int_equal(c2s_rewrite(m->graph, rules, &stats), C2S_ERR_UNSUPPORTED);
    assert_non_null(strstr(c2s_error(), "endless finds no end"));
    assert_int_equal(c2s_model_verify(m), C2S_OK);
    c2s_stats_free(&stats);
    c2s_model_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_in_every_order),
        cmocka_unit_test(refuses_with_reason),
        cmocka_unit_test(binds_letters_once),
        cmocka_unit_test(removes_chains_to_the_fixed_point),
        cmocka_unit_test(keeps_output_names),
        cmocka_unit_test(stops_at_the_limit),
        cmocka_unit_test(discards_failures),
        cmocka_unit_test(ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
