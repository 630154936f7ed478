/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Concat with operands that are Concats along the same axis, and so on
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

/* Another Concat takes this one in: all of a chain at once, since operands would be copied again and
 * again otherwise. */
static bool is_inner(const c2s_node *node) {
    const c2s_value *value = node->outputs[0];
    const c2s_use *use = value->uses;
    return value->use_count == 1 && use->user->op == &c2s_op_concat &&
           !c2s_attr_any_reference(use->user) && inner_of(use->user, use->slot);
}

static const char *refuse(const c2s_match *m) {
    bool has_inner = false;
    for (unsigned i = 0; i < m->root->formal_count && !has_inner; i++)
        has_inner = inner_of(m->root, i) != NULL;
    return has_inner && !is_inner(m->root) ? NULL : c2s_no_match;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    C2S_VEC(c2s_value *) all = {0};
    C2S_VEC(struct place {
        const c2s_node *concat;
        unsigned slot;
    }) stack = {0};
    c2s_vec_push(&stack, (struct place){m->root, 0});
    while (stack.count > 0) {
        struct place *top = &stack.at[stack.count - 1];
        if (top->slot == top->concat->formal_count) {
            stack.count--;
            continue;
        }
        const unsigned slot = top->slot++;
        const c2s_node *inner = inner_of(top->concat, slot);
        if (inner)
            c2s_vec_push(&stack, (struct place){inner, 0});
        else
            c2s_vec_push(&all, top->concat->inputs[slot].value);
    }
    c2s_value *value = c2s_build_finish(b, c2s_build_like(b, m->root, all.at, (unsigned)all.count));
    c2s_vec_free(&stack);
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
