/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Concat with an operand that is a Concat along the same axis
 * After:  one Concat of all operands
 * Refuses when the inner result is used elsewhere: it would be copied twice.
 */
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

/* The axis counted from the front, or -1. */
static int64_t axis_of(const c2s_node *concat) {
    int64_t axis = c2s_attr_int(concat, "axis", INT64_MIN);
    const c2s_type *type = &concat->outputs[0]->type;
    if (axis >= 0)
        return axis;
    if (axis == INT64_MIN || type->kind != C2S_KIND_TENSOR || type->rank < 0 || axis < -type->rank)
        return -1;
    return axis + type->rank;
}

static c2s_node *inner_of(const c2s_node *outer, unsigned slot) {
    const c2s_value *value = outer->inputs[slot].value;
    c2s_node *def = value ? value->def : NULL;
    if (!def || def->op != &c2s_op_concat || value->use_count != 1 || axis_of(def) < 0 ||
        axis_of(def) != axis_of(outer) || c2s_attr_any_reference(def))
        return NULL;
    return def;
}

static const char *refuse(const c2s_match *m) {
    for (unsigned i = 0; i < m->root->formal_count; i++)
        if (inner_of(m->root, i))
            return NULL;
    return c2s_no_match;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    C2S_VEC(c2s_value *) all = {0};
    for (unsigned i = 0; i < m->root->formal_count; i++) {
        const c2s_node *inner = inner_of(m->root, i);
        if (!inner)
            c2s_vec_push(&all, m->root->inputs[i].value);
        for (unsigned k = 0; inner && k < inner->formal_count; k++)
            c2s_vec_push(&all, inner->inputs[k].value);
    }
    c2s_value *value = c2s_build_finish(b, c2s_build_like(b, m->root, all.at, (unsigned)all.count));
    c2s_vec_free(&all);
    return value;
}

static const c2s_pattern_row rows[] = {{.op = &c2s_op_concat}};
const c2s_rule c2s_rule_concat_concat = {.name = "concat-concat",
                                         .summary =
                                             "Concat of a Concat along the same axis -> one Concat",
                                         C2S_ROWS(rows),
                                         .refuse = refuse,
                                         .build = build};
