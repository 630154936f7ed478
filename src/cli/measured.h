/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics that models have without being compared: what can be counted, how long a run takes, what
 * a command of the user's says.
 */
#ifndef C2S_CLI_MEASURED_H
#define C2S_CLI_MEASURED_H

#include "cli/execution.h"
#include "cli/json.h"
#include "eval/metric.h"

void cli_metrics_take_counts(const c2s_counts *counts, double value[C2S_METRIC_COUNT]);
/* Bytes, nodes, ... of the file. */
c2s_status cli_metrics_count(const char *path, double value[C2S_METRIC_COUNT]);
/* Latency and processor time of B and, unless it is NULL, of A, in turns on sample 0 of inputs that
 * were opened for A, or else for B. */
c2s_status cli_metrics_time(const char *a, const char *b, const cli_arguments *arguments,
                            c2s_metrics *metrics);
/* --metric-cmd, if it is given, of B and, unless it is NULL, of A. */
c2s_status cli_metrics_command(const char *a, const char *b, const cli_arguments *arguments,
                               c2s_metrics *metrics);
/* metric_drop and its like from the values, where a reference is known. */
void cli_metrics_drops(const cli_arguments *arguments, c2s_metrics *metrics);

/* "31.2 dB", "12 points", "inf dB"; "-": not measured. */
const char *cli_metric_text(c2s_metric_id id, double value, char *text, size_t size);
/* {"name": {"value", "reference", "unit"}, ...}. */
json_t *cli_metrics_json_pairs(const c2s_metrics *metrics);

#endif
