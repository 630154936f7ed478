/* SPDX-License-Identifier: Apache-2.0
 *
 * How much the results of models change when noise is added to their inputs.
 */
#ifndef C2S_CLI_NOISE_TEST_H
#define C2S_CLI_NOISE_TEST_H

#include "cli/execution.h"
#include "eval/class_scores.h"
#include "eval/row_scores.h"
#include "eval/tensor_distance.h"

/* Of one model: results with noise against its own without. */
typedef struct cli_noise_response {
    c2s_distance *distance; /* by output */
    c2s_row_scores rows;    /* of output 0 */
} cli_noise_response;

/* Copies of the inputs of sample `index`: to floats `level` times their root mean square times a
 * normal number is added, to nothing else. The same for the same seed and index. */
c2s_status cli_noise_add(const c2s_graph *graph, c2s_tensor *const *in, double level, uint64_t seed,
                         size_t index, c2s_tensor **out);

void cli_noise_response_start(cli_noise_response *r, unsigned outputs);
void cli_noise_response_free(cli_noise_response *r);
c2s_status cli_noise_response_add(cli_noise_response *r, unsigned outputs, c2s_tensor *const *clean,
                                  c2s_tensor *const *noisy);
/* Sets value[NOISE_SQNR] and value[NOISE_AGREEMENT]. */
void cli_noise_response_metrics(const cli_noise_response *r, unsigned outputs,
                                double value[C2S_METRIC_COUNT]);

#endif
