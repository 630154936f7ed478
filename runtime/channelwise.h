/* SPDX-License-Identifier: Apache-2.0
 *
 * Our own loops over float tensors, row-major or in blocks of channels, which shift and scale each
 * channel, for normalizations.
 */
#ifndef C2S_RUNTIME_CHANNELWISE_H
#define C2S_RUNTIME_CHANNELWISE_H

#include "runtime/folded_weights.h"

/* Below this many elements one thread is faster. */
#define C2S_PLANES_PARALLEL 65536

/* The tensor as planes, each of which holds the elements of `block` channels in turns. */
typedef struct c2s_planes {
    size_t count, elements; /* elements: of a plane */
    size_t channels, block;
} c2s_planes;

/* Of input 0. */
c2s_planes c2s_planes_of(const c2s_step *step);
/* The first channel of a plane; how many of its channels exist. */
size_t c2s_planes_channels(const c2s_planes *p, size_t plane, size_t *first);

/* What happens to the channels of one plane: (x - mean) * factor + shift; all 0 for the channels
 * that only fill the block. */
enum { C2S_MOST_BLOCK = 16 };
typedef struct c2s_norm {
    float mean[C2S_MOST_BLOCK], factor[C2S_MOST_BLOCK], shift[C2S_MOST_BLOCK];
} c2s_norm;

/* State of a normalization: what becomes of its results. */
typedef struct c2s_norm_state {
    c2s_affine *folded; /* by channel; NULL: nothing */
    float low, high;    /* then they are brought between these; NaN stays */
} c2s_norm_state;

/* Sets number l of `norm` for a channel, of whose normalization these are the numbers. */
void c2s_norm_set(const c2s_norm_state *s, c2s_norm *norm, size_t l, size_t channel, double mean,
                  double factor, double shift);
/* A plane whose first channel is `first`. */
void c2s_norm_apply(const c2s_norm_state *s, const c2s_norm *norm, const c2s_planes *p,
                    size_t first, const float *x, float *y);

/* Of kernels: takes input 0 as it was made, gives output 0 the same way, makes the state. */
c2s_status c2s_norm_prepare(c2s_step *step);
void c2s_norm_release(c2s_step *step);

#endif
