/* SPDX-License-Identifier: Apache-2.0
 *
 * Statistics of values that outlive a run of a pass, and the process. One file belongs to one
 * model, as a job found it, and to one set of data; it holds the statistics of several graphs,
 * since passes change the model before others look at it.
 */
#ifndef C2S_MEASURE_RANGES_CACHE_H
#define C2S_MEASURE_RANGES_CACHE_H

#include "passes/measure/ranges.h"

typedef struct c2s_ranges_cache c2s_ranges_cache;

/* Reads the file, if there is one; `path` NULL: nothing is read or written. `model` and `data` are
 * digests (c2s_graph_digest, feed.h). C2S_ERR_INVALID: it is no such file, or damaged;
 * C2S_ERR_USAGE: it is of another model or other data. */
c2s_status c2s_ranges_cache_open(const char *path, uint64_t model, uint64_t data,
                                 c2s_ranges_cache **out);
void c2s_ranges_cache_close(c2s_ranges_cache *cache); /* NULL is allowed */

/* Fills in what was kept for the graph of that digest; *taken is false if that is nothing, or not
 * all that `ranges` asks for. */
c2s_status c2s_ranges_cache_take(const c2s_ranges_cache *cache, uint64_t graph, c2s_ranges *ranges,
                                 bool *taken);
/* Keeps them, and writes the file: at once, or if the last time is `seconds` ago. Whoever is cut
 * short finds either the old or the new file. */
c2s_status c2s_ranges_cache_keep(c2s_ranges_cache *cache, uint64_t graph, const c2s_ranges *ranges,
                                 double seconds);

#endif
