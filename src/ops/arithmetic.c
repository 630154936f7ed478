/* SPDX-License-Identifier: Apache-2.0
 *
 * Arithmetic with two operands. Integers wrap around; dividing them truncates, and what has no
 * result (division by zero) gives 0 instead of a trap.
 */
#include <math.h>
#include <tgmath.h>

#include "ops/contents.h"
#include "ops/elementary.h"
#include "ops/pointwise.h"

#define ARITHMETIC(symbol, name, quantized, traits, contents, description)                         \
    static c2s_status symbol##_infer(c2s_infer *i) {                                               \
        C2S_TRY(c2s_infer_broadcast_all(i));                                                       \
        c2s_contents_fold(i, contents);                                                            \
        return C2S_OK;                                                                             \
    }                                                                                              \
    static c2s_status symbol##_pointwise(const c2s_node *node, const c2s_fact *in,                 \
                                         c2s_pointwise *p) {                                       \
        (void)node;                                                                                \
        return description;                                                                        \
    }                                                                                              \
    const c2s_op c2s_op_##symbol = {.type = name,                                                  \
                                    .domain = "",                                                  \
                                    .inputs = {2, 2},                                              \
                                    .outputs = {1, 1},                                             \
                                    .quant = C2S_QUANT_ARGUMENT quantized,                         \
                                    .flags = C2S_OP_ELEMENTWISE | (traits),                        \
                                    .infer = symbol##_infer,                                       \
                                    .eval = c2s_pointwise_eval,                                    \
                                    .pointwise = symbol##_pointwise};

C2S_FLOAT_BLOCKS2(add, x + y)
C2S_BLOCK2(add, u64, uint64_t, x + y)
static const c2s_blocks add_blocks = {add_f32, add_f64, add_u64, add_u64};
C2S_LOW_BLOCKS2(add, x + y)
ARITHMETIC(add, "Add", (C2S_QUANT_BINARY(OWN)), C2S_OP_COMMUTATIVE, c2s_dim_add,
           c2s_pointwise_wrapping(p, &add_blocks, add_low, in[0].type->dtype, 2))

C2S_FLOAT_BLOCKS2(sub, x - y)
C2S_BLOCK2(sub, u64, uint64_t, x - y)
static const c2s_blocks sub_blocks = {sub_f32, sub_f64, sub_u64, sub_u64};
C2S_LOW_BLOCKS2(sub, x - y)
ARITHMETIC(sub, "Sub", (C2S_QUANT_BINARY(OWN)), 0, c2s_dim_sub,
           c2s_pointwise_wrapping(p, &sub_blocks, sub_low, in[0].type->dtype, 2))

C2S_FLOAT_BLOCKS2(mul, (x * y))
C2S_BLOCK2(mul, u64, uint64_t, (x * y))
static const c2s_blocks mul_blocks = {mul_f32, mul_f64, mul_u64, mul_u64};
C2S_LOW_BLOCKS2(mul, (x * y))
ARITHMETIC(mul, "Mul", (C2S_QUANT_BINARY(OWN)), C2S_OP_COMMUTATIVE, c2s_dim_mul,
           c2s_pointwise_wrapping(p, &mul_blocks, mul_low, in[0].type->dtype, 2))

/* The least integer divided by -1 wraps around to itself. */
C2S_FLOAT_BLOCKS2(div, x / y)
C2S_BLOCK2(div, i64, int64_t, y == 0 ? 0 : y == -1 ? (T)(0 - (uint64_t)x) : x / y)
C2S_BLOCK2(div, u64, uint64_t, y == 0 ? 0 : x / y)
static const c2s_blocks div_blocks = {div_f32, div_f64, div_i64, div_u64};
ARITHMETIC(div, "Div", (C2S_QUANT_BINARY(FLOAT)), 0, c2s_dim_truncdiv,
           c2s_pointwise_same(p, &div_blocks, in[0].type->dtype, 2))

/* Remainders: of the truncated quotient (sign of x), and of the rounded-down one (sign of y). */
static int64_t remainder_down(int64_t x, int64_t y) {
    if (y == 0 || y == -1)
        return 0;
    const int64_t r = x % y;
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}
static double remainder_down_f64(double x, double y) {
    const double r = fmod(x, y);
    return r != 0 ? ((r < 0) != (y < 0) ? r + y : r) : copysign(0.0, y);
}
C2S_FLOAT_BLOCKS2(fmod, fmod(x, y))
C2S_BLOCK2(fmod, i64, int64_t, y == 0 || y == -1 ? 0 : x % y)
C2S_BLOCK2(fmod, u64, uint64_t, y == 0 ? 0 : x % y)
static const c2s_blocks fmod_blocks = {fmod_f32, fmod_f64, fmod_i64, fmod_u64};
C2S_FLOAT_BLOCKS2(mod, remainder_down_f64((double)x, (double)y))
C2S_BLOCK2(mod, i64, int64_t, remainder_down(x, y))
static const c2s_blocks mod_blocks = {mod_f32, mod_f64, mod_i64, fmod_u64};

static c2s_status mod_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_broadcast_all(i));
    const bool truncated = c2s_attr_int(i->node, "fmod", 0) != 0;
    c2s_contents_fold(i, truncated ? c2s_dim_truncmod : c2s_dim_mod);
    return C2S_OK;
}
static c2s_status mod_pointwise(const c2s_node *node, const c2s_fact *in, c2s_pointwise *p) {
    const bool truncated = c2s_attr_int(node, "fmod", 0) != 0;
    return c2s_pointwise_same(p, truncated ? &fmod_blocks : &mod_blocks, in[0].type->dtype, 2);
}
static const c2s_attr_spec mod_attrs[] = {{"fmod", C2S_ATTR_INT, false},
                                          {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_mod = {.type = "Mod",
                           .domain = "",
                           .inputs = {2, 2},
                           .outputs = {1, 1},
                           .quant = C2S_QUANT_BINARY(FLOAT),
                           .flags = C2S_OP_ELEMENTWISE,
                           .attrs = mod_attrs,
                           .infer = mod_infer,
                           .eval = c2s_pointwise_eval,
                           .pointwise = mod_pointwise};

/* Powers of integers by squaring, modulo 2^64; a negative exponent leaves 1, -1 or 0. */
static uint64_t power(uint64_t base, uint64_t exponent) {
    uint64_t result = 1;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1)
            result *= base;
    return result;
}
static int64_t signed_power(int64_t base, int64_t exponent) {
    if (exponent >= 0)
        return (int64_t)power((uint64_t)base, (uint64_t)exponent);
    return base == 1 ? 1 : base == -1 ? (exponent & 1 ? -1 : 1) : 0;
}
C2S_BLOCK2(pow_near, f32, float, c2s_pow_near((double)x, (double)y))
static void pow_f32(const void *const *in, void *out, size_t n, const void *p) {
    const float *x = in[0], *y = in[1];
    float *r = out;
    pow_near_f32(in, out, n, p);
    for (size_t k = 0; k < n; k++)
        if (x[k] == 0 || !isfinite(x[k]) || !isfinite(y[k]))
            r[k] = powf(x[k], y[k]);
}
C2S_BLOCK2(pow, f64, double, (pow)(x, y))
C2S_BLOCK2(pow, i64, int64_t, signed_power(x, y))
C2S_BLOCK2(pow, u64, uint64_t, power(x, y))

static c2s_status pow_infer(c2s_infer *i) {
    const c2s_type *x = c2s_infer_type(i, 0), *y = c2s_infer_type(i, 1);
    C2S_TRY(c2s_infer_tensors(i, 2));
    c2s_type joined = c2s_type_unknown();
    joined.rank = -1;
    if (x->kind == C2S_KIND_TENSOR && y->kind == C2S_KIND_TENSOR)
        C2S_TRY(c2s_infer_broadcast(i, x, y, &joined));
    i->out[0] = c2s_type_tensor(x->dtype, joined.rank, joined.dim);
    return C2S_OK;
}
/* Base and exponent of one kind are computed in it, mixed ones in double; the type of the base is
 * that of the result. A double outside of an integer's range is not representable there: 0. */
static void pow_mixed_i64(const void *const *in, void *out, size_t n, const void *p) {
    const double *x = in[0], *y = in[1];
    int64_t *r = out;
    (void)p;
    for (size_t k = 0; k < n; k++)
        r[k] = c2s_wide_truncate(pow(x[k], y[k]));
}
static void pow_mixed_u64(const void *const *in, void *out, size_t n, const void *p) {
    const double *x = in[0], *y = in[1];
    uint64_t *r = out;
    (void)p;
    for (size_t k = 0; k < n; k++) {
        const double value = pow(x[k], y[k]);
        r[k] = value > -1 && value < 0x1p64 ? (uint64_t)value : 0;
    }
}
/* A square is a product. Where the exponent comes at run time, the result is the same. */
static bool is_square(const c2s_fact *exponent) {
    return exponent->constant && exponent->constant->count == 1 &&
           c2s_tensor_f64_at(exponent->constant, 0) == 2;
}
static c2s_status pow_pointwise(const c2s_node *node, const c2s_fact *in, c2s_pointwise *p) {
    const c2s_wide base = c2s_wide_of(in[0].type->dtype);
    const c2s_wide exponent = c2s_wide_of(in[1].type->dtype);
    const bool whole = exponent == C2S_WIDE_I64 || exponent == C2S_WIDE_U64;
    (void)node;
    if (!base || !exponent)
        return c2s_fail(C2S_ERR_INVALID, "powers of %s to %s are not defined",
                        c2s_dtype_name(in[0].type->dtype), c2s_dtype_name(in[1].type->dtype));
    *p = (c2s_pointwise){.block = pow_f64,
                         .operands = 2,
                         .slot = {0, 1},
                         .in = {C2S_WIDE_F64, C2S_WIDE_F64},
                         .out = base};
    if (base == C2S_WIDE_F32 && is_square(&in[1])) {
        p->block = mul_f32;
        p->in[0] = p->in[1] = base;
        p->slot[1] = 0;
    } else if (base == C2S_WIDE_F32 && exponent == C2S_WIDE_F32) {
        p->block = pow_f32;
        p->in[0] = p->in[1] = base;
    } else if (base == C2S_WIDE_F32) {
        p->out = C2S_WIDE_F64;
    } else if (base == C2S_WIDE_U64) {
        p->block = exponent == base ? pow_u64 : pow_mixed_u64;
        if (exponent == base)
            p->in[0] = p->in[1] = base;
    } else if (base == C2S_WIDE_I64) {
        p->block = whole ? pow_i64 : pow_mixed_i64;
        if (whole)
            p->in[0] = p->in[1] = base;
    }
    return C2S_OK;
}
const c2s_op c2s_op_pow = {.type = "Pow",
                           .domain = "",
                           .inputs = {2, 2},
                           .outputs = {1, 1},
                           .quant = C2S_QUANT_BINARY(FLOAT),
                           .flags = C2S_OP_ELEMENTWISE,
                           .infer = pow_infer,
                           .eval = c2s_pointwise_eval,
                           .pointwise = pow_pointwise};
