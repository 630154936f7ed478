/* SPDX-License-Identifier: Apache-2.0
 *
 * Samples of a job for passes to learn from, and for their results to be judged by.
 */
#ifndef C2S_JOB_FEED_H
#define C2S_JOB_FEED_H

#include "eval/feed.h"
#include "eval/prove.h"

/* The data sets of these paths (io/dataset.h) for the inputs of `graph`, one set after the other.
 * `image`: as c2s_dataset_open has it. At most `samples` of them (0: all), spread evenly
 * (eval/sample_order.h). Labels are those of the array "labels", if all sets have one. Failures
 * name the path. */
c2s_status c2s_feed_open_data(const char *const *paths, unsigned count, const c2s_graph *graph,
                              const char *image, size_t samples, c2s_feed **out);
/* The inputs that a baseline was run on; it must stay alive. */
c2s_feed *c2s_feed_open_baseline(const c2s_baseline *baseline);
void c2s_feed_close(c2s_feed *feed); /* NULL is allowed */

#endif
