/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversion of tensors between element types.
 */
#ifndef C2S_OPS_CAST_H
#define C2S_OPS_CAST_H

#include "ops/pointwise.h"

typedef enum c2s_rounding { C2S_ROUND_UP, C2S_ROUND_DOWN, C2S_ROUND_NEAREST } c2s_rounding;

typedef struct c2s_cast {
    bool saturate;         /* 8-bit floats: out-of-range values become the largest finite one */
    c2s_rounding rounding; /* of float8e8m0 */
} c2s_cast;

/* Converts all elements between numeric types into `out`, which has the same count. */
c2s_status c2s_cast_numbers(const c2s_cast *cast, const c2s_tensor *in, c2s_tensor *out);
/* The same as a block function; C2S_ERR_UNSUPPORTED for elements of less than 8 bits. */
c2s_status c2s_cast_pointwise(const c2s_cast *cast, c2s_dtype from, c2s_dtype to,
                              c2s_pointwise *out);
/* Numbers as text in the shortest form that reads back as the same number; INF, -INF, NaN. A new
 * tensor. Complex numbers are not accepted. */
c2s_status c2s_cast_to_text(const c2s_tensor *in, c2s_tensor **out);
/* Plain and scientific notation, "INF", "+INF", "-INF", "NaN" in any case; fails on other text. */
c2s_status c2s_cast_from_text(const c2s_cast *cast, const c2s_tensor *in, c2s_tensor *out);

#endif
