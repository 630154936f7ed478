/* SPDX-License-Identifier: Apache-2.0
 *
 * MatMul on integers neither of which is constant, with any batches: the right matrix is packed
 * anew in every run.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/simd.h"
#include "base/threads.h"
#include "ops/matmul.h"
#include "runtime/dnnl_context.h"
#include "runtime/integer_dot.h"
#include "runtime/layout.h"
#include "runtime/quantized.h"
#include "runtime/plan.h"
#include "runtime/requantize.h"
#include "runtime/saturating_dot.h"

#define COLUMNS ((size_t)C2S_DOT_COLUMNS)

typedef struct operand {
    unsigned input, zero_input;
    bool is_signed;
    int zero;
} operand;

typedef struct product {
    c2s_matmul plan;
    operand x[2];
    size_t rows, terms, columns;
    bool saturates;            /* as the processor does that is emulated */
    size_t row, panels, panel; /* integers of a widened row; panels of the right matrix, of one */
    size_t *place;             /* of the rows */
    c2s_requantize requantize;
    int32_t *bias; /* zeros, as all offsets */
    float *factor, *offset;
} product;

/* Sums of 32 bits hold so many terms, whatever they are. */
#define MOST_TERMS ((size_t)INT32_MAX / (255 * 255))

static bool describe(const c2s_step *step, product *p) {
    const c2s_quantized *q = step->quantized;
    size_t count;
    *p = (product){0};
    for (unsigned k = 0; k < 2; k++) {
        if (!c2s_quantized_is_plain(step, k) || q->x[k].slot->type.rank < 1 ||
            !c2s_type_elements(&q->x[k].slot->type, &count) || count == 0)
            return false;
        p->x[k] = (operand){q->x[k].input, q->x[k].zero_input, q->x[k].slot->type.dtype == C2S_INT8,
                            c2s_codes_zero(&q->x[k], 0)};
    }
    c2s_matmul_plan(&q->x[0].slot->type, &q->x[1].slot->type, &p->plan);
    p->rows = p->plan.gemm.m;
    p->columns = p->plan.gemm.n;
    p->terms = p->plan.gemm.k;
    p->saturates = step->plan->context->options.emulate != C2S_EMULATE_NOTHING &&
                   !p->x[0].is_signed && p->x[1].is_signed;
    return p->terms <= MOST_TERMS && c2s_type_elements(&step->out[0]->type, &count) &&
           count == p->plan.batches * p->rows * p->columns;
}

static bool product_accepts(const c2s_step *step) {
    product p;
    return describe(step, &p);
}

/* ---- preparing ---- */

static void product_release(c2s_step *step) {
    product *p = step->state;
    free(p->place);
    free(p->bias);
    free(p->factor);
    free(p->offset);
    free(p);
    step->state = NULL;
}

static c2s_status set_requantize(const c2s_step *step, product *p) {
    const c2s_quantized *q = step->quantized;
    const size_t room = p->columns + COLUMNS;
    p->requantize.dtype = step->out[0]->type.dtype;
    if (p->requantize.dtype == C2S_INT32)
        return C2S_OK;
    const double factor = (double)q->x[0].scale[0] * (double)q->x[1].scale[0] /
                          (q->requantizes ? (double)q->scale : 1);
    if (!isfinite((float)factor))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "scales are too far apart");
    p->bias = c2s_zalloc(room * sizeof *p->bias);
    p->offset = c2s_zalloc(room * sizeof *p->offset);
    p->factor = c2s_alloc_array(room, sizeof *p->factor);
    for (size_t c = 0; c < room; c++)
        p->factor[c] = (float)factor;
    p->requantize.bias = p->bias;
    p->requantize.factor = p->factor;
    p->requantize.offset = p->offset;
    p->requantize.zero = q->zero;
    if (q->requantizes)
        c2s_quantized_bounds(step, &p->requantize.low, &p->requantize.high);
    c2s_requantize_settle(&p->requantize, p->columns,
                          (int64_t)p->terms * 255 * 255 * (p->saturates ? 3 : 1));
    return C2S_OK;
}

static c2s_status product_prepare(c2s_step *step) {
    product p;
    if (!describe(step, &p))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    C2S_TRY(c2s_step_take(step, p.x[0].input, NULL));
    C2S_TRY(c2s_step_take(step, p.x[1].input, NULL));
    product *state = step->state = c2s_alloc(sizeof *state);
    p.row = (p.terms + 1) / 2 * 2;
    p.panels = (p.columns + COLUMNS - 1) / COLUMNS;
    p.panel = p.row * COLUMNS;
    p.place = c2s_alloc_array(p.rows, sizeof *p.place);
    for (size_t r = 0; r < p.rows; r++)
        p.place[r] = r * p.row;
    c2s_status status = set_requantize(step, &p);
    *state = p;
    if (status != C2S_OK)
        product_release(step);
    return status;
}

/* ---- running ---- */

typedef struct task {
    const product *product;
    const uint8_t *a, *b;
    int zero[2];
    char *out;
    int16_t *work; /* per thread: the widened left matrix, two rows and one panel of the right */
} task;

/* Bytes of a row, and of a column, in pairs that saturate. */
static size_t padded(const product *p) {
    return c2s_quads_of(p->terms) * C2S_QUAD;
}

/* Integers of the work space of a thread. */
static size_t work_size(const product *p) {
    if (p->saturates) /* rows, a panel of columns, sums of both */
        return ((p->rows + COLUMNS) * (padded(p) / 2 + COLUMNS * 2) + 63) / 64 * 64;
    return (p->rows * p->row + 2 * COLUMNS + p->panel + 63) / 64 * 64;
}

static void widen_left(const task *k, const uint8_t *from, int16_t *to) {
    const product *p = k->product;
    for (size_t r = 0; r < p->rows; r++, from += p->terms, to += p->row) {
        c2s_widen(from, p->x[0].is_signed, k->zero[0], p->terms, to);
        if (p->row > p->terms)
            to[p->terms] = 0;
    }
}

C2S_INLINE void zip_loop(const int16_t *restrict a, const int16_t *restrict b,
                         int16_t *restrict out) {
    for (size_t c = 0; c < COLUMNS; c++) {
        out[2 * c] = a[c];
        out[2 * c + 1] = b[c];
    }
}
C2S_SIMD(zip, zip_loop, (const int16_t *a, const int16_t *b, int16_t *out), (a, b, out))

/* Columns from `column` on: [terms / 2, COLUMNS, 2]. */
static void pack_panel(const task *k, const uint8_t *from, size_t column, int16_t *rows,
                       int16_t *to) {
    const product *p = k->product;
    const size_t columns = p->columns - column < COLUMNS ? p->columns - column : COLUMNS;
    memset(rows, 0, 2 * COLUMNS * sizeof *rows);
    for (size_t t = 0; t < p->terms; t += 2, to += 2 * COLUMNS) {
        const uint8_t *row = from + t * p->columns + column;
        c2s_widen(row, p->x[1].is_signed, k->zero[1], columns, rows);
        if (t + 1 < p->terms)
            c2s_widen(row + p->columns, p->x[1].is_signed, k->zero[1], columns, rows + COLUMNS);
        else
            memset(rows + COLUMNS, 0, COLUMNS * sizeof *rows);
        zip(rows, rows + COLUMNS, to);
    }
}

/* One panel of columns, of one pair of matrices. */
static void multiply_saturating(const task *k, const uint8_t *a, const uint8_t *b, size_t column,
                                char *out, void *work) {
    const product *p = k->product;
    const size_t row = padded(p),
                 columns = p->columns - column < COLUMNS ? p->columns - column : COLUMNS;
    int32_t *sums = work, column_sum[C2S_DOT_COLUMNS] = {0}, zero[C2S_DOT_COLUMNS];
    uint8_t *left = (uint8_t *)(sums + p->rows * COLUMNS);
    int8_t *right = (int8_t *)(left + p->rows * row);
    memset(left, 0, (p->rows + COLUMNS) * row);
    for (size_t r = 0; r < p->rows; r++)
        memcpy(left + r * row, a + r * p->terms, p->terms);
    for (size_t t = 0; t < p->terms; t++)
        for (size_t c = 0; c < columns; c++) {
            const int8_t code = (int8_t)b[t * p->columns + column + c];
            right[(t / C2S_QUAD * COLUMNS + c) * C2S_QUAD + t % C2S_QUAD] = code;
            column_sum[c] += code;
        }
    for (size_t c = 0; c < COLUMNS; c++)
        zero[c] = k->zero[1];
    const c2s_saturating_zeros zeros = {k->zero[0], (int32_t)p->terms, zero, column_sum};
    c2s_saturating_dot(left, row, p->rows, right, row / C2S_QUAD, sums);
    c2s_saturating_correct(&zeros, left, row, p->rows, sums);
    c2s_requantize_rows(&p->requantize, sums, p->rows, column, columns, out, p->columns);
}

static void multiply(const void *context, size_t from, size_t to) {
    const task *k = context;
    const product *p = k->product;
    const ptrdiff_t tap = 0;
    const c2s_dot dot = {&tap, 1, p->row / 2, .kind = C2S_DOT_WORDS};
    const size_t element = c2s_dtype_bits(p->requantize.dtype) / 8;
    int16_t *left = k->work + (size_t)c2s_this_thread() * work_size(p),
            *rows = left + p->rows * p->row, *right = rows + 2 * COLUMNS;
    for (size_t i = from; i < to; i++) {
        const size_t batch = i / p->panels, column = i % p->panels * COLUMNS;
        size_t a, b;
        c2s_matmul_batch(&p->plan, batch, &a, &b);
        char *out = k->out + (batch * p->rows * p->columns + column) * element;
        if (p->saturates) {
            multiply_saturating(k, k->a + a * p->rows * p->terms, k->b + b * p->terms * p->columns,
                                column, out, left);
            continue;
        }
        if (i == from || column == 0)
            widen_left(k, k->a + a * p->rows * p->terms, left);
        pack_panel(k, k->b + b * p->terms * p->columns, column, rows, right);
        c2s_dot_panel(&dot, left, p->place, p->rows, right, &p->requantize, column,
                      p->columns - column < COLUMNS ? p->columns - column : COLUMNS, out,
                      p->columns);
    }
}

static int zero_of(const c2s_step *step, const operand *x) {
    int64_t zero = x->zero;
    if (x->zero_input)
        c2s_tensor_i64_at(step->in[x->zero_input]->tensor, 0, &zero);
    return (int)zero;
}

static c2s_status product_run(c2s_step *step) {
    const product *p = step->state;
    const size_t threads = (size_t)c2s_most_threads();
    C2S_TRY(c2s_dnnl_work(step->dnnl, work_size(p) * sizeof(int16_t) * threads));
    const task k = {.product = p,
                    .a = c2s_tensor_data(step->in[p->x[0].input]->tensor),
                    .b = c2s_tensor_data(step->in[p->x[1].input]->tensor),
                    .zero = {zero_of(step, &p->x[0]), zero_of(step, &p->x[1])},
                    .out = c2s_tensor_mutable(step->out[0]->tensor),
                    .work = step->dnnl->work};
    c2s_share(p->plan.batches * p->panels, threads > 1, multiply, &k);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_quantized_product = {
    .name = "quantized_product",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = product_accepts,
    .prepare = product_prepare,
    .run = product_run,
    .release = product_release,
};
