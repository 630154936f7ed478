/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/qoperator.h"

#include <string.h>

#define BINARY(op_, floats_)                                                                       \
    {                                                                                              \
        .op = &c2s_op_##op_, .floats = &c2s_op_##floats_, .operands = 2, .codes = {0, 3},          \
        .place = {0, 1}, .result = 6                                                               \
    }
#define UNARY(op_, floats_)                                                                        \
    { .op = &c2s_op_##op_, .floats = &c2s_op_##floats_, .operands = 1, .result = 3 }

/* Of several for one operator the first is written. */
static const c2s_qoperator table[] = {
    {.op = &c2s_op_qlinear_conv,
     .floats = &c2s_op_conv,
     .operands = 2,
     .codes = {0, 3},
     .place = {0, 1},
     .result = 6,
     .bias = 9,
     .weight = true},
    {.op = &c2s_op_qlinear_matmul,
     .floats = &c2s_op_matmul,
     .operands = 2,
     .codes = {0, 3},
     .place = {0, 1},
     .result = 6,
     .weight = true},
    {.op = &c2s_op_ms_qlinear_conv,
     .floats = &c2s_op_conv,
     .operands = 2,
     .codes = {0, 3},
     .place = {0, 1},
     .result = 6,
     .bias = 9,
     .weight = true},
    {.op = &c2s_op_ms_qgemm,
     .floats = &c2s_op_gemm,
     .operands = 2,
     .codes = {0, 3},
     .place = {0, 1},
     .result = 7,
     .bias = 7,
     .weight = true,
     .float_result = true},
    BINARY(ms_qlinear_add, add),
    BINARY(ms_qlinear_mul, mul),
    {.op = &c2s_op_ms_qlinear_where,
     .floats = &c2s_op_where,
     .operands = 2,
     .codes = {1, 4},
     .place = {1, 2},
     .result = 7,
     .condition = true},
    UNARY(ms_qlinear_average_pool, average_pool),
    UNARY(ms_qlinear_global_average_pool, global_average_pool),
    UNARY(ms_qlinear_leaky_relu, leaky_relu),
    UNARY(ms_qlinear_sigmoid, sigmoid),
    UNARY(ms_qlinear_softmax, softmax),
    {.op = &c2s_op_ms_qlinear_reduce_mean,
     .floats = &c2s_op_reduce_mean,
     .operands = 1,
     .result = 3,
     .read_only = true},
    {.op = &c2s_op_ms_qlinear_concat, .floats = &c2s_op_concat, .operands = 1, .codes = {2}},
};

enum { COUNT = sizeof table / sizeof *table };

const c2s_op *const c2s_qoperators[] = {
    &c2s_op_qlinear_conv,
    &c2s_op_qlinear_matmul,
    &c2s_op_ms_qlinear_conv,
    &c2s_op_ms_qgemm,
    &c2s_op_ms_qlinear_add,
    &c2s_op_ms_qlinear_mul,
    &c2s_op_ms_qlinear_where,
    &c2s_op_ms_qlinear_average_pool,
    &c2s_op_ms_qlinear_sigmoid,
    &c2s_op_ms_qlinear_global_average_pool,
    &c2s_op_ms_qlinear_softmax,
    &c2s_op_ms_qlinear_leaky_relu,
    &c2s_op_ms_qlinear_concat,
    &c2s_op_ms_qlinear_reduce_mean,
    NULL,
};

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
