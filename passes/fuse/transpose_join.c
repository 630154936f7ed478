/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Concat or an elementwise operator, whose operands are Transposes by the same permutation
 *         (and constants of one element)
 * After:  the operator on the untransposed operands, then one Transpose
 * Refuses when a Transpose has other users, or operands are broadcast.
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A };

static bool is_transpose(const c2s_value *value) {
    return value->def && value->def->op == &c2s_op_transpose && value->graph == value->def->graph;
}

static bool is_number(const c2s_value *value, const c2s_node *root) {
    return value->constant && value->constant->count == 1 && root->op != &c2s_op_concat;
}

/* Every Transpose once, then the root; at least two of them. */
static bool find(c2s_node *root, c2s_match *m) {
    m->node_count = 0;
    if (root->formal_count < 2 || root->formal_count >= C2S_PATTERN_ROWS)
        return false;
    for (unsigned k = 0; k < root->formal_count; k++) {
        const c2s_value *value = root->inputs[k].value;
        if (!value || (!is_transpose(value) && !is_number(value, root)))
            return false;
        bool seen = !is_transpose(value);
        for (unsigned i = 0; i < m->node_count && !seen; i++)
            seen = m->node[i] == value->def;
        if (!seen)
            m->node[m->node_count++] = value->def;
    }
    if (m->node_count < 2)
        return false;
    m->node[m->node_count++] = root;
    return true;
}

static bool same_perm(const c2s_match *m, c2s_ints *perm) {
    int rank = m->root->outputs[0]->type.rank;
    if (m->root->outputs[0]->type.kind != C2S_KIND_TENSOR || rank < 1)
        return false;
    for (unsigned i = 0; i + 1 < m->node_count; i++) {
        c2s_ints other;
        if (!c2s_attr_int_list(m->node[i], "perm", &other) || other.count != (unsigned)rank)
            return false;
        if (i == 0)
            *perm = other;
        for (unsigned k = 0; k < other.count; k++)
            if (other.at[k] != perm->at[k])
                return false;
    }
    return true;
}

static const char *refuse(const c2s_match *m) {
    c2s_ints perm;
    if (!same_perm(m, &perm))
        return c2s_no_match;
    for (unsigned k = 0; k < m->root->formal_count; k++)
        if (is_number(m->root->inputs[k].value, m->root) &&
            m->root->inputs[k].value->type.rank > m->root->outputs[0]->type.rank)
            return "a constant has more axes";
    return NULL;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_ints perm;
    same_perm(m, &perm);
    c2s_node *root = m->root;
    c2s_value *in[C2S_PATTERN_ROWS];
    for (unsigned k = 0; k < root->formal_count; k++) {
        c2s_value *value = root->inputs[k].value;
        in[k] = is_transpose(value) ? value->def->inputs[0].value : value;
    }
    c2s_node *node = c2s_build_like(b, root, in, root->formal_count);
    if (node && root->op == &c2s_op_concat) {
        int64_t axis = c2s_attr_int(root, "axis", 0);
        axis += axis < 0 ? (int64_t)perm.count : 0;
        c2s_attr_set_int(node, "axis", perm.at[axis]);
    }
    c2s_value *joined = c2s_build_finish(b, node);
    c2s_node *transpose = c2s_build_like(b, m->node[0], &joined, 1);
    return c2s_build_finish(b, transpose);
}

static const c2s_op *const joiners[] = {&c2s_op_concat, &c2s_op_add,  &c2s_op_sub,   &c2s_op_mul,
                                        &c2s_op_div,    &c2s_op_min,  &c2s_op_max,   &c2s_op_sum,
                                        &c2s_op_pow,    &c2s_op_mean, &c2s_op_where, NULL};
static const c2s_pattern_row rows[] = {{.any_of = joiners}};
const c2s_rule c2s_rule_transpose_join = {.name = "transpose-join",
                                          .summary =
                                              "Transposes alike, then Concat or an elementwise "
                                              "operator -> the operator, then one Transpose",
                                          C2S_ROWS(rows),
                                          .find = find,
                                          .refuse = refuse,
                                          .build = build};
