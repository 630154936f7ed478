/* SPDX-License-Identifier: Apache-2.0
 *
 * MaxPool, AveragePool and their global forms on integers, with channels last.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/simd.h"
#include "base/threads.h"
#include "runtime/integer_dot.h"
#include "runtime/layout.h"
#include "runtime/quantized.h"
#include "runtime/quantized_window.h"

/* Below this many elements one thread is faster. */
#define PARALLEL_ELEMENTS 65536
enum { CHUNK = 256 }; /* channels at a time */

typedef struct pool {
    c2s_integer_shape shape;
    bool average, counts_padding, is_signed;
    int zero, result_zero;
    float factor; /* of a sum, before it is divided by the number of elements */
    float low, high;
} pool;

/* ---- operands ---- */

static bool set_global(const c2s_type *x, c2s_integer_shape *s) {
    if (x->rank < 3 || x->rank > 4)
        return false;
    for (int i = 0; i < 2; i++) {
        int axis = i + x->rank - 2;
        s->in[i] = s->kernel[i] = axis >= 2 ? (size_t)x->dim[axis] : 1;
        s->out[i] = s->stride[i] = s->dilation[i] = 1;
    }
    return true;
}

/* Every window meets the input, and the padding that is counted is that of `pads` alone. */
static bool is_regular(const c2s_window *w, bool counts_padding) {
    for (int i = 0; i < w->rank; i++) {
        int64_t last = (w->out[i] - 1) * w->stride[i] - w->pad_begin[i];
        int64_t used = c2s_window_used_pad_end(w, i);
        if (w->pad_begin[i] >= w->kernel[i] || last >= w->in[i] ||
            (w->dilation[i] > 1 && (w->pad_begin[i] > 0 || used > 0)) ||
            (counts_padding && used > w->pad_end[i]))
            return false;
    }
    return true;
}

static bool set_window(const c2s_step *step, const c2s_type *x, bool counts_padding,
                       c2s_integer_shape *s) {
    c2s_window w;
    if (c2s_window_of(step->node, false, x, NULL, &w) != C2S_OK) {
        c2s_error_clear();
        return false;
    }
    for (int i = 0; i < w.rank; i++)
        if (w.out[i] != step->out[0]->type.dim[i + 2])
            return false;
    return is_regular(&w, counts_padding) && c2s_quantized_window(&w, s);
}

/* The largest of integers is one of them: they are not scaled anew. */
static bool keeps_codes(const c2s_step *step) {
    const c2s_quantized *q = step->quantized;
    return q->x[0].scale[0] == q->scale && c2s_codes_zero(&q->x[0], 0) == q->zero &&
           q->x[0].slot->type.dtype == step->out[0]->type.dtype;
}

static bool describe(const c2s_step *step, pool *p) {
    const c2s_quantized *q = step->quantized;
    const c2s_node *node = step->node;
    size_t count;
    if (!q->requantizes || !c2s_quantized_is_plain(step, 0) || node->output_count != 1)
        return false;
    const c2s_type *x = &q->x[0].slot->type, *y = &step->out[0]->type;
    bool global = strstr(node->type, "Global") != NULL;
    *p = (pool){.average = strstr(node->type, "Average") != NULL,
                .is_signed = x->dtype == C2S_INT8,
                .zero = c2s_codes_zero(&q->x[0], 0),
                .result_zero = q->zero,
                .factor = q->x[0].scale[0] / q->scale};
    p->counts_padding = p->average && c2s_attr_int(node, "count_include_pad", 0) != 0;
    if (x->rank < 3 || y->rank != x->rank || !c2s_type_elements(x, &count) || count == 0 ||
        !c2s_type_elements(y, &count) || count == 0 || (!p->average && !keeps_codes(step)))
        return false;
    p->shape.batch = (size_t)x->dim[0];
    p->shape.inputs = p->shape.outputs = (size_t)x->dim[1];
    c2s_quantized_bounds(step, &p->low, &p->high);
    return (global ? set_global(x, &p->shape)
                   : set_window(step, x, p->counts_padding, &p->shape)) &&
           p->shape.kernel[0] * p->shape.kernel[1] < (size_t)1 << 22;
}

static bool pool_accepts(const c2s_step *step) {
    pool p;
    return describe(step, &p);
}

static c2s_status pool_prepare(c2s_step *step) {
    pool p;
    c2s_layout layout;
    if (!describe(step, &p))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    C2S_TRY(c2s_channels_last(&step->in[0]->base->type, &layout));
    c2s_status status = c2s_step_take(step, 0, layout.md);
    c2s_md_free(layout.md);
    C2S_TRY(status);
    C2S_TRY(c2s_channels_last(&step->out[0]->type, &layout));
    status = c2s_step_give(step, 0, layout.md);
    c2s_md_free(layout.md);
    C2S_TRY(status);
    pool *state = c2s_alloc(sizeof *state);
    *state = p;
    step->state = state;
    return C2S_OK;
}

/* ---- windows ---- */

/* The input positions of one window on an axis: begin, begin + dilation, .. before end. */
typedef struct span {
    size_t begin, end, step;
} span;

static span span_of(const c2s_integer_shape *s, int axis, size_t out) {
    const ptrdiff_t step = (ptrdiff_t)s->dilation[axis];
    ptrdiff_t begin = (ptrdiff_t)(out * s->stride[axis]) - (ptrdiff_t)s->pad[axis];
    ptrdiff_t end = begin + (ptrdiff_t)(s->kernel[axis] - 1) * step + 1;
    while (begin < 0)
        begin += step;
    end = end < (ptrdiff_t)s->in[axis] ? end : (ptrdiff_t)s->in[axis];
    return (span){(size_t)begin, (size_t)end, (size_t)step};
}

static size_t span_count(const span *s) {
    return (s->end - s->begin + s->step - 1) / s->step;
}

/* ---- loops over channels ---- */

C2S_INLINE void most_loop(const uint8_t *restrict x, size_t count, uint8_t flip,
                          uint8_t *restrict y) {
    for (size_t c = 0; c < count; c++) { /* signed ones are ordered as unsigned with another sign */
        uint8_t a = x[c] ^ flip, b = y[c] ^ flip;
        y[c] = (a > b ? a : b) ^ flip;
    }
}
C2S_SIMD(most, most_loop, (const uint8_t *x, size_t count, uint8_t flip, uint8_t *y),
         (x, count, flip, y))

C2S_INLINE void sum_loop(const int16_t *restrict x, size_t count, int32_t *restrict sum) {
    for (size_t c = 0; c < count; c++)
        sum[c] += x[c];
}
C2S_SIMD(add_to_sums, sum_loop, (const int16_t *x, size_t count, int32_t *sum), (x, count, sum))

C2S_INLINE void requantize_loop(const int32_t *restrict sum, size_t count, float factor, float low,
                                float high, int16_t zero, int16_t *restrict out) {
    for (size_t c = 0; c < count; c++) {
        float v = (float)sum[c] * factor;
        v = v < high ? v : high;
        v = v > low ? v : low;
        out[c] = (int16_t)((int16_t)(int32_t)rintf(v) + zero);
    }
}
C2S_SIMD(requantize, requantize_loop,
         (const int32_t *sum, size_t count, float factor, float low, float high, int16_t zero,
          int16_t *out),
         (sum, count, factor, low, high, zero, out))

static void largest_pixel(const pool *p, const uint8_t *image, const span *rows,
                          const span *columns, uint8_t *out) {
    const size_t channels = p->shape.inputs;
    bool first = true;
    for (size_t y = rows->begin; y < rows->end; y += rows->step)
        for (size_t x = columns->begin; x < columns->end; x += columns->step) {
            const uint8_t *from = image + (y * p->shape.in[1] + x) * channels;
            if (first)
                memcpy(out, from, channels);
            else
                most(from, channels, p->is_signed ? 0x80 : 0, out);
            first = false;
        }
}

static void average_channels(const pool *p, const uint8_t *image, const span *rows,
                             const span *columns, size_t count, size_t elements, uint8_t *out) {
    int32_t sums[CHUNK] = {0};
    int16_t wide[CHUNK];
    for (size_t y = rows->begin; y < rows->end; y += rows->step)
        for (size_t x = columns->begin; x < columns->end; x += columns->step) {
            c2s_widen(image + (y * p->shape.in[1] + x) * p->shape.inputs, p->is_signed, p->zero,
                      count, wide);
            add_to_sums(wide, count, sums);
        }
    requantize(sums, count, p->factor / (float)elements, p->low, p->high, (int16_t)p->result_zero,
               wide);
    for (size_t c = 0; c < count; c++)
        out[c] = (uint8_t)wide[c]; /* the low byte is the code, signed or not */
}

static void average_pixel(const pool *p, const uint8_t *image, const span *rows,
                          const span *columns, uint8_t *out) {
    const size_t channels = p->shape.inputs,
                 elements = p->counts_padding ? p->shape.kernel[0] * p->shape.kernel[1]
                                              : span_count(rows) * span_count(columns);
    for (size_t c = 0; c < channels; c += CHUNK)
        average_channels(p, image + c, rows, columns, channels - c < CHUNK ? channels - c : CHUNK,
                         elements, out + c);
}

typedef struct task {
    const pool *pool;
    const uint8_t *in;
    uint8_t *out;
} task;

/* Rows of the output, of all images. */
static void run_rows(const void *context, size_t from, size_t to) {
    const task *k = context;
    const pool *p = k->pool;
    const c2s_integer_shape *s = &p->shape;
    const size_t image = s->in[0] * s->in[1] * s->inputs;
    for (size_t r = from; r < to; r++) {
        const uint8_t *in = k->in + r / s->out[0] * image;
        const span rows = span_of(s, 0, r % s->out[0]);
        uint8_t *out = k->out + r * s->out[1] * s->inputs;
        for (size_t x = 0; x < s->out[1]; x++, out += s->inputs) {
            const span columns = span_of(s, 1, x);
            if (p->average)
                average_pixel(p, in, &rows, &columns, out);
            else
                largest_pixel(p, in, &rows, &columns, out);
        }
    }
}

static c2s_status pool_run(c2s_step *step) {
    const pool *p = step->state;
    const c2s_integer_shape *s = &p->shape;
    const task k = {p, c2s_tensor_data(step->in[0]->tensor),
                    c2s_tensor_mutable(step->out[0]->tensor)};
    const size_t work = s->batch * s->out[0] * s->out[1] * s->inputs * s->kernel[0] * s->kernel[1];
    c2s_share(s->batch * s->out[0], work >= PARALLEL_ELEMENTS, run_rows, &k);
    return C2S_OK;
}

static void pool_release(c2s_step *step) {
    free(step->state);
    step->state = NULL;
}

const c2s_kernel_family c2s_kernels_quantized_pool = {
    .name = "quantized_pool",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = pool_accepts,
    .prepare = pool_prepare,
    .run = pool_run,
    .release = pool_release,
};
