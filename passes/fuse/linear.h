/* SPDX-License-Identifier: Apache-2.0
 *
 * Conv, ConvTranspose, Gemm and MatMul seen alike: a constant weight whose elements each belong to
 * one output channel, and a bias per channel. Scaling and shifting the channels of the result is
 * then a change of the constants. Computed in double and rounded once to the weight's type.
 */
#ifndef C2S_PASSES_LINEAR_H
#define C2S_PASSES_LINEAR_H

#include "rewrite/builder.h"

/* Weight element ((g * rows + r) * channels + c) * inner + i belongs to output channel
 * g * channels + c. */
typedef struct c2s_channel_layout {
    size_t groups, rows, channels, inner;
} c2s_channel_layout;

typedef struct c2s_linear {
    c2s_node *node;
    c2s_value *weight, *bias; /* bias: NULL if there is none */
    c2s_channel_layout layout;
    size_t channels; /* of the output: layout.groups * layout.channels */
    int rank, axis;  /* of the output, and which of its axes counts channels */
    bool can_shift;  /* a bias can be had */
} c2s_linear;

/* Reads the node, whose weight is constant. NULL, or why its channels cannot be changed. */
const char *c2s_linear_read(c2s_node *node, c2s_linear *out);

/* channel * scale + shift; arrays of `count` on the heap. */
typedef struct c2s_affine {
    double *scale, *shift;
    size_t count;
} c2s_affine;

c2s_affine c2s_affine_identity(size_t count);
void c2s_affine_free(c2s_affine *affine);
bool c2s_affine_is_finite(const c2s_affine *affine);
bool c2s_affine_scales(const c2s_affine *affine);
bool c2s_affine_shifts(const c2s_affine *affine);

/* One number per output channel out of a constant that is broadcast against the output: it has one
 * element, or differs along the channel axis only. False if not. */
bool c2s_linear_channel_values(const c2s_linear *linear, const c2s_tensor *constant, double *out);

/* Magnitudes of a weight before and after it is changed. */
typedef struct c2s_magnitudes {
    c2s_dtype dtype; /* that holds both */
    double before, after;
    bool over; /* an element that was finite is no more */
} c2s_magnitudes;

void c2s_magnitudes_add(c2s_magnitudes *m, const double *before, const double *after, size_t count);
/* Fails if the type does not hold what comes out, or all of it with fewer digits than before. */
c2s_status c2s_magnitudes_check(const c2s_magnitudes *m);

/* The node on `x`, with scaled and shifted output. */
c2s_value *c2s_linear_build(c2s_builder *b, const c2s_linear *linear, c2s_value *x,
                            const c2s_affine *affine);

#endif
