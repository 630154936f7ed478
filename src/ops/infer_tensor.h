/* SPDX-License-Identifier: Apache-2.0
 *
 * What the infer functions of many operators share: checks of inputs, and types of outputs.
 */
#ifndef C2S_OPS_INFER_TENSOR_H
#define C2S_OPS_INFER_TENSOR_H

#include "ops/op.h"

/* ---- inputs ---- */

/* The first `required` inputs are given, and every given input is a tensor or, outside of
 * evaluations, not known. */
c2s_status c2s_infer_tensors(const c2s_infer *i, unsigned required);
/* Inputs a and b, where given and known, have one dtype. */
c2s_status c2s_infer_same_dtype(const c2s_infer *i, unsigned a, unsigned b);
/* Requires the rank of an input, where known, to be in least .. most. */
c2s_status c2s_infer_rank(const c2s_infer *i, unsigned input, int least, int most);
/* c2s_infer_dims / _ints for an input that must be an integer tensor of at most one axis; `what`
 * names it in messages. *known = false: left out or not known, which fails in an evaluation if the
 * input is given. `count` may be NULL: of ints, one is expected then. */
c2s_status c2s_infer_list_dims(const c2s_infer *i, unsigned input, const char *what, bool *known,
                               const c2s_dim **dims, unsigned *count);
c2s_status c2s_infer_list_ints(const c2s_infer *i, unsigned input, const char *what, bool *known,
                               const int64_t **ints, unsigned *count);
/* Length of a one-axis input, known even if its elements are not; -1 if it is not. */
int64_t c2s_infer_length(const c2s_infer *i, unsigned input);
/* Axes, each in [-rank, rank) and none twice, to [0, rank); `axes` has room for C2S_MAX_RANK. */
c2s_status c2s_infer_axes(const int64_t *given, size_t count, int rank, int *axes);

/* ---- outputs ---- */

/* Sets the type of an output if the node has it. Fails for more than C2S_MAX_RANK axes or a
 * negative extent. rank -1: unknown. */
c2s_status c2s_infer_output(c2s_infer *i, unsigned output, c2s_dtype dtype, int rank,
                            const c2s_dim *dim);
/* An output of unknown extents. */
c2s_status c2s_infer_output_rank(c2s_infer *i, unsigned output, c2s_dtype dtype, int rank);
/* Input 0 decides the output's type. All inputs are tensors; one is required. */
c2s_status c2s_infer_like_first(c2s_infer *i);
/* All inputs have one dtype and broadcast; the output has that dtype. */
c2s_status c2s_infer_broadcast_all(c2s_infer *i);
/* The same with a bool output. */
c2s_status c2s_infer_predicate(c2s_infer *i);

#endif
