/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics of values over the samples of a feed, all of them in one run per sample. Values are
 * those of the graph itself; what is in bodies of If, Loop and Scan is not observed, nor are
 * constants and values that are no floats: they have no statistics.
 */
#ifndef C2S_MEASURE_RANGES_H
#define C2S_MEASURE_RANGES_H

#include "eval/evaluator.h"
#include "eval/feed.h"
#include "passes/measure/value_stats.h"

typedef struct c2s_ranges c2s_ranges;

typedef struct c2s_ranges_options {
    c2s_eval_options eval;      /* threads, memory; observers are set here */
    size_t samples;             /* at most; 0: all that the feed has. See sample_order.h */
    unsigned bins;              /* of histograms; 0: C2S_HISTOGRAM_BINS */
    const int8_t *channel_axis; /* by value id: C2S_NO_CHANNELS, or the axis by whose indices there
                                   are statistics, too; NULL: for no value */
    /* Where samples that ran before need not run again, and those that run now are kept, now and
     * then and in the end; NULL: nowhere. Statistics of more samples, or values, than are asked for
     * are taken as they are. */
    struct c2s_ranges_cache *cache;
} c2s_ranges_options;

/* `wanted`: by value id; NULL: all. The graph is in topological order with types inferred.
 * `options` may be NULL. Failures name the sample. C2S_ERR_INVALID: the feed has no samples. */
c2s_status c2s_ranges_collect(const c2s_graph *graph, const c2s_feed *feed,
                              const c2s_evaluator *evaluator, const bool *wanted,
                              const c2s_ranges_options *options, c2s_ranges **out);
void c2s_ranges_free(c2s_ranges *ranges); /* NULL is allowed */

/* By the value's name, so that it may be one of a copy of the model. NULL: it was not wanted,
 * cannot be observed, or held no finite number in any sample. */
const c2s_value_stats *c2s_ranges_find(const c2s_ranges *ranges, const c2s_value *value);
size_t c2s_ranges_samples(const c2s_ranges *ranges); /* that were run */

#endif
