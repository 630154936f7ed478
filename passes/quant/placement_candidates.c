/* SPDX-License-Identifier: Apache-2.0
 *
 * Which nodes can run on integers, and which are done with the sums in front of them.
 */
#include "passes/constants.h"
#include "passes/quant/code_flow.h"
#include "passes/quant/placement.h"

static c2s_placed_node *placed(const c2s_placement *p, const c2s_node *node) {
    return &p->nodes[node->id];
}

/* ---- reasons against ---- */

/* What a target that takes everything does with operators that its table does not mention. */
static const c2s_target_row *implied_row(const c2s_placed_node *n) {
    static const c2s_target_row computes = {.way = C2S_WAY_COMPUTES,
                                            .result = C2S_RESULT_CODES,
                                            .wide = true},
                                passes = {.way = C2S_WAY_PASSES, .wide = true};
    switch ((c2s_quant_kind)n->rule.kind) {
    case C2S_QUANT_FLOAT:
    case C2S_QUANT_LINEAR:
    case C2S_QUANT_OWN:
    case C2S_QUANT_WITHIN:
    case C2S_QUANT_UNIFY:
    case C2S_QUANT_RANGE:
    case C2S_QUANT_CLAMP:
        return n->rule.operands ? &computes : NULL;
    case C2S_QUANT_SAME:
        return &passes;
    default:
        return NULL;
    }
}

static bool is_float(const c2s_value *value) {
    return c2s_type_is_tensor(&value->type) && value->type.dtype == C2S_FLOAT;
}

/* Codes stand for neither. */
static const char not_finite[] = "a constant is NaN or infinite";

static const char *refuse_operands(const c2s_node *node, const c2s_quant_rule *rule) {
    bool any = false;
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_value *value = node->inputs[k].value;
        if (!value || !c2s_quant_has(rule->operands, k))
            continue;
        if (!is_float(value))
            return "an operand is no float32";
        if (value->def && c2s_is_dequantizer(value->def))
            return "an operand is quantized already";
        if (value->constant && !c2s_constant_is_finite(value))
            return not_finite;
        any |= !value->constant;
    }
    return any ? NULL : "all operands are constant";
}

static const char *refuse_results(const c2s_node *node, const c2s_quant_rule *rule) {
    bool any = false;
    for (unsigned k = 0; k < node->output_count; k++)
        if (node->outputs[k] && c2s_quant_has(rule->results, k)) {
            if (!is_float(node->outputs[k]))
                return "a result is no float32";
            any |= node->outputs[k]->use_count > 0;
        }
    return any ? NULL : "no result of it can be quantized";
}

/* What is added to the sums must be int32 codes, which constants can be made. */
static const char *refuse_addends(const c2s_node *node, const c2s_quant_rule *rule) {
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_value *value = node->inputs[k].value;
        if (!value || c2s_quant_has(rule->operands, k))
            continue;
        if (rule->bias != k + 1)
            return "an operand is added that is no vector of channels";
        if (!value->constant)
            return "the bias is computed";
        if (!c2s_constant_is_finite(value))
            return not_finite;
    }
    return NULL;
}

static const char *refuse(const c2s_node *node, const c2s_placed_node *n,
                          const c2s_placement_options *o, c2s_dtype activations) {
    if (n->rule.kind == C2S_QUANT_UNSTATED || n->rule.kind == C2S_QUANT_CODES ||
        n->rule.kind == C2S_QUANT_NONE)
        return "no float goes in";
    if (n->rule.kind == C2S_QUANT_FLOAT && !o->target->everything)
        return "it needs the precision of floats";
    if (!n->row)
        return "the target does not compute it on integers";
    const char *reason = c2s_name_filter_refuse(o->include, o->exclude, node);
    if (reason)
        return reason;
    if (c2s_dtype_bits(activations) > 8 && !n->row->wide)
        return "the target takes codes of 8 bits only";
    if (n->row->way == C2S_WAY_VANISHES && n->rule.kind != C2S_QUANT_CLAMP)
        return "its bounds are computed";
    if (n->row->refuse)
        reason = n->row->refuse(node);
    if (!reason)
        reason = refuse_operands(node, &n->rule);
    if (!reason)
        reason = refuse_results(node, &n->rule);
    if (!reason && n->rule.kind == C2S_QUANT_LINEAR && !o->target->float_bias)
        reason = refuse_addends(node, &n->rule);
    if (!reason && o->veto)
        reason = o->veto(o->user, node);
    return reason;
}

/* ---- tails ---- */

/* The last of the chain of a node that computes; NULL if this one does not. */
static c2s_node *chain_of(const c2s_placement *p, c2s_node *node, bool sums_only) {
    if (!node)
        return NULL;
    c2s_node *head = placed(p, node)->head ? placed(p, node)->head : node;
    const c2s_placed_node *h = placed(p, head);
    if (!h->integer || h->row->way != C2S_WAY_COMPUTES ||
        (sums_only && h->rule.kind != C2S_QUANT_LINEAR))
        return NULL;
    return head;
}

bool c2s_placement_is_lone(const c2s_value *value) {
    return value && value->use_count == 1 && !c2s_value_is_output(value);
}

/* Of a sum's operands the one with more products on its way is the main branch, if products make
 * it. */
static c2s_node *main_branch(const c2s_placement *p, const unsigned *depth, const c2s_node *add) {
    c2s_node *best = NULL;
    unsigned most = 0;
    for (unsigned k = 0; k < 2 && k < add->formal_count; k++) {
        const c2s_value *value = add->inputs[k].value;
        if (!value || !c2s_placement_is_lone(value))
            continue;
        c2s_node *def = value->def && chain_of(p, value->def, true) ? value->def : NULL;
        /* What has an activation already is no sum any more. */
        if (!def || placed(p, def)->head)
            continue;
        if (!best || depth[def->id] > most) {
            best = def;
            most = depth[def->id];
        }
    }
    return best;
}

static void attach(c2s_placement *p, c2s_node *before, c2s_node *node) {
    c2s_node *head = placed(p, before)->head ? placed(p, before)->head : before;
    placed(p, before)->tail = node;
    placed(p, node)->head = head;
}

/* Adds a constant vector to a product of matrices that nobody else reads: 1 + its operand. The
 * runtime sees to that only where it knows how to flatten the other operand. */
static unsigned vector_of(const c2s_placement *p, const c2s_node *add) {
    for (unsigned k = 0; add->op == &c2s_op_add && k < 2; k++) {
        const c2s_value *sum = add->inputs[k].value, *vector = add->inputs[1 - k].value;
        const c2s_placed_node *n = sum && sum->def ? placed(p, sum->def) : NULL;
        if (!n || !n->integer || n->head || !n->row->adds_vector || !c2s_placement_is_lone(sum) ||
            !vector || !vector->constant || vector->type.rank != 1)
            continue;
        const c2s_value *x = c2s_node_in(sum->def, 0), *w = c2s_node_in(sum->def, 1);
        if (w->type.rank == 2 && w->type.dim[1] == vector->type.dim[0] &&
            (x->type.rank == 2 || c2s_type_is_static(&x->type)))
            return 2 - k;
    }
    return 0;
}

static const char *attach_tail(c2s_placement *p, const unsigned *depth, c2s_node *node) {
    const c2s_target_row *row = placed(p, node)->row;
    c2s_node *before = NULL;
    if (row->way == C2S_WAY_RESIDUAL) {
        before = main_branch(p, depth, node);
        if (!before)
            return "no sum of products is in front of it alone";
    } else {
        const c2s_value *x = c2s_node_in(node, 0);
        before = x ? x->def : NULL;
        if (!x || !c2s_placement_is_lone(x) || !chain_of(p, before, row->way == C2S_WAY_FUSES))
            return "it stands behind no operator that it could be done with";
        /* Of two ONNX Runtime 1.30 makes a model that it then calls invalid. */
        if (row->way == C2S_WAY_VANISHES && placed(p, before)->head &&
            placed(p, before)->row->way == C2S_WAY_VANISHES)
            return "a clamp is in front of it already";
    }
    attach(p, before, node);
    return NULL;
}

/* ---- all of it ---- */

void c2s_placement_find_candidates(const c2s_graph *graph, const c2s_placement_options *o,
                                   c2s_dtype activations, c2s_placement *p) {
    unsigned *depth = c2s_zalloc((graph->model->nodes.count + 1) * sizeof *depth);
    for (c2s_node *node = graph->first; node; node = node->next) {
        c2s_placed_node *n = placed(p, node);
        n->rule = c2s_node_quant_rule(node);
        n->row = c2s_target_row_of(o->target, node->op);
        if (!n->row && o->target->everything)
            n->row = implied_row(n);
        n->reason = refuse(node, n, o, activations);
        n->integer = !n->reason;
        n->vector = (uint8_t)(n->integer ? vector_of(p, node) : 0);
        if (n->vector)
            attach(p, node->inputs[2 - n->vector].value->def, node);
        const bool follows = n->integer && n->row->way >= C2S_WAY_VANISHES;
        const char *alone = follows ? attach_tail(p, depth, node) : NULL;
        if (alone && o->target->everything)
            n->row = implied_row(n);
        else if (alone) {
            n->reason = alone;
            n->integer = false;
        }
        for (unsigned k = 0; k < node->input_count; k++)
            if (node->inputs[k].value && node->inputs[k].value->def) {
                /* the most sums of products on a way to here */
                const unsigned before = depth[node->inputs[k].value->def->id];
                depth[node->id] = before > depth[node->id] ? before : depth[node->id];
            }
        depth[node->id] += n->integer && n->rule.kind == C2S_QUANT_LINEAR;
    }
    free(depth);
}
