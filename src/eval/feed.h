/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples to run graphs on, wherever they come from: one after the other, so that memory does not
 * grow with their number.
 */
#ifndef C2S_EVAL_FEED_H
#define C2S_EVAL_FEED_H

#include "ir/graph.h"

typedef struct c2s_feed {
    size_t count; /* of samples */
    /* Inputs of sample `index` for this graph, by their names: one reference per formal input
     * (NULL: its initializer serves). Failures name file and input. */
    c2s_status (*get)(const struct c2s_feed *feed, const c2s_graph *graph, size_t index,
                      c2s_tensor **in);
    /* What class each sample, or each position of it, belongs to; below 0: none. Integers, the same
     * number for every sample, one sample after the other. NULL: not known. */
    const c2s_tensor *labels;
    /* Tells data apart; 0: that is not known, nothing learnt from them can be kept in a file. */
    uint64_t digest;
    const size_t *origin; /* which sample of those data each one is; NULL: all of them, in order */
    /* Tells apart which samples of which data these are, for what is learnt within a process; 0:
     * not known. */
    uint64_t selection;
    void *user;
} c2s_feed;

#endif
