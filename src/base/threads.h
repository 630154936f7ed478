/* SPDX-License-Identifier: Apache-2.0
 *
 * How many threads parallel loops take: ours and oneDNN's, which share OpenMP's threads.
 */
#ifndef C2S_BASE_THREADS_H
#define C2S_BASE_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef _OPENMP
#include <omp.h>
#endif

/* For the parallel regions that the calling thread starts from now on: so many threads, but not
 * more than there are processors, since they would only wait for each other. 0: leaves the number
 * as it is. Returns the number before, for c2s_threads_restore. */
unsigned c2s_threads_use(unsigned threads);
void c2s_threads_restore(unsigned before);
/* The same for a number that this has settled already, and cheap: some nanoseconds. */
unsigned c2s_threads_set(unsigned threads);

/* Calls part(context, from, to) for ranges that together are 0 to count, each on a thread of its
 * own; unless it is `worth` that, once for all. (A parallel region costs half a microsecond even
 * where it has one thread: small loops must not have any.) */
typedef void c2s_part(const void *context, size_t from, size_t to);
void c2s_share(size_t count, bool worth, c2s_part *part, const void *context);

/* How many the next region has at most. One where the program is built without OpenMP. */
static inline int64_t c2s_most_threads(void) {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

/* Inside a parallel region. */
static inline int64_t c2s_this_thread(void) {
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

static inline int64_t c2s_threads_here(void) {
#ifdef _OPENMP
    return omp_get_num_threads();
#else
    return 1;
#endif
}

#endif
