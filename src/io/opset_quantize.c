/* SPDX-License-Identifier: Apache-2.0
 *
 * QuantizeLinear and DequantizeLinear: attributes that name types become operands of those types.
 */
#include <string.h>

#include "io/opset_rows.h"

enum { DATA, SCALE, ZERO_POINT };

static void cast_input(c2s_raise *r, c2s_node *node, unsigned slot, c2s_dtype dtype) {
    c2s_use_set(&node->inputs[slot], c2s_opset_cast(r, node, c2s_node_in(node, slot), dtype));
}

/* Opset 23: the division is done in `precision`, by default that of the scale; before, data and
 * scale are of one type, which is that of the division. */
c2s_status c2s_lower_quantize_precision(c2s_raise *r, c2s_node *node) {
    c2s_dtype scale;
    C2S_TRY(c2s_opset_dtype(node, SCALE, &scale));
    const int64_t asked = c2s_attr_int(node, "precision", 0);
    const c2s_dtype precision = c2s_dtype_is_valid((int)asked) ? (c2s_dtype)asked : scale;
    cast_input(r, node, DATA, precision);
    cast_input(r, node, SCALE, precision);
    c2s_attr_remove(node, "precision");
    return C2S_OK;
}

/* Opset 21: the type of the result without a zero point. */
c2s_status c2s_lower_quantize_output(c2s_raise *r, c2s_node *node) {
    const int64_t dtype = c2s_attr_int(node, "output_dtype", 0);
    c2s_attr_remove(node, "output_dtype");
    if (c2s_node_in(node, ZERO_POINT) || !c2s_dtype_is_valid((int)dtype) || dtype == C2S_UINT8)
        return C2S_OK;
    const c2s_type *scale = &node->inputs[SCALE].value->type;
    c2s_tensor *zeros;
    if (!c2s_type_is_static(scale))
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "output_dtype needs a zero point before opset 21, and the shape of the "
                        "scale is not known");
    C2S_TRY(c2s_tensor_create((c2s_dtype)dtype, scale->rank, scale->dim, &zeros));
    memset(c2s_tensor_mutable(zeros), 0, c2s_tensor_size(zeros));
    c2s_raise_set_input(node, ZERO_POINT, c2s_raise_constant(r, node, "zero_point", zeros));
    return C2S_OK;
}

/* Opset 13: one scale per channel; before, a scalar. */
c2s_status c2s_lower_quantize_axis(c2s_raise *r, c2s_node *node) {
    for (unsigned slot = SCALE; slot <= ZERO_POINT; slot++) {
        const c2s_value *value = c2s_node_in(node, slot);
        c2s_tensor *scalar;
        if (!value || value->type.rank == 0)
            continue;
        if (!value->constant || value->constant->count != 1)
            return c2s_fail(C2S_ERR_UNSUPPORTED,
                            "input %u is not known to be a scalar, and a scale per channel came "
                            "with opset 13",
                            slot);
        C2S_TRY(c2s_tensor_reshape(value->constant, 0, NULL, &scalar));
        c2s_use_set(&node->inputs[slot], c2s_raise_constant(r, node, value->name, scalar));
    }
    c2s_attr_remove(node, "axis");
    return C2S_OK;
}

/* Opset 23: the product is computed in the type of the result; before, in that of the scale. */
c2s_status c2s_lower_dequantize_output(c2s_raise *r, c2s_node *node) {
    c2s_dtype scale;
    const int64_t dtype = c2s_attr_int(node, "output_dtype", 0);
    c2s_attr_remove(node, "output_dtype");
    if (!c2s_dtype_is_valid((int)dtype))
        return C2S_OK;
    C2S_TRY(c2s_opset_dtype(node, SCALE, &scale));
    cast_input(r, node, SCALE, (c2s_dtype)dtype);
    return C2S_OK;
}
