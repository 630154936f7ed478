/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/integer_blocks.h"

#include <string.h>

#include "base/threads.h"

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

typedef struct task {
    const c2s_integer_conv *conv;
    const uint8_t *in;
    bool is_signed;
    int zero;
    const c2s_requantize *requantize;
    char *out;
    size_t element;               /* bytes of the output's */
    size_t blocks, panels, parts; /* of an image; parts: of the panels of a block */
    char *work;                   /* a widened block per thread */
} task;

/* What stands for 0: it is not subtracted from bytes. */
static uint8_t zero_byte(const task *k) {
    return (uint8_t)(k->zero + (k->is_signed ? 128 : 0));
}

static void fill_zero(const task *k, char *to, size_t count) {
    if (k->conv->kind == C2S_DOT_BYTES)
        memset(to, zero_byte(k), count);
    else
        memset(to, 0, count * sizeof(int16_t));
}

/* Pixels of an input row with their channels, rounded up where columns come in blocks. */
static void widen_pixels(const task *k, const uint8_t *from, size_t count, char *to) {
    const c2s_integer_conv *c = k->conv;
    const size_t inputs = c->shape.inputs;
    int16_t *words = (int16_t *)(void *)to;
    if (c->kind == C2S_DOT_BYTES) {
        c2s_unsign(from, k->is_signed, count * inputs, (uint8_t *)to);
        return;
    }
    if (c->pixel == inputs) {
        c2s_widen(from, k->is_signed, k->zero, count * inputs, words);
        return;
    }
    for (size_t x = 0; x < count; x++, from += inputs, words += c->pixel) {
        c2s_widen(from, k->is_signed, k->zero, inputs, words);
        memset(words + inputs, 0, (c->pixel - inputs) * sizeof *words);
    }
}

static void widen_row(const task *k, size_t image, ptrdiff_t y, char *to) {
    const c2s_integer_conv *c = k->conv;
    const c2s_integer_shape *s = &c->shape;
    const size_t reach = c->row / c->pixel, left = c2s_smaller(s->pad[1], reach),
                 count = c2s_smaller(s->in[1], reach - left), right = reach - left - count,
                 pixel = c->pixel * c2s_integer_size(c);
    if (y < 0 || y >= (ptrdiff_t)s->in[0]) {
        fill_zero(k, to, c->row);
        return;
    }
    fill_zero(k, to, left * c->pixel);
    widen_pixels(k, k->in + (image * s->in[0] + (size_t)y) * s->in[1] * s->inputs, count,
                 to + left * pixel);
    fill_zero(k, to + (left + count) * pixel, right * c->pixel);
}

/* With strides, some rows meet no window. */
static bool is_read(const c2s_integer_shape *s, size_t row) {
    for (size_t y = 0; y < s->kernel[0]; y++)
        if (row >= y * s->dilation[0] && (row - y * s->dilation[0]) % s->stride[0] == 0)
            return true;
    return false;
}

/* The rows that a block reads are all there, and nothing is between them. */
static bool is_whole(const c2s_integer_conv *c) {
    const c2s_integer_shape *s = &c->shape;
    return s->kernel[0] == 1 && s->stride[0] == 1 && s->pad[0] == 0 && s->pad[1] == 0 &&
           s->in[0] == s->out[0] && c->row == s->in[1] * c->pixel;
}

static void widen_block(const task *k, size_t image, size_t first, size_t rows, char *block) {
    const c2s_integer_conv *c = k->conv;
    const c2s_integer_shape *s = &c->shape;
    const size_t count = c2s_integer_rows_read(c, rows), size = c2s_integer_size(c);
    if (is_whole(c))
        widen_pixels(k, k->in + (image * s->in[0] + first) * s->in[1] * s->inputs, rows * s->in[1],
                     block);
    for (size_t i = 0; i < count && !is_whole(c); i++)
        if (is_read(s, i))
            widen_row(k, image, (ptrdiff_t)(first * s->stride[0] + i) - (ptrdiff_t)s->pad[0],
                      block + i * c->row * size);
    memset(block + count * c->row * size, 0,
           (c2s_integer_block_size(c, rows) - count * c->row) * size);
}

/* Pixels of a block, with the weights of one panel. */
static void multiply_panel(const task *k, const char *block, size_t from, size_t to, size_t panel,
                           size_t place) {
    const c2s_integer_conv *c = k->conv;
    const size_t group = panel / c->panels, column = panel % c->panels * COLUMNS,
                 channel = group * c->group_outputs + column,
                 columns = c2s_smaller(c->group_outputs - column, COLUMNS),
                 stride = c->shape.outputs;
    c2s_dot dot = {c->tap, c->taps, c->steps, .kind = c->kind};
    if (c->kind == C2S_DOT_BYTES) {
        const size_t first = c->repeat[panel];
        dot.repeats = (c2s_dot_repeats){c->repeat[panel + 1] - first, c->repeat_at + first,
                                        c->repeat_weights + first * 4 * COLUMNS, c->total + channel,
                                        zero_byte(k)};
    }
    c2s_dot_panel(&dot, block + group * c->channels * c2s_integer_size(c), c->place + from,
                  to - from,
                  (const char *)c->weights + panel * c->panel * (c->narrow ? 1 : sizeof(int16_t)),
                  k->requantize, channel, columns,
                  k->out + ((place + from) * stride + channel) * k->element, stride);
}

/* Row by row: what one reads stays in the first-level cache for all panels. */
static void multiply_depthwise(const task *k, const int16_t *block, size_t rows, size_t from,
                               size_t to, size_t place) {
    const c2s_integer_conv *c = k->conv;
    const size_t outputs = c->shape.outputs, width = c->shape.out[1];
    for (size_t m = 0; m < rows * width; m += width)
        for (size_t p = from; p < to; p++) {
            const size_t channel = p * COLUMNS;
            c2s_dot_depthwise(c->tap, c->taps, block + channel, c->place + m, width,
                              (const int16_t *)c->weights + p * c->panel, k->requantize, channel,
                              c2s_smaller(outputs - channel, COLUMNS),
                              k->out + ((place + m) * outputs + channel) * k->element, outputs);
        }
}

static void run_block(const task *k, size_t image, size_t block, size_t from, size_t to,
                      char *work) {
    const c2s_integer_conv *c = k->conv;
    const c2s_integer_shape *s = &c->shape;
    const size_t first = block * c->rows, rows = c2s_smaller(s->out[0] - first, c->rows),
                 place = (image * s->out[0] + first) * s->out[1];
    const char *input = work;
    if (c->in_place && !k->is_signed)
        input = (const char *)k->in + (image * s->in[0] + first * s->stride[0]) * c->row;
    else
        widen_block(k, image, first, rows, work);
    if (c->depthwise)
        multiply_depthwise(k, (const int16_t *)(const void *)input, rows, from, to, place);
    else
        for (size_t m = 0; m < rows * s->out[1]; m += c->chunk)
            for (size_t p = from; p < to; p++)
                multiply_panel(k, input, m, c2s_smaller(rows * s->out[1], m + c->chunk), p, place);
}

/* Items: images, their blocks, and the parts of these. */
static void run_items(const void *context, size_t from, size_t to) {
    const task *k = context;
    char *work = k->work + (size_t)c2s_this_thread() *
                               c2s_integer_block_size(k->conv, k->conv->rows) *
                               c2s_integer_size(k->conv);
    for (size_t i = from; i < to; i++) {
        const size_t part = i % k->parts, block = i / k->parts;
        run_block(k, block / k->blocks, block % k->blocks, k->panels * part / k->parts,
                  k->panels * (part + 1) / k->parts, work);
    }
}

size_t c2s_integer_conv_work(const c2s_integer_conv *c, unsigned threads) {
    if (c->saturating)
        return c2s_saturating_conv_work(c->saturating, threads);
    return c->winograd ? c2s_integer_winograd_work(c->winograd, threads)
                       : c2s_integer_block_size(c, c->rows) * c2s_integer_size(c) * threads;
}

void c2s_integer_conv_run(const c2s_integer_conv *c, const void *in, bool is_signed, int zero,
                          const c2s_requantize *requantize, void *out, unsigned threads,
                          void *work) {
    const c2s_integer_shape *s = &c->shape;
    if (c->saturating) {
        c2s_saturating_conv_run(c->saturating, in, is_signed, zero, requantize, out, threads, work);
        return;
    }
    if (c->winograd) {
        c2s_integer_winograd_run(c->winograd, in, is_signed, zero, requantize, out, threads, work);
        return;
    }
    const size_t blocks = (s->out[0] + c->rows - 1) / c->rows,
                 panels = c->panels * (c->depthwise ? 1 : s->groups);
    /* Few blocks: threads share one, each with other columns. */
    const size_t wanted = threads > 1 ? (4 * threads - 1) / (s->batch * blocks) + 1 : 1;
    const task k = {.conv = c,
                    .in = in,
                    .is_signed = is_signed,
                    .zero = zero,
                    .requantize = requantize,
                    .out = out,
                    .element = c2s_dtype_bits(requantize->dtype) / 8,
                    .blocks = blocks,
                    .panels = panels,
                    .parts = c2s_smaller(wanted, panels),
                    .work = work};
    c2s_share(s->batch * blocks * k.parts, threads > 1, run_items, &k);
}
