/* SPDX-License-Identifier: Apache-2.0
 *
 * A comparison as tables, and as JSON.
 */
#ifndef C2S_CLI_COMPARISON_REPORT_H
#define C2S_CLI_COMPARISON_REPORT_H

#include "cli/comparison.h"
#include "cli/conditions.h"

/* `layers` and `conditions` may be NULL. `all`: every layer, else the worst. */
void cli_comparison_print(const cli_comparison *comparison, const cli_layers *layers,
                          const cli_conditions *conditions, double tolerance, bool all);
json_t *cli_comparison_json(const cli_comparison *comparison, const cli_layers *layers,
                            const cli_conditions *conditions, double tolerance);

#endif
