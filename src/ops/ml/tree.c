/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/ml/tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

void c2s_forest_free(c2s_forest *forest) {
    c2s_vec_free(&forest->nodes);
    c2s_vec_free(&forest->roots);
    c2s_vec_free(&forest->weights);
    c2s_vec_free(&forest->members);
}

/* ---- versions 1 and 3: nodes by (tree, node) ---- */

/* A list of numbers under NAME (floats) or NAME_as_tensor. free(). */
static c2s_status read_numbers(const c2s_node *node, const char *stem, const char *name,
                               size_t wanted, double **out) {
    char text[64];
    snprintf(text, sizeof text, "%s_%s", stem, name);
    size_t count;
    const float *floats = c2s_attr_floats(node, text, &count);
    snprintf(text, sizeof text, "%s_%s_as_tensor", stem, name);
    const c2s_tensor *tensor = c2s_attr_tensor(node, text);
    if (!floats && tensor)
        count = tensor->count;
    *out = NULL;
    if (count != wanted)
        return c2s_fail(C2S_ERR_INVALID, "%s_%s has %zu entries, expected %zu", stem, name, count,
                        wanted);
    *out = c2s_alloc_array(count + 1, sizeof **out);
    for (size_t k = 0; k < count; k++)
        (*out)[k] = floats ? (double)floats[k] : c2s_tensor_f64_at(tensor, k);
    return C2S_OK;
}

static c2s_status read_ints(const c2s_node *node, const char *stem, const char *name, size_t wanted,
                            const int64_t **out) {
    char text[64];
    snprintf(text, sizeof text, "%s_%s", stem, name);
    size_t count;
    *out = c2s_attr_ints(node, text, &count);
    if (count != wanted)
        return c2s_fail(C2S_ERR_INVALID, "%s has %zu entries, expected %zu", text, count, wanted);
    return C2S_OK;
}

/* Node indices by (tree, node). */
typedef struct node_index {
    c2s_map map;
    const int64_t *tree, *id;
} node_index;

static uint64_t node_key(int64_t tree, int64_t id) {
    return c2s_hash_mix((uint64_t)tree, (uint64_t)id);
}

static c2s_status find_node(const node_index *index, int64_t tree, int64_t id, size_t *out) {
    uintptr_t found = (uintptr_t)c2s_map_get_u64(&index->map, node_key(tree, id));
    if (!found || index->tree[found - 1] != tree || index->id[found - 1] != id)
        return c2s_fail(C2S_ERR_INVALID, "tree %lld has no node %lld", (long long)tree,
                        (long long)id);
    *out = found - 1;
    return C2S_OK;
}

static c2s_status read_mode(c2s_string text, c2s_branch *mode) {
    static const char *const names[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE",    "BRANCH_GT",
                                        "BRANCH_EQ",  "BRANCH_NEQ", "BRANCH_MEMBER", "LEAF"};
    for (unsigned k = 0; k < sizeof names / sizeof names[0]; k++)
        if (k != C2S_BRANCH_MEMBER && text.size == strlen(names[k]) &&
            memcmp(text.data, names[k], text.size) == 0) {
            *mode = (c2s_branch)k;
            return C2S_OK;
        }
    return c2s_fail(C2S_ERR_INVALID, "a node has mode \"%.*s\"",
                    (int)(text.size < 40 ? text.size : 40), text.data);
}

static c2s_status set_feature(c2s_forest *forest, c2s_tree_node *n, int64_t feature) {
    if (feature < 0 || feature > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID, "a node tests feature %lld", (long long)feature);
    n->feature = (size_t)feature;
    if (n->branch != C2S_BRANCH_LEAF && n->feature >= forest->features)
        forest->features = n->feature + 1;
    return C2S_OK;
}

static c2s_status read_nodes(const c2s_node *node, c2s_forest *forest, node_index *index,
                             const double *splits) {
    size_t count = forest->nodes.count, modes, flags;
    const c2s_string *mode = c2s_attr_strings(node, "nodes_modes", &modes);
    const int64_t *nan = c2s_attr_ints(node, "nodes_missing_value_tracks_true", &flags);
    const int64_t *feature, *yes, *no;
    if (modes != count)
        return c2s_fail(C2S_ERR_INVALID, "nodes_modes has %zu entries, expected %zu", modes, count);
    C2S_TRY(read_ints(node, "nodes", "featureids", count, &feature));
    C2S_TRY(read_ints(node, "nodes", "truenodeids", count, &yes));
    C2S_TRY(read_ints(node, "nodes", "falsenodeids", count, &no));
    bool *child = c2s_zalloc(count + 1);
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < count && status == C2S_OK; k++) {
        c2s_tree_node *n = &forest->nodes.at[k];
        n->split = splits[k];
        n->nan_is_true = k < flags && nan[k];
        status = read_mode(mode[k], &n->branch);
        if (status == C2S_OK)
            status = set_feature(forest, n, feature[k]);
        if (status != C2S_OK || n->branch == C2S_BRANCH_LEAF)
            continue;
        status = find_node(index, index->tree[k], yes[k], &n->yes);
        if (status == C2S_OK)
            status = find_node(index, index->tree[k], no[k], &n->no);
        if (status == C2S_OK)
            child[n->yes] = child[n->no] = true;
    }
    for (size_t k = 0; k < count && status == C2S_OK; k++)
        if (!child[k])
            c2s_vec_push(&forest->roots, k);
    free(child);
    return status;
}

typedef struct leaf_entry {
    size_t node, order;
    c2s_leaf_weight weight;
} leaf_entry;

static int compare_leaves(const void *a, const void *b) {
    const leaf_entry *x = a, *y = b;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Sorts the leaves' weights by node. */
static void set_weights(c2s_forest *forest, leaf_entry *entry, size_t count) {
    qsort(entry, count, sizeof *entry, compare_leaves);
    forest->all_positive = true;
    for (size_t k = 0; k < count; k++) {
        c2s_tree_node *n = &forest->nodes.at[entry[k].node];
        if (n->count++ == 0)
            n->first = k;
        c2s_vec_push(&forest->weights, entry[k].weight);
        forest->all_positive = forest->all_positive && entry[k].weight.weight >= 0;
    }
}

static c2s_status read_leaves(const c2s_node *node, const char *stem, c2s_forest *forest,
                              const node_index *index) {
    char text[64];
    snprintf(text, sizeof text, "%s_treeids", stem);
    size_t count;
    const int64_t *tree = c2s_attr_ints(node, text, &count), *id, *target;
    C2S_TRY(read_ints(node, stem, "nodeids", count, &id));
    C2S_TRY(read_ints(node, stem, "ids", count, &target));
    double *weight;
    C2S_TRY(read_numbers(node, stem, "weights", count, &weight));
    leaf_entry *entry = c2s_alloc_array(count + 1, sizeof *entry);
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < count && status == C2S_OK; k++) {
        if (target[k] < 0 || (size_t)target[k] >= forest->targets)
            status = c2s_fail(C2S_ERR_INVALID, "a leaf has target %lld of %zu",
                              (long long)target[k], forest->targets);
        else
            status = find_node(index, tree[k], id[k], &entry[k].node);
        entry[k].order = k;
        entry[k].weight = (c2s_leaf_weight){(size_t)target[k], weight[k]};
    }
    if (status == C2S_OK)
        set_weights(forest, entry, count);
    free(entry);
    free(weight);
    return status;
}

c2s_status c2s_forest_read(const c2s_node *node, const char *leaf, size_t targets,
                           c2s_forest *forest) {
    *forest = (c2s_forest){.targets = targets};
    size_t count;
    node_index index = {.tree = c2s_attr_ints(node, "nodes_treeids", &count)};
    C2S_TRY(read_ints(node, "nodes", "nodeids", count, &index.id));
    double *splits;
    C2S_TRY(read_numbers(node, "nodes", "values", count, &splits));
    for (size_t k = 0; k < count; k++) {
        c2s_vec_push(&forest->nodes, (c2s_tree_node){0});
        c2s_map_put_u64(&index.map, node_key(index.tree[k], index.id[k]),
                        (void *)(uintptr_t)(k + 1));
    }
    c2s_status status = read_nodes(node, forest, &index, splits);
    if (status == C2S_OK)
        status = read_leaves(node, leaf, forest, &index);
    c2s_map_free(&index.map);
    free(splits);
    return status;
}

/* ---- version 5: nodes and leaves by position ---- */

typedef struct lists_5 {
    const int64_t *feature, *yes, *no, *yes_leaf, *no_leaf, *nan;
    const c2s_tensor *modes, *splits;
    size_t count, leaves, flags;
} lists_5;

static c2s_status read_lists_5(const c2s_node *node, lists_5 *l) {
    l->modes = c2s_attr_tensor(node, "nodes_modes");
    l->splits = c2s_attr_tensor(node, "nodes_splits");
    l->nan = c2s_attr_ints(node, "nodes_missing_value_tracks_true", &l->flags);
    l->feature = c2s_attr_ints(node, "nodes_featureids", &l->count);
    c2s_attr_ints(node, "leaf_targetids", &l->leaves);
    if (!l->modes || !l->splits || l->modes->count != l->count || l->splits->count != l->count)
        return c2s_fail(C2S_ERR_INVALID, "the lists of nodes have different lengths");
    C2S_TRY(read_ints(node, "nodes", "truenodeids", l->count, &l->yes));
    C2S_TRY(read_ints(node, "nodes", "falsenodeids", l->count, &l->no));
    C2S_TRY(read_ints(node, "nodes", "trueleafs", l->count, &l->yes_leaf));
    return read_ints(node, "nodes", "falseleafs", l->count, &l->no_leaf);
}

/* Leaves stand behind the inner nodes. */
static c2s_status child_5(const lists_5 *l, int64_t id, bool leaf, size_t *out) {
    if (id < 0 || (size_t)id >= (leaf ? l->leaves : l->count))
        return c2s_fail(C2S_ERR_INVALID, "a node leads to %s %lld", leaf ? "leaf" : "node",
                        (long long)id);
    *out = (size_t)id + (leaf ? l->count : 0);
    return C2S_OK;
}

/* The sets of MEMBER nodes, in node order, each ended by a NaN. */
static void take_members(const c2s_tensor *values, size_t *at, c2s_forest *forest,
                         c2s_tree_node *n) {
    n->first = forest->members.count;
    while (values && *at < values->count) {
        double member = c2s_tensor_f64_at(values, (*at)++);
        if (isnan(member))
            break;
        c2s_vec_push(&forest->members, member);
    }
    n->count = forest->members.count - n->first;
}

static c2s_status read_nodes_5(const c2s_node *node, const lists_5 *l, c2s_forest *forest) {
    const c2s_tensor *members = c2s_attr_tensor(node, "membership_values");
    size_t member = 0;
    for (size_t k = 0; k < l->count; k++) {
        c2s_tree_node n = {.split = c2s_tensor_f64_at(l->splits, k)};
        int64_t mode = -1;
        if (!c2s_tensor_i64_at(l->modes, k, &mode) || mode < 0 || mode > C2S_BRANCH_MEMBER)
            return c2s_fail(C2S_ERR_INVALID, "a node has mode %lld", (long long)mode);
        n.branch = (c2s_branch)mode;
        n.nan_is_true = k < l->flags && l->nan[k];
        C2S_TRY(set_feature(forest, &n, l->feature[k]));
        C2S_TRY(child_5(l, l->yes[k], l->yes_leaf[k] != 0, &n.yes));
        C2S_TRY(child_5(l, l->no[k], l->no_leaf[k] != 0, &n.no));
        if (n.branch == C2S_BRANCH_MEMBER)
            take_members(members, &member, forest, &n);
        c2s_vec_push(&forest->nodes, n);
    }
    return C2S_OK;
}

static c2s_status read_leaves_5(const c2s_node *node, const lists_5 *l, c2s_forest *forest) {
    size_t count;
    const int64_t *target = c2s_attr_ints(node, "leaf_targetids", &count);
    const c2s_tensor *weight = c2s_attr_tensor(node, "leaf_weights");
    if (!weight || weight->count != count)
        return c2s_fail(C2S_ERR_INVALID, "leaf_weights has %zu entries, expected %zu",
                        weight ? weight->count : 0, count);
    for (size_t k = 0; k < l->leaves; k++) {
        if (target[k] < 0 || (size_t)target[k] >= forest->targets)
            return c2s_fail(C2S_ERR_INVALID, "a leaf has target %lld of %zu", (long long)target[k],
                            forest->targets);
        c2s_leaf_weight w = {(size_t)target[k], c2s_tensor_f64_at(weight, k)};
        c2s_tree_node leaf = {.branch = C2S_BRANCH_LEAF, .first = k, .count = 1};
        c2s_vec_push(&forest->weights, w);
        c2s_vec_push(&forest->nodes, leaf);
    }
    return C2S_OK;
}

c2s_status c2s_forest_read_5(const c2s_node *node, c2s_forest *forest) {
    lists_5 l = {0};
    int64_t targets = c2s_attr_int(node, "n_targets", 1);
    *forest = (c2s_forest){0};
    if (targets < 1 || targets > INT32_MAX)
        return c2s_fail(C2S_ERR_INVALID, "n_targets is %lld", (long long)targets);
    forest->targets = (size_t)targets;
    C2S_TRY(read_lists_5(node, &l));
    C2S_TRY(read_nodes_5(node, &l, forest));
    C2S_TRY(read_leaves_5(node, &l, forest));
    size_t count;
    const int64_t *root = c2s_attr_ints(node, "tree_roots", &count);
    for (size_t k = 0; k < count; k++) {
        size_t at = 0;
        C2S_TRY(child_5(&l, root[k], false, &at));
        c2s_vec_push(&forest->roots, at);
    }
    return C2S_OK;
}

/* ---- walking ---- */

static bool is_member(const c2s_forest *forest, const c2s_tree_node *n, double x) {
    for (size_t k = 0; k < n->count; k++)
        if (forest->members.at[n->first + k] == x)
            return true;
    return false;
}

static bool takes_yes(const c2s_forest *forest, const c2s_tree_node *n, double x) {
    if (n->nan_is_true && isnan(x))
        return true;
    switch (n->branch) {
    case C2S_BRANCH_LEQ:
        return x <= n->split;
    case C2S_BRANCH_LT:
        return x < n->split;
    case C2S_BRANCH_GTE:
        return x >= n->split;
    case C2S_BRANCH_GT:
        return x > n->split;
    case C2S_BRANCH_EQ:
        return x == n->split;
    case C2S_BRANCH_NEQ:
        return x != n->split;
    case C2S_BRANCH_MEMBER:
        return is_member(forest, n, x);
    case C2S_BRANCH_LEAF:
        break;
    }
    return false;
}

/* NULL for a tree that leads in a circle. */
static const c2s_tree_node *find_leaf(const c2s_forest *forest, size_t root, const double *row) {
    const c2s_tree_node *n = &forest->nodes.at[root];
    for (size_t steps = 0; steps <= forest->nodes.count; steps++) {
        if (n->branch == C2S_BRANCH_LEAF)
            return n;
        n = &forest->nodes.at[takes_yes(forest, n, row[n->feature]) ? n->yes : n->no];
    }
    return NULL;
}

void c2s_forest_score(const c2s_forest *forest, const double *row, c2s_aggregate aggregate,
                      double *scores, bool *given) {
    for (size_t t = 0; t < forest->targets; t++) {
        scores[t] = 0;
        given[t] = false;
    }
    for (size_t k = 0; k < forest->roots.count; k++) {
        const c2s_tree_node *leaf = find_leaf(forest, forest->roots.at[k], row);
        for (size_t w = 0; leaf && w < leaf->count; w++) {
            c2s_leaf_weight entry = forest->weights.at[leaf->first + w];
            double *score = &scores[entry.target];
            if (aggregate == C2S_AGGREGATE_MIN && given[entry.target])
                *score = fmin(*score, entry.weight);
            else if (aggregate == C2S_AGGREGATE_MAX && given[entry.target])
                *score = fmax(*score, entry.weight);
            else
                *score += entry.weight;
            given[entry.target] = true;
        }
    }
    if (aggregate == C2S_AGGREGATE_AVERAGE && forest->roots.count)
        for (size_t t = 0; t < forest->targets; t++)
            scores[t] /= (double)forest->roots.count;
}
