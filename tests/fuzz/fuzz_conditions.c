/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditions on metrics: whatever is read can be evaluated, and its parts are parts of the text.
 */
#include <stdlib.h>
#include <string.h>

#include "eval/metric_expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = calloc(size + 1, 1);
    c2s_metric_expr *expr;
    memcpy(text, data, size);
    if (c2s_metric_expr_parse(text, &expr) == C2S_OK) {
        c2s_metrics metrics;
        for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++)
            metrics.value[id] = metrics.reference[id] = (double)id - 3;
        for (unsigned k = 0; k < c2s_metric_expr_clauses(expr); k++) {
            bool holds;
            if (c2s_metric_expr_holds(expr, k, &metrics, &holds) != C2S_OK ||
                !strstr(text, c2s_metric_expr_clause(expr, k)))
                abort();
        }
    }
    c2s_metric_expr_free(expr);
    c2s_error_clear();
    free(text);
    return 0;
}
