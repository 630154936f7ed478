/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: a node with an optional output that nobody uses (Dropout's mask, LSTM's last state)
 * After:  the node without it
 * Refuses when the presence of the output says something: BatchNormalization in training.
 */
#include "passes/cleanup/cleanup.h"

static bool may_trim(const c2s_node *node) {
    return node->op != &c2s_op_opaque && node->op->outputs[1] != C2S_VARIADIC &&
           node->output_count > node->op->outputs[0] &&
           c2s_attr_int(node, "training_mode", 0) == 0 && !c2s_attr_any_reference(node);
}

void c2s_trim_outputs(const c2s_graph_list *graphs, c2s_stats *stats) {
    for (size_t i = 0; i < graphs->count; i++) {
        for (c2s_node *node = graphs->at[i]->first; node; node = node->next) {
            if (!may_trim(node))
                continue;
            for (unsigned k = node->output_count; k-- > node->op->outputs[0];) {
                if (!c2s_stats_may_apply(stats))
                    return;
                if (!node->outputs[k] || node->outputs[k]->use_count > 0 ||
                    c2s_stats_skips(stats, "unused-output", c2s_node_text(node)))
                    continue;
                c2s_stats_apply(stats, "unused-output", c2s_node_text(node));
                c2s_stats_looked(stats, node);
                c2s_node_drop_output(node, k);
            }
        }
    }
}
