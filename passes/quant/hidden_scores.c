/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/hidden_scores.h"

#include <math.h>

#include "ops/op.h"

/* Masks add this at least, or what is less. */
#define MASKED (-1000.0)
/* exp(-16) is less than a step of 16 bits; nobody's scores are farther from each other than that.
 */
#define UNSEEN   16.0
#define FARTHEST 128.0

static bool only_softmax_reads(const c2s_value *value) {
    c2s_value_each_use(use, value) {
        if (use->user->op != &c2s_op_softmax)
            return false;
    }
    return value->use_count > 0;
}

float c2s_hidden_scores_below(const c2s_value *value, const c2s_value_stats *stats) {
    const c2s_histogram *h = &stats->histogram;
    const double middle = (double)stats->min / 2;
    if (!((double)stats->min <= MASKED) || !only_softmax_reads(value))
        return -INFINITY;
    for (unsigned k = 0; k < h->capacity; k++) {
        const double to = fmin(c2s_histogram_edge(h, k + 1), (double)stats->max);
        const double from = fmax(c2s_histogram_edge(h, k), (double)stats->min);
        if (h->bin[k] == 0 || to <= middle)
            continue;
        if (from <= middle) /* no gap */
            return -INFINITY;
        return (float)fmax(from - UNSEEN, (double)stats->max - FARTHEST);
    }
    return -INFINITY;
}
