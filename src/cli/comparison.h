/* SPDX-License-Identifier: Apache-2.0
 *
 * Two models, or one alone, on the same inputs, sample after sample: what the metrics of
 * eval/metric.h come to. Memory does not depend on the number of samples.
 */
#ifndef C2S_CLI_COMPARISON_H
#define C2S_CLI_COMPARISON_H

#include "cli/execution.h"
#include "cli/layers.h"
#include "eval/class_scores.h"
#include "eval/row_scores.h"

typedef struct cli_compared_output {
    const char *name;
    bool ok;        /* of the same type, and within the tolerance */
    bool same_type; /* kind, element type and shape */
    bool texts;     /* holds elements that are no numbers */
    uint64_t mismatches;
    c2s_distance distance;
    c2s_row_scores rows;
    double value[C2S_METRIC_COUNT]; /* the metrics of this output */
} cli_compared_output;

typedef struct cli_comparison {
    size_t samples;
    unsigned outputs; /* 0 if there is no A */
    cli_compared_output *output;
    c2s_class_scores classes;
    c2s_metrics metrics; /* of all outputs; what models alone have is not among them */
} cli_comparison;

typedef struct cli_comparison_request {
    const cli_model *a; /* NULL: there is nothing to compare with */
    const cli_model *b;
    cli_inputs *inputs; /* opened for A, or else for B */
    double tolerance;   /* 0: by type */
    double noise;  /* what is added to float inputs, relative to their root mean square; 0: none */
    uint64_t seed; /* of the noise */
    int label_offset;   /* c2s_class_scores.known */
    cli_layers *layers; /* for which the models were started; NULL: none */
    /* Sees what B was given (in A's order if there is A) and computed; may be NULL. */
    c2s_status (*take)(void *user, size_t index, c2s_tensor *const *in, c2s_tensor *const *out);
    void *user;
} cli_comparison_request;

/* C2S_ERR_TOLERANCE: the interfaces differ. Free also after a failure. */
c2s_status cli_compare(const cli_comparison_request *request, cli_comparison *out);
void cli_comparison_free(cli_comparison *comparison);

#endif
