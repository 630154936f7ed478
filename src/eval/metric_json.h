/* SPDX-License-Identifier: Apache-2.0 */
#ifndef C2S_EVAL_METRIC_JSON_H
#define C2S_EVAL_METRIC_JSON_H

#include <jansson.h>

#include "eval/metric.h"

/* {"name": value, ...} of what was measured. */
json_t *c2s_metrics_json(const double value[C2S_METRIC_COUNT]);

#endif
