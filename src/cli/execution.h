/* SPDX-License-Identifier: Apache-2.0
 *
 * For verbs that run models: a model ready to run, and inputs for it.
 */
#ifndef C2S_CLI_EXECUTION_H
#define C2S_CLI_EXECUTION_H

#include "cli/arguments.h"
#include "eval/evaluator.h"
#include "io/dataset.h"

typedef struct cli_model {
    c2s_model *model; /* normalised, types inferred */
    c2s_session *session;
} cli_model;

c2s_status cli_model_open(const char *path, const cli_arguments *arguments, cli_model *out);
/* The same in steps: first the model alone, from a file or taken over, then the session, with an
 * observer of the values whose flag is set, if `observe` is not NULL. Close also after a failure.
 */
c2s_status cli_model_read(const char *path, cli_model *out);
c2s_status cli_model_take(c2s_model *model, cli_model *out);
c2s_status cli_model_start(cli_model *model, const cli_arguments *arguments, c2s_observer observe,
                           void *user, const bool *values);
void cli_model_close(cli_model *model); /* also of a zeroed one */
/* `out`: one reference per output. A failure names the model. */
c2s_status cli_model_run(const cli_model *model, const c2s_tensor *const *in, c2s_tensor **out);

/* Inputs: the samples of --data, at most --samples of them, or random ones. */
typedef struct cli_inputs {
    const c2s_graph *graph;
    const cli_arguments *arguments;
    c2s_dataset *data; /* NULL: random */
    size_t count;
    unsigned attempt; /* at extents of random inputs that nobody gave */
} cli_inputs;

/* `most`: how many samples if --samples is not given; 0: all of the data, two random ones. */
c2s_status cli_inputs_open(const c2s_graph *graph, const cli_arguments *arguments, size_t most,
                           cli_inputs *out);
void cli_inputs_close(cli_inputs *inputs);
/* Runs the model on sample `index`. `in`: one reference per formal input, or NULL where an
 * initializer serves; to be released also after a failure, and NULL before. Sample 0 of random
 * inputs settles the extents that nobody gave: those on which the model runs. */
c2s_status cli_run_sample(const cli_model *model, cli_inputs *inputs, size_t index, c2s_tensor **in,
                          c2s_tensor **out);

void cli_release(c2s_tensor **tensors, size_t count);

#endif
