/* SPDX-License-Identifier: Apache-2.0
 *
 * LSTM with 8-bit weights, whose inputs and states are quantized at every step: DynamicQuantizeLSTM
 * of com.microsoft.
 */
#include "ir/name_after.h"
#include "ops/op.h"
#include "passes/quant/dynamic.h"

enum { X, W, R, B, LENGTHS, H, C, P, FIXED, W_SCALE = FIXED, W_ZERO, R_SCALE, R_ZERO, INPUTS };

/* Measured like the products in dynamic_choice.c: of 64 inputs and states it takes 0.9 of the time,
 * of 128 0.6, of 256 and more 0.4. */
enum { LEAST_HIDDEN = 96 };

const char *c2s_dynamic_refuse_cell(const c2s_node *node, const c2s_dynamic_options *o) {
    const c2s_value *w = c2s_node_in(node, W), *r = c2s_node_in(node, R);
    if (!o->contrib)
        return "only ONNX Runtime has a cell that quantizes";
    if (!r || !r->constant || w->type.rank != 3 || r->type.rank != 3)
        return "its weights are computed";
    if (c2s_attr_int(node, "layout", 0))
        return "the batch is its first axis";
    return o->force || r->type.dim[2] >= LEAST_HIDDEN
               ? NULL
               : "it has too few states to be faster on integers";
}

/* One direction, [columns, inputs] -> [inputs, columns]. */
static c2s_status turn(const c2s_tensor *weight, size_t direction, c2s_tensor **out) {
    const int64_t columns = weight->type.dim[1], inputs = weight->type.dim[2];
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, 2, (int64_t[]){inputs, columns}, out));
    const float *from =
        (const float *)c2s_tensor_data(weight) + direction * (size_t)columns * (size_t)inputs;
    float *to = c2s_tensor_mutable(*out);
    for (int64_t i = 0; i < inputs; i++)
        for (int64_t c = 0; c < columns; c++)
            *to++ = from[c * inputs + i];
    return C2S_OK;
}

typedef struct cell_codes {
    uint8_t *codes, *zero;
    float *scale;
} cell_codes;

/* Each direction is a product of matrices of its own. */
static c2s_status code_direction(const c2s_dynamic_options *o, const c2s_tensor *weight,
                                 size_t direction, const cell_codes *to) {
    const c2s_node product = {.op = &c2s_op_matmul};
    const size_t columns = (size_t)weight->type.dim[1], inputs = (size_t)weight->type.dim[2];
    c2s_dynamic_options by_column = *o;
    c2s_tensor *turned;
    c2s_codes codes;
    by_column.per_channel = true;
    C2S_TRY(turn(weight, direction, &turned));
    const c2s_status status = c2s_dynamic_encode(&by_column, &product, turned, 1, &codes);
    c2s_tensor_unref(turned);
    if (status != C2S_OK)
        return status;
    const uint8_t *code = c2s_tensor_data(codes.codes), *zero = c2s_tensor_data(codes.zero);
    const float *scale = c2s_tensor_data(codes.scale);
    for (size_t i = 0; i < inputs * columns; i++)
        to->codes[direction * inputs * columns + i] = code[i];
    for (size_t c = 0; c < columns; c++) {
        to->scale[direction * columns + c] = scale[c];
        to->zero[direction * columns + c] = zero[c];
    }
    c2s_codes_free(&codes);
    return C2S_OK;
}

static c2s_status code_weight(const c2s_dynamic_options *o, c2s_node *node, unsigned slot,
                              c2s_value **out) {
    const c2s_value *owner = node->inputs[slot].value;
    const c2s_tensor *weight = owner->constant;
    const int64_t *dim = weight->type.dim;
    c2s_tensor *codes = NULL, *scale = NULL, *zero = NULL;
    c2s_status status =
        c2s_tensor_create(o->weights, 3, (int64_t[]){dim[0], dim[2], dim[1]}, &codes);
    if (status == C2S_OK)
        status = c2s_tensor_create(C2S_FLOAT, 2, (int64_t[]){dim[0], dim[1]}, &scale);
    if (status == C2S_OK)
        status = c2s_tensor_create(o->weights, 2, (int64_t[]){dim[0], dim[1]}, &zero);
    for (int64_t d = 0; d < dim[0] && status == C2S_OK; d++) {
        const cell_codes to = {c2s_tensor_mutable(codes), c2s_tensor_mutable(zero),
                               c2s_tensor_mutable(scale)};
        status = code_direction(o, weight, (size_t)d, &to);
    }
    if (status != C2S_OK) {
        c2s_tensor_unref(codes);
        c2s_tensor_unref(scale);
        c2s_tensor_unref(zero);
        return status;
    }
    out[0] = c2s_constant_after(node->graph, owner, "quantized", codes);
    out[1] = c2s_constant_after(node->graph, owner, "scale", scale);
    out[2] = c2s_constant_after(node->graph, owner, "zero_point", zero);
    return C2S_OK;
}

/* The node keeps its name and its outputs. */
c2s_status c2s_dynamic_write_cell(const c2s_dynamic_options *o, c2s_node *node) {
    c2s_value *w[3], *r[3];
    c2s_model *model = node->graph->model;
    C2S_TRY(code_weight(o, node, W, w));
    C2S_TRY(code_weight(o, node, R, r));
    if (c2s_model_opset(model, "com.microsoft") == 0)
        c2s_model_set_opset(model, "com.microsoft", 1);
    c2s_attr_remove(node, "layout");
    c2s_node_set_type(node, "com.microsoft", "DynamicQuantizeLSTM");
    c2s_node_resize_inputs(node, INPUTS);
    c2s_use_set(&node->inputs[W], w[0]);
    c2s_use_set(&node->inputs[R], r[0]);
    c2s_use_set(&node->inputs[W_SCALE], w[1]);
    c2s_use_set(&node->inputs[W_ZERO], w[2]);
    c2s_use_set(&node->inputs[R_SCALE], r[1]);
    c2s_use_set(&node->inputs[R_ZERO], r[2]);
    return c2s_node_infer(node);
}
