/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbers that codes of a quantized type can stand for, value = (code - zero) * scale, and the
 * scale that suits a group of weights. Codes are handled as floats: whole numbers, or the values of
 * a small float format.
 */
#ifndef C2S_PASSES_QUANT_CODE_GRID_H
#define C2S_PASSES_QUANT_CODE_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "ir/dtype.h"

typedef struct c2s_code_grid {
    c2s_dtype dtype, scale_dtype;
    bool whole;        /* integers */
    bool symmetric;    /* the zero point is `middle` */
    float least, most; /* code */
    float middle;      /* of unsigned integers half of their range; else 0 */
} c2s_code_grid;

/* Integers of at most 16 bits, floats of 8 and 4; scales of float, float16 or bfloat16, else
 * C2S_ERR_UNSUPPORTED. `narrow` leaves out the least code if codes lie around `middle`; small
 * floats are symmetric whatever is asked for. */
c2s_status c2s_code_grid_of(c2s_dtype dtype, c2s_dtype scale_dtype, bool symmetric, bool narrow,
                            c2s_code_grid *out);

typedef struct c2s_affine {
    float scale, zero;
} c2s_affine;

/* A scale as it is stored: rounded to scale_dtype, neither 0, infinite nor a subnormal float. */
float c2s_code_grid_scale(const c2s_code_grid *grid, double scale);

typedef enum c2s_scale_method {
    C2S_SCALE_MAX, /* the greatest weight is the greatest code */
    C2S_SCALE_MSE  /* least squared error, of the scales that a search finds; never above MAX's */
} c2s_scale_method;

/* For n finite weights; `importance` of each (NULL: 1) weighs its squared error. Scales are rounded
 * as they will be stored. Weights that are all zero (or none) have scale 0: any other serves. */
c2s_affine c2s_code_grid_choose(const c2s_code_grid *grid, c2s_scale_method method,
                                const float *weights, const float *importance, size_t n);

/* weight / scale + zero, rounded to the nearest code, ties to even, as QuantizeLinear does. */
void c2s_code_grid_round(const c2s_code_grid *grid, c2s_affine affine, const float *weights,
                         size_t n, float *codes);
/* Sum of importance * (weight - value of its nearest code)^2. */
double c2s_code_grid_error(const c2s_code_grid *grid, c2s_affine affine, const float *weights,
                           const float *importance, size_t n);

#endif
