/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Log of Softmax
 * After:  LogSoftmax, which does not underflow
 */
#include "passes/recompose/recompose.h"

enum { X = C2S_LETTER_A, S };

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_node *node = c2s_build_start(b, "LogSoftmax", &m->value[X], 1);
    if (node)
        c2s_attr_set_int(node, "axis", c2s_attr_int(m->node[0], "axis", -1));
    return c2s_build_finish(b, node);
}

static const c2s_pattern_row rows[] = {
    {.op = &c2s_op_softmax, .out = S, .in = {X}},
    {.op = &c2s_op_log, .in = {S}},
};
const c2s_rule c2s_rule_log_softmax = {.name = "log-softmax",
                                       .summary = "Log of Softmax -> LogSoftmax",
                                       C2S_ROWS(rows),
                                       .build = build};
