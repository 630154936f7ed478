/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/fuse/quant_params.h"

#include <math.h>

#include "ops/op.h"
#include "ops/quant_range.h"

/* With these neither product nor quotient leaves the normal floats; two roundings of at most 2^-24
 * each then move no code of 16 bits by half a step. */
static bool are_good_scales(const c2s_tensor *scale) {
    for (size_t i = 0; i < scale->count; i++) {
        double s = c2s_tensor_f64_at(scale, i);
        if (!(s >= 1e-30 && s <= 1e30))
            return false;
    }
    return scale->count > 0;
}

static bool is_code_type(c2s_dtype dtype) {
    return c2s_dtype_is_integer(dtype) && c2s_dtype_bits(dtype) <= 16;
}

const char *c2s_quant_params_read(const c2s_node *node, c2s_quant_params *out) {
    const c2s_value *x = c2s_node_in(node, 0), *scale = c2s_node_in(node, 1);
    const c2s_value *zero = c2s_node_in(node, 2), *y = node->outputs[0];
    bool quantizes = node->op == &c2s_op_quantize_linear;
    const c2s_value *codes = quantizes ? y : x, *reals = quantizes ? x : y;
    if (c2s_attr_any_reference(node))
        return "an attribute is that of a function's caller";
    if (!x || !scale || !scale->constant || (zero && !zero->constant))
        return "the scale or the zero point is computed";
    int64_t precision = c2s_attr_int(node, "precision", 0);
    if (reals->type.dtype != C2S_FLOAT || scale->constant->type.dtype != C2S_FLOAT ||
        (precision != 0 && precision != C2S_FLOAT))
        return "it does not compute in float";
    if (!is_code_type(codes->type.dtype))
        return "the codes are no integers of 16 bits or fewer";
    if (!are_good_scales(scale->constant))
        return "a scale is not a positive number of common size";
    *out = (c2s_quant_params){.dtype = codes->type.dtype,
                              .scale = scale->constant,
                              .zero = zero ? zero->constant : NULL,
                              .axis = c2s_attr_int(node, "axis", 1),
                              .block = c2s_attr_int(node, "block_size", 0)};
    out->per_tensor =
        out->scale->count == 1 && out->block == 0 && (!out->zero || out->zero->count == 1);
    return NULL;
}

static int64_t zero_at(const c2s_quant_params *params, size_t index) {
    int64_t zero = 0;
    if (params->zero)
        c2s_tensor_i64_at(params->zero, index < params->zero->count ? index : 0, &zero);
    return zero;
}

bool c2s_quant_params_equal(const c2s_quant_params *a, const c2s_quant_params *b) {
    if (a->dtype != b->dtype || a->scale->count != b->scale->count ||
        a->per_tensor != b->per_tensor)
        return false;
    bool same_shape = a->axis == b->axis && a->block == b->block &&
                      c2s_type_equal(&a->scale->type, &b->scale->type);
    if (!a->per_tensor && !same_shape)
        return false;
    for (size_t i = 0; i < a->scale->count; i++)
        if (c2s_tensor_f64_at(a->scale, i) != c2s_tensor_f64_at(b->scale, i) ||
            zero_at(a, i) != zero_at(b, i))
            return false;
    return true;
}

float c2s_quant_params_code(const c2s_quant_params *params, float number) {
    float least, most;
    c2s_quant_range(params->dtype, &least, &most);
    float code =
        rintf(number / (float)c2s_tensor_f64_at(params->scale, 0)) + (float)zero_at(params, 0);
    return fminf(fmaxf(code, least), most);
}
