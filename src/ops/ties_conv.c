/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of convolutions. Channels of X are [groups, input channels of a group], those of Y [groups,
 * output channels of a group]; spatial axes are pinned.
 */
#include "ops/op.h"
#include "ops/ties_rules.h"

enum { BATCH, GROUPS, OUTPUTS, INPUTS };

/* The spaces above, tied to x, w and Y, whose channels are axis `channels`. The weight is [Y's
 * channels, inputs of a group, ...]; transposed: [X's channels, outputs of a group, ...]. */
static void tie_conv(c2s_ties *t, bool transposed, unsigned x, unsigned w, int channels) {
    int64_t groups = c2s_attr_int(t->node, "group", 1);
    int64_t first = c2s_ties_extent(t, false, w, 0), of_group = c2s_ties_extent(t, false, w, 1);
    bool known = groups > 0 && first > 0 && first % groups == 0;
    int64_t rest = known ? first / groups : 0;
    int64_t in = transposed ? rest : of_group, out = transposed ? of_group : rest;
    c2s_ties_over(t, C2S_TIE_KEEP, x, 0, 0);
    c2s_ties_space(t, C2S_TIE_KEEP, known && in && out ? groups : 0);
    c2s_ties_space(t, C2S_TIE_KEEP, out);
    c2s_ties_space(t, C2S_TIE_SUM, in);
    c2s_ties_in(t, GROUPS, x, channels, in);
    c2s_ties_in(t, INPUTS, x, channels, 1);
    c2s_ties_in(t, GROUPS, w, 0, transposed ? in : out);
    c2s_ties_in(t, transposed ? INPUTS : OUTPUTS, w, 0, 1);
    c2s_ties_in(t, transposed ? OUTPUTS : INPUTS, w, 1, 1);
    c2s_ties_out(t, GROUPS, 0, channels, out);
    c2s_ties_out(t, OUTPUTS, 0, channels, 1);
}

/* A vector with one element per output channel, or one for all. */
static void tie_vector(c2s_ties *t, unsigned slot) {
    c2s_ties_in(t, GROUPS, slot, 0, t->spaces.at[OUTPUTS].extent);
    c2s_ties_in(t, OUTPUTS, slot, 0, 1);
}

static void tie_fused(c2s_ties *t, int channels) {
    enum { ADDED = 3 };
    tie_conv(t, false, 0, 1, channels);
    tie_vector(t, 2);
    c2s_ties_in(t, BATCH, ADDED, 0, 1);
    c2s_ties_in(t, GROUPS, ADDED, channels, t->spaces.at[OUTPUTS].extent);
    c2s_ties_in(t, OUTPUTS, ADDED, channels, 1);
}

void c2s_ties_conv(c2s_ties *t) {
    tie_fused(t, 1);
}

void c2s_ties_nhwc_conv(c2s_ties *t) {
    tie_fused(t, -1);
}

void c2s_ties_conv_transpose(c2s_ties *t) {
    tie_conv(t, true, 0, 1, 1);
    tie_vector(t, 2);
}

void c2s_ties_conv_integer(c2s_ties *t) {
    tie_conv(t, false, 0, 1, 1);
    tie_vector(t, 3);
}

void c2s_ties_qlinear_conv(c2s_ties *t) {
    enum { X = 0, W = 3, W_SCALE = 4, W_ZERO = 5, BIAS = 8 };
    tie_conv(t, false, X, W, c2s_attr_int(t->node, "channels_last", 0) != 0 ? -1 : 1);
    tie_vector(t, W_SCALE);
    tie_vector(t, W_ZERO);
    tie_vector(t, BIAS);
}

void c2s_ties_deform_conv(c2s_ties *t) {
    enum { X, W, OFFSET, BIAS, MASK };
    tie_conv(t, false, X, W, 1);
    tie_vector(t, BIAS);
    c2s_ties_in(t, BATCH, OFFSET, 0, 1);
    c2s_ties_in(t, BATCH, MASK, 0, 1);
    if (c2s_attr_int(t->node, "offset_group", 1) != 1) { /* the channels are divided once more */
        c2s_ties_pin(t, GROUPS);
        c2s_ties_pin(t, INPUTS);
    }
}

c2s_status c2s_refit_conv(const c2s_refit *r) {
    c2s_refit_attr(r, "group", GROUPS, 1);
    return C2S_OK;
}

/* Depthwise: X, Y, state [batch, channels, length], weight [channels, 1, kernel]. */
void c2s_ties_causal_conv(c2s_ties *t) {
    enum { X, WEIGHT, BIAS, PAST };
    unsigned batch = c2s_ties_over(t, C2S_TIE_KEEP, X, 0, 0);
    unsigned channels = c2s_ties_over(t, C2S_TIE_KEEP, X, 1, 1);
    c2s_ties_in(t, batch, PAST, 0, 1);
    c2s_ties_in(t, channels, PAST, 1, 1);
    c2s_ties_in(t, channels, WEIGHT, 0, 1);
    c2s_ties_in(t, channels, BIAS, 0, 1);
}
