/* SPDX-License-Identifier: Apache-2.0
 *
 * Between gram.c, which collects moments, and gram_cache.c, which keeps them.
 */
#ifndef C2S_PASSES_MEASURE_GRAM_KEEP_H
#define C2S_PASSES_MEASURE_GRAM_KEEP_H

#include "passes/measure/gram_cache.h"
#include "passes/measure/gram_sums.h"

/* Fills in `key` of consumers; 0: what it gives is not known, so nothing is kept. */
void c2s_gram_keys(const c2s_graph *graph, const c2s_gram_options *options,
                   c2s_gram_consumer *consumers, size_t count);
/* Are there moments for the key? Then they stay until c2s_gram_cache_release. */
bool c2s_gram_cache_hold(c2s_gram_cache *cache, const c2s_gram_consumer *consumer);
/* Calls `take` with what is held. */
c2s_status c2s_gram_cache_take(const c2s_gram_cache *cache, const c2s_gram_consumer *consumer,
                               const c2s_gram_options *options);
void c2s_gram_cache_release(c2s_gram_cache *cache);
/* Takes over the sums of a consumer that are complete. */
void c2s_gram_cache_keep(c2s_gram_cache *cache, c2s_gram_consumer *consumer);

#endif
