/* SPDX-License-Identifier: Apache-2.0
 *
 * What onnx-c2s check expects of a model, as a JSON file: metrics, hits by class, probes of the
 * outputs. The same model and data give the same bytes on the same machine.
 */
#ifndef C2S_EVAL_BASELINE_H
#define C2S_EVAL_BASELINE_H

#include <stdio.h>

#include "eval/class_scores.h"
#include "eval/metric.h"
#include "eval/probes.h"

enum { C2S_BASELINE_VERSION = 1 };

typedef struct c2s_baseline {
    c2s_probes probes;
    double value[C2S_METRIC_COUNT];   /* NaN: not known */
    C2S_VEC(c2s_class_count) classes; /* rows and hits by label; none: no labels */
    int label_offset;                 /* c2s_class_scores.known */
} c2s_baseline;

c2s_status c2s_baseline_print(const c2s_baseline *baseline, FILE *stream);
/* The same to a file, atomically. */
c2s_status c2s_baseline_write(const char *path, const c2s_baseline *baseline);
/* C2S_ERR_INVALID: it is none. Free also after a failure. */
c2s_status c2s_baseline_parse(const char *data, size_t size, c2s_baseline *out);
c2s_status c2s_baseline_read(const char *path, c2s_baseline *out);
void c2s_baseline_free(c2s_baseline *baseline);

#endif
