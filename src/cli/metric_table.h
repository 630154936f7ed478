/* SPDX-License-Identifier: Apache-2.0
 *
 * --list-metrics: the catalogue of eval/metric.h as a table or as JSON, to standard output.
 */
#ifndef C2S_CLI_METRIC_TABLE_H
#define C2S_CLI_METRIC_TABLE_H

#include "cli/arguments.h"

c2s_status cli_list_metrics(const cli_arguments *arguments);

#endif
