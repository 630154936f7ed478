/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that are wrong on purpose, as a rule could be by mistake: the proof catches each, the
 * pipeline rolls back that rewrite by name, and what is right stays. The graph of a case has the
 * wrong place once, and a place for a good rule before and behind it. */
#include "unit/make_graph.h"

#include "io/text.h"
#include "passes/pipeline.h"
#include "passes/prover.h"
#include "rewrite/builder.h"
#include "runtime/session.h"

enum { A = C2S_LETTER_A, B, C, Y };

#define OP_ROW(symbol)                                                                             \
    {                                                                                              \
        .op = &c2s_op_##symbol, .in = { A, B | C2S_OPTIONAL }                                      \
    }
#define PAIR(first, second)                                                                        \
    {.op = &c2s_op_##first, .out = Y, .in = {A, B | C2S_OPTIONAL}}, {                              \
        .op = &c2s_op_##second, .in = { Y, C | C2S_OPTIONAL }                                      \
    }

static c2s_value *rebuild(c2s_builder *b, const char *type, c2s_value *x, c2s_value *y) {
    c2s_value *in[2] = {x, y};
    return c2s_build(b, type, in, y ? 2 : 1);
}

/* The root with another value of one attribute. */
static c2s_value *with_int(c2s_builder *b, const c2s_match *m, const char *name, int64_t value) {
    c2s_value *in[2] = {m->value[A], m->value[B]};
    c2s_node *node = c2s_build_like(b, m->root, in, m->value[B] ? 2 : 1);
    if (node)
        c2s_attr_set_int(node, name, value);
    return c2s_build_finish(b, node);
}

static c2s_value *keep_outer(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[3] = {m->value[A], m->value[C], c2s_node_in(m->root, 2)};
    return c2s_build_finish(b, c2s_build_like(b, m->root, in, 3));
}
static c2s_value *without_bias(c2s_builder *b, const c2s_match *m) {
    return rebuild(b, "Gemm", m->value[A], m->value[B]);
}
static c2s_value *swapped(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[2] = {m->value[B], m->value[A]};
    return c2s_build_finish(b, c2s_build_like(b, m->root, in, 2));
}
static c2s_value *as_sum(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[2] = {m->value[A], m->value[B]};
    c2s_node *node = c2s_build_start(b, "ReduceSum", in, 2);
    if (node)
        c2s_attr_set_int(node, "keepdims", 0);
    return c2s_build_finish(b, node);
}
static c2s_value *last_axis(c2s_builder *b, const c2s_match *m) {
    return with_int(b, m, "axis", -1);
}
static c2s_value *without_epsilon(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[5];
    for (unsigned k = 0; k < 5; k++)
        in[k] = c2s_node_in(m->root, k);
    c2s_node *node = c2s_build_like(b, m->root, in, 5);
    if (node)
        c2s_attr_set_float(node, "epsilon", 0);
    return c2s_build_finish(b, node);
}
static c2s_value *as_relu(c2s_builder *b, const c2s_match *m) {
    return rebuild(b, "Relu", m->value[A], NULL);
}
static c2s_value *half_pixel(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[3] = {m->value[A], NULL, c2s_node_in(m->root, 2)};
    c2s_node *node = c2s_build_like(b, m->root, in, 3);
    if (node)
        c2s_attr_set_string(node, "coordinate_transformation_mode", "align_corners");
    return c2s_build_finish(b, node);
}
static c2s_value *with_pads(c2s_builder *b, const c2s_match *m) {
    return with_int(b, m, "count_include_pad", 1);
}

typedef struct mutation {
    const char *graph; /* of x, with a node [wrong] */
    unsigned row_count;
    c2s_pattern_row rows[2];
    c2s_rule rule;
} mutation;

/* One case a line of the table: rule, rows, what it makes, and the graph around "y = ...". */
#define CASE(rule_name, make, body, ...)                                                           \
    {                                                                                              \
        body, sizeof((c2s_pattern_row[]){__VA_ARGS__}) / sizeof(c2s_pattern_row), {__VA_ARGS__}, { \
            .name = rule_name, .build = make                                                       \
        }                                                                                          \
    }
#define GRAPH(type, before, node)                                                                  \
    "g (" type " x) => (float[] y) <" before "> {"                                                 \
    " [first] a = Identity (x)" node " [last] l = Identity (r) y = Add (l, l) }"

static mutation mutations[] = {
    CASE("relu-is-nothing", c2s_build_forward,
         GRAPH("float[3,4]", "float one = {1.0}", "[wrong] r = Relu (a)"), OP_ROW(relu)),
    CASE("transposes-cancel", c2s_build_forward,
         GRAPH("float[4,4,4]", "float one = {1.0}",
               "t = Transpose <perm = [1, 2, 0]> (a) [wrong] r = Transpose <perm = [1, 2, 0]> (t)"),
         PAIR(transpose, transpose)),
    CASE("times-zero-is-nothing", c2s_build_forward,
         GRAPH("float[3,4]", "float zero = {0.0}", "[wrong] r = Mul (a, zero)"), OP_ROW(mul)),
    CASE("outer-clip-wins", keep_outer,
         GRAPH("float[3,4]", "float low = {-0.2}, float high = {0.2}, float much = {5.0}",
               "c = Clip (a, low, high) [wrong] r = Clip (c, low, much)"),
         PAIR(clip, clip)),
    CASE("matmul-loses-bias", without_bias,
         GRAPH("float[3,2]", "float[2,2] w = {1.0, 2.0, 3.0, 4.0}, float[2] b = {0.5, -0.5}",
               "p = MatMul (a, w) [wrong] r = Add (p, b)"),
         PAIR(matmul, add)),
    CASE("subtraction-commutes", swapped,
         GRAPH("float[3,4]", "float one = {1.0}", "[wrong] r = Sub (a, one)"), OP_ROW(sub)),
    CASE("concat-in-any-order", swapped,
         GRAPH("float[3,4]", "float one = {1.0}",
               "n = Neg (a) [wrong] r = Concat <axis = 0> (a, n)"),
         OP_ROW(concat)),
    CASE("mean-is-sum", as_sum,
         GRAPH("float[3,4]", "int64[1] axes = {1}",
               "[wrong] r = ReduceMean <keepdims = 0> (a, axes)"),
         OP_ROW(reduce_mean)),
    CASE("softmax-of-last-axis", last_axis,
         GRAPH("float[3,4]", "float one = {1.0}", "[wrong] r = Softmax <axis = 0> (a)"),
         OP_ROW(softmax)),
    CASE("norm-without-epsilon", without_epsilon,
         GRAPH("float[2,2,3]", "float[2] s = {1.0, 2.0}, float[2] v = {0.1, 0.2}",
               "[wrong] r = BatchNormalization <epsilon = 0.01> (a, s, s, s, v)"),
         OP_ROW(batch_normalization)),
    CASE("leak-is-small", as_relu,
         GRAPH("float[3,4]", "float one = {1.0}", "[wrong] r = LeakyRelu <alpha = 0.05> (a)"),
         OP_ROW(leaky_relu)),
    CASE("corners-do-not-matter", half_pixel,
         GRAPH("float[1,1,3,3]", "float[4] scales = {1.0, 1.0, 2.0, 2.0}",
               "[wrong] r = Resize <mode = \"linear\"> (a, \"\", scales)"),
         OP_ROW(resize)),
    CASE("pads-count", with_pads,
         GRAPH("float[1,1,4,4]", "float one = {1.0}",
               "[wrong] r = AveragePool <kernel_shape = [2, 2], pads = [1, 1, 0, 0]> (a)"),
         OP_ROW(average_pool)),
};

static const mutation *current;
static unsigned first_new; /* id: what rules have built is left alone */

static const char *refuse_own(const c2s_match *m) {
    return m->root->id >= first_new ? "done" : NULL;
}

static c2s_status run_mutation(c2s_model *model, const c2s_options *options,
                               const c2s_pass_context *context, c2s_stats *stats) {
    (void)options;
    (void)context;
    static const c2s_pattern_row identity_rows[] = {{.op = &c2s_op_identity, .in = {A}}};
    static const c2s_rule identity = {
        .name = "identity", C2S_ROWS(identity_rows), .build = c2s_build_forward};
    c2s_rule wrong = current->rule;
    wrong.rows = current->rows;
    wrong.row_count = current->row_count;
    wrong.refuse = refuse_own;
    first_new = (unsigned)model->nodes.count;
    const c2s_rule *rules[] = {&identity, &wrong, NULL};
    return c2s_rewrite(model->graph, rules, stats);
}

static c2s_model *read_case(const mutation *m) {
    char text[1024];
    int size =
        snprintf(text, sizeof text, "<ir_version: 10, opset_import: [\"\" : 21]>\n%s", m->graph);
    c2s_model *model = NULL;
    if (c2s_text_read(text, (size_t)size, "case", &model) != C2S_OK ||
        c2s_graph_infer(model->graph) != C2S_OK)
        fail_msg("%s: %s", m->rule.name, c2s_error());
    return model;
}

static void check(const mutation *m, const c2s_evaluator *evaluator) {
    static const c2s_pass pass = {.name = "mutated", .summary = "", .run = run_mutation};
    current = m;
    c2s_model *model = read_case(m), *original = c2s_model_copy(model);
    c2s_prove_options proof = {
        .evaluator = evaluator, .eval = {.threads = 1}, .random = {.seed = 1}};
    c2s_prover *prover = c2s_prover_create(&proof, NULL);
    c2s_pipeline pipeline = {0};
    c2s_vec_push(&pipeline.steps, (c2s_pipeline_step){.pass = &pass});
    const c2s_pass_context context = {.evaluator = evaluator, .eval = {.threads = 1}};
    c2s_pipeline_options options = {.context = &context, .prover = prover, .bisect = true};
    c2s_pipeline_result result;
    assert_int_equal(c2s_pipeline_run(&pipeline, model, &options, &result), C2S_OK);
    const c2s_step_result *step = &result.steps.at[0];
    char expected[128];
    snprintf(expected, sizeof expected, "%s at node \"wrong\"", m->rule.name);
    if (step->report.outcome != C2S_APPLIED || step->left_out.count != 1 ||
        !strstr(step->left_out.at[0], expected))
        fail_msg("%s was not rolled back by name (%u rewrites, error %g): %s", m->rule.name,
                 step->report.rewrites, step->report.error,
                 step->report.reason    ? step->report.reason
                 : step->left_out.count ? step->left_out.at[0]
                                        : "it was not noticed");
    assert_int_equal(step->report.rewrites, 2);
    assert_null(strstr(ops_of(model->graph), "Identity"));
    assert_true(largest_difference(original, model) == 0);
    c2s_pipeline_result_free(&result);
    c2s_vec_free(&pipeline.steps);
    c2s_prover_destroy(prover);
    c2s_model_destroy(original);
    c2s_model_destroy(model);
}

static void catches_wrong_rules(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof mutations / sizeof mutations[0]; i++) {
        check(&mutations[i], &c2s_evaluator_onednn);
        check(&mutations[i], &c2s_evaluator_reference);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(catches_wrong_rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
