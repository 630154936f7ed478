/* SPDX-License-Identifier: Apache-2.0
 *
 * The labels of a data set, sample by sample.
 */
#ifndef C2S_CLI_LABELS_H
#define C2S_CLI_LABELS_H

#include "cli/execution.h"

typedef struct cli_labels {
    int64_t *at; /* of all samples, one after the other; NULL: there are none */
    size_t each; /* of one sample */
} cli_labels;

/* The array "labels" of the data, if there is one. C2S_ERR_INVALID: its length is no multiple of
 * the number of samples, or it holds no integers. */
c2s_status cli_labels_open(const cli_inputs *inputs, cli_labels *out);
void cli_labels_free(cli_labels *labels);
/* Those of a sample whose output has so many rows; NULL: there are none that fit. */
const int64_t *cli_labels_of(const cli_labels *labels, size_t index, size_t rows);

#endif
