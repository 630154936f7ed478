/* SPDX-License-Identifier: Apache-2.0
 *
 * Running an operator's infer on given facts: what graph inference and evaluation share.
 */
#ifndef C2S_OPS_INFER_H
#define C2S_OPS_INFER_H

#include "ops/op.h"

typedef struct c2s_inferred {
    c2s_type *type; /* per output, in the arena */
    const c2s_dim **contents;
    unsigned *content_count;
} c2s_inferred;

/* `in` has one fact per formal input. Checks the number of inputs and outputs first. */
c2s_status c2s_infer_run(const c2s_node *node, c2s_dims *dims, c2s_arena *arena,
                         const c2s_fact *in, bool concrete, c2s_inferred *result);
c2s_status c2s_op_check_arity(const c2s_op *op, unsigned inputs, unsigned outputs);
/* This formal input may not be left out: any number of inputs is any number of values. */
bool c2s_op_requires(const c2s_op *op, unsigned input);

#endif
