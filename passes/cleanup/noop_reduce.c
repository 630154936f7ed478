/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd over no axes, or over axes of
 *         extent 1 that are kept
 * After:  x
 * Refuses when the axes are computed. The other reductions change single elements (a square, an
 * absolute value) and are left alone.
 */
#include "passes/cleanup/cleanup.h"
#include "passes/constants.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A };

static const char *refuse(const c2s_match *m) {
    const c2s_type *type = &m->value[X]->type;
    if (!c2s_same_type(m->value[X], m->root->outputs[0]))
        return c2s_no_match;
    c2s_ints axes = {0};
    bool given;
    if (!c2s_node_axes(m->root, 1, type->rank, &axes, &given))
        return "the axes are computed";
    if (!given || axes.count == 0) {
        if (c2s_attr_int(m->root, "noop_with_empty_axes", 0) != 0)
            return NULL;
        axes.count = 0; /* all of them */
        for (int i = 0; i < type->rank; i++)
            axes.at[axes.count++] = i;
    }
    for (unsigned i = 0; i < axes.count; i++)
        if (type->dim[axes.at[i]] != 1)
            return c2s_no_match;
    return NULL;
}

static const c2s_op *const reductions[] = {&c2s_op_reduce_sum,  &c2s_op_reduce_mean,
                                           &c2s_op_reduce_max,  &c2s_op_reduce_min,
                                           &c2s_op_reduce_prod, NULL};
static const c2s_pattern_row rows[] = {{.any_of = reductions, .in = {X}}};
const c2s_rule c2s_rule_reduce_nothing = {
    .name = "reduce-nothing",
    .summary = "a reduction over no axes, or over kept axes of extent 1 -> nothing",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = c2s_build_forward};
