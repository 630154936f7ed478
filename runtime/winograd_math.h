/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution with windows of 3 x 3, stride 1, by Winograd's minimal filtering: outputs in squares
 * of 2 x 2 or 4 x 4 out of 16 or 36 products of matrices, instead of 36 or 144 products per square.
 * Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015. Squares of 2 are
 * interpolated at 0, 1, -1, infinity; those of 4 at 0, +-sqrt(1/2), +-sqrt(2), infinity, which
 * rounds less than the usual 0, +-1, +-2, infinity.
 *
 * Images are in blocks of 8 channels: [image, channels / 8, height, width, 8]. Needs
 * c2s_processor_has_fma().
 */
#ifndef C2S_RUNTIME_WINOGRAD_MATH_H
#define C2S_RUNTIME_WINOGRAD_MATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct c2s_winograd {
    int square;               /* outputs are computed in squares of this side: 2 or 4 */
    size_t in_blocks, images; /* blocks of 8 channels */
    size_t out_blocks;
    int64_t in_height, in_width, out_height, out_width;
    int64_t pad_top, pad_left; /* beyond the other borders as much as out_... takes */
} c2s_winograd;

/* A result is off by at most this times the sum over input channels of the largest magnitude in its
 * tile (square + 2 inputs wide and high) times the sum of the magnitudes of the 9 weights: half a
 * unit in the last place for each of `channels` additions and, together, 24 roundings of the
 * transforms, of intermediate results that are at most 16 or 157.2 times as large. (Absolute values
 * of the three matrices, multiplied in place of the matrices, give these factors.) For comparison:
 * of a plain sum, the largest magnitude is that in the window of 3 x 3, and the factor 1. */
#define C2S_WINOGRAD_ERROR(square, channels)                                                       \
    (((square) == 2 ? 16 : 157.2) * ((double)(channels) + 24) * 0x1p-24)

/* What becomes of a result y; applied in order. */
typedef struct c2s_winograd_post {
    enum {
        C2S_WINOGRAD_ADD, /* y + operand */
        C2S_WINOGRAD_SUBTRACT,
        C2S_WINOGRAD_MULTIPLY,
        C2S_WINOGRAD_LEAKY, /* y < 0 ? alpha * y : y */
        C2S_WINOGRAD_CLIP,  /* into [alpha, beta] */
        C2S_WINOGRAD_SIGMOID,
        C2S_WINOGRAD_SWISH,    /* y * sigmoid(alpha * y) */
        C2S_WINOGRAD_HARDSWISH /* y * clip(alpha * y + beta, 0, 1) */
    } kind;
    enum { C2S_WINOGRAD_FULL, C2S_WINOGRAD_CHANNEL, C2S_WINOGRAD_SCALAR } shape;
    float alpha, beta;
    const float *operand; /* of shape FULL: like the output; CHANNEL: a number per channel */
} c2s_winograd_post;

/* Floats that the transformed weights take. False on overflow. */
bool c2s_winograd_weights_size(const c2s_winograd *w, size_t *count);
/* `from`: [out_blocks * 8, in_blocks * 8, 3, 3], row-major. Computed in double, rounded once. */
void c2s_winograd_weights(const c2s_winograd *w, const float *from, float *to);

/* Floats of work space that each thread needs. */
size_t c2s_winograd_work_size(const c2s_winograd *w);
/* `bias`: a number per output channel; `work`: of c2s_winograd_work_size for each of `threads`. */
void c2s_winograd_run(const c2s_winograd *w, const float *x, const float *weights,
                      const float *bias, const c2s_winograd_post *posts, unsigned post_count,
                      float *work, unsigned threads, float *y);

#endif
