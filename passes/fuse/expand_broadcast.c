/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Expand, then an elementwise operator that broadcasts anyway
 * After:  the operator with the unexpanded operand
 * Refuses when some extent of the result would then come out smaller, or is not known to be the
 * same.
 */
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A };

static const c2s_op *const broadcasting[] = {&c2s_op_add,
                                             &c2s_op_sub,
                                             &c2s_op_mul,
                                             &c2s_op_div,
                                             &c2s_op_pow,
                                             &c2s_op_mod,
                                             &c2s_op_min,
                                             &c2s_op_max,
                                             &c2s_op_sum,
                                             &c2s_op_mean,
                                             &c2s_op_equal,
                                             &c2s_op_less,
                                             &c2s_op_greater,
                                             &c2s_op_and,
                                             &c2s_op_or,
                                             &c2s_op_xor,
                                             &c2s_op_where,
                                             &c2s_op_less_or_equal,
                                             &c2s_op_greater_or_equal,
                                             NULL};
static const c2s_pattern_row rows[] = {{.any_of = broadcasting}};

static bool is_expand(const c2s_value *value) {
    return value && value->def && value->def->op == &c2s_op_expand &&
           value->def->graph == value->graph;
}

/* The slot of the expanded operand is found again by its value. */
static bool find(c2s_node *root, c2s_match *m) {
    for (unsigned k = 0; k < root->formal_count; k++) {
        c2s_value *value = root->inputs[k].value;
        if (!is_expand(value))
            continue;
        m->node[0] = value->def;
        m->node[1] = root;
        m->node_count = 2;
        m->value[X] = value->def->inputs[0].value;
        return root->formal_count > 1 && m->value[X] != NULL;
    }
    return false;
}

/* Extent of an operand along the axis `back` positions before the last one. */
static c2s_dim extent(const c2s_type *type, int back) {
    return back < type->rank ? type->dim[type->rank - 1 - back] : 1;
}

static bool has_shape(const c2s_value *value) {
    return value->type.kind == C2S_KIND_TENSOR && value->type.rank >= 0;
}

static const char *refuse(const c2s_match *m) {
    const c2s_value *result = m->root->outputs[0];
    for (unsigned k = 0; k < m->root->formal_count; k++)
        if (!m->root->inputs[k].value || !has_shape(m->root->inputs[k].value))
            return "the rank of an operand is not known";
    if (!has_shape(result) || !has_shape(m->value[X]))
        return "a rank is not known";
    for (int back = 0; back < result->type.rank; back++) {
        c2s_dim wanted = extent(&result->type, back);
        bool covered = extent(&m->value[X]->type, back) == wanted;
        for (unsigned k = 0; k < m->root->formal_count && !covered; k++) {
            const c2s_value *operand = m->root->inputs[k].value;
            covered = operand != m->node[0]->outputs[0] && extent(&operand->type, back) == wanted;
        }
        if (!covered)
            return "no other operand has the extent that Expand gives";
    }
    return NULL;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_node *root = m->root;
    c2s_value **in = c2s_alloc_array(root->formal_count, sizeof *in);
    for (unsigned k = 0; k < root->formal_count; k++)
        in[k] =
            root->inputs[k].value == m->node[0]->outputs[0] ? m->value[X] : root->inputs[k].value;
    c2s_node *node = c2s_build_like(b, root, in, root->formal_count);
    free(in);
    return c2s_build_finish(b, node);
}

const c2s_rule c2s_rule_expand_broadcast = {
    .name = "expand-broadcast",
    .summary = "Expand before an operator that broadcasts anyway -> the operator alone",
    C2S_ROWS(rows),
    .find = find,
    .refuse = refuse,
    .build = build};
