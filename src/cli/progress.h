/* SPDX-License-Identifier: Apache-2.0
 *
 * What long work says while it runs: log lines on standard error, and on a terminal a bar with the
 * time that is left.
 */
#ifndef C2S_CLI_PROGRESS_H
#define C2S_CLI_PROGRESS_H

#include "base/log.h"
#include "cli/arguments.h"

typedef struct cli_progress {
    c2s_log_sink sink;
    bool terminal, shown;
    char what[64];
    double started, drawn; /* seconds */
} cli_progress;

/* Becomes the thread's sink until cli_progress_end. */
void cli_progress_start(cli_progress *progress, const cli_arguments *arguments);
void cli_progress_end(cli_progress *progress);

#endif
