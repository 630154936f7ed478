/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies behind one tensor: the graph with that value as an input, and nothing that only
 * computed it.
 */
#ifndef C2S_PASSES_QUANT_TRIAL_GRAPH_H
#define C2S_PASSES_QUANT_TRIAL_GRAPH_H

#include "eval/feed.h"

typedef struct c2s_trial_graph {
    c2s_model *model;
    unsigned input; /* index of the value among the inputs */
} c2s_trial_graph;

/* A copy whose outputs are those that errors are measured at: what Softmax and LogSoftmax take
 * where they make an output, since they amplify some errors and hide others. To be destroyed. */
c2s_model *c2s_trial_base(const c2s_graph *graph);
/* The value of that name in the graph itself; NULL: there is none. */
const c2s_value *c2s_trial_find(const c2s_graph *graph, const char *name);

/* `value`: a tensor that nodes of the main graph make or take. Outputs are the same ones. */
c2s_status c2s_trial_graph_open(const c2s_graph *graph, const c2s_value *value,
                                c2s_trial_graph *out);
void c2s_trial_graph_close(c2s_trial_graph *trial);
/* Inputs for a run: `tensor` for the value (which is referenced), those of the sample for the
 * others. *in is to be released and freed. */
c2s_status c2s_trial_graph_inputs(const c2s_trial_graph *trial, const c2s_feed *feed, size_t sample,
                                  const c2s_tensor *tensor, c2s_tensor ***in);

#endif
