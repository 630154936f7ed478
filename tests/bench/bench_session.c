/* SPDX-License-Identifier: Apache-2.0 */
/* bench_session session|observe THREADS WARM MODEL [DATA|- [NAME=EXTENT...]]: what a session costs,
 * as JSON. A session for WARM is opened and run first, so that libraries and threads are there.
 *
 * session: milliseconds from the file to the first result, elapsed and of processor time; bytes of
 * memory that the process needed at most, with nine further runs, above what WARM needed.
 * observe: milliseconds of processor time a run (the median) without an observer, with one for
 * five values that are evenly spread, with one for all convolutions' results, and with one for all
 * values. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/peak_memory.h"
#include "eval/random_inputs.h"
#include "io/dataset.h"
#include "io/normalise.h"
#include "ir/clone.h"
#include "runtime/session.h"

enum { LATER_RUNS = 9, OBSERVED_RUNS = 31, DIMS_MAX = 8, OUTPUTS_MAX = 256 };

typedef struct subject {
    c2s_model *model;
    c2s_session *session;
    c2s_tensor **in;
} subject;

static double read_clock(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* ---- a model ---- */

static c2s_status load(const char *path, subject *s) {
    C2S_TRY(c2s_model_load(path, &s->model));
    C2S_TRY(c2s_model_normalise(s->model));
    C2S_TRY(c2s_model_inline(s->model, 0));
    return c2s_graph_infer(s->model->graph);
}

static c2s_status get_inputs(subject *s, const char *data, const c2s_random_options *random) {
    s->in = c2s_zalloc((c2s_graph_input_count(s->model->graph) + 1u) * sizeof *s->in);
    if (strcmp(data, "-") == 0)
        return c2s_random_inputs(s->model->graph, random, s->in);
    c2s_dataset *set;
    C2S_TRY(c2s_dataset_open(data, s->model->graph, NULL, &set));
    c2s_status status = c2s_dataset_sample(set, 0, s->in);
    c2s_dataset_close(set);
    return status;
}

static c2s_status run(const subject *s, c2s_session *session) {
    c2s_tensor *out[OUTPUTS_MAX];
    unsigned count = c2s_graph_output_count(s->model->graph);
    if (count > OUTPUTS_MAX)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "more than %d outputs", OUTPUTS_MAX);
    C2S_TRY(session->evaluator->run(session, (const c2s_tensor *const *)s->in, out));
    for (unsigned k = 0; k < count; k++)
        c2s_tensor_unref(out[k]);
    return C2S_OK;
}

static void close_subject(subject *s) {
    c2s_evaluator_onednn.close(s->session);
    for (unsigned k = 0; s->in && k < c2s_graph_input_count(s->model->graph); k++)
        c2s_tensor_unref(s->in[k]);
    free(s->in);
    c2s_model_free(s->model);
}

/* ---- session ---- */

static c2s_status measure_session(const char *path, const char *data,
                                  const c2s_random_options *random, unsigned threads, subject *s,
                                  bool print) {
    const c2s_eval_options options = {.threads = threads};
    const long long before = peak_memory();
    double start = read_clock(CLOCK_MONOTONIC), worked = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    C2S_TRY(load(path, s));
    C2S_TRY(c2s_evaluator_onednn.open(s->model->graph, &options, &s->session));
    const double opened = read_clock(CLOCK_MONOTONIC) - start;
    worked = read_clock(CLOCK_PROCESS_CPUTIME_ID) - worked;
    C2S_TRY(get_inputs(s, data, random));
    start = read_clock(CLOCK_MONOTONIC);
    worked -= read_clock(CLOCK_PROCESS_CPUTIME_ID);
    C2S_TRY(run(s, s->session));
    const double first = read_clock(CLOCK_MONOTONIC) - start;
    worked += read_clock(CLOCK_PROCESS_CPUTIME_ID);
    for (int k = 0; k < LATER_RUNS; k++)
        C2S_TRY(run(s, s->session));
    if (print)
        printf("{\"open_ms\": %.3f, \"first_ms\": %.3f, \"processor_ms\": %.3f, "
               "\"memory_bytes\": %lld}\n",
               opened, first, worked, peak_memory() - before);
    return C2S_OK;
}

/* ---- observe ---- */

typedef enum choice { NOTHING, FIVE, CONVOLUTIONS, ALL, CHOICES } choice;

static bool is_chosen(choice which, const c2s_node *node, unsigned place, unsigned places) {
    return which == ALL ||
           (which == FIVE &&
            (place * 5 + places / 2) / places != ((place + 1) * 5 + places / 2) / places) ||
           (which == CONVOLUTIONS && strcmp(node->type, "Conv") == 0);
}

static c2s_status look(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    (void)value;
    *(size_t *)user += tensor->count;
    return C2S_OK;
}

typedef struct observed {
    c2s_session *session;
    bool *chosen;
    size_t seen; /* elements: what the observer looks at is not nothing */
} observed;

static c2s_status open_observed(const subject *s, choice which, unsigned threads, observed *o) {
    const c2s_graph *graph = s->model->graph;
    bool *chosen = o->chosen = c2s_zalloc(s->model->values.count + 1);
    unsigned place = 0;
    for (const c2s_node *node = graph->first; node; node = node->next, place++)
        if (node->output_count > 0 && node->outputs[0] && !node->outputs[0]->constant)
            chosen[node->outputs[0]->id] = is_chosen(which, node, place, graph->node_count);
    const c2s_eval_options options = {.threads = threads,
                                      .observe = which == NOTHING ? NULL : look,
                                      .observe_user = &o->seen,
                                      .observe_value = chosen};
    C2S_TRY(c2s_evaluator_onednn.open(graph, &options, &o->session));
    return run(s, o->session);
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static c2s_status take_turns(const subject *s, const observed *o, double *median) {
    static double times[CHOICES][OBSERVED_RUNS];
    for (int turn = 0; turn < OBSERVED_RUNS; turn++)
        for (int k = 0; k < CHOICES; k++) {
            const double start = read_clock(CLOCK_PROCESS_CPUTIME_ID);
            C2S_TRY(run(s, o[k].session));
            times[k][turn] = read_clock(CLOCK_PROCESS_CPUTIME_ID) - start;
        }
    for (int k = 0; k < CHOICES; k++) {
        qsort(times[k], OBSERVED_RUNS, sizeof *times[k], by_value);
        median[k] = times[k][OBSERVED_RUNS / 2];
    }
    return C2S_OK;
}

static c2s_status measure_observe(const char *path, const char *data,
                                  const c2s_random_options *random, unsigned threads, subject *s) {
    observed o[CHOICES] = {0};
    double median[CHOICES];
    C2S_TRY(load(path, s));
    c2s_status status = get_inputs(s, data, random);
    for (int k = 0; k < CHOICES && status == C2S_OK; k++)
        status = open_observed(s, (choice)k, threads, &o[k]);
    if (status == C2S_OK)
        status = take_turns(s, o, median);
    for (int k = 0; k < CHOICES; k++) {
        c2s_evaluator_onednn.close(o[k].session);
        free(o[k].chosen);
    }
    if (status == C2S_OK)
        printf("{\"none_ms\": %.4f, \"five_ms\": %.4f, \"convolutions_ms\": %.4f, "
               "\"all_ms\": %.4f}\n",
               median[NOTHING], median[FIVE], median[CONVOLUTIONS], median[ALL]);
    return status;
}

/* ---- arguments ---- */

static c2s_status parse_dims(int count, char **words, c2s_dim_binding *dims) {
    for (int k = 0; k < count; k++) {
        char *sign = strchr(words[k], '=');
        if (!sign || k == DIMS_MAX)
            return c2s_fail(C2S_ERR_USAGE, "\"%s\", expected NAME=EXTENT", words[k]);
        *sign = 0;
        dims[k] = (c2s_dim_binding){words[k], strtoll(sign + 1, NULL, 10)};
    }
    return C2S_OK;
}

int main(int count, char **words) {
    if (count < 5) {
        fputs("usage: bench_session session|observe THREADS WARM MODEL [DATA|- [NAME=EXTENT...]]\n",
              stderr);
        return 2;
    }
    c2s_dim_binding dims[DIMS_MAX];
    const int dim_count = count > 6 ? count - 6 : 0;
    const c2s_random_options plain = {0}, random = {.dims = dims, .dim_count = (unsigned)dim_count};
    const unsigned threads = (unsigned)strtoul(words[2], NULL, 10);
    const char *data = count > 5 ? words[5] : "-";
    subject warm = {0}, s = {0};
    c2s_status status = parse_dims(dim_count, words + 6, dims);
    if (status == C2S_OK)
        status = measure_session(words[3], "-", &plain, threads, &warm, false);
    if (status == C2S_OK)
        status = strcmp(words[1], "observe") == 0
                     ? measure_observe(words[4], data, &random, threads, &s)
                     : measure_session(words[4], data, &random, threads, &s, true);
    if (status != C2S_OK)
        fprintf(stderr, "bench_session: %s\n", c2s_error());
    close_subject(&s);
    close_subject(&warm);
    return status == C2S_OK ? 0 : 1;
}
