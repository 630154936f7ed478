/* SPDX-License-Identifier: Apache-2.0
 *
 * The weights of convolutions of integers: how large they are, and how they lie.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "runtime/integer_blocks.h"

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

int c2s_integer_weight(const c2s_integer_weights *w, size_t output, size_t input, size_t y,
                       size_t x) {
    size_t at =
        output * w->stride_output + input * w->stride_input + y * w->stride[0] + x * w->stride[1];
    int code = w->is_signed ? ((const int8_t *)w->codes)[at] : ((const uint8_t *)w->codes)[at];
    return code - (w->zero ? w->zero[output] : 0);
}

/* ---- measuring ---- */

typedef struct extent {
    int64_t gain;
    int low, high;
} extent;

typedef struct measurement {
    const c2s_integer_shape *shape;
    const c2s_integer_weights *weights;
    extent *of; /* per output */
} measurement;

static void measure_outputs(const void *context, size_t from, size_t to) {
    const measurement *m = context;
    const c2s_integer_shape *s = m->shape;
    for (size_t o = from; o < to; o++) {
        extent e = {0};
        for (size_t i = 0; i < s->inputs / s->groups; i++)
            for (size_t y = 0; y < s->kernel[0]; y++)
                for (size_t x = 0; x < s->kernel[1]; x++) {
                    const int value = c2s_integer_weight(m->weights, o, i, y, x);
                    e.gain += abs(value);
                    e.low = value < e.low ? value : e.low;
                    e.high = value > e.high ? value : e.high;
                }
        m->of[o] = e;
    }
}

void c2s_integer_weights_measure(c2s_integer_conv *c, const c2s_integer_weights *w) {
    const size_t outputs = c->shape.outputs;
    const measurement m = {&c->shape, w, c2s_alloc_array(outputs, sizeof *m.of)};
    c2s_share(outputs, outputs > 128, measure_outputs, &m);
    c->gain = 0;
    c->narrow = true;
    for (size_t o = 0; o < outputs; o++) {
        c->gain = m.of[o].gain > c->gain ? m.of[o].gain : c->gain;
        c->narrow = c->narrow && m.of[o].low >= INT8_MIN && m.of[o].high <= INT8_MAX;
    }
    free(m.of);
}

/* ---- packing ---- */

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

typedef struct packing {
    c2s_integer_conv *conv;
    const c2s_integer_weights *weights;
} packing;

static void pack_columns(const void *context, size_t from, size_t to) {
    const packing *p = context;
    c2s_integer_conv *c = p->conv;
    for (size_t o = from; o < to; o++) {
        size_t group = o / c->group_outputs, column = o % c->group_outputs;
        pack_column(c, p->weights, o, group * c->panels + column / COLUMNS, column % COLUMNS);
    }
}

c2s_status c2s_integer_weights_pack(c2s_integer_conv *c, const c2s_integer_weights *w) {
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
    const packing p = {c, w};
    c2s_share(s->outputs, size > 1 << 16, pack_columns, &p);
    return C2S_OK;
}
