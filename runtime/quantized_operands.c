/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/quantized_operands.h"

#include <math.h>
#include <string.h>

#include "ops/quant_range.h"
#include "runtime/plan.h"

/* ---- operators ---- */

#define PRODUCTS &c2s_kernels_quantized_matmul, &c2s_kernels_quantized_product

#define MS "com.microsoft"

static const c2s_quantized_operator operators[] = {
    {"Add", "", {&c2s_kernels_quantized_binary}, .form = C2S_FORM_FLOATS},
    {"AveragePool", "", {&c2s_kernels_quantized_pool}, .form = C2S_FORM_FLOATS},
    {"Concat", "", {&c2s_kernels_quantized_concat}, .form = C2S_FORM_FLOATS},
    {"Conv", "", {&c2s_kernels_quantized_conv}, .form = C2S_FORM_FLOATS},
    {"ConvInteger", "", {&c2s_kernels_quantized_conv}, .form = C2S_FORM_SUMS},
    {"Gemm", "", {&c2s_kernels_quantized_matmul}, .form = C2S_FORM_FLOATS},
    {"GlobalAveragePool", "", {&c2s_kernels_quantized_pool}, .form = C2S_FORM_FLOATS},
    {"GlobalMaxPool", "", {&c2s_kernels_quantized_pool}, .form = C2S_FORM_FLOATS},
    {"MatMul", "", {PRODUCTS}, .form = C2S_FORM_FLOATS},
    {"MatMulInteger", "", {PRODUCTS}, .form = C2S_FORM_SUMS},
    {"MaxPool", "", {&c2s_kernels_quantized_pool}, .form = C2S_FORM_FLOATS},
    {"Mul", "", {&c2s_kernels_quantized_binary}, .form = C2S_FORM_FLOATS},
    {"QGemm", MS, {&c2s_kernels_quantized_matmul}, .count = 2, .bias = 6, .y = 7},
    {"QLinearAdd", MS, {&c2s_kernels_quantized_binary}, .count = 2, .y = 6},
    {"QLinearAveragePool", MS, {&c2s_kernels_quantized_pool}, .count = 1, .y = 3},
    {"QLinearConcat", MS, {&c2s_kernels_quantized_concat}, .first = 2, .y = 0},
    {"QLinearConv", "", {&c2s_kernels_quantized_conv}, .count = 2, .bias = 8, .y = 6},
    {"QLinearConv", MS, {&c2s_kernels_quantized_conv}, .count = 2, .bias = 8, .y = 6},
    {"QLinearGlobalAveragePool", MS, {&c2s_kernels_quantized_pool}, .count = 1, .y = 3},
    {"QLinearMatMul", "", {PRODUCTS}, .count = 2, .y = 6},
    {"QLinearMul", MS, {&c2s_kernels_quantized_binary}, .count = 2, .y = 6},
    {"Sub", "", {&c2s_kernels_quantized_binary}, .form = C2S_FORM_FLOATS},
};

const c2s_quantized_operator *c2s_quantized_operator_of(const c2s_node *node) {
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(operators[i].type, node->type) == 0 &&
            strcmp(operators[i].domain, node->domain) == 0)
            return &operators[i];
    return NULL;
}

/* ---- integers ---- */

int c2s_codes_zero(const c2s_codes *codes, size_t index) {
    if (!codes->zero)
        return 0;
    int64_t value = 0;
    c2s_tensor_i64_at(codes->zero, codes->zero->count > 1 ? index : 0, &value);
    return (int)value;
}

static bool is_code_type(c2s_dtype dtype) {
    return dtype == C2S_UINT8 || dtype == C2S_INT8 || dtype == C2S_INT32;
}

static bool are_good_scales(const c2s_tensor *scale) {
    if (!scale || scale->type.dtype != C2S_FLOAT || scale->count == 0)
        return false;
    const float *s = c2s_tensor_data(scale);
    for (size_t k = 0; k < scale->count; k++)
        if (!(s[k] > 0 && s[k] <= 1e30f && s[k] >= 1e-30f))
            return false;
    return true;
}

/* Scale and zero point (NULL: 0) of `slot`; false if they are not what kernels know. */
static bool set_codes(c2s_codes *out, c2s_slot *slot, const c2s_tensor *scale,
                      const c2s_tensor *zero, int64_t axis) {
    const c2s_type *type = &slot->type;
    if (!c2s_type_is_tensor(type) || !c2s_type_is_static(type) || !is_code_type(type->dtype) ||
        !are_good_scales(scale) ||
        (zero &&
         (zero->type.dtype != type->dtype || (zero->count != 1 && zero->count != scale->count))))
        return false;
    axis += axis < 0 ? type->rank : 0;
    if (scale->count > 1 && (scale->type.rank != 1 || axis < 0 || axis >= type->rank ||
                             type->dim[axis] != (int64_t)scale->count))
        return false;
    out->slot = slot;
    out->scale = c2s_tensor_data(scale);
    out->zero = zero;
    out->count = scale->count;
    out->axis = scale->count > 1 ? (int)axis : 0;
    return true;
}

bool c2s_step_constant_or_none(const c2s_step *step, unsigned input, const c2s_tensor **out) {
    *out = c2s_step_constant(step, input);
    return *out || !c2s_step_has(step, input);
}

bool c2s_codes_of_dequantizer(const c2s_step *step, c2s_codes *out) {
    const c2s_tensor *zero;
    return c2s_step_has(step, 0) && c2s_step_constant_or_none(step, 2, &zero) &&
           c2s_attr_int(step->node, "block_size", 0) == 0 &&
           set_codes(out, step->in[0]->base, c2s_step_constant(step, 1), zero,
                     c2s_attr_int(step->node, "axis", 1));
}

float c2s_dequantized_most(const c2s_step *step) {
    c2s_codes codes;
    float least, most, largest = 0;
    if (!c2s_codes_of_dequantizer(step, &codes))
        return INFINITY;
    c2s_quant_range(codes.slot->type.dtype, &least, &most);
    for (size_t k = 0; k < codes.count; k++) {
        float zero = (float)c2s_codes_zero(&codes, k);
        largest = fmaxf(largest, codes.scale[k] * fmaxf(most - zero, zero - least));
    }
    return largest;
}

bool c2s_quantized_is_plain(const c2s_step *step, unsigned input) {
    const c2s_codes *x = &step->quantized->x[input];
    return x->slot && x->slot->type.dtype != C2S_INT32 && x->count == 1;
}

/* ---- of a step ---- */

bool c2s_quantized_set_result(c2s_quantized *q, const c2s_type *type, const c2s_tensor *scale,
                              const c2s_tensor *zero) {
    c2s_codes y = {0};
    c2s_slot stand_in = {.type = *type};
    if (type->dtype == C2S_INT32 || !set_codes(&y, &stand_in, scale, zero, 0) || y.count != 1)
        return false;
    q->requantizes = true;
    q->scale = y.scale[0];
    q->zero = c2s_codes_zero(&y, 0);
    return true;
}

static void take_floats(c2s_step *step, c2s_quantized *q) {
    q->count = step->node->formal_count;
    for (unsigned k = 0; k < q->count; k++) {
        c2s_codes *x = &q->x[k];
        x->input = k;
        if (step->in[k] && step->in[k]->base->dequantizer &&
            c2s_codes_of_dequantizer(step->in[k]->base->dequantizer, x))
            step->in[k] = x->slot;
    }
}

/* Of weights: per output channel, which is the first axis, or of a matrix the last. */
static int weights_axis(const c2s_step *step, const c2s_quantized_operator *op) {
    return op->family[0] == &c2s_kernels_quantized_conv ||
                   c2s_attr_int(step->node, "transB", 0) != 0
               ? 0
               : -1;
}

static bool take_coded(c2s_step *step, const c2s_quantized_operator *op, c2s_quantized *q) {
    const c2s_tensor *zero;
    const unsigned given = step->node->formal_count,
                   most = given > op->first ? given - op->first : 0;
    if (c2s_attr_int(step->node, "channels_last", 0) != 0 || (op->count == 0 && most % 3 != 0))
        return false;
    q->count = op->count ? op->count : most / 3;
    for (unsigned k = 0; k < q->count; k++) {
        const unsigned at = op->first + 3 * k;
        q->x[k].input = at;
        if (!c2s_step_has(step, at) || !c2s_step_constant_or_none(step, at + 2, &zero) ||
            !set_codes(&q->x[k], step->in[at]->base, c2s_step_constant(step, at + 1), zero,
                       weights_axis(step, op)))
            return false;
    }
    if (op->bias && c2s_step_has(step, op->bias)) {
        if (step->in[op->bias]->base->type.dtype != C2S_INT32)
            return false;
        q->x[2].input = op->bias;
        q->x[2].slot = step->in[op->bias]->base;
    }
    if (!c2s_step_has(step, op->y)) /* of QGemm */
        return step->out[0]->type.dtype == C2S_FLOAT;
    return c2s_step_constant_or_none(step, op->y + 1, &zero) &&
           c2s_quantized_set_result(q, &step->out[0]->type, c2s_step_constant(step, op->y), zero);
}

/* Operand `k` of sums: there is no scale; the zero point of the first may be known at run time
 * only. */
static bool take_terms(c2s_step *step, unsigned k, int axis, c2s_codes *out) {
    const unsigned at = k + 2;
    size_t count = 1;
    if (!c2s_step_has(step, k))
        return false;
    const c2s_type *type = &step->in[k]->base->type;
    *out = (c2s_codes){
        .slot = step->in[k]->base, .input = k, .zero = c2s_step_constant(step, at), .count = 1};
    if (!c2s_type_is_tensor(type) || !c2s_type_is_static(type) || type->rank < 1 ||
        (type->dtype != C2S_UINT8 && type->dtype != C2S_INT8))
        return false;
    if (!c2s_step_has(step, at))
        return true;
    const c2s_type *zero = &step->in[at]->base->type;
    if (zero->dtype != type->dtype || !c2s_type_elements(zero, &count))
        return false;
    if (count == 1) {
        out->zero_input = out->zero ? 0 : at;
        return true;
    }
    out->count = count;
    out->axis = axis < 0 ? axis + type->rank : axis;
    return k == 1 && out->zero && zero->rank == 1 && type->dim[out->axis] == (int64_t)count;
}

static bool take_sums(c2s_step *step, const c2s_quantized_operator *op, c2s_quantized *q) {
    q->count = 2;
    for (unsigned k = 0; k < 2; k++)
        if (!take_terms(step, k, weights_axis(step, op), &q->x[k]))
            return false;
    return step->out[0]->type.dtype == C2S_INT32;
}

bool c2s_quantized_take(c2s_step *step, const c2s_quantized_operator *op) {
    c2s_quantized *q = step->quantized;
    if (op && op->form == C2S_FORM_CODED)
        return take_coded(step, op, q);
    if (op && op->form == C2S_FORM_SUMS)
        return take_sums(step, op, q);
    take_floats(step, q);
    return true;
}

/* ---- what becomes of a result ---- */

bool c2s_step_quantizes(const c2s_step *step) {
    const c2s_op *op = step->node->op;
    return op == &c2s_op_quantize_linear || op == &c2s_op_ms_quantize_linear;
}

bool c2s_step_dequantizes(const c2s_step *step) {
    const c2s_op *op = step->node->op;
    return op == &c2s_op_dequantize_linear || op == &c2s_op_ms_dequantize_linear;
}

bool c2s_quantizer_read(const c2s_step *step, c2s_quantized *q) {
    const c2s_tensor *zero;
    return c2s_step_quantizes(step) && c2s_step_wants(step, 0) &&
           c2s_step_constant_or_none(step, 2, &zero) &&
           c2s_attr_int(step->node, "precision", C2S_FLOAT) == C2S_FLOAT &&
           c2s_attr_int(step->node, "block_size", 0) == 0 &&
           c2s_quantized_set_result(q, &step->out[0]->type, c2s_step_constant(step, 1), zero);
}

c2s_step *c2s_only_reader(const c2s_slot *value) {
    if (value->kept || value->observed || value->reader_count != 1)
        return NULL;
    c2s_step *user = value->reader[0];
    return user->late || user->inside || user->folded || user->group || user->out_count != 1 ||
                   !user->out[0]
               ? NULL
               : user;
}

c2s_step *c2s_only_first_reader(const c2s_slot *value) {
    c2s_step *user = c2s_only_reader(value);
    return user && user->in[0] && user->in[0]->base == value ? user : NULL;
}
