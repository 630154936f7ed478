/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Mul, Div, Add or Sub with a constant of one number or one per channel, then Conv, Gemm or
 *         MatMul with a constant weight
 * After:  the second with the weight scaled per input channel, and the shift's image in its bias
 * Refuses a shift before a Conv that pads (the pads are zeros, not the shift) and before a MatMul
 * that is no Gemm, and what would make the model grow by a second large weight.
 */
#include <math.h>

#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "passes/fuse/linear.h"

enum { X = C2S_LETTER_A, C, Y, W, B };

/* The weight by input channel: element ((g * outs + o) * ins + i) * inner + k belongs to input
 * channel g * ins + i and output channel g * outs + o; with `turned` the roles of o and i are
 * exchanged in the index. */
typedef struct inputs {
    size_t groups, outs, ins, inner;
    bool turned;
    int rank, axis; /* of the operand, and which of its axes counts channels */
} inputs;

static bool pads_nothing(const c2s_node *conv) {
    c2s_ints pads = {0};
    const char *automatic = c2s_attr_string(conv, "auto_pad", "NOTSET");
    if (automatic[0] == 'S') /* SAME_UPPER, SAME_LOWER */
        return false;
    if (c2s_attr_has(conv, "pads") && !c2s_attr_int_list(conv, "pads", &pads))
        return false;
    for (unsigned i = 0; i < pads.count; i++)
        if (pads.at[i] != 0)
            return false;
    return true;
}

static const char *read_inputs(const c2s_node *node, inputs *in) {
    const c2s_type *w = &node->inputs[1].value->constant->type, *x = &node->inputs[0].value->type;
    size_t first = w->rank > 0 ? (size_t)w->dim[0] : 0,
           second = w->rank > 1 ? (size_t)w->dim[1] : 0;
    if (x->kind != C2S_KIND_TENSOR || x->rank < 1)
        return "the rank of the operand is not known";
    in->rank = x->rank;
    if (node->op == &c2s_op_conv) {
        int64_t groups = c2s_attr_int(node, "group", 1);
        if (w->rank < 3 || x->rank != w->rank || groups < 1 || first % (size_t)groups != 0)
            return "the groups do not divide the channels";
        *in = (inputs){.groups = (size_t)groups,
                       .outs = first / (size_t)groups,
                       .ins = second,
                       .inner = 1,
                       .rank = x->rank,
                       .axis = 1};
        for (int i = 2; i < w->rank; i++)
            in->inner *= (size_t)w->dim[i];
        return NULL;
    }
    if (w->rank != 2 || (node->op == &c2s_op_gemm && c2s_attr_int(node, "transA", 0)))
        return "the operand is transposed, or the weight is no matrix";
    bool by_output = node->op == &c2s_op_gemm && c2s_attr_int(node, "transB", 0);
    *in = (inputs){.groups = 1,
                   .outs = by_output ? first : second,
                   .ins = by_output ? second : first,
                   .inner = 1,
                   .turned = !by_output,
                   .rank = x->rank,
                   .axis = x->rank - 1};
    return NULL;
}

/* One number per input channel: the constant has one element or differs along that axis only. */
static bool read_numbers(const inputs *in, const c2s_tensor *constant, double *out) {
    const c2s_type *type = &constant->type;
    size_t channels = in->groups * in->ins;
    if (type->kind != C2S_KIND_TENSOR || !c2s_dtype_is_float(type->dtype) || type->rank > in->rank)
        return false;
    for (int k = 0; k < type->rank; k++) {
        bool is_channel = k + in->rank - type->rank == in->axis;
        if (type->dim[k] != 1 && (!is_channel || (size_t)type->dim[k] != channels))
            return false;
    }
    for (size_t c = 0; c < channels; c++)
        out[c] = c2s_tensor_f64_at(constant, constant->count == 1 ? 0 : c);
    return true;
}

static bool is_shift(const c2s_node *node) {
    return node->op == &c2s_op_add || node->op == &c2s_op_sub;
}

/* What the first node does to channel c: x * scale[c] + shift[c]. */
static void to_affine(const c2s_match *m, c2s_affine *affine, const double *numbers) {
    const c2s_node *node = m->node[0];
    bool from_left = node->inputs[0].value == m->value[C];
    for (size_t c = 0; c < affine->count; c++) {
        if (node->op == &c2s_op_mul)
            affine->scale[c] = numbers[c];
        else if (node->op == &c2s_op_div)
            affine->scale[c] = 1 / numbers[c];
        else
            affine->shift[c] = node->op == &c2s_op_sub && !from_left ? -numbers[c] : numbers[c];
        if (node->op == &c2s_op_sub && from_left)
            affine->scale[c] = -1;
    }
}

static const char *read(const c2s_match *m, c2s_linear *l, inputs *in, c2s_affine *affine) {
    *affine = (c2s_affine){0};
    if (!m->value[C]->constant || m->value[X]->constant)
        return c2s_no_match;
    if (m->node[0]->op == &c2s_op_div && m->node[0]->inputs[0].value == m->value[C])
        return "a constant is divided by the operand";
    const char *reason = c2s_linear_read(m->root, l);
    if (!reason)
        reason = read_inputs(m->root, in);
    if (reason)
        return reason;
    if (is_shift(m->node[0]) && m->root->op == &c2s_op_conv && !pads_nothing(m->root))
        return "the convolution pads with zeros what was shifted";
    if (is_shift(m->node[0]) && !l->can_shift)
        return "MatMul has no bias, and Gemm takes matrices only";
    *affine = c2s_affine_identity(in->groups * in->ins);
    double *numbers = c2s_alloc_array(affine->count + 1, sizeof *numbers);
    if (!read_numbers(in, m->value[C]->constant, numbers))
        reason = "the constant is not one number per channel";
    else
        to_affine(m, affine, numbers);
    free(numbers);
    return reason || c2s_affine_is_finite(affine)
               ? reason
               : "the constant is not finite, or zero and divides";
}

static const char *refuse(const c2s_match *m) {
    c2s_linear l;
    inputs in;
    c2s_affine affine;
    const char *reason = read(m, &l, &in, &affine);
    c2s_affine_free(&affine);
    return reason;
}

/* Scales the weight's elements in place and adds the images of the shift to `moved`, one number
 * per output channel. */
static void apply(const inputs *in, const c2s_affine *affine, double *w, double *moved) {
    for (size_t g = 0; g < in->groups; g++)
        for (size_t o = 0; o < in->outs; o++)
            for (size_t i = 0; i < in->ins; i++) {
                size_t row = in->turned ? i * in->outs + o : (g * in->outs + o) * in->ins + i;
                size_t channel = g * in->ins + i;
                for (size_t k = row * in->inner; k < (row + 1) * in->inner; k++) {
                    moved[g * in->outs + o] += w[k] * affine->shift[channel];
                    w[k] *= affine->scale[channel];
                }
            }
}

static c2s_value *change_weight(c2s_builder *b, c2s_value *weight, const double *w) {
    const c2s_type *type = &weight->constant->type;
    c2s_tensor *tensor = NULL;
    c2s_status status = c2s_tensor_from_f64(type->dtype, type->rank, type->dim, w, &tensor);
    return c2s_build_ok(b, status) ? c2s_build_constant_like(b, weight, tensor) : NULL;
}

/* The shift's images go through the same path as any shift of the output. */
static c2s_value *build_changed(c2s_builder *b, c2s_linear *l, const inputs *in,
                                const c2s_affine *affine, c2s_value *x) {
    const c2s_tensor *old = l->weight->constant;
    double *w = c2s_alloc_array(old->count + 1, sizeof *w);
    for (size_t i = 0; i < old->count; i++)
        w[i] = c2s_tensor_f64_at(old, i);
    c2s_affine image = c2s_affine_identity(l->channels);
    apply(in, affine, w, image.shift);
    double alpha = l->node->op == &c2s_op_gemm ? (double)c2s_attr_float(l->node, "alpha", 1) : 1;
    for (size_t c = 0; c < image.count; c++)
        image.shift[c] *= alpha;
    if (c2s_affine_scales(affine))
        l->weight = change_weight(b, l->weight, w);
    free(w);
    c2s_value *value = l->weight ? c2s_linear_build(b, l, x, &image) : NULL;
    c2s_affine_free(&image);
    return value;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_linear l;
    inputs in;
    c2s_affine affine;
    c2s_value *value = NULL;
    if (!read(m, &l, &in, &affine))
        value = build_changed(b, &l, &in, &affine, m->value[X]);
    c2s_affine_free(&affine);
    return value;
}

static const c2s_op *const affine_ops[] = {&c2s_op_mul, &c2s_op_div, &c2s_op_add, &c2s_op_sub,
                                           NULL};
static const c2s_op *const linear_ops[] = {&c2s_op_conv, &c2s_op_gemm, &c2s_op_matmul, NULL};
static const c2s_pattern_row rows[] = {
    {.any_of = affine_ops, .out = Y, .in = {X, C}, .any_order = true},
    {.any_of = linear_ops, .in = {Y, W, B | C2S_OPTIONAL}},
};
const c2s_rule c2s_rule_affine_linear = {
    .name = "affine-linear",
    .summary = "Mul, Div, Add or Sub with a constant, then Conv, Gemm or MatMul -> the second with "
               "changed weight and bias",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
