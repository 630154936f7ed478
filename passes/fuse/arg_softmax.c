/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Softmax or LogSoftmax, then ArgMax or ArgMin along the same axis
 * After:  ArgMax or ArgMin alone: the order of the elements is the same
 * Refuses another axis, since each row is divided by a sum of its own; ArgMin behind Softmax, which
 * makes the same zero of all that is far below the largest. Other monotone functions are left
 * alone: they saturate, so that elements become equal of which one was larger.
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, Y };

static int64_t axis_of(const c2s_node *node, int64_t absent, int rank) {
    const int64_t axis = c2s_attr_int(node, "axis", absent);
    return axis < 0 ? axis + rank : axis;
}

static const char *refuse(const c2s_match *m) {
    const c2s_value *x = m->value[X];
    if (!c2s_is_float_value(x) || x->type.rank < 1)
        return "the type is not known";
    if (axis_of(m->node[0], -1, x->type.rank) != axis_of(m->root, 0, x->type.rank))
        return "they run along different axes";
    return m->root->op == &c2s_op_arg_min && m->node[0]->op == &c2s_op_softmax
               ? "Softmax makes zeros of what differs"
               : NULL;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[] = {m->value[X]};
    return c2s_build_finish(b, c2s_build_like(b, m->root, in, 1));
}

static const c2s_op *const scores[] = {&c2s_op_softmax, &c2s_op_log_softmax, NULL};
static const c2s_op *const choices[] = {&c2s_op_arg_max, &c2s_op_arg_min, NULL};
static const c2s_pattern_row rows[] = {
    {.any_of = scores, .out = Y, .in = {X}},
    {.any_of = choices, .in = {Y}},
};
const c2s_rule c2s_rule_arg_softmax = {
    .name = "argmax-of-softmax",
    .summary = "ArgMax of Softmax or LogSoftmax along the same axis -> ArgMax",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
