/* SPDX-License-Identifier: Apache-2.0
 *
 * Models in other opsets: a case per row of the table of changes, as text before and after or as
 * the reason of a refusal. What a row makes is executed and compared with what was there before.
 *
 *     test_opset write     prints the cases with what is made of them now
 */
#include <ctype.h>

#include "eval/prove.h"
#include "io/load.h"
#include "io/opset.h"
#include "io/opset_rows.h"
#include "io/save.h"
#include "ops/op_form.h"
#include "ops/op_versions.h"
#include "run_text.h"

typedef struct opset_case {
    const char *type, *row; /* the row of the table that this is a case of */
    int from, to;
    const char *before;  /* a graph */
    const char *after;   /* NULL: refused */
    const char *refusal; /* part of the message */
} opset_case;

static const opset_case cases[] = {
#include "opset_cases.h"
};
enum { CASES = sizeof cases / sizeof cases[0] };

/* The model's text: its header goes, runs of white space become one space. */
static char *text_of(const c2s_model *model) {
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    c2s_text_write(model, NULL, stream);
    fclose(stream);
    const char *from = text[0] == '<' ? strchr(text, '\n') + 1 : text;
    char *to = text;
    for (; *from; from++)
        if (!isspace((unsigned char)*from))
            *to++ = *from;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    while (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
    return text;
}

static c2s_model *normal_model(int opset, const char *text) {
    c2s_model *model = model_of_text(opset, text);
    if (c2s_model_normalise(model) != C2S_OK || c2s_graph_infer(model->graph) != C2S_OK)
        fail_msg("%s\n%s", c2s_error(), text);
    return model;
}

/* A refusal leaves *out NULL. */
static c2s_status convert(const opset_case *c, c2s_model **out) {
    *out = normal_model(c->from, c->before);
    c2s_status status = c2s_model_convert_opset(*out, c->to, NULL);
    if (status == C2S_OK) {
        c2s_graph_sweep((*out)->graph);
        status = c2s_model_verify(*out);
    }
    if (status != C2S_OK) {
        c2s_model_destroy(*out);
        *out = NULL;
    }
    return status;
}

static void check_forms(const c2s_graph *graph, int opset, const char *text) {
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (c2s_op_form_check(node, opset) != C2S_OK)
            fail_msg("%s: %s\n%s", c2s_node_text(node), c2s_error(), text);
}

/* The result computes what the model before did; both are normalised to be run. */
static void check_equal(const opset_case *c, const c2s_model *after) {
    c2s_prove_options options = {.evaluator = &c2s_evaluator_reference, .eval = {.threads = 1}};
    c2s_model *before = normal_model(c->from, c->before), *again = c2s_model_copy(after);
    c2s_baseline *baseline;
    c2s_proof proof;
    if (c2s_model_normalise(again) != C2S_OK || c2s_graph_infer(again->graph) != C2S_OK)
        fail_msg("%s: %s", c->before, c2s_error());
    assert_int_equal(c2s_baseline_create(before->graph, &options, &baseline), C2S_OK);
    c2s_prove(baseline, again->graph, &proof);
    if (proof.verdict != C2S_PROVED)
        fail_msg("%s: %s", c->before, proof.text);
    c2s_baseline_destroy(baseline);
    c2s_model_destroy(again);
    c2s_model_destroy(before);
}

static void check_case(const opset_case *c) {
    c2s_model *model;
    c2s_status status = convert(c, &model);
    if (!c->after) {
        if (status != C2S_ERR_UNSUPPORTED || !strstr(c2s_error(), c->refusal))
            fail_msg("%s to %d: status %d, %s\nexpected a refusal: ... %s ...", c->before, c->to,
                     (int)status, status ? c2s_error() : "", c->refusal);
        c2s_model_destroy(model);
        return;
    }
    if (status != C2S_OK)
        fail_msg("%s to %d: %s", c->before, c->to, c2s_error());
    assert_int_equal(c2s_model_opset(model, ""), c->to);
    char *found = text_of(model);
    if (strcmp(found, c->after) != 0)
        fail_msg("%s, %s:\n  %s\nexpected\n  %s", c->type, c->row, found, c->after);
    check_forms(model->graph, c->to, c->before);
    check_equal(c, model);
    free(found);
    c2s_model_destroy(model);
}

static void rows_cross_their_change(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++)
        check_case(&cases[i]);
}

/* Each function of each row is passed through by some case. */
static void every_row_has_a_case(void **state) {
    (void)state;
    size_t count;
    const c2s_opset_row *rows = c2s_opset_rows(&count);
    for (size_t k = 0; k < count; k++) {
        bool up = !rows[k].raise, down = !rows[k].lower;
        for (size_t i = 0; i < CASES; i++) {
            const opset_case *c = &cases[i];
            if (strcmp(c->type, rows[k].type) != 0 || strcmp(c->row, rows[k].name) != 0)
                continue;
            up = up || (c->from < rows[k].since && rows[k].since <= c->to);
            down = down || (c->to < rows[k].since && rows[k].since <= c->from);
        }
        if (!up || !down)
            fail_msg("row %s, %s has no case %s", rows[k].type, rows[k].name, up ? "down" : "up");
        if (k > 0) {
            const int order = strcmp(rows[k - 1].type, rows[k].type);
            assert_true(order < 0 || (order == 0 && rows[k - 1].since < rows[k].since));
        }
    }
    for (size_t i = 0; i < CASES; i++) {
        bool known = false;
        for (size_t k = 0; k < count; k++)
            known = known || (strcmp(cases[i].type, rows[k].type) == 0 &&
                              strcmp(cases[i].row, rows[k].name) == 0);
        if (!known)
            fail_msg("case %s, %s has no row", cases[i].type, cases[i].row);
    }
}

/* A change of form that the versions show needs a row: an attribute or a default that is gone. */
static void what_is_gone_has_a_row(void **state) {
    (void)state;
    size_t count, row_count;
    const c2s_op_versions *all = c2s_op_versions_all(&count);
    const c2s_opset_row *rows = c2s_opset_rows(&row_count);
    for (size_t i = 0; i < count && !all[i].domain[0]; i++)
        for (unsigned v = 1; v < all[i].count; v++) {
            const c2s_op_version *version = &all[i].versions[v];
            bool gone = version->since > 7 && version->attributes &&
                        (version->attributes[0] == '-' || strstr(version->attributes, " -"));
            for (size_t k = 0; gone && k < row_count; k++)
                gone = strcmp(rows[k].type, all[i].type) != 0 || rows[k].since != version->since;
            /* Scan of opset 8 cannot be written; the attribute "spatial" is 1 by default. */
            if (gone && strcmp(all[i].type, "Scan") != 0 &&
                strcmp(all[i].type, "BatchNormalization") != 0)
                fail_msg("%s-%d: attributes are gone, and there is no row", all[i].type,
                         version->since);
        }
}

/* ---- models as a whole ---- */

static void expect_refusal(const char *text, int from, int to, const char *part) {
    check_case(&(opset_case){"", "", from, to, text, NULL, part});
}

static void what_an_opset_does_not_have_is_refused(void **state) {
    (void)state;
    expect_refusal("g (float[2] x) => (float[1] y) { y = CumProd (x, x) }", 26, 25, "opset 26");
    expect_refusal("g (bfloat16[2] x) => (bfloat16[2] y) { y = Sin (x) }", 22, 21, "bfloat16");
    expect_refusal("g (float[2] x, int64[2] e) => (float[2] y) { y = Pow (x, e) }", 13, 11,
                   "int64");
    expect_refusal("g (float[2,1,3] x, float[1,3,3] w, float[1,3,1] r) => (float[2,1,1,1] y) { y = "
                   "GRU <layout = 1, hidden_size = 1> (x, w, r) }",
                   14, 13, "layout");
    expect_refusal("g (float[2] z) => (y) { x = Foo (z) y = Sin (x) }", 22, 21, "not known");
    expect_refusal("g (bool c, bfloat16[2] x) => (bfloat16[2] y) { y = If <then_branch = t () => "
                   "(bfloat16[2] a) { a = Sin (x) }, else_branch = e () => (bfloat16[2] b) { b = "
                   "Neg (x) }> (c) }",
                   22, 21, "node \"y\" (If): node \"a\" (Sin)");
}

static void bodies_are_converted(void **state) {
    (void)state;
    check_case(&(opset_case){
        "", "", 18, 12,
        "g (bool c, float[2,3] x) => (float[2,1] y) <int64[1] k = {1}> { y = If <then_branch = t "
        "() => (float[2,1] a) { a = ReduceMean (x, k) }, else_branch = e () => (float[2,1] b) { b "
        "= ReduceSum (x, k) }> (c) }",
        "g (bool c, float[2,3] x) => (float[2,1] y) { y = If <then_branch = t () => (float[2,1] "
        "a) { a = ReduceMean <axes = [1]> (x) }, else_branch = e () => (float[2,1] b) { b = "
        "ReduceSum <axes = [1]> (x) }> (c) }",
        NULL});
}

/* A function of operators that did not change stays; one of others is expanded. */
static void functions_follow(void **state) {
    (void)state;
    const char *same =
        "g (float[2] x) => (float[2] y) { y = local.f (x) }\n"
        "<domain: \"local\", opset_import: [\"\" : 18]> f (a) => (b) { b = Relu (a) }";
    const char *other = "g (float[2] x) => (float[1] y) { y = local.f (x) }\n"
                        "<domain: \"local\", opset_import: [\"\" : 18]> f (a) => (b) { k = "
                        "Constant <value_ints = [0]> () b = ReduceMean (a, k) }";
    c2s_model *model;
    assert_int_equal(convert(&(opset_case){"", "", 18, 14, same, NULL, NULL}, &model), C2S_OK);
    assert_int_equal(model->functions.count, 1);
    assert_int_equal(model->functions.at[0]->opsets.at[0].version, 14);
    c2s_model_destroy(model);
    if (convert(&(opset_case){"", "", 18, 14, other, NULL, NULL}, &model) != C2S_OK)
        fail_msg("%s", c2s_error());
    assert_int_equal(model->functions.count, 0);
    assert_int_equal(model->graph->node_count, 1); /* the axes are an attribute now */
    assert_string_equal(model->graph->last->type, "ReduceMean");
    assert_true(c2s_attr_has(model->graph->last, "axes"));
    check_forms(model->graph, 14, other);
    c2s_model_destroy(model);
    assert_int_equal(convert(&(opset_case){"", "", 13, 21, same, NULL, NULL}, &model), C2S_OK);
    assert_int_equal(model->functions.at[0]->opsets.at[0].version, 21);
    c2s_model_destroy(model);
}

static void ir_version_fits_the_opset(void **state) {
    (void)state;
    const char *text = "g (float[2] x) => (float[2] y) { y = Relu (x) }";
    static const int opsets[][2] = {{7, 3}, {9, 4}, {13, 7}, {17, 8}};
    for (size_t i = 0; i < sizeof opsets / sizeof *opsets; i++) {
        c2s_model *model; /* the text says IR 10 */
        const opset_case c = {"", "", 21, opsets[i][0], text, NULL, NULL};
        assert_int_equal(convert(&c, &model), C2S_OK);
        assert_int_equal(model->ir_version, opsets[i][1]);
        c2s_model_destroy(model);
    }
    c2s_model *model;
    assert_int_equal(convert(&(opset_case){"", "", 13, 23, text, NULL, NULL}, &model), C2S_OK);
    assert_int_equal(model->ir_version, 11);
    c2s_model_destroy(model);
}

/* ---- the job ---- */

static c2s_status optimize(const char *text, int from, const c2s_run_options *options,
                           c2s_model **model, c2s_report **report) {
    *model = model_of_text(from, text);
    return c2s_model_optimize(*model, options, report);
}

static void job_raises_before_and_lowers_after_the_passes(void **state) {
    (void)state;
    const char *silu = "g (float[2,3] x) => (float[2,3] y) { s = Sigmoid (x) y = Mul (x, s) }";
    c2s_model *model;
    c2s_report *report;
    c2s_run_options options = {.passes = "recompose", .opset = 24, .threads = 1};
    assert_int_equal(optimize(silu, 13, &options, &model, &report), C2S_OK);
    assert_string_equal(model->graph->first->type, "Swish");
    assert_int_equal(report->pass_count, 2);
    assert_string_equal(report->passes[0].name, "opset");
    assert_string_equal(report->passes[1].name, "recompose");
    assert_int_equal(report->opset_before, 13);
    assert_int_equal(report->opset_after, 24);
    c2s_report_free(report);
    c2s_model_free(model);

    options.opset = 13;
    assert_int_equal(optimize(silu, 24, &options, &model, &report), C2S_OK);
    assert_string_equal(model->graph->first->type, "Sigmoid");
    assert_string_equal(report->passes[1].name, "opset");
    assert_true(report->passes[1].rewrites > 0 && report->passes[1].error < 1e-6);
    c2s_report_free(report);
    c2s_model_free(model);

    options.opset = 6;
    assert_int_equal(optimize(silu, 13, &options, &model, &report), C2S_ERR_USAGE);
    c2s_model_free(model);
}

static int write_cases(void) {
    for (size_t i = 0; i < CASES; i++) {
        c2s_model *model;
        const opset_case *c = &cases[i];
        c2s_status status = convert(c, &model);
        char *text = status == C2S_OK ? text_of(model) : NULL;
        printf("%s|%s|%d|%d\n%s\n%s\n", c->type, c->row, c->from, c->to, c->before,
               text ? text : c2s_error());
        free(text);
        c2s_model_destroy(model);
    }
    return 0;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_cross_their_change),
        cmocka_unit_test(every_row_has_a_case),
        cmocka_unit_test(what_is_gone_has_a_row),
        cmocka_unit_test(what_an_opset_does_not_have_is_refused),
        cmocka_unit_test(bodies_are_converted),
        cmocka_unit_test(functions_follow),
        cmocka_unit_test(ir_version_fits_the_opset),
        cmocka_unit_test(job_raises_before_and_lowers_after_the_passes),
    };
    if (argc > 1 && strcmp(argv[1], "write") == 0)
        return write_cases();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
