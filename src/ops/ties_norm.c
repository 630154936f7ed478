/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of normalisations: axes over which statistics are taken are MIX.
 */
#include "ops/op.h"
#include "ops/ties_rules.h"

/* X, a vector per channel in the inputs up to `vectors`; axes of X and Y as spaces, `mixed` of them
 * being MIX. Outputs behind Y are vectors, too. */
static void tie_channels(c2s_ties *t, unsigned vectors, unsigned mixed) {
    for (int axis = 0; axis < c2s_ties_rank(t, false, 0); axis++) {
        c2s_tie_role role = mixed >> axis & 1 ? C2S_TIE_MIX : C2S_TIE_KEEP;
        unsigned space = c2s_ties_space(t, role, c2s_ties_extent(t, false, 0, axis));
        c2s_ties_in(t, space, 0, axis, 1);
        c2s_ties_out(t, space, 0, axis, 1);
        for (unsigned k = 1; k <= vectors && axis == 1; k++)
            c2s_ties_in(t, space, k, 0, 1);
        for (unsigned k = 1; k < t->node->output_count && axis == 1; k++)
            c2s_ties_out(t, space, k, 0, 1);
    }
}

void c2s_ties_batch_norm(c2s_ties *t) {
    bool training = c2s_attr_int(t->node, "training_mode", 0) != 0;
    tie_channels(t, 4, training ? ~2u : 0);
}

void c2s_ties_instance_norm(c2s_ties *t) {
    tie_channels(t, 2, ~3u);
}

void c2s_ties_lrn(c2s_ties *t) {
    tie_channels(t, 0, 2u);
}

void c2s_ties_mean_variance_norm(c2s_ties *t) {
    int rank = c2s_ties_rank(t, false, 0);
    size_t count;
    const int64_t *axes = c2s_attr_ints(t->node, "axes", &count);
    unsigned mixed = axes ? 0 : ~2u;
    for (size_t k = 0; axes && k < count; k++)
        if (axes[k] >= -rank && axes[k] < rank)
            mixed |= 1u << (axes[k] < 0 ? axes[k] + rank : axes[k]);
    tie_channels(t, 0, mixed);
}

/* ---- GroupNormalization ---- */

enum { BATCH, GROUPS, WITHIN };

/* One number per channel, or, up to opset 20, per group. */
static void tie_affine(c2s_ties *t, unsigned space, unsigned slot, int64_t channels,
                       int64_t repeat) {
    const bool by_channel = c2s_ties_extent(t, false, slot, 0) == channels;
    if (by_channel || space == GROUPS)
        c2s_ties_in(t, space, slot, 0, by_channel ? repeat : 1);
}

static void tie_groups(c2s_ties *t, int64_t groups, int axis) {
    enum { X, SCALE, BIAS };
    int64_t channels = c2s_ties_extent(t, false, X, axis);
    bool fits = groups > 0 && channels % groups == 0;
    c2s_ties_over(t, C2S_TIE_KEEP, X, 0, 0);
    c2s_ties_space(t, C2S_TIE_KEEP, fits ? groups : 0);
    c2s_ties_space(t, C2S_TIE_MIX, fits ? channels / groups : 0);
    for (unsigned space = GROUPS; space <= WITHIN && fits; space++) {
        int64_t repeat = space == GROUPS ? channels / groups : 1;
        c2s_ties_in(t, space, X, axis, repeat);
        tie_affine(t, space, SCALE, channels, repeat);
        tie_affine(t, space, BIAS, channels, repeat);
        c2s_ties_out(t, space, 0, axis, repeat);
    }
}

void c2s_ties_group_norm(c2s_ties *t) {
    tie_groups(t, c2s_attr_int(t->node, "num_groups", 0), 1);
    for (int axis = 2; axis < c2s_ties_rank(t, false, 0); axis++)
        c2s_ties_over(t, C2S_TIE_MIX, 0, axis, axis);
}

c2s_status c2s_refit_group_norm(const c2s_refit *r) {
    c2s_refit_attr(r, "num_groups", GROUPS, 1);
    return C2S_OK;
}

/* com.microsoft: spatial axes are pinned. */
void c2s_ties_ms_group_norm(c2s_ties *t) {
    bool last = c2s_attr_int(t->node, "channels_last", 1) != 0;
    tie_groups(t, c2s_attr_int(t->node, "groups", 0), last ? -1 : 1);
}

c2s_status c2s_refit_ms_group_norm(const c2s_refit *r) {
    c2s_refit_attr(r, "groups", GROUPS, 1);
    return C2S_OK;
}

/* ---- over the last axes ---- */

void c2s_ties_layer_norm(c2s_ties *t) {
    int axis = c2s_ties_axis(t, "axis", -1, c2s_ties_rank(t, true, 0));
    if (axis >= 0)
        c2s_ties_broadcast(t, t->node->formal_count, ~0u << axis);
}

void c2s_ties_embed_norm(c2s_ties *t) {
    enum { IDS, SEGMENTS, WORDS, BETA = 6, MASK, POSITION_IDS };
    unsigned batch = c2s_ties_over(t, C2S_TIE_KEEP, IDS, 0, 0);
    c2s_ties_in(t, batch, SEGMENTS, 0, 1);
    c2s_ties_in(t, batch, MASK, 0, 1);
    c2s_ties_in(t, batch, POSITION_IDS, 0, 1);
    unsigned width = c2s_ties_space(t, C2S_TIE_MIX, c2s_ties_extent(t, true, 0, 2));
    for (unsigned slot = WORDS; slot <= BETA; slot++)
        c2s_ties_in(t, width, slot, -1, 1);
    c2s_ties_out(t, width, 0, 2, 1);
    c2s_ties_out(t, width, 2, 2, 1);
}
