/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of quantization: elements pass; scales and zero points are one for all, one per index of an
 * axis, or one per block of an axis.
 */
#include "ops/op.h"
#include "ops/ties_rules.h"

void c2s_ties_quantize(c2s_ties *t) {
    enum { X, SCALE, ZERO };
    int rank = c2s_ties_rank(t, false, X), rank_scale = c2s_ties_rank(t, false, SCALE);
    int64_t block = c2s_attr_int(t->node, "block_size", 0);
    int chosen = c2s_ties_axis(t, "axis", 1, rank);
    if (rank_scale < 0)
        return;
    for (int axis = 0; axis < rank; axis++) {
        bool blocks = block > 0 && axis == chosen && rank_scale == rank;
        int64_t size = blocks ? block : 1, extent = c2s_ties_extent(t, false, X, axis);
        unsigned space = c2s_ties_space(t, C2S_TIE_KEEP, extent % size == 0 ? extent / size : 0);
        c2s_ties_in(t, space, X, axis, size);
        c2s_ties_out(t, space, 0, axis, size);
        for (unsigned slot = SCALE; slot <= ZERO; slot++) {
            int rank_slot = c2s_ties_rank(t, false, slot);
            if (rank_slot == rank && block > 0)
                c2s_ties_in(t, space, slot, axis, 1);
            else if (rank_slot == 1 && axis == chosen)
                c2s_ties_in(t, space, slot, 0, 1);
        }
    }
}

/* The range of all elements decides on the scale. */
void c2s_ties_dynamic_quantize(c2s_ties *t) {
    c2s_ties_broadcast(t, 1, ~0u);
}

void c2s_ties_qlinear_unary(c2s_ties *t) {
    c2s_ties_broadcast(t, 1, 0);
}

/* Elementwise in input 0 and two others, or one (0). */
static void tie_elements(c2s_ties *t, unsigned a, unsigned b) {
    int rank = c2s_ties_rank(t, true, 0);
    c2s_ties_broadcast(t, 1, 0);
    for (int axis = 0; axis < rank; axis++) {
        c2s_ties_in(t, (unsigned)axis, a, axis - rank, 1);
        if (b)
            c2s_ties_in(t, (unsigned)axis, b, axis - rank, 1);
    }
}

void c2s_ties_qlinear_binary(c2s_ties *t) {
    tie_elements(t, 3, 0);
}

void c2s_ties_qlinear_where(c2s_ties *t) {
    tie_elements(t, 1, 4);
}

void c2s_ties_mul_integer(c2s_ties *t) {
    tie_elements(t, 2, 0);
}

/* Up to opset 12 over all axes from `axis` on. */
void c2s_ties_qlinear_softmax(c2s_ties *t) {
    int rank = c2s_ties_rank(t, true, 0);
    bool flat = c2s_attr_int(t->node, "opset", 13) < 13;
    int axis = c2s_ties_axis(t, "axis", flat ? 1 : -1, rank);
    if (axis >= 0)
        c2s_ties_broadcast(t, 1, flat ? ~0u << axis : 1u << axis);
}
