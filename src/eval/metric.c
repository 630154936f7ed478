/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/metric.h"

#include <math.h>
#include <string.h>

#define LOWER  C2S_LOWER_IS_BETTER
#define HIGHER C2S_HIGHER_IS_BETTER
const c2s_metric c2s_metric_all[C2S_METRIC_COUNT] = {
#define C2S_METRIC(id, name, unit, better, summary)                                                \
    [C2S_METRIC_##id] = {name, unit, better, summary},
#include "eval/metric_list.h"
#undef C2S_METRIC
};

bool c2s_metric_find(const char *name, size_t length, c2s_metric_id *out) {
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++)
        if (strlen(c2s_metric_all[id].name) == length &&
            memcmp(c2s_metric_all[id].name, name, length) == 0) {
            *out = (c2s_metric_id)id;
            return true;
        }
    return false;
}

void c2s_metrics_clear(c2s_metrics *metrics) {
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++)
        metrics->value[id] = metrics->reference[id] = (double)NAN;
}

void c2s_metric_worsen(c2s_metric_id id, double *value, double other) {
    const bool higher = c2s_metric_all[id].better == C2S_HIGHER_IS_BETTER;
    *value = higher ? fmin(*value, other) : fmax(*value, other);
}
