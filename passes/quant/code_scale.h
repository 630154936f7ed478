/* SPDX-License-Identifier: Apache-2.0
 *
 * Scale and zero point for numbers of a known range.
 */
#ifndef C2S_PASSES_QUANT_CODE_SCALE_H
#define C2S_PASSES_QUANT_CODE_SCALE_H

#include <math.h>

#include "passes/quant/placement.h"

/* Numbers from low to high; low > high: none have been seen. */
typedef struct c2s_span {
    float low, high;
} c2s_span;
#define C2S_SPAN_NONE ((c2s_span){INFINITY, -INFINITY})

c2s_span c2s_span_join(c2s_span a, c2s_span b);
/* Of the elements of a constant of any float type; C2S_SPAN_NONE if it has none. NaN is skipped. */
c2s_span c2s_span_of(const c2s_tensor *tensor);

typedef struct c2s_code_scale {
    float scale;  /* positive */
    int64_t zero; /* a code */
} c2s_code_scale;

/* For codes of an integer type of at most 16 bits, or floats of 8, whose zero point is 0 and which
 * clamp nothing: number = (code - zero) * scale. The span is widened to include 0 and moved so that
 * 0 has a code. `symmetric`: the zero point is 0, or the middle of an unsigned type; the least code
 * of a signed type is not needed then. `least_range`: what the codes span at least. `within`: a
 * clamp to these bounds lies before; the codes that are beyond a bound, if there are, stand for the
 * bound exactly or are not reached: so that a runtime sees that the clamp does nothing. A bound at
 * 0 makes the zero point the least or greatest code, symmetric or not. */
c2s_code_scale c2s_code_scale_choose(c2s_span span, c2s_dtype dtype, bool symmetric,
                                     double least_range, const c2s_span *within);
/* For codes of 16 bits and a range that holds whatever the samples say: 1/65536 of it, as QNN wants
 * it; the greatest code is one step short. */
c2s_code_scale c2s_code_scale_of_range(c2s_span range, c2s_dtype dtype);

#endif
