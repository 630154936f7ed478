/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft: GroupNorm and SkipGroupNorm, of channels in the last place or in the second, with
 * SiLU behind them.
 */
#include "ops/composite.h"
#include "ops/ties_rules.h"

static void normalise(c2s_composite *c, c2s_value *x) {
    const c2s_node *written = c2s_composite_node(c);
    const bool last = c2s_attr_int(written, "channels_last", 1) != 0;
    if (!c2s_composite_known(x))
        return;
    const c2s_dtype dtype = x->type.dtype;
    x = last ? c2s_composite_move_channels(c, x, false) : x;
    c2s_node *node = C2S_START(c, "GroupNormalization", c2s_composite_cast(c, x, C2S_FLOAT),
                               c2s_composite_cast(c, c2s_composite_in(c, 1), C2S_FLOAT),
                               c2s_composite_cast(c, c2s_composite_in(c, 2), C2S_FLOAT));
    if (node) {
        c2s_attr_set_int(node, "num_groups", c2s_attr_int(written, "groups", 1));
        c2s_attr_set_float(node, "epsilon", c2s_attr_float(written, "epsilon", 1e-5f));
    }
    c2s_value *y = c2s_composite_finish(c, node);
    if (c2s_attr_int(written, "activation", 0) == 1)
        y = C2S_APPLY(c, "Mul", y, C2S_APPLY(c, "Sigmoid", y));
    y = c2s_composite_cast(c, y, dtype);
    c2s_composite_out(c, 0, last ? c2s_composite_move_channels(c, y, true) : y);
}

static void group_norm(c2s_composite *c) {
    normalise(c, c2s_composite_in(c, 0));
}

/* A vector, or a matrix [batch, channels], as what is added to every position of x. */
static c2s_value *spread(c2s_composite *c, c2s_value *added, int rank, bool last) {
    int64_t axes[C2S_MAX_RANK];
    const int have = c2s_composite_rank(added), front = have == 2 ? 1 : 0;
    if (have < 1 || have > 2 || (have == 1 && last))
        return added;
    for (int k = 0; k < rank - 2; k++)
        axes[k] = front + k + (last ? 0 : 1);
    return c2s_composite_unsqueeze(c, added, axes, (size_t)(rank - 2));
}

static void skip_group_norm(c2s_composite *c) {
    const bool last = c2s_attr_int(c2s_composite_node(c), "channels_last", 1) != 0;
    c2s_value *x = c2s_composite_in(c, 0), *skip = c2s_composite_in(c, 3);
    c2s_value *bias = c2s_composite_in(c, 4);
    if (!c2s_composite_known(x) || !c2s_composite_known(skip))
        return;
    const int rank = x->type.rank;
    if (rank < 3) {
        c2s_composite_fail(c, c2s_fail(C2S_ERR_INVALID, "X has rank %d, expected 4", rank));
        return;
    }
    c2s_value *sum = C2S_APPLY(c, "Add", x, spread(c, skip, rank, last));
    if (bias)
        sum = C2S_APPLY(c, "Add", sum, spread(c, bias, rank, last));
    normalise(c, sum);
    c2s_composite_out(c, 1, sum);
}

static const c2s_attr_spec attrs[] = {{"activation", C2S_ATTR_INT, true},
                                      {"channels_last", C2S_ATTR_INT, false},
                                      {"epsilon", C2S_ATTR_FLOAT, false},
                                      {"groups", C2S_ATTR_INT, true},
                                      {0}};
const c2s_op c2s_op_ms_group_norm = {
    .type = "GroupNorm",
    .domain = "com.microsoft",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_WEIGHTS(FLOAT, C2S_SLOT(1), C2S_QUANT_NO_AXIS, C2S_QUANT_NO_AXIS, 0),
    .attrs = attrs,
    .ties = c2s_ties_ms_group_norm,
    .refit = c2s_refit_ms_group_norm,
    C2S_DEFINED_BY(group_norm),
};
const c2s_op c2s_op_ms_skip_group_norm = {
    .type = "SkipGroupNorm",
    .domain = "com.microsoft",
    .inputs = {4, 5},
    .outputs = {1, 2},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = attrs,
    .ties = c2s_ties_pinned,
    C2S_DEFINED_BY(skip_group_norm),
};
