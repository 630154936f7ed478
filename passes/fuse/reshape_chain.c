/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: two of Reshape, Flatten, Squeeze, Unsqueeze in a row
 * After:  x where the shape comes out as it was; else one Reshape to the last shape, or one
 *         Squeeze or Unsqueeze with the axes of both
 * Refuses when more than one extent of the result is not known (Reshape can compute one only), or
 * a computed target shape may copy extents of the shape between.
 */
#include "passes/constants.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, Y, SHAPE };

/* A constant target without 0 means the same whatever shape it is applied to. */
static bool target_stands_alone(const c2s_node *reshape) {
    c2s_ints shape;
    if (reshape->op != &c2s_op_reshape || !c2s_constant_ints(c2s_node_in(reshape, 1), &shape))
        return false;
    for (unsigned i = 0; i < shape.count; i++)
        if (shape.at[i] == 0)
            return false;
    return true;
}

static const char *refuse(const c2s_match *m) {
    c2s_ints shape;
    if (c2s_same_type(m->value[X], m->root->outputs[0]) || target_stands_alone(m->root) ||
        c2s_reshape_target_of(m->value[X], m->root->outputs[0], &shape))
        return NULL;
    return "more than one extent of the result is not known";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_ints shape;
    if (c2s_same_type(m->value[X], m->root->outputs[0]))
        return m->value[X];
    c2s_value *in[2] = {m->value[X], NULL};
    if (target_stands_alone(m->root)) {
        in[1] = m->root->inputs[1].value;
        return c2s_build_finish(b, c2s_build_like(b, m->root, in, 2));
    }
    c2s_reshape_target_of(m->value[X], m->root->outputs[0], &shape);
    in[1] = c2s_build_ints(b, "shape", shape.at, shape.count);
    return c2s_build(b, "Reshape", in, 2);
}

static const c2s_op *const shape_ops[] = {&c2s_op_reshape, &c2s_op_flatten, &c2s_op_squeeze,
                                          &c2s_op_unsqueeze, NULL};
static const c2s_pattern_row reshape_rows[] = {
    {.any_of = shape_ops, .out = Y, .in = {X}},
    {.any_of = shape_ops, .in = {Y}},
};
const c2s_rule c2s_rule_reshape_reshape = {
    .name = "reshape-reshape",
    .summary = "two of Reshape, Flatten, Squeeze, Unsqueeze -> one Reshape, or nothing",
    C2S_ROWS(reshape_rows),
    .refuse = refuse,
    .build = build};

/* ---- axes of both ---- */

static int rank_of(const c2s_value *value) {
    return value->type.kind == C2S_KIND_TENSOR ? value->type.rank : -1;
}

static bool has(const c2s_ints *list, int64_t number) {
    for (unsigned i = 0; i < list->count; i++)
        if (list->at[i] == number)
            return true;
    return false;
}

/* Axes that exist on the outside of both nodes: of x for Squeeze, of the result for Unsqueeze.
 * `outer` are axes of a tensor of `rank`; `inner` count what is left after those are gone. */
static void merge_axes(const c2s_ints *outer, const c2s_ints *inner, int rank, c2s_ints *out) {
    *out = *outer;
    int64_t left = 0;
    for (int axis = 0; axis < rank; axis++) {
        if (has(outer, axis))
            continue;
        if (has(inner, left++) && out->count < C2S_MAX_INTS)
            out->at[out->count++] = axis;
    }
}

static bool read_axes(const c2s_match *m, c2s_ints *out) {
    bool squeeze = m->root->op == &c2s_op_squeeze;
    int middle = rank_of(m->value[Y]);
    int rank = squeeze ? rank_of(m->value[X]) : rank_of(m->root->outputs[0]);
    const c2s_node *outer_node = squeeze ? m->node[0] : m->root;
    const c2s_node *inner_node = squeeze ? m->root : m->node[0];
    c2s_ints outer, inner;
    bool outer_given, inner_given;
    if (rank < 0 || middle < 0 || !c2s_node_axes(outer_node, 1, rank, &outer, &outer_given) ||
        !c2s_node_axes(inner_node, 1, middle, &inner, &inner_given) || !outer_given || !inner_given)
        return false;
    merge_axes(&outer, &inner, rank, out);
    return true;
}

static const char *axes_refuse(const c2s_match *m) {
    c2s_ints axes;
    return read_axes(m, &axes) ? NULL : "axes or ranks are not known";
}

static c2s_value *axes_build(c2s_builder *b, const c2s_match *m) {
    c2s_ints axes = {0};
    read_axes(m, &axes);
    c2s_value *in[] = {m->value[X], c2s_build_ints(b, "axes", axes.at, axes.count)};
    return c2s_build(b, m->root->type, in, 2);
}

static const c2s_pattern_row squeeze_rows[] = {
    {.op = &c2s_op_squeeze, .out = Y, .in = {X}},
    {.op = &c2s_op_squeeze, .in = {Y}},
};
const c2s_rule c2s_rule_squeeze_squeeze = {.name = "squeeze-squeeze",
                                           .summary = "Squeeze of Squeeze -> one Squeeze",
                                           C2S_ROWS(squeeze_rows),
                                           .refuse = axes_refuse,
                                           .build = axes_build};

static const c2s_pattern_row unsqueeze_rows[] = {
    {.op = &c2s_op_unsqueeze, .out = Y, .in = {X}},
    {.op = &c2s_op_unsqueeze, .in = {Y}},
};
const c2s_rule c2s_rule_unsqueeze_unsqueeze = {.name = "unsqueeze-unsqueeze",
                                               .summary = "Unsqueeze of Unsqueeze -> one Unsqueeze",
                                               C2S_ROWS(unsqueeze_rows),
                                               .refuse = axes_refuse,
                                               .build = axes_build};
