/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: a node in the body of Loop or Scan that computes the same in every trip, since it reads
 *         nothing but captures, constants and such nodes
 * After:  the node before the loop; the body captures what it makes
 * Refuses when there may be no trip and the node could fail, or takes longer than a pass over its
 * operands: then it would run for nothing; when its result is an output of the body, which would
 * need another node in its place. Quantizers stay beside what they feed. Branches of If stay as
 * they are: what is in them may never run.
 */
#include <stdlib.h>

#include "base/map.h"
#include "ir/clone.h"
#include "passes/cleanup/cleanup.h"
#include "passes/constants.h"

static const char rule[] = "hoist-invariant";

/* Captures are found one by one; a body with more of them has other problems. */
enum { MOST_CAPTURES = 1000, COPIED_BYTES = 64 };

typedef struct hoister {
    c2s_graph *body;
    c2s_stats *stats;
    bool certain;                   /* there is a trip */
    unsigned captures;              /* that the body has, and will have of what goes */
    c2s_map moves;                  /* nodes that go, to themselves */
    C2S_VEC(c2s_node *) nodes;      /* the same, in order */
    C2S_VEC(c2s_value *) constants; /* of the body, that they read */
} hoister;

static bool is_true(const c2s_value *value) {
    double condition;
    return !value || (c2s_constant_scalar(value, &condition) && condition != 0);
}

static bool loop_runs(const c2s_node *loop) {
    double trips;
    const c2s_value *count = c2s_node_in(loop, 0);
    return is_true(c2s_node_in(loop, 1)) &&
           (!count || (c2s_constant_scalar(count, &trips) && trips >= 1));
}

/* The last formal inputs of Scan are cut into slices, one a trip, along the first axis if the node
 * does not say otherwise. */
static bool scan_runs(const c2s_node *scan) {
    const c2s_attr *axes = c2s_attr_find(scan, "scan_input_axes");
    const int64_t sequences = c2s_attr_int(scan, "num_scan_inputs", 0);
    if (axes || sequences < 1 || sequences > scan->formal_count)
        return false;
    const c2s_value *first = c2s_node_in(scan, scan->formal_count - (unsigned)sequences);
    return first && first->type.rank > 0 && c2s_dim_is_known(first->type.dim[0]) &&
           first->type.dim[0] >= 1;
}

/* A pass over the operands, whatever their elements are. */
static bool is_harmless(const c2s_node *node) {
    const c2s_op *op = node->op;
    const bool quick = (op->flags & (C2S_OP_ELEMENTWISE | C2S_OP_KEEPS_ORDER)) ||
                       op == &c2s_op_transpose || op == &c2s_op_shape;
    for (unsigned i = 0; i < node->formal_count; i++) {
        const c2s_value *value = node->inputs[i].value;
        /* Not each text is a number, not all integers can be divided by each other. */
        if (value &&
            (!c2s_type_is_static(&value->type) || value->type.dtype == C2S_STRING ||
             ((op == &c2s_op_div || op == &c2s_op_mod) && !c2s_dtype_is_float(value->type.dtype))))
            return false;
    }
    return quick;
}

static bool is_capture(const c2s_value *value) {
    const c2s_graph *body = value->graph;
    return value->def == body->entry && value->def_slot >= body->formal_inputs;
}

static bool is_own_constant(const c2s_value *value) {
    return value->constant && value->def != value->graph->entry &&
           value->constant->type.kind == C2S_KIND_TENSOR;
}

static bool is_invariant(const hoister *h, const c2s_node *node) {
    if (c2s_node_is_random(node) || (node->op->flags & C2S_OP_HAS_BODY) ||
        node->op == &c2s_op_opaque || node->op == &c2s_op_constant ||
        node->op == &c2s_op_identity || node->op == &c2s_op_quantize_linear ||
        node->op == &c2s_op_dequantize_linear || node->op == &c2s_op_ms_quantize_linear ||
        node->op == &c2s_op_ms_dequantize_linear || node->input_count != node->formal_count ||
        c2s_attr_any_reference(node))
        return false;
    bool used = false;
    for (unsigned i = 0; i < node->output_count; i++)
        used = used || (node->outputs[i] && node->outputs[i]->use_count > 0);
    for (unsigned i = 0; i < node->formal_count; i++) {
        const c2s_value *value = node->inputs[i].value;
        if (value && !is_capture(value) && !is_own_constant(value) &&
            !(value->def && c2s_map_get(&h->moves, value->def)))
            return false;
    }
    return used;
}

static const char *refuse(const hoister *h, const c2s_node *node) {
    for (unsigned i = 0; i < node->output_count; i++)
        if (node->outputs[i] && c2s_value_is_output(node->outputs[i]))
            return "it makes an output of the body";
    if (!h->certain && !is_harmless(node))
        return "there may be no trip; then it would run for nothing, and could fail";
    return h->captures < MOST_CAPTURES ? NULL : "the body captures too much already";
}

/* A new capture, unless what it makes is read by such nodes alone; here by one. */
static void count_captures(hoister *h, const c2s_node *node) {
    h->captures++;
    for (unsigned i = 0; i < node->formal_count; i++) {
        const c2s_value *value = node->inputs[i].value;
        h->captures -= value && value->use_count == 1 && value->def &&
                       c2s_map_get(&h->moves, value->def) != NULL;
    }
}

static void choose(hoister *h) {
    for (c2s_node *node = h->body->first; node; node = node->next) {
        if (!is_invariant(h, node) || !c2s_stats_may_apply(h->stats))
            continue;
        const char *where = c2s_node_text(node), *reason = refuse(h, node);
        if (reason) {
            c2s_stats_refuse(h->stats, rule, where, reason);
            c2s_stats_looked(h->stats, node);
        } else if (!c2s_stats_skips(h->stats, rule, where)) {
            c2s_stats_apply(h->stats, rule, where);
            c2s_stats_looked(h->stats, node);
            count_captures(h, node);
            c2s_map_put(&h->moves, node, node);
            c2s_vec_push(&h->nodes, node);
        }
    }
}

/* What stands for the operands outside: what was captured, the same constants. */
static void bind(hoister *h, c2s_cloner *c, const c2s_node *node) {
    const c2s_node *owner = h->body->owner;
    for (unsigned i = 0; i < node->formal_count; i++) {
        c2s_value *value = node->inputs[i].value, *outer;
        if (!value || c2s_map_get(&c->values, value))
            continue;
        if (is_capture(value)) {
            const unsigned hidden = c2s_graph_hidden_slot(h->body);
            outer = owner->inputs[hidden + value->def_slot - h->body->formal_inputs].value;
        } else {
            outer = c2s_value_constant(owner->graph, value->name, c2s_tensor_ref(value->constant));
            c2s_vec_push(&h->constants, value);
        }
        c2s_map_put(&c->values, value, outer);
    }
}

/* The copy of a node is there; what stays in the body reads that. */
static void use_copy(const hoister *h, const c2s_cloner *c, const c2s_node *node) {
    for (unsigned i = 0; i < node->output_count; i++) {
        c2s_value *old = node->outputs[i];
        bool stays = false;
        if (!old || old->use_count == 0)
            continue;
        c2s_value_each_use(use, old) stays = stays || !c2s_map_get(&h->moves, use->user);
        if (stays)
            c2s_value_replace(old, c2s_graph_capture(h->body, c2s_cloned(c, old)));
    }
}

/* A large constant that others in the body read, too, is there once. */
static void share_constants(const hoister *h, const c2s_cloner *c) {
    for (size_t i = 0; i < h->constants.count; i++) {
        c2s_value *old = h->constants.at[i];
        if (old->use_count > 0 && !c2s_value_is_output(old) &&
            c2s_tensor_size(old->constant) > COPIED_BYTES)
            c2s_value_replace(old, c2s_graph_capture(h->body, c2s_cloned(c, old)));
    }
}

static c2s_status move(hoister *h) {
    c2s_cloner c = {0};
    c2s_graph *outside = h->body->owner->graph;
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < h->nodes.count && status == C2S_OK; k++) {
        const c2s_node *node = h->nodes.at[k];
        c2s_node *copy;
        bind(h, &c, node);
        status = c2s_node_clone(&c, node, outside, h->body->owner, &copy);
        for (unsigned i = 0; i < node->output_count && status == C2S_OK; i++)
            if (node->outputs[i])
                c2s_value_set_type(copy->outputs[i], &node->outputs[i]->type);
    }
    for (size_t k = 0; k < h->nodes.count && status == C2S_OK; k++)
        use_copy(h, &c, h->nodes.at[k]);
    for (size_t k = h->nodes.count; k-- > 0 && status == C2S_OK;)
        c2s_node_remove(h->nodes.at[k]);
    if (status == C2S_OK)
        share_constants(h, &c);
    c2s_map_free(&c.values);
    return status;
}

static c2s_status visit(c2s_graph *body, c2s_stats *stats) {
    const c2s_node *owner = body->owner;
    if (!owner || (owner->op != &c2s_op_loop && owner->op != &c2s_op_scan))
        return C2S_OK;
    hoister h = {.body = body, .stats = stats};
    h.captures = body->entry->output_count - body->formal_inputs;
    h.certain = owner->op == &c2s_op_loop ? loop_runs(owner) : scan_runs(owner);
    choose(&h);
    c2s_status status = h.nodes.count ? move(&h) : C2S_OK;
    c2s_map_free(&h.moves);
    c2s_vec_free(&h.nodes);
    c2s_vec_free(&h.constants);
    return status;
}

c2s_status c2s_hoist_invariants(const c2s_graph_list *graphs, c2s_stats *stats) {
    /* Bodies stand behind the graphs that own them: from the end, what leaves an inner body may go
     * on. */
    for (size_t i = graphs->count; i-- > 0;)
        C2S_TRY(visit(graphs->at[i], stats));
    return C2S_OK;
}
