/* SPDX-License-Identifier: Apache-2.0
 *
 * Deciding for whole groups of constant nodes whether folding them enlarges the model. A weight cut
 * into slices that are put together in another order grows with every single slice and not at all
 * in the end.
 */
#ifndef C2S_PASSES_FOLD_GROUPS_H
#define C2S_PASSES_FOLD_GROUPS_H

#include "passes/cleanup/cleanup.h"

/* What a node costs in the file beside its operands: names, type, attributes. */
#define C2S_FOLD_NODE_BYTES 64

/* The operator and its attributes allow folding, and some output is used. */
bool c2s_may_fold(const c2s_node *node);
/* Bytes of the used outputs by their types; false if the types do not tell. */
bool c2s_fold_bytes_made(const c2s_node *node, uint64_t *bytes);

/* By node id: true for the nodes of groups that fit `budget`, from which they are taken. A group is
 * connected by results and by constants that several of its nodes use. Free with free(). */
bool *c2s_fold_groups(const c2s_graph *graph, c2s_fold_budget *budget);

#endif
