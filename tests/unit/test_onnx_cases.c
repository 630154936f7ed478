/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX's own operator cases: each model is loaded, raised, executed by the plain evaluator and by
 * the oneDNN session, and its outputs are compared with the stored ones.
 *
 *     test_onnx_cases [PART-OF-NAME]     prints one line per case that does not pass; with an
 *                                        argument every selected case
 *
 * A case fails the test if its operators can all be executed, and it is not in the list
 * tests/onnx_cases_open.txt (name, tab, reason); a listed case that passes fails the test too.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/vec.h"
#include "eval/evaluator.h"
#include "io/load.h"
#include "io/load_data.h"
#include "io/normalise.h"
#include "runtime/session.h"
#include "shared.h"
#include "value_compare.h"

static const c2s_evaluator *evaluator = &c2s_evaluator_reference;

enum { SECONDS_PER_CASE = 120, WHY = 512, MAX_VALUES = 64 };

typedef enum outcome { PASSED, FAILED, NOT_SUPPORTED } outcome;

typedef struct verdict {
    outcome outcome;
    char why[WHY];
} verdict;

static const char *const folders[] = {"simple", "pytorch-operator", "pytorch-converted", "node"};

/* ---- one case ---- */

static void __attribute__((format(printf, 2, 3)))
path_of(char path[PATH_MAX], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(path, PATH_MAX, format, arguments);
    va_end(arguments);
    assert_in_range(length, 1, PATH_MAX - 1);
}

static void fail_case(verdict *v) {
    v->outcome = FAILED;
    snprintf(v->why, sizeof v->why, "%s", c2s_error());
}

/* The first operator that cannot be executed, bodies included. */
static const c2s_node *missing_operator(const c2s_graph *graph, bool *is_random) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        if (!node->op->eval)
            return node;
        *is_random |= (node->op->flags & C2S_OP_RANDOM) != 0;
        for (unsigned b = 0; c2s_node_body(node, b); b++) {
            const c2s_node *inner = missing_operator(c2s_node_body(node, b), is_random);
            if (inner)
                return inner;
        }
    }
    return NULL;
}

static c2s_status load_values(const char *folder, const char *kind, unsigned count,
                              c2s_value *(*value)(const c2s_graph *, unsigned),
                              const c2s_graph *graph, c2s_tensor **out) {
    for (unsigned k = 0; k < count; k++) {
        char path[PATH_MAX];
        path_of(path, "%s/%s_%u.pb", folder, kind, k);
        out[k] = NULL;
        if (access(path, R_OK) == 0)
            C2S_TRY(c2s_tensor_load_pb(path, &value(graph, k)->type, &out[k]));
    }
    return C2S_OK;
}

static void release(c2s_tensor **tensors, unsigned count) {
    for (unsigned k = 0; k < count; k++)
        c2s_tensor_unref(tensors[k]);
}

static void compare(c2s_tensor **got, c2s_tensor **want, unsigned count, const value_tolerance *t,
                    verdict *v) {
    char why[WHY / 2];
    for (unsigned k = 0; k < count; k++)
        if (!want[k] || !values_close(got[k], want[k], t, why, sizeof why)) {
            v->outcome = FAILED;
            snprintf(v->why, sizeof v->why, "output %u: %s", k, want[k] ? why : "not stored");
            return;
        }
}

static void run_set(const c2s_graph *graph, const char *folder, const value_tolerance *t,
                    verdict *v) {
    const unsigned inputs = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    const c2s_eval_options options = {.threads = 1};
    c2s_tensor *in[MAX_VALUES] = {NULL}, *want[MAX_VALUES] = {NULL}, *got[MAX_VALUES] = {NULL};
    c2s_session *session = NULL;
    if (inputs > MAX_VALUES || outputs > MAX_VALUES ||
        load_values(folder, "input", inputs, c2s_graph_input, graph, in) != C2S_OK ||
        load_values(folder, "output", outputs, c2s_graph_output, graph, want) != C2S_OK ||
        evaluator->open(graph, &options, &session) != C2S_OK ||
        evaluator->run(session, (const c2s_tensor *const *)in, got) != C2S_OK)
        fail_case(v);
    else
        compare(got, want, outputs, t, v);
    evaluator->close(session);
    release(in, MAX_VALUES);
    release(want, MAX_VALUES);
    release(got, MAX_VALUES);
}

static void run_case(const char *folder, const value_tolerance *tolerance, verdict *v) {
    char path[PATH_MAX];
    c2s_model *model = NULL;
    value_tolerance t = *tolerance;
    const c2s_node *missing = NULL;
    path_of(path, "%s/model.onnx", folder);
    *v = (verdict){.outcome = PASSED};
    if (c2s_model_load(path, &model) != C2S_OK || c2s_model_normalise(model) != C2S_OK ||
        c2s_graph_infer(model->graph) != C2S_OK || c2s_model_verify(model) != C2S_OK) {
        fail_case(v);
    } else if ((missing = missing_operator(model->graph, &t.types_only)) != NULL) {
        v->outcome = NOT_SUPPORTED;
        snprintf(v->why, sizeof v->why, "no %s%s%s", missing->domain, missing->domain[0] ? "." : "",
                 missing->type);
    }
    for (unsigned set = 0; v->outcome == PASSED; set++) {
        path_of(path, "%s/test_data_set_%u", folder, set);
        if (access(path, R_OK) != 0)
            break;
        run_set(model->graph, path, &t, v);
    }
    c2s_model_destroy(model);
}

/* In a process of its own: a crash is a failed case, not the end of the test. */
static void run_isolated(const char *folder, const value_tolerance *tolerance, verdict *v) {
    int channel[2];
    *v = (verdict){.outcome = FAILED};
    assert_int_equal(pipe(channel), 0);
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(SECONDS_PER_CASE);
        run_case(folder, tolerance, v);
        const bool written = write(channel[1], v, sizeof *v) == (ssize_t)sizeof *v;
        exit(written ? 0 : 1);
    }
    close(channel[1]);
    const ssize_t size = read(channel[0], v, sizeof *v);
    close(channel[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (size == (ssize_t)sizeof *v && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    v->outcome = FAILED;
    snprintf(v->why, sizeof v->why, WIFSIGNALED(status) ? "ended by signal %d" : "exit status %d",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* ---- lists ---- */

/* The line of `text` whose first field is `name`: the rest of it, else NULL. */
static const char *find_line(const char *text, const char *name) {
    const size_t length = strlen(name);
    for (const char *line = text; line && *line;) {
        if (strncmp(line, name, length) == 0 && line[length] == '\t')
            return line + length + 1;
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return NULL;
}

static char *read_text(const char *path) {
    void *data = NULL;
    size_t size = 0;
    if (c2s_file_read(path, 1 << 24, &data, &size) != C2S_OK)
        return NULL;
    char *text = realloc(data, size + 1);
    assert_non_null(text);
    text[size] = 0;
    return text;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* ---- all cases ---- */

static const char *name_filter;

typedef struct tally {
    unsigned passed, failed, not_supported, unexpected;
} tally;

static void judge(const char *folder, const char *name, const char *tolerances, const char *open,
                  tally *sum) {
    value_tolerance t = {.relative = 1e-3, .absolute = 1e-7};
    char path[PATH_MAX];
    verdict v;
    const char *line = tolerances ? find_line(tolerances, name) : NULL;
    if (line)
        assert_int_equal(sscanf(line, "%lf\t%lf", &t.relative, &t.absolute), 2);
    path_of(path, "%s/%s", folder, name);
    run_isolated(path, &t, &v);
    const bool listed = find_line(open, name) != NULL;
    sum->passed += v.outcome == PASSED;
    sum->failed += v.outcome == FAILED;
    sum->not_supported += v.outcome == NOT_SUPPORTED;
    if (v.outcome == FAILED && !listed)
        sum->unexpected++;
    if (v.outcome == PASSED && listed) {
        sum->unexpected++;
        print_message("%s passes: take it out of the list\n", name);
    }
    static const char *const words[] = {"pass", "FAIL", "none"};
    if (v.outcome != PASSED || name_filter)
        print_message("%s %s%s%s\n", words[v.outcome], name, v.why[0] ? ": " : "", v.why);
}

static void run_folder(void **state) {
    const char *folder = *state;
    char path[PATH_MAX], relative[64];
    C2S_VEC(char *) names = {0};
    tally sum = {0};
    snprintf(relative, sizeof relative, "onnx-cases/%s", folder);
    shared_need(path, sizeof path, relative);
    char list[PATH_MAX];
    path_of(list, "%s/cases.tsv", path);
    /* Static: the children that run the cases end without freeing them, which is no leak. */
    static char *tolerances, *open;
    tolerances = read_text(list);
    open = read_text(C2S_SOURCE_DIR "/tests/onnx_cases_open.txt");
    assert_non_null(open);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (strncmp(entry->d_name, "test_", 5) == 0 &&
            (!name_filter || strstr(entry->d_name, name_filter)))
            c2s_vec_push(&names, c2s_strdup(entry->d_name));
    closedir(directory);
    if (names.count)
        qsort(names.at, names.count, sizeof *names.at, by_name);
    for (size_t k = 0; k < names.count; k++) {
        judge(path, names.at[k], tolerances, open, &sum);
        free(names.at[k]);
    }
    print_message("%s: %u pass, %u fail, %u have operators that cannot be executed\n", folder,
                  sum.passed, sum.failed, sum.not_supported);
    c2s_vec_free(&names);
    free(tolerances);
    free(open);
    assert_int_equal(sum.unexpected, 0);
}

int main(int argc, char **argv) {
    enum { COUNT = sizeof folders / sizeof folders[0] };
    static const c2s_evaluator *const evaluators[] = {&c2s_evaluator_reference,
                                                      &c2s_evaluator_onednn};
    struct CMUnitTest tests[COUNT];
    int failed = 0;
    name_filter = argc > 1 ? argv[1] : NULL;
    for (unsigned k = 0; k < COUNT; k++)
        tests[k] = (struct CMUnitTest){.name = folders[k],
                                       .test_func = run_folder,
                                       .initial_state = (void *)(uintptr_t)folders[k]};
    for (size_t e = 0; e < sizeof evaluators / sizeof *evaluators; e++) {
        evaluator = evaluators[e];
        failed += cmocka_run_group_tests_name(evaluator->name, tests, NULL, NULL);
    }
    return failed;
}
