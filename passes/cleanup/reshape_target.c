/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Reshape to a target computed from shapes: Concat(Gather(Shape(x), 0), -1)
 * After:  Reshape to a constant target: known extents as they are, 0 for an extent that x has at
 *         that place, -1 for one other
 * Refuses when two extents or more are neither known nor those of x, or 0 means zero (allowzero).
 * What computed the target is dead then, unless something else needs it.
 */
#include "passes/cleanup/cleanup.h"
#include "passes/constants.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, TARGET };

static const char *read_target(const c2s_match *m, c2s_ints *out) {
    const c2s_type *type = &m->value[X]->type;
    const c2s_value *target = m->value[TARGET];
    unsigned open = 0; /* extents that only -1 can say */
    if (target->constant || !target->contents || target->content_count > C2S_MAX_INTS)
        return c2s_no_match;
    if (c2s_attr_int(m->root, "allowzero", 0) != 0)
        return "an extent of 0 would not be copied";
    out->count = target->content_count;
    for (unsigned i = 0; i < out->count; i++) {
        c2s_dim dim = target->contents[i];
        bool same = type->kind == C2S_KIND_TENSOR && (int)i < type->rank && dim == type->dim[i];
        if (c2s_dim_is_known(dim))
            out->at[i] = dim;
        else
            out->at[i] = same ? 0 : -1;
        open += out->at[i] == -1 ? 1 : 0;
    }
    return open <= 1 ? NULL : "more than one extent is not known";
}

static const char *refuse(const c2s_match *m) {
    c2s_ints target;
    return read_target(m, &target);
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_ints target = {0};
    read_target(m, &target);
    c2s_value *in[] = {m->value[X], c2s_build_ints(b, "shape", target.at, target.count)};
    return c2s_build_finish(b, c2s_build_like(b, m->root, in, 2));
}

static const c2s_pattern_row rows[] = {{.op = &c2s_op_reshape, .in = {X, TARGET}}};
const c2s_rule c2s_rule_reshape_target = {
    .name = "reshape-target",
    .summary = "a Reshape target computed from shapes -> a constant one",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
