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

static int weight_at(const c2s_integer_weights *w, size_t output, size_t at) {
    const int code =
        w->is_signed ? ((const int8_t *)w->codes)[at] : ((const uint8_t *)w->codes)[at];
    return code - (w->zero ? w->zero[output] : 0);
}

int c2s_integer_weight(const c2s_integer_weights *w, size_t output, size_t input, size_t y,
                       size_t x) {
    return weight_at(w, output,
                     output * w->stride_output + input * w->stride_input + y * w->stride[0] +
                         x * w->stride[1]);
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
    const c2s_integer_weights *w = m->weights;
    for (size_t o = from; o < to; o++) {
        extent e = {0};
        for (size_t y = 0; y < s->kernel[0]; y++)
            for (size_t x = 0; x < s->kernel[1]; x++) {
                const size_t at = o * w->stride_output + y * w->stride[0] + x * w->stride[1];
                for (size_t i = 0; i < s->inputs / s->groups; i++) {
                    const int value = weight_at(w, o, at + i * w->stride_input);
                    e.gain += abs(value);
                    e.low = value < e.low ? value : e.low;
                    e.high = value > e.high ? value : e.high;
                }
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

/* Returns the sum of the output's weights. Taps are whole rows of the window, or places. */
static int32_t pack_column(c2s_integer_conv *c, const c2s_integer_weights *w, size_t output,
                           size_t panel, size_t column) {
    const size_t across = c->taps / c->shape.kernel[0];
    int32_t total = 0;
    for (size_t t = 0; t < c->taps; t++) {
        size_t from =
            output * w->stride_output + t / across * w->stride[0] + t % across * w->stride[1];
        size_t to = panel * c->panel + (t * c->steps * COLUMNS + column) * c->step;
        for (size_t k = 0, channel = 0, part = 0; k < c->run; k++) {
            const int value = weight_at(w, output, from + channel * w->stride_input);
            total += value;
            if (c->narrow)
                ((int8_t *)c->weights)[to + part] = (int8_t)value;
            else
                ((int16_t *)c->weights)[to + part] = (int16_t)value;
            if (++channel == c->channels) {
                channel = 0;
                from += w->stride[1];
            }
            if (++part == c->step) {
                part = 0;
                to += COLUMNS * c->step;
            }
        }
    }
    return total;
}

static void pack_depthwise(c2s_integer_conv *c, const c2s_integer_weights *w, size_t output) {
    const size_t across = c->taps / c->shape.kernel[0];
    int16_t *panel = (int16_t *)c->weights + output / COLUMNS * c->panel;
    for (size_t t = 0; t < c->taps; t++)
        panel[(t / 2 * COLUMNS + c2s_dot_place(output % COLUMNS)) * 2 + t % 2] =
            (int16_t)c2s_integer_weight(w, output, 0, t / across, t % across);
}

/* ---- repeats of C2S_DOT_BYTES ---- */

enum { STEP_WEIGHTS = 4 * C2S_DOT_COLUMNS };

/* What a pair has more than an instruction can bear. */
static int excess(const int8_t *pair) {
    const int sum = pair[0] + pair[1];
    return sum > 128 ? sum - 128 : sum < -128 ? sum + 128 : 0;
}

static bool has_excess(const int8_t *weights) {
    for (size_t k = 0; k < STEP_WEIGHTS; k += 2)
        if (excess(weights + k) != 0)
            return true;
    return false;
}

/* It fits the second weight alone, whose sign it has. */
static void move_excess(int8_t *weights, int8_t *rest) {
    for (size_t k = 0; k < STEP_WEIGHTS; k += 2) {
        const int much = excess(weights + k);
        weights[k + 1] = (int8_t)(weights[k + 1] - much);
        rest[k + 1] = (int8_t)much;
    }
}

static void set_repeats(c2s_integer_conv *c, size_t panels) {
    const size_t steps = c->taps * c->steps;
    int8_t *weights = c->weights;
    size_t count = 0;
    for (size_t s = 0; s < panels * steps; s++)
        count += has_excess(weights + s * STEP_WEIGHTS);
    c->repeat = c2s_alloc_array(panels + 1, sizeof *c->repeat);
    c->repeat_at = c2s_alloc_array(count + 1, sizeof *c->repeat_at);
    c->repeat_weights = c2s_zalloc((count + 1) * STEP_WEIGHTS);
    count = 0;
    for (size_t p = 0; p < panels; p++) {
        c->repeat[p] = count;
        for (size_t s = 0; s < steps; s++, weights += STEP_WEIGHTS)
            if (has_excess(weights)) {
                c->repeat_at[count] = c->tap[s / c->steps] + (ptrdiff_t)(s % c->steps * c->step);
                move_excess(weights, c->repeat_weights + count++ * STEP_WEIGHTS);
            }
    }
    c->repeat[panels] = count;
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
        const int32_t total =
            pack_column(c, p->weights, o, group * c->panels + column / COLUMNS, column % COLUMNS);
        if (c->kind == C2S_DOT_BYTES)
            c->total[o] = total;
    }
}

c2s_status c2s_integer_weights_pack(c2s_integer_conv *c, const c2s_integer_weights *w) {
    const c2s_integer_shape *s = &c->shape;
    size_t count = (c->depthwise ? 1 : s->groups) * c->panels, size;
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
    if (c->kind == C2S_DOT_BYTES)
        c->total = c2s_zalloc((s->outputs + COLUMNS) * sizeof *c->total);
    const packing p = {c, w};
    c2s_share(s->outputs, size > 1 << 16, pack_columns, &p);
    if (c->kind == C2S_DOT_BYTES)
        set_repeats(c, count);
    return C2S_OK;
}

void c2s_integer_weights_free(c2s_integer_conv *c) {
    free(c->weights);
    free(c->repeat);
    free(c->repeat_at);
    free(c->repeat_weights);
    free(c->total);
    c->weights = c->repeat_weights = NULL;
    c->repeat = NULL;
    c->repeat_at = NULL;
    c->total = NULL;
}
