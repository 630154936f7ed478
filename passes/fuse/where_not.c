/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Where(Not(condition), x, y)
 * After:  Where(condition, y, x)
 */
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { CONDITION = C2S_LETTER_A, N, X, Y };

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[] = {m->value[CONDITION], m->value[Y], m->value[X]};
    return c2s_build(b, "Where", in, 3);
}

static const c2s_pattern_row rows[] = {
    {.op = &c2s_op_not, .out = N, .in = {CONDITION}},
    {.op = &c2s_op_where, .in = {N, X, Y}},
};
const c2s_rule c2s_rule_where_not = {
    .name = "where-not",
    .summary = "Where of a condition turned by Not -> Where with its operands exchanged",
    C2S_ROWS(rows),
    .shared = C2S_BIT(N),
    .build = build};
