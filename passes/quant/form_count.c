/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "ir/graph_list.h"
#include "passes/quant/code_judge.h"
#include "passes/quant/qoperator.h"
#include "passes/quant/quantized_form.h"

/* Operators that quantize activations while the model runs, and those that only stand behind. */
static bool is_dynamic(const c2s_op *op) {
    return op == &c2s_op_dynamic_quantize_linear || op == &c2s_op_ms_dynamic_quantize_matmul ||
           op == &c2s_op_ms_dynamic_quantize_lstm;
}

static bool is_product_of_codes(const c2s_op *op) {
    return op == &c2s_op_conv_integer || op == &c2s_op_matmul_integer ||
           op == &c2s_op_ms_matmul_integer_to_float || op == &c2s_op_ms_qattention ||
           op == &c2s_op_ms_matmul_integer16;
}

static bool is_constant(const c2s_value *value) {
    return value && (value->constant || value->initial ||
                     (value->def && value->def->op == &c2s_op_constant));
}

static bool is_code(c2s_dtype dtype) {
    return (c2s_dtype_is_integer(dtype) && c2s_dtype_bits(dtype) <= 16) ||
           (c2s_dtype_is_float(dtype) && c2s_dtype_bits(dtype) <= 8);
}

/* The constant that a node reads as codes, beside activations; NULL: none. Biases are not counted.
 */
static const c2s_value *codes_of(const c2s_node *node) {
    const bool blocks = node->op == &c2s_op_ms_matmul_nbits;
    const bool first = c2s_is_dequantizer(node) || node->op == &c2s_op_ms_gather_block_quantized;
    const c2s_qoperator *q = c2s_qoperator_of(node->op);
    unsigned slot = first ? 0 : 1;
    if (q && q->operands == 2 && q->floats != &c2s_op_concat)
        slot = q->codes[1];
    else if (!first && !blocks && !is_dynamic(node->op) && !is_product_of_codes(node->op))
        return NULL;
    const c2s_value *value = c2s_node_in(node, slot);
    return is_constant(value) && is_code(value->type.dtype) ? value : NULL;
}

static bool is_half(c2s_dtype dtype) {
    return dtype == C2S_FLOAT16 || dtype == C2S_BFLOAT16;
}

static void count_node(const c2s_node *node, c2s_form *out) {
    const c2s_value *codes = codes_of(node);
    if (c2s_is_quantizer(node) && !is_constant(c2s_node_in(node, 0)))
        out->quantizers++;
    out->qoperators += c2s_qoperator_of(node->op) != NULL;
    out->dynamic += is_dynamic(node->op);
    if (codes) {
        unsigned dtype = codes->type.dtype;
        if (node->op == &c2s_op_ms_matmul_nbits) {
            const int64_t bits = c2s_attr_int(node, "bits", 4);
            dtype = bits == 4 ? C2S_UINT4 : bits == 2 ? C2S_UINT2 : dtype;
        }
        out->coded++;
        out->codes[dtype]++;
    }
    const c2s_tensor *value = c2s_attr_tensor(node, "value");
    out->halves += (node->op == &c2s_op_constant && value && is_half(value->type.dtype)) ||
                   (node->op == &c2s_op_cast && is_half((c2s_dtype)c2s_attr_int(node, "to", 0)));
}

void c2s_form_of(const c2s_model *model, c2s_form *out) {
    c2s_graph_list graphs = {0};
    *out = (c2s_form){0};
    c2s_graph_list_add(&graphs, model->graph);
    for (size_t i = 0; i < model->functions.count; i++)
        c2s_graph_list_add(&graphs, model->functions.at[i]->graph);
    for (size_t i = 0; i < graphs.count; i++) {
        for (const c2s_node *node = graphs.at[i]->first; node; node = node->next)
            count_node(node, out);
        for (size_t k = 0; k < graphs.at[i]->initializers.count; k++)
            out->halves += is_half(graphs.at[i]->initializers.at[k]->type.dtype);
        for (unsigned k = 0; k < c2s_graph_input_count(graphs.at[i]); k++)
            out->halves += is_half(c2s_graph_input(graphs.at[i], k)->type.dtype);
    }
    c2s_vec_free(&graphs);
}

bool c2s_form_is_quantized(const c2s_form *form) {
    return form->quantizers + form->qoperators + form->dynamic > 0;
}

static size_t say(char *text, size_t size, size_t at, const char *what, unsigned count,
                  const char *unit) {
    if (count == 0 || at >= size)
        return at;
    const int more = snprintf(text + at, size - at, "%s%s%u %s", at ? ", " : "", what, count, unit);
    return more > 0 ? at + (size_t)more : at;
}

const char *c2s_form_text(const c2s_form *form, char *text, size_t size) {
    size_t at = 0;
    text[0] = '\0';
    at = say(text, size, at, "QDQ: ", form->quantizers, "quantizers of activations");
    at = say(text, size, at, "QOperator: ", form->qoperators, "operators on codes");
    at = say(text, size, at, "dynamic: ", form->dynamic, "quantizers at run time");
    for (unsigned dtype = 0; dtype < C2S_DTYPE_COUNT; dtype++) {
        char unit[48];
        snprintf(unit, sizeof unit, "constants as codes of %s", c2s_dtype_name((c2s_dtype)dtype));
        at = say(text, size, at, "", form->codes[dtype], unit);
    }
    at = say(text, size, at, "16-bit floats: ", form->halves, "constants, inputs and casts");
    if (at == 0)
        snprintf(text, size, "float");
    return text;
}
