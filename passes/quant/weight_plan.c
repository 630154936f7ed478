/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/weight_plan.h"

#include <stdlib.h>

#include "ops/op.h"

const char c2s_quantize_weight[] = "quantize-weight";

/* What a file needs for a node, two constants and their names. */
enum { OVERHEAD = 256, MATRIX_BLOCK = 16 };

int64_t c2s_weight_opset(const c2s_weight_options *o) {
    return o->bits == 2 ? 25 : o->bits == 4 || o->block > 0 ? 21 : 13;
}

static c2s_dtype dtype_of(const c2s_weight_options *o, bool is_signed) {
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
    if (!o->contrib || o->block < MATRIX_BLOCK || !is_power_of_2(o->block) ||
        (dtype != C2S_FLOAT && dtype != C2S_FLOAT16))
        return C2S_FORM_DEQUANTIZE;
    if (all_take(weight, takes_nbits))
        return C2S_FORM_NBITS;
    return o->bits == 4 && all_take(weight, takes_gather) ? C2S_FORM_GATHER : C2S_FORM_DEQUANTIZE;
}

/* ---- codings ---- */

static c2s_coding coding_of(const c2s_weight_options *o, const c2s_value *weight, int channels,
                            int sums, c2s_weight_form form) {
    const c2s_type *type = &weight->type;
    c2s_coding coding = {.axis = channels, .symmetric = o->is_signed, .method = o->method};
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
    const double zero = coding->symmetric ? 0 : code;
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

/* ---- weights ---- */

static const char *refuse_value(const c2s_value *value) {
    const c2s_dtype dtype = value->type.dtype;
    if (dtype != C2S_FLOAT && dtype != C2S_FLOAT16 && dtype != C2S_BFLOAT16)
        return "scales have no such type";
    c2s_value_each_use(use, value) {
        if (use->user == value->graph->exit)
            return "it is an output of the graph";
        if (use->slot >= use->user->formal_count)
            return "a body reads it";
    }
    return NULL;
}

static const char *plan_weight(const c2s_weight_options *o, c2s_node *node, unsigned slot,
                               c2s_planned_weight *p) {
    int channels, sums;
    *p = (c2s_planned_weight){.weight = c2s_node_in(node, slot), .node = node, .slot = slot};
    const char *reason = refuse_value(p->weight);
    if (reason)
        return reason;
    if (!find_axes(node, slot, &channels, &sums))
        return "it is no weight of this operator";
    return choose_coding(o, channels, sums, p);
}

/* A float constant of at least two axes that the node reads as a weight. */
static bool is_candidate(const c2s_node *node, unsigned slot) {
    const c2s_value *value = c2s_node_in(node, slot);
    int channels, sums;
    return value && value->constant && !value->def && value->type.rank >= 2 &&
           c2s_dtype_is_float(value->type.dtype) && find_axes(node, slot, &channels, &sums);
}

static bool is_wanted(const c2s_weight_options *o, const c2s_node *node) {
    const bool excluded = o->exclude && c2s_name_filter_names(o->exclude, node);
    const bool all = !o->include || o->include->patterns.count == 0;
    return (all || c2s_name_filter_names(o->include, node)) && !excluded;
}

void c2s_weight_plan_make(const c2s_graph *graph, const c2s_weight_options *o, c2s_stats *stats,
                          c2s_weight_plan *out) {
    bool *seen = c2s_zalloc(graph->model->values.count + 1);
    for (c2s_node *node = graph->first; node; node = node->next)
        for (unsigned slot = 0; slot < node->formal_count; slot++) {
            c2s_planned_weight p;
            if (!is_candidate(node, slot) || seen[node->inputs[slot].value->id])
                continue;
            seen[node->inputs[slot].value->id] = true;
            if (!is_wanted(o, node))
                continue;
            const char *where = c2s_node_text(node), *reason = plan_weight(o, node, slot, &p);
            if (stats && reason)
                c2s_stats_refuse(stats, c2s_quantize_weight, where, reason);
            if (reason || (stats && c2s_stats_skips(stats, c2s_quantize_weight, where)))
                continue;
            c2s_vec_push(out, p);
        }
    free(seen);
}

void c2s_weight_plan_free(c2s_weight_plan *plan) {
    for (size_t i = 0; i < plan->count; i++)
        c2s_codes_free(&plan->at[i].codes);
    c2s_vec_free(plan);
}
