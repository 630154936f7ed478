/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Relu or Clip, then QuantizeLinear, which saturates where they clamp or before
 * After:  QuantizeLinear
 * Refuses when a bound lies inside of what the integers can say, and per-channel scales.
 */
#include <math.h>

#include "ops/quant_range.h"
#include "passes/fuse/fuse.h"
#include "passes/fuse/quant_params.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, Y };

static bool read_bounds(const c2s_node *clamp, double *low, double *high) {
    *low = clamp->op == &c2s_op_relu ? 0 : -(double)INFINITY;
    *high = (double)INFINITY;
    const c2s_value *least = c2s_node_in(clamp, 1), *most = c2s_node_in(clamp, 2);
    return (!least || c2s_constant_scalar(least, low)) &&
           (!most || c2s_constant_scalar(most, high)) && *low <= *high;
}

/* Quantization never decreases: what lies beyond a bound whose code is the last one has that, too.
 */
static const char *refuse(const c2s_match *m) {
    c2s_quant_params params;
    double low, high;
    float least, most;
    const char *reason = c2s_quant_params_read(m->root, &params);
    if (reason)
        return reason;
    if (!params.per_tensor)
        return "there is a scale per channel";
    if (!read_bounds(m->node[0], &low, &high))
        return "the bounds are computed or empty";
    c2s_quant_range(params.dtype, &least, &most);
    if (c2s_quant_params_code(&params, (float)low) > least ||
        c2s_quant_params_code(&params, (float)high) < most)
        return "a bound lies inside the range of the integers";
    return NULL;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[] = {m->value[X], c2s_node_in(m->root, 1), c2s_node_in(m->root, 2)};
    return c2s_build_finish(b, c2s_build_like(b, m->root, in, in[2] ? 3 : 2));
}

static const c2s_op *const clamps[] = {&c2s_op_relu, &c2s_op_clip, NULL};
static const c2s_pattern_row rows[] = {
    {.any_of = clamps, .out = Y, .in = {X}},
    {.op = &c2s_op_quantize_linear, .in = {Y}},
};
const c2s_rule c2s_rule_quantize_clamped = {
    .name = "quantize-clamped",
    .summary = "Relu or Clip before a QuantizeLinear that saturates there anyway -> nothing",
    C2S_ROWS(rows),
    .refuse = refuse,
    .build = build};
