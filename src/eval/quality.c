/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "eval/quality_samples.h"
#include "eval/sample_order.h"
#include "eval/sample_runs.h"
#include "ir/convert.h"

/* What is kept of the first model's outputs, and of the samples, which may be slow to read. */
#define MOST_OUTPUT_BYTES (UINT64_C(256) << 20)
#define MOST_INPUT_BYTES  (UINT64_C(256) << 20)

double c2s_quality_drop(const c2s_quality_result *result) {
    return result->has_metric ? result->metric_drop : result->top1_first - result->top1;
}

size_t c2s_quality_samples(const c2s_quality *q) {
    return q->samples.count;
}

/* ---- samples ---- */

static void release(c2s_tensor **tensors, unsigned count) {
    for (unsigned k = 0; tensors && k < count; k++)
        c2s_tensor_unref(tensors[k]);
    free(tensors);
}

static uint64_t bytes_of(c2s_tensor *const *tensors, unsigned count) {
    uint64_t bytes = 0;
    for (unsigned k = 0; k < count; k++)
        bytes += tensors[k] ? c2s_tensor_size(tensors[k]) : 0;
    return bytes;
}

static bool has_inputs_of_first(const c2s_quality *q, const c2s_graph *graph) {
    if (c2s_graph_input_count(graph) != q->input_count)
        return false;
    for (unsigned k = 0; k < q->input_count; k++)
        if (strcmp(c2s_graph_input(graph, k)->name, q->input_name[k]) != 0)
            return false;
    return true;
}

c2s_status c2s_quality_read(const c2s_quality *q, const c2s_graph *graph,
                            const c2s_quality_sample *s, c2s_tensor **in) {
    if (s->in && has_inputs_of_first(q, graph)) {
        for (unsigned k = 0; k < q->input_count; k++)
            in[k] = s->in[k] ? c2s_tensor_ref(s->in[k]) : NULL;
        return C2S_OK;
    }
    return q->feed->get(q->feed, graph, s->index, in);
}

/* Keeps the inputs while there is room. */
static void keep_inputs(c2s_quality *q, c2s_quality_sample *s, c2s_tensor *const *in) {
    const uint64_t bytes = bytes_of(in, q->input_count);
    if (q->kept_inputs + bytes > MOST_INPUT_BYTES)
        return;
    q->kept_inputs += bytes;
    s->in = c2s_zalloc((q->input_count + 1) * sizeof *s->in);
    for (unsigned k = 0; k < q->input_count; k++)
        s->in[k] = in[k] ? c2s_tensor_ref(in[k]) : NULL;
}

/* ---- scores ---- */

void c2s_quality_add_rows(const c2s_quality *q, const c2s_quality_sample *s,
                          const c2s_tensor *found, c2s_row_tally *tally) {
    const bool fit = q->labels && q->labels_each == c2s_rows_of(s->out[0]);
    c2s_row_tally_add(tally, s->out[0], found, fit ? q->labels + s->index * q->labels_each : NULL,
                      q->offset);
}

/* ---- opening ---- */

static c2s_status take_labels(c2s_quality *q) {
    const c2s_tensor *labels = q->feed->labels;
    if (!labels || q->feed->count == 0)
        return C2S_OK;
    const size_t count = labels->count;
    if (!c2s_dtype_is_integer(labels->type.dtype) || count % q->feed->count != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "%zu labels of type %s, expected integers, as many for each of %zu samples",
                        count, c2s_dtype_name(labels->type.dtype), q->feed->count);
    q->labels_each = count / q->feed->count;
    q->labels = c2s_alloc_array(count + 1, sizeof *q->labels);
    c2s_load_i64(labels->type.dtype, c2s_tensor_data(labels), 0, count, q->labels);
    return C2S_OK;
}

static size_t hits_of_first(c2s_quality *q, int64_t offset) {
    c2s_row_tally t = {0};
    q->offset = offset;
    for (size_t i = 0; i < q->samples.count; i++)
        c2s_quality_add_rows(q, &q->samples.at[i], q->samples.at[i].out[0], &t);
    return t.hits_first;
}

static void choose_offset(c2s_quality *q) {
    if (!q->labels || q->output_count == 0 || q->samples.count == 0 ||
        !c2s_is_float_tensor(q->samples.at[0].out[0]) || c2s_rows_of(q->samples.at[0].out[0]) == 0)
        return;
    const c2s_type *type = &q->samples.at[0].out[0]->type;
    int64_t most = -1;
    for (size_t i = 0; i < q->labels_each * q->feed->count; i++)
        most = q->labels[i] > most ? q->labels[i] : most;
    const size_t plain = hits_of_first(q, 0);
    const bool shifted = most + 1 < type->dim[type->rank - 1] && hits_of_first(q, 1) > plain;
    q->offset = shifted;
}

c2s_status c2s_quality_use(c2s_quality *q, const c2s_quality_metric *metric,
                           const c2s_graph *first) {
    q->metric = *metric;
    return metric->measure(metric->user, first, &q->metric_first);
}

typedef struct first_run {
    c2s_quality *q;
    const c2s_graph *graph;
    size_t from; /* samples before that have been run */
} first_run;

static c2s_status read_first(void *user, size_t run, c2s_tensor **in) {
    const first_run *f = user;
    return c2s_quality_read(f->q, f->graph, &f->q->samples.at[f->from + run], in);
}

static c2s_status keep_first(void *user, size_t run, c2s_tensor *const *in,
                             c2s_tensor *const *out) {
    const first_run *f = user;
    c2s_quality_sample *s = &f->q->samples.at[f->from + run];
    keep_inputs(f->q, s, in);
    s->out = c2s_zalloc((f->q->output_count + 1) * sizeof *s->out);
    for (unsigned k = 0; k < f->q->output_count; k++)
        s->out[k] = c2s_tensor_ref(out[k]);
    return C2S_OK;
}

/* Runs those of `count` samples, spread over the feed, that are not there yet. */
static c2s_status run_samples(c2s_quality *q, const c2s_graph *first, size_t count) {
    first_run f = {q, first, q->samples.count};
    size_t *taken = c2s_samples_list(q->feed->count, count, &count);
    for (size_t i = f.from; i < count; i++)
        c2s_vec_push(&q->samples, ((c2s_quality_sample){.index = taken[i]}));
    free(taken);
    const c2s_sample_runs runs = {.graph = first,
                                  .evaluator = q->evaluator,
                                  .eval = &q->eval,
                                  .count = count - f.from,
                                  .what = "running the model",
                                  .read = read_first,
                                  .take = keep_first,
                                  .user = &f};
    return c2s_sample_runs_do(&runs);
}

/* One sample tells how many there is room for. */
static c2s_status run_first(c2s_quality *q, const c2s_graph *first, size_t most) {
    size_t count = most && most < q->feed->count ? most : q->feed->count;
    if (count == 0)
        return C2S_OK;
    C2S_TRY(run_samples(q, first, 1));
    const uint64_t room = MOST_OUTPUT_BYTES / (bytes_of(q->samples.at[0].out, q->output_count) + 1);
    if (room < count)
        count = room > 0 ? (size_t)room : 1;
    return run_samples(q, first, count);
}

c2s_status c2s_quality_open(const c2s_graph *first, const c2s_evaluator *evaluator,
                            const c2s_eval_options *eval, const c2s_feed *feed, size_t most,
                            c2s_quality **out) {
    c2s_quality *q = c2s_zalloc(sizeof *q);
    q->evaluator = evaluator;
    q->eval = *eval;
    q->feed = feed;
    q->input_count = c2s_graph_input_count(first);
    q->output_count = c2s_graph_output_count(first);
    q->input_name = c2s_alloc_array(q->input_count + 1u, sizeof *q->input_name);
    for (unsigned k = 0; k < q->input_count; k++)
        q->input_name[k] = c2s_strdup(c2s_graph_input(first, k)->name);
    c2s_status status = take_labels(q);
    if (status == C2S_OK)
        status = run_first(q, first, most);
    if (status == C2S_OK) {
        choose_offset(q);
    } else {
        c2s_quality_close(q);
        q = NULL;
    }
    *out = q;
    return status;
}

c2s_status c2s_quality_renew(const c2s_quality *q, const c2s_graph *first, size_t most,
                             c2s_quality **out) {
    return c2s_quality_open(first, q->evaluator, &q->eval, q->feed, most, out);
}

void c2s_quality_close(c2s_quality *q) {
    if (!q)
        return;
    for (size_t i = 0; i < q->samples.count; i++) {
        release(q->samples.at[i].in, q->input_count);
        release(q->samples.at[i].out, q->output_count);
    }
    c2s_vec_free(&q->samples);
    for (unsigned k = 0; k < q->input_count; k++)
        free(q->input_name[k]);
    free(q->input_name);
    free(q->labels);
    free(q);
}
