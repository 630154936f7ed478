/* SPDX-License-Identifier: Apache-2.0
 *
 * More samples than there are, of models that read integers (tokens, bytes): the beginning of one
 * sample and the rest of another. Floats are mixed instead (joint_fit.h); of integers that says
 * nothing. What a first model makes of such samples is known as well, so there is something to be
 * learnt from them where it is the teacher.
 */
#ifndef C2S_PASSES_MEASURE_SPLICED_FEED_H
#define C2S_PASSES_MEASURE_SPLICED_FEED_H

#include "base/random.h"
#include "eval/feed.h"

typedef struct c2s_spliced_feed {
    const c2s_feed *all;
    c2s_feed feed; /* those of `all` first */
} c2s_spliced_feed;

/* `times` as many samples as `all` has, if the graph has inputs that can be spliced, else as many
 * as that. It must stay where it is while its feed is used. Always the same samples; they have no
 * labels. */
void c2s_spliced_feed_open(const c2s_feed *all, const c2s_graph *graph, size_t times,
                           c2s_spliced_feed *out);

#endif
