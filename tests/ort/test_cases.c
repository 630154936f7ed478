/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX's operator cases in ONNX Runtime. What onnx-c2s makes of a case's model has to give there what
 * the model itself gives, wherever ONNX Runtime runs that; in both our evaluators it has to give what
 * the case stores. Where ONNX Runtime runs only what we made of it, the stored outputs decide.
 *
 *     test_cases [PART-OF-NAME]     also prints what ONNX Runtime says to each case it does not pass
 *
 * With KEEP in the environment the folder of models and results, /tmp/c2s-cases-*, stays.
 */
#define _XOPEN_SOURCE 700 /* nftw */
#include <ftw.h>

#include "eval/compare.h"
#include "observable.h"
#include "runtime/session.h"

enum { ORIGINAL, NORMALISED, DEFAULT_JOB, NEWER, OLDER, RAISED, VARIANTS };
enum { RUNS = 8 };

/* What is made of a model; without passes and opset: normalised. */
static const struct variant {
    const char *passes;
    int64_t opset; /* models of newer ones may be refused */
} variants[VARIANTS] = {
    [DEFAULT_JOB] = {C2S_DEFAULT_PASSES, 0},
    [NEWER] = {"none", 21},
    [OLDER] = {"none", 13},
    [RAISED] = {C2S_DEFAULT_PASSES, 21}, /* then more can be recomposed */
};

/* A variant in ONNX Runtime, with or without the optimizations of its own. */
static const struct run {
    const char *name;
    unsigned variant;
    const char *level;
    unsigned reference; /* the run whose results it has to give */
} runs[RUNS] = {
    {"original", ORIGINAL, "disabled", 0},
    {"original, optimized there", ORIGINAL, "all", 1},
    {"normalised", NORMALISED, "disabled", 0},
    {"default job", DEFAULT_JOB, "disabled", 0},
    {"default job, optimized there", DEFAULT_JOB, "all", 1},
    {"opset 21", NEWER, "disabled", 0},
    {"opset 13", OLDER, "disabled", 0},
    {"default job to opset 21", RAISED, "disabled", 0},
};

typedef struct prepared {
    case_verdict ours;                /* the original in the plain evaluator */
    char refused[VARIANTS][CASE_WHY]; /* why a variant is not there; "": it is */
    case_verdict again[VARIANTS][2];  /* the variant in both evaluators */
    int64_t opset;                    /* of the original */
} prepared;

typedef struct ort_case {
    onnx_case c;
    unsigned id, folder;
    prepared p;
    const char *result[RUNS]; /* "ok" or what run.js says instead; NULL: not run */
} ort_case;

static C2S_VEC(ort_case) all;
static char scratch[] = "/tmp/c2s-cases-XXXXXX";
static char *results;
static const char *name_filter;

/* ---- what onnx-c2s makes of a case ---- */

static c2s_status make_variant(const char *from, unsigned variant, const char *to) {
    c2s_model *model;
    const c2s_run_options options = {
        .passes = variants[variant].passes, .opset = variants[variant].opset, .threads = 1};
    C2S_TRY(c2s_model_load(from, &model));
    c2s_status status = options.passes ? c2s_model_optimize(model, &options, NULL)
                                       : c2s_model_normalise(model);
    if (status == C2S_OK)
        status = c2s_model_save(model, to, NULL);
    c2s_model_free(model);
    return status;
}

/* A line for run.js for each run of the variant. */
static void write_jobs(const ort_case *c, unsigned variant, const char *model,
                       const c2s_graph *graph, const char *set, const case_data *data) {
    char path[PATH_MAX], observed[PATH_MAX], *inputs = NULL;
    size_t size;
    FILE *stream = open_memstream(&inputs, &size);
    case_path(observed, "%s/%u-%u.observed.onnx", scratch, c->id, variant);
    observable_write(model, set, graph, data, observed, stream);
    assert_int_equal(fclose(stream), 0);
    case_path(path, "%s/jobs", scratch);
    FILE *jobs = fopen(path, "a");
    assert_non_null(jobs);
    for (unsigned r = 0; r < RUNS; r++)
        if (runs[r].variant == variant)
            fprintf(jobs, "%u-%u\t%s\t%s\t%s/%u-%u.out%s\n", c->id, r, runs[r].level, observed,
                    scratch, c->id, r, inputs);
    assert_int_equal(fclose(jobs), 0);
    free(inputs);
}

static void prepare(void *user, void *result) {
    const ort_case *c = user;
    prepared *p = result;
    char original[PATH_MAX], set[PATH_MAX], file[PATH_MAX];
    case_data data;
    c2s_model *model;
    case_path(original, "%s/model.onnx", c->c.path);
    case_run(&c->c, original, &c2s_evaluator_reference, &p->ours);
    assert_true(case_set_path(set, c->c.path, 0));
    if (c2s_model_load(original, &model) != C2S_OK ||
        case_load_set(set, model->graph, &data) != C2S_OK)
        fail_msg("%s", c2s_error());
    p->opset = c2s_model_opset(model, "");
    write_jobs(c, ORIGINAL, original, model->graph, set, &data);
    for (unsigned v = ORIGINAL + 1; v < VARIANTS; v++) {
        case_path(file, "%s/%u-%u.onnx", scratch, c->id, v);
        if (make_variant(original, v, file) != C2S_OK) {
            snprintf(p->refused[v], sizeof p->refused[v], "%s", c2s_error());
            continue;
        }
        case_run(&c->c, file, &c2s_evaluator_reference, &p->again[v][0]);
        case_run(&c->c, file, &c2s_evaluator_onednn, &p->again[v][1]);
        write_jobs(c, v, file, model->graph, set, &data);
    }
    case_data_free(&data);
    c2s_model_free(model);
}

static void variants_are_saved(void **state) {
    (void)state;
    unsigned failures = 0;
    for (size_t k = 0; k < all.count; k++) {
        ort_case *c = &all.at[k];
        const char *ending = case_isolated(prepare, c, &c->p, sizeof c->p);
        if (ending[0]) {
            print_error("%s: %s\n", c->c.name, ending);
            failures++;
        }
    }
    assert_int_equal(failures, 0);
}

/* onnx.checker as a third opinion on what is saved. */
static void checker_has_no_new_complaint(void **state) {
    (void)state;
    char path[PATH_MAX], command[3 * PATH_MAX];
    if (system("/usr/bin/python3 -c 'import onnx' 2>/dev/null") != 0) {
        print_message("SKIPPED: python3-onnx is not installed\n");
        skip();
    }
    case_path(path, "%s/saved", scratch);
    FILE *list = fopen(path, "w");
    assert_non_null(list);
    for (size_t k = 0; k < all.count; k++) {
        fprintf(list, "%s\t%s/model.onnx", all.at[k].c.name, all.at[k].c.path);
        for (unsigned v = ORIGINAL + 1; v < VARIANTS; v++)
            if (!all.at[k].p.refused[v][0])
                fprintf(list, "\t%s/%zu-%u.onnx", scratch, k, v);
        fputc('\n', list);
    }
    assert_int_equal(fclose(list), 0);
    snprintf(command, sizeof command, "/usr/bin/python3 '%s/tests/ort/check.py' <'%s'",
             C2S_SOURCE_DIR, path);
    assert_int_equal(system(command), 0);
}

/* ---- what ONNX Runtime gives ---- */

static void onnxruntime_runs(void **state) {
    (void)state;
    char command[3 * PATH_MAX], path[PATH_MAX];
    unsigned crashes = 0;
    snprintf(command, sizeof command, "node '%s/tests/ort/run.js' '%s/jobs' '%s/results'",
             C2S_SOURCE_DIR, scratch, scratch);
    assert_int_equal(system(command), 0);
    case_path(path, "%s/results", scratch);
    results = case_text(path);
    assert_non_null(results);
    for (char *line = strtok(results, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned id, run;
        int length = 0;
        assert_int_equal(sscanf(line, "%u-%u\t%n", &id, &run, &length), 2);
        assert_true(id < all.count && run < RUNS && length > 0);
        all.at[id].result[run] = line + length;
        if (strncmp(line + length, "crash", 5) != 0)
            continue;
        print_message("ONNX Runtime's process ended in %s, %s: %s\n", all.at[id].c.name,
                      runs[run].name, line + length);
        crashes++;
    }
    print_message("%u runs ended ONNX Runtime's process\n", crashes);
}

static bool ran(const ort_case *c, unsigned run) {
    return c->result[run] && strcmp(c->result[run], "ok") == 0;
}

static c2s_tensor *ort_output(const ort_case *c, unsigned run, size_t k) {
    const c2s_type any = c2s_type_tensor(C2S_FLOAT, -1, NULL);
    c2s_tensor *tensor = NULL;
    char path[PATH_MAX];
    case_path(path, "%s/%u-%u.out%zu.pb", scratch, c->id, run, k);
    if (c2s_tensor_load_pb(path, &any, &tensor) != C2S_OK)
        fail_msg("%s", c2s_error());
    return tensor;
}

/* What the case stores, as far as it is seen. */
static void stored_outputs(const ort_case *c, observed_list *list) {
    char path[PATH_MAX];
    c2s_model *model;
    case_data data;
    case_path(path, "%s/model.onnx", c->c.path);
    assert_int_equal(c2s_model_load(path, &model), C2S_OK);
    assert_true(case_set_path(path, c->c.path, 0));
    assert_int_equal(case_load_set(path, model->graph, &data), C2S_OK);
    for (unsigned k = 0; k < c2s_graph_output_count(model->graph); k++)
        observe_value(data.want[k], list);
    case_data_free(&data);
    c2s_model_free(model);
}

/* By the judge that our own results have to pass. */
static bool gives_stored(const ort_case *c, unsigned run, char *why, size_t size) {
    observed_list want = {0};
    bool close = true;
    value_tolerance t = c->c.tolerance;
    t.types_only = c->p.ours.is_random;
    stored_outputs(c, &want);
    for (size_t k = 0; k < want.count && close; k++) {
        c2s_tensor *got = ort_output(c, run, k);
        close = values_close(got, want.at[k], &t, why, size);
        c2s_tensor_unref(got);
    }
    observed_free(&want);
    return close;
}

static bool gives_the_same(const ort_case *c, unsigned run, char *why, size_t size) {
    observed_list want = {0};
    bool same = true;
    stored_outputs(c, &want);
    for (size_t k = 0; k < want.count && same; k++) {
        c2s_difference difference;
        c2s_tensor *a = ort_output(c, runs[run].reference, k), *b = ort_output(c, run, k);
        same = c2s_compare(a, b, -1, &difference) ||
               (c->p.ours.is_random && difference.same_type);
        if (!same && !difference.same_type)
            snprintf(why, size, "output %zu is of another type or shape", k);
        else if (!same)
            snprintf(why, size, "output %zu%s is %.9g, originally %.9g", k, difference.where,
                     difference.found, difference.reference);
        c2s_tensor_unref(a);
        c2s_tensor_unref(b);
    }
    observed_free(&want);
    return same;
}

/* ---- verdicts ---- */

static void our_evaluators_agree(void **state) {
    (void)state;
    unsigned wrong = 0;
    for (size_t k = 0; k < all.count; k++)
        for (unsigned v = ORIGINAL + 1; v < VARIANTS; v++)
            for (unsigned e = 0; e < 2; e++) {
                const ort_case *c = &all.at[k];
                const case_verdict *verdict = &c->p.again[v][e];
                if (c->p.refused[v][0] || verdict->outcome == CASE_PASSED ||
                    c->p.ours.outcome != CASE_PASSED)
                    continue;
                print_message("%s, variant %u, in our %s: %s\n", c->c.name, v,
                              e ? "session" : "evaluator", verdict->why);
                wrong++;
            }
    assert_int_equal(wrong, 0);
}

typedef struct tally {
    unsigned run, agree, more, stored, wrong;
} tally;

static void judge(const ort_case *c, unsigned run, tally *sum) {
    char why[CASE_WHY] = "";
    const bool expected = ran(c, runs[run].reference), found = ran(c, run);
    bool good = true;
    sum->run += expected;
    sum->more += found && !expected;
    if (expected && !found)
        snprintf(why, sizeof why, "%s", c->result[run]);
    else if (expected)
        good = gives_the_same(c, run, why, sizeof why);
    else if (found)
        good = gives_stored(c, run, why, sizeof why);
    sum->agree += good && expected && found;
    sum->stored += good && found && !expected;
    if (why[0]) {
        print_message("%s, %s: %s\n", c->c.name, runs[run].name, why);
        sum->wrong++;
    }
}

static void judge_run(void **state) {
    const unsigned run = (unsigned)((const struct run *)*state - runs);
    tally sum = {0};
    const unsigned variant = runs[run].variant;
    const int64_t opset = variants[variant].opset;
    unsigned refused = 0;
    for (size_t k = 0; k < all.count; k++) {
        const ort_case *c = &all.at[k];
        const char *why = c->p.refused[variant];
        const bool may_refuse = opset && c->p.opset > opset;
        if (!why[0]) {
            judge(c, run, &sum);
            continue;
        }
        refused++;
        sum.wrong += !may_refuse;
        if (!may_refuse || name_filter)
            print_message("%s, %s: not made: %s\n", c->c.name, runs[run].name, why);
    }
    print_message("%s: %u of %u agree; %u others run, %u of them give what is stored; "
                  "%u could not be made\n",
                  runs[run].name, sum.agree, sum.run, sum.more, sum.stored, refused);
    assert_int_equal(sum.wrong, 0);
}

static void count_passed(void **state) {
    (void)state;
    for (unsigned f = 0; f < CASE_FOLDERS; f++) {
        unsigned cases = 0, ours = 0, theirs = 0;
        for (size_t k = 0; k < all.count; k++) {
            const ort_case *c = &all.at[k];
            char why[CASE_WHY] = "";
            if (c->folder != f)
                continue;
            const bool passes = ran(c, 0) && gives_stored(c, 0, why, sizeof why);
            cases++;
            ours += c->p.ours.outcome == CASE_PASSED;
            theirs += passes;
            if (!passes && name_filter)
                print_message("%s in ONNX Runtime: %s\n", c->c.name,
                              ran(c, 0) ? why : c->result[0]);
        }
        print_message("%s: onnx-c2s passes %u, ONNX Runtime %u of %u\n", case_folders[f], ours,
                      theirs, cases);
    }
}

/* ---- the list ---- */

static int collect(void **state) {
    (void)state;
    if (!mkdtemp(scratch))
        return -1;
    for (unsigned f = 0; f < CASE_FOLDERS; f++) {
        onnx_cases cases = {0};
        cases_list(case_folders[f], name_filter, &cases);
        for (size_t k = 0; k < cases.count; k++) {
            const ort_case c = {.c = cases.at[k], .id = (unsigned)all.count, .folder = f};
            c2s_vec_push(&all, c);
        }
        c2s_vec_free(&cases);
    }
    return 0;
}

static int unlink_one(const char *path, const struct stat *info, int type, struct FTW *at) {
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static int clear(void **state) {
    (void)state;
    for (size_t k = 0; k < all.count; k++) {
        free(all.at[k].c.name);
        free(all.at[k].c.path);
    }
    c2s_vec_free(&all);
    free(results);
    return getenv("KEEP") ? 0 : nftw(scratch, unlink_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv) {
    char path[PATH_MAX];
    name_filter = argc > 1 ? argv[1] : NULL;
    if (shared_path(path, sizeof path, "onnx-cases") != 0 ||
        access(C2S_SOURCE_DIR "/tests/ort/node_modules/onnxruntime-node", R_OK) != 0) {
        printf("SKIPPED: %s or onnxruntime-node is not there\n", path);
        return 77;
    }
    struct CMUnitTest tests[RUNS + 8] = {
        cmocka_unit_test(variants_are_saved),
        cmocka_unit_test(our_evaluators_agree),
        cmocka_unit_test(checker_has_no_new_complaint),
        cmocka_unit_test(onnxruntime_runs),
        cmocka_unit_test(count_passed),
    };
    unsigned count = 5;
    for (unsigned r = 0; r < RUNS; r++)
        if (runs[r].reference != r)
            tests[count++] = (struct CMUnitTest){.name = runs[r].name,
                                                 .test_func = judge_run,
                                                 .initial_state = (void *)(uintptr_t)&runs[r]};
    return _cmocka_run_group_tests("cases", tests, count, collect, clear);
}
