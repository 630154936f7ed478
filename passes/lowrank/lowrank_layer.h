/* SPDX-License-Identifier: Apache-2.0
 *
 * An operator of a graph that may be written as a chain: what it computes in numbers, and the chain
 * in its place. Gather of rows of a table counts: it is the product of unit vectors with it.
 * So do the input matrices of a recurrent cell, whose last stage stays inside the operator.
 * Several operators that read the same rows (queries, keys and values) may be one layer, whose
 * outputs are theirs side by side: then all stages but the last are computed once for all of them.
 * Several operators that read the same weight are one layer as well, and read the same factors.
 */
#ifndef C2S_PASSES_LOWRANK_LAYER_H
#define C2S_PASSES_LOWRANK_LAYER_H

#include "passes/lowrank/lowrank_form.h"

typedef struct c2s_lowrank_layer {
    c2s_linear_site site; /* its window: as in the file */
    c2s_node *node;
    /* Where a constant per output channel can be added for nothing: the operator's own bias, or a
     * constant vector that an Add behind a MatMul has. */
    bool has_bias;
    c2s_node *add; /* that Add, else NULL */
    unsigned add_slot;
    /* Of several operators: each by itself, borrowed; then `node` is the first one's, and so is the
     * site but for its n. 0: one operator. */
    const struct c2s_lowrank_layer *members;
    size_t member_count;
    /* Others that read the same weight, each by itself, borrowed (c2s_lowrank_layer_tie). */
    const struct c2s_lowrank_layer *tied;
    size_t tied_count;
} c2s_lowrank_layer;

/* NULL, or why it cannot be one: its weight is not constant, ... */
const char *c2s_lowrank_layer_of(c2s_node *node, c2s_lowrank_layer *out);

/* Gives the layer others that read its weight, and stay where they are: then nothing can be added
 * to what each of them gives. NULL, or why they cannot have the same factors. */
const char *c2s_lowrank_layer_tie(c2s_lowrank_layer *layer, const c2s_lowrank_layer *others,
                                  size_t count);
/* One layer of them, which come in the order of the graph and stay where they are. False: they do
 * not read the same rows, or are not alike. */
bool c2s_lowrank_layer_join(const c2s_lowrank_layer *members, size_t count, c2s_lowrank_layer *out);

/* Its output is the product itself, so that it can be aimed at what it should give; not the state
 * of a recurrent cell, nor rows of a table, nor those of several operators. */
bool c2s_lowrank_layer_aims(const c2s_lowrank_layer *layer);

/* w [groups, k, n] with all factors of the operator, and what it adds [groups * n] (0 for what the
 * Add does). Arrays to free. */
c2s_status c2s_lowrank_layer_read(const c2s_lowrank_layer *layer, double **weights, double **bias);

/* The weights of a stage of the chain, group after group (c2s_lowrank_alloc), as its operator wants
 * them. */
c2s_status c2s_lowrank_layer_tensor(const c2s_lowrank_layer *layer, const c2s_chain *chain,
                                    unsigned stage, const double *weights, c2s_tensor **out);
/* Writes the chain: new nodes before layer->node, which becomes the last stage (or joins what the
 * last two give). `weights`: by stage, a reference is taken. `shift` [groups * n]: what is added to
 * the bias; NULL: nothing. */
c2s_status c2s_lowrank_layer_write(const c2s_lowrank_layer *layer, const c2s_chain *chain,
                                   c2s_tensor *const *weights, const double *shift);

#endif
