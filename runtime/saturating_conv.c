/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/saturating_conv.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "runtime/saturating_dot.h"

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

/* Pixels whose windows are gathered at a time. */
enum { PIXELS = 32 };

struct c2s_saturating_conv {
    c2s_integer_shape shape;
    size_t channels, outputs; /* of a group */
    size_t tap;               /* bytes of a window's position: channels, and what fills up pairs */
    size_t terms, quads;      /* of a window */
    size_t panels;            /* per group */
    int8_t *weights;          /* [groups, panels, quads, COLUMNS, C2S_QUAD] */
    int32_t *sum, *zero;      /* [groups, panels, COLUMNS]: of the weights; zero NULL: all are 0 */
    int64_t gain;
};

bool c2s_saturating_conv_serves(const c2s_integer_shape *s, const c2s_integer_weights *w) {
    return w->is_signed && (s->inputs != s->groups || s->outputs != s->groups);
}

/* ---- making ---- */

static int raw_weight(const c2s_integer_weights *w, size_t output, size_t input, size_t y,
                      size_t x) {
    return ((const int8_t *)w->codes)[output * w->stride_output + input * w->stride_input +
                                      y * w->stride[0] + x * w->stride[1]];
}

static void pack_output(c2s_saturating_conv *c, const c2s_integer_weights *w, size_t output) {
    const c2s_integer_shape *s = &c->shape;
    const size_t panel = output / c->outputs * c->panels + output % c->outputs / COLUMNS,
                 column = output % c->outputs % COLUMNS, at = panel * COLUMNS + column;
    int8_t *to = c->weights + panel * c->quads * COLUMNS * C2S_QUAD;
    int64_t gain = 0, sum = 0;
    for (size_t t = 0; t < s->kernel[0] * s->kernel[1]; t++)
        for (size_t i = 0; i < c->channels; i++) {
            const int value = raw_weight(w, output, i, t / s->kernel[1], t % s->kernel[1]);
            const size_t k = t * c->tap + i;
            to[(k / C2S_QUAD * COLUMNS + column) * C2S_QUAD + k % C2S_QUAD] = (int8_t)value;
            gain += abs(value);
            sum += value;
        }
    c->sum[at] = (int32_t)sum;
    if (c->zero)
        c->zero[at] = w->zero[output];
    /* Saturated sums are no larger than the sums of magnitudes, nor is what zero points add. */
    gain = 2 * gain + (c->zero ? llabs(w->zero[output]) * (int64_t)c->terms : 0);
    c->gain = gain > c->gain ? gain : c->gain;
}

static bool has_zeros(const c2s_integer_shape *s, const c2s_integer_weights *w) {
    for (size_t o = 0; w->zero && o < s->outputs; o++)
        if (w->zero[o] != 0)
            return true;
    return false;
}

static c2s_status allocate(c2s_saturating_conv *c, bool zeros) {
    const size_t panels = c->shape.groups * c->panels, columns = panels * COLUMNS;
    size_t size;
    if (!c2s_mul_size(columns, c->quads * C2S_QUAD, &size))
        return c2s_fail(C2S_ERR_MEMORY, "weights are too large to be packed");
    c->weights = c2s_try_alloc_aligned(size);
    if (!c->weights)
        return c2s_fail_alloc(1, size);
    memset(c->weights, 0, size);
    c->sum = c2s_zalloc(columns * sizeof *c->sum);
    c->zero = zeros ? c2s_zalloc(columns * sizeof *c->zero) : NULL;
    return C2S_OK;
}

c2s_status c2s_saturating_conv_create(const c2s_integer_shape *s, const c2s_integer_weights *w,
                                      c2s_saturating_conv **out) {
    c2s_saturating_conv *c = c2s_zalloc(sizeof *c);
    c->shape = *s;
    c->channels = s->inputs / s->groups;
    c->outputs = s->outputs / s->groups;
    c->tap = s->pairing == C2S_PAIRS_OF_TAPS ? (c->channels + 1) / 2 * 2 : c->channels;
    c->terms = s->kernel[0] * s->kernel[1] * c->channels;
    c->quads = c2s_quads_of(s->kernel[0] * s->kernel[1] * c->tap);
    c->panels = (c->outputs + COLUMNS - 1) / COLUMNS;
    c2s_status status = allocate(c, has_zeros(s, w));
    for (size_t o = 0; o < s->outputs && status == C2S_OK; o++)
        pack_output(c, w, o);
    if (status != C2S_OK) {
        c2s_saturating_conv_destroy(c);
        c = NULL;
    }
    *out = c;
    return status;
}

void c2s_saturating_conv_destroy(c2s_saturating_conv *c) {
    if (!c)
        return;
    free(c->weights);
    free(c->sum);
    free(c->zero);
    free(c);
}

int64_t c2s_saturating_conv_gain(const c2s_saturating_conv *c) {
    return c->gain;
}

/* ---- running ---- */

typedef struct task {
    const c2s_saturating_conv *conv;
    const uint8_t *in;
    uint8_t flip; /* the sign bit of signed inputs: adds 128 */
    int zero;
    const c2s_requantize *requantize;
    char *out;
    size_t element; /* bytes of the output's */
    size_t chunks;  /* of an image's pixels */
    uint8_t *work;  /* PIXELS windows per thread */
} task;

static void copy_codes(const task *k, const uint8_t *from, uint8_t *to) {
    const size_t count = k->conv->channels;
    if (!k->flip)
        memcpy(to, from, count);
    for (size_t i = 0; k->flip && i < count; i++)
        to[i] = from[i] ^ k->flip;
}

/* What output pixel `pixel` of a group sees; what fills up is 0. */
static void gather(const task *k, size_t image, size_t pixel, size_t group, uint8_t *to) {
    const c2s_saturating_conv *c = k->conv;
    const c2s_integer_shape *s = &c->shape;
    memset(to, 0, c->quads * C2S_QUAD);
    for (size_t y = 0; y < s->kernel[0]; y++)
        for (size_t x = 0; x < s->kernel[1]; x++, to += c->tap) {
            const size_t row = pixel / s->out[1] * s->stride[0] + y * s->dilation[0] - s->pad[0],
                         column = pixel % s->out[1] * s->stride[1] + x * s->dilation[1] - s->pad[1];
            if (row < s->in[0] && column < s->in[1])
                copy_codes(k,
                           k->in + ((image * s->in[0] + row) * s->in[1] + column) * s->inputs +
                               group * c->channels,
                           to);
            else
                memset(to, k->zero, c->channels);
        }
}

static void multiply_group(const task *k, size_t first, size_t pixels, size_t group,
                           const uint8_t *left) {
    const c2s_saturating_conv *c = k->conv;
    const size_t row = c->quads * C2S_QUAD;
    int32_t sums[PIXELS * C2S_DOT_COLUMNS];
    for (size_t p = 0; p < c->panels; p++) {
        const size_t panel = group * c->panels + p, column = p * COLUMNS,
                     channel = group * c->outputs + column,
                     columns = c->outputs - column < COLUMNS ? c->outputs - column : COLUMNS;
        const c2s_saturating_zeros zeros = {k->zero, (int32_t)c->terms,
                                            c->zero ? c->zero + panel * COLUMNS : NULL,
                                            c->sum + panel * COLUMNS};
        c2s_saturating_dot(left, row, pixels, c->weights + panel * row * COLUMNS, c->quads, sums);
        c2s_saturating_correct(&zeros, left, row, pixels, sums);
        c2s_requantize_rows(k->requantize, sums, pixels, channel, columns,
                            k->out + (first * c->shape.outputs + channel) * k->element,
                            c->shape.outputs);
    }
}

static void run_chunks(const void *context, size_t from, size_t to) {
    const task *k = context;
    const c2s_integer_shape *s = &k->conv->shape;
    const size_t row = k->conv->quads * C2S_QUAD, all = s->out[0] * s->out[1];
    uint8_t *left = k->work + (size_t)c2s_this_thread() * PIXELS * row;
    for (size_t i = from; i < to; i++) {
        const size_t image = i / k->chunks, first = i % k->chunks * PIXELS,
                     pixels = all - first < PIXELS ? all - first : PIXELS;
        for (size_t group = 0; group < s->groups; group++) {
            for (size_t p = 0; p < pixels; p++)
                gather(k, image, first + p, group, left + p * row);
            multiply_group(k, image * all + first, pixels, group, left);
        }
    }
}

size_t c2s_saturating_conv_work(const c2s_saturating_conv *c, unsigned threads) {
    return PIXELS * c->quads * C2S_QUAD * threads;
}

void c2s_saturating_conv_run(const c2s_saturating_conv *c, const void *in, bool is_signed, int zero,
                             const c2s_requantize *requantize, void *out, unsigned threads,
                             void *work) {
    const task k = {.conv = c,
                    .in = in,
                    .flip = is_signed ? 0x80 : 0,
                    .zero = is_signed ? zero + 128 : zero,
                    .requantize = requantize,
                    .out = out,
                    .element = c2s_dtype_bits(requantize->dtype) / 8,
                    .chunks = (c->shape.out[0] * c->shape.out[1] + PIXELS - 1) / PIXELS,
                    .work = work};
    c2s_share(c->shape.batch * k.chunks, threads > 1, run_chunks, &k);
}
