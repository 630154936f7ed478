/* SPDX-License-Identifier: Apache-2.0
 *
 * Control flow, sequences, optionals and calls of functions: small graphs whose results are worked
 * out by hand.
 */
#include "run_text.h"

/* ---- If ---- */

static void if_takes_the_branch_of_its_condition(void **state) {
    (void)state;
    for (int c = 0; c < 2; c++) {
        char text[512];
        snprintf(text, sizeof text,
                 "g () => (y, z) <bool[1] c = {%d}, float x = {3}, float one = {1}>"
                 "{ y, z = If <then_branch = t () => (p, q) { p = Add (x, one) q = Identity (x) },"
                 "else_branch = e () => (p, q) { p = Neg (x) q = Sub (one, x) }> (c) }",
                 c);
        expect_run(17, text, c ? "[] 4 | [] 3" : "[] -3 | [] -2");
    }
}

/* A branch that no input can take may be wrong for the shapes at hand. */
static void if_ignores_a_branch_that_cannot_be(void **state) {
    (void)state;
    const char *text = "g (bool c, float[2] x) => (y)"
                       "{ y = If <then_branch = t () => (p)"
                       "<int64[1] axes = {5}> { s = Squeeze (x, axes) p = Neg (s) },"
                       "else_branch = e () => (q) { q = Neg (x) }> (c) }";
    c2s_model *model = model_of_text(17, text);
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    const c2s_type *type = &c2s_graph_output(model->graph, 0)->type;
    assert_int_equal(type->rank, 1);
    assert_int_equal(type->dim[0], 2);
    c2s_model_destroy(model);
}

static void if_joins_the_types_of_its_branches(void **state) {
    (void)state;
    c2s_model *model =
        model_of_text(17, "g (bool c, float[2,3] x, float[2,4] y, float[5] z) => (a, b)"
                          "{ a = If <then_branch = t () => (p) { p = Neg (x) },"
                          "else_branch = e () => (q) { q = Neg (y) }> (c)"
                          "b = If <then_branch = t () => (p) { p = Neg (x) },"
                          "else_branch = e () => (q) { q = Neg (z) }> (c) }");
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    const c2s_type *a = &c2s_graph_output(model->graph, 0)->type;
    const c2s_type *b = &c2s_graph_output(model->graph, 1)->type;
    assert_int_equal(a->rank, 2);
    assert_int_equal(a->dim[0], 2);
    assert_false(c2s_dim_is_known(a->dim[1]));
    assert_int_equal(b->rank, -1);
    assert_int_equal(b->dtype, C2S_FLOAT);
    c2s_model_destroy(model);
}

/* ---- Loop ---- */

#define COUNTER                                                                                    \
    "body = b (i, c, s) => (k, t, o) { f = Cast <to = 1> (i) t = Add (s, f) k = Less (t, most)"    \
    " o = Mul (t, two) }"

static void loop_ends_by_count_or_condition(void **state) {
    (void)state;
    static const struct {
        const char *inputs, *expected;
    } cases[] = {
        {"(three, \"\", start)", "[] 3 | [3] 0 2 6"},      /* 0, 0+1, 1+2 */
        {"(\"\", yes, start)", "[] 10 | [5] 0 2 6 12 20"}, /* until 10 is not less than 10 */
        {"(many, yes, start)", "[] 10 | [5] 0 2 6 12 20"},
        {"(three, no, start)", "[] 0 | [0]"},
        {"(none, yes, start)", "[] 0 | [0]"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "g () => (y, all) <int64 three = {3}, int64[1] many = {100}, int64 none = {0},"
                 "bool yes = {1}, bool no = {0}, float start = {0}, float most = {10},"
                 "float two = {2}> { y, all = Loop <" COUNTER "> %s }",
                 cases[k].inputs);
        expect_run(17, text, cases[k].expected);
    }
}

static void loop_without_end_is_stopped(void **state) {
    (void)state;
    expect_failure(17,
                   "g () => (y) <bool yes = {1}>"
                   "{ y = Loop <body = b (i, c, s) => (c2, s2)"
                   "{ c2 = Identity (c) s2 = Identity (s) }> (\"\", yes, yes) }",
                   C2S_ERR_UNSUPPORTED, "did not end");
}

/* The carried value grows: its shape is another in each iteration. */
static void loop_carries_changing_shapes_and_sequences(void **state) {
    (void)state;
    expect_run(17,
               "g () => (y, n) <int64 three = {3}, float[1] x = {1}>"
               "{ empty = SequenceEmpty ()"
               "y, list = Loop <body = b (i, c, v, s) => (c2, w, t)"
               "{ c2 = Identity (c) w = Concat <axis = 0> (v, v) t = SequenceInsert (s, w) }>"
               "(three, \"\", x, empty) n = SequenceLength (list) }",
               "[8] 1 1 1 1 1 1 1 1 | [] 3");
}

static void loop_infers_trips_and_types(void **state) {
    (void)state;
    c2s_model *model = model_of_text(17, "g (float[N,4] x) => (y, all) <int64 three = {3}>"
                                         "{ y, all = Loop <body = b (i, c, s) => (c, t, o)"
                                         "{ t = Relu (s) o = Identity (x) }> (three, \"\", x) }");
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    const c2s_type *all = &c2s_graph_output(model->graph, 1)->type;
    assert_int_equal(all->rank, 3);
    assert_int_equal(all->dim[0], 3);
    assert_int_equal(all->dim[2], 4);
    assert_int_equal(c2s_graph_output(model->graph, 0)->type.dtype, C2S_FLOAT);
    c2s_model_destroy(model);
}

static void loop_that_does_not_fit_is_refused(void **state) {
    (void)state;
    expect_failure(17,
                   "g () => (y) <int64 n = {1}, float x = {1}>"
                   "{ y = Loop <body = b (i, c) => (c) { }> (n, \"\", x) }",
                   C2S_ERR_INVALID, "expected 3");
    expect_failure(17,
                   "g () => (y) <int64 n = {2}, float x = {1}>"
                   "{ y, o = Loop <body = b (i, c, s) => (c, s2, o)"
                   "{ s2 = Concat <axis = 0> (s, s) o = Identity (s) }> (n, \"\", x) }",
                   C2S_ERR_INVALID, "iteration 0");
    /* What is stacked must have one shape. */
    expect_failure(17,
                   "g () => (y, o) <int64 n = {2}, float[1] x = {1}>"
                   "{ y, o = Loop <body = b (i, c, s) => (c, s2, o)"
                   "{ s2 = Concat <axis = 0> (s, s) o = Identity (s) }> (n, \"\", x) }",
                   C2S_ERR_INVALID, "cannot be joined");
}

/* ---- Scan ---- */

static void scan_goes_along_any_axis_either_way(void **state) {
    (void)state;
    /* Running sums over the columns of [[1, 2, 3], [4, 5, 6]], from the right. */
    expect_run(17,
               "g () => (s, y) <float[2,3] x = {1, 2, 3, 4, 5, 6}, float[2] zero = {0, 0}>"
               "{ s, y = Scan <num_scan_inputs = 1, scan_input_axes = [1],"
               "scan_input_directions = [1], scan_output_axes = [-1], scan_output_directions = [1],"
               "body = b (a, v) => (c, d) { c = Add (a, v) d = Identity (c) }> (zero, x) }",
               "[2] 6 15 | [2,3] 6 5 3 15 11 6");
    /* Two sequences, no state; int4 and text are cut and joined like anything else. */
    expect_run(21,
               "g () => (y, z) <int4[3] x = {1, -2, 3}, string[3,1] t = {\"a\", \"b\", \"c\"}>"
               "{ y, z = Scan <num_scan_inputs = 2, scan_output_directions = [1, 1],"
               "body = b (v, w) => (p, q) { p = Identity (v) q = Identity (w) }> (x, t) }",
               "[3] 3 -2 1 | [3,1] \"c\" \"b\" \"a\"");
}

static void scan_infers_the_length(void **state) {
    (void)state;
    c2s_model *model = model_of_text(
        17, "g (float[B,T,5] x, float[B,5] s) => (e, y)"
            "{ e, y = Scan <num_scan_inputs = 1, scan_input_axes = [1], scan_output_axes = [1],"
            "body = b (a, v) => (c, d) { c = Add (a, v) d = Relu (c) }> (s, x) }");
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    const c2s_type *x = &c2s_graph_input(model->graph, 0)->type;
    const c2s_type *y = &c2s_graph_output(model->graph, 1)->type;
    assert_true(c2s_type_equal(x, y));
    c2s_model_destroy(model);
}

static void scan_refuses_unequal_lengths(void **state) {
    (void)state;
    expect_failure(17,
                   "g () => (p) <float[2] x = {1, 2}, float[3] y = {1, 2, 3}>"
                   "{ p = Scan <num_scan_inputs = 2, body = b (v, w) => (q) { q = Add (v, w) }>"
                   "(x, y) }",
                   C2S_ERR_INVALID, "3 steps, expected 2");
    expect_failure(17,
                   "g () => (p) <float[2] x = {1, 2}>"
                   "{ p = Scan <num_scan_inputs = 2, body = b (v) => (q) { q = Neg (v) }> (x) }",
                   C2S_ERR_INVALID, "num_scan_inputs is 2");
}

/* ---- sequences ---- */

static void sequences_keep_order(void **state) {
    (void)state;
    expect_run(17,
               "g () => (all, at, less, n, first) <float[1] a = {1}, float[2] b = {2, 3},"
               "float c = {4}, int64 one = {1}, int64 last = {-1}, int64 zero = {0}>"
               "{ s = SequenceConstruct (a, b) t = SequenceInsert (s, c)"
               "all = SequenceInsert (t, b, zero) at = SequenceAt (all, last)"
               "less = SequenceErase (all, one) n = SequenceLength (less)"
               "first = SequenceErase (less) }",
               "{[2] 2 3; [1] 1; [2] 2 3; [] 4} | [] 4 | {[2] 2 3; [2] 2 3; [] 4} | [] 3 | "
               "{[2] 2 3; [2] 2 3}");
}

static void tensors_split_into_sequences(void **state) {
    (void)state;
    expect_run(17,
               "g () => (rows, bare, pairs, parts) <float[3,2] x = {1, 2, 3, 4, 5, 6},"
               "int64 two = {2}, int64[2] lengths = {1, 2}>"
               "{ rows = SplitToSequence (x) bare = SplitToSequence <axis = 1, keepdims = 0> (x)"
               "pairs = SplitToSequence (x, two) parts = SplitToSequence <axis = 0> (x, lengths) }",
               "{[1,2] 1 2; [1,2] 3 4; [1,2] 5 6} | {[3] 1 3 5; [3] 2 4 6} | "
               "{[2,2] 1 2 3 4; [1,2] 5 6} | {[1,2] 1 2; [2,2] 3 4 5 6}");
    expect_run(17,
               "g () => (y, z, w) <float[3,2] x = {1, 2, 3, 4, 5, 6}>"
               "{ s = SplitToSequence <axis = 1> (x) y = ConcatFromSequence <axis = 1> (s)"
               "z = ConcatFromSequence <axis = -2> (s)"
               "w = ConcatFromSequence <axis = 0, new_axis = 1> (s) }",
               "[3,2] 1 2 3 4 5 6 | [6,1] 1 3 5 2 4 6 | [2,3,1] 1 3 5 2 4 6");
}

static void sequence_mistakes_are_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{ s = SequenceConstruct (x) y = SequenceAt (s, five) }", "position 5 in a sequence of 1"},
        {"{ s = SequenceConstruct (x) y = SequenceInsert (s, five) }", "int64 in a sequence"},
        {"{ s = SequenceConstruct (x, five) y = SequenceLength (s) }", "input 1 is of type int64"},
        {"{ y = SequenceLength (x) }", "no sequence"},
        {"{ s = SequenceEmpty () y = SequenceErase (s) }", "position -1 in a sequence of 0"},
        {"{ s = SequenceEmpty () y = ConcatFromSequence <axis = 0> (s) }", "nothing"},
        {"{ s = SplitToSequence (x, lengths) y = SequenceLength (s) }", "do not add up"},
        {"{ s = SplitToSequence (x, zero) y = SequenceLength (s) }", "positive"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char text[512];
        snprintf(text, sizeof text,
                 "g () => (y) <float[3] x = {1, 2, 3}, int64 five = {5}, int64 zero = {0},"
                 "int64[2] lengths = {1, 1}> %s",
                 cases[k][0]);
        expect_failure(17, text, C2S_ERR_INVALID, cases[k][1]);
    }
}

static void sequences_are_mapped(void **state) {
    (void)state;
    expect_run(17,
               "g () => (y, z) <float[2] a = {1, 2}, float[1] b = {5}, float k = {10}>"
               "{ s = SequenceConstruct (a, b) t = SequenceConstruct (b, b)"
               "y, z = SequenceMap <body = m (p, q, r) => (u, v)"
               "{ w = Add (p, q) u = Mul (w, r) v = Neg (q) }> (s, t, k) }",
               "{[2] 60 70; [1] 100} | {[1] -5; [1] -5}");
    expect_failure(17,
                   "g () => (y) <float a = {1}>"
                   "{ s = SequenceConstruct (a, a) t = SequenceConstruct (a)"
                   "y = SequenceMap <body = m (p, q) => (u) { u = Add (p, q) }> (s, t) }",
                   C2S_ERR_INVALID, "sequence 1 has 1 items");
}

static void optionals_hold_or_not(void **state) {
    (void)state;
    expect_run(18,
               "g () => (h, e, t, v, w) <float[1] x = {7}>"
               "{ o = Optional (x) n = Optional <type : type_proto = float[1]> ()"
               "h = OptionalHasElement (o) e = OptionalHasElement (n) t = OptionalHasElement (x)"
               "v = OptionalGetElement (o) w = OptionalGetElement (x) }",
               "[] 1 | [] 0 | [] 1 | [1] 7 | [1] 7");
    expect_failure(18,
                   "g () => (v) { n = Optional <type : type_proto = float[1]> ()"
                   "v = OptionalGetElement (n) }",
                   C2S_ERR_INVALID, "empty");
}

/* ---- functions ---- */

static void functions_are_their_body(void **state) {
    (void)state;
    /* Attributes of the caller, a default, a constant attribute, an input left out, nesting. */
    expect_run(17,
               "g () => (y, z, w) <float[2] x = {1, -2}, float[2] c = {10, 20}>"
               "{ y = local.leak <alpha = 0.5> (x) z = local.leak (x) w = local.both (x) }\n"
               "<domain: \"local\", opset_import: [\"\" : 17]>\n"
               "leak <alpha : float = 0.25> (x, offset) => (y)"
               "{ y = LeakyRelu <alpha : float = @alpha> (x) }\n"
               "<domain: \"local\", opset_import: [\"\" : 17, \"local\" : 1]>\n"
               "both (x) => (y) { a = local.leak <alpha = 2.0> (x) b = Neg (x) y = Add (a, b) }",
               "[2] 1 -1 | [2] 1 -0.5 | [2] 0 -2");
}

static void functions_may_pass_inputs_through(void **state) {
    (void)state;
    expect_run(17,
               "g () => (a, b, c) <float x = {1}, float y = {2}, bool t = {1}>"
               "{ a, b = local.swap (x, y) c = local.choose (t, x, y) }\n"
               "<domain: \"local\", opset_import: [\"\" : 17]>\n"
               "swap (p, q) => (q, p) { }\n"
               "<domain: \"local\", opset_import: [\"\" : 17]>\n"
               "choose (c, p, q) => (r)"
               "{ r = If <then_branch = t () => (u) { u = Neg (p) },"
               "else_branch = e () => (v) { v = Neg (q) }> (c) }",
               "[] 2 | [] 1 | [] -1");
}

static void functions_keep_names_of_results(void **state) {
    (void)state;
    c2s_model *model = model_of_text(17, "g (float[2] x) => (y) { t = local.f (x) y = Neg (t) }\n"
                                         "<domain: \"local\", opset_import: [\"\" : 17]>\n"
                                         "f (x) => (y) { t = Exp (x) y = Log (t) }");
    assert_int_equal(c2s_model_inline(model, 0), C2S_OK);
    assert_int_equal(c2s_model_verify(model), C2S_OK);
    assert_int_equal(model->graph->node_count, 3);
    assert_string_equal(model->graph->last->inputs[0].value->name, "t");
    c2s_model_destroy(model);
}

/* Each function calls the one before twice: 2^30 nodes. */
static void expansion_is_bounded(void **state) {
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    fprintf(stream, "g (float x) => (y) { y = local.f30 (x) }\n");
    for (int k = 0; k <= 30; k++) {
        fprintf(stream,
                "<domain: \"local\", opset_import: [\"\" : 17, \"local\" : 1]>\nf%d (x) => (y)", k);
        if (k)
            fprintf(stream, "{ t = local.f%d (x) y = local.f%d (t) }\n", k - 1, k - 1);
        else
            fprintf(stream, "{ y = Neg (x) }\n");
    }
    fclose(stream);
    c2s_model *model = model_of_text(17, text);
    assert_int_equal(c2s_model_inline(model, 10000), C2S_ERR_UNSUPPORTED);
    assert_non_null(strstr(c2s_error(), "more than 10000 nodes"));
    c2s_model_destroy(model);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(if_takes_the_branch_of_its_condition),
        cmocka_unit_test(if_ignores_a_branch_that_cannot_be),
        cmocka_unit_test(if_joins_the_types_of_its_branches),
        cmocka_unit_test(loop_ends_by_count_or_condition),
        cmocka_unit_test(loop_without_end_is_stopped),
        cmocka_unit_test(loop_carries_changing_shapes_and_sequences),
        cmocka_unit_test(loop_infers_trips_and_types),
        cmocka_unit_test(loop_that_does_not_fit_is_refused),
        cmocka_unit_test(scan_goes_along_any_axis_either_way),
        cmocka_unit_test(scan_infers_the_length),
        cmocka_unit_test(scan_refuses_unequal_lengths),
        cmocka_unit_test(sequences_keep_order),
        cmocka_unit_test(tensors_split_into_sequences),
        cmocka_unit_test(sequence_mistakes_are_refused),
        cmocka_unit_test(sequences_are_mapped),
        cmocka_unit_test(optionals_hold_or_not),
        cmocka_unit_test(functions_are_their_body),
        cmocka_unit_test(functions_may_pass_inputs_through),
        cmocka_unit_test(functions_keep_names_of_results),
        cmocka_unit_test(expansion_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
