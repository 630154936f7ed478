/* SPDX-License-Identifier: Apache-2.0
 *
 * Activation functions.
 */
#include <math.h>
#include <string.h>
#include <tgmath.h>

#include "ops/elementary.h"
#include "ops/pointwise.h"

/* Attribute k of the operator, in the wide type. */
#define A(k) ((T)((const double *)p)[k])
#define FLOAT_ATTR(name)                                                                           \
    { name, C2S_ATTR_FLOAT, false }
#define END_OF_ATTRS                                                                               \
    { NULL, C2S_ATTR_UNDEFINED, false }

#define ACTIVATION(symbol, name, quantized, specs, arguments)                                      \
    static c2s_status symbol##_pointwise(const c2s_node *node, const c2s_fact *in,                 \
                                         c2s_pointwise *p) {                                       \
        (void)node;                                                                                \
        arguments;                                                                                 \
        return c2s_pointwise_same(p, &symbol##_blocks, in[0].type->dtype, 1);                      \
    }                                                                                              \
    const c2s_op c2s_op_##symbol = {.type = name,                                                  \
                                    .domain = "",                                                  \
                                    .inputs = {1, 1},                                              \
                                    .outputs = {1, 1},                                             \
                                    .quant = C2S_QUANT_ARGUMENT quantized,                         \
                                    .flags = C2S_OP_ELEMENTWISE,                                   \
                                    .attrs = specs,                                                \
                                    .infer = c2s_infer_like_first,                                 \
                                    .eval = c2s_pointwise_eval,                                    \
                                    .pointwise = symbol##_pointwise};
#define FLOAT_ACTIVATION(symbol, name, quantized, specs, arguments, ...)                           \
    C2S_FLOAT_BLOCKS1(symbol, __VA_ARGS__)                                                         \
    static const c2s_blocks symbol##_blocks = {.f32 = symbol##_f32, .f64 = symbol##_f64};          \
    ACTIVATION(symbol, name, quantized, specs, arguments)
/* Functions with exponentials, of the double x and the attributes a: `near` for float elements,
 * from what vectorises, `exact` for double. */
#define SMOOTH_BLOCKS(symbol, near, exact)                                                         \
    C2S_INLINE double symbol##_near(double x, const double *a) {                                   \
        (void)a;                                                                                   \
        return near;                                                                               \
    }                                                                                              \
    C2S_INLINE double symbol##_exact(double x, const double *a) {                                  \
        (void)a;                                                                                   \
        return exact;                                                                              \
    }                                                                                              \
    C2S_BLOCK1(symbol, f32, float, symbol##_near((double)x, p))                                    \
    C2S_BLOCK1(symbol, f64, double, symbol##_exact(x, p))                                          \
    static const c2s_blocks symbol##_blocks = {.f32 = symbol##_f32, .f64 = symbol##_f64};
#define SMOOTH_ACTIVATION(symbol, name, quantized, specs, arguments, near, exact)                  \
    SMOOTH_BLOCKS(symbol, near, exact)                                                             \
    ACTIVATION(symbol, name, quantized, specs, arguments)
/* Attribute values for the blocks, with their defaults. */
#define NUMBERS(...)         set_numbers(p, (const double[C2S_POINTWISE_PARAMS]){__VA_ARGS__})
#define NUMBER(name, absent) ((double)c2s_attr_float(node, name, absent))

static void set_numbers(c2s_pointwise *p, const double *numbers) {
    memcpy(p->params.number, numbers, sizeof p->params.number);
}

static const c2s_attr_spec alpha[] = {FLOAT_ATTR("alpha"), END_OF_ATTRS};
static const c2s_attr_spec alpha_beta[] = {FLOAT_ATTR("alpha"), FLOAT_ATTR("beta"), END_OF_ATTRS};
static const c2s_attr_spec alpha_gamma[] = {FLOAT_ATTR("alpha"), FLOAT_ATTR("gamma"), END_OF_ATTRS};

/* NaN stays NaN: the comparison with 0 is false for it. */
C2S_FLOAT_BLOCKS1(relu, x < 0 ? (T)0 : x)
C2S_BLOCK1(relu, i64, int64_t, x < 0 ? 0 : x)
C2S_BLOCK1(relu, u64, uint64_t, x)
static const c2s_blocks relu_blocks = {relu_f32, relu_f64, relu_i64, relu_u64};
ACTIVATION(relu, "Relu", (C2S_QUANT_BOUNDED(CLAMP, 0.0f, INFINITY)), NULL, (void)0)

FLOAT_ACTIVATION(leaky_relu, "LeakyRelu", (C2S_QUANT_UNARY(OWN)), alpha,
                 NUMBERS(NUMBER("alpha", 0.01f)), x < 0 ? A(0) * x : x)
SMOOTH_ACTIVATION(elu, "Elu", (C2S_QUANT_UNARY(OWN)), alpha, NUMBERS(NUMBER("alpha", 1.0f)),
                  x < 0 ? a[0] * c2s_expm1_near(x) : x, x < 0 ? a[0] * expm1(x) : x)
SMOOTH_ACTIVATION(selu, "Selu", (C2S_QUANT_UNARY(OWN)), alpha_gamma,
                  NUMBERS(NUMBER("alpha", 1.67326319217681884765625f),
                          NUMBER("gamma", 1.05070102214813232421875f)),
                  a[1] * (x < 0 ? a[0] * c2s_expm1_near(x) : x),
                  a[1] * (x < 0 ? a[0] * expm1(x) : x))
SMOOTH_ACTIVATION(celu, "Celu", (C2S_QUANT_UNARY(OWN)), alpha, NUMBERS(NUMBER("alpha", 1.0f)),
                  x < 0 ? a[0] * c2s_expm1_near(x / a[0]) : x, x < 0 ? a[0] * expm1(x / a[0]) : x)
SMOOTH_ACTIVATION(sigmoid, "Sigmoid", (C2S_QUANT_BOUNDED(RANGE, 0.0f, 1.0f)), NULL, (void)0,
                  c2s_sigmoid_near(x), 1 / (1 + exp(-x)))
#define UNIT(value) ((value) < 0 ? (T)0 : (value) > 1 ? (T)1 : (value))
FLOAT_ACTIVATION(hard_sigmoid, "HardSigmoid", (C2S_QUANT_BOUNDED(RANGE, 0.0f, 1.0f)), alpha_beta,
                 NUMBERS(NUMBER("alpha", 0.2f), NUMBER("beta", 0.5f)), UNIT(A(0) * x + A(1)))
FLOAT_ACTIVATION(hard_swish, "HardSwish", (C2S_QUANT_UNARY(OWN)), NULL, (void)0,
                 UNIT(x / (T)6 + (T)0.5) * x)
SMOOTH_ACTIVATION(softplus, "Softplus", (C2S_QUANT_UNARY(OWN)), NULL, (void)0, c2s_softplus_near(x),
                  x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))
FLOAT_ACTIVATION(softsign, "Softsign", (C2S_QUANT_BOUNDED(RANGE, -1.0f, 1.0f)), NULL, (void)0,
                 x / (1 + fabs(x)))
SMOOTH_ACTIVATION(mish, "Mish", (C2S_QUANT_UNARY(OWN)), NULL, (void)0, c2s_mish_near(x),
                  tanh(x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))) * x)
SMOOTH_ACTIVATION(swish, "Swish", (C2S_QUANT_UNARY(OWN)), alpha, NUMBERS(NUMBER("alpha", 1.0f)),
                  x / (1 + c2s_exp_near(-a[0] * x)), x / (1 + exp(-a[0] * x)))
FLOAT_ACTIVATION(thresholded_relu, "ThresholdedRelu", (C2S_QUANT_UNARY(SAME)), alpha,
                 NUMBERS(NUMBER("alpha", 1.0f)), x <= A(0) ? (T)0 : x)

C2S_FLOAT_BLOCKS1(shrink, (x < -A(0)) ? x + A(1) : (x > A(0)) ? x - A(1) : (x != x) ? x : (T)0)
/* Integers are compared and shifted as doubles, then truncated. */
#define SHRINK_INTEGER                                                                             \
    ((double)x < -((const double *)p)[0]  ? (double)x + ((const double *)p)[1]                     \
     : (double)x > ((const double *)p)[0] ? (double)x - ((const double *)p)[1]                     \
                                          : 0)
C2S_BLOCK1(shrink, i64, int64_t, c2s_wide_truncate(SHRINK_INTEGER))
C2S_BLOCK1(shrink, u64, uint64_t, c2s_wide_truncate(SHRINK_INTEGER))
static const c2s_blocks shrink_blocks = {shrink_f32, shrink_f64, shrink_i64, shrink_u64};
static const c2s_attr_spec shrink_attrs[] = {FLOAT_ATTR("lambd"), FLOAT_ATTR("bias"), END_OF_ATTRS};
ACTIVATION(shrink, "Shrink", (C2S_QUANT_UNARY(OWN)), shrink_attrs,
           NUMBERS(NUMBER("lambd", 0.5f), NUMBER("bias", 0.0f)))

/* (1 + erf(u)) / 2 = erfc(-u) / 2 and (1 + tanh(u)) / 2 = sigmoid(2 u), without cancellation. */
#define GELU_ARGUMENT (M_SQRT1_2 * M_2_SQRTPI * (x + 0.044715 * x * x * x))
SMOOTH_BLOCKS(gelu_exact, 0.5 * x * c2s_erfc_near(-x * M_SQRT1_2), 0.5 * x * erfc(-x * M_SQRT1_2))
SMOOTH_BLOCKS(gelu_tanh, x *c2s_sigmoid_near(2 * GELU_ARGUMENT), x / (1 + exp(-2 * GELU_ARGUMENT)))
static c2s_status gelu_infer(c2s_infer *i) {
    const char *form = c2s_attr_string(i->node, "approximate", "none");
    if (strcmp(form, "none") != 0 && strcmp(form, "tanh") != 0)
        return c2s_fail(C2S_ERR_INVALID, "approximate is \"%s\", expected \"none\" or \"tanh\"",
                        form);
    return c2s_infer_like_first(i);
}
static c2s_status gelu_pointwise(const c2s_node *node, const c2s_fact *in, c2s_pointwise *p) {
    const bool exact = strcmp(c2s_attr_string(node, "approximate", "none"), "none") == 0;
    return c2s_pointwise_same(p, exact ? &gelu_exact_blocks : &gelu_tanh_blocks, in[0].type->dtype,
                              1);
}
static const c2s_attr_spec gelu_attrs[] = {{"approximate", C2S_ATTR_STRING, false}, END_OF_ATTRS};
const c2s_op c2s_op_gelu = {.type = "Gelu",
                            .domain = "",
                            .inputs = {1, 1},
                            .outputs = {1, 1},
                            .quant = C2S_QUANT_UNARY(OWN),
                            .flags = C2S_OP_ELEMENTWISE,
                            .attrs = gelu_attrs,
                            .infer = gelu_infer,
                            .eval = c2s_pointwise_eval,
                            .pointwise = gelu_pointwise};

C2S_FLOAT_BLOCKS2(prelu, x < 0 ? x * y : x)
C2S_BLOCK2(prelu, i64, int64_t, x < 0 ? (uint64_t)x * (uint64_t)y : (uint64_t)x)
C2S_BLOCK1(prelu, u64, uint64_t, x)
static const c2s_blocks prelu_blocks = {prelu_f32, prelu_f64, prelu_i64, prelu_u64};
/* The slope broadcasts to the input, not the other way round. */
static c2s_status prelu_infer(c2s_infer *i) {
    const c2s_type *x = c2s_infer_type(i, 0), *slope = c2s_infer_type(i, 1);
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(c2s_infer_same_dtype(i, 0, 1));
    i->out[0] = *x;
    if (!c2s_type_is_static(x) || !c2s_type_is_static(slope))
        return C2S_OK;
    c2s_type joined = c2s_type_unknown();
    C2S_TRY(c2s_infer_broadcast(i, x, slope, &joined));
    bool fits = joined.rank == x->rank;
    for (int d = 0; fits && d < x->rank; d++)
        fits = joined.dim[d] == x->dim[d];
    return fits ? C2S_OK : c2s_fail(C2S_ERR_INVALID, "the slope does not broadcast to the input");
}
static c2s_status prelu_pointwise(const c2s_node *node, const c2s_fact *in, c2s_pointwise *p) {
    (void)node;
    return c2s_pointwise_same(p, &prelu_blocks, in[0].type->dtype, 2);
}
const c2s_op c2s_op_prelu = {.type = "PRelu",
                             .domain = "",
                             .inputs = {2, 2},
                             .outputs = {1, 1},
                             .quant = C2S_QUANT_BINARY(OWN),
                             .flags = C2S_OP_ELEMENTWISE,
                             .infer = prelu_infer,
                             .eval = c2s_pointwise_eval,
                             .pointwise = prelu_pointwise};
