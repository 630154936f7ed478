/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/budget.h"

#include <math.h>
#include <stdio.h>

bool c2s_budget_is_bound(const c2s_budget *budget) {
    return !isnan(budget->max_drop) || !isnan(budget->min_sqnr_db);
}

bool c2s_budget_holds(const c2s_budget *budget, const c2s_quality_result *q, char *text,
                      size_t size) {
    const double drop = c2s_quality_drop(q);
    const bool noisy = q->sqnr_db < budget->min_sqnr_db;
    if (!noisy && !(drop > budget->max_drop))
        return true;
    if (text && noisy)
        snprintf(text, size, "the SQNR of the outputs is %.1f dB, at least %.1f are wanted",
                 q->sqnr_db, budget->min_sqnr_db);
    else if (text && q->has_metric)
        snprintf(text, size, "the metric is worse by %.4g than %.4g, at most %.4g may be lost", drop,
                 q->metric_first, budget->max_drop);
    else if (text)
        snprintf(text, size, "top-1 drops by %.2f points from %.2f %%, at most %.2f may be lost",
                 drop, q->top1_first, budget->max_drop);
    return false;
}
