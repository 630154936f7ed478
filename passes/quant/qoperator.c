/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/qoperator.h"

/* Members of a row. */
#define UNARY   .operands = 1, .result = 3
#define BINARY  .operands = 2, .codes = {0, 3}, .place = {0, 1}, .result = 6
#define PRODUCT BINARY, .weight = true
#define GEMM                                                                                       \
    .operands = 2, .codes = {0, 3}, .place = {0, 1}, .result = 7, .bias = 7, .weight = true,       \
    .float_result = true
#define WHERE .operands = 2, .codes = {1, 4}, .place = {1, 2}, .result = 7, .condition = true

/* Of several for one operator the first is written. */
#define ALL(ROW)                                                                                   \
    ROW(qlinear_conv, conv, PRODUCT, .bias = 9)                                                    \
    ROW(qlinear_matmul, matmul, PRODUCT)                                                           \
    ROW(ms_qlinear_conv, conv, PRODUCT, .bias = 9)                                                 \
    ROW(ms_qgemm, gemm, GEMM)                                                                      \
    ROW(ms_qlinear_add, add, BINARY)                                                               \
    ROW(ms_qlinear_mul, mul, BINARY)                                                               \
    ROW(ms_qlinear_where, where, WHERE)                                                            \
    ROW(ms_qlinear_average_pool, average_pool, UNARY)                                              \
    ROW(ms_qlinear_global_average_pool, global_average_pool, UNARY)                                \
    ROW(ms_qlinear_leaky_relu, leaky_relu, UNARY)                                                  \
    ROW(ms_qlinear_sigmoid, sigmoid, UNARY)                                                        \
    ROW(ms_qlinear_softmax, softmax, UNARY)                                                        \
    ROW(ms_qlinear_reduce_mean, reduce_mean, UNARY, .read_only = true)                             \
    ROW(ms_qlinear_concat, concat, .operands = 1, .codes = {2})

#define OPERATOR(op_, ...) &c2s_op_##op_,
#define DESCRIPTION(op_, floats_, ...)                                                             \
    {.op = &c2s_op_##op_, .floats = &c2s_op_##floats_, __VA_ARGS__},

const c2s_op *const c2s_qoperators[] = {ALL(OPERATOR) NULL};
static const c2s_qoperator table[] = {ALL(DESCRIPTION)};

enum { COUNT = sizeof table / sizeof *table };

const c2s_qoperator *c2s_qoperator_of(const c2s_op *op) {
    for (size_t i = 0; i < COUNT; i++)
        if (table[i].op == op)
            return &table[i];
    return NULL;
}

const c2s_qoperator *c2s_qoperator_for(const c2s_op *floats, bool contrib) {
    for (size_t i = 0; i < COUNT; i++)
        if (table[i].floats == floats && !table[i].read_only &&
            (contrib || table[i].op->domain[0] == '\0'))
            return &table[i];
    return NULL;
}

unsigned c2s_qoperator_operands(const c2s_qoperator *q, const c2s_node *node) {
    if (q->floats != &c2s_op_concat)
        return q->operands;
    if (node->op != q->op)
        return node->formal_count;
    return node->formal_count > q->codes[0] ? (node->formal_count - q->codes[0]) / 3 : 0;
}

void c2s_qoperator_attributes(const c2s_node *from, c2s_node *to) {
    for (const c2s_attr_spec *spec = to->op->attrs; spec && spec->name; spec++) {
        const c2s_attr *attr = c2s_attr_find(from, spec->name);
        if (attr)
            c2s_attr_append_shared(to, attr);
    }
}

int c2s_qoperator_axis(const c2s_node *floats, unsigned k, int rank) {
    if (floats->op == &c2s_op_conv)
        return k == 1 ? 0 : -1;
    if (floats->op == &c2s_op_gemm)
        return k == 1 ? (c2s_attr_int(floats, "transB", 0) ? 0 : 1) : -1;
    if (floats->op == &c2s_op_matmul && rank >= 2)
        return k == 1 ? rank - 1 : rank - 2;
    return -1;
}
