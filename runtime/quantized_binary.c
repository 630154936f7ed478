/* SPDX-License-Identifier: Apache-2.0
 *
 * Add, Sub and Mul from integers to integers. One operand has the shape of the result; the other
 * may be repeated along consecutive axes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "runtime/layout.h"
#include "runtime/quantized_gate.h"

/* Below this many elements one thread is faster. */
#define PARALLEL_ELEMENTS 65536
enum { CHUNK = 2048 };

typedef struct binary {
    unsigned full, other;        /* operands: that with all elements, and the other one */
    c2s_combination combination; /* of full and other */
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

/* ---- operands ---- */

c2s_combination c2s_combination_of(const c2s_step *step, const c2s_node *node, const c2s_codes x[2],
                                   bool second) {
    const c2s_quantized *q = step->quantized;
    const float sign = node->op == &c2s_op_sub ? -1 : 1;
    c2s_combination c = {.multiplies = strstr(node->type, "Mul") != NULL,
                         .dtype = step->out[0]->type.dtype,
                         .zero = q->zero};
    for (int k = 0; k < 2; k++) {
        const c2s_codes *one = &x[k == 0 ? second : !second];
        c.x[k] =
            (c2s_coded_operand){.is_signed = one->slot->type.dtype == C2S_INT8,
                                .zero = c2s_codes_zero(one, 0),
                                .factor = (one == &x[1] ? sign : 1) * (one->scale[0] / q->scale)};
    }
    if (c.multiplies) {
        c.x[0].factor = (float)((double)x[0].scale[0] * (double)x[1].scale[0] / (double)q->scale);
        c.x[1].factor = 1;
    }
    c2s_quantized_bounds(step, &c.low, &c.high);
    return c;
}

static bool describe(const c2s_step *step, binary *p) {
    const c2s_quantized *q = step->quantized;
    size_t count;
    *p = (binary){0};
    if (!q->requantizes || !c2s_quantized_is_plain(step, 0) || !c2s_quantized_is_plain(step, 1) ||
        !c2s_type_elements(&step->out[0]->type, &count) || count == 0)
        return false;
    bool second = !c2s_type_same_extents(&q->x[0].slot->type, &step->out[0]->type);
    if (!c2s_type_same_extents(&q->x[second].slot->type, &step->out[0]->type))
        return false;
    p->full = q->x[second].input;
    p->other = q->x[!second].input;
    p->combination = c2s_combination_of(step, step->node, q->x, second);
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

/* ---- running ---- */

/* What the parts of a step have in common. */
typedef struct task {
    const binary *binary;
    const uint8_t *a, *b;
    uint8_t *out;
} task;

static size_t chunk_of(const binary *p) {
    return CHUNK / p->inner * p->inner;
}

static size_t chunks_of(const binary *p) {
    return (p->middle * p->inner + chunk_of(p) - 1) / chunk_of(p);
}

/* Both operands have all elements. */
static void run_flat(const void *context, size_t from, size_t to) {
    const task *k = context;
    c2s_combine_codes(&k->binary->combination, k->a + from, k->b + from, to - from, k->out + from);
}

/* Rows of the other operand that are long enough meet the full one's in turn. */
static void run_long(const void *context, size_t from, size_t to) {
    const task *k = context;
    const binary *p = k->binary;
    for (size_t r = from; r < to; r++)
        c2s_combine_codes(&p->combination, k->a + r * p->inner, k->b + r / p->middle * p->inner,
                          p->inner, k->out + r * p->inner);
}

/* Short ones are written down as often as they fit into a chunk. */
static void run_chunks(const void *context, size_t from, size_t to) {
    const task *k = context;
    const binary *p = k->binary;
    const size_t plane = p->middle * p->inner, chunk = chunk_of(p), chunks = chunks_of(p);
    uint8_t other[CHUNK];
    for (size_t i = from; i < to; i++) {
        const size_t row = i / chunks, at = i % chunks * chunk;
        for (size_t j = 0; (i == from || at == 0) && j < chunk; j += p->inner)
            memcpy(other + j, k->b + row * p->inner, p->inner);
        c2s_combine_codes(&p->combination, k->a + row * plane + at, other,
                          plane - at < chunk ? plane - at : chunk, k->out + row * plane + at);
    }
}

static c2s_status binary_run(c2s_step *step) {
    const binary *p = step->state;
    const task k = {p, c2s_tensor_data(step->in[p->full]->tensor),
                    c2s_tensor_data(step->in[p->other]->tensor),
                    c2s_tensor_mutable(step->out[0]->tensor)};
    const size_t rows = p->outer * p->middle;
    const bool worth = rows * p->inner >= PARALLEL_ELEMENTS;
    if (p->middle == 1)
        c2s_share(rows * p->inner, worth, run_flat, &k);
    else if (p->inner >= CHUNK / 2)
        c2s_share(rows, worth, run_long, &k);
    else
        c2s_share(p->outer * chunks_of(p), worth, run_chunks, &k);
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
