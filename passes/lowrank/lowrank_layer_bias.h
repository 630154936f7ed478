/* SPDX-License-Identifier: Apache-2.0
 *
 * What a layer that is written as a chain adds: of operators, of the Add behind them, of cells. For
 * lowrank_layer_write.c.
 */
#ifndef C2S_PASSES_LOWRANK_LAYER_BIAS_H
#define C2S_PASSES_LOWRANK_LAYER_BIAS_H

#include "passes/lowrank/lowrank_layer.h"

/* Vectors that the operators themselves add, of all outputs. */
typedef struct c2s_lowrank_biases {
    bool change;    /* something is written */
    double *values; /* [groups * n] */
} c2s_lowrank_biases;

bool c2s_lowrank_adds_itself(const c2s_lowrank_layer *member); /* the operator has a bias */
/* `values` are the caller's to free. `shift`: what is added to those that are there; NULL: nothing.
 */
c2s_status c2s_lowrank_biases_collect(const c2s_lowrank_layer *layer,
                                      const c2s_lowrank_layer *members, size_t count,
                                      const c2s_chain *chain, c2s_tensor *const *weights,
                                      const double *shift, c2s_lowrank_biases *out);

c2s_status c2s_lowrank_set_bias(c2s_node *owner, const c2s_lowrank_layer *member, size_t count,
                                const double *values);
/* Of the Add behind it. */
c2s_status c2s_lowrank_shift_add(const c2s_lowrank_layer *member, const double *shift);
/* Of a recurrent cell: the half of its bias that belongs to the input. */
c2s_status c2s_lowrank_shift_cell(const c2s_lowrank_layer *member, const double *shift);

#endif
