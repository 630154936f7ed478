/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Mul, Div, Add or Sub with a constant of one number or one per channel, then Conv, Gemm or
 *         MatMul with a constant weight
 * After:  the second with the weight scaled per input channel, and the shift's image in its bias
 * Refuses a shift before a Conv that pads (the pads are zeros, not the shift) and before a MatMul
 * that is no Gemm, an operand that the constant may broadcast, what would make the model grow by a
 * second large weight, and the half of a Gelu that is written out: runtimes know it whole, and are
 * faster by more than one Mul.
 */
#include <math.h>
#include <string.h>

#include "ir/convert.h"
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

/* x * (1 + erf(...)) or x * (1 + tanh(...)), which is to be halved. */
static bool is_double_gelu(const c2s_value *value) {
    const c2s_node *product = value->def;
    if (!product || product->op != &c2s_op_mul)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        const c2s_node *sum = product->inputs[i].value->def;
        for (unsigned k = 0; sum && sum->op == &c2s_op_add && k < 2; k++) {
            const c2s_node *curve = sum->inputs[k].value->def;
            if (curve && (curve->op == &c2s_op_erf || curve->op == &c2s_op_tanh))
                return true;
        }
    }
    return false;
}

static const char *read(const c2s_match *m, c2s_linear *l, inputs *in, c2s_affine *affine) {
    *affine = (c2s_affine){0};
    if (!m->value[C]->constant || m->value[X]->constant)
        return c2s_no_match;
    if (m->node[0]->op == &c2s_op_div && m->node[0]->inputs[0].value == m->value[C])
        return "a constant is divided by the operand";
    if (!is_shift(m->node[0]) && is_double_gelu(m->value[X]))
        return "it belongs to a Gelu, which runtimes know whole";
    const char *reason = c2s_linear_read(m->root, l);
    if (!reason)
        reason = read_inputs(m->root, in);
    if (reason)
        return reason;
    if (!c2s_type_same_extents(&m->value[X]->type, &m->value[Y]->type))
        return "the constant may make more of the operand";
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

enum { CHUNK = 1024 };

/* Elements of the weight that lie one behind the other, from element `at` of row `row` on: `row` is
 * an input channel where the weight is turned, an output channel otherwise. */
static void change(const inputs *in, const c2s_affine *affine, size_t row, size_t at, size_t count,
                   double *w, double *moved) {
    if (in->turned) {
        const double scale = affine->scale[row], shift = affine->shift[row];
        for (size_t k = 0; k < count; k++) {
            moved[at + k] += w[k] * shift;
            w[k] *= scale;
        }
        return;
    }
    size_t channel = row / in->outs * in->ins + at / in->inner, inner = at % in->inner;
    for (size_t k = 0; k < count; k++) {
        moved[row] += w[k] * affine->shift[channel];
        w[k] *= affine->scale[channel];
        if (++inner == in->inner) {
            inner = 0;
            channel++;
        }
    }
}

/* The weight with its elements scaled; the images of the shift, one number per output channel, are
 * added to `moved`. */
static c2s_status change_weight(const c2s_tensor *weight, const inputs *in,
                                const c2s_affine *affine, double *moved, c2s_tensor **out) {
    const c2s_type *type = &weight->type;
    const size_t length = in->turned ? in->outs : in->ins * in->inner;
    c2s_magnitudes magnitudes = {.dtype = type->dtype};
    double before[CHUNK], w[CHUNK];
    C2S_TRY(c2s_tensor_create(type->dtype, type->rank, type->dim, out));
    for (size_t start = 0; start < weight->count;) {
        const size_t at = start % length;
        const size_t count = length - at < CHUNK ? length - at : CHUNK;
        c2s_tensor_load_f64(weight, start, count, before);
        memcpy(w, before, count * sizeof *w);
        change(in, affine, start / length, at, count, w, moved);
        c2s_magnitudes_add(&magnitudes, before, w, count);
        c2s_store_f64(type->dtype, c2s_tensor_mutable(*out), start, count, w);
        start += count;
    }
    c2s_tensor_forget(weight);
    c2s_status status = c2s_magnitudes_check(&magnitudes);
    if (status != C2S_OK)
        c2s_tensor_unref(*out);
    return status;
}

/* The shift's images go through the same path as any shift of the output. */
static c2s_value *build_changed(c2s_builder *b, c2s_linear *l, const inputs *in,
                                const c2s_affine *affine, c2s_value *x) {
    c2s_affine image = c2s_affine_identity(l->channels);
    c2s_tensor *weight = NULL;
    c2s_value *value = NULL;
    if (c2s_build_ok(b, change_weight(l->weight->constant, in, affine, image.shift, &weight))) {
        const double alpha =
            l->node->op == &c2s_op_gemm ? (double)c2s_attr_float(l->node, "alpha", 1) : 1;
        for (size_t c = 0; c < image.count; c++)
            image.shift[c] *= alpha;
        if (c2s_affine_scales(affine))
            l->weight = c2s_build_constant_like(b, l->weight, weight);
        else
            c2s_tensor_unref(weight);
        value = l->weight ? c2s_linear_build(b, l, x, &image) : NULL;
    }
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
