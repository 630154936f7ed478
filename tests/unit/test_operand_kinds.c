/* SPDX-License-Identifier: Apache-2.0
 *
 * Text, complex numbers and what is no tensor reach only operators that are made for them: code for
 * numbers would read addresses as numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "c2s.h"
#include "io/text.h"
#include "ir/tensor.h"
#include "ops/op.h"

static c2s_status infer(const char *graph) {
    char text[600];
    c2s_model *model = NULL;
    snprintf(
        text, sizeof text,
        "<ir_version: 10, opset_import: [\"\" : 23, \"com.microsoft\" : 1, \"ai.onnx.ml\" : 3]>\n"
        "g %s\n",
        graph);
    if (c2s_text_read(text, strlen(text), "test", &model) != C2S_OK)
        fail_msg("%s", c2s_error());
    const c2s_status status = c2s_graph_infer(model->graph);
    c2s_model_destroy(model);
    return status;
}

static void test_refused(void **state) {
    static const char *const graphs[] = {
        "(float[2,3] x, string[3] s) => (y) { y = LayerNormalization (x, s) }",
        "(float[2,3] x, float[3] s, string[3] b) => (y) { y = LayerNormalization (x, s, b) }",
        "(float[2,3] x, complex64[3] s) => (y) { y = RMSNormalization (x, s) }",
        "(string[2] x) => (y) { y = Neg (x) }",
        "(float[2] x, seq(float[2]) s) => (y) { y = Add (x, s) }",
        "(optional(float[2]) x) => (y) { y = Relu (x) }",
        "(float[2,3] x, string[1] s) => (y) { y = Reshape (x, s) }",
        "(string[2] x) => (y) { y = com.microsoft.QuickGelu (x) }",
    };
    (void)state;
    for (size_t k = 0; k < sizeof graphs / sizeof *graphs; k++) {
        if (infer(graphs[k]) != C2S_ERR_INVALID)
            fail_msg("%s was taken: %s", graphs[k], c2s_error());
        c2s_error_clear();
    }
}

static void test_taken(void **state) {
    static const char *const graphs[] = {
        "(string[2,3] x, int64[1] s) => (y) { y = Reshape (x, s) }",
        "(string[2] a, string[2] b) => (y) { y = Equal (a, b) }",
        "(complex64[2] x) => (y) { y = Identity (x) }",
        "(seq(float[2]) s, int64 k) => (y) { y = SequenceAt (s, k) }",
        "(optional(seq(float[2])) o) => (y) { y = OptionalHasElement (o) }",
        "(string[2] x) => (y) { y = ai.onnx.ml.LabelEncoder <keys_strings = [\"a\"], "
        "values_int64s = [1]> (x) }",
        "(string[2] x) => (y) { y = com.microsoft.MurmurHash3 (x) }",
        "(bool c, string[2] x) => (y) { y = If <then_branch = t () => (p) { p = Identity (x) }, "
        "else_branch = e () => (q) { q = Identity (x) }> (c) }",
    };
    (void)state;
    for (size_t k = 0; k < sizeof graphs / sizeof *graphs; k++)
        if (infer(graphs[k]) != C2S_OK)
            fail_msg("%s: %s", graphs[k], c2s_error());
}

static void test_constants(void **state) {
    (void)state;
    const double number = 1;
    const int64_t whole = 1;
    c2s_tensor *tensor = NULL;
    assert_int_equal(c2s_tensor_from_f64(C2S_STRING, 0, NULL, &number, &tensor), C2S_ERR_INVALID);
    assert_int_equal(c2s_tensor_from_i64(C2S_COMPLEX64, 0, NULL, &whole, &tensor), C2S_ERR_INVALID);
    assert_null(tensor);
    c2s_error_clear();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_constants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
