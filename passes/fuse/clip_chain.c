/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: two of Relu, Clip, Min with a constant and Max with a constant in a row
 * After:  one Clip with both bounds, or Relu where it has that one bound
 * Refuses when a bound is computed, is NaN, or low > high, and for 64-bit integers, whose bounds
 * double does not hold.
 */
#include <math.h>

#include "passes/clip_bounds.h"
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, Y };

typedef struct bounds {
    double low, high; /* infinite: none */
} bounds;

static bool compose(const c2s_match *m, bounds *out) {
    bounds first, second;
    if (!c2s_clip_bounds(m->node[0], &first.low, &first.high) ||
        !c2s_clip_bounds(m->node[1], &second.low, &second.high))
        return false;
    out->low = fmin(fmax(first.low, second.low), second.high);
    out->high = fmin(fmax(first.high, second.low), second.high);
    return true;
}

/* Min and Max of several values have nothing to do with bounds. */
static bool is_clip(const c2s_node *node, const c2s_value *operand) {
    if (node->op != &c2s_op_min && node->op != &c2s_op_max)
        return true;
    const c2s_value *bound = c2s_clip_operand(node);
    return bound && bound != operand;
}

static const char *refuse(const c2s_match *m) {
    bounds both;
    if (!is_clip(m->node[0], m->value[X]) || !is_clip(m->root, m->value[Y]))
        return c2s_no_match;
    c2s_dtype dtype = m->value[X]->type.dtype;
    if (dtype == C2S_UNDEFINED || dtype == C2S_INT64 || dtype == C2S_UINT64)
        return "the bounds of this type cannot be compared exactly";
    return compose(m, &both) ? NULL : "the bounds are computed or empty";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    bounds both;
    compose(m, &both);
    c2s_dtype dtype = m->value[X]->type.dtype;
    bool has_low = isfinite(both.low), has_high = isfinite(both.high);
    if (!has_low && !has_high && both.low < 0 && both.high > 0)
        return m->value[X];
    c2s_value *in[3] = {m->value[X], NULL, NULL};
    bool relu_can =
        c2s_dtype_is_float(dtype) || m->node[0]->op == &c2s_op_relu || m->root->op == &c2s_op_relu;
    if (both.low == 0 && !has_high && both.high > 0 && relu_can)
        return c2s_build(b, "Relu", in, 1);
    if (!(isinf(both.low) && both.low < 0))
        in[1] = c2s_build_scalar(b, "min", dtype, both.low);
    if (!(isinf(both.high) && both.high > 0))
        in[2] = c2s_build_scalar(b, "max", dtype, both.high);
    return c2s_build(b, "Clip", in, in[2] ? 3 : 2);
}

static const c2s_op *const clips[] = {&c2s_op_relu, &c2s_op_clip, &c2s_op_min, &c2s_op_max, NULL};
static const c2s_pattern_row rows[] = {
    {.any_of = clips, .out = Y, .in = {X}},
    {.any_of = clips, .in = {Y}},
};
const c2s_rule c2s_rule_clip_clip = {
    .name = "clip-clip",
    .summary = "two of Relu, Clip, Min and Max with constants -> one Clip or Relu",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
