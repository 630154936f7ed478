/* SPDX-License-Identifier: Apache-2.0
 *
 * What inference knows of values inside and behind bodies. Types follow from the definitions of the
 * operators.
 */
#include "run_text.h"

static c2s_value *find_value(const c2s_model *model, const char *name) {
    for (size_t i = model->values.count; i-- > 0;) {
        c2s_value *value = model->values.at[i];
        if (value && strcmp(value->name, name) == 0 &&
            (!value->def || value->def != value->graph->entry ||
             value->def_slot < value->graph->formal_inputs))
            return value;
    }
    fail_msg("no value \"%s\"", name);
    return NULL;
}

static void expect_type(const c2s_model *model, const char *name, const char *expected) {
    char text[256];
    const c2s_value *value = find_value(model, name);
    c2s_type_text(model->dims, &value->type, text, sizeof text);
    if (strcmp(text, expected) != 0)
        fail_msg("%s is %s, expected %s", name, text, expected);
}

/* A rank alone: what extents are called that nothing is known of is of no account. */
static void expect_rank(const c2s_model *model, const char *name, int rank) {
    assert_int_equal(find_value(model, name)->type.rank, rank);
}

static c2s_model *inferred(int opset, const char *text) {
    c2s_model *model = model_of_text(opset, text);
    if (c2s_model_normalise(model) != C2S_OK || c2s_graph_infer(model->graph) != C2S_OK ||
        c2s_graph_infer(model->graph) != C2S_OK) /* again: what is known must not get lost */
        fail_msg("%s", c2s_error());
    return model;
}

static void loop_keeps_what_no_run_changes(void **state) {
    (void)state;
    c2s_model *m = inferred(
        21, "g (int64 n, float[N,3] x) => (y, s) {\n"
            "  y, s = Loop <body = b (int64 i, bool c, v) => (d, w, r) {\n"
            "    d = Identity(c)\n  w = Add(v, v)\n  r = ReduceSum <keepdims = 0> (w)\n  }> (n, \"\", x)\n"
            "}");
    expect_type(m, "v", "float[N,3]");
    expect_type(m, "w", "float[N,3]");
    expect_type(m, "y", "float[N,3]");
    expect_type(m, "r", "float");
    expect_rank(m, "s", 1);
    c2s_model_destroy(m);
}

static void loop_widens_what_a_run_changes(void **state) {
    (void)state;
    c2s_model *m = inferred(
        21, "g (int64 n, float[2,3] x, float[5,7] a, float[7,5] b) => (y, p, q) {\n"
            "  y, p, q = Loop <body = b (int64 i, bool c, v, e, f) => (d, w, g, h) {\n"
            "    d = Identity(c)\n    w = Concat <axis = 0> (v, v)\n"
            "    g = Identity(f)\n    h = Identity(e)\n  }> (n, \"\", x, a, b)\n"
            "}");
    const c2s_value *y = find_value(m, "y"), *p = find_value(m, "p"), *v = find_value(m, "v");
    assert_int_equal(y->type.rank, 2);
    assert_false(c2s_dim_is_known(y->type.dim[0]));
    assert_int_equal(y->type.dim[1], 3);
    assert_int_equal(v->type.rank, 2);
    assert_false(c2s_dim_is_known(v->type.dim[0]));
    assert_int_equal(v->type.dim[1], 3);
    assert_int_equal(p->type.rank, 2); /* exchanged in each run: neither extent is known */
    assert_false(c2s_dim_is_known(p->type.dim[0]));
    assert_false(c2s_dim_is_known(p->type.dim[1]));
    c2s_model_destroy(m);
}

static void loop_forgets_a_rank_that_grows(void **state) {
    (void)state;
    c2s_model *m = inferred(21, "g (int64 n, float[2] x) => (y) <int64[1] zero = {0}> {\n"
                                "  y = Loop <body = b (int64 i, bool c, v) => (d, w) {\n"
                                "    d = Identity(c)\n    w = Unsqueeze(v, zero)\n  }> (n, \"\", x)\n"
                                "}");
    expect_type(m, "y", "float[]");
    expect_type(m, "v", "float[]");
    c2s_model_destroy(m);
}

/* The assumption that v stays [1, 3] makes the product in the body impossible. */
static void loop_body_that_fails_at_first(void **state) {
    (void)state;
    c2s_model *m = inferred(
        21, "g (int64 n, float[1,3] x) => (y) <int64[2] shape = {4, 3}> {\n"
            "  y = Loop <body = b (int64 i, bool c, v) => (d, w) {\n"
            "    d = Identity(c)\n    t = Expand(v, shape)\n    w = Concat <axis = 1> (t, v)\n"
            "  }> (n, \"\", x)\n"
            "}");
    expect_rank(m, "y", 2);
    expect_rank(m, "w", 2);
    c2s_model_destroy(m);
}

static void loop_in_loop(void **state) {
    (void)state;
    c2s_model *m = inferred(
        21, "g (int64 n, float[N,4] x) => (y) {\n"
            "  y = Loop <body = b (int64 i, bool c, v) => (d, w) {\n"
            "    d = Identity(c)\n"
            "    w = Loop <body = b2 (int64 j, bool c2, v2) => (d2, w2) {\n"
            "      d2 = Identity(c2)\n      w2 = Mul(v2, v)\n    }> (n, \"\", v)\n"
            "  }> (n, \"\", x)\n"
            "}");
    expect_type(m, "v2", "float[N,4]");
    expect_type(m, "w2", "float[N,4]");
    expect_type(m, "y", "float[N,4]");
    c2s_model_destroy(m);
}

/* By definition a state of Scan keeps its shape. */
static void scan_keeps_the_shape_of_states(void **state) {
    (void)state;
    c2s_model *m = inferred(
        21, "g (float[A] s0, float[T,B] x) => (s, y) {\n"
            "  s, y = Scan <num_scan_inputs = 1, body = b (s_in, t) => (s_out, u) {\n"
            "    s_out = Add(s_in, t)\n    u = Neg(t)\n  }> (s0, x)\n"
            "}");
    expect_type(m, "s", "float[A]");
    expect_type(m, "t", "float[B]");
    expect_type(m, "y", "float[T,B]");
    c2s_model_destroy(m);
}

static void if_follows_a_known_condition(void **state) {
    (void)state;
    c2s_model *m = inferred(
        21, "g (float[N,3] x) => (y) <int64 two = {2}> {\n"
            "  shape = Shape(x)\n  rank = Size(shape)\n  is_two = Equal(rank, two)\n"
            "  y = If <then_branch = t () => (a) { a = Transpose(x) },\n"
            "          else_branch = e () => (b) { b = Flatten <axis = 0> (x) }> (is_two)\n"
            "}");
    expect_type(m, "y", "float[3,N]");
    c2s_model_destroy(m);
}

/* What stands behind a node that cannot be valid is known all the same, as far as it goes. */
static void branch_that_is_never_taken(void **state) {
    (void)state;
    c2s_model *m = inferred(
        21, "g (bool c, float[N,3] x) => (y) <int64[1] at = {7}> {\n"
            "  y = If <then_branch = t () => (a) { a = Identity(x) },\n"
            "          else_branch = e () => (b) { z = Squeeze(x, at)\n b = Neg(x)\n }> (c)\n"
            "}");
    expect_type(m, "b", "float[N,3]");
    expect_type(m, "y", "float[N,3]");
    c2s_model_destroy(m);
}

static void items_of_a_sequence_differ(void **state) {
    (void)state;
    c2s_model *m = inferred(21, "g (float[2] a, float[3] b, int64 i, int64 j) => (x, y) {\n"
                                "  s = SequenceConstruct(a, b)\n"
                                "  x = SequenceAt(s, i)\n  y = SequenceAt(s, j)\n"
                                "}");
    const c2s_value *x = find_value(m, "x"), *y = find_value(m, "y");
    assert_int_equal(x->type.rank, 1);
    assert_false(c2s_dim_is_known(x->type.dim[0]));
    assert_true(x->type.dim[0] != y->type.dim[0]);
    c2s_model_destroy(m);
}

static void flex_attention_types_its_bodies(void **state) {
    (void)state;
    const char *text =
        "<ir_version: 13, opset_import: [\"\" : 26, \"ai.onnx.preview\" : 1]>\n"
        "g (float16[B,H,L,8] q, float16[B,H,S,8] k, float16[B,H,S,6] v) => (y) {\n"
        "  y = ai.onnx.preview.FlexAttention <score_mod = m (scores) => (r) {\n"
        "    r = Neg(scores)\n  }> (q, k, v)\n"
        "}";
    c2s_model *m = NULL;
    if (c2s_text_read(text, strlen(text), "case", &m) != C2S_OK ||
        c2s_graph_infer(m->graph) != C2S_OK)
        fail_msg("%s", c2s_error());
    expect_type(m, "scores", "float[B,H,L,S]");
    expect_type(m, "r", "float[B,H,L,S]");
    expect_type(m, "y", "float16[B,H,L,6]");
    c2s_model_destroy(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loop_keeps_what_no_run_changes),
        cmocka_unit_test(loop_widens_what_a_run_changes),
        cmocka_unit_test(loop_forgets_a_rank_that_grows),
        cmocka_unit_test(loop_body_that_fails_at_first),
        cmocka_unit_test(loop_in_loop),
        cmocka_unit_test(scan_keeps_the_shape_of_states),
        cmocka_unit_test(if_follows_a_known_condition),
        cmocka_unit_test(branch_that_is_never_taken),
        cmocka_unit_test(items_of_a_sequence_differ),
        cmocka_unit_test(flex_attention_types_its_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
