/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: If whose condition is constant, or of which one branch cannot run since the shapes of the
 *         model were changed (others would refuse the whole model for that branch)
 * After:  the nodes of the branch that is taken, in place of the If
 */
#include <stdlib.h>

#include "ir/splice.h"
#include "passes/cleanup/cleanup.h"
#include "passes/constants.h"

/* Which branch, and by which rule; NULL: either may be. */
static c2s_graph *choose_branch(const c2s_node *node, const char **rule) {
    double condition;
    c2s_graph *yes = c2s_attr_graph(node, "then_branch"), *no = c2s_attr_graph(node, "else_branch");
    *rule = "if-constant";
    if (c2s_constant_scalar(c2s_node_in(node, 0), &condition))
        return condition != 0 ? yes : no;
    *rule = "if-impossible";
    if (!node->graph->model->reshaped || !yes || !no || yes->impossible == no->impossible)
        return NULL;
    return yes->impossible ? no : yes;
}

static c2s_graph *branch_taken(const c2s_node *node, const char **rule) {
    if (node->op != &c2s_op_if)
        return NULL;
    c2s_graph *body = choose_branch(node, rule);
    bool usable = body && !body->impossible && body->formal_inputs == 0 &&
                  body->exit->input_count == node->output_count;
    return usable ? body : NULL;
}

/* The branch's type is the more precise one where both say something. */
static void merge_type(c2s_value *result, const c2s_value *old) {
    c2s_type type = result->type;
    if (result->def && result->def != result->graph->entry && c2s_type_merge(&type, &old->type))
        c2s_value_set_type(result, &type);
}

static void inline_if(c2s_node *node, c2s_graph *body) {
    unsigned count = node->output_count;
    c2s_value **results = c2s_alloc_array(count + 1, sizeof(c2s_value *));
    const char **names = c2s_alloc_array(count + 1, sizeof(char *));
    for (unsigned i = 0; i < count; i++) {
        const c2s_value *inner = c2s_graph_output(body, i);
        bool captured = inner->def == body->entry; /* then it keeps its own name */
        names[i] = node->outputs[i] && !captured ? node->outputs[i]->name : NULL;
    }
    c2s_graph_splice(body, results);
    for (unsigned i = 0; i < count; i++) {
        if (!node->outputs[i])
            continue;
        merge_type(results[i], node->outputs[i]);
        c2s_rewrite_replace(node->outputs[i], results[i]);
    }
    c2s_node_remove(node);
    for (unsigned i = 0; i < count; i++)
        if (names[i])
            c2s_value_set_name(results[i], names[i]);
    free(results);
    free(names);
}

void c2s_inline_ifs(const c2s_graph_list *graphs, c2s_stats *stats) {
    for (size_t i = 0; i < graphs->count; i++) {
        for (c2s_node *node = graphs->at[i]->first, *next; node; node = next) {
            next = node->next;
            const char *rule;
            c2s_graph *body = branch_taken(node, &rule);
            if (!body)
                continue;
            if (!c2s_stats_may_apply(stats))
                return;
            if (c2s_stats_skips(stats, rule, c2s_node_text(node)))
                continue;
            c2s_stats_apply(stats, rule, c2s_node_text(node));
            c2s_stats_removed(stats, node);
            next = body->first ? body->first : next; /* what was inside may be an If too */
            inline_if(node, body);
        }
    }
}
