/* SPDX-License-Identifier: Apache-2.0
 *
 * How good a changed model still is: held against what the first one computed on the same samples,
 * and against labels, if there are any. This is what lossy passes are judged by.
 */
#ifndef C2S_EVAL_QUALITY_H
#define C2S_EVAL_QUALITY_H

#include "eval/evaluator.h"
#include "eval/feed.h"

typedef struct c2s_quality_result {
    size_t samples;
    /* 10 log10(sum first^2 / sum difference^2) over the elements of an output in all samples, of
     * the float output where it is least; infinite if all are equal, minus infinity if an element
     * became NaN or infinite, or an output changed its shape. */
    double sqnr_db;
    /* Per cent of the rows (along the last axis) of output 0 that have their largest element where
     * they had it. NaN: output 0 has no rows of two or more floats. */
    double agreement;
    /* What the rows say about classes, probabilities or the logarithms of such: the mean over rows
     * of the Kullback-Leibler divergence from the first model, in nats. Infinite if an element
     * became NaN or infinite. NaN: there are no such rows. */
    double divergence;
    /* Per cent of the labelled rows whose largest element is at the label: now, and with the first
     * model. NaN: there are no labels that fit the rows. */
    double top1, top1_first;
    /* One standard error of top1_first - top1: the rows that were gained and those that were lost
     * are counted, the others say nothing about the difference (McNemar 1947). */
    double drop_error;
    /* With a metric of the user's (c2s_quality_use): now, of the first model, and how much worse it
     * is now; NaN where not all samples were asked for. */
    bool has_metric;
    double metric, metric_first, metric_drop;
} c2s_quality_result;

/* How much worse the user's metric is, or else the points of top-1 that were lost; below 0: gained.
 * NaN: there is no metric, and no labels. */
double c2s_quality_drop(const c2s_quality_result *result);

typedef struct c2s_quality c2s_quality;

/* Runs `first` on at most `most` samples of the feed, spread evenly over it (0: all), and keeps its
 * outputs, fewer if they took more than 256 MB. The feed must stay alive. If output rows have one
 * element more than there are classes, as those of ImageNet models whose class 0 is the background,
 * labels count from 1 if that suits the first model better. Fails if the model does not run. */
c2s_status c2s_quality_open(const c2s_graph *first, const c2s_evaluator *evaluator,
                            const c2s_eval_options *eval, const c2s_feed *feed, size_t most,
                            c2s_quality **out);
/* Another one, whose first model is this graph, on at most `most` of the same samples. */
c2s_status c2s_quality_renew(const c2s_quality *quality, const c2s_graph *first, size_t most,
                             c2s_quality **out);
void c2s_quality_close(c2s_quality *quality); /* NULL is allowed */

/* What else a model is good for. It takes its time: it is asked for where all samples are. */
typedef struct c2s_quality_metric {
    c2s_status (*measure)(void *user, const c2s_graph *graph, double *out);
    void *user;
    bool less; /* a smaller number is better */
} c2s_quality_metric;

/* From now on measurements include the metric, and `first` is measured. Fails as `measure` does. */
c2s_status c2s_quality_use(c2s_quality *quality, const c2s_quality_metric *metric,
                           const c2s_graph *first);
size_t c2s_quality_samples(const c2s_quality *quality);

/* Runs `graph`, which has the interface of the first one, on `samples` of these (0: all), spread
 * evenly. Fails if it does not run. */
c2s_status c2s_quality_measure(c2s_quality *quality, const c2s_graph *graph, size_t samples,
                               c2s_quality_result *result);

/* All samples, and what each of them adds: noise[c2s_quality_samples] to the noise over the signal,
 * 10^(-sqnr_db / 10), of the output where that is most, and divergence[c2s_quality_samples] to the
 * divergence, NaN as this is. */
c2s_status c2s_quality_measure_each(c2s_quality *quality, const c2s_graph *graph,
                                    c2s_quality_result *result, double *noise, double *divergence);

#endif
