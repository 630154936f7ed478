/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Conv | ConvTranspose | Gemm | MatMul, then BatchNormalization
 * After:  the first with w' = w * s and b' = b * s + (beta - mean * s),
 *         s = gamma / sqrt(variance + epsilon) per output channel, groups included;
 *         a MatMul becomes a Gemm
 * Refuses when the normalization trains, a weight is not constant, a parameter is not one number
 * per channel, s is not finite, or the model would grow by a second large weight.
 */
#include <math.h>

#include "passes/fuse/fuse.h"
#include "passes/fuse/linear.h"

enum { X = C2S_LETTER_A, W, B, Y, GAMMA, BETA, MEAN, VARIANCE };

static bool read_parameter(const c2s_value *value, size_t count, double *out) {
    const c2s_tensor *tensor = value->constant;
    if (tensor->type.rank != 1 || tensor->count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        out[i] = c2s_tensor_f64_at(tensor, i);
    return true;
}

static const char *read_affine(const c2s_match *m, c2s_linear *l, c2s_affine *affine) {
    *affine = (c2s_affine){0};
    if (c2s_attr_int(m->root, "training_mode", 0) != 0)
        return "the normalization is in training mode";
    const char *reason = c2s_linear_read(m->node[0], l);
    if (reason)
        return reason;
    if (l->axis != 1)
        return "the columns are not the channels of the normalization";
    if (!l->can_shift)
        return "MatMul has no bias, and Gemm takes matrices only";
    size_t n = l->channels;
    double epsilon = (double)c2s_attr_float(m->root, "epsilon", 1e-5F);
    double *mean = c2s_alloc_array(n + 1, sizeof *mean);
    double *variance = c2s_alloc_array(n + 1, sizeof *variance);
    *affine = c2s_affine_identity(n);
    if (!read_parameter(m->value[GAMMA], n, affine->scale) ||
        !read_parameter(m->value[BETA], n, affine->shift) ||
        !read_parameter(m->value[MEAN], n, mean) ||
        !read_parameter(m->value[VARIANCE], n, variance)) {
        reason = "a parameter of the normalization is not one number per channel";
    } else {
        for (size_t c = 0; c < n; c++) {
            affine->scale[c] /= sqrt(variance[c] + epsilon);
            affine->shift[c] -= mean[c] * affine->scale[c];
        }
        if (!c2s_affine_is_finite(affine))
            reason = "the normalization divides by zero or has parameters that are not finite";
    }
    free(mean);
    free(variance);
    return reason;
}

static const char *refuse(const c2s_match *m) {
    c2s_linear l;
    c2s_affine affine;
    const char *reason = read_affine(m, &l, &affine);
    c2s_affine_free(&affine);
    return reason;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_linear l;
    c2s_affine affine;
    c2s_value *value = NULL;
    if (!read_affine(m, &l, &affine))
        value = c2s_linear_build(b, &l, m->value[X], &affine);
    c2s_affine_free(&affine);
    return value;
}

static const c2s_op *const linear_ops[] = {&c2s_op_conv, &c2s_op_conv_transpose, &c2s_op_gemm,
                                           &c2s_op_matmul, NULL};
static const c2s_pattern_row rows[] = {
    {.any_of = linear_ops, .out = Y, .in = {X, W, B | C2S_OPTIONAL}},
    {.op = &c2s_op_batch_normalization, .in = {Y, GAMMA, BETA, MEAN, VARIANCE}},
};
const c2s_rule c2s_rule_linear_batch_norm = {
    .name = "linear-batch-norm",
    .summary = "Conv, ConvTranspose, Gemm or MatMul, then BatchNormalization -> the first with "
               "changed weight and bias",
    C2S_ROWS(rows),
    .constants = C2S_BIT(W) | C2S_BIT(B) | C2S_BIT(GAMMA) | C2S_BIT(BETA) | C2S_BIT(MEAN) |
                 C2S_BIT(VARIANCE),
    .refuse = refuse,
    .build = build};
