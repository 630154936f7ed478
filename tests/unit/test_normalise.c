/* SPDX-License-Identifier: Apache-2.0
 *
 * Raising old operator forms: one case per row of the table, as text before and after, and values
 * worked out by hand for the forms whose meaning changed.
 */
#include <ctype.h>
#include <string.h>

#include "io/raise.h"
#include "run_text.h"

typedef struct row_case {
    const char *type, *row; /* the row of the table that this is the case of */
    int opset;
    const char *before; /* a graph */
    const char *after;  /* NULL: refused */
} row_case;

/* Runs of white space become one space; the model's header goes. */
static char *squeeze(const char *text) {
    char *out = malloc(strlen(text) + 1), *end = out;
    if (text[0] == '<')
        text = strchr(text, '\n') + 1;
    for (; *text; text++) {
        if (!isspace((unsigned char)*text))
            *end++ = *text;
        else if (end > out && end[-1] != ' ')
            *end++ = ' ';
    }
    while (end > out && end[-1] == ' ')
        end--;
    *end = '\0';
    return out;
}

static char *write_graph(const c2s_model *model) {
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    c2s_text_write(model, NULL, stream);
    fclose(stream);
    char *out = squeeze(text);
    free(text);
    return out;
}

static const row_case row_cases[] = {
#include "normalise_cases.h"
};
enum { ROW_CASES = sizeof row_cases / sizeof row_cases[0] };

static void check_row(const row_case *c) {
    c2s_model *model = model_of_text(c->opset, c->before);
    c2s_status status = c2s_model_normalise(model);
    if (!c->after) {
        if (status == C2S_OK)
            fail_msg("%s, %s: was not refused", c->type, c->row);
        c2s_model_destroy(model);
        return;
    }
    if (status != C2S_OK || (status = c2s_model_verify(model)) != C2S_OK)
        fail_msg("%s, %s: %s", c->type, c->row, c2s_error());
    assert_true(c2s_model_opset(model, "") >= 13);
    char *found = write_graph(model), *expected = squeeze(c->after);
    if (strcmp(found, expected) != 0)
        fail_msg("%s, %s:\n  %s\nexpected\n  %s", c->type, c->row, found, expected);
    free(found);
    free(expected);
    c2s_model_destroy(model);
}

static void rows_raise_their_form(void **state) {
    (void)state;
    for (size_t i = 0; i < ROW_CASES; i++)
        check_row(&row_cases[i]);
}

static void every_row_has_a_case(void **state) {
    (void)state;
    size_t count;
    const c2s_raise_row *rows = c2s_raise_rows(&count);
    for (size_t r = 0; r < count; r++) {
        bool found = false;
        for (size_t i = 0; i < ROW_CASES && !found; i++)
            found = strcmp(rows[r].type, row_cases[i].type) == 0 &&
                    strcmp(rows[r].name, row_cases[i].row) == 0 && row_cases[i].after &&
                    row_cases[i].opset >= rows[r].from && row_cases[i].opset <= rows[r].to;
        if (!found)
            fail_msg("row %s, %s has no case", rows[r].type, rows[r].name);
        if (r > 0)
            assert_true(strcmp(rows[r - 1].type, rows[r].type) <= 0);
    }
}

/* A row must not touch what is already in the current form. */
static void current_forms_stay(void **state) {
    (void)state;
    for (size_t i = 0; i < ROW_CASES; i++) {
        if (!row_cases[i].after)
            continue;
        c2s_model *model = model_of_text(21, row_cases[i].after);
        assert_int_equal(c2s_model_normalise(model), C2S_OK);
        assert_int_equal(c2s_model_opset(model, ""), 21);
        char *found = write_graph(model), *expected = squeeze(row_cases[i].after);
        assert_string_equal(found, expected);
        free(found);
        free(expected);
        c2s_model_destroy(model);
    }
}

static void values_are_those_of_the_old_form(void **state) {
    (void)state;
    /* All four elements of the row share one softmax. */
    expect_run(11, "g () => (y) <float[1,2,2] x = {0, 0, 0, 0}> { y = Softmax <axis = 1> (x) }",
               "[1,2,2] 0.25 0.25 0.25 0.25");
    expect_run(13, "g () => (y) <float[1,2,2] x = {0, 0, 0, 0}> { y = Softmax <axis = 1> (x) }",
               "[1,2,2] 0.5 0.5 0.5 0.5");
    expect_run(6,
               "g () => (y) <float[1,2,1,2] x = {-1, -2, -3, 4}, float[2] s = {0.5, 2}>"
               "{ y = PRelu (x, s) }",
               "[1,2,1,2] -0.5 -1 -6 4");
    expect_run(6,
               "g () => (y) <float[2,2] x = {1, 2, 3, 4}, float[2] b = {10, 20}>"
               "{ y = Add <axis = 0, broadcast = 1> (x, b) }",
               "[2,2] 11 12 23 24");
    /* (3 - 1) / sqrt(3.5 + 0.5) * 10 + 1 */
    expect_run(7,
               "g () => (y) <float[1,1,1] x = {3}, float[1,1] s = {10}, float[1,1] b = {1}, "
               "float[1,1] m = {1}, float[1,1] v = {3.5}>"
               "{ y = BatchNormalization <epsilon = 0.5, spatial = 0> (x, s, b, m, v) }",
               "[1,1,1] 11");
    expect_run(5,
               "g () => (y) <float[2,1] x = {1, 2}, float t = {3}, float a = {0}>"
               "{ y = Tile (x, t, a) }",
               "[6,1] 1 2 1 2 1 2");
    expect_run(7,
               "g () => (y) <float[1,1,2,3] x = {1, 2, 3, 4, 5, 6}>"
               "{ y = Crop <border = [1, 0, 0, 1]> (x) }",
               "[1,1,1,2] 2 3");
    expect_run(7, "g () => (y, m) <float[2] x = {5, 6}> { y, m = Dropout (x) }",
               "[2] 5 6 | [2] 1 1");
}

/* Rows 0 0 1 1 (down); columns 0 and ceil(1 / 0.6) = 2. */
static void resize_rounds_as_each_axis_goes(void **state) {
    (void)state;
    expect_run(10,
               "g () => (y) <float[2,4] x = {1, 2, 3, 4, 5, 6, 7, 8}, float[2] s = {2, 0.6}>"
               "{ y = Resize (x, s) }",
               "[4,2] 1 3 1 3 5 7 5 7");
    expect_run(9,
               "g () => (y) <float[1,2] x = {1, 2}, float[2] s = {1, 2}> { y = Upsample (x, s) }",
               "[1,4] 1 1 2 2");
    expect_run(1,
               "g () => (y) <float[1,1,1,2] x = {1, 3}>"
               "{ y = Upsample <height_scale = 1.0, width_scale = 2.0, mode = \"bilinear\"> (x) }",
               "[1,1,1,4] 1 2 3 3");
}

/* Backwards along the sequence, for each of two samples. */
static void batches_are_scanned_one_by_one(void **state) {
    (void)state;
    expect_run(8,
               "g () => (t, y) <float[2,2] s = {0, 0, 10, 10},"
               "float[2,2,2] x = {1, 2, 3, 4, 1, 0, 0, 1}, float k = {2}>"
               "{ t, y = Scan <num_scan_inputs = 1, directions = [1], body = b (a, v) => (c, d)"
               "{ c = Add (a, v) d = Mul (c, k) }> (\"\", s, x) }",
               "[2,2] 4 6 11 11 | [2,2,2] 6 8 8 12 20 22 22 22");
}

static void bodies_know_the_types_of_what_they_capture(void **state) {
    (void)state;
    expect_run(6,
               "g () => (y) <float[2,2] x = {1, 2, 3, 4}, float[2] b = {10, 20}, bool c = {1}>"
               "{ r = Relu (x) y = If <then_branch = t () => (p)"
               "{ p = Add <axis = 0, broadcast = 1> (r, b) },"
               "else_branch = e () => (q) { q = Identity (x) }> (c) }",
               "[2,2] 11 12 23 24");
}

static void functions_have_opsets_of_their_own(void **state) {
    (void)state;
    expect_run(17,
               "g () => (y) <float[2] x = {1, 2}>"
               "{ y = local.column <axes = [1]> (x) }\n"
               "<domain: \"local\", opset_import: [\"\" : 12]>\n"
               "column <axes> (x) => (y)"
               "{ c = Unsqueeze <axes : ints = @axes> (x) y = Softmax <axis = 0> (c) }",
               "[2,1] 0.26894 0.73106");
}

static void gradients_are_derivatives(void **state) {
    (void)state;
    /* x^2 + 3 x at 2 */
    expect_run(12,
               "g () => (d) <float x = {2}, float three = {3}>"
               "{ s = Mul (x, x) t = Mul (three, x) y = Add (s, t)"
               "d = ai.onnx.preview.training.Gradient <xs = [\"x\"], y = \"y\"> (x) }",
               "[] 7");
    /* The same function at another place. */
    expect_run(12,
               "g () => (y, d) <float x = {2}, float at = {5}>"
               "{ y = Mul (x, x)"
               "d = ai.onnx.preview.training.Gradient <xs = [\"x\"], y = \"y\"> (at) }",
               "[] 4 | [] 10");
    /* The second derivative of x^3 at 2. */
    expect_run(12,
               "g () => (e) <float x = {2}>"
               "{ s = Mul (x, x) y = Mul (s, x)"
               "d = ai.onnx.preview.training.Gradient <xs = [\"x\"], y = \"y\"> (x)"
               "e = ai.onnx.preview.training.Gradient <xs = [\"x\"], y = \"d\"> (x) }",
               "[] 12");
    /* The second derivative of relu(x)^2 at 3 and -3. */
    expect_run(12,
               "g () => (e) <float[2] x = {3, -3}>"
               "{ r = Relu (x) y = Mul (r, r)"
               "d = ai.onnx.preview.training.Gradient <xs = [\"x\"], y = \"y\"> (x)"
               "e = ai.onnx.preview.training.Gradient <xs = [\"x\"], y = \"d\"> (x) }",
               "[2] 2 0");
    /* A broadcast operand gets the sum over what it was broadcast to. */
    expect_run(12,
               "g () => (db, dc) <float[2,2] x = {1, 2, 3, 4}, float[2] b = {1, 1},"
               "float[2,1] c = {1, 1}>"
               "{ p = Mul (x, b) y = Mul (p, c)"
               "db, dc = ai.onnx.preview.training.Gradient <xs = [\"b\", \"c\"], y = \"y\">"
               "(b, c) }",
               "[2] 4 6 | [2,1] 3 7");
    expect_run(12,
               "g () => (da, db) <float[1,2] a = {5, 6}, float[2,2] b = {1, 2, 3, 4}>"
               "{ y = MatMul (a, b)"
               "da, db = ai.onnx.preview.training.Gradient <xs = [\"a\", \"b\"], y = \"y\">"
               "(a, b) }",
               "[1,2] 3 7 | [2,2] 5 5 6 6");
    expect_run(12,
               "g () => (d) <float[2,2] x = {-1, 2, 3, -4}>"
               "{ r = Relu (x) t = Transpose (r) m = ReduceMean <axes = [0], keepdims = 0> (t)"
               "y = Exp (m)"
               "d = ai.onnx.preview.training.Gradient <xs = [\"x\"], y = \"y\"> (x) }",
               "[2,2] 0 1.3591 2.2408 0");
    /* y does not depend on z. */
    expect_run(12,
               "g () => (dx, dz) <float x = {2}, float[2] z = {1, 1}>"
               "{ y = Neg (x)"
               "dx, dz = ai.onnx.preview.training.Gradient <xs = [\"x\", \"z\"], y = \"y\">"
               "(x, z) }",
               "[] -1 | [2] 0 0");
}

/* Every elementwise derivative against the difference quotient. */
static void derivatives_agree_with_differences(void **state) {
    (void)state;
    static const char *const functions[] = {"y = Abs (x)",
                                            "y = Cos (x)",
                                            "y = Exp (x)",
                                            "y = Log (x)",
                                            "y = Neg (x)",
                                            "y = Reciprocal (x)",
                                            "y = Relu (x)",
                                            "y = Sigmoid (x)",
                                            "y = Sin (x)",
                                            "y = Softplus (x)",
                                            "y = Sqrt (x)",
                                            "y = Tanh (x)",
                                            "y = Div (k, x)",
                                            "y = Div (x, k)",
                                            "y = Sub (k, x)",
                                            "y = Pow (x, k)",
                                            "y = Pow (k, x)",
                                            "y = Sum (x, k, x)",
                                            "y = ReduceSum <keepdims = 0> (x)",
                                            "y = Flatten (x)",
                                            "a = Identity (x) y = Mul (a, x)",
                                            "c = Less (k, x) y = Where (c, k, x)",
                                            "s = Shape (k) e = Expand (x, s) y = Exp (e)"};
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        char text[512];
        snprintf(text, sizeof text,
                 "g () => (d, r) <double[1] at = {0.7}, double[1] h = {1e-6}, double[1] k = {2.5}>"
                 "{ x = Identity (at) %s q = ai.onnx.preview.training.Gradient <xs = [\"at\"],"
                 "y = \"y\"> (at) d = Identity (q) r = Identity (y) }",
                 functions[i]);
        double derivative = 0, value[2] = {0};
        for (int k = 0; k < 2; k++) {
            c2s_model *model = model_of_text(12, text);
            if (k) {
                double moved = 0.7 + 1e-6;
                c2s_tensor *tensor;
                assert_int_equal(
                    c2s_tensor_from_f64(C2S_DOUBLE, 1, (int64_t[]){1}, &moved, &tensor), C2S_OK);
                for (size_t n = 0; n < model->graph->initializers.count; n++)
                    if (strcmp(model->graph->initializers.at[n]->name, "at") == 0)
                        c2s_value_set_constant(model->graph->initializers.at[n], tensor);
                c2s_tensor_unref(tensor);
            }
            c2s_tensor *out[16] = {0};
            if (run_model(model, out) != C2S_OK)
                fail_msg("%s: %s", functions[i], c2s_error());
            if (!k)
                derivative = c2s_tensor_f64_at(out[0], 0);
            value[k] = c2s_tensor_f64_at(out[1], 0);
            c2s_tensor_unref(out[0]);
            c2s_tensor_unref(out[1]);
            c2s_model_destroy(model);
        }
        double difference = (value[1] - value[0]) / 1e-6;
        if (!(fabs(difference - derivative) < 1e-4))
            fail_msg("%s: %g, the difference quotient is %g", functions[i], derivative, difference);
    }
}

static void what_cannot_be_raised_is_refused(void **state) {
    (void)state;
    static const struct {
        int opset;
        const char *text, *part;
        c2s_status status;
    } cases[] = {
        {6, "g (float[] x, float[2] b) => (y) { y = Add <axis = 0, broadcast = 1> (x, b) }",
         "the rank of \"x\" is known", C2S_ERR_UNSUPPORTED},
        {6, "g (float[2,3] x, float[2,3] b) => (y) { y = Add <axis = 1, broadcast = 1> (x, b) }",
         "axis is 1", C2S_ERR_INVALID},
        {1, "g (float[2] x) => (y) { y = Cast <to = \"FLOAT7\"> (x) }", "FLOAT7", C2S_ERR_INVALID},
        {9, "g (float[2] x) => (v, i) { v, i = TopK (x) }", "\"k\"", C2S_ERR_INVALID},
        {9, "g (float[2] x) => (y) { y = Slice <axes = [0]> (x) }", "starts", C2S_ERR_INVALID},
        {2, "g (float[2] x) => (y) { y = Pad (x) }", "pads", C2S_ERR_INVALID},
        {1, "g (float[1,2,3] x) => (y) { y = GlobalLpPool <p = 2.5> (x) }", "2.5",
         C2S_ERR_UNSUPPORTED},
        {7, "g (float[1,2] x) => (y) { y = Upsample (x) }", "scales", C2S_ERR_INVALID},
        {9, "g (float[1,2] x, float[2] s) => (y) { y = Upsample <mode = \"cubic\"> (x, s) }",
         "cubic", C2S_ERR_INVALID},
        {8,
         "g (int64[1] l, float[1,2] s, float[1,3,2] x) => (t) { t = Scan <num_scan_inputs = 1,"
         "body = b (a, v) => (c) { c = Add (a, v) }> (l, s, x) }",
         "different lengths", C2S_ERR_UNSUPPORTED},
        {7, "g (float[1,3,4,4] x) => (y) { y = Crop <border = [1, 2]> (x) }", "borders",
         C2S_ERR_INVALID},
        {1, "g (float[2] x) => (y) { y = ScaledTanh <alpha = 1.0> (x) }", "beta", C2S_ERR_INVALID},
        {12,
         "g (float x) => (d) { y = Floor (x)"
         "d = ai.onnx.preview.training.Gradient <xs = [\"x\"], y = \"y\"> (x) }",
         "no derivative for node", C2S_ERR_UNSUPPORTED},
        {12,
         "g (float x) => (d) { y = Neg (x)"
         "d = ai.onnx.preview.training.Gradient <xs = [\"w\"], y = \"y\"> (x) }",
         "no value \"w\"", C2S_ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        c2s_model *model = model_of_text(cases[i].opset, cases[i].text);
        c2s_status status = c2s_model_normalise(model);
        if (status != cases[i].status || !strstr(c2s_error(), cases[i].part) ||
            !strstr(c2s_error(), "node \""))
            fail_msg("%s: status %d, %s", cases[i].text, (int)status,
                     status == C2S_OK ? "" : c2s_error());
        c2s_model_destroy(model);
    }
}

static void opset_is_what_the_forms_need(void **state) {
    (void)state;
    c2s_model *model = model_of_text(
        11, "g (float[1,1,4,4] x, float[1,4] r, int64[1] b) => (y) { y = RoiAlign (x, r, b) }");
    assert_int_equal(c2s_model_normalise(model), C2S_OK);
    assert_int_equal(c2s_model_opset(model, ""), 16);
    c2s_model_destroy(model);
    model = model_of_text(18, "g (float x) => (y) { y = Neg (x) }");
    assert_int_equal(c2s_model_normalise(model), C2S_OK);
    assert_int_equal(c2s_model_opset(model, ""), 18);
    c2s_model_destroy(model);
    /* Models of IR version 2 had no opset: 1. */
    model = c2s_model_create();
    model->ir_version = 2;
    c2s_type type = c2s_type_tensor(C2S_FLOAT, 2, (c2s_dim[]){2, 3});
    c2s_value *x = c2s_graph_add_input(model->graph, "x", &type);
    c2s_node *concat = c2s_node_create(model->graph, NULL, "", "Concat", 2, 1);
    c2s_use_set(&concat->inputs[0], x);
    c2s_use_set(&concat->inputs[1], x);
    c2s_graph_add_output(model->graph, concat->outputs[0], "y");
    assert_int_equal(c2s_model_normalise(model), C2S_OK);
    assert_int_equal(c2s_model_opset(model, ""), 13);
    assert_true(model->ir_version >= 7);
    assert_int_equal(c2s_attr_int(concat, "axis", 0), 1);
    c2s_model_destroy(model);
}

/* An unknown operator stays as it is, whatever its attributes are called. */
static void unknown_operators_stay(void **state) {
    (void)state;
    c2s_model *model =
        model_of_text(6, "g (float[2] x) => (y) { t = ATen <axis = 1> (x) y = local.Add <axis = 0,"
                         "broadcast = 1> (t, x) }");
    assert_int_equal(c2s_model_normalise(model), C2S_OK);
    char *found = write_graph(model);
    assert_string_equal(found, "g (float[2] x) => (y) { t = ATen <axis = 1> (x) "
                               "y = local.Add <axis = 0, broadcast = 1> (t, x) }");
    free(found);
    c2s_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_raise_their_form),
        cmocka_unit_test(every_row_has_a_case),
        cmocka_unit_test(current_forms_stay),
        cmocka_unit_test(values_are_those_of_the_old_form),
        cmocka_unit_test(resize_rounds_as_each_axis_goes),
        cmocka_unit_test(batches_are_scanned_one_by_one),
        cmocka_unit_test(bodies_know_the_types_of_what_they_capture),
        cmocka_unit_test(functions_have_opsets_of_their_own),
        cmocka_unit_test(gradients_are_derivatives),
        cmocka_unit_test(derivatives_agree_with_differences),
        cmocka_unit_test(what_cannot_be_raised_is_refused),
        cmocka_unit_test(opset_is_what_the_forms_need),
        cmocka_unit_test(unknown_operators_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
