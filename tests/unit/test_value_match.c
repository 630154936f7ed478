/* SPDX-License-Identifier: Apache-2.0 */
/* Values of two models that are the same: by name, and by structure where names are gone. */
#include "unit/run_text.h"

#include "eval/value_match.h"

static c2s_model *read(const char *body) {
    char text[2048];
    snprintf(text, sizeof text,
             "g (float[1,4] x) => (float[1,4] y)\n"
             "<float[4] w = {1, 2, 3, 4}, float[4] v = {4, 3, 2, 1}, float s = {0.1}, int8 z = {0}>\n"
             "{ %s }\n",
             body);
    c2s_model *model = model_of_text(21, text);
    assert_int_equal(c2s_graph_infer(model->graph), C2S_OK);
    return model;
}

static const c2s_value_pair *find(const c2s_value_pairs *pairs, const char *a) {
    for (size_t i = 0; i < pairs->count; i++)
        if (strcmp(pairs->at[i].a->name, a) == 0)
            return &pairs->at[i];
    return NULL;
}

typedef struct expectation {
    const char *a, *b; /* b NULL: has no partner */
    bool by_name;
} expectation;

static void check(const char *first, const char *second, const expectation *expected) {
    c2s_model *a = read(first), *b = read(second);
    c2s_value_pairs pairs = {0};
    c2s_values_match(a->graph, b->graph, &pairs);
    for (; expected->a; expected++) {
        const c2s_value_pair *pair = find(&pairs, expected->a);
        if (!pair != !expected->b)
            fail_msg("%s: %s", expected->a, pair ? pair->b->name : "no partner");
        if (!pair)
            continue;
        assert_string_equal(pair->b->name, expected->b);
        assert_int_equal(pair->by_name, expected->by_name);
    }
    c2s_vec_free(&pairs);
    c2s_model_destroy(a);
    c2s_model_destroy(b);
}

static void by_name(void **state) {
    (void)state;
    check("a = Mul(x, w) b = Relu(a) y = Add(b, v)", "b = Abs(x) y = Add(b, v)",
          (const expectation[]){{"a", NULL, false}, {"b", "b", true}, {"y", "y", true}, {NULL}});
}

static void by_structure(void **state) {
    (void)state;
    check("a = Mul(x, w) b = Relu(a) y = Add(b, v)", "q = Mul(x, w) r = Relu(q) y = Add(r, v)",
          (const expectation[]){{"a", "q", false}, {"b", "r", false}, {"y", "y", true}, {NULL}});
}

/* What was quantized in between is transparent; another operator is not. */
static void through_quantizers(void **state) {
    (void)state;
    check("a = Mul(x, w) b = Relu(a) y = Add(b, v)",
          "q = Mul(x, w) c = QuantizeLinear(q, s, z) d = DequantizeLinear(c, s, z) r = Relu(d) "
          "y = Add(r, v)",
          (const expectation[]){{"a", "q", false}, {"b", "r", false}, {NULL}});
    check("a = Mul(x, w) b = Relu(a) y = Add(b, v)", "q = Mul(x, w) n = Neg(q) r = Relu(n) y = Add(r, v)",
          (const expectation[]){{"a", "q", false}, {"b", NULL, false}, {NULL}});
}

/* Attributes and operand order tell values apart. */
static void not_what_is_computed_otherwise(void **state) {
    (void)state;
    check("a = Sub(x, w) b = LeakyRelu<alpha = 0.1>(x) c = Add(a, b) y = Neg(c)",
          "p = Sub(w, x) q = LeakyRelu<alpha = 0.2>(x) r = Add(p, q) y = Neg(r)",
          (const expectation[]){{"a", NULL, false}, {"b", NULL, false}, {"c", NULL, false}, {NULL}});
}

/* Twins match one by one, in order; not if one is missing. */
static void twins(void **state) {
    (void)state;
    check("a = Relu(x) b = Relu(x) y = Add(a, b)", "p = Relu(x) q = Relu(x) y = Add(p, q)",
          (const expectation[]){{"a", "p", false}, {"b", "q", false}, {NULL}});
    check("a = Relu(x) b = Relu(x) y = Add(a, b)", "p = Relu(x) y = Add(p, p)",
          (const expectation[]){{"a", NULL, false}, {"b", NULL, false}, {NULL}});
}

#define LOOP(names, inner)                                                                         \
    "c = Cast <to = 9> (s) t = Cast <to = 7> (s) h = Mul(x, w) " names                              \
    " = Loop <body = step (int64 i, bool go, float[1,4] before) => (bool again, float[1,4] after) { " \
    inner " }> (t, c, h) y = Add(l, v)"

static void in_bodies(void **state) {
    (void)state;
    check(LOOP("l", "again = Not(go) p = Mul(before, h) q = Tanh(p) after = Add(q, x)"),
          LOOP("l", "again = Not(go) pp = Mul(before, h) q = Tanh(pp) r = Relu(q) after = Sub(r, x)"),
          (const expectation[]){
              {"p", "pp", false}, {"q", "q", true}, {"after", "after", true}, {"l", "l", true}, {NULL}});
    /* A body is told by its node, a branch by its name; neither matches another. */
    check("c = Cast <to = 9> (s) e = If <then_branch = a () => (r) { p = Neg(x) r = Exp(p) }, "
          "else_branch = b () => (q) { q = Abs(x) }> (c) y = Add(e, v)",
          "c = Cast <to = 9> (s) e = If <else_branch = b () => (p) { p = Abs(x) }, "
          "then_branch = a () => (r) { q = Neg(x) r = Exp(q) }> (c) y = Add(e, v)",
          (const expectation[]){
              {"p", "q", false}, {"r", "r", true}, {"q", "p", false}, {"e", "e", true}, {NULL}});
    check("c = Cast <to = 9> (s) e = If <then_branch = a () => (r) { r = Exp(x) }, "
          "else_branch = b () => (q) { q = Abs(x) }> (c) y = Add(e, v)",
          "r = Exp(x) q = Abs(x) y = Add(r, q)",
          (const expectation[]){
              {"r", NULL, false}, {"q", NULL, false}, {"e", NULL, false}, {"y", "y", true}, {NULL}});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_name),
        cmocka_unit_test(by_structure),
        cmocka_unit_test(in_bodies),
        cmocka_unit_test(through_quantizers),
        cmocka_unit_test(not_what_is_computed_otherwise),
        cmocka_unit_test(twins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
