/* SPDX-License-Identifier: Apache-2.0 */
#include "base/threads.h"

#ifdef _OPENMP
#include <omp.h>

unsigned c2s_threads_use(unsigned threads) {
    unsigned before = (unsigned)omp_get_max_threads(), most = (unsigned)omp_get_num_procs();
    if (threads > 0)
        omp_set_num_threads((int)(threads < most ? threads : most));
    return before;
}

void c2s_threads_restore(unsigned before) {
    omp_set_num_threads((int)before);
}

#else

unsigned c2s_threads_use(unsigned threads) {
    (void)threads;
    return 0;
}

void c2s_threads_restore(unsigned before) {
    (void)before;
}

#endif
