/* SPDX-License-Identifier: Apache-2.0
 *
 * Decision trees in one form for the three operators that have them.
 */
#ifndef C2S_OPS_ML_TREE_H
#define C2S_OPS_ML_TREE_H

#include "base/vec.h"
#include "ops/op.h"

typedef enum c2s_branch {
    C2S_BRANCH_LEQ,
    C2S_BRANCH_LT,
    C2S_BRANCH_GTE,
    C2S_BRANCH_GT,
    C2S_BRANCH_EQ,
    C2S_BRANCH_NEQ,
    C2S_BRANCH_MEMBER,
    C2S_BRANCH_LEAF
} c2s_branch;

typedef struct c2s_tree_node {
    c2s_branch branch;
    bool nan_is_true;
    size_t feature;
    double split;
    size_t yes, no;      /* nodes */
    size_t first, count; /* leaf: weights; MEMBER: members */
} c2s_tree_node;

typedef struct c2s_leaf_weight {
    size_t target;
    double weight;
} c2s_leaf_weight;

typedef struct c2s_forest {
    C2S_VEC(c2s_tree_node) nodes;
    C2S_VEC(size_t) roots;
    C2S_VEC(c2s_leaf_weight) weights; /* of one leaf together */
    C2S_VEC(double) members;
    size_t targets, features; /* features: largest index + 1 */
    bool all_positive;        /* no weight is negative */
} c2s_forest;

/* TreeEnsembleClassifier and -Regressor: `leaf` is "class" or "target", the stem of the attributes
 * of the leaves. Checks every index. */
c2s_status c2s_forest_read(const c2s_node *node, const char *leaf, size_t targets,
                           c2s_forest *forest);
/* TreeEnsemble of version 5. */
c2s_status c2s_forest_read_5(const c2s_node *node, c2s_forest *forest);
void c2s_forest_free(c2s_forest *forest);

typedef enum c2s_aggregate {
    C2S_AGGREGATE_AVERAGE,
    C2S_AGGREGATE_SUM,
    C2S_AGGREGATE_MIN,
    C2S_AGGREGATE_MAX
} c2s_aggregate;

/* Scores of one row: forest->targets of them, and whether any leaf gave one. */
void c2s_forest_score(const c2s_forest *forest, const double *row, c2s_aggregate aggregate,
                      double *scores, bool *given);

#endif
