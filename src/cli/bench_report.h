/* SPDX-License-Identifier: Apache-2.0
 *
 * What onnx-c2s bench measured, and how it is shown.
 */
#ifndef C2S_CLI_BENCH_REPORT_H
#define C2S_CLI_BENCH_REPORT_H

#include "base/timing.h"
#include "cli/execution.h"

/* Time of a node, or of all nodes of one operator that run in one way. */
typedef struct cli_bench_row {
    const c2s_node *node; /* the first of them */
    const char *kernel;
    unsigned nodes;
    double seconds; /* of one run of the model */
    uint64_t macs, bytes;
} cli_bench_row;

typedef C2S_VEC(cli_bench_row) cli_bench_rows;

typedef struct cli_subject {
    cli_model model;
    double open_seconds, first_seconds;
    c2s_times times, processor;      /* of each run: elapsed, and worked by all threads */
    cli_bench_rows nodes, operators; /* slowest first */
} cli_subject;

/* Fills the rows from the session's profile; `in`: what it ran on. */
void cli_subject_profile(cli_subject *subject, const c2s_tensor *const *in);
void cli_subject_close(cli_subject *subject);

/* Prints one or two subjects; `in`: the first's inputs. */
c2s_status cli_bench_report(const cli_arguments *arguments, cli_subject *subjects, unsigned count,
                            const c2s_tensor *const *in);

#endif
