/* SPDX-License-Identifier: Apache-2.0
 *
 * What onnx-c2s check expects of a model, as a JSON file: metrics, hits by class, probes of the
 * outputs. The same model and data give the same bytes on the same machine.
 */
#ifndef C2S_CLI_BASELINE_H
#define C2S_CLI_BASELINE_H

#include "cli/probes.h"
#include "eval/class_scores.h"
#include "eval/metric.h"

typedef struct cli_baseline {
    cli_probes probes;
    double value[C2S_METRIC_COUNT];   /* NaN: not known */
    C2S_VEC(c2s_class_count) classes; /* rows and hits by label; none: no labels */
} cli_baseline;

/* Atomically. */
c2s_status cli_baseline_write(const char *path, const cli_baseline *baseline);
/* C2S_ERR_INVALID: it is none. Free also after a failure. */
c2s_status cli_baseline_read(const char *path, cli_baseline *out);
void cli_baseline_free(cli_baseline *baseline);

#endif
