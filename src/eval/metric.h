/* SPDX-License-Identifier: Apache-2.0
 *
 * What can be measured of a model, or of a model against another one: the names that tables, JSON,
 * --fail-if and reports use are those of one catalogue, metric_list.h.
 */
#ifndef C2S_EVAL_METRIC_H
#define C2S_EVAL_METRIC_H

#include <stdbool.h>
#include <stddef.h>

typedef enum c2s_metric_id {
#define C2S_METRIC(id, name, unit, better, summary) C2S_METRIC_##id,
#include "eval/metric_list.h"
#undef C2S_METRIC
    C2S_METRIC_COUNT
} c2s_metric_id;

typedef enum c2s_better { C2S_LOWER_IS_BETTER, C2S_HIGHER_IS_BETTER } c2s_better;

typedef struct c2s_metric {
    const char *name, *unit; /* unit "": a plain number */
    c2s_better better;
    const char *summary; /* how it is computed */
} c2s_metric;

extern const c2s_metric c2s_metric_all[C2S_METRIC_COUNT];

/* False: there is no metric of that name. */
bool c2s_metric_find(const char *name, size_t length, c2s_metric_id *out);

/* Measured values, by id; NaN: not measured. Infinite is a value: the SQNR of equal outputs. */
typedef struct c2s_metrics {
    double value[C2S_METRIC_COUNT];     /* of what is judged */
    double reference[C2S_METRIC_COUNT]; /* of the reference, where it has such a value */
} c2s_metrics;

void c2s_metrics_clear(c2s_metrics *metrics);
/* `value` becomes the worse of the two; NaN counts as nothing. */
void c2s_metric_worsen(c2s_metric_id id, double *value, double other);

#endif
