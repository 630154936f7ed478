/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators that move elements share: checks of their inputs during inference, and access to
 * elements of any type as plain addressable memory.
 */
#ifndef C2S_OPS_MOVE_H
#define C2S_OPS_MOVE_H

#include "ops/op.h"

/* ---- inference ---- */

/* c2s_infer_need, and every given input is a tensor or unknown. */
c2s_status c2s_move_need(const c2s_infer *i, unsigned required);
/* Sets the type of an output if the node has it. Fails for more than C2S_MAX_RANK axes or a
 * negative extent. rank -1: unknown. */
c2s_status c2s_move_output(c2s_infer *i, unsigned output, c2s_dtype dtype, int rank,
                           const c2s_dim *dim);
/* An output of unknown extents. */
c2s_status c2s_move_output_rank(c2s_infer *i, unsigned output, c2s_dtype dtype, int rank);
/* c2s_infer_dims / _ints for an input that must be an integer tensor of at most one axis; `what`
 * names it in messages. *known = false: left out or not known, which fails in an evaluation if the
 * input is given. `count` may be NULL. */
c2s_status c2s_move_dims(const c2s_infer *i, unsigned input, const char *what, bool *known,
                         const c2s_dim **dims, unsigned *count);
c2s_status c2s_move_ints(const c2s_infer *i, unsigned input, const char *what, bool *known,
                         const int64_t **ints, unsigned *count);
/* Length of a one-axis input, known even if its elements are not; -1 if it is not. */
int64_t c2s_move_length(const c2s_infer *i, unsigned input);
/* Axes, each in [-rank, rank) and none twice, to [0, rank); `axes` has room for C2S_MAX_RANK. */
c2s_status c2s_move_axes(const int64_t *given, size_t count, int rank, int *axes);
/* True if the dimension is >= 0, or < 0, for every binding. */
bool c2s_dim_never_negative(c2s_dims *dims, c2s_dim dim);
bool c2s_dim_always_negative(c2s_dims *dims, c2s_dim dim);
/* The product of extents [begin, end). */
c2s_dim c2s_dim_product(c2s_dims *dims, const c2s_dim *dim, int begin, int end);
/* Contents of input 0, if known, become those of output 0 (same elements in the same order). */
void c2s_move_contents(c2s_infer *i);

/* ---- elements ---- */

/* A tensor's elements at addresses data + k * size: where the tensor has them, or, for packed
 * types, one byte each in a copy. Data that was opened for reading must not be written. */
typedef struct c2s_elements {
    char *data; /* never NULL */
    size_t size, count;
    void *owned;
} c2s_elements;

c2s_status c2s_elements_read(const c2s_tensor *tensor, c2s_elements *out);
/* Output `output`, which the caller of eval allocated; contents undefined. */
c2s_status c2s_elements_write(const c2s_eval *e, unsigned output, c2s_elements *out);
/* Makes what was written the output: packs, and copies the text of strings so that the output
 * owns it. Closes `elements`. */
c2s_status c2s_elements_commit(c2s_eval *e, unsigned output, c2s_elements *elements);
void c2s_elements_close(c2s_elements *elements);
/* The same for a tensor of the caller's own, which finish may replace by another. */
c2s_status c2s_elements_begin(c2s_tensor *tensor, c2s_elements *out);
c2s_status c2s_elements_finish(c2s_tensor **tensor, c2s_elements *elements);

/* Input 0 for reading and output 0 for writing; and the end of it, which passes `status` on. */
c2s_status c2s_move_open(c2s_eval *e, c2s_elements *in, c2s_elements *out);
c2s_status c2s_move_close(c2s_eval *e, c2s_elements *in, c2s_elements *out, c2s_status status);

/* Memory for work: count * size bytes, at least one, not zeroed; free(). C2S_ERR_MEMORY. */
c2s_status c2s_scratch(size_t count, size_t size, void *out);

/* All elements of a tensor of integers (indices) or real numbers, converted; free(). */
c2s_status c2s_tensor_ints(const c2s_tensor *tensor, int64_t **out);
c2s_status c2s_tensor_doubles(const c2s_tensor *tensor, double **out);
/* Indices made non-negative: each must lie in [-extent, extent). free(). */
c2s_status c2s_tensor_indices(const c2s_tensor *tensor, int64_t extent, int64_t **out);
/* One index for an axis, in place; fails naming it and the allowed range. */
c2s_status c2s_index_check(int64_t *index, int64_t extent);
/* Writes doubles into a tensor of a real type: floats are rounded, integers truncated towards zero
 * and kept within their range. Overwrites `values`. */
void c2s_tensor_put_doubles(c2s_tensor *tensor, double *values);

#endif
