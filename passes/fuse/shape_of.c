/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: an elementwise operator that nobody needs but Shape or Size
 * After:  Shape or Size of an operand with the same extents
 * Refuses when none of its operands is known to have them.
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

static c2s_value *operand_like(const c2s_node *node) {
    for (unsigned i = 0; i < node->formal_count; i++) {
        c2s_value *value = node->inputs[i].value;
        if (value && c2s_type_same_extents(&value->type, &node->outputs[0]->type))
            return value;
    }
    return NULL;
}

static bool find(c2s_node *root, c2s_match *m) {
    const c2s_value *y = c2s_node_in(root, 0);
    if (!y || !y->def || !(y->def->op->flags & C2S_OP_ELEMENTWISE) || y->def->output_count != 1 ||
        y->type.kind != C2S_KIND_TENSOR)
        return false;
    m->node[0] = y->def;
    m->node[1] = root;
    m->node_count = 2;
    return true;
}

static const char *refuse(const c2s_match *m) {
    return operand_like(m->node[0]) ? NULL : "no operand is known to have these extents";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[] = {operand_like(m->node[0])};
    return c2s_build_finish(b, c2s_build_like(b, m->root, in, 1));
}

static const c2s_op *const readers[] = {&c2s_op_shape, &c2s_op_size, NULL};
static const c2s_pattern_row rows[] = {{.any_of = readers}};
const c2s_rule c2s_rule_shape_of = {
    .name = "shape-of-elementwise",
    .summary = "Shape or Size of an elementwise result that nobody else needs -> of its operand",
    C2S_ROWS(rows),
    .find = find,
    .refuse = refuse,
    .build = build};
