/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX's operator cases in the shared folder: which there are, what they store, how close a result
 * has to be, and running one by an evaluator. */
#ifndef C2S_TESTS_ONNX_CASES_H
#define C2S_TESTS_ONNX_CASES_H

#include <dirent.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/vec.h"
#include "eval/evaluator.h"
#include "io/load.h"
#include "io/load_data.h"
#include "io/normalise.h"
#include "shared.h"
#include "value_compare.h"

enum { CASE_FOLDERS = 4, CASE_SECONDS = 120, CASE_VALUES = 64, CASE_WHY = 512 };

static const char *const case_folders[CASE_FOLDERS] = {"simple", "pytorch-operator",
                                                       "pytorch-converted", "node"};

typedef struct onnx_case {
    char *name;
    char *path; /* its folder */
    value_tolerance tolerance;
} onnx_case;

typedef C2S_VEC(onnx_case) onnx_cases;

static inline void __attribute__((format(printf, 2, 3)))
case_path(char path[PATH_MAX], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(path, PATH_MAX, format, arguments);
    va_end(arguments);
    assert_in_range(length, 1, PATH_MAX - 1);
}

/* ---- lists ---- */

static inline char *case_text(const char *path) {
    void *data = NULL;
    size_t size = 0;
    if (c2s_file_read(path, 1 << 24, &data, &size) != C2S_OK)
        return NULL;
    char *text = realloc(data, size + 1);
    assert_non_null(text);
    text[size] = 0;
    return text;
}

/* The line of `text` whose first field is `name`: the rest of it, else NULL. */
static inline const char *case_line(const char *text, const char *name) {
    const size_t length = strlen(name);
    for (const char *line = text; line && *line;) {
        if (strncmp(line, name, length) == 0 && line[length] == '\t')
            return line + length + 1;
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return NULL;
}

static inline int case_order(const void *a, const void *b) {
    return strcmp(((const onnx_case *)a)->name, ((const onnx_case *)b)->name);
}

/* The cases of shared/onnx-cases/FOLDER whose name contains `filter` (NULL: all), by name. Where
 * the folder has no cases.tsv, ONNX's own tolerance holds for all of them. Skips the test if the
 * folder is not there. */
static inline void cases_list(const char *folder, const char *filter, onnx_cases *cases) {
    char path[PATH_MAX], file[PATH_MAX], relative[64];
    snprintf(relative, sizeof relative, "onnx-cases/%s", folder);
    shared_need(path, sizeof path, relative);
    case_path(file, "%s/cases.tsv", path);
    char *tolerances = case_text(file);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (strncmp(entry->d_name, "test_", 5) != 0 || (filter && !strstr(entry->d_name, filter)))
            continue;
        onnx_case c = {.tolerance = {.relative = 1e-3, .absolute = 1e-7}};
        const char *line = tolerances ? case_line(tolerances, entry->d_name) : NULL;
        if (tolerances && (!line || sscanf(line, "%lf\t%lf", &c.tolerance.relative,
                                           &c.tolerance.absolute) != 2))
            fail_msg("%s has no tolerances for %s", file, entry->d_name);
        case_path(file, "%s/%s", path, entry->d_name);
        c.name = c2s_strdup(entry->d_name);
        c.path = c2s_strdup(file);
        c2s_vec_push(cases, c);
    }
    closedir(directory);
    free(tolerances);
    if (cases->count)
        qsort(cases->at, cases->count, sizeof *cases->at, case_order);
}

static inline void cases_free(onnx_cases *cases) {
    for (size_t k = 0; k < cases->count; k++) {
        free(cases->at[k].name);
        free(cases->at[k].path);
    }
    c2s_vec_free(cases);
}

/* ---- what a case stores ---- */

typedef struct case_data {
    c2s_tensor *in[CASE_VALUES], *want[CASE_VALUES];
} case_data;

static inline void case_data_free(case_data *data) {
    for (unsigned k = 0; k < CASE_VALUES; k++) {
        c2s_tensor_unref(data->in[k]);
        c2s_tensor_unref(data->want[k]);
    }
}

/* True if `folder` (of the case) has the set of that number. */
static inline bool case_set_path(char path[PATH_MAX], const char *folder, unsigned set) {
    case_path(path, "%s/test_data_set_%u", folder, set);
    return access(path, R_OK) == 0;
}

static inline c2s_status case_load_values(const char *set, const char *kind, unsigned count,
                                          c2s_value *(*value)(const c2s_graph *, unsigned),
                                          const c2s_graph *graph, c2s_tensor **out) {
    char path[PATH_MAX];
    for (unsigned k = 0; k < count; k++) {
        case_path(path, "%s/%s_%u.pb", set, kind, k);
        if (access(path, R_OK) == 0)
            C2S_TRY(c2s_tensor_load_pb(path, &value(graph, k)->type, &out[k]));
    }
    case_path(path, "%s/%s_%u.pb", set, kind, count);
    if (access(path, R_OK) == 0)
        return c2s_fail(C2S_ERR_INVALID, "%s is stored, the model has %u", path, count);
    return C2S_OK;
}

/* `graph` is that of the case's own model. Initializers that are inputs need not be stored. */
static inline c2s_status case_load_set(const char *set, const c2s_graph *graph, case_data *data) {
    const unsigned inputs = c2s_graph_input_count(graph), outputs = c2s_graph_output_count(graph);
    memset(data, 0, sizeof *data);
    if (inputs > CASE_VALUES || outputs > CASE_VALUES)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%u inputs, %u outputs", inputs, outputs);
    C2S_TRY(case_load_values(set, "input", inputs, c2s_graph_input, graph, data->in));
    C2S_TRY(case_load_values(set, "output", outputs, c2s_graph_output, graph, data->want));
    for (unsigned k = 0; k < outputs; k++)
        if (!data->want[k])
            return c2s_fail(C2S_ERR_INVALID, "%s: output %u is not stored", set, k);
    return C2S_OK;
}

/* ---- running a case ---- */

typedef enum case_outcome { CASE_PASSED, CASE_FAILED, CASE_NOT_SUPPORTED } case_outcome;

typedef struct case_verdict {
    case_outcome outcome;
    bool is_random; /* judged by types and shapes alone */
    char why[CASE_WHY];
} case_verdict;

static inline void case_fail(case_verdict *v) {
    v->outcome = CASE_FAILED;
    snprintf(v->why, sizeof v->why, "%s", c2s_error());
}

/* The first operator that cannot be executed, bodies included. Sets *is_random if an operator
 * before it draws numbers. */
static inline const c2s_node *case_missing_operator(const c2s_graph *graph, bool *is_random) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        if (!node->op->eval)
            return node;
        *is_random |= c2s_node_is_random(node);
        for (unsigned b = 0; c2s_node_body(node, b); b++) {
            const c2s_node *inner = case_missing_operator(c2s_node_body(node, b), is_random);
            if (inner)
                return inner;
        }
    }
    return NULL;
}

static inline void case_run_set(const c2s_graph *graph, const char *set,
                                const c2s_evaluator *evaluator, const value_tolerance *t,
                                case_verdict *v) {
    const c2s_eval_options options = {.threads = 1};
    case_data data;
    c2s_tensor *got[CASE_VALUES] = {NULL};
    c2s_session *session = NULL;
    char why[CASE_WHY / 2];
    if (case_load_set(set, graph, &data) != C2S_OK ||
        evaluator->open(graph, &options, &session) != C2S_OK ||
        evaluator->run(session, (const c2s_tensor *const *)data.in, got) != C2S_OK)
        case_fail(v);
    for (unsigned k = 0; k < c2s_graph_output_count(graph) && v->outcome == CASE_PASSED; k++)
        if (!values_close(got[k], data.want[k], t, why, sizeof why)) {
            v->outcome = CASE_FAILED;
            snprintf(v->why, sizeof v->why, "output %u: %s", k, why);
        }
    evaluator->close(session);
    case_data_free(&data);
    for (unsigned k = 0; k < CASE_VALUES; k++)
        c2s_tensor_unref(got[k]);
}

/* `file`, the case's own model or one made of it, on all inputs that the case stores. */
static inline void case_run(const onnx_case *c, const char *file, const c2s_evaluator *evaluator,
                            case_verdict *v) {
    char set[PATH_MAX];
    c2s_model *model = NULL;
    value_tolerance t = c->tolerance;
    const c2s_node *missing = NULL;
    unsigned sets = 0;
    *v = (case_verdict){.outcome = CASE_PASSED};
    if (c2s_model_load(file, &model) != C2S_OK || c2s_model_normalise(model) != C2S_OK ||
        c2s_graph_infer(model->graph) != C2S_OK || c2s_model_verify(model) != C2S_OK) {
        case_fail(v);
    } else if ((missing = case_missing_operator(model->graph, &t.types_only)) != NULL) {
        v->outcome = CASE_NOT_SUPPORTED;
        snprintf(v->why, sizeof v->why, "no %s%s%s", missing->domain, missing->domain[0] ? "." : "",
                 missing->type);
    }
    v->is_random = t.types_only;
    for (; v->outcome == CASE_PASSED && case_set_path(set, c->path, sets); sets++)
        case_run_set(model->graph, set, evaluator, &t, v);
    if (v->outcome == CASE_PASSED && sets == 0) {
        v->outcome = CASE_FAILED;
        snprintf(v->why, sizeof v->why, "no inputs are stored");
    }
    c2s_model_destroy(model);
}

/* Calls `work` in a process of its own and copies *result, `size` bytes, back: a crash is a failed
 * case, not the end of the test. Returns "" or how the process ended. */
static inline const char *case_isolated(void (*work)(void *user, void *result), void *user,
                                        void *result, size_t size) {
    static char ending[64];
    int channel[2];
    assert_int_equal(pipe(channel), 0);
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(CASE_SECONDS);
        work(user, result);
        const bool written = write(channel[1], result, size) == (ssize_t)size;
        exit(written ? 0 : 1);
    }
    close(channel[1]);
    size_t got = 0;
    for (ssize_t part; got < size && (part = read(channel[0], (char *)result + got, size - got)) > 0;)
        got += (size_t)part;
    close(channel[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (got == size && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return "";
    snprintf(ending, sizeof ending, WIFSIGNALED(status) ? "ended by signal %d" : "exit status %d",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return ending;
}

#endif
