/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/tail.h"

#include <assert.h>

#include "runtime/dnnl_compat.h"
#include "runtime/vector_math.h"

/* Each function of one number stands here once; the tables below make loops of it. */
#define UNARY(X)                                                                                   \
    X(dnnl_eltwise_abs, v8_abs(x))                                                                 \
    X(dnnl_eltwise_clip_v2, v8_at_most(v8_at_least(x, alpha), beta))                               \
    X(dnnl_eltwise_elu, v8_if_less(x, zero, alpha *(v8_exp(x) - v8_set(1)), x))                    \
    X(dnnl_eltwise_gelu_erf, v8_gelu(x))                                                           \
    X(dnnl_eltwise_gelu_tanh, v8_gelu_tanh(x))                                                     \
    X(dnnl_eltwise_hardswish, x *v8_at_most(v8_at_least(v8_fma(alpha, x, beta), zero), v8_set(1))) \
    X(dnnl_eltwise_linear, v8_fma(alpha, x, beta))                                                 \
    X(dnnl_eltwise_logistic, v8_sigmoid(x))                                                        \
    X(dnnl_eltwise_relu, v8_if_less(x, zero, cut ? zero : (c2s_v8)(alpha * x), x))                 \
    X(dnnl_eltwise_sqrt, v8_sqrt(x))                                                               \
    X(dnnl_eltwise_swish, x *v8_sigmoid(alpha *x))                                                 \
    X(dnnl_eltwise_tanh, v8_tanh(x))

#define BINARY(X)                                                                                  \
    X(dnnl_binary_add, x + y)                                                                      \
    X(dnnl_binary_sub, x - y)                                                                      \
    X(dnnl_binary_mul, x *y)                                                                       \
    X(dnnl_binary_div, x / y)                                                                      \
    X(dnnl_binary_max, v8_if_nan(y, v8_if_less(x, y, y, x)))                                       \
    X(dnnl_binary_min, v8_if_nan(y, v8_if_less(y, x, y, x)))

C2S_V8 static void scale(float *c, int64_t c_row, int64_t rows, float by) {
    for (int64_t i = 0; i < rows; i++, c += c_row)
        for (int half = 0; half < 16; half += 8)
            v8_store(c + half, v8_load(c + half) * v8_set(by));
}

C2S_V8 static void unary(const c2s_tail_op *op, float *c, int64_t c_row, int64_t rows) {
    const c2s_v8 alpha = v8_set(op->alpha), beta = v8_set(op->beta), zero = v8_set(0);
    const bool cut = op->alpha == 0; /* of minus infinity, too */
    (void)alpha, (void)beta, (void)zero, (void)cut;
#define LOOP(name, value)                                                                          \
    case name:                                                                                     \
        for (int64_t i = 0; i < rows; i++, c += c_row)                                             \
            for (int half = 0; half < 16; half += 8) {                                             \
                c2s_v8 x = v8_load(c + half);                                                      \
                v8_store(c + half, value);                                                         \
            }                                                                                      \
        break;
    switch (op->kind) { UNARY(LOOP) }
#undef LOOP
}

/* The operand's eight elements from column `half` on, of which `columns - half` are there. */
C2S_V8_INLINE c2s_v8 eight_of(const float *operand, int64_t column, int half, int64_t columns) {
    if (column == 0)
        return v8_set(*operand);
    return columns >= half + 8 ? v8_load(operand + half)
           : columns > half    ? v8_load_first(operand + half, columns - half)
                               : v8_set(0);
}

C2S_V8 static void binary(const c2s_tail_op *op, const float *operand, float *c, int64_t c_row,
                          int64_t rows, int64_t columns) {
#define LOOP(name, value)                                                                          \
    case name:                                                                                     \
        for (int64_t i = 0; i < rows; i++, c += c_row, operand += op->row)                         \
            for (int half = 0; half < 16; half += 8) {                                             \
                c2s_v8 x = v8_load(c + half), y = eight_of(operand, op->column, half, columns);    \
                v8_store(c + half, value);                                                         \
            }                                                                                      \
        break;
    switch (op->kind) { BINARY(LOOP) }
#undef LOOP
}

bool c2s_tail_serves(int kind, bool is_binary) {
#define KNOWN(name, value) case name:
    switch (kind) {
        UNARY(KNOWN) return !is_binary;
        BINARY(KNOWN) return is_binary;
    default:
        return false;
    }
#undef KNOWN
}

c2s_tail_op *c2s_tail_add(c2s_tail *tail, const c2s_post *post) {
    assert(tail->count < C2S_MOST_TAIL && c2s_tail_serves(post->kind, post->binary));
    c2s_tail_op *op = &tail->op[tail->count++];
    *op = (c2s_tail_op){.kind = post->kind,
                        .alpha = post->alpha,
                        .beta = post->beta,
                        .factor = post->factor,
                        .binary = post->binary};
    return op;
}

void c2s_tail_run(const c2s_tail *tail, float *c, int64_t c_row, int64_t i, int64_t j, int64_t rows,
                  int64_t columns) {
    for (unsigned k = 0; k < tail->count; k++) {
        const c2s_tail_op *op = &tail->op[k];
        if (op->binary)
            binary(op, op->operand + i * op->row + j * op->column, c, c_row, rows, columns);
        else
            unary(op, c, c_row, rows);
        if (op->factor != 1)
            scale(c, c_row, rows, op->factor);
    }
}
