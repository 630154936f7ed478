/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution of integers with channels last, in blocks of output rows: each block of the input is
 * widened to 16 bits with zeros around it, and its sums go through requantization while they are in
 * registers. A product of matrices is a convolution of 1 x 1.
 */
#ifndef C2S_RUNTIME_INTEGER_CONV_H
#define C2S_RUNTIME_INTEGER_CONV_H

#include "base/status.h"
#include "runtime/requantize.h"

/* How products are added, if 8 bits are unsigned on the left and signed on the right. */
typedef enum c2s_pairing {
    C2S_PAIRS_NONE,      /* in 32 bits: exact */
    C2S_PAIRS_OF_WINDOW, /* by saturating_dot.h, all terms of a window one after the other: channel
                            by channel at each of its positions */
    C2S_PAIRS_OF_TAPS    /* the same, but with an odd number of channels the last of each position
                            stands alone */
} c2s_pairing;

/* Axes: 0 is height, 1 width. */
typedef struct c2s_integer_shape {
    size_t batch, groups, inputs, outputs; /* channels of all groups */
    size_t in[2], out[2], kernel[2];
    size_t stride[2], dilation[2], pad[2]; /* pad: at the beginning */
    c2s_pairing pairing;
} c2s_integer_shape;

/* How weights are arranged: element [output, input of its group, y, x]. */
typedef struct c2s_integer_weights {
    const void *codes;
    bool is_signed;
    size_t stride_output, stride_input, stride[2];
    const int32_t *zero; /* per output; NULL: 0 */
} c2s_integer_weights;

/* Less its zero point. */
int c2s_integer_weight(const c2s_integer_weights *w, size_t output, size_t input, size_t y,
                       size_t x);

typedef struct c2s_integer_conv c2s_integer_conv;

/* Packs the weights. C2S_ERR_MEMORY. */
c2s_status c2s_integer_conv_create(const c2s_integer_shape *shape, const c2s_integer_weights *w,
                                   c2s_integer_conv **out);
void c2s_integer_conv_destroy(c2s_integer_conv *conv); /* NULL is allowed */
/* No sum is larger than this times the largest magnitude of an input less its zero point: of exact
 * sums the magnitudes of an output's weights, of which there is the largest. */
int64_t c2s_integer_conv_gain(const c2s_integer_conv *conv);

/* Bytes of work space that a run with so many threads needs. */
size_t c2s_integer_conv_work(const c2s_integer_conv *conv, unsigned threads);
/* `in`: [batch, in, inputs] less `zero`; `out`: [batch, out, outputs]. */
void c2s_integer_conv_run(const c2s_integer_conv *conv, const void *in, bool is_signed, int zero,
                          const c2s_requantize *requantize, void *out, unsigned threads,
                          void *work);

#endif
