/* SPDX-License-Identifier: Apache-2.0
 *
 * Elementary functions of one operand.
 */
#include <math.h>
#include <tgmath.h>

#include "ops/contents.h"
#include "ops/elementary.h"
#include "ops/pointwise.h"

#define UNARY(symbol, name, quantized, rule)                                                       \
    static c2s_status symbol##_pointwise(const c2s_node *node, const c2s_fact *in,                 \
                                         c2s_pointwise *p) {                                       \
        (void)node;                                                                                \
        return c2s_pointwise_same(p, &symbol##_blocks, in[0].type->dtype, 1);                      \
    }                                                                                              \
    const c2s_op c2s_op_##symbol = {.type = name,                                                  \
                                    .domain = "",                                                  \
                                    .inputs = {1, 1},                                              \
                                    .outputs = {1, 1},                                             \
                                    .quant = C2S_QUANT_ARGUMENT quantized,                         \
                                    .flags = C2S_OP_ELEMENTWISE,                                   \
                                    .infer = rule,                                                 \
                                    .eval = c2s_pointwise_eval,                                    \
                                    .pointwise = symbol##_pointwise};
#define FLOAT_UNARY(symbol, name, quantized, ...)                                                  \
    C2S_FLOAT_BLOCKS1(symbol, __VA_ARGS__)                                                         \
    static const c2s_blocks symbol##_blocks = {.f32 = symbol##_f32, .f64 = symbol##_f64};          \
    UNARY(symbol, name, quantized, c2s_infer_like_first)

/* The function for float is the one that vectorises. */
#define NEAR_UNARY(symbol, name, quantized, near, exact)                                           \
    C2S_BLOCK1(symbol, f32, float, near)                                                           \
    C2S_BLOCK1(symbol, f64, double, exact)                                                         \
    static const c2s_blocks symbol##_blocks = {.f32 = symbol##_f32, .f64 = symbol##_f64};          \
    UNARY(symbol, name, quantized, c2s_infer_like_first)

/* Sine and cosine of what is too large for c2s_sine_near, or not finite, come one by one. */
#define SINE(symbol, name, quantized, quarters, function)                                          \
    C2S_BLOCK1(symbol##_near, f32, float, c2s_sine_near((double)x, quarters))                      \
    static void symbol##_f32(const void *const *in, void *out, size_t n, const void *p) {          \
        const float *x = in[0];                                                                    \
        float *r = out;                                                                            \
        symbol##_near_f32(in, out, n, p);                                                          \
        for (size_t k = 0; k < n; k++)                                                             \
            if (!(fabsf(x[k]) < 0x1p20f))                                                          \
                r[k] = function##f(x[k]);                                                          \
    }                                                                                              \
    C2S_BLOCK1(symbol, f64, double, (function)(x))                                                 \
    static const c2s_blocks symbol##_blocks = {.f32 = symbol##_f32, .f64 = symbol##_f64};          \
    UNARY(symbol, name, quantized, c2s_infer_like_first)

FLOAT_UNARY(acos, "Acos", (C2S_QUANT_UNARY(FLOAT)), acos(x))
FLOAT_UNARY(acosh, "Acosh", (C2S_QUANT_UNARY(FLOAT)), acosh(x))
FLOAT_UNARY(asin, "Asin", (C2S_QUANT_UNARY(FLOAT)), asin(x))
FLOAT_UNARY(asinh, "Asinh", (C2S_QUANT_UNARY(OWN)), asinh(x))
FLOAT_UNARY(atan, "Atan", (C2S_QUANT_BOUNDED(RANGE, -1.57079637f, 1.57079637f)), atan(x))
FLOAT_UNARY(atanh, "Atanh", (C2S_QUANT_UNARY(FLOAT)), atanh(x))
FLOAT_UNARY(ceil, "Ceil", (C2S_QUANT_UNARY(FLOAT)), ceil(x))
SINE(cos, "Cos", (C2S_QUANT_UNARY(FLOAT)), 1, cos)
FLOAT_UNARY(cosh, "Cosh", (C2S_QUANT_UNARY(FLOAT)), cosh(x))
NEAR_UNARY(exp, "Exp", (C2S_QUANT_UNARY(FLOAT)), c2s_exp_near((double)x), exp(x))
FLOAT_UNARY(floor, "Floor", (C2S_QUANT_UNARY(FLOAT)), floor(x))
NEAR_UNARY(log, "Log", (C2S_QUANT_UNARY(FLOAT)), c2s_log_near((double)x), log(x))
FLOAT_UNARY(reciprocal, "Reciprocal", (C2S_QUANT_UNARY(FLOAT)), (T)1 / x)
FLOAT_UNARY(round, "Round", (C2S_QUANT_UNARY(FLOAT)), rint(x))
SINE(sin, "Sin", (C2S_QUANT_UNARY(FLOAT)), 0, sin)
FLOAT_UNARY(sinh, "Sinh", (C2S_QUANT_UNARY(FLOAT)), sinh(x))
FLOAT_UNARY(sqrt, "Sqrt", (C2S_QUANT_UNARY(FLOAT)), sqrt(x))
FLOAT_UNARY(tan, "Tan", (C2S_QUANT_UNARY(FLOAT)), tan(x))
NEAR_UNARY(tanh, "Tanh", (C2S_QUANT_BOUNDED(RANGE, -1.0f, 1.0f)), c2s_tanh_near((double)x), tanh(x))

/* Integers are negated as unsigned numbers: the least one has no positive counterpart. */
C2S_FLOAT_BLOCKS1(abs, fabs(x))
C2S_BLOCK1(abs, i64, int64_t, x < 0 ? 0 - (uint64_t)x : (uint64_t)x)
C2S_BLOCK1(abs, u64, uint64_t, x)
static const c2s_blocks abs_blocks = {abs_f32, abs_f64, abs_i64, abs_u64};
static c2s_status abs_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_like_first(i));
    c2s_contents_unary(i, c2s_dim_absolute);
    return C2S_OK;
}
UNARY(abs, "Abs", (C2S_QUANT_UNARY(OWN)), abs_infer)

C2S_FLOAT_BLOCKS1(neg, -x)
C2S_BLOCK1(neg, i64, int64_t, 0 - (uint64_t)x)
static const c2s_blocks neg_blocks = {.f32 = neg_f32, .f64 = neg_f64, .i64 = neg_i64};
static c2s_status neg_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_like_first(i));
    c2s_contents_unary(i, c2s_dim_negate);
    return C2S_OK;
}
UNARY(neg, "Neg", (C2S_QUANT_UNARY(OWN)), neg_infer)

C2S_BLOCK1(erf, f32, float, c2s_erf_near((double)x))
C2S_BLOCK1(erf, f64, double, erf(x))
C2S_BLOCK1(erf, i64, int64_t, erf((double)x))
C2S_BLOCK1(erf, u64, uint64_t, erf((double)x))
static const c2s_blocks erf_blocks = {erf_f32, erf_f64, erf_i64, erf_u64};
UNARY(erf, "Erf", (C2S_QUANT_BOUNDED(RANGE, -1.0f, 1.0f)), c2s_infer_like_first)

/* The sign of NaN is NaN. */
C2S_FLOAT_BLOCKS1(sign, x > 0 ? (T)1 : x < 0 ? (T)-1 : x)
C2S_BLOCK1(sign, i64, int64_t, (x > 0) - (x < 0))
C2S_BLOCK1(sign, u64, uint64_t, x > 0)
static const c2s_blocks sign_blocks = {sign_f32, sign_f64, sign_i64, sign_u64};
UNARY(sign, "Sign", (C2S_QUANT_BOUNDED(RANGE, -1.0f, 1.0f)), c2s_infer_like_first)

#define PREDICATE(symbol, name, specs, ...)                                                        \
    static c2s_status symbol##_infer(c2s_infer *i) {                                               \
        C2S_TRY(c2s_infer_like_first(i));                                                          \
        i->out[0] =                                                                                \
            c2s_type_tensor(C2S_BOOL, i->out[0].kind ? i->out[0].rank : -1, i->out[0].dim);        \
        return C2S_OK;                                                                             \
    }                                                                                              \
    static c2s_status symbol##_pointwise(const c2s_node *node, const c2s_fact *in,                 \
                                         c2s_pointwise *p) {                                       \
        (void)node;                                                                                \
        __VA_ARGS__;                                                                               \
        return c2s_pointwise_predicate(p, &symbol##_blocks, in[0].type->dtype, 1);                 \
    }                                                                                              \
    const c2s_op c2s_op_##symbol = {.type = name,                                                  \
                                    .domain = "",                                                  \
                                    .inputs = {1, 1},                                              \
                                    .outputs = {1, 1},                                             \
                                    .quant = C2S_QUANT_SLOTS(SAME, 1u, 0u),                        \
                                    .flags = C2S_OP_ELEMENTWISE,                                   \
                                    .attrs = specs,                                                \
                                    .infer = symbol##_infer,                                       \
                                    .eval = c2s_pointwise_eval,                                    \
                                    .pointwise = symbol##_pointwise};

C2S_TEST1(is_nan, f32, float, x != x)
C2S_TEST1(is_nan, f64, double, x != x)
static const c2s_blocks is_nan_blocks = {.f32 = is_nan_f32, .f64 = is_nan_f64};
PREDICATE(is_nan, "IsNaN", NULL, (void)p)

enum { POSITIVE, NEGATIVE };
C2S_TEST1(is_inf, f32, float,
          (((const bool *)p)[POSITIVE] && x == (T)INFINITY) ||
              (((const bool *)p)[NEGATIVE] && x == -(T)INFINITY))
C2S_TEST1(is_inf, f64, double,
          (((const bool *)p)[POSITIVE] && x == (T)INFINITY) ||
              (((const bool *)p)[NEGATIVE] && x == -(T)INFINITY))
static const c2s_blocks is_inf_blocks = {.f32 = is_inf_f32, .f64 = is_inf_f64};
static const c2s_attr_spec is_inf_attrs[] = {{"detect_negative", C2S_ATTR_INT, false},
                                             {"detect_positive", C2S_ATTR_INT, false},
                                             {NULL, C2S_ATTR_UNDEFINED, false}};
PREDICATE(is_inf, "IsInf", is_inf_attrs,
          p->params.flag[POSITIVE] = c2s_attr_int(node, "detect_positive", 1) != 0;
          p->params.flag[NEGATIVE] = c2s_attr_int(node, "detect_negative", 1) != 0)
