/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/quality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "eval/output_scores.h"
#include "eval/row_scores.h"
#include "eval/sample_order.h"
#include "eval/sample_runs.h"
#include "ir/convert.h"

/* What is kept of the first model's outputs, and of the samples, which may be slow to read. */
#define MOST_OUTPUT_BYTES (UINT64_C(256) << 20)
#define MOST_INPUT_BYTES  (UINT64_C(256) << 20)

typedef struct sample {
    size_t index;     /* in the feed */
    c2s_tensor **in;  /* NULL: not kept */
    c2s_tensor **out; /* of the first model */
} sample;

struct c2s_quality {
    const c2s_evaluator *evaluator;
    c2s_eval_options eval;
    const c2s_feed *feed;
    unsigned input_count, output_count;
    char **input_name;
    C2S_VEC(sample) samples;
    uint64_t kept_inputs;      /* bytes */
    int64_t *labels;           /* of all samples of the feed; NULL: none */
    size_t labels_each;        /* of one sample */
    int64_t offset;            /* what a label counts more as the index of an element */
    c2s_quality_metric metric; /* `measure` NULL: none */
    double metric_first;
};

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

static c2s_status read_sample(const c2s_quality *q, const c2s_graph *graph, const sample *s,
                              c2s_tensor **in) {
    if (s->in && has_inputs_of_first(q, graph)) {
        for (unsigned k = 0; k < q->input_count; k++)
            in[k] = s->in[k] ? c2s_tensor_ref(s->in[k]) : NULL;
        return C2S_OK;
    }
    return q->feed->get(q->feed, graph, s->index, in);
}

/* Keeps the inputs while there is room. */
static void keep_inputs(c2s_quality *q, sample *s, c2s_tensor *const *in) {
    const uint64_t bytes = bytes_of(in, q->input_count);
    if (q->kept_inputs + bytes > MOST_INPUT_BYTES)
        return;
    q->kept_inputs += bytes;
    s->in = c2s_zalloc((q->input_count + 1) * sizeof *s->in);
    for (unsigned k = 0; k < q->input_count; k++)
        s->in[k] = in[k] ? c2s_tensor_ref(in[k]) : NULL;
}

/* ---- scores ---- */

static void add_rows(const c2s_quality *q, const sample *s, const c2s_tensor *found,
                     c2s_row_tally *tally) {
    const bool fit = q->labels && q->labels_each == c2s_rows_of(s->out[0]);
    c2s_row_tally_add(tally, s->out[0], found, fit ? q->labels + s->index * q->labels_each : NULL,
                      q->offset);
}

/* ---- measuring ---- */

/* Of the samples that are run; powers are kept by sample, so that sums do not depend on the order
 * in which they come. */
typedef struct measurement {
    c2s_quality *q;
    const c2s_graph *graph;
    size_t *taken, count;     /* of the samples */
    c2s_output_power *powers; /* [count, outputs] */
    double *divergence;       /* [count]: sums over rows of output 0 */
    c2s_row_tally tally;
} measurement;

static sample *sample_of(const measurement *m, size_t run) {
    return &m->q->samples.at[m->taken[run]];
}

static c2s_status read_run(void *user, size_t run, c2s_tensor **in) {
    const measurement *m = user;
    return read_sample(m->q, m->graph, sample_of(m, run), in);
}

static c2s_status judge_run(void *user, size_t run, c2s_tensor *const *in,
                            c2s_tensor *const *found) {
    (void)in;
    measurement *m = user;
    const c2s_quality *q = m->q;
    const sample *s = sample_of(m, run);
    for (unsigned k = 0; k < q->output_count; k++)
        if (c2s_is_float_tensor(s->out[k]))
            c2s_output_power_add(&m->powers[run * q->output_count + k], s->out[k], found[k]);
    if (q->output_count > 0 && c2s_is_float_tensor(s->out[0]) && c2s_is_float_tensor(found[0])) {
        add_rows(q, s, found[0], &m->tally);
        c2s_row_scores scores = {0};
        C2S_TRY(c2s_row_scores_add(&scores, s->out[0], found[0]));
        m->divergence[run] = scores.divergence;
    }
    return C2S_OK;
}

/* Mean over rows, whatever the order in which samples came. */
static double mean_divergence(const measurement *m) {
    double sum = 0;
    for (size_t i = 0; i < m->count; i++)
        sum += m->divergence[i];
    return m->tally.rows ? sum / (double)m->tally.rows : (double)NAN;
}

static void sum_powers(const measurement *m, c2s_output_power *sums) {
    const unsigned outputs = m->q->output_count;
    for (size_t i = 0; i < m->count; i++)
        for (unsigned k = 0; k < outputs; k++) {
            const c2s_output_power *p = &m->powers[i * outputs + k];
            sums[k].signal += p->signal;
            sums[k].noise += p->noise;
            sums[k].counts |= p->counts;
        }
}

static c2s_status measure_metric(const c2s_quality *q, const c2s_graph *graph, bool all,
                                 c2s_quality_result *result) {
    result->has_metric = true;
    result->metric = (double)NAN;
    if (all)
        C2S_TRY(q->metric.measure(q->metric.user, graph, &result->metric));
    result->metric_first = q->metric_first;
    result->metric_drop = q->metric_first - result->metric;
    if (q->metric.less)
        result->metric_drop = -result->metric_drop;
    return C2S_OK;
}

static double part_of(double noise, double signal) {
    return noise > 0 ? noise / signal : 0;
}

/* What each sample adds to noise over signal, and to the divergence. */
static void list_parts(const measurement *m, const c2s_output_power *sums, double *noise,
                       double *divergence) {
    const unsigned outputs = m->q->output_count;
    unsigned worst = 0;
    for (unsigned k = 1; k < outputs; k++)
        if (part_of(sums[k].noise, sums[k].signal) > part_of(sums[worst].noise, sums[worst].signal))
            worst = k;
    for (size_t i = 0; i < m->count; i++) {
        noise[i] = outputs ? part_of(m->powers[i * outputs + worst].noise, sums[worst].signal) : 0;
        divergence[i] = m->tally.rows ? m->divergence[i] / (double)m->tally.rows : (double)NAN;
    }
}

/* `noise`: NULL, or as for c2s_quality_measure_each. */
static c2s_status measure(c2s_quality *q, const c2s_graph *graph, size_t samples,
                          c2s_quality_result *result, double *noise, double *divergence) {
    *result = (c2s_quality_result){0};
    if (c2s_graph_output_count(graph) != q->output_count)
        return c2s_fail(C2S_ERR_INVALID, "there are %u outputs, there were %u",
                        c2s_graph_output_count(graph), q->output_count);
    measurement m = {.q = q, .graph = graph};
    m.taken = c2s_samples_list(q->samples.count, samples, &m.count);
    m.powers = c2s_zalloc((m.count * q->output_count + 1) * sizeof *m.powers);
    m.divergence = c2s_zalloc((m.count + 1) * sizeof *m.divergence);
    const c2s_sample_runs runs = {.graph = graph,
                                  .evaluator = q->evaluator,
                                  .eval = &q->eval,
                                  .count = m.count,
                                  .what = "measuring",
                                  .read = read_run,
                                  .take = judge_run,
                                  .user = &m};
    c2s_status status = c2s_sample_runs_do(&runs);
    if (status == C2S_OK) {
        c2s_output_power *sums = c2s_zalloc((q->output_count + 1) * sizeof *sums);
        sum_powers(&m, sums);
        result->samples = m.count;
        c2s_scores_sum_up(sums, q->output_count, &m.tally, result);
        result->divergence = mean_divergence(&m);
        if (noise)
            list_parts(&m, sums, noise, divergence);
        free(sums);
    }
    if (status == C2S_OK && q->metric.measure)
        status = measure_metric(q, graph, samples == 0, result);
    free(m.powers);
    free(m.divergence);
    free(m.taken);
    return status;
}

c2s_status c2s_quality_measure(c2s_quality *q, const c2s_graph *graph, size_t samples,
                               c2s_quality_result *result) {
    return measure(q, graph, samples, result, NULL, NULL);
}

c2s_status c2s_quality_measure_each(c2s_quality *q, const c2s_graph *graph,
                                    c2s_quality_result *result, double *noise, double *divergence) {
    return measure(q, graph, 0, result, noise, divergence);
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
        add_rows(q, &q->samples.at[i], q->samples.at[i].out[0], &t);
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
    return read_sample(f->q, f->graph, &f->q->samples.at[f->from + run], in);
}

static c2s_status keep_first(void *user, size_t run, c2s_tensor *const *in,
                             c2s_tensor *const *out) {
    const first_run *f = user;
    sample *s = &f->q->samples.at[f->from + run];
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
        c2s_vec_push(&q->samples, ((sample){.index = taken[i]}));
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
