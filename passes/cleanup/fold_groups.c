/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/cleanup/fold_groups.h"

#include <stdlib.h>

/* Members are foldable nodes, by node id, and behind those the constants they use, by value id. */
typedef struct groups {
    size_t node_count;
    bool *foldable;   /* by node id */
    unsigned *parent; /* union-find by member */
    struct total {
        uint64_t made, freed, largest;
        unsigned nodes;
    } * total; /* by member; of roots */
} groups;

static unsigned root_of(groups *g, unsigned member) {
    while (g->parent[member] != member) {
        g->parent[member] = g->parent[g->parent[member]];
        member = g->parent[member];
    }
    return member;
}

static unsigned member_of(const groups *g, const c2s_value *constant) {
    return (unsigned)g->node_count + constant->id;
}

/* Small constants (axes, scales) are shared by nodes that have nothing to do with each other. */
static bool connects(const c2s_value *value) {
    return value->constant && value->def != value->graph->entry &&
           c2s_tensor_size(value->constant) > C2S_FOLD_NODE_BYTES;
}

static bool is_foldable(const groups *g, const c2s_node *node) {
    uint64_t bytes;
    if (!c2s_may_fold(node) || node->formal_count == 0 || !c2s_fold_bytes_made(node, &bytes))
        return false;
    for (unsigned i = 0; i < node->formal_count; i++) {
        const c2s_value *value = node->inputs[i].value;
        if (!value || (value->constant && value->constant->type.kind == C2S_KIND_TENSOR))
            continue;
        if (value->constant || !value->def || value->def == node->graph->entry ||
            !g->foldable[value->def->id])
            return false;
    }
    return true;
}

static void connect(groups *g, const c2s_node *node) {
    for (unsigned i = 0; i < node->formal_count; i++) {
        const c2s_value *value = node->inputs[i].value;
        if (!value || (value->constant && !connects(value)))
            continue;
        unsigned other = value->constant ? member_of(g, value) : value->def->id;
        g->parent[root_of(g, other)] = root_of(g, node->id);
    }
}

/* What stays behind: results that other nodes read. */
static void count_made(groups *g, const c2s_node *node) {
    struct total *total = &g->total[root_of(g, node->id)];
    uint64_t bytes = 0;
    total->nodes++;
    for (unsigned i = 0; i < node->output_count; i++) {
        const c2s_value *value = node->outputs[i];
        size_t count, size;
        if (!value || value->use_count == 0 || !c2s_type_elements(&value->type, &count) ||
            !c2s_dtype_size(value->type.dtype, count, &size))
            continue;
        bytes = size;
        total->largest = bytes > total->largest ? bytes : total->largest;
        bool stays = false;
        c2s_value_each_use(use, value) stays =
            stays || use->user == node->graph->exit || !g->foldable[use->user->id];
        total->made += stays ? bytes : 0;
    }
}

static void count_freed(groups *g, const c2s_value *value) {
    if (!value || value->use_count == 0 || !connects(value))
        return;
    c2s_value_each_use(use, value) if (use->user == value->graph->exit ||
                                       !g->foldable[use->user->id]) return;
    g->total[root_of(g, member_of(g, value))].freed += c2s_tensor_size(value->constant);
}

/* No result on the way may be much larger than what comes in. */
static bool fits(const struct total *total, const c2s_fold_budget *budget) {
    uint64_t freed = total->freed + (uint64_t)total->nodes * C2S_FOLD_NODE_BYTES;
    uint64_t most = total->freed > budget->limit ? total->freed : budget->limit;
    if (total->made > INT64_MAX / 2 || freed > INT64_MAX / 2 || total->largest > most)
        return false;
    return total->made <= freed ||
           (total->made <= most && (int64_t)(total->made - freed) <= budget->left);
}

bool *c2s_fold_groups(const c2s_graph *graph, c2s_fold_budget *budget) {
    const c2s_model *model = graph->model;
    groups g = {.node_count = model->nodes.count};
    size_t members = model->nodes.count + model->values.count;
    g.foldable = c2s_zalloc(model->nodes.count + 1);
    g.parent = c2s_alloc_array(members + 1, sizeof *g.parent);
    g.total = c2s_zalloc((members + 1) * sizeof *g.total);
    for (size_t i = 0; i < members; i++)
        g.parent[i] = (unsigned)i;
    for (const c2s_node *node = graph->first; node; node = node->next) {
        g.foldable[node->id] = is_foldable(&g, node);
        if (g.foldable[node->id])
            connect(&g, node);
    }
    for (const c2s_node *node = graph->first; node; node = node->next)
        if (g.foldable[node->id])
            count_made(&g, node);
    for (size_t i = 0; i < graph->initializers.count; i++)
        count_freed(&g, graph->initializers.at[i]);
    for (const c2s_node *node = graph->first; node; node = node->next) {
        if (!g.foldable[node->id])
            continue;
        struct total *total = &g.total[root_of(&g, node->id)];
        if (total->nodes > 0 && fits(total, budget)) { /* settled once, at its first node */
            budget->left += (int64_t)(total->freed + (uint64_t)total->nodes * C2S_FOLD_NODE_BYTES) -
                            (int64_t)total->made;
            *total = (struct total){0};
        } else if (total->nodes > 0) {
            g.foldable[node->id] = false;
        }
    }
    free(g.parent);
    free(g.total);
    return g.foldable;
}
