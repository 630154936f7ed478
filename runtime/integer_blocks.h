/* SPDX-License-Identifier: Apache-2.0
 *
 * What a convolution of integers consists of: between the files that make and that run it.
 */
#ifndef C2S_RUNTIME_INTEGER_BLOCKS_H
#define C2S_RUNTIME_INTEGER_BLOCKS_H

#include "runtime/integer_conv.h"
#include "runtime/integer_dot.h"
#include "runtime/integer_winograd.h"
#include "runtime/saturating_conv.h"

struct c2s_integer_conv {
    c2s_integer_shape shape;
    int64_t gain;
    /* One of these instead of all that follows; NULL: that. */
    c2s_integer_winograd *winograd;
    c2s_saturating_conv *saturating;
    bool depthwise;
    size_t pixel, row; /* integers of one pixel, and of one row of the block */
    size_t channels;   /* of a group, inputs and outputs */
    size_t group_outputs;
    c2s_dot_kind kind;
    size_t step;             /* integers of a step: 2 or 4 */
    size_t taps, run, steps; /* per tap step * steps integers, of which `run` are used */
    ptrdiff_t *tap;
    size_t panels, panel; /* per group; integers of one */
    bool in_place;        /* the block is a part of the input, if that is unsigned */
    size_t rows;          /* output rows of a block */
    size_t chunk;         /* output pixels that are done for all panels before others are */
    size_t *place;        /* of the pixels of a block: where in it they start */
    bool narrow;          /* the weights are of int8_t, else of int16_t */
    void *weights;
    /* C2S_DOT_BYTES. Panel p has c2s_dot_repeats number repeat[p] to repeat[p + 1]. */
    size_t *repeat;
    ptrdiff_t *repeat_at;
    int8_t *repeat_weights;
    int32_t *total; /* of each output's weights; COLUMNS more */
};

/* Of the widened input. */
static inline size_t c2s_integer_size(const c2s_integer_conv *c) {
    return c->kind == C2S_DOT_BYTES ? sizeof(uint8_t) : sizeof(int16_t);
}

static inline size_t c2s_smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Input rows that a block of so many output rows reads. */
size_t c2s_integer_rows_read(const c2s_integer_conv *c, size_t rows);
/* Integers of the widened block of so many output rows. */
size_t c2s_integer_block_size(const c2s_integer_conv *c, size_t rows);

/* Sets the gain, and whether weights have 8 bits. */
void c2s_integer_weights_measure(c2s_integer_conv *c, const c2s_integer_weights *w);
/* Fills c->weights, and what belongs to them, for its kind and geometry. C2S_ERR_MEMORY. */
c2s_status c2s_integer_weights_pack(c2s_integer_conv *c, const c2s_integer_weights *w);
void c2s_integer_weights_free(c2s_integer_conv *c);

#endif
