/* SPDX-License-Identifier: Apache-2.0
 *
 * Add, Sub and Mul from integers to integers. One operand has the shape of the result; the other
 * may be repeated along consecutive axes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/simd.h"
#include "runtime/integer_dot.h"
#include "runtime/layout.h"
#include "runtime/quantized.h"

/* Below this many elements one thread is faster. */
#define PARALLEL_ELEMENTS 65536
enum { CHUNK = 2048 };

typedef struct binary {
    unsigned full, other; /* operands: that with all elements, and the other one */
    bool multiplies;
    float factor[2]; /* of full and other; for products the first is that of both */
    float low, high;
    int zero[2];
    bool is_signed[2];
    int16_t result_zero;
    size_t outer, middle, inner; /* the result; the other operand lacks `middle` */
} binary;

/* ---- shapes ---- */

/* Extents in the order of the bytes: with channels last or row-major. */
static void order(const c2s_type *type, bool last, int64_t *dims) {
    for (int i = 0; i < type->rank; i++)
        dims[i] = type->dim[i];
    if (!last)
        return;
    for (int i = 1; i + 1 < type->rank; i++)
        dims[i] = type->dim[i + 1];
    dims[type->rank - 1] = type->dim[1];
}

static bool split(const int64_t *y, const int64_t *b, int rank, binary *p) {
    int i = 0;
    p->outer = p->middle = p->inner = 1;
    for (; i < rank && b[i] == y[i] && y[i] != 1; i++)
        p->outer *= (size_t)y[i];
    for (; i < rank && b[i] == 1; i++)
        p->middle *= (size_t)y[i];
    for (; i < rank && b[i] == y[i]; i++)
        p->inner *= (size_t)y[i];
    return i == rank;
}

/* How the operands lie to each other in this layout. */
static bool fits(const c2s_step *step, bool last, binary *p) {
    const c2s_type *y = &step->out[0]->type, *b = &step->in[p->other]->base->type;
    c2s_type wide = {.kind = y->kind, .dtype = b->dtype, .rank = y->rank};
    int64_t y_dims[C2S_MAX_RANK], b_dims[C2S_MAX_RANK];
    if (b->rank > y->rank)
        return false;
    for (int i = 0; i < y->rank; i++)
        wide.dim[i] = i < y->rank - b->rank ? 1 : b->dim[i - (y->rank - b->rank)];
    size_t spatial = 1;
    for (int i = 2; i < y->rank; i++)
        spatial *= (size_t)wide.dim[i];
    if (last && b->rank < y->rank && spatial > 1)
        return false; /* it has no channels to bring last */
    order(y, last, y_dims);
    order(&wide, last, b_dims);
    return split(y_dims, b_dims, y->rank, p);
}

static bool same_shape(const c2s_type *a, const c2s_type *b) {
    return a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;
}

/* ---- operands ---- */

static bool describe(const c2s_step *step, binary *p) {
    const c2s_quantized *q = step->quantized;
    size_t count;
    *p = (binary){.multiplies = strstr(step->node->type, "Mul") != NULL};
    if (!q->requantizes || !c2s_quantized_is_plain(step, 0) || !c2s_quantized_is_plain(step, 1) ||
        !c2s_type_elements(&step->out[0]->type, &count) || count == 0)
        return false;
    bool second = !same_shape(&q->x[0].slot->type, &step->out[0]->type);
    if (!same_shape(&q->x[second].slot->type, &step->out[0]->type))
        return false;
    const float sign = step->node->op == &c2s_op_sub ? -1 : 1;
    p->full = q->x[second].input;
    p->other = q->x[!second].input;
    for (int k = 0; k < 2; k++) {
        const c2s_codes *x = &q->x[k == 0 ? second : !second];
        p->zero[k] = c2s_codes_zero(x, 0);
        p->is_signed[k] = x->slot->type.dtype == C2S_INT8;
        p->factor[k] = (x == &q->x[1] ? sign : 1) * (x->scale[0] / q->scale);
    }
    if (p->multiplies)
        p->factor[0] =
            (float)((double)q->x[0].scale[0] * (double)q->x[1].scale[0] / (double)q->scale);
    p->result_zero = (int16_t)q->zero;
    c2s_quantized_bounds(step, &p->low, &p->high);
    return fits(step, false, p);
}

static bool binary_accepts(const c2s_step *step) {
    binary p;
    return describe(step, &p);
}

/* ---- layouts ---- */

static c2s_status take_last(c2s_step *step, unsigned input) {
    c2s_layout layout;
    C2S_TRY(c2s_channels_last(&step->in[input]->base->type, &layout));
    c2s_status status = c2s_step_take(step, input, layout.md);
    c2s_md_free(layout.md);
    return status;
}

static c2s_status choose_layouts(c2s_step *step, binary *p) {
    const c2s_type *y = &step->out[0]->type;
    binary other = *p;
    bool last = y->rank >= 3 && c2s_layout_block(c2s_step_layout(step, p->full), y) == y->dim[1] &&
                y->dim[1] > 1 && fits(step, true, &other);
    if (!last) {
        C2S_TRY(c2s_step_take(step, p->full, NULL));
        return c2s_step_take(step, p->other, NULL);
    }
    *p = other;
    C2S_TRY(take_last(step, p->full));
    C2S_TRY(take_last(step, p->other));
    c2s_layout layout;
    C2S_TRY(c2s_channels_last(y, &layout));
    c2s_status status = c2s_step_give(step, 0, layout.md);
    c2s_md_free(layout.md);
    return status;
}

static c2s_status binary_prepare(c2s_step *step) {
    binary p;
    if (!describe(step, &p))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    C2S_TRY(choose_layouts(step, &p));
    binary *state = c2s_alloc(sizeof *state);
    *state = p;
    step->state = state;
    return C2S_OK;
}

/* ---- loops ---- */

C2S_INLINE void finish_loop(const float *restrict v, size_t count, float low, float high,
                            int16_t zero, int16_t *restrict out) {
    for (size_t i = 0; i < count; i++) {
        float x = v[i] < high ? v[i] : high;
        x = x > low ? x : low;
        out[i] = (int16_t)((int16_t)(int32_t)rintf(x) + zero);
    }
}

C2S_INLINE void add_loop(const int16_t *restrict a, const int16_t *restrict b, size_t count,
                         const binary *p, int16_t *restrict out) {
    float v[CHUNK];
    const float fa = p->factor[0], fb = p->factor[1];
    for (size_t i = 0; i < count; i++)
        v[i] = (float)a[i] * fa + (float)b[i] * fb;
    finish_loop(v, count, p->low, p->high, p->result_zero, out);
}
C2S_SIMD(add, add_loop,
         (const int16_t *a, const int16_t *b, size_t count, const binary *p, int16_t *out),
         (a, b, count, p, out))

C2S_INLINE void multiply_loop(const int16_t *restrict a, const int16_t *restrict b, size_t count,
                              const binary *p, int16_t *restrict out) {
    float v[CHUNK];
    const float factor = p->factor[0];
    for (size_t i = 0; i < count; i++)
        v[i] = (float)((int32_t)a[i] * (int32_t)b[i]) * factor;
    finish_loop(v, count, p->low, p->high, p->result_zero, out);
}
C2S_SIMD(multiply, multiply_loop,
         (const int16_t *a, const int16_t *b, size_t count, const binary *p, int16_t *out),
         (a, b, count, p, out))

/* The low byte is the code, signed or not. */
C2S_INLINE void narrow_loop(const int16_t *restrict from, size_t count, uint8_t *restrict out) {
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)from[i];
}
C2S_SIMD(narrow, narrow_loop, (const int16_t *from, size_t count, uint8_t *out), (from, count, out))

static void compute(const binary *p, const uint8_t *a, const int16_t *b, size_t count,
                    uint8_t *out) {
    int16_t wide[CHUNK], result[CHUNK];
    c2s_widen(a, p->is_signed[0], p->zero[0], count, wide);
    if (p->multiplies)
        multiply(wide, b, count, p, result);
    else
        add(wide, b, count, p, result);
    narrow(result, count, out);
}

static void run_flat(const binary *p, const uint8_t *a, const uint8_t *b, uint8_t *out) {
    const size_t count = p->outer * p->inner;
#pragma omp parallel for if (count >= PARALLEL_ELEMENTS)
    for (size_t i = 0; i < count; i += CHUNK) {
        int16_t other[CHUNK];
        const size_t n = count - i < CHUNK ? count - i : CHUNK;
        c2s_widen(b + i, p->is_signed[1], p->zero[1], n, other);
        compute(p, a + i, other, n, out + i);
    }
}

/* The other operand's `from .. from + length` of a row, as often as it fits into a chunk. */
static size_t repeat(const binary *p, const uint8_t *row, size_t length, int16_t *other) {
    size_t times = CHUNK / length;
    c2s_widen(row, p->is_signed[1], p->zero[1], length, other);
    for (size_t k = 1; k < times; k++)
        memcpy(other + k * length, other, length * sizeof *other);
    return times * length;
}

/* Rows longer than a chunk come in parts. */
static void run_long(const binary *p, const uint8_t *a, const uint8_t *b, uint8_t *out) {
#pragma omp parallel for collapse(2)
    for (size_t o = 0; o < p->outer; o++)
        for (size_t i = 0; i < p->inner; i += CHUNK) {
            int16_t other[CHUNK];
            const size_t n = p->inner - i < CHUNK ? p->inner - i : CHUNK;
            c2s_widen(b + o * p->inner + i, p->is_signed[1], p->zero[1], n, other);
            for (size_t m = 0; m < p->middle; m++) {
                const size_t at = (o * p->middle + m) * p->inner + i;
                compute(p, a + at, other, n, out + at);
            }
        }
}

static void run_repeated(const binary *p, const uint8_t *a, const uint8_t *b, uint8_t *out) {
    const size_t plane = p->middle * p->inner, pieces = (plane + CHUNK - 1) / CHUNK;
    const size_t step = CHUNK / p->inner * p->inner,
                 parts = pieces > 0 ? (plane + step - 1) / step : 0;
#pragma omp parallel for collapse(2) if (p->outer * plane >= PARALLEL_ELEMENTS)
    for (size_t o = 0; o < p->outer; o++)
        for (size_t k = 0; k < parts; k++) {
            int16_t other[CHUNK];
            const size_t from = k * step, n = plane - from < step ? plane - from : step;
            repeat(p, b + o * p->inner, p->inner, other);
            compute(p, a + o * plane + from, other, n, out + o * plane + from);
        }
}

static c2s_status binary_run(c2s_step *step) {
    const binary *p = step->state;
    const uint8_t *a = c2s_tensor_data(step->in[p->full]->tensor),
                  *b = c2s_tensor_data(step->in[p->other]->tensor);
    uint8_t *out = c2s_tensor_mutable(step->out[0]->tensor);
    if (p->middle == 1)
        run_flat(p, a, b, out);
    else if (p->inner > CHUNK)
        run_long(p, a, b, out);
    else
        run_repeated(p, a, b, out);
    return C2S_OK;
}

static void binary_release(c2s_step *step) {
    free(step->state);
    step->state = NULL;
}

const c2s_kernel_family c2s_kernels_quantized_binary = {
    .name = "quantized_binary",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = binary_accepts,
    .prepare = binary_prepare,
    .run = binary_run,
    .release = binary_release,
};
