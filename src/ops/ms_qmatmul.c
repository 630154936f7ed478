/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: products of 8-bit matrices whose sums of 32 bits become floats at once: QGemm,
 * DynamicQuantizeMatMul, MatMulIntegerToFloat.
 */
#include "ops/composite.h"
#include "ops/macs.h"
#include "ops/matmul.h"
#include "ops/ties_rules.h"

/* sums * a_scale * b_scale + bias, in floats; bias may be NULL. */
static c2s_value *scaled(c2s_composite *c, c2s_value *sums, c2s_value *a_scale, c2s_value *b_scale,
                         c2s_value *bias) {
    c2s_value *scale = C2S_APPLY(c, "Mul", a_scale, b_scale);
    c2s_value *y = C2S_APPLY(
        c, "Mul", c2s_composite_cast(c, sums, a_scale ? a_scale->type.dtype : C2S_FLOAT), scale);
    return bias ? C2S_APPLY(c, "Add", y, bias) : y;
}

/* A, B, a_scale, b_scale, a_zero_point, b_zero_point, bias */
static void integer_to_float(c2s_composite *c) {
    c2s_value *sums = C2S_APPLY(c, "MatMulInteger", c2s_composite_in(c, 0), c2s_composite_in(c, 1),
                                c2s_composite_in(c, 4), c2s_composite_in(c, 5));
    c2s_composite_out(
        c, 0,
        scaled(c, sums, c2s_composite_in(c, 2), c2s_composite_in(c, 3), c2s_composite_in(c, 6)));
}

/* A, B, b_scale, b_zero_point, bias; A becomes uint8 with a scale of its own. */
static void dynamic_quantize(c2s_composite *c) {
    c2s_node *a =
        c2s_composite_start(c, "DynamicQuantizeLinear", C2S_OPERANDS(c2s_composite_in(c, 0)), 3);
    c2s_value *elements = c2s_composite_finish(c, a);
    if (!elements)
        return;
    c2s_value *sums = C2S_APPLY(c, "MatMulInteger", elements, c2s_composite_in(c, 1), a->outputs[2],
                                c2s_composite_in(c, 3));
    c2s_composite_out(
        c, 0, scaled(c, sums, a->outputs[1], c2s_composite_in(c, 2), c2s_composite_in(c, 4)));
}

static int64_t matmul_macs(const c2s_node *node) {
    return c2s_matmul_macs(node, 0);
}

const c2s_op c2s_op_ms_matmul_integer_to_float = {
    .type = "MatMulIntegerToFloat",
    .domain = "com.microsoft",
    .inputs = {4, 7},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .ties = c2s_ties_integer_to_float,
    C2S_DEFINED_BY(integer_to_float),
    .macs = matmul_macs,
};

const c2s_op c2s_op_ms_dynamic_quantize_matmul = {
    .type = "DynamicQuantizeMatMul",
    .domain = "com.microsoft",
    .inputs = {3, 5},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .ties = c2s_ties_dynamic_matmul,
    C2S_DEFINED_BY(dynamic_quantize),
    .macs = matmul_macs,
};

/* ---- integers to integers ---- */

/* Sums of 32 bits, unsigned if both operands are. */
static void integer16(c2s_composite *c) {
    c2s_value *a = c2s_composite_in(c, 0), *b = c2s_composite_in(c, 1);
    const c2s_dtype dtype =
        a->type.dtype == C2S_UINT16 && b->type.dtype == C2S_UINT16 ? C2S_UINT32 : C2S_INT32;
    c2s_composite_out(
        c, 0,
        C2S_APPLY(c, "MatMul", c2s_composite_cast(c, a, dtype), c2s_composite_cast(c, b, dtype)));
}

const c2s_op c2s_op_ms_matmul_integer16 = {
    .type = "MatMulInteger16",
    .domain = "com.microsoft",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .ties = c2s_ties_matmul,
    C2S_DEFINED_BY(integer16),
    .macs = matmul_macs,
};

/* Inputs at and at + 1: elements less their zero point (may be left out), as int32. */
static c2s_value *less_zero(c2s_composite *c, unsigned at) {
    c2s_value *x = c2s_composite_cast(c, c2s_composite_in(c, at), C2S_INT32);
    c2s_value *zero = c2s_composite_cast(c, c2s_composite_in(c, at + 1), C2S_INT32);
    return zero ? C2S_APPLY(c, "Sub", x, zero) : x;
}

static void mul_integer(c2s_composite *c) {
    c2s_composite_out(c, 0, C2S_APPLY(c, "Mul", less_zero(c, 0), less_zero(c, 2)));
}

const c2s_op c2s_op_ms_mul_integer = {
    .type = "MulInteger",
    .domain = "com.microsoft",
    .inputs = {1, 4}, /* zero points may be left out */
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .ties = c2s_ties_mul_integer,
    C2S_DEFINED_BY(mul_integer),
};

/* ---- QGemm ---- */

enum { A, A_SCALE, A_ZERO, B, B_SCALE, B_ZERO, C, Y_SCALE, Y_ZERO };

static c2s_value *operand(c2s_composite *c, unsigned input, const char *flag) {
    static const int64_t order[2] = {1, 0};
    c2s_value *x = c2s_composite_in(c, input);
    return c2s_attr_int(c2s_composite_node(c), flag, 0) != 0
               ? c2s_composite_transpose(c, x, order, 2)
               : x;
}

/* C counts in steps of alpha * a_scale * b_scale. Without y_scale the result stays a float. */
static void qgemm(c2s_composite *c) {
    const double alpha = (double)c2s_attr_float(c2s_composite_node(c), "alpha", 1.0f);
    c2s_value *a_scale = c2s_composite_in(c, A_SCALE), *added = c2s_composite_in(c, C);
    c2s_value *sums =
        C2S_APPLY(c, "MatMulInteger", operand(c, A, "transA"), operand(c, B, "transB"),
                  c2s_composite_in(c, A_ZERO), c2s_composite_in(c, B_ZERO));
    if (added)
        sums = C2S_APPLY(c, "Add", sums, added);
    if (alpha != 1.0)
        a_scale = C2S_APPLY(c, "Mul", a_scale, c2s_composite_scalar(c, C2S_FLOAT, alpha));
    c2s_value *y = scaled(c, sums, a_scale, c2s_composite_in(c, B_SCALE), NULL);
    c2s_value *y_scale = c2s_composite_in(c, Y_SCALE);
    c2s_node *node = NULL;
    if (y_scale)
        node = C2S_START(c, "QuantizeLinear", y, y_scale, c2s_composite_in(c, Y_ZERO));
    if (node && !c2s_composite_in(c, Y_ZERO))
        c2s_attr_set_int(node, "output_dtype", c2s_composite_in(c, A)->type.dtype);
    c2s_composite_out(c, 0, y_scale ? c2s_composite_finish(c, node) : y);
}

static int64_t qgemm_macs(const c2s_node *node) {
    const int depth = c2s_attr_int(node, "transA", 0) != 0 ? 0 : 1;
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1), c2s_macs_input(node, A, depth, depth + 1));
}

static const c2s_attr_spec qgemm_attrs[] = {{"alpha", C2S_ATTR_FLOAT, false},
                                            {"transA", C2S_ATTR_INT, false},
                                            {"transB", C2S_ATTR_INT, false},
                                            {0}};
const c2s_op c2s_op_ms_qgemm = {
    .type = "QGemm",
    .domain = "com.microsoft",
    .inputs = {2, 9},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(CODES),
    .attrs = qgemm_attrs,
    .ties = c2s_ties_qgemm,
    C2S_DEFINED_BY(qgemm),
    .macs = qgemm_macs,
};
