/* SPDX-License-Identifier: Apache-2.0
 *
 * How long models take, in turns, so that what else the machine does hits them alike.
 */
#ifndef C2S_CLI_SUBJECT_TIMES_H
#define C2S_CLI_SUBJECT_TIMES_H

#include "cli/bench_report.h"

/* Runs models whose sessions are open, without observers, on sample 0 of the data, or a random one,
 * for the first of them: about a second, at least a few turns. Fills times and processor, and by a
 * further run with profiling nodes and operators. */
c2s_status cli_subjects_time(cli_subject *const *subjects, unsigned count,
                             const cli_arguments *arguments);

#endif
