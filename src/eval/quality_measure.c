/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "eval/quality_samples.h"
#include "eval/row_scores.h"
#include "eval/sample_order.h"
#include "eval/sample_runs.h"

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

static c2s_quality_sample *sample_of(const measurement *m, size_t run) {
    return &m->q->samples.at[m->taken[run]];
}

static c2s_status read_run(void *user, size_t run, c2s_tensor **in) {
    const measurement *m = user;
    return c2s_quality_read(m->q, m->graph, sample_of(m, run), in);
}

static c2s_status judge_run(void *user, size_t run, c2s_tensor *const *in,
                            c2s_tensor *const *found) {
    (void)in;
    measurement *m = user;
    const c2s_quality *q = m->q;
    const c2s_quality_sample *s = sample_of(m, run);
    for (unsigned k = 0; k < q->output_count; k++)
        if (c2s_is_float_tensor(s->out[k]))
            c2s_output_power_add(&m->powers[run * q->output_count + k], s->out[k], found[k]);
    if (q->output_count > 0 && c2s_is_float_tensor(s->out[0]) && c2s_is_float_tensor(found[0])) {
        c2s_quality_add_rows(q, s, found[0], &m->tally);
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
