/* SPDX-License-Identifier: Apache-2.0
 *
 * The text syntax: what is written reads back as the same text, and what is wrong is refused with
 * its place.
 */
#include <string.h>

#include "io/save.h"
#include "io/text.h"
#include "shared.h"

static char *write_text(const c2s_model *model) {
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    c2s_text_write(model, &(c2s_text_options){.node_names = true}, stream);
    fclose(stream);
    return text;
}

static c2s_model *read_ok(const char *text) {
    c2s_model *model = NULL;
    c2s_status status = c2s_text_read(text, strlen(text), "t", &model);
    if (status != C2S_OK)
        fail_msg("%s", c2s_error());
    return model;
}

/* Canonical text comes back letter by letter. */
static void round_trip(const char *text) {
    c2s_model *model = read_ok(text);
    char *written = write_text(model);
    assert_string_equal(written, text);
    free(written);
    c2s_model *copy = c2s_model_copy(model);
    written = write_text(copy);
    assert_string_equal(written, text);
    free(written);
    c2s_model_destroy(copy);
    c2s_model_destroy(model);
}

static void models_round_trip(void **state) {
    (void)state;
    round_trip("<ir_version: 8, opset_import: [\"\" : 17, \"ai.onnx.ml\" : 3]>\n"
               "mlp (float[N,4] x, float[2] b = {0.5, -1.0}) => (float[N,2] y, float[N,2] \"y 2\")\n"
               "<float[4,2] w = {1.0, 0.0, 0.0, 1e-20, inf, nan, 3.14159, -0.0}, int64[2] axes = {-1, 2}, "
               "string[2] s = {\"a\\\"b\", \"\"}, int4[3] q = {-8, 7, 0}, uint64 big = {18446744073709551615}, bool[0] none = {}>\n"
               "{\n"
               "    t = MatMul (x, w)\n"
               "    y = Softmax <axis = -1> (t)\n"
               "    [named] u, \"\", v = my.domain.Op <f = 1.0, i = 3, s = \"text\", fs = [1.0, 2.5], is = [1, -2], "
               "ss = [\"a\", \"b\"], t = int64[2] {1, 2}, empty : ints = [], ty : type_proto = float[\"2*N + 1\"], "
               "ts = [float {1.0}, float[1] {2.0}]> (x, \"\", s)\n"
               "    \"y 2\" = Identity (y)\n"
               "}\n");
}

static void bodies_and_functions_round_trip(void **state) {
    (void)state;
    round_trip("<ir_version: 9, opset_import: [\"\" : 17, \"local\" : 1]>\n"
               "g (bool c, float[N] x, seq(float[]) list, optional(seq(int64[N])) o) => (float[N] y)\n"
               "<float one = {1.0}>\n"
               "{\n"
               "    a = If <then_branch = yes () => (float[N] r)\n"
               "    {\n"
               "        r = Add (x, one)\n"
               "    }, else_branch = no () => (q)\n"
               "    <float two = {2.0}>\n"
               "    {\n"
               "        q = If <then_branch = deep () => (z)\n"
               "        {\n"
               "            z = Mul (x, two)\n"
               "        }, else_branch = deep2 () => (z2)\n"
               "        {\n"
               "            z2 = Neg (x)\n"
               "        }> (c)\n"
               "    }> (c)\n"
               "    y = local.twice <alpha = 2.0> (a)\n"
               "}\n"
               "\n<domain: \"local\", opset_import: [\"\" : 17]>\n"
               "twice <alpha, beta = 0.5> (p) => (r)\n"
               "{\n"
               "    k = Constant <value_float : float = @alpha> ()\n"
               "    r = Mul (p, k)\n"
               "}\n");
}

static void what_has_no_kind_or_odd_names_round_trips(void **state) {
    (void)state;
    round_trip("<ir_version: 9, opset_import: [\"\" : 17, \"my-own.x\" : 1]>\n"
               "g (float[N] x) => (float[N] y)\n"
               "{\n"
               "    y = \"my-own\".x.f <alpha = 2.0> (x)\n"
               "}\n"
               "\n<domain: \"my-own.x\", opset_import: [\"\" : 17]>\n"
               "f <alpha, beta> (p) => (r)\n"
               "{\n"
               "    k = Constant <value_float = @alpha> ()\n"
               "    l = Constant <sparse_value : sparse_tensor = @beta> ()\n"
               "    r = Mul (p, k)\n"
               "}\n");
    round_trip("<ir_version: 9, opset_import: [\"\" : 17]>\n"
               "g (int2, float[inf,nan,true] bool) => (double)\n"
               "{\n"
               "    float = Neg (bool)\n"
               "    double, seq = TopK (float, int2)\n"
               "}\n");
}

/* As passes may leave it: an output is another value now, while the value of its name stays. */
static void values_give_way_to_outputs(void **state) {
    (void)state;
    c2s_model *m = read_ok("<ir_version: 8, opset_import: [\"\" : 17]>"
                           "g (bool c, float[2] x) => (float[2] y, float[2] z) {"
                           "  y = Relu (x)  i = If <then_branch = t () => (a) { a = Neg (y) }, "
                           "  else_branch = e () => (y) { }> (c)  z = Mul (i, y) }");
    c2s_use_set(&m->graph->exit->inputs[0], c2s_graph_output(m->graph, 1));
    assert_int_equal(c2s_model_verify(m), C2S_OK);
    char *text = write_text(m), *again = write_text(m);
    assert_string_equal(text, "<ir_version: 8, opset_import: [\"\" : 17]>\n"
                              "g (bool c, float[2] x) => (float[2] y, float[2] z)\n"
                              "{\n"
                              "    y_1 = Relu (x)\n"
                              "    i = If <then_branch = t () => (a)\n"
                              "    {\n"
                              "        a = Neg (y_1)\n"
                              "    }, else_branch = e () => (float[2] y_1)\n"
                              "    {\n"
                              "    }> (c)\n"
                              "    z = Mul (i, y_1)\n"
                              "    y = Identity (z)\n"
                              "}\n");
    assert_string_equal(text, again);
    free(again);
    void *file[2];
    size_t size[2];
    for (int k = 0; k < 2; k++) /* files have the same names, however many there are */
        assert_int_equal(c2s_model_save_memory(m, &file[k], &size[k]), C2S_OK);
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(file[0], file[1], size[0]);
    free(file[0]);
    free(file[1]);
    c2s_model_destroy(m);
    c2s_model_destroy(read_ok(text));
    free(text);
}

/* Looking over all outputs for each of them would take minutes. */
static void many_outputs_round_trip(void **state) {
    (void)state;
    enum { MANY = 100000 };
    char *text = malloc(MANY * 40 + 200);
    size_t used = (size_t)sprintf(text, "<ir_version: 8, opset_import: [\"\" : 17]>\ng (float x) => (");
    for (int i = 0; i < MANY; i++)
        used += (size_t)sprintf(text + used, "%sfloat y%d", i ? ", " : "", i);
    used += (size_t)sprintf(text + used, ")\n{\n");
    for (int i = 0; i < MANY; i++)
        used += (size_t)sprintf(text + used, "    y%d = Neg (x)\n", i);
    sprintf(text + used, "}\n");
    round_trip(text);
    free(text);
}

static void captures_are_made(void **state) {
    (void)state;
    c2s_model *m = read_ok("<opset_import: [\"\" : 17]> g (bool c, float x) => (float y) {\n"
                           "  y = If <then_branch = t () => (r) { r = Neg (x) },\n"
                           "          else_branch = e () => (x) { }> (c)  # returns a capture\n"
                           "}");
    c2s_node *node = m->graph->first;
    assert_int_equal(node->formal_count, 1);
    assert_int_equal(node->input_count, 3);
    assert_ptr_equal(node->inputs[1].value, c2s_graph_input(m->graph, 1));
    assert_int_equal(m->ir_version, 8);
    c2s_model_destroy(m);
}

static void mistakes_are_placed(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"g (float x) => (float y) { y = Relu (z) }", "t:1:39: found \")\", expected \"z\" to be defined"},
        {"g (float x) => (float y) {\n y = Relu (x)\n y = Relu (x)\n}", "t:4:1"},
        {"g (float x) => (float y) { }", "output \"y\""},
        {"g (float x) => (float y", "expected \",\""},
        {"g (float[2,) => () {}", "expected a name"},
        {"g (float[-1] x) => () {}", "dimension >= 0"},
        {"g (float[\"5-7\"] x) => () {}", "dimension >= 0"},
        {"g () => () <float[3] w = {1, 2}> {}", "3 elements before this, not 2"},
        {"g () => () <complex64[1] w = {1.0, 2.0, 3.0}> {}", "two numbers for each element"},
        {"g () => () <float[N] w = {1, 2}> {}", "known dimensions"},
        {"g () => () <int8[1] w = {128}> {}", "int8 can hold"},
        {"g () => () <uint2[1] w = {4}> {}", "uint2 can hold"},
        {"g () => () <int64[1] w = {1.5}> {}", "int64 can hold"},
        {"g () => () <int64[1] w = {99999999999999999999}> {}", "expected a number"},
        {"g () => () <string w = {\"abc}> {}", "rest of a string"},
        {"g () => () { a = A <x = 1, x = 2> () }", "once only"},
        {"g () => () { a = A <x : nothing = 1> () }", "kind of attribute"},
        {"g () => () { a = A <x : sparse_tensor = 1> () }", "expected \"@\""},
        {"", "expected a name"},
        {"<ir_version: x>", "expected a number"},
        {"g () => () {} trailing", "expected \"(\""},
        {"g () => () {} <domain: \"d\"> f () => () {} <domain: \"d\"> f () => () {}", "defined twice"},
        {"g () => () {} <domain: \"d\"> f () => (r) { r = d.f () }", "calls itself"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        c2s_model *model;
        assert_int_equal(c2s_text_read(cases[i].text, strlen(cases[i].text), "t", &model),
                         C2S_ERR_INVALID);
        if (!strstr(c2s_error(), cases[i].message))
            fail_msg("case %zu: \"%s\" lacks \"%s\"", i, c2s_error(), cases[i].message);
    }
}

/* Any prefix of a model is refused or read, nothing else. */
static void prefixes_do_no_harm(void **state) {
    (void)state;
    static const char text[] =
        "<ir_version: 9, opset_import: [\"\" : 17]> g (float[N,\"2*N\"] x, seq(float) s) => (float y)"
        " <float[2] w = {1.0, nan}> { a, b = d.If <t = b () => (r) { r = Neg (x) }, ts = [float {1}],"
        " gs : graphs = [q () => (k) { k = Neg (x) }], f : float = @z, ss = [\"a\\x41\"]> (x) y = Neg (a) }"
        " <domain: \"d\"> f <a> (x) => (y) { y = Neg (x) }";
    for (size_t n = 0; n <= strlen(text); n++) {
        c2s_model *model;
        char *exact = malloc(n ? n : 1); /* so that reading past the end shows */
        memcpy(exact, text, n);
        c2s_status status = c2s_text_read(exact, n, "t", &model);
        if (status == C2S_OK)
            c2s_model_destroy(model);
        else
            assert_int_equal(status, C2S_ERR_INVALID);
        free(exact);
    }
}

static void nesting_is_bounded(void **state) {
    (void)state;
    enum { DEPTH = 20000 };
    char *text = malloc(DEPTH * 32 + 64);
    size_t used = (size_t)sprintf(text, "g () => () { ");
    for (int i = 0; i < DEPTH; i++)
        used += (size_t)sprintf(text + used, "a = A <b = g () => () { ");
    c2s_model *model;
    assert_int_equal(c2s_text_read(text, used, "t", &model), C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "deep"));
    used = (size_t)sprintf(text, "g (");
    for (int i = 0; i < DEPTH; i++)
        used += (size_t)sprintf(text + used, "seq(");
    assert_int_equal(c2s_text_read(text, used, "t", &model), C2S_ERR_INVALID);
    assert_non_null(strstr(c2s_error(), "deep"));
    free(text);
}

static void real_models_round_trip(void **state) {
    (void)state;
    static const char *const names[] = {"silero-vad-16k-op15", "hand-history-lstm", "tree-ensemble-onnx2c",
                                        "micro-kws-qdq", "mnist-cnn-cntk", "cifar10-cnn-winml"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char relative[128], path[512];
        snprintf(relative, sizeof relative, "models/%s/model.onnx", names[i]);
        shared_need(path, sizeof path, relative);
        c2s_model *model;
        assert_int_equal(c2s_model_load(path, &model), C2S_OK);
        char *text = write_text(model);
        round_trip(text);
        free(text);
        c2s_model_destroy(model);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_round_trip),
        cmocka_unit_test(bodies_and_functions_round_trip),
        cmocka_unit_test(what_has_no_kind_or_odd_names_round_trips),
        cmocka_unit_test(values_give_way_to_outputs),
        cmocka_unit_test(many_outputs_round_trip),
        cmocka_unit_test(captures_are_made),
        cmocka_unit_test(mistakes_are_placed),
        cmocka_unit_test(prefixes_do_no_harm),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(real_models_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
