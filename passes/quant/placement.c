/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/placement.h"

#include <math.h>

static c2s_placed_node *placed(const c2s_placement *p, const c2s_node *node) {
    return &p->nodes[node->id];
}

bool c2s_placement_is_operand(const c2s_placement *p, const c2s_node *node, unsigned slot) {
    const c2s_placed_node *n = placed(p, node);
    if (slot >= node->formal_count || !node->inputs[slot].value)
        return false;
    if (n->row && n->row->way == C2S_WAY_RESIDUAL)
        return n->head && node->inputs[slot].value->def != n->head && placed(p, n->head)->integer &&
               c2s_quant_has(n->rule.operands, slot);
    return !n->head && c2s_quant_has(n->rule.operands, slot);
}

bool c2s_placement_reads_codes(const c2s_placement *p, const c2s_use *use) {
    const c2s_placed_value *v = &p->values[use->value->id];
    return v->role && (v->for_all || (placed(p, use->user)->integer &&
                                      c2s_placement_is_operand(p, use->user, use->slot)));
}

c2s_value *c2s_placement_result(const c2s_placement *p, const c2s_node *node) {
    while (placed(p, node)->tail)
        node = placed(p, node)->tail;
    return node->outputs[0];
}

/* A Gemm without bias may have been given one after its rule was made, or may be. */
static unsigned late_bias(const c2s_node *node) {
    if (node->op != &c2s_op_gemm)
        return 0;
    if (c2s_node_in(node, 2))
        return c2s_node_quant_rule(node).bias;
    return c2s_attr_float(node, "alpha", 1) == 1 && c2s_attr_float(node, "beta", 1) == 1 ? 3 : 0;
}

bool c2s_placement_bias(const c2s_placement *p, c2s_node *node, c2s_node **adder, unsigned *slot) {
    const c2s_placed_node *n = placed(p, node), *tail = n->tail ? placed(p, n->tail) : NULL;
    if (!n->integer || n->head || n->rule.kind != C2S_QUANT_LINEAR)
        return false;
    const unsigned bias = n->rule.bias ? n->rule.bias : late_bias(node);
    *adder = tail && tail->vector ? n->tail : node;
    *slot = (tail && tail->vector ? tail->vector : bias) - 1u;
    return (tail && tail->vector) || bias;
}

/* ---- which values have scales ---- */

static unsigned find(const c2s_placement *p, unsigned id) {
    while (p->values[id].group != id)
        id = p->values[id].group = p->values[p->values[id].group].group;
    return id;
}

/* The lower id stands for both. */
static void unite(c2s_placement *p, unsigned a, unsigned b) {
    a = find(p, a);
    b = find(p, b);
    p->values[a < b ? b : a].group = a < b ? a : b;
}

static int weight_axis(const c2s_placed_node *n, const c2s_placement_options *o,
                       const c2s_value *weight) {
    if (!o->per_channel || n->row->whole_weight || (n->row->one_matrix && weight->type.rank > 2))
        return -1;
    const int axis = n->row->weight_axis ? n->row->weight_axis - 1 : n->rule.weight_axis;
    return axis == C2S_QUANT_NO_AXIS ? -1 : axis;
}

static void mark_weight(c2s_placed_value *v, int axis, c2s_dtype dtype) {
    const bool first = v->role != C2S_ROLE_WEIGHT;
    v->axis = first || v->axis == axis ? axis : -1;
    v->role = C2S_ROLE_WEIGHT;
    v->dtype = dtype;
}

static void mark_activation(c2s_placed_value *v, const c2s_value *value, c2s_dtype dtype) {
    if (v->role && c2s_dtype_bits(v->dtype) >= c2s_dtype_bits(dtype))
        return;
    v->role = value->constant ? C2S_ROLE_CONSTANT : C2S_ROLE_ACTIVATION;
    v->dtype = dtype;
}

static void mark_operands(c2s_placement *p, const c2s_placement_options *o, const c2s_node *node,
                          c2s_dtype activations, c2s_dtype weights) {
    const c2s_placed_node *n = placed(p, node);
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_value *value = node->inputs[k].value;
        if (!c2s_placement_is_operand(p, node, k))
            continue;
        if (value->constant && c2s_quant_has(n->rule.weights, k) &&
            n->rule.kind == C2S_QUANT_LINEAR)
            mark_weight(&p->values[value->id], weight_axis(n, o, value), weights);
        else
            mark_activation(&p->values[value->id], value, activations);
    }
}

/* It would take the only reader of its result along, in floats; a clamp vanishes in a quantizer. */
static bool needs_codes(const c2s_placement *p, const c2s_node *node) {
    bool activates = placed(p, node)->row->activates;
    const c2s_value *result = c2s_placement_result(p, node);
    for (const c2s_node *tail = placed(p, node)->tail; tail; tail = placed(p, tail)->tail) {
        if (placed(p, tail)->row->way == C2S_WAY_VANISHES)
            return true;
        activates |= placed(p, tail)->vector > 0;
    }
    return activates && c2s_placement_is_lone(result) &&
           c2s_target_is_activation(result->uses->user);
}

/* Readers of what a node on integers makes: floats are there only if nobody quantizes it. */
static void mark_results(c2s_placement *p, const c2s_node *node, c2s_dtype activations) {
    const c2s_placed_node *n = placed(p, node);
    if (n->row->way == C2S_WAY_PASSES) {
        for (unsigned k = 0; k < node->output_count; k++)
            if (node->outputs[k] && node->outputs[k]->use_count &&
                c2s_quant_has(n->rule.results, k)) {
                c2s_placed_value *v = &p->values[node->outputs[k]->id];
                mark_activation(v, node->outputs[k], activations);
                v->for_all = true;
            }
        return;
    }
    const c2s_value *result = c2s_placement_result(p, node);
    c2s_placed_value *v = &p->values[result->id];
    if (n->row->result == C2S_RESULT_CODES || needs_codes(p, node))
        mark_activation(v, result, activations);
    v->for_all = v->role != C2S_ROLE_NONE;
}

static void join_groups(c2s_placement *p, const c2s_node *node) {
    const c2s_placed_node *n = placed(p, node);
    if (n->row->way != C2S_WAY_PASSES)
        return;
    unsigned first = 0;
    bool any = false;
    for (unsigned k = 0; k < node->formal_count; k++)
        if (c2s_placement_is_operand(p, node, k)) {
            const unsigned id = node->inputs[k].value->id;
            if (any)
                unite(p, first, id);
            first = any ? first : id;
            any = true;
        }
    for (unsigned k = 0; any && k < node->output_count; k++)
        if (node->outputs[k] && p->values[node->outputs[k]->id].role &&
            c2s_quant_has(n->rule.results, k))
            unite(p, first, node->outputs[k]->id);
}

static c2s_dtype dtype_of(const c2s_placement_options *o, const c2s_node *node, c2s_dtype usual) {
    const bool wide = o->wide && o->wide[node->id] && o->target->mixes_widths;
    return !wide ? usual : usual == C2S_INT8 ? C2S_INT16 : usual == C2S_UINT8 ? C2S_UINT16 : usual;
}

/* Those with one scale have one type: the widest. */
static void widen_groups(c2s_placement *p, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const c2s_placed_value *v = &p->values[i];
        c2s_placed_value *first = &p->values[v->group];
        if (v->role && v->role != C2S_ROLE_WEIGHT &&
            c2s_dtype_bits(v->dtype) > c2s_dtype_bits(first->dtype))
            first->dtype = v->dtype;
    }
    for (size_t i = 0; i < count; i++)
        if (p->values[i].role && p->values[i].role != C2S_ROLE_WEIGHT)
            p->values[i].dtype = p->values[p->values[i].group].dtype;
}

static void mark_values(c2s_placement *p, const c2s_graph *graph, const c2s_placement_options *o,
                        c2s_dtype activations, c2s_dtype weights) {
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (placed(p, node)->integer)
            mark_operands(p, o, node, dtype_of(o, node, activations), weights);
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (placed(p, node)->integer && !placed(p, node)->head)
            mark_results(p, node, dtype_of(o, node, activations));
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (placed(p, node)->integer) {
            p->integer_count++;
            c2s_placement_bound(p, node, o->target->fixed_ranges);
        }
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (placed(p, node)->integer)
            join_groups(p, node);
    for (size_t i = 0; i < graph->model->values.count; i++)
        p->values[i].group = find(p, (unsigned)i);
    c2s_placement_join_bounds(p, graph->model);
    widen_groups(p, graph->model->values.count);
}

/* ---- all of it ---- */

static c2s_status check_dtype(const c2s_target *t, uint32_t dtypes, c2s_dtype dtype,
                              const char *what) {
    if (c2s_target_takes(dtypes, dtype))
        return C2S_OK;
    return c2s_fail(C2S_ERR_USAGE, "%s of type %s: target %s does not take them", what,
                    c2s_dtype_name(dtype), t->name);
}

c2s_status c2s_placement_make(const c2s_graph *graph, const c2s_placement_options *o,
                              c2s_placement *p) {
    const c2s_target *t = o->target;
    const c2s_dtype activations = o->activations ? o->activations : t->activation,
                    weights = o->weights                        ? o->weights
                              : c2s_dtype_is_float(activations) ? C2S_FLOAT8E4M3FN
                                                                : t->weight;
    *p = (c2s_placement){.target = t, .costs = &t->costs};
    if (o->vnni && t->costs_vnni.on_floats.product > 0)
        p->costs = &t->costs_vnni;
    C2S_TRY(check_dtype(t, t->activations, activations, "activations"));
    C2S_TRY(check_dtype(t, t->weights, weights, "weights"));
    if (c2s_dtype_is_float(activations) != c2s_dtype_is_float(weights))
        return c2s_fail(
            C2S_ERR_USAGE,
            "activations of type %s and weights of type %s, expected floats or integers "
            "for both",
            c2s_dtype_name(activations), c2s_dtype_name(weights));
    p->nodes = c2s_zalloc((graph->model->nodes.count + 1) * sizeof *p->nodes);
    p->values = c2s_zalloc((graph->model->values.count + 1) * sizeof *p->values);
    for (size_t i = 0; i < graph->model->values.count; i++)
        p->values[i] = (c2s_placed_value){
            .axis = -1, .group = (unsigned)i, .low = -INFINITY, .high = INFINITY};
    c2s_placement_find_candidates(graph, o, activations, p);
    if (!t->everything)
        c2s_placement_keep_cheapest(graph, o->force, p);
    mark_values(p, graph, o, activations, weights);
    if (o->include)
        C2S_TRY(c2s_name_filter_check(o->include, "include"));
    return o->exclude ? c2s_name_filter_check(o->exclude, "exclude") : C2S_OK;
}

void c2s_placement_free(c2s_placement *p) {
    free(p->nodes);
    free(p->values);
    *p = (c2s_placement){0};
}
