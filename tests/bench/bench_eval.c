/* SPDX-License-Identifier: Apache-2.0 */
/* bench_eval SECONDS MODEL...: how long the plain evaluator takes for each model on random inputs.
 * Prints MODEL <tab> seconds a line; in front, "memcpy" <tab> seconds for 4 MiB into new memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "eval/evaluator.h"
#include "eval/random_inputs.h"
#include "io/text.h"

enum { RUNS_MAX = 1000, RUNS_MIN = 5, COPY_BYTES = 4 << 20, OUTPUTS_MAX = 8 };

/* Of a single thread its own time, so that other programs do not count. */
static double now(void) {
    struct timespec t;
    const char *threads = getenv("OMP_NUM_THREADS");
    const bool single = threads && strcmp(threads, "1") == 0;
    clock_gettime(single ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct work {
    c2s_session *session;
    const c2s_graph *graph;
    c2s_tensor **in;
} work;

static c2s_status run_model(work *w) {
    c2s_tensor *out[OUTPUTS_MAX];
    C2S_TRY(w->session->evaluator->run(w->session, (const c2s_tensor *const *)w->in, out));
    for (unsigned k = 0; k < c2s_graph_output_count(w->graph); k++)
        c2s_tensor_unref(out[k]);
    return C2S_OK;
}

static c2s_status run_copy(work *w) {
    static char from[COPY_BYTES] = {1};
    char *to = c2s_try_alloc_aligned(sizeof from);
    (void)w;
    if (!to)
        return c2s_fail(C2S_ERR_MEMORY, "no memory for a copy");
    memcpy(to, from, sizeof from);
    const char *volatile kept = to;
    free((void *)(uintptr_t)kept);
    return C2S_OK;
}

/* The shortest of all runs: what disturbs can only add. */
static c2s_status measure(c2s_status (*run)(work *w), work *w, double seconds, double *best) {
    const double end = now() + seconds;
    *best = 1e9;
    C2S_TRY(run(w));
    for (int k = 0; k < RUNS_MAX && (k < RUNS_MIN || now() < end); k++) {
        const double start = now();
        C2S_TRY(run(w));
        const double took = now() - start;
        *best = took < *best ? took : *best;
    }
    return C2S_OK;
}

static c2s_status measure_model(const char *path, double seconds, double *best) {
    const c2s_random_options options = {0};
    c2s_model *model;
    C2S_TRY(c2s_text_load(path, &model));
    work w = {.graph = model->graph};
    const unsigned inputs = c2s_graph_input_count(w.graph);
    w.in = c2s_zalloc((inputs + 1) * sizeof *w.in);
    c2s_status status = c2s_graph_infer(model->graph);
    if (status == C2S_OK && c2s_graph_output_count(w.graph) > OUTPUTS_MAX)
        status = c2s_fail(C2S_ERR_UNSUPPORTED, "more than %d outputs", OUTPUTS_MAX);
    if (status == C2S_OK)
        status = c2s_random_inputs(w.graph, &options, w.in);
    if (status == C2S_OK)
        status = c2s_evaluator_reference.open(w.graph, NULL, &w.session);
    if (status == C2S_OK)
        status = measure(run_model, &w, seconds, best);
    c2s_evaluator_reference.close(w.session);
    for (unsigned k = 0; k < inputs; k++)
        c2s_tensor_unref(w.in[k]);
    free(w.in);
    c2s_model_destroy(model);
    return status;
}

int main(int count, char **arguments) {
    double best;
    if (count < 2) {
        fputs("usage: bench_eval SECONDS MODEL...\n", stderr);
        return 2;
    }
    const double seconds = atof(arguments[1]);
    c2s_status status = measure(run_copy, NULL, seconds, &best);
    if (status == C2S_OK)
        printf("memcpy\t%.9f\n", best);
    bool failed = status != C2S_OK;
    for (int k = 2; k < count; k++) {
        if (measure_model(arguments[k], seconds, &best) == C2S_OK) {
            printf("%s\t%.9f\n", arguments[k], best);
        } else {
            fprintf(stderr, "%s\n", c2s_error());
            failed = true;
        }
    }
    return failed;
}
