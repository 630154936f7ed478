/* SPDX-License-Identifier: Apache-2.0
 *
 * Random inputs as samples, for who has no data: better than nothing where shapes matter, hardly
 * where numbers do. Whoever learns from them says so.
 */
#ifndef C2S_EVAL_RANDOM_FEED_H
#define C2S_EVAL_RANDOM_FEED_H

#include "eval/evaluator.h"
#include "eval/feed.h"

enum { C2S_RANDOM_FEED_SAMPLES = 16 };

/* C2S_RANDOM_FEED_SAMPLES samples of that seed, for this graph alone, with extents on which it
 * runs. Fails as c2s_random_inputs does, or as the run on the first one does. */
c2s_status c2s_random_feed_open(const c2s_graph *graph, const c2s_evaluator *evaluator,
                                const c2s_eval_options *eval, uint64_t seed, c2s_feed **out);
void c2s_random_feed_close(c2s_feed *feed); /* NULL is allowed */

#endif
