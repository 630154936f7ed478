/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/sample_runs.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/threads.h"
#include "eval/runner.h"

/* Weights of which every thread may have a packed copy, and runs per thread that are worth it. */
#define MOST_BYTES (UINT64_C(128) << 20)
enum { LEAST_RUNS = 4 };

typedef struct pool {
    const c2s_sample_runs *runs;
    c2s_model **copies;    /* of the model, by worker; NULL: the model itself */
    c2s_eval_options eval; /* of one worker */
    c2s_ceiling ceiling;   /* of the calling thread, and so of all */
    size_t next;
    pthread_mutex_t lock; /* for `next`, `read`, `take`, and what follows */
    c2s_status status;
    char error[1024];
} pool;

static void fail(pool *p, c2s_status status) {
    if (p->status == C2S_OK) {
        p->status = status;
        snprintf(p->error, sizeof p->error, "%s", c2s_error());
    }
}

static void release(c2s_tensor **tensors, unsigned count) {
    for (unsigned k = 0; k < count; k++) {
        c2s_tensor_unref(tensors[k]);
        tensors[k] = NULL;
    }
}

/* Under the lock. False: there is nothing more to do. */
static bool start_run(pool *p, size_t *index, c2s_tensor **in) {
    if (p->status != C2S_OK || p->next == p->runs->count)
        return false;
    *index = p->next++;
    c2s_progress(p->runs->what, (double)*index / (double)p->runs->count);
    c2s_status status = p->runs->read(p->runs->user, *index, in);
    if (status != C2S_OK)
        fail(p, status);
    return status == C2S_OK;
}

static void work_off(pool *p, c2s_runner *runner, unsigned inputs, unsigned outputs) {
    c2s_tensor **in = c2s_zalloc((inputs + 1u) * sizeof *in);
    c2s_tensor **out = c2s_zalloc((outputs + 1u) * sizeof *out);
    size_t index = 0;
    pthread_mutex_lock(&p->lock);
    while (start_run(p, &index, in)) {
        pthread_mutex_unlock(&p->lock);
        c2s_status status = c2s_runner_run(runner, (const c2s_tensor *const *)in, out);
        pthread_mutex_lock(&p->lock);
        if (status == C2S_OK)
            status = p->runs->take(p->runs->user, index, in, out);
        if (status != C2S_OK)
            fail(p, status);
        release(in, inputs);
        release(out, outputs);
    }
    pthread_mutex_unlock(&p->lock);
    release(in, inputs);
    free(in);
    free(out);
}

typedef struct worker {
    pool *pool;
    const c2s_graph *graph; /* of its own: two threads may not infer types of the same model */
    pthread_t thread;
    bool started;
} worker;

/* A thread that OpenMP knows nothing of: kernels ask it which of their threads they are on. */
static void *work(void *user) {
    worker *w = user;
    pool *p = w->pool;
    c2s_runner *runner = NULL;
    const unsigned before = c2s_threads_use(p->eval.threads);
    c2s_ceiling_restore(p->ceiling);
    c2s_status status = c2s_runner_open(w->graph, p->runs->evaluator, &p->eval, &runner);
    if (status == C2S_OK) {
        work_off(p, runner, c2s_graph_input_count(w->graph), c2s_graph_output_count(w->graph));
    } else {
        pthread_mutex_lock(&p->lock);
        fail(p, status);
        pthread_mutex_unlock(&p->lock);
    }
    c2s_runner_close(runner);
    c2s_threads_restore(before);
    return NULL;
}

/* The calling thread is one of the workers. Where no thread can be had, the others do its share. */
static void start_workers(pool *p, size_t count) {
    worker *workers = c2s_zalloc(count * sizeof *workers);
    c2s_model **copies = c2s_zalloc(count * sizeof *copies);
    for (size_t k = 0; k < count; k++) {
        copies[k] = k ? c2s_model_copy(p->runs->graph->model) : NULL;
        workers[k] = (worker){.pool = p, .graph = k ? copies[k]->graph : p->runs->graph};
    }
    for (size_t k = 1; k < count; k++)
        workers[k].started = pthread_create(&workers[k].thread, NULL, work, &workers[k]) == 0;
    work(&workers[0]);
    for (size_t k = 1; k < count; k++) {
        if (workers[k].started)
            pthread_join(workers[k].thread, NULL);
        c2s_model_destroy(copies[k]);
    }
    free(copies);
    free(workers);
}

static size_t workers_for(const c2s_sample_runs *runs) {
    uint64_t bytes = 0;
    const c2s_graph *graph = runs->graph;
    for (size_t i = 0; i < graph->initializers.count; i++)
        if (graph->initializers.at[i] && graph->initializers.at[i]->constant)
            bytes += c2s_tensor_size(graph->initializers.at[i]->constant);
    size_t threads = (size_t)c2s_most_threads();
    if (bytes > MOST_BYTES || runs->eval->memory_limit)
        return 1;
    if (threads > runs->count / LEAST_RUNS)
        threads = runs->count / LEAST_RUNS;
    return threads ? threads : 1;
}

c2s_status c2s_sample_runs_do(const c2s_sample_runs *runs) {
    pool p = {.runs = runs, .eval = *runs->eval, .ceiling = c2s_ceiling_lower(0)};
    const unsigned before = c2s_threads_use(runs->eval->threads);
    const size_t workers = workers_for(runs);
    c2s_threads_restore(before);
    if (workers > 1)
        p.eval.threads = 1;
    pthread_mutex_init(&p.lock, NULL);
    start_workers(&p, workers);
    pthread_mutex_destroy(&p.lock);
    return p.status == C2S_OK ? C2S_OK : c2s_fail(p.status, "%s", p.error);
}
