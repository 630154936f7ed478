/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: a Constant node
 * After:  an initializer
 * Refuses when the node makes an output of a body, or stands in a function.
 */
#include "passes/cleanup/cleanup.h"
#include "passes/cleanup/place_constant.h"

static bool can_lift(const c2s_node *node) {
    if (node->op != &c2s_op_constant || node->output_count != 1 || !node->outputs[0])
        return false;
    const c2s_value *value = node->outputs[0];
    return value->constant && value->constant->type.kind == C2S_KIND_TENSOR &&
           value->use_count > 0 && !c2s_constant_needs_node(value);
}

void c2s_lift_constants(const c2s_graph_list *graphs, c2s_stats *stats) {
    for (size_t i = 0; i < graphs->count; i++) {
        for (c2s_node *node = graphs->at[i]->first, *next; node; node = next) {
            next = node->next;
            if (!c2s_stats_may_apply(stats))
                return;
            c2s_constant_know(node); /* readers know most of them already */
            if (!can_lift(node) || c2s_stats_skips(stats, "constant-node", c2s_node_text(node)))
                continue;
            c2s_stats_apply(stats, "constant-node", c2s_node_text(node));
            c2s_stats_removed(stats, node);
            c2s_tensor *tensor = c2s_tensor_ref(node->outputs[0]->constant);
            c2s_replace_by_constants(node, &tensor);
            c2s_tensor_unref(tensor);
        }
    }
}
