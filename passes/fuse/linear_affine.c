/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Conv | ConvTranspose | Gemm | MatMul, then Mul, Div, Add or Sub with a constant that is
 *         one number or one per output channel
 * After:  the first with changed weight and bias; a MatMul of matrices that gets a bias becomes
 *         a Gemm
 * Refuses when the constant differs along another axis or makes the result larger, when a number
 * is divided by the result, or when the model would grow by a second large weight.
 */
#include "passes/fuse/fuse.h"
#include "passes/fuse/linear.h"

enum { X = C2S_LETTER_A, W, B, Y, C };

/* values[c] is the constant of channel c: turned into what it does to the channel. */
static void to_affine(const c2s_match *m, const double *values, c2s_affine *affine) {
    const c2s_op *op = m->root->op;
    bool from_left = m->root->inputs[0].value == m->value[C];
    for (size_t c = 0; c < affine->count; c++) {
        if (op == &c2s_op_mul)
            affine->scale[c] = values[c];
        else if (op == &c2s_op_div)
            affine->scale[c] = 1 / values[c];
        else if (op == &c2s_op_add)
            affine->shift[c] = values[c];
        else if (from_left) { /* c - y */
            affine->scale[c] = -1;
            affine->shift[c] = values[c];
        } else {
            affine->shift[c] = -values[c];
        }
    }
}

static const char *read_affine(const c2s_match *m, c2s_linear *l, c2s_affine *affine) {
    *affine = (c2s_affine){0};
    if (m->value[C] == m->value[Y] || !m->value[C]->constant)
        return c2s_no_match; /* a residual connection or a gate: not what this rule is about */
    if (m->root->op == &c2s_op_div && m->root->inputs[0].value == m->value[C])
        return "a constant is divided by the result";
    const char *reason = c2s_linear_read(m->node[0], l);
    if (reason)
        return reason;
    double *values = c2s_alloc_array(l->channels + 1, sizeof *values);
    *affine = c2s_affine_identity(l->channels);
    if (!c2s_linear_channel_values(l, m->value[C]->constant, values)) {
        reason = "the constant is not one number per channel";
    } else {
        to_affine(m, values, affine);
        if (!c2s_affine_is_finite(affine))
            reason = "the constant is not finite, or zero and divides";
        else if (c2s_affine_shifts(affine) && !l->can_shift)
            reason = "MatMul has no bias, and Gemm takes matrices only";
    }
    free(values);
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
static const c2s_op *const affine_ops[] = {&c2s_op_mul, &c2s_op_div, &c2s_op_add, &c2s_op_sub,
                                           NULL};
static const c2s_pattern_row rows[] = {
    {.any_of = linear_ops, .out = Y, .in = {X, W, B | C2S_OPTIONAL}},
    {.any_of = affine_ops, .in = {Y, C}, .any_order = true},
};
const c2s_rule c2s_rule_linear_affine = {
    .name = "linear-affine",
    .summary = "Conv, ConvTranspose, Gemm or MatMul, then Mul, Div, Add or Sub with a constant -> "
               "the first with changed weight and bias",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
