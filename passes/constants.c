/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/constants.h"

#include <math.h>
#include <string.h>

bool c2s_constant_ints(const c2s_value *value, c2s_ints *out) {
    const c2s_tensor *tensor = value ? value->constant : NULL;
    if (!tensor || tensor->type.kind != C2S_KIND_TENSOR || tensor->count > C2S_MAX_INTS)
        return false;
    out->count = (unsigned)tensor->count;
    for (unsigned i = 0; i < out->count; i++)
        if (!c2s_tensor_i64_at(tensor, i, &out->at[i]))
            return false;
    return true;
}

bool c2s_attr_int_list(const c2s_node *node, const char *name, c2s_ints *out) {
    size_t count;
    const int64_t *ints = c2s_attr_ints(node, name, &count);
    if (!c2s_attr_has(node, name) || count > C2S_MAX_INTS)
        return false;
    if (count > 0)
        memcpy(out->at, ints, count * sizeof *ints);
    out->count = (unsigned)count;
    return true;
}

bool c2s_node_axes(const c2s_node *node, unsigned slot, int rank, c2s_ints *out, bool *given) {
    c2s_value *input = c2s_node_in(node, slot);
    *given = input || c2s_attr_has(node, "axes");
    if (!*given)
        return true;
    if (!(input ? c2s_constant_ints(input, out) : c2s_attr_int_list(node, "axes", out)))
        return false;
    for (unsigned i = 0; i < out->count; i++) {
        if (out->at[i] < -rank || out->at[i] >= rank)
            return false;
        out->at[i] += out->at[i] < 0 ? rank : 0;
    }
    return true;
}

static bool is_real(const c2s_tensor *tensor) {
    return tensor && tensor->type.kind == C2S_KIND_TENSOR && c2s_dtype_is_real(tensor->type.dtype);
}

bool c2s_constant_scalar(const c2s_value *value, double *out) {
    if (!value || !is_real(value->constant) || value->constant->count != 1)
        return false;
    *out = c2s_tensor_f64_at(value->constant, 0);
    return true;
}

bool c2s_constant_is_all(const c2s_value *value, double number) {
    const c2s_tensor *tensor = value ? value->constant : NULL;
    if (!is_real(tensor))
        return false;
    for (size_t i = 0; i < tensor->count; i++)
        if (!(c2s_tensor_f64_at(tensor, i) == number))
            return false;
    return true;
}

bool c2s_constant_is_finite(const c2s_value *value) {
    enum { CHUNK = 1024 };
    const c2s_tensor *tensor = value->constant;
    double numbers[CHUNK];
    bool finite = true;
    for (size_t at = 0; at < tensor->count && finite; at += CHUNK) {
        const size_t count = tensor->count - at < CHUNK ? tensor->count - at : CHUNK;
        double sum = 0; /* of zeros, or NaN */
        c2s_tensor_load_f64(tensor, at, count, numbers);
        for (size_t i = 0; i < count; i++)
            sum += numbers[i] - numbers[i];
        finite = !isnan(sum);
    }
    c2s_tensor_forget(tensor);
    return finite;
}

bool c2s_reshape_target(const c2s_value *x, const c2s_dim *dim, unsigned count, c2s_ints *out) {
    const c2s_type *type = &x->type;
    unsigned open = 0; /* extents that only -1 can say */
    if (count > C2S_MAX_INTS)
        return false;
    out->count = count;
    for (unsigned i = 0; i < count; i++) {
        bool same = type->kind == C2S_KIND_TENSOR && (int)i < type->rank && dim[i] == type->dim[i];
        if (dim[i] == 0)
            return false;
        out->at[i] = c2s_dim_is_known(dim[i]) ? dim[i] : same ? 0 : -1;
        open += out->at[i] == -1 ? 1 : 0;
    }
    return open <= 1;
}

bool c2s_reshape_target_of(const c2s_value *x, const c2s_value *result, c2s_ints *out) {
    const c2s_type *type = &result->type;
    return type->kind == C2S_KIND_TENSOR && type->rank >= 0 &&
           c2s_reshape_target(x, type->dim, (unsigned)type->rank, out);
}

bool c2s_is_float_value(const c2s_value *value) {
    c2s_dtype dtype = value->type.dtype;
    return value->type.kind == C2S_KIND_TENSOR && (dtype == C2S_FLOAT || dtype == C2S_DOUBLE ||
                                                   dtype == C2S_FLOAT16 || dtype == C2S_BFLOAT16);
}

bool c2s_same_type(const c2s_value *a, const c2s_value *b) {
    return a->type.kind == C2S_KIND_TENSOR && a->type.rank >= 0 && a->type.dtype != C2S_UNDEFINED &&
           c2s_type_equal(&a->type, &b->type);
}
