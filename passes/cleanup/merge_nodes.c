/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: two nodes of one graph with the same operator, attributes and operands
 * After:  one of them
 * Refuses when the operator is random or not known, has bodies, or is half of a quantize and
 * dequantize pair (runtimes look for a pair per consumer), or when both make graph outputs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "ir/graph_digest.h"
#include "passes/cleanup/cleanup.h"

static bool may_merge(const c2s_node *node) {
    const c2s_op *op = node->op;
    if (c2s_node_is_random(node) || (op->flags & C2S_OP_HAS_BODY) || op == &c2s_op_opaque ||
        op == &c2s_op_constant || op == &c2s_op_quantize_linear ||
        op == &c2s_op_dequantize_linear || op == &c2s_op_ms_quantize_linear ||
        op == &c2s_op_ms_dequantize_linear)
        return false;
    return node->input_count == node->formal_count && node->output_count > 0;
}

static uint64_t hash_operand(const c2s_node *node, unsigned slot) {
    const c2s_value *value = slot < node->formal_count ? node->inputs[slot].value : NULL;
    return value ? (uint64_t)value->id + 1 : 0;
}

static uint64_t hash_node(const c2s_node *node) {
    uint64_t hash = c2s_hash_mix((uint64_t)(uintptr_t)node->op, (uint64_t)(uintptr_t)node->graph);
    unsigned from = 0;
    if (node->op->flags & C2S_OP_COMMUTATIVE) {
        hash = c2s_hash_mix(hash, c2s_hash_mix(hash_operand(node, 0), 0) +
                                      c2s_hash_mix(hash_operand(node, 1), 0));
        from = 2;
    }
    for (unsigned i = from; i < node->formal_count; i++)
        hash = c2s_hash_mix(hash, hash_operand(node, i));
    uint64_t attrs = 0; /* their order does not matter */
    for (unsigned i = 0; i < node->attr_count; i++)
        attrs += c2s_attr_hash(&node->attrs[i]);
    return c2s_hash_mix(hash, c2s_hash_mix(attrs, node->output_count));
}

static bool same_operands(const c2s_node *a, const c2s_node *b) {
    if (a->formal_count != b->formal_count)
        return false;
    unsigned from = 0;
    if ((a->op->flags & C2S_OP_COMMUTATIVE) && a->formal_count >= 2) {
        const c2s_value *a0 = a->inputs[0].value, *a1 = a->inputs[1].value;
        const c2s_value *b0 = b->inputs[0].value, *b1 = b->inputs[1].value;
        if (!((a0 == b0 && a1 == b1) || (a0 == b1 && a1 == b0)))
            return false;
        from = 2;
    }
    for (unsigned i = from; i < a->formal_count; i++)
        if (a->inputs[i].value != b->inputs[i].value)
            return false;
    return true;
}

/* What `b` makes and `a` makes as well can be taken from `a`. */
static bool covers_outputs(const c2s_node *a, const c2s_node *b) {
    if (a->output_count != b->output_count)
        return false;
    for (unsigned i = 0; i < b->output_count; i++) {
        const c2s_value *wanted = b->outputs[i];
        if (!wanted || wanted->use_count == 0)
            continue;
        if (!a->outputs[i] || c2s_rewrite_needs_identity(wanted, a->outputs[i]))
            return false;
    }
    return true;
}

static bool same(const c2s_node *a, const c2s_node *b) {
    return a->op == b->op && a->graph == b->graph && strcmp(a->overload, b->overload) == 0 &&
           same_operands(a, b) && c2s_attrs_equal(a, b) && !c2s_attr_any_reference(a) &&
           covers_outputs(a, b);
}

static void merge(c2s_node *into, c2s_node *node) {
    for (unsigned i = 0; i < node->output_count; i++) {
        c2s_value *from = node->outputs[i];
        if (!from || from->use_count == 0)
            continue;
        c2s_type type = into->outputs[i]->type;
        if (c2s_type_merge(&type, &from->type) && !c2s_type_equal(&type, &into->outputs[i]->type))
            c2s_value_set_type(into->outputs[i], &type);
        c2s_rewrite_replace(from, into->outputs[i]);
    }
    c2s_node_remove(node);
}

/* How many nodes of one hash are compared; beyond that they are different nodes by design. */
#define MAX_COLLISIONS 64

void c2s_merge_nodes(const c2s_graph_list *graphs, c2s_stats *stats) {
    if (graphs->count == 0)
        return;
    c2s_map first = {0}; /* hash -> the latest node with it */
    c2s_node **chain = c2s_zalloc((graphs->at[0]->model->nodes.count + 1) * sizeof *chain);
    for (size_t i = 0; i < graphs->count; i++) {
        for (c2s_node *node = graphs->at[i]->first, *next; node; node = next) {
            next = node->next;
            if (!c2s_stats_may_apply(stats) || !may_merge(node))
                continue;
            uint64_t hash = hash_node(node);
            c2s_node *head = c2s_map_get_u64(&first, hash), *other = head;
            for (int n = 0; other && n < MAX_COLLISIONS && !same(other, node); n++)
                other = chain[other->id];
            if (other && same(other, node) &&
                !c2s_stats_skips(stats, "merge-nodes", c2s_node_text(node))) {
                c2s_stats_apply(stats, "merge-nodes", c2s_node_text(node));
                c2s_stats_looked(stats, other);
                c2s_stats_removed(stats, node);
                merge(other, node);
                continue;
            }
            chain[node->id] = head;
            c2s_map_put_u64(&first, hash, node);
        }
    }
    free(chain);
    c2s_map_free(&first);
}
