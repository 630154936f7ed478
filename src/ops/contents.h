/* SPDX-License-Identifier: Apache-2.0
 *
 * Arithmetic on the symbolic contents of shape tensors: what makes chains such as
 * Shape -> Gather -> Mul -> Concat -> Reshape known to inference.
 */
#ifndef C2S_OPS_CONTENTS_H
#define C2S_OPS_CONTENTS_H

#include "ops/op.h"

/* All of these do nothing unless output 0 is an integer (or bool) tensor of rank 0 or 1 and the
 * contents of the inputs are known. Inputs of one element are repeated. */
typedef c2s_dim (*c2s_contents_fn2)(c2s_dims *dims, c2s_dim a, c2s_dim b);
typedef c2s_dim (*c2s_contents_fn1)(c2s_dims *dims, c2s_dim a);
void c2s_contents_unary(c2s_infer *i, c2s_contents_fn1 function);
/* Folds all inputs from left to right. */
void c2s_contents_fold(c2s_infer *i, c2s_contents_fn2 function);
/* Output = inputs[1] where inputs[0] holds, else inputs[2]. */
void c2s_contents_where(c2s_infer *i);
/* min(max(input 0, *least), *most); NULL: no bound. */
void c2s_contents_clip(c2s_infer *i, const c2s_dim *least, const c2s_dim *most);
/* Contents of input 0, element by element: a conversion, which may not fit. */
void c2s_contents_copy(c2s_infer *i);
/* Contents of input 0 as they are: the same elements in the same order. */
void c2s_contents_keep(c2s_infer *i);

c2s_dim c2s_dim_negate(c2s_dims *dims, c2s_dim a);
c2s_dim c2s_dim_absolute(c2s_dims *dims, c2s_dim a);
/* Division as operators do it: towards zero; x / 0 is not known. */
c2s_dim c2s_dim_truncdiv(c2s_dims *dims, c2s_dim a, c2s_dim b);
c2s_dim c2s_dim_truncmod(c2s_dims *dims, c2s_dim a, c2s_dim b); /* sign of a */
/* 1, 0, or fresh if it cannot be told. A named symbol is an extent, hence not negative. */
c2s_dim c2s_dim_equal(c2s_dims *dims, c2s_dim a, c2s_dim b);
c2s_dim c2s_dim_less(c2s_dims *dims, c2s_dim a, c2s_dim b);
c2s_dim c2s_dim_less_equal(c2s_dims *dims, c2s_dim a, c2s_dim b);
c2s_dim c2s_dim_greater(c2s_dims *dims, c2s_dim a, c2s_dim b);
c2s_dim c2s_dim_greater_equal(c2s_dims *dims, c2s_dim a, c2s_dim b);

/* True if the dimension is >= 0, or < 0, for every binding. */
bool c2s_dim_never_negative(c2s_dims *dims, c2s_dim dim);
bool c2s_dim_always_negative(c2s_dims *dims, c2s_dim dim);
/* The product of extents [begin, end). */
c2s_dim c2s_dim_product(c2s_dims *dims, const c2s_dim *dim, int begin, int end);

#endif
