/* SPDX-License-Identifier: Apache-2.0
 *
 * What `onnx-c2s lint --data` says of the ranges of a quantized model.
 */
#ifndef C2S_CLI_LINT_RANGES_H
#define C2S_CLI_LINT_RANGES_H

#include "cli/arguments.h"
#include "cli/json.h"
#include "passes/quant/range_check.h"

/* Of a normalised model, on the data of the arguments. Free the report also after a failure. */
c2s_status cli_lint_ranges(const cli_arguments *arguments, const c2s_model *model,
                           c2s_range_report *out);
/* A table for people, the worst first; all of them with -v, else those that are poor. */
void cli_lint_ranges_print(const cli_arguments *arguments, c2s_range_report *report);
json_t *cli_lint_ranges_json(const c2s_range_report *report);

#endif
