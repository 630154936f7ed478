/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/integer_conv.h"

#include <stdlib.h>

#include "base/memory.h"
#include "runtime/dnnl_processor.h"
#include "runtime/integer_blocks.h"

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

/* A widened block of the input should stay in the second-level cache. Where all weights do, what a
 * chunk of pixels reads of the block stays in the first. Integers. */
enum { BLOCK = 96 << 10, WEIGHTS = 128 << 10, CHUNK = 8 << 10 };

static size_t round_up(size_t value, size_t unit) {
    return (value + unit - 1) / unit * unit;
}

/* ---- geometry ---- */

size_t c2s_integer_rows_read(const c2s_integer_conv *c, size_t rows) {
    const c2s_integer_shape *s = &c->shape;
    return (rows - 1) * s->stride[0] + (s->kernel[0] - 1) * s->dilation[0] + 1;
}

/* Behind the last row, a tile may read a little more. */
size_t c2s_integer_block_size(const c2s_integer_conv *c, size_t rows) {
    return round_up(c2s_integer_rows_read(c, rows) * c->row + 2 * COLUMNS, 64);
}

/* Without holes in a row of the window, its pixels are one run. */
static void set_taps(c2s_integer_conv *c) {
    const c2s_integer_shape *s = &c->shape;
    bool joined = s->groups == 1 && (s->dilation[1] == 1 || s->kernel[1] == 1);
    size_t across = joined ? 1 : s->kernel[1];
    c->taps = s->kernel[0] * across;
    c->run = joined ? s->kernel[1] * c->channels : c->channels;
    c->steps = (c->run + c->step - 1) / c->step;
    free(c->tap);
    c->tap = c2s_alloc_array(c->taps, sizeof *c->tap);
    for (size_t y = 0; y < s->kernel[0]; y++)
        for (size_t x = 0; x < across; x++)
            c->tap[y * across + x] =
                (ptrdiff_t)(y * s->dilation[0] * c->row + x * s->dilation[1] * c->pixel);
}

static void set_places(c2s_integer_conv *c) {
    const c2s_integer_shape *s = &c->shape;
    free(c->place);
    c->place = c2s_alloc_array(c->rows * s->out[1], sizeof *c->place);
    for (size_t y = 0; y < c->rows; y++)
        for (size_t x = 0; x < s->out[1]; x++)
            c->place[y * s->out[1] + x] = y * s->stride[0] * c->row + x * s->stride[1] * c->pixel;
}

/* Pixels of a row, and rows, that windows reach. */
static size_t reach_of(const c2s_integer_shape *s, int axis) {
    return (s->out[axis] - 1) * s->stride[axis] + (s->kernel[axis] - 1) * s->dilation[axis] + 1;
}

/* No window leaves the input, and no step leaves its pixels. */
static bool lies_inside(const c2s_integer_conv *c) {
    const c2s_integer_shape *s = &c->shape;
    for (int i = 0; i < 2; i++)
        if (s->pad[i] != 0 || reach_of(s, i) > s->in[i])
            return false;
    return c->run % c->step == 0;
}

static void set_geometry(c2s_integer_conv *c, c2s_dot_kind kind) {
    const c2s_integer_shape *s = &c->shape;
    c->kind = kind;
    c->step = kind == C2S_DOT_BYTES ? 4 : 2;
    c->pixel = c->depthwise ? round_up(s->inputs, COLUMNS) : s->inputs;
    c->row = reach_of(s, 1) * c->pixel;
    set_taps(c);
    c->in_place = kind == C2S_DOT_BYTES && lies_inside(c);
    if (c->in_place && c->row != s->in[1] * c->pixel) {
        c->row = s->in[1] * c->pixel;
        set_taps(c);
    }
    c->panels = c->depthwise ? c->pixel / COLUMNS : round_up(c->group_outputs, COLUMNS) / COLUMNS;
    c->panel = (c->depthwise ? round_up(c->taps, 2) : c->taps * c->steps * c->step) * COLUMNS;
    c->rows = s->out[0];
    while (c->rows > 1 && c2s_integer_block_size(c, c->rows) > BLOCK)
        c->rows = (c->rows + 1) / 2;
    c->chunk = c->panels * c->panel <= WEIGHTS
                   ? round_up(CHUNK / (c->taps * c->run) + 1, C2S_DOT_ROWS)
                   : c->rows * s->out[1];
    set_places(c);
}

/* ---- making ---- */

/* Products of bytes are a quarter faster than those of words. */
static bool repeats_pay(const c2s_integer_conv *c) {
    const size_t panels = c->panels * c->shape.groups;
    return c->repeat[panels] * 6 <= panels * c->taps * c->steps;
}

static c2s_status make(c2s_integer_conv *c, const c2s_integer_weights *w) {
    const c2s_integer_shape *s = &c->shape;
    c->channels = s->inputs / s->groups;
    c->group_outputs = s->outputs / s->groups;
    c->depthwise = s->groups > 1 && c->channels == 1 && c->group_outputs == 1;
    c->narrow = c->narrow && !c->depthwise;
    if (c->narrow && c2s_processor_has_avx2()) {
        set_geometry(c, C2S_DOT_BYTES);
        C2S_TRY(c2s_integer_weights_pack(c, w));
        if (repeats_pay(c))
            return C2S_OK;
        c2s_integer_weights_free(c);
    }
    set_geometry(c, c->narrow ? C2S_DOT_NARROW : C2S_DOT_WORDS);
    return c2s_integer_weights_pack(c, w);
}

c2s_status c2s_integer_conv_create(const c2s_integer_shape *shape, const c2s_integer_weights *w,
                                   c2s_integer_conv **out) {
    c2s_integer_conv *c = c2s_zalloc(sizeof *c);
    c->shape = *shape;
    c2s_integer_weights_measure(c, w);
    c2s_status status;
    if (shape->pairing != C2S_PAIRS_NONE && c2s_saturating_conv_serves(shape, w))
        status = c2s_saturating_conv_create(shape, w, &c->saturating);
    else if (c2s_integer_winograd_serves(shape, c->gain))
        status = c2s_integer_winograd_create(shape, w, c->narrow, &c->winograd);
    else
        status = make(c, w);
    if (status != C2S_OK) {
        c2s_integer_conv_destroy(c);
        c = NULL;
    }
    *out = c;
    return status;
}

void c2s_integer_conv_destroy(c2s_integer_conv *c) {
    if (!c)
        return;
    c2s_integer_winograd_destroy(c->winograd);
    c2s_saturating_conv_destroy(c->saturating);
    c2s_integer_weights_free(c);
    free(c->tap);
    free(c->place);
    free(c);
}

int64_t c2s_integer_conv_gain(const c2s_integer_conv *c) {
    return c->saturating ? c2s_saturating_conv_gain(c->saturating) : c->gain;
}
