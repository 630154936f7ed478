/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads of parallel regions; one where the program is built without OpenMP.
 */
#ifndef C2S_RUNTIME_THREADS_H
#define C2S_RUNTIME_THREADS_H

#include <stdint.h>

#ifdef _OPENMP
#include <omp.h>
#endif

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
