/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: FusedConv, FusedGemm, FusedMatMul and their kin: products with what stands around
 * them.
 */
#include <stdio.h>
#include <string.h>

#include "ops/composite.h"
#include "ops/conv.h"
#include "ops/macs.h"
#include "ops/matmul.h"
#include "ops/ties_rules.h"

/* ---- activations by name ---- */

/* An activation and the names of its attributes in the order in which FusedConv lists them. */
typedef struct activation {
    const char *name, *parameter[2];
} activation;

static const activation activations[] = {
    {"Clip", {"min", "max"}},     {"Elu", {"alpha"}},       {"HardSigmoid", {"alpha", "beta"}},
    {"HardSwish", {NULL}},        {"LeakyRelu", {"alpha"}}, {"Relu", {NULL}},
    {"Selu", {"alpha", "gamma"}}, {"Sigmoid", {NULL}},      {"Softplus", {NULL}},
    {"Softsign", {NULL}},         {"Tanh", {NULL}},         {"ThresholdedRelu", {"alpha"}},
};

static const activation *find_activation(c2s_composite *c) {
    const char *name = c2s_attr_string(c2s_composite_node(c), "activation", "");
    for (size_t k = 0; k < sizeof activations / sizeof *activations; k++)
        if (strcmp(activations[k].name, name) == 0)
            return &activations[k];
    if (name[0])
        c2s_composite_fail(
            c, c2s_fail(C2S_ERR_UNSUPPORTED, "the activation \"%s\" is not known", name));
    return NULL;
}

/* `given`: one value per parameter of the activation, NaN where its default is to be taken. */
static c2s_value *activate(c2s_composite *c, c2s_value *x, const activation *a,
                           const double given[2]) {
    if (!x || !a)
        return x;
    if (strcmp(a->name, "Clip") == 0)
        return C2S_APPLY(c, "Clip", x, c2s_composite_scalar(c, x->type.dtype, given[0]),
                         c2s_composite_scalar(c, x->type.dtype, given[1]));
    c2s_node *node = C2S_START(c, a->name, x);
    for (int k = 0; node && k < 2 && a->parameter[k]; k++)
        if (given[k] == given[k])
            c2s_attr_set_float(node, a->parameter[k], (float)given[k]);
    return c2s_composite_finish(c, node);
}

/* ---- FusedConv ---- */

/* `last`: the channels are the last axis of X, Z and the result; weights are as ever. */
static void fused_conv_of(c2s_composite *c, bool last) {
    const activation *a = find_activation(c);
    size_t count, wanted = 0;
    const float *parameters = c2s_attr_floats(c2s_composite_node(c), "activation_params", &count);
    double given[2] = {0};
    c2s_value *x = c2s_composite_in(c, 0), *added = c2s_composite_in(c, 3);
    while (a && wanted < 2 && a->parameter[wanted])
        wanted++;
    if (count < wanted)
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID,
                                       "activation_params has %zu elements, expected %zu", count,
                                       wanted));
    for (size_t k = 0; k < wanted && k < count; k++)
        given[k] = (double)parameters[k];
    if (last && !c2s_composite_known(x))
        return;
    x = last ? c2s_composite_move_channels(c, x, false) : x;
    c2s_value *y = C2S_APPLY_LIKE(c, "Conv", x, c2s_composite_in(c, 1), c2s_composite_in(c, 2));
    y = last ? c2s_composite_move_channels(c, y, true) : y;
    if (added)
        y = C2S_APPLY(c, "Add", y, added);
    c2s_composite_out(c, 0, activate(c, y, a, given));
}

static void fused_conv(c2s_composite *c) {
    fused_conv_of(c, false);
}

static int64_t conv_macs(const c2s_node *node) {
    return c2s_conv_macs(node, false, 0, 1);
}

static const c2s_attr_spec fused_conv_attrs[] = {C2S_CONV_ATTRS,
                                                 {"activation", C2S_ATTR_STRING, false},
                                                 {"activation_params", C2S_ATTR_FLOATS, false},
                                                 {0}};
/* X, W, and Z, which is added behind the bias. */
#define FUSED_CONV_QUANT                                                                           \
    {                                                                                              \
        .kind = C2S_QUANT_LINEAR, .operands = C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(3),             \
        .results = C2S_SLOT(0), .weights = C2S_SLOT(1), .weight_axis = 0, .sum_axis = 1, .bias = 3 \
    }
const c2s_op c2s_op_ms_fused_conv = {
    .type = "FusedConv",
    .domain = "com.microsoft",
    .inputs = {2, 4},
    .outputs = {1, 1},
    .quant = FUSED_CONV_QUANT,
    .attrs = fused_conv_attrs,
    .ties = c2s_ties_conv,
    .refit = c2s_refit_conv,
    C2S_DEFINED_BY(fused_conv),
    .macs = conv_macs,
};

/* ---- NhwcConv, NhwcFusedConv ---- */

static void nhwc_conv(c2s_composite *c) {
    fused_conv_of(c, true);
}

static int64_t nhwc_macs(const c2s_node *node) {
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1), c2s_macs_input(node, 1, 1, -1));
}

static const c2s_attr_spec nhwc_conv_attrs[] = {C2S_CONV_ATTRS, {0}};
const c2s_op c2s_op_ms_nhwc_conv = {
    .type = "NhwcConv",
    .domain = "com.microsoft",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_WEIGHTS(LINEAR, C2S_SLOT(1), 0, 1, 3),
    .attrs = nhwc_conv_attrs,
    .ties = c2s_ties_nhwc_conv,
    .refit = c2s_refit_conv,
    C2S_DEFINED_BY(nhwc_conv),
    .macs = nhwc_macs,
};
const c2s_op c2s_op_ms_nhwc_fused_conv = {
    .type = "NhwcFusedConv",
    .domain = "com.microsoft",
    .inputs = {2, 4},
    .outputs = {1, 1},
    .quant = FUSED_CONV_QUANT,
    .attrs = fused_conv_attrs,
    .ties = c2s_ties_nhwc_conv,
    .refit = c2s_refit_conv,
    C2S_DEFINED_BY(nhwc_conv),
    .macs = nhwc_macs,
};

/* ---- FusedGemm ---- */

/* The parameters of an activation from the attributes activation_alpha, ... */
static void read_parameters(c2s_composite *c, const activation *a, double given[2]) {
    for (int k = 0; a && k < 2 && a->parameter[k]; k++) {
        char name[32];
        snprintf(name, sizeof name, "activation_%s", a->parameter[k]);
        given[k] = (double)c2s_attr_float(c2s_composite_node(c), name, __builtin_nanf(""));
    }
    if (a && strcmp(a->name, "Clip") == 0)
        c2s_composite_fail(c, c2s_fail(C2S_ERR_UNSUPPORTED, "there are no attributes for the "
                                                            "bounds of the activation Clip"));
}

static void fused_gemm(c2s_composite *c) {
    const activation *a = find_activation(c);
    double given[2] = {0};
    read_parameters(c, a, given);
    c2s_value *y = C2S_APPLY_LIKE(c, "Gemm", c2s_composite_in(c, 0), c2s_composite_in(c, 1),
                                  c2s_composite_in(c, 2));
    c2s_composite_out(c, 0, activate(c, y, a, given));
}

static int64_t fused_gemm_macs(const c2s_node *node) {
    return c2s_op_gemm.macs(node);
}

static const c2s_attr_spec fused_gemm_attrs[] = {{"activation", C2S_ATTR_STRING, false},
                                                 {"activation_alpha", C2S_ATTR_FLOAT, false},
                                                 {"activation_beta", C2S_ATTR_FLOAT, false},
                                                 {"activation_gamma", C2S_ATTR_FLOAT, false},
                                                 {"alpha", C2S_ATTR_FLOAT, false},
                                                 {"beta", C2S_ATTR_FLOAT, false},
                                                 {"transA", C2S_ATTR_INT, false},
                                                 {"transB", C2S_ATTR_INT, false},
                                                 {0}};
const c2s_op c2s_op_ms_fused_gemm = {
    .type = "FusedGemm",
    .domain = "com.microsoft",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_WEIGHTS(LINEAR, C2S_SLOT(1), -1, -2, 3),
    .attrs = fused_gemm_attrs,
    .ties = c2s_ties_gemm,
    C2S_DEFINED_BY(fused_gemm),
    .macs = fused_gemm_macs,
};

/* ---- GemmFastGelu: Gelu by tanh of X W + bias ---- */

static void gemm_fast_gelu(c2s_composite *c) {
    c2s_value *bias = c2s_composite_in(c, 2);
    c2s_value *y = C2S_APPLY(c, "MatMul", c2s_composite_in(c, 0), c2s_composite_in(c, 1));
    c2s_node *node = C2S_START(c, "Gelu", bias ? C2S_APPLY(c, "Add", y, bias) : y);
    if (node)
        c2s_attr_set_string(node, "approximate", "tanh");
    c2s_composite_out(c, 0, c2s_composite_finish(c, node));
}

static int64_t gemm_fast_gelu_macs(const c2s_node *node) {
    return c2s_matmul_macs(node, 0);
}

const c2s_op c2s_op_ms_gemm_fast_gelu = {
    .type = "GemmFastGelu",
    .domain = "com.microsoft",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_BINARY(FLOAT),
    .ties = c2s_ties_pinned,
    C2S_DEFINED_BY(gemm_fast_gelu),
    .macs = gemm_fast_gelu_macs,
};

/* ---- FusedMatMul: alpha * A' * B' ---- */

/* Where `batch` is set, axis 0 moves to the place before the last; where `turned`, the last two
 * change places after that. An operand of one axis stays as it is. */
static c2s_value *turn(c2s_composite *c, c2s_value *x, bool batch, bool turned) {
    const int rank = c2s_composite_rank(x);
    int64_t order[C2S_MAX_RANK];
    if (rank < 2 || (!batch && !turned))
        return x;
    for (int k = 0; k < rank; k++)
        order[k] = batch && k < rank - 2 ? k + 1 : batch && k == rank - 2 ? 0 : k;
    if (turned) {
        const int64_t row = order[rank - 2];
        order[rank - 2] = order[rank - 1];
        order[rank - 1] = row;
    }
    return c2s_composite_transpose(c, x, order, rank);
}

static c2s_value *transposed_product(c2s_composite *c) {
    const c2s_node *node = c2s_composite_node(c);
    c2s_value *a = c2s_composite_in(c, 0), *b = c2s_composite_in(c, 1);
    const double alpha = (double)c2s_attr_float(node, "alpha", 1.0f);
    if (!c2s_composite_known(a) || !c2s_composite_known(b))
        return NULL;
    a = turn(c, a, c2s_attr_int(node, "transBatchA", 0) != 0, c2s_attr_int(node, "transA", 0) != 0);
    b = turn(c, b, c2s_attr_int(node, "transBatchB", 0) != 0, c2s_attr_int(node, "transB", 0) != 0);
    c2s_value *y = C2S_APPLY(c, "MatMul", a, b);
    if (y && alpha != 1.0)
        y = C2S_APPLY(c, "Mul", y, c2s_composite_scalar(c, y->type.dtype, alpha));
    return y;
}

static void fused_matmul(c2s_composite *c) {
    c2s_composite_out(c, 0, transposed_product(c));
}

static void matmul_activation(c2s_composite *c) {
    const c2s_node *written = c2s_composite_node(c);
    c2s_value *y = transposed_product(c);
    double given[2] = {0};
    if (strcmp(c2s_attr_string(written, "activation", ""), "Softmax") == 0) {
        c2s_node *node = C2S_START(c, "Softmax", y);
        if (node)
            c2s_attr_set_int(node, "axis", c2s_attr_int(written, "activation_axis", -1));
        c2s_composite_out(c, 0, c2s_composite_finish(c, node));
        return;
    }
    const activation *a = find_activation(c);
    read_parameters(c, a, given);
    c2s_composite_out(c, 0, activate(c, y, a, given));
}

static int64_t fused_matmul_macs(const c2s_node *node) {
    const c2s_value *a = c2s_node_in(node, 0);
    if (!a || a->type.rank < 2)
        return c2s_matmul_macs(node, 0);
    const int rank = a->type.rank;
    const int batched = c2s_attr_int(node, "transBatchA", 0) != 0 ? 0 : rank - 2;
    const int depth = c2s_attr_int(node, "transA", 0) != 0 ? batched : rank - 1;
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1),
                        c2s_macs_extents(&a->type, depth, depth + 1));
}

static const c2s_attr_spec fused_matmul_attrs[] = {
    {"alpha", C2S_ATTR_FLOAT, false},     {"transA", C2S_ATTR_INT, false},
    {"transB", C2S_ATTR_INT, false},      {"transBatchA", C2S_ATTR_INT, false},
    {"transBatchB", C2S_ATTR_INT, false}, {0}};
const c2s_op c2s_op_ms_fused_matmul = {
    .type = "FusedMatMul",
    .domain = "com.microsoft",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_WEIGHTS(LINEAR, C2S_SLOT(1), -1, -2, 0),
    .attrs = fused_matmul_attrs,
    .ties = c2s_ties_fused_matmul,
    C2S_DEFINED_BY(fused_matmul),
    .macs = fused_matmul_macs,
};

const c2s_op c2s_op_ms_transpose_matmul = {
    .type = "TransposeMatMul",
    .domain = "com.microsoft",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_WEIGHTS(LINEAR, C2S_SLOT(1), -1, -2, 0),
    .attrs = fused_matmul_attrs,
    .ties = c2s_ties_fused_matmul,
    C2S_DEFINED_BY(fused_matmul),
    .macs = fused_matmul_macs,
};

static const c2s_attr_spec matmul_activation_attrs[] = {
    {"activation", C2S_ATTR_STRING, true},
    {"activation_alpha", C2S_ATTR_FLOAT, false},
    {"activation_axis", C2S_ATTR_INT, false},
    {"activation_beta", C2S_ATTR_FLOAT, false},
    {"activation_gamma", C2S_ATTR_FLOAT, false},
    {"alpha", C2S_ATTR_FLOAT, false},
    {"transA", C2S_ATTR_INT, false},
    {"transB", C2S_ATTR_INT, false},
    {"transBatchA", C2S_ATTR_INT, false},
    {"transBatchB", C2S_ATTR_INT, false},
    {0},
};
const c2s_op c2s_op_ms_fused_matmul_activation = {
    .type = "FusedMatMulActivation",
    .domain = "com.microsoft",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_WEIGHTS(LINEAR, C2S_SLOT(1), -1, -2, 0),
    .attrs = matmul_activation_attrs,
    .ties = c2s_ties_pinned,
    C2S_DEFINED_BY(matmul_activation),
    .macs = fused_matmul_macs,
};
