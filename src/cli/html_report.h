/* SPDX-License-Identifier: Apache-2.0
 *
 * --report: the default job as one HTML file that needs nothing else.
 */
#ifndef C2S_CLI_HTML_REPORT_H
#define C2S_CLI_HTML_REPORT_H

#include "cli/arguments.h"
#include "ir/graph.h"

/* Writes arguments->report atomically; `before` (taken over) and `after` are the model before and
 * after the job, which is not changed. The models are run on --data, or on random inputs; if they
 * cannot be, the report says why. */
c2s_status cli_html_report(const cli_arguments *arguments, c2s_model *before,
                           const c2s_model *after, const c2s_report *report);

#endif
