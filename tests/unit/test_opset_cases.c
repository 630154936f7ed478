/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX's operator cases in other opsets. Raised to a newer one, and lowered to an older one where
 * that is not refused, each node obeys the form that the opset gives its operator, and the model,
 * written and read again, gives the outputs that the case stores, within its tolerance.
 *
 *     test_opset_cases [PART-OF-NAME]     also prints each refusal
 */
#include "io/opset.h"
#include "io/save.h"
#include "ops/op_form.h"
#include "onnx_cases.h"

static const char *name_filter;
static char scratch[] = "/tmp/c2s-opset-XXXXXX";

/* How many of a folder's cases at least can be lowered to an opset. */
typedef struct conversion {
    const char *folder;
    int from[2]; /* opsets of the cases */
    int to;
    unsigned least;
} conversion;

static const conversion conversions[] = {
    {"node", {7, 17}, 21, 300},
    {"node", {7, 17}, 28, 300},
    {"node", {18, 28}, 28, 300},
    {"node", {18, 28}, 17, 100},
    {"node", {14, 28}, 13, 100},
    {"node", {10, 28}, 9, 100},
    {"node", {8, 28}, 7, 100},
    {"simple", {1, 17}, 21, 1},
    {"pytorch-operator", {1, 17}, 21, 1},
    {"pytorch-converted", {1, 17}, 21, 1},
    {"pytorch-operator", {1, 28}, 7, 1},
    {"pytorch-converted", {1, 28}, 7, 1},
};

typedef struct job {
    const conversion *conversion;
    const onnx_case *c;
} job;

typedef struct answer {
    case_verdict verdict;
    bool skipped, refused;
} answer;

static c2s_status check_forms(const c2s_graph *graph, int64_t opset) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        c2s_status status = c2s_op_form_check(node, opset);
        if (status != C2S_OK) {
            c2s_note("%s", c2s_node_text(node));
            return status;
        }
        for (unsigned b = 0; c2s_node_body(node, b); b++)
            C2S_TRY(check_forms(c2s_node_body(node, b), opset));
    }
    return C2S_OK;
}

static c2s_status convert(c2s_model *model, int64_t opset, const char *path, bool *refused) {
    C2S_TRY(c2s_model_normalise(model));
    C2S_TRY(c2s_graph_infer(model->graph));
    c2s_status status = c2s_model_convert_opset(model, opset, NULL);
    *refused = status == C2S_ERR_UNSUPPORTED;
    C2S_TRY(status);
    c2s_graph_sweep(model->graph);
    if (c2s_model_opset(model, "") != opset)
        return c2s_fail(C2S_ERR_INVALID, "the opset is %lld",
                        (long long)c2s_model_opset(model, ""));
    C2S_TRY(c2s_model_verify(model));
    C2S_TRY(check_forms(model->graph, opset));
    return c2s_model_save(model, path, NULL);
}

static void run_case(void *user, void *result) {
    const job *j = user;
    answer *a = result;
    char from[PATH_MAX], to[PATH_MAX];
    c2s_model *model = NULL;
    case_path(from, "%s/model.onnx", j->c->path);
    case_path(to, "%s/%s-%d.onnx", scratch, j->c->name, j->conversion->to);
    c2s_status status = c2s_model_load(from, &model);
    const int64_t opset = status == C2S_OK ? c2s_model_opset(model, "") : 0;
    a->skipped =
        status == C2S_OK && (opset < j->conversion->from[0] || opset > j->conversion->from[1]);
    if (a->skipped) {
        c2s_model_destroy(model);
        return;
    }
    if (status == C2S_OK)
        status = convert(model, j->conversion->to, to, &a->refused);
    c2s_model_destroy(model);
    if (status == C2S_OK)
        case_run(j->c, to, &c2s_evaluator_reference, &a->verdict);
    else
        case_fail(&a->verdict);
    if (!getenv("KEEP"))
        unlink(to);
}

static void run_conversion(void **state) {
    const conversion *c = *state;
    static onnx_cases cases; /* static: children end without freeing it */
    static char *open;
    unsigned done = 0, refused = 0, failed = 0;
    cases_list(c->folder, name_filter, &cases);
    open = case_text(C2S_SOURCE_DIR "/tests/onnx_cases_open.txt");
    assert_non_null(open);
    for (size_t k = 0; k < cases.count; k++) {
        job j = {c, &cases.at[k]};
        answer a = {.verdict = {.outcome = CASE_FAILED}};
        if (case_line(open, j.c->name))
            continue;
        const char *ending = case_isolated(run_case, &j, &a, sizeof a);
        const bool wrong = ending[0] || (!a.skipped && a.verdict.outcome != CASE_PASSED &&
                                         (!a.refused || c->to >= c->from[1]));
        failed += wrong;
        refused += a.refused;
        done += !ending[0] && !a.skipped && a.verdict.outcome == CASE_PASSED;
        if (wrong || (name_filter && a.refused))
            print_message("%s %s: %s%s\n", wrong ? "FAIL" : "refused", j.c->name, ending,
                          a.verdict.why);
    }
    print_message("%s, opset %d to %d, in opset %d: %u pass, %u refused, %u fail\n", c->folder,
                  c->from[0], c->from[1], c->to, done, refused, failed);
    free(open);
    cases_free(&cases);
    assert_int_equal(failed, 0);
    assert_true(done >= c->least || name_filter);
}

int main(int argc, char **argv) {
    enum { COUNT = sizeof conversions / sizeof *conversions };
    struct CMUnitTest tests[COUNT];
    static char names[COUNT][64];
    name_filter = argc > 1 ? argv[1] : NULL;
    if (!mkdtemp(scratch))
        return 1;
    for (unsigned k = 0; k < COUNT; k++) {
        const conversion *c = &conversions[k];
        snprintf(names[k], sizeof *names, "%s %d..%d to %d", c->folder, c->from[0], c->from[1],
                 c->to);
        tests[k] = (struct CMUnitTest){
            .name = names[k], .test_func = run_conversion, .initial_state = (void *)(uintptr_t)c};
    }
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (getenv("KEEP"))
        printf("%s\n", scratch);
    else
        rmdir(scratch);
    return failed;
}
