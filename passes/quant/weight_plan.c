/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/weight_plan.h"

#include <stdlib.h>

#include "ir/graph_list.h"
#include "ops/op.h"

const char c2s_quantize_weight[] = "quantize-weight";

/* What a file needs for a node, two constants and their names. */
enum { OVERHEAD = 256, MATRIX_BLOCK = 16 };

int64_t c2s_planned_opset(const c2s_planned_weight *p) {
    const c2s_dtype dtype = p->coding.dtype;
    const unsigned bits = c2s_dtype_bits(dtype);
    if (p->form == C2S_FORM_NBITS)
        return 0;
    if (c2s_dtype_is_float(dtype))
        return bits < 8 ? 23 : p->coding.block > 0 ? 21 : 19;
    /* Scales have the type of the weight. */
    const int64_t scales = p->weight->type.dtype == C2S_FLOAT ? 13 : 19;
    return bits == 2 ? 25 : bits == 4 || p->coding.block > 0 ? 21 : scales;
}

static c2s_dtype dtype_of(const c2s_weight_options *o, bool is_signed) {
    if (o->small != C2S_UNDEFINED)
        return o->small;
    switch (o->bits) {
    case 2:
        return is_signed ? C2S_INT2 : C2S_UINT2;
    case 4:
        return is_signed ? C2S_INT4 : C2S_UINT4;
    default:
        return is_signed ? C2S_INT8 : C2S_UINT8;
    }
}

/* ---- readers ---- */

/* A table whose rows are read. */
static bool is_table(const c2s_node *node, unsigned slot) {
    return node->op == &c2s_op_gather && slot == 0 && c2s_node_in(node, 0)->type.rank == 2 &&
           c2s_attr_int(node, "axis", 0) == 0;
}

/* Axes of output channels and of sums; false: the operand is no weight. */
static bool find_axes(const c2s_node *node, unsigned slot, int *channels, int *sums) {
    if (is_table(node, slot)) {
        *channels = 0;
        *sums = 1;
        return true;
    }
    const c2s_quant_rule rule = c2s_node_quant_rule(node);
    if (!c2s_quant_has(rule.weights, slot))
        return false;
    *channels = rule.weight_axis == C2S_QUANT_NO_AXIS ? -1 : rule.weight_axis;
    *sums = rule.sum_axis == C2S_QUANT_NO_AXIS ? -1 : rule.sum_axis;
    return true;
}

/* MatMulNBits does the same for this reader of a matrix. */
static bool takes_nbits(const c2s_node *node, const c2s_value *weight) {
    const c2s_value *x = c2s_node_in(node, 0), *bias = c2s_node_in(node, 2);
    const c2s_type *w = &weight->type;
    if (w->rank != 2 || c2s_node_in(node, 1) != weight || !x || x == weight || x->type.rank < 2)
        return false;
    if (node->op == &c2s_op_matmul)
        return true;
    const int64_t n = w->dim[c2s_attr_int(node, "transB", 0) ? 0 : 1];
    return node->op == &c2s_op_gemm && !c2s_attr_int(node, "transA", 0) &&
           c2s_attr_float(node, "alpha", 1) == 1 &&
           (!bias || (bias != weight && bias->type.rank == 1 && bias->type.dim[0] == n &&
                      c2s_attr_float(node, "beta", 1) == 1));
}

static bool takes_gather(const c2s_node *node, const c2s_value *weight) {
    return node->op == &c2s_op_gather && c2s_node_in(node, 0) == weight && is_table(node, 0) &&
           c2s_node_in(node, 1) != weight;
}

static bool all_take(const c2s_value *weight,
                     bool (*takes)(const c2s_node *node, const c2s_value *weight)) {
    const bool turned = c2s_attr_int(weight->uses->user, "transB", 0) != 0;
    c2s_value_each_use(use, weight) {
        if (!takes(use->user, weight) || (c2s_attr_int(use->user, "transB", 0) != 0) != turned)
            return false;
    }
    return true;
}

static bool is_power_of_2(int64_t n) {
    return n > 0 && (n & (n - 1)) == 0;
}

static c2s_weight_form form_of(const c2s_weight_options *o, const c2s_value *weight) {
    const c2s_dtype dtype = weight->type.dtype;
    if (!o->contrib || o->small != C2S_UNDEFINED || o->block < MATRIX_BLOCK ||
        !is_power_of_2(o->block) || (dtype != C2S_FLOAT && dtype != C2S_FLOAT16))
        return C2S_FORM_DEQUANTIZE;
    if (all_take(weight, takes_nbits))
        return C2S_FORM_NBITS;
    return o->bits == 4 && all_take(weight, takes_gather) ? C2S_FORM_GATHER : C2S_FORM_DEQUANTIZE;
}

/* ---- codings ---- */

static c2s_coding coding_of(const c2s_weight_options *o, const c2s_value *weight, int channels,
                            int sums, c2s_weight_form form) {
    const c2s_type *type = &weight->type;
    /* Operators of com.microsoft have the middle where zero points are left out. */
    c2s_coding coding = {.axis = channels,
                         .symmetric = o->is_signed,
                         .explicit_zero = !o->is_signed && form != C2S_FORM_DEQUANTIZE,
                         .method = o->method};
    /* MatMulNBits has unsigned codes; without zero points they lie around the middle. */
    coding.dtype = dtype_of(o, o->is_signed && form != C2S_FORM_NBITS);
    if (o->block > 0 && sums >= 0 && (form != C2S_FORM_DEQUANTIZE || type->dim[sums] > o->block)) {
        coding.block = o->block;
        coding.block_axis = sums;
    }
    return coding;
}

/* Bytes of codes, scales and zero points. */
static double coded_bytes(const c2s_type *type, const c2s_coding *coding) {
    c2s_code_map map;
    if (c2s_code_map_of(type, coding, &map) != C2S_OK)
        return 1e300;
    const double code = c2s_dtype_bits(coding->dtype) / 8.0;
    const double zero = coding->symmetric || c2s_dtype_is_float(coding->dtype) ? 0 : code;
    return (double)map.count * code +
           (double)map.groups * (c2s_dtype_bits(type->dtype) / 8.0 + zero) + OVERHEAD;
}

/* Blocks, unless scales along them cost too much; then one scale per channel. NULL, or the reason
 * for neither. */
static const char *choose_coding(const c2s_weight_options *o, int channels, int sums,
                                 c2s_planned_weight *p) {
    const c2s_type *type = &p->weight->type;
    const double floats = (double)p->weight->constant->count * c2s_dtype_bits(type->dtype) / 8.0;
    c2s_weight_options whole = *o;
    p->form = form_of(o, p->weight);
    p->coding = coding_of(o, p->weight, channels, sums, p->form);
    if (coded_bytes(type, &p->coding) < 0.75 * floats)
        return NULL;
    whole.block = 0;
    p->form = C2S_FORM_DEQUANTIZE;
    p->coding = coding_of(&whole, p->weight, channels, sums, p->form);
    return coded_bytes(type, &p->coding) < floats ? NULL : "its codes would not be smaller";
}

static const char *refuse_opset(const c2s_weight_options *o, const c2s_planned_weight *p) {
    return o->most_opset > 0 && c2s_planned_opset(p) > o->most_opset
               ? "its codes need a newer opset than the one that is wanted"
               : NULL;
}

/* ---- weights ---- */

static const char *refuse_value(const c2s_value *value) {
    const c2s_dtype dtype = value->type.dtype;
    if (dtype != C2S_FLOAT && dtype != C2S_FLOAT16 && dtype != C2S_BFLOAT16)
        return "scales have no such type";
    c2s_value_each_use(use, value) {
        if (use->user == value->graph->exit)
            return "it is an output of the graph";
    }
    return NULL;
}

/* ONNX Runtime 1.30 looks up rows of bfloat16, and has no DequantizeLinear that makes these. */
static bool is_lost_table(const c2s_weight_options *o, const c2s_node *node, unsigned slot) {
    return o->dequantizes && is_table(node, slot) &&
           c2s_node_in(node, slot)->type.dtype == C2S_BFLOAT16;
}

/* Where what a body captures is stored. */
static c2s_value *stored(c2s_value *value) {
    while (value->def && value->def == value->graph->entry && value->graph->owner &&
           value->def_slot >= value->graph->formal_inputs) {
        const c2s_graph *body = value->graph;
        const unsigned slot = c2s_graph_hidden_slot(body) + value->def_slot - body->formal_inputs;
        value = body->owner->inputs[slot].value;
    }
    return value;
}

static const char *plan_weight(const c2s_weight_options *o, c2s_node *node, unsigned slot,
                               c2s_planned_weight *p) {
    int channels, sums;
    *p =
        (c2s_planned_weight){.weight = stored(c2s_node_in(node, slot)), .node = node, .slot = slot};
    const char *reason = refuse_value(p->weight);
    if (reason)
        return reason;
    if (!find_axes(node, slot, &channels, &sums))
        return "it is no weight of this operator";
    if (is_lost_table(o, node, slot))
        return "ONNX Runtime 1.30 dequantizes no bfloat16: the pass single in front helps";
    reason = choose_coding(o, channels, sums, p);
    return reason ? reason : refuse_opset(o, p);
}

/* A float constant of at least two axes that the node reads as a weight. */
static bool is_candidate(const c2s_node *node, unsigned slot) {
    c2s_value *value = c2s_node_in(node, slot);
    int channels, sums;
    if (!value || !value->constant || value->type.rank < 2 ||
        !c2s_dtype_is_float(value->type.dtype) || !find_axes(node, slot, &channels, &sums))
        return false;
    const c2s_node *def = stored(value)->def;
    return !def || def->op == &c2s_op_constant;
}

static bool is_wanted(const c2s_weight_options *o, const c2s_node *node) {
    const bool excluded = o->exclude && c2s_name_filter_names(o->exclude, node);
    const bool all = !o->include || o->include->patterns.count == 0;
    return (all || c2s_name_filter_names(o->include, node)) && !excluded;
}

/* `seen`: by value id. */
static void plan_node(c2s_node *node, const c2s_weight_options *o, c2s_stats *stats, bool *seen,
                      c2s_weight_plan *out) {
    for (unsigned slot = 0; slot < node->formal_count; slot++) {
        c2s_planned_weight p;
        if (!is_candidate(node, slot) || seen[stored(node->inputs[slot].value)->id])
            continue;
        seen[stored(node->inputs[slot].value)->id] = true;
        if (!is_wanted(o, node))
            continue;
        const char *where = c2s_node_text(node), *reason = plan_weight(o, node, slot, &p);
        if (stats && reason)
            c2s_stats_refuse(stats, c2s_quantize_weight, where, reason);
        if (reason || (stats && c2s_stats_skips(stats, c2s_quantize_weight, where)))
            continue;
        c2s_vec_push(out, p);
    }
}

void c2s_weight_plan_make(const c2s_graph *graph, const c2s_weight_options *o, c2s_stats *stats,
                          c2s_weight_plan *out) {
    bool *seen = c2s_zalloc(graph->model->values.count + 1);
    c2s_graph_list graphs = {0};
    c2s_graph_list_add(&graphs, (c2s_graph *)graph);
    for (size_t i = 0; i < graphs.count; i++)
        for (c2s_node *node = graphs.at[i]->first; node; node = node->next)
            plan_node(node, o, stats, seen, out);
    c2s_vec_free(&graphs);
    free(seen);
}

void c2s_weight_plan_free(c2s_weight_plan *plan) {
    for (size_t i = 0; i < plan->count; i++) {
        c2s_codes_free(&plan->at[i].codes);
        free(plan->at[i].shift);
    }
    c2s_vec_free(plan);
}
