/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "ir/name_after.h"
#include "ops/op.h"
#include "passes/quant/dynamic.h"
#include "passes/quant/qoperator.h"
#include "passes/quant/saturation.h"
#include "rewrite/rewrite.h"

/* ---- weights ---- */

static c2s_status encode(const c2s_dynamic_options *o, const c2s_node *node, const c2s_type *type,
                         const c2s_coding *coding, const float *weights, float *codes,
                         c2s_affine *affines, c2s_codes *out) {
    c2s_pair_order order;
    c2s_saturation_result mended;
    double error;
    C2S_TRY(c2s_affines_choose(type, weights, coding, affines));
    C2S_TRY(c2s_codes_round(type, weights, coding, affines, codes, &error));
    if (o->portable && coding->dtype == C2S_INT8 && c2s_pair_order_of(node, type, &order))
        C2S_TRY(c2s_saturation_mend(&order, NULL, type, coding, weights, codes, affines, &mended));
    return c2s_codes_pack(type, coding, codes, affines, out);
}

c2s_status c2s_dynamic_encode(const c2s_dynamic_options *o, const c2s_node *node,
                              const c2s_tensor *weight, int axis, c2s_codes *out) {
    const c2s_coding coding = {.dtype = o->weights,
                               .axis = o->per_channel ? axis : -1,
                               .symmetric = true,
                               .narrow = true,
                               .explicit_zero = true,
                               .method = C2S_SCALE_MAX};
    c2s_code_map map;
    c2s_affine *affines = NULL;
    float *weights = NULL, *codes = NULL;
    C2S_TRY(c2s_code_map_of(&weight->type, &coding, &map));
    C2S_TRY(c2s_weights_load(weight, &weights));
    c2s_status status = c2s_scratch(map.groups, sizeof *affines, &affines);
    if (status == C2S_OK)
        status = c2s_scratch(map.count, sizeof *codes, &codes);
    if (status == C2S_OK)
        status = encode(o, node, &weight->type, &coding, weights, codes, affines, out);
    free(weights);
    free(codes);
    free(affines);
    return status;
}

/* Bytes of a matrix, rows and columns exchanged. */
static c2s_status turn(c2s_tensor **matrix) {
    const int64_t rows = (*matrix)->type.dim[0], columns = (*matrix)->type.dim[1];
    const uint8_t *from = c2s_tensor_data(*matrix);
    c2s_tensor *turned;
    C2S_TRY(c2s_tensor_create((*matrix)->type.dtype, 2, (int64_t[]){columns, rows}, &turned));
    uint8_t *to = c2s_tensor_mutable(turned);
    for (int64_t c = 0; c < columns; c++)
        for (int64_t r = 0; r < rows; r++)
            to[c * rows + r] = from[r * columns + c];
    c2s_tensor_unref(*matrix);
    *matrix = turned;
    return C2S_OK;
}

typedef struct c2s_dynamic_weight coded_weight;

/* Of a convolution the scales are broadcast over channels: [M, 1, 1]. */
static c2s_status shape_scale(const c2s_node *node, c2s_tensor **scale) {
    const int64_t shape[3] = {(int64_t)(*scale)->count, 1, 1};
    c2s_tensor *shaped;
    if (node->op != &c2s_op_conv || (*scale)->type.rank == 0)
        return C2S_OK;
    C2S_TRY(c2s_tensor_reshape(*scale, 3, shape, &shaped));
    c2s_tensor_unref(*scale);
    *scale = shaped;
    return C2S_OK;
}

static c2s_status code_weight(c2s_dynamic_writer *w, const c2s_node *node, coded_weight *out) {
    const c2s_value *weight = node->inputs[1].value;
    const bool conv = node->op == &c2s_op_conv, turned = c2s_attr_int(node, "transB", 0) != 0;
    const size_t known = (size_t)(uintptr_t)c2s_map_get(&w->weights, weight);
    c2s_codes codes = {0};
    if (known && w->coded.at[known - 1].conv == conv && w->coded.at[known - 1].turned == turned) {
        *out = w->coded.at[known - 1];
        return C2S_OK;
    }
    C2S_TRY(c2s_dynamic_encode(w->options, node, weight->constant, conv || turned ? 0 : 1, &codes));
    c2s_status status = turned ? turn(&codes.codes) : C2S_OK;
    if (status == C2S_OK)
        status = shape_scale(node, &codes.scale);
    if (status == C2S_OK) {
        *out = (coded_weight){.conv = conv, .turned = turned};
        out->codes =
            c2s_constant_after(node->graph, weight, "quantized", c2s_tensor_ref(codes.codes));
        out->scale = c2s_constant_after(node->graph, weight, "scale", c2s_tensor_ref(codes.scale));
        c2s_vec_push(&w->coded, *out);
        c2s_map_put(&w->weights, weight, (void *)(uintptr_t)w->coded.count);
    }
    c2s_codes_free(&codes);
    return status;
}

/* The zero point is that of all columns. */
static c2s_status zero_of(const c2s_dynamic_options *o, const c2s_node *node, c2s_value **out) {
    const int64_t middle = 128;
    c2s_tensor *tensor;
    *out = NULL;
    if (o->weights != C2S_UINT8)
        return C2S_OK;
    C2S_TRY(c2s_tensor_from_i64(C2S_UINT8, 0, NULL, &middle, &tensor));
    *out = c2s_constant_after(node->graph, node->inputs[1].value, "zero_point", tensor);
    return C2S_OK;
}

/* ---- nodes ---- */

static c2s_node *make(const c2s_node *before, const char *type, c2s_value *const *in,
                      unsigned count, unsigned outputs) {
    c2s_node *node = c2s_node_create(before->graph, (c2s_node *)before, "", type, count, outputs);
    for (unsigned k = 0; k < count; k++)
        if (in[k])
            c2s_use_set(&node->inputs[k], in[k]);
    return node;
}

/* Placed where the activation is made, so that it is in front of all that read it. */
static c2s_status quantizer_of(c2s_dynamic_writer *w, c2s_value *x, c2s_node **out) {
    c2s_graph *graph = x->graph;
    const c2s_node *before = x->def && x->def != graph->entry ? x->def->next : graph->first;
    *out = c2s_map_get(&w->codes, x);
    if (*out)
        return C2S_OK;
    *out = c2s_node_create(graph, (c2s_node *)before, "", "DynamicQuantizeLinear", 1, 3);
    c2s_use_set(&(*out)->inputs[0], x);
    c2s_map_put(&w->codes, x, *out);
    return c2s_node_infer(*out);
}

static c2s_status make_one(const c2s_node *before, const char *type, c2s_value *a, c2s_value *b,
                           c2s_value **out) {
    c2s_value *in[] = {a, b};
    c2s_node *node = make(before, type, in, b ? 2 : 1, 1);
    if (strcmp(type, "Cast") == 0)
        c2s_attr_set_int(node, "to", C2S_FLOAT);
    *out = node->outputs[0];
    return c2s_node_infer(node);
}

static c2s_status make_product(const c2s_node *node, const c2s_node *x, const coded_weight *weight,
                               c2s_value *zero, c2s_value **out) {
    const bool conv = node->op == &c2s_op_conv;
    c2s_value *in[] = {x->outputs[0], weight->codes, x->outputs[2], zero};
    c2s_node *product = make(node, conv ? "ConvInteger" : "MatMulInteger", in, zero ? 4 : 3, 1);
    c2s_qoperator_attributes(node, product);
    product->name = node->name;
    *out = product->outputs[0];
    return c2s_node_infer(product);
}

/* Of a convolution a constant [M] becomes [M, 1, 1]. */
static c2s_status make_bias(const c2s_node *node, c2s_value *bias, c2s_value **y) {
    if (node->op == &c2s_op_conv) {
        const int64_t shape[3] = {-1, 1, 1}, three = 3;
        c2s_tensor *target;
        C2S_TRY(c2s_tensor_from_i64(C2S_INT64, 1, &three, shape, &target));
        C2S_TRY(make_one(node, "Reshape", bias,
                         c2s_constant_after(node->graph, bias, "shape", target), &bias));
    }
    return make_one(node, "Add", *y, bias, y);
}

static c2s_status write_product(c2s_dynamic_writer *w, c2s_node *node) {
    c2s_node *x;
    coded_weight weight;
    c2s_value *zero, *y, *scale, *bias = c2s_node_in(node, 2);
    C2S_TRY(quantizer_of(w, node->inputs[0].value, &x));
    C2S_TRY(code_weight(w, node, &weight));
    C2S_TRY(zero_of(w->options, node, &zero));
    C2S_TRY(make_product(node, x, &weight, zero, &y));
    C2S_TRY(make_one(node, "Cast", y, NULL, &y));
    C2S_TRY(make_one(node, "Mul", x->outputs[1], weight.scale, &scale));
    C2S_TRY(make_one(node, "Mul", y, scale, &y));
    if (bias)
        C2S_TRY(make_bias(node, bias, &y));
    c2s_value *old = node->outputs[0];
    const char *name = old->name;
    c2s_rewrite_replace(old, y);
    c2s_node_remove(node);
    c2s_value_set_name(y, name);
    return C2S_OK;
}

c2s_status c2s_dynamic_write(c2s_dynamic_writer *w, c2s_node *node) {
    return node->op == &c2s_op_lstm ? c2s_dynamic_write_cell(w->options, node)
                                    : write_product(w, node);
}

void c2s_dynamic_writer_free(c2s_dynamic_writer *w) {
    c2s_map_free(&w->codes);
    c2s_map_free(&w->weights);
    c2s_vec_free(&w->coded);
}
