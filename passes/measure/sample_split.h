/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples in two parts: what was fitted to some of them is judged by the others.
 */
#ifndef C2S_PASSES_MEASURE_SAMPLE_SPLIT_H
#define C2S_PASSES_MEASURE_SAMPLE_SPLIT_H

#include "eval/feed.h"

typedef struct c2s_sample_split {
    const c2s_feed *all;
    c2s_feed learn, judge; /* every fourth is for judging; fewer than 8 samples serve both */
    size_t every;
    bool whole;
} c2s_sample_split;

/* The split must stay where it is while its feeds are used. Their samples have no labels. */
void c2s_sample_split_open(const c2s_feed *all, c2s_sample_split *out);

/* From now on only every 16th is for judging, if there are 32 or more: enough to see that learning
 * goes wrong. */
void c2s_sample_split_narrow(c2s_sample_split *split);

/* From now on all are for learning. */
void c2s_sample_split_join(c2s_sample_split *split);

#endif
