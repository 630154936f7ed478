/* SPDX-License-Identifier: Apache-2.0
 *
 * How the multiply-accumulates of a node depend on the extents of its spaces: as a sum of products.
 * Most nodes have one, with all spaces as factors. Recurrences have W with the inputs and R with
 * the hidden units before, attention has scores, by channels of queries, and sums, by those of
 * values, and where it projects its input itself, products with the weights of both.
 */
#ifndef C2S_PASSES_PRUNE_NODE_WORK_H
#define C2S_PASSES_PRUNE_NODE_WORK_H

#include "passes/prune/tie_index.h"

enum { C2S_WORK_PARTS = 4 };

typedef struct c2s_work_part {
    double macs;
    bool whole;      /* all spaces are factors */
    uint32_t spaces; /* bits of those that are; 0: those that tie an axis of this operand: */
    bool output;
    unsigned slot;
} c2s_work_part;

/* Of all nodes of a model, those of bodies as if each ran once. */
typedef struct c2s_node_works {
    struct c2s_node_work *of; /* by node id */
} c2s_node_works;

/* Extents that are open are as random inputs have them: 1 on first axes. Linear. */
void c2s_node_works_find(const c2s_model *model, c2s_node_works *out);
void c2s_node_works_free(c2s_node_works *works);
/* parts[0 .. count - 1]; none: the node has no such work. */
const c2s_work_part *c2s_node_work(const c2s_node_works *works, const c2s_node *node,
                                   size_t *count);
/* How often the extent of the space is a factor of the part. */
unsigned c2s_work_power(const c2s_node_ties *ties, unsigned space, const c2s_work_part *part);

#endif
