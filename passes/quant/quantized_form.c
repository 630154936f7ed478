/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: a model that is quantized, whoever did it and in whatever form
 * After:  the same in the form that is asked for: QuantizeLinear and DequantizeLinear around
 *         operators on floats, operators on codes, or floats
 * Leaves alone what has no counterpart in that form.
 */
#include <string.h>

#include "ir/graph_list.h"
#include "passes/pass.h"
#include "passes/quant/form_whole.h"
#include "passes/quant/form_rules.h"
#include "passes/quant/quantized_form.h"
#include "passes/quant/unsigned_codes.h"

static const c2s_option_spec options[] = {
    {"to", "qdq",
     "qdq: DequantizeLinear, the operator on floats, QuantizeLinear; qoperator: operators on "
     "codes; float: no codes at all, and floats of 16 bits become floats of 32"},
    C2S_TARGET_OPTION(
        "of to=qoperator: generic has QLinearConv and QLinearMatMul, ort-cpu those of "
        "com.microsoft, too"),
    {0}};

static const c2s_rule *const to_qdq[] = {&c2s_rule_qoperator_qdq, NULL};
static const c2s_rule *const to_qoperator[] = {&c2s_rule_qdq_qoperator, &c2s_rule_qdq_codes, NULL};
static const c2s_rule *const to_qoperator_ort[] = {&c2s_rule_qdq_qoperator_ort, &c2s_rule_qdq_codes,
                                                   NULL};
/* Those to floats come last. */
static const c2s_rule *const all[] = {&c2s_rule_qdq_qoperator,
                                      &c2s_rule_qdq_qoperator_ort,
                                      &c2s_rule_qdq_codes,
                                      &c2s_rule_qoperator_qdq,
                                      &c2s_rule_integer_matmul_float,
                                      &c2s_rule_dynamic_matmul_float,
                                      &c2s_rule_dynamic_float,
                                      &c2s_rule_pair_float,
                                      &c2s_rule_codes_moved,
                                      &c2s_rule_codes_float,
                                      &c2s_rule_nbits_float,
                                      &c2s_rule_gather_float,
                                      NULL};
static const c2s_rule *const *const to_float = all + 3;

c2s_status c2s_form_to_qdq(c2s_model *model, c2s_stats *stats) {
    return c2s_rewrite(model->graph, to_qdq, stats);
}

c2s_status c2s_form_to_float(c2s_model *model, c2s_stats *stats) {
    C2S_TRY(c2s_form_float_cells(model, stats));
    C2S_TRY(c2s_rewrite(model->graph, to_float, stats));
    c2s_graph_sweep(model->graph);
    return c2s_form_widen_halves(model, stats);
}

static c2s_status to_ort_operators(c2s_model *model, c2s_stats *stats) {
    c2s_graph_list graphs = {0};
    unsigned count = 0;
    c2s_status status = C2S_OK;
    c2s_graph_list_add(&graphs, model->graph);
    for (size_t i = 0; i < graphs.count && status == C2S_OK; i++)
        status = c2s_codes_make_unsigned(graphs.at[i], stats, &count);
    c2s_vec_free(&graphs);
    if (status == C2S_OK && count > 0)
        status = c2s_graph_infer(model->graph);
    return status == C2S_OK ? c2s_rewrite(model->graph, to_qoperator_ort, stats) : status;
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    const char *to = c2s_option_text(o, "to");
    bool ort;
    C2S_TRY(c2s_option_target(o, context, &ort));
    if (strcmp(to, "float") == 0)
        return c2s_form_to_float(model, stats);
    if (strcmp(to, "qdq") == 0)
        return c2s_form_to_qdq(model, stats);
    if (strcmp(to, "qoperator") == 0 && ort)
        return to_ort_operators(model, stats);
    if (strcmp(to, "qoperator") == 0)
        return c2s_rewrite(model->graph, to_qoperator, stats);
    return c2s_fail(C2S_ERR_USAGE, "option to is \"%s\", expected qdq, qoperator or float", to);
}

static const c2s_rewrite_kind kinds[] = {
    {c2s_codes_unsigned, "int8 activations -> uint8, for operators of ONNX Runtime", false},
    {c2s_cell_float, "DynamicQuantizeLSTM -> LSTM", false},
    {c2s_widen_half, "operators on floats of 16 bits -> on floats of 32 bits", false},
    {0}};

const c2s_pass c2s_pass_quantized_form = {
    .name = "quantized_form",
    .summary = "converts a quantized model into another form: QuantizeLinear and DequantizeLinear, "
               "operators on codes, or floats",
    .options = options,
    .rules = all,
    .kinds = kinds,
    .lossy = true,
    .for_size = true,
    .run = run};
