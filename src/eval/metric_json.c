/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/metric_json.h"

#include <math.h>

#include "base/json_values.h"

json_t *c2s_metrics_json(const double value[C2S_METRIC_COUNT]) {
    json_t *json = json_object();
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++)
        if (!isnan(value[id]))
            json_object_set_new(json, c2s_metric_all[id].name, c2s_json_value(value[id]));
    return json;
}
