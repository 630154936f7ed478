/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX's own operator cases: each model is loaded, raised, executed by the plain evaluator and by
 * the oneDNN session, and its outputs are compared with the stored ones, within the tolerance that
 * comes with the case. Of random operators type and shape are compared: unit.random has the rest.
 *
 *     test_onnx_cases [PART-OF-NAME]     prints one line per case that does not pass; with an
 *                                        argument every selected case
 *
 * A case that does not pass fails the test, unless it is in the list tests/onnx_cases_open.txt
 * (name, tab, reason); a listed case that passes fails the test too.
 */
#include "onnx_cases.h"
#include "runtime/session.h"

static const c2s_evaluator *evaluator = &c2s_evaluator_reference;
static const char *name_filter;

static void run_case(void *user, void *result) {
    const onnx_case *c = user;
    char file[PATH_MAX];
    case_path(file, "%s/model.onnx", c->path);
    case_run(c, file, evaluator, result);
}

typedef struct tally {
    unsigned passed, random;
} tally;

/* Returns whether the case did what is expected of it. */
static bool judge(onnx_case *c, const char *open, tally *sum) {
    static const char *const words[] = {"pass", "FAIL", "none"};
    case_verdict v = {.outcome = CASE_FAILED};
    const char *ending = case_isolated(run_case, c, &v, sizeof v);
    if (ending[0]) {
        v.outcome = CASE_FAILED;
        snprintf(v.why, sizeof v.why, "%s", ending);
    }
    const bool listed = case_line(open, c->name) != NULL;
    const bool pass = v.outcome == CASE_PASSED;
    sum->passed += pass;
    sum->random += v.is_random;
    if (!pass || name_filter || v.is_random)
        print_message("%s %s%s%s%s\n", words[v.outcome], c->name, v.why[0] ? ": " : "", v.why,
                      v.is_random ? ": random, by type and shape" : "");
    if (pass && listed)
        print_message("%s passes: take it out of the list\n", c->name);
    return pass != listed;
}

static void run_folder(void **state) {
    const char *folder = *state;
    /* Static: the children that run the cases end without freeing them, which is no leak. */
    static onnx_cases cases;
    static char *open;
    tally sum = {0};
    unsigned unexpected = 0;
    cases_list(folder, name_filter, &cases);
    open = case_text(C2S_SOURCE_DIR "/tests/onnx_cases_open.txt");
    assert_non_null(open);
    for (size_t k = 0; k < cases.count; k++)
        unexpected += !judge(&cases.at[k], open, &sum);
    print_message("%s, %s: %u of %zu pass, %u of them random\n", folder, evaluator->name, sum.passed,
                  cases.count, sum.random);
    assert_true(cases.count > 0 || name_filter);
    free(open);
    cases_free(&cases);
    assert_int_equal(unexpected, 0);
}

int main(int argc, char **argv) {
    static const c2s_evaluator *const evaluators[] = {&c2s_evaluator_reference,
                                                      &c2s_evaluator_onednn};
    struct CMUnitTest tests[CASE_FOLDERS];
    int failed = 0;
    name_filter = argc > 1 ? argv[1] : NULL;
    for (unsigned k = 0; k < CASE_FOLDERS; k++)
        tests[k] = (struct CMUnitTest){.name = case_folders[k],
                                       .test_func = run_folder,
                                       .initial_state = (void *)(uintptr_t)case_folders[k]};
    for (size_t e = 0; e < sizeof evaluators / sizeof *evaluators; e++) {
        evaluator = evaluators[e];
        failed += cmocka_run_group_tests_name(evaluator->name, tests, NULL, NULL);
    }
    return failed;
}
