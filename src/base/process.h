/* SPDX-License-Identifier: Apache-2.0
 *
 * Running another program and reading what it prints. No shell is involved: arguments arrive as
 * they are.
 */
#ifndef C2S_BASE_PROCESS_H
#define C2S_BASE_PROCESS_H

#include "base/status.h"

/* Runs argv[0] (found through PATH) with nothing on standard input, and waits at most `seconds`;
 * then it and what it started is killed. *out receives the last 64 KB of its standard output, NUL
 * at the end, to be freed; standard error goes where ours does. C2S_ERR_USAGE: it cannot be
 * started. C2S_ERR_IO: it took too long, was killed, or its exit status is not 0. */
c2s_status c2s_process_run(const char *const *argv, double seconds, char **out);

/* Kills the program that runs now, if any; async-signal-safe. */
void c2s_process_kill(void);

#endif
