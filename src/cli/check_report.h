/* SPDX-License-Identifier: Apache-2.0
 *
 * The result of onnx-c2s check: for people, as JSON, and as JUnit XML and Markdown, which CI
 * systems show.
 */
#ifndef C2S_CLI_CHECK_REPORT_H
#define C2S_CLI_CHECK_REPORT_H

#include "cli/conditions.h"

typedef struct cli_check_result {
    const char *model, *baseline; /* as given */
    size_t samples;
    c2s_metrics metrics; /* reference: what the baseline has */
    cli_conditions conditions;
} cli_check_result;

void cli_check_print(const cli_check_result *result);
c2s_status cli_check_print_json(const cli_check_result *result);
/* To files, atomically. */
c2s_status cli_check_write_junit(const cli_check_result *result, const char *path);
c2s_status cli_check_write_markdown(const cli_check_result *result, const char *path);

#endif
