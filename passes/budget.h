/* SPDX-License-Identifier: Apache-2.0
 *
 * What results may lose, measured by c2s_quality against the model as the job found it.
 */
#ifndef C2S_PASSES_BUDGET_H
#define C2S_PASSES_BUDGET_H

#include "eval/quality.h"

typedef struct c2s_budget {
    double max_drop;    /* points of top-1, or of the user's metric; NaN: no bound */
    double min_sqnr_db; /* NaN: no bound */
} c2s_budget;

bool c2s_budget_is_bound(const c2s_budget *budget); /* there is a bound at all */
/* False: `text`, if it is not NULL, says what is beyond which bound. */
bool c2s_budget_holds(const c2s_budget *budget, const c2s_quality_result *result, char *text,
                      size_t size);

#endif
