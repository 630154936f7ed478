/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Reshape, Flatten, Squeeze, Unsqueeze, Expand whose result has the shape of x;
 *         Transpose that moves only axes of extent 1 and gives the shape of x
 * After:  x
 * Refuses when the shapes are not known to be the same for every input.
 */
#include "passes/cleanup/cleanup.h"
#include "passes/constants.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A };

static const char *same_shape_refuse(const c2s_match *m) {
    return c2s_same_type(m->value[X], m->root->outputs[0]) ? NULL : c2s_no_match;
}

static const c2s_op *const shape_ops[] = {&c2s_op_reshape,   &c2s_op_flatten, &c2s_op_squeeze,
                                          &c2s_op_unsqueeze, &c2s_op_expand,  NULL};
static const c2s_pattern_row same_shape[] = {{.any_of = shape_ops, .in = {X}}};
const c2s_rule c2s_rule_same_shape = {
    .name = "reshape-to-same-shape",
    .summary = "Reshape, Flatten, Squeeze, Unsqueeze or Expand to the shape that it has -> nothing",
    C2S_ROWS(same_shape),
    .refuse = same_shape_refuse,
    .build = c2s_build_forward};

static const char *transpose_refuse(const c2s_match *m) {
    const c2s_type *type = &m->value[X]->type;
    c2s_ints perm;
    if (!c2s_attr_int_list(m->root, "perm", &perm)) {
        bool trivial = type->kind == C2S_KIND_TENSOR && type->rank >= 0 && type->rank <= 1;
        return trivial ? NULL : c2s_no_match;
    }
    bool identity = true;
    for (unsigned i = 0; i < perm.count; i++)
        identity = identity && perm.at[i] == (int64_t)i;
    if (identity)
        return NULL;
    if (!c2s_same_type(m->value[X], m->root->outputs[0]) || perm.count != (unsigned)type->rank)
        return c2s_no_match;
    int64_t last = -1; /* axes with more than one element must keep their order */
    for (unsigned i = 0; i < perm.count; i++) {
        if (perm.at[i] < 0 || perm.at[i] >= type->rank)
            return c2s_no_match;
        if (type->dim[perm.at[i]] == 1)
            continue;
        if (perm.at[i] < last)
            return c2s_no_match;
        last = perm.at[i];
    }
    return NULL;
}

static const c2s_pattern_row transpose[] = {{.op = &c2s_op_transpose, .in = {X}}};
const c2s_rule c2s_rule_transpose_nothing = {.name = "transpose-nothing",
                                             .summary = "Transpose that moves nothing -> nothing",
                                             C2S_ROWS(transpose),
                                             .refuse = transpose_refuse,
                                             .build = c2s_build_forward};
