/* SPDX-License-Identifier: Apache-2.0
 *
 * What is compared where a model ends in Softmax: the numbers in front of it, since behind it those
 * that are sure hide all errors.
 */
#ifndef C2S_PASSES_QUANT_LOGITS_H
#define C2S_PASSES_QUANT_LOGITS_H

#include "ops/op.h"

/* The node before output `k` if it is a Softmax or LogSoftmax; NULL: it is another. */
const c2s_node *c2s_logits_softmax(const c2s_graph *graph, unsigned k);
/* A copy whose outputs are what goes into those. */
c2s_model *c2s_logits_model(const c2s_graph *graph);

#endif
