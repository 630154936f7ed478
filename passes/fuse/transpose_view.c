/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Transpose that moves axes of extent 1 only past others
 * After:  Reshape: no byte moves, and chains of Reshape become one
 * Refuses when more than one extent is not known.
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A };

/* The axes that have more than one element, or may have, stay in order. */
static bool keeps_order(const c2s_node *transpose) {
    const c2s_type *x = &transpose->inputs[0].value->type;
    c2s_ints perm;
    if (x->kind != C2S_KIND_TENSOR || x->rank < 2 || !c2s_attr_int_list(transpose, "perm", &perm) ||
        perm.count != (unsigned)x->rank)
        return false;
    int64_t last = -1;
    for (unsigned i = 0; i < perm.count; i++) {
        if (perm.at[i] < 0 || perm.at[i] >= x->rank)
            return false;
        if (x->dim[perm.at[i]] == 1)
            continue;
        if (perm.at[i] < last)
            return false;
        last = perm.at[i];
    }
    return true;
}

static const char *refuse(const c2s_match *m) {
    c2s_ints shape;
    if (!keeps_order(m->root))
        return c2s_no_match;
    return c2s_reshape_target_of(m->value[X], m->root->outputs[0], &shape)
               ? NULL
               : "more than one extent is not known";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_ints shape;
    c2s_reshape_target_of(m->value[X], m->root->outputs[0], &shape);
    c2s_value *in[] = {m->value[X], c2s_build_ints(b, "shape", shape.at, shape.count)};
    return c2s_build(b, "Reshape", in, 2);
}

static const c2s_pattern_row rows[] = {{.op = &c2s_op_transpose, .in = {X}}};
const c2s_rule c2s_rule_transpose_view = {
    .name = "transpose-view",
    .summary = "Transpose that moves axes of extent 1 past others -> Reshape",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
