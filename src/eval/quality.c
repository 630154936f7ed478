/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/quality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
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
    uint64_t kept_inputs; /* bytes */
    int64_t *labels;      /* of all samples of the feed; NULL: none */
    size_t labels_each;   /* of one sample */
    int64_t offset;       /* what a label counts more as the index of an element */
};

double c2s_quality_drop(const c2s_quality_result *result) {
    return result->top1_first - result->top1;
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

/* Of float outputs: the sums of the signal-to-noise ratio. */
typedef struct power {
    double signal, noise;
    bool counts; /* it is a float output */
} power;

static bool is_float_tensor(const c2s_tensor *t) {
    return c2s_type_is_tensor(&t->type) && c2s_dtype_is_float(t->type.dtype);
}

static bool same_shape(const c2s_tensor *a, const c2s_tensor *b) {
    if (a->type.rank != b->type.rank)
        return false;
    for (int i = 0; i < a->type.rank; i++)
        if (a->type.dim[i] != b->type.dim[i])
            return false;
    return true;
}

enum { CHUNK = 512 };

static size_t count_of(const c2s_tensor *t) {
    size_t count = 0;
    return c2s_type_elements(&t->type, &count) ? count : 0;
}

static void add_power(const c2s_tensor *first, const c2s_tensor *found, power *p) {
    p->counts = true;
    if (!is_float_tensor(found) || !same_shape(first, found)) {
        p->noise = INFINITY;
        return;
    }
    double a[CHUNK], b[CHUNK];
    const size_t count = count_of(first);
    const void *x = c2s_tensor_data(first), *y = c2s_tensor_data(found);
    for (size_t at = 0; at < count; at += CHUNK) {
        const size_t n = count - at < CHUNK ? count - at : CHUNK;
        c2s_load_f64(first->type.dtype, x, at, n, a);
        c2s_load_f64(found->type.dtype, y, at, n, b);
        for (size_t i = 0; i < n; i++) {
            if (a[i] == b[i] || (isnan(a[i]) && isnan(b[i])) || isinf(a[i]))
                b[i] = a[i] = isfinite(a[i]) ? a[i] : 0;
            const double d = a[i] - b[i];
            p->signal += isnan(a[i]) ? 0 : a[i] * a[i];
            p->noise += isnan(d) ? INFINITY : d * d;
        }
    }
}

static double decibels(const power *p) {
    if (p->noise == 0)
        return INFINITY;
    return p->signal > 0 && isfinite(p->noise) ? 10 * log10(p->signal / p->noise) : -INFINITY;
}

/* Rows along the last axis; 0: no such rows. */
static size_t rows_of(const c2s_tensor *t) {
    if (!is_float_tensor(t) || t->type.rank < 1 || t->type.dim[t->type.rank - 1] < 2)
        return 0;
    return count_of(t) / (size_t)t->type.dim[t->type.rank - 1];
}

/* The index of the first largest element of a row. */
static int64_t argmax(const c2s_tensor *t, size_t row) {
    const size_t width = (size_t)t->type.dim[t->type.rank - 1];
    float chunk[CHUNK], best = -INFINITY;
    size_t at_best = 0;
    for (size_t at = 0; at < width; at += CHUNK) {
        const size_t n = width - at < CHUNK ? width - at : CHUNK;
        c2s_load_f32(t->type.dtype, c2s_tensor_data(t), row * width + at, n, chunk);
        for (size_t i = 0; i < n; i++)
            if (chunk[i] > best) {
                best = chunk[i];
                at_best = at + i;
            }
    }
    return (int64_t)at_best;
}

/* Rows of output 0 over the samples. */
typedef struct tally {
    size_t rows, agreeing;
    size_t labelled, hits, hits_first, gained, lost;
} tally;

static void add_rows(const c2s_quality *q, const sample *s, const c2s_tensor *found, tally *t) {
    const c2s_tensor *first = s->out[0];
    const size_t rows = rows_of(first);
    if (rows_of(found) != rows)
        return;
    const int64_t *labels =
        q->labels && q->labels_each == rows ? q->labels + s->index * q->labels_each : NULL;
    for (size_t row = 0; row < rows; row++) {
        const int64_t then = argmax(first, row), now = argmax(found, row);
        t->rows++;
        t->agreeing += then == now;
        if (!labels || labels[row] < 0)
            continue;
        const bool was = then == labels[row] + q->offset, is = now == labels[row] + q->offset;
        t->labelled++;
        t->hits_first += was;
        t->hits += is;
        t->gained += is && !was;
        t->lost += was && !is;
    }
}

static double percent(size_t part, size_t whole) {
    return whole ? 100 * (double)part / (double)whole : (double)NAN;
}

static void sum_up(const power *powers, unsigned outputs, const tally *t,
                   c2s_quality_result *result) {
    result->sqnr_db = INFINITY;
    for (unsigned k = 0; k < outputs; k++)
        if (powers[k].counts)
            result->sqnr_db = fmin(result->sqnr_db, decibels(&powers[k]));
    result->agreement = percent(t->agreeing, t->rows);
    result->top1 = percent(t->hits, t->labelled);
    result->top1_first = percent(t->hits_first, t->labelled);
    const double n = (double)t->labelled, gained = (double)t->gained, lost = (double)t->lost;
    const double variance = gained + lost - (gained - lost) * (gained - lost) / n;
    result->drop_error = t->labelled ? 100 * sqrt(fmax(variance, 0)) / n : (double)NAN;
}

/* ---- measuring ---- */

/* Of the samples that are run; powers are kept by sample, so that sums do not depend on the order
 * in which they come. */
typedef struct measurement {
    c2s_quality *q;
    const c2s_graph *graph;
    size_t count;
    power *powers; /* [count, outputs] */
    tally tally;
} measurement;

static sample *sample_of(const measurement *m, size_t run) {
    return &m->q->samples.at[run * m->q->samples.count / m->count];
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
        if (is_float_tensor(s->out[k]))
            add_power(s->out[k], found[k], &m->powers[run * q->output_count + k]);
    if (q->output_count > 0 && is_float_tensor(s->out[0]) && is_float_tensor(found[0]))
        add_rows(q, s, found[0], &m->tally);
    return C2S_OK;
}

static void sum_powers(const measurement *m, power *sums) {
    const unsigned outputs = m->q->output_count;
    for (size_t i = 0; i < m->count; i++)
        for (unsigned k = 0; k < outputs; k++) {
            const power *p = &m->powers[i * outputs + k];
            sums[k].signal += p->signal;
            sums[k].noise += p->noise;
            sums[k].counts |= p->counts;
        }
}

c2s_status c2s_quality_measure(c2s_quality *q, const c2s_graph *graph, size_t samples,
                               c2s_quality_result *result) {
    *result = (c2s_quality_result){0};
    if (c2s_graph_output_count(graph) != q->output_count)
        return c2s_fail(C2S_ERR_INVALID, "there are %u outputs, there were %u",
                        c2s_graph_output_count(graph), q->output_count);
    measurement m = {.q = q, .graph = graph, .count = q->samples.count};
    if (samples && samples < m.count)
        m.count = samples;
    m.powers = c2s_zalloc((m.count * q->output_count + 1) * sizeof *m.powers);
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
        power *sums = c2s_zalloc((q->output_count + 1) * sizeof *sums);
        sum_powers(&m, sums);
        result->samples = m.count;
        sum_up(sums, q->output_count, &m.tally, result);
        free(sums);
    }
    free(m.powers);
    return status;
}

/* ---- opening ---- */

static c2s_status take_labels(c2s_quality *q) {
    const c2s_tensor *labels = q->feed->labels;
    if (!labels || q->feed->count == 0)
        return C2S_OK;
    const size_t count = count_of(labels);
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
    tally t = {0};
    q->offset = offset;
    for (size_t i = 0; i < q->samples.count; i++)
        add_rows(q, &q->samples.at[i], q->samples.at[i].out[0], &t);
    return t.hits_first;
}

static void choose_offset(c2s_quality *q) {
    if (!q->labels || q->output_count == 0 || q->samples.count == 0 ||
        !is_float_tensor(q->samples.at[0].out[0]) || rows_of(q->samples.at[0].out[0]) == 0)
        return;
    const c2s_type *type = &q->samples.at[0].out[0]->type;
    int64_t most = -1;
    for (size_t i = 0; i < q->labels_each * q->feed->count; i++)
        most = q->labels[i] > most ? q->labels[i] : most;
    const size_t plain = hits_of_first(q, 0);
    const bool shifted = most + 1 < type->dim[type->rank - 1] && hits_of_first(q, 1) > plain;
    q->offset = shifted;
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
    for (size_t i = f.from; i < count; i++)
        c2s_vec_push(&q->samples, ((sample){.index = i * q->feed->count / count}));
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
