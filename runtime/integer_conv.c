/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/integer_conv.h"

#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "base/threads.h"
#include "runtime/integer_dot.h"
#include "runtime/integer_winograd.h"

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

/* A widened block of the input should stay in the second-level cache. Where all weights do, what a
 * chunk of pixels reads of the block stays in the first. Integers. */
enum { BLOCK = 96 << 10, WEIGHTS = 128 << 10, CHUNK = 8 << 10 };

struct c2s_integer_conv {
    c2s_integer_shape shape;
    int64_t gain;
    c2s_integer_winograd *winograd; /* instead of all that follows; NULL: that */
    bool depthwise;
    size_t pixel, row; /* integers of one pixel, and of one row of the widened input */
    size_t channels;   /* of a group, inputs and outputs */
    size_t group_outputs;
    size_t taps, run, pairs; /* per tap 2 * pairs integers, of which `run` are used */
    ptrdiff_t *tap;
    size_t panels, panel; /* per group; integers of one */
    size_t rows;          /* output rows of a block */
    size_t chunk;         /* output pixels that are done for all panels before others are */
    size_t *place;        /* of the pixels of a block: where in it they start */
    bool narrow;          /* the weights are of int8_t, else of int16_t */
    void *weights;
};

static size_t round_up(size_t value, size_t unit) {
    return (value + unit - 1) / unit * unit;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* ---- geometry ---- */

/* Input rows that a block of so many output rows reads. */
static size_t rows_read(const c2s_integer_conv *c, size_t rows) {
    const c2s_integer_shape *s = &c->shape;
    return (rows - 1) * s->stride[0] + (s->kernel[0] - 1) * s->dilation[0] + 1;
}

/* Behind the last row, a tile may read a little more. */
static size_t block_size(const c2s_integer_conv *c, size_t rows) {
    return round_up(rows_read(c, rows) * c->row + 2 * COLUMNS, 64);
}

/* Without holes in a row of the window, its pixels are one run. */
static void set_taps(c2s_integer_conv *c) {
    const c2s_integer_shape *s = &c->shape;
    bool joined = s->groups == 1 && (s->dilation[1] == 1 || s->kernel[1] == 1);
    size_t across = joined ? 1 : s->kernel[1];
    c->taps = s->kernel[0] * across;
    c->run = joined ? s->kernel[1] * c->channels : c->channels;
    c->pairs = (c->run + 1) / 2;
    c->tap = c2s_alloc_array(c->taps, sizeof *c->tap);
    for (size_t y = 0; y < s->kernel[0]; y++)
        for (size_t x = 0; x < across; x++)
            c->tap[y * across + x] =
                (ptrdiff_t)(y * s->dilation[0] * c->row + x * s->dilation[1] * c->pixel);
}

static void set_places(c2s_integer_conv *c) {
    const c2s_integer_shape *s = &c->shape;
    c->place = c2s_alloc_array(c->rows * s->out[1], sizeof *c->place);
    for (size_t y = 0; y < c->rows; y++)
        for (size_t x = 0; x < s->out[1]; x++)
            c->place[y * s->out[1] + x] = y * s->stride[0] * c->row + x * s->stride[1] * c->pixel;
}

static void set_geometry(c2s_integer_conv *c) {
    const c2s_integer_shape *s = &c->shape;
    c->channels = s->inputs / s->groups;
    c->group_outputs = s->outputs / s->groups;
    c->depthwise = s->groups > 1 && c->channels == 1 && c->group_outputs == 1;
    c->pixel = c->depthwise ? round_up(s->inputs, COLUMNS) : s->inputs;
    size_t reach = (s->out[1] - 1) * s->stride[1] + (s->kernel[1] - 1) * s->dilation[1] + 1;
    c->row = reach * c->pixel;
    set_taps(c);
    c->panels = c->depthwise ? c->pixel / COLUMNS : round_up(c->group_outputs, COLUMNS) / COLUMNS;
    c->panel = (c->depthwise ? round_up(c->taps, 2) : c->taps * c->pairs * 2) * COLUMNS;
    c->rows = s->out[0];
    while (c->rows > 1 && block_size(c, c->rows) > BLOCK)
        c->rows = (c->rows + 1) / 2;
    c->chunk = c->panels * c->panel <= WEIGHTS
                   ? round_up(CHUNK / (c->taps * c->run) + 1, C2S_DOT_ROWS)
                   : c->rows * s->out[1];
    set_places(c);
}

/* ---- weights ---- */

int c2s_integer_weight(const c2s_integer_weights *w, size_t output, size_t input, size_t y,
                       size_t x) {
    size_t at =
        output * w->stride_output + input * w->stride_input + y * w->stride[0] + x * w->stride[1];
    int code = w->is_signed ? ((const int8_t *)w->codes)[at] : ((const uint8_t *)w->codes)[at];
    return code - (w->zero ? w->zero[output] : 0);
}

/* Weight number `k` of tap `t`. */
static int tap_weight(const c2s_integer_conv *c, const c2s_integer_weights *w, size_t output,
                      size_t t, size_t k) {
    const size_t across = c->taps / c->shape.kernel[0];
    return c2s_integer_weight(w, output, k % c->channels, t / across,
                              across == 1 ? k / c->channels : t % across);
}

static void pack_column(c2s_integer_conv *c, const c2s_integer_weights *w, size_t output,
                        size_t panel, size_t column) {
    for (size_t t = 0; t < c->taps; t++)
        for (size_t k = 0; k < c->run; k++) {
            const size_t at =
                panel * c->panel + ((t * c->pairs + k / 2) * COLUMNS + column) * 2 + k % 2;
            const int value = tap_weight(c, w, output, t, k);
            if (c->narrow)
                ((int8_t *)c->weights)[at] = (int8_t)value;
            else
                ((int16_t *)c->weights)[at] = (int16_t)value;
        }
}

static void pack_depthwise(c2s_integer_conv *c, const c2s_integer_weights *w, size_t output) {
    int16_t *panel = (int16_t *)c->weights + output / COLUMNS * c->panel;
    for (size_t t = 0; t < c->taps; t++)
        panel[(t / 2 * COLUMNS + c2s_dot_place(output % COLUMNS)) * 2 + t % 2] =
            (int16_t)tap_weight(c, w, output, t, 0);
}

/* Sets the gain, and whether weights have 8 bits. */
static void measure_weights(c2s_integer_conv *c, const c2s_integer_weights *w) {
    const c2s_integer_shape *s = &c->shape;
    int64_t most = 0;
    int low = 0, high = 0;
#pragma omp parallel for reduction(max : most, high) reduction(min : low) if (s->outputs > 128)
    for (size_t o = 0; o < s->outputs; o++) {
        int64_t gain = 0;
        for (size_t i = 0; i < s->inputs / s->groups; i++)
            for (size_t y = 0; y < s->kernel[0]; y++)
                for (size_t x = 0; x < s->kernel[1]; x++) {
                    const int value = c2s_integer_weight(w, o, i, y, x);
                    gain += abs(value);
                    low = value < low ? value : low;
                    high = value > high ? value : high;
                }
        most = gain > most ? gain : most;
    }
    c->gain = most;
    c->narrow = low >= INT8_MIN && high <= INT8_MAX;
}

static c2s_status pack(c2s_integer_conv *c, const c2s_integer_weights *w) {
    const c2s_integer_shape *s = &c->shape;
    size_t count = (c->depthwise ? 1 : s->groups) * c->panels, size;
    c->narrow = c->narrow && !c->depthwise;
    if (!c2s_mul_size(count, c->panel * (c->narrow ? sizeof(int8_t) : sizeof(int16_t)), &size))
        return c2s_fail(C2S_ERR_MEMORY, "weights are too large to be packed");
    c->weights = c2s_try_alloc_aligned(size);
    if (!c->weights)
        return c2s_fail_alloc(1, size);
    memset(c->weights, 0, size);
    if (c->depthwise) {
        for (size_t o = 0; o < s->outputs; o++)
            pack_depthwise(c, w, o);
        return C2S_OK;
    }
#pragma omp parallel for if (size > 1 << 16)
    for (size_t o = 0; o < s->outputs; o++) {
        size_t group = o / c->group_outputs, column = o % c->group_outputs;
        pack_column(c, w, o, group * c->panels + column / COLUMNS, column % COLUMNS);
    }
    return C2S_OK;
}

c2s_status c2s_integer_conv_create(const c2s_integer_shape *shape, const c2s_integer_weights *w,
                                   c2s_integer_conv **out) {
    c2s_integer_conv *c = c2s_zalloc(sizeof *c);
    c->shape = *shape;
    measure_weights(c, w);
    c2s_status status;
    if (c2s_integer_winograd_serves(shape, c->gain)) {
        status = c2s_integer_winograd_create(shape, w, c->narrow, &c->winograd);
    } else {
        set_geometry(c);
        status = pack(c, w);
    }
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
    free(c->tap);
    free(c->place);
    free(c->weights);
    free(c);
}

int64_t c2s_integer_conv_gain(const c2s_integer_conv *c) {
    return c->gain;
}

/* ---- running ---- */

typedef struct task {
    const c2s_integer_conv *conv;
    const uint8_t *in;
    bool is_signed;
    int zero;
    const c2s_requantize *requantize;
    char *out;
    size_t element; /* bytes of the output's */
} task;

/* Pixels of an input row with their channels, rounded up where columns come in blocks. */
static void widen_pixels(const task *k, const uint8_t *from, size_t count, int16_t *to) {
    const c2s_integer_conv *c = k->conv;
    size_t inputs = c->shape.inputs;
    if (c->pixel == inputs) {
        c2s_widen(from, k->is_signed, k->zero, count * inputs, to);
        return;
    }
    for (size_t x = 0; x < count; x++, from += inputs, to += c->pixel) {
        c2s_widen(from, k->is_signed, k->zero, inputs, to);
        memset(to + inputs, 0, (c->pixel - inputs) * sizeof *to);
    }
}

static void widen_row(const task *k, size_t image, ptrdiff_t y, int16_t *to) {
    const c2s_integer_conv *c = k->conv;
    const c2s_integer_shape *s = &c->shape;
    const size_t reach = c->row / c->pixel, left = smaller(s->pad[1], reach),
                 count = smaller(s->in[1], reach - left), right = reach - left - count;
    if (y < 0 || y >= (ptrdiff_t)s->in[0]) {
        memset(to, 0, c->row * sizeof *to);
        return;
    }
    memset(to, 0, left * c->pixel * sizeof *to);
    widen_pixels(k, k->in + (image * s->in[0] + (size_t)y) * s->in[1] * s->inputs, count,
                 to + left * c->pixel);
    memset(to + (left + count) * c->pixel, 0, right * c->pixel * sizeof *to);
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

static void widen_block(const task *k, size_t image, size_t first, size_t rows, int16_t *block) {
    const c2s_integer_conv *c = k->conv;
    const c2s_integer_shape *s = &c->shape;
    size_t count = rows_read(c, rows);
    if (is_whole(c))
        widen_pixels(k, k->in + (image * s->in[0] + first) * s->in[1] * s->inputs, rows * s->in[1],
                     block);
    for (size_t i = 0; i < count && !is_whole(c); i++)
        if (is_read(s, i))
            widen_row(k, image, (ptrdiff_t)(first * s->stride[0] + i) - (ptrdiff_t)s->pad[0],
                      block + i * c->row);
    memset(block + count * c->row, 0, (block_size(c, rows) - count * c->row) * sizeof *block);
}

/* Pixels of a block, with the weights of one panel. */
static void multiply_panel(const task *k, const int16_t *block, size_t from, size_t to,
                           size_t panel, size_t place) {
    const c2s_integer_conv *c = k->conv;
    const size_t group = panel / c->panels, column = panel % c->panels * COLUMNS,
                 channel = group * c->group_outputs + column,
                 columns = smaller(c->group_outputs - column, COLUMNS), stride = c->shape.outputs;
    const c2s_dot dot = {c->tap, c->taps, c->pairs, c->narrow};
    c2s_dot_panel(&dot, block + group * c->channels, c->place + from, to - from,
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
                              smaller(outputs - channel, COLUMNS),
                              k->out + ((place + m) * outputs + channel) * k->element, outputs);
        }
}

static void run_block(const task *k, size_t image, size_t block, size_t from, size_t to,
                      int16_t *work) {
    const c2s_integer_conv *c = k->conv;
    const c2s_integer_shape *s = &c->shape;
    const size_t first = block * c->rows, rows = smaller(s->out[0] - first, c->rows),
                 place = (image * s->out[0] + first) * s->out[1];
    widen_block(k, image, first, rows, work);
    if (c->depthwise)
        multiply_depthwise(k, work, rows, from, to, place);
    else
        for (size_t m = 0; m < rows * s->out[1]; m += c->chunk)
            for (size_t p = from; p < to; p++)
                multiply_panel(k, work, m, smaller(rows * s->out[1], m + c->chunk), p, place);
}

size_t c2s_integer_conv_work(const c2s_integer_conv *c, unsigned threads) {
    return c->winograd ? c2s_integer_winograd_work(c->winograd, threads)
                       : block_size(c, c->rows) * sizeof(int16_t) * threads;
}

void c2s_integer_conv_run(const c2s_integer_conv *c, const void *in, bool is_signed, int zero,
                          const c2s_requantize *requantize, void *out, unsigned threads,
                          void *work) {
    const c2s_integer_shape *s = &c->shape;
    if (c->winograd) {
        c2s_integer_winograd_run(c->winograd, in, is_signed, zero, requantize, out, threads, work);
        return;
    }
    const task k = {c, in, is_signed, zero, requantize, out, c2s_dtype_bits(requantize->dtype) / 8};
    const size_t blocks = (s->out[0] + c->rows - 1) / c->rows,
                 panels = c->panels * (c->depthwise ? 1 : s->groups);
    /* Few blocks: threads share one, each with other columns. */
    const size_t wanted = threads > 1 ? (4 * threads - 1) / (s->batch * blocks) + 1 : 1,
                 parts = smaller(wanted, panels), items = s->batch * blocks * parts;
    const size_t one = block_size(c, c->rows);
#pragma omp parallel for schedule(dynamic) num_threads((int)threads) if (threads > 1)
    for (size_t i = 0; i < items; i++) {
        const size_t part = i % parts, block = i / parts % blocks, image = i / parts / blocks;
        run_block(&k, image, block, panels * part / parts, panels * (part + 1) / parts,
                  (int16_t *)work + (size_t)c2s_this_thread() * one);
    }
}
