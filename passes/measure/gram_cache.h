/* SPDX-License-Identifier: Apache-2.0
 *
 * Moments that are kept from one collection to the next: passes of a pipeline, and passes that run
 * again, ask for the same ones. What a request gives is told by digests of all that is in front of
 * its values, of the samples, and of how rows are taken (c2s_gram_request), so that a weight that
 * has changed gives other moments, and one behind it does not matter.
 */
#ifndef C2S_PASSES_MEASURE_GRAM_CACHE_H
#define C2S_PASSES_MEASURE_GRAM_CACHE_H

#include <stddef.h>
#include <stdint.h>

typedef struct c2s_gram_cache c2s_gram_cache;

/* Holds matrices of so many bytes; those that were not asked for for the longest time go first. 0:
 * 256 MB, or an eighth of what memory there is, if that is less. */
c2s_gram_cache *c2s_gram_cache_create(uint64_t bytes);
void c2s_gram_cache_free(c2s_gram_cache *cache); /* NULL is allowed */

/* How many requests were answered from it, and how many were not. */
typedef struct c2s_gram_cache_counts {
    size_t found, missed;
} c2s_gram_cache_counts;
c2s_gram_cache_counts c2s_gram_cache_count(const c2s_gram_cache *cache); /* NULL: none */

#endif
