/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timing.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

static double read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double c2s_clock(void) {
    return read_clock(CLOCK_MONOTONIC);
}

double c2s_processor_clock(void) {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double at_rank(const c2s_times *sorted, double rank) {
    if (rank < 0)
        rank = 0;
    size_t k = (size_t)rank;
    return sorted->at[k < sorted->count ? k : sorted->count - 1];
}

double c2s_quantile(c2s_times *values, double part) {
    if (values->count == 0)
        return 0;
    qsort(values->at, values->count, sizeof *values->at, compare);
    return at_rank(values, floor(part * (double)(values->count - 1) + 0.5));
}

c2s_ratio c2s_ratio_of(const c2s_times *a, const c2s_times *b) {
    c2s_times ratios = {0};
    for (size_t i = 0; i < a->count; i++)
        c2s_vec_push(&ratios, b->at[i] / a->at[i]);
    double count = (double)a->count, reach = 1.96 * sqrt(count) / 2;
    c2s_ratio ratio = {.median = c2s_quantile(&ratios, 0.5)};
    ratio.low = at_rank(&ratios, floor(count / 2 - reach));
    ratio.high = at_rank(&ratios, ceil(count / 2 + reach));
    c2s_vec_free(&ratios);
    return ratio;
}
