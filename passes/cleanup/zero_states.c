/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: LSTM, GRU or RNN with an initial state of zeros, which may be made while the model runs
 * After:  the node without it: zeros are what it starts with then, too
 * Refuses what need not be zeros: results of operators that compute, sizes aside.
 */
#include "passes/cleanup/cleanup.h"
#include "passes/constants.h"

#define KIND "state-of-zeros"

enum { INITIAL_H = 5, INITIAL_C = 6, DEEPEST = 12 };

/* What only moves, repeats or leaves out elements of its first operand, or casts them. */
static bool moves(const c2s_node *node) {
    static const c2s_op *const movers[] = {&c2s_op_expand,   &c2s_op_unsqueeze, &c2s_op_squeeze,
                                           &c2s_op_reshape,  &c2s_op_flatten,   &c2s_op_transpose,
                                           &c2s_op_slice,    &c2s_op_gather,    &c2s_op_tile,
                                           &c2s_op_identity, &c2s_op_cast,      NULL};
    for (size_t k = 0; movers[k]; k++)
        if (node->op == movers[k])
            return true;
    return false;
}

static bool is_zeros(const c2s_value *value) {
    for (int depth = 0; depth < DEEPEST; depth++) {
        const c2s_node *def = value->def;
        if (value->constant)
            return c2s_constant_is_all(value, 0);
        if (!def || def == value->graph->entry || c2s_attr_any_reference(def))
            return false;
        if (def->op == &c2s_op_constant_of_shape) {
            const c2s_tensor *fill = c2s_attr_tensor(def, "value");
            return !fill || (fill->count == 1 && c2s_dtype_is_float(fill->type.dtype) &&
                             c2s_tensor_f64_at(fill, 0) == 0);
        }
        if (!moves(def) || !c2s_node_in(def, 0))
            return false;
        value = c2s_node_in(def, 0);
    }
    return false;
}

static bool drop_states(c2s_node *node, c2s_stats *stats) {
    bool dropped = false;
    for (unsigned slot = INITIAL_H; slot <= INITIAL_C && slot < node->formal_count; slot++) {
        const c2s_value *state = node->inputs[slot].value;
        if (!c2s_stats_may_apply(stats))
            break;
        if (!state || c2s_stats_skips(stats, KIND, c2s_node_text(node)))
            continue;
        if (!is_zeros(state)) {
            c2s_stats_refuse(stats, KIND, c2s_node_text(node),
                             "the initial state need not be zero");
            continue;
        }
        c2s_stats_apply(stats, KIND, c2s_node_text(node));
        c2s_stats_looked(stats, node);
        c2s_use_set(&node->inputs[slot], NULL);
        dropped = true;
    }
    return dropped;
}

void c2s_zero_states(const c2s_graph_list *graphs, c2s_stats *stats) {
    for (size_t i = 0; i < graphs->count; i++)
        for (c2s_node *n = graphs->at[i]->first; n; n = n->next)
            if ((n->op == &c2s_op_lstm || n->op == &c2s_op_gru || n->op == &c2s_op_rnn) &&
                drop_states(n, stats))
                c2s_node_trim_inputs(n);
}
