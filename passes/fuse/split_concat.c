/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Split, then Concat of all its outputs in order along the same axis
 * After:  x
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A };

static bool find(c2s_node *root, c2s_match *m) {
    const c2s_value *first = c2s_node_in(root, 0);
    c2s_node *split = first ? first->def : NULL;
    if (!split || split->op != &c2s_op_split || split->graph != root->graph ||
        split->output_count != root->formal_count)
        return false;
    for (unsigned k = 0; k < root->formal_count; k++)
        if (!split->outputs[k] || root->inputs[k].value != split->outputs[k])
            return false;
    m->value[X] = c2s_node_in(split, 0);
    m->node[0] = root; /* the Split may go on serving others */
    m->node_count = 1;
    return m->value[X] != NULL;
}

static const char *refuse(const c2s_match *m) {
    const c2s_value *x = m->value[X];
    const c2s_node *split = m->root->inputs[0].value->def;
    if (x->type.kind != C2S_KIND_TENSOR || x->type.rank < 0)
        return "the rank is not known";
    int64_t split_axis = c2s_attr_int(split, "axis", 0), axis = c2s_attr_int(m->root, "axis", 0);
    split_axis += split_axis < 0 ? x->type.rank : 0;
    axis += axis < 0 ? x->type.rank : 0;
    return axis == split_axis ? NULL : "the axes differ";
}

static const c2s_pattern_row rows[] = {{.op = &c2s_op_concat}};
const c2s_rule c2s_rule_split_concat = {.name = "split-concat",
                                        .summary = "Split, then Concat of all its parts -> nothing",
                                        C2S_ROWS(rows),
                                        .find = find,
                                        .refuse = refuse,
                                        .build = c2s_build_forward};
