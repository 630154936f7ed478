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

unsigned c2s_threads_set(unsigned threads) {
    unsigned before = (unsigned)omp_get_max_threads();
    if (threads != before)
        omp_set_num_threads((int)threads);
    return before;
}

#else

unsigned c2s_threads_use(unsigned threads) {
    (void)threads;
    return 0;
}

void c2s_threads_restore(unsigned before) {
    (void)before;
}

unsigned c2s_threads_set(unsigned threads) {
    (void)threads;
    return 1;
}

#endif

void c2s_share(size_t count, bool worth, c2s_part *part, const void *context) {
    if (!worth || count < 2 || c2s_most_threads() == 1) {
        if (count > 0)
            part(context, 0, count);
        return;
    }
#pragma omp parallel
    {
        const size_t thread = (size_t)c2s_this_thread(), threads = (size_t)c2s_threads_here();
        const size_t each = count / threads, more = count % threads;
        const size_t from = thread * each + (thread < more ? thread : more);
        const size_t to = from + each + (thread < more ? 1 : 0);
        if (from < to)
            part(context, from, to);
    }
}
