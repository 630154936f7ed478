/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of operators that choose or write elements by index: the axes that are indexed are pinned in
 * the data; those of the indices and all others pass.
 */
#include "ops/op.h"
#include "ops/ties_rules.h"

/* Data axes but `axis`, around the indices' axes that take its place. */
void c2s_ties_gather(c2s_ties *t) {
    int rank = c2s_ties_rank(t, false, 0), indices = c2s_ties_rank(t, false, 1);
    int chosen = c2s_ties_axis(t, "axis", 0, rank);
    if (chosen < 0 || indices < 0)
        return;
    for (int axis = 0; axis < rank; axis++)
        if (axis != chosen)
            c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, axis < chosen ? axis : axis + indices - 1);
    for (int axis = 0; axis < indices; axis++)
        c2s_ties_over(t, C2S_TIE_KEEP, 1, axis, chosen + axis);
}

/* Input `slot` follows on an axis if its extent there is that of the indices. */
static bool follows(const c2s_ties *t, unsigned slot, int axis) {
    return c2s_ties_extent(t, false, slot, axis) == c2s_ties_extent(t, false, 1, axis);
}

void c2s_ties_gather_elements(c2s_ties *t) {
    int rank = c2s_ties_rank(t, false, 0), chosen = c2s_ties_axis(t, "axis", 0, rank);
    for (int axis = 0; chosen >= 0 && axis < rank; axis++) {
        if (axis != chosen && !follows(t, 0, axis))
            continue;
        unsigned space = c2s_ties_over(t, C2S_TIE_KEEP, 1, axis, axis);
        if (axis != chosen)
            c2s_ties_in(t, space, 0, axis, 1);
    }
}

/* data, indices [batch ..., rest ..., depth]; the output is [batch ..., rest ..., data's axes
 * behind the batch and `depth` ones]. */
void c2s_ties_gather_nd(c2s_ties *t) {
    int64_t batch = c2s_attr_int(t->node, "batch_dims", 0),
            depth = c2s_ties_extent(t, false, 1, -1);
    int rank = c2s_ties_rank(t, false, 0), indices = c2s_ties_rank(t, false, 1);
    if (rank < 0 || indices < 1 || batch < 0 || batch >= indices || depth < 1 ||
        batch + depth > rank)
        return;
    for (int axis = 0; axis < indices - 1; axis++) {
        unsigned space = c2s_ties_over(t, C2S_TIE_KEEP, 1, axis, axis);
        if (axis < batch)
            c2s_ties_in(t, space, 0, axis, 1);
    }
    int first = (int)(batch + depth);
    for (int axis = first; axis < rank; axis++)
        c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, indices - 1 + axis - first);
}

/* data, indices, updates */
void c2s_ties_scatter_elements(c2s_ties *t) {
    int rank = c2s_ties_rank(t, false, 0), chosen = c2s_ties_axis(t, "axis", 0, rank);
    for (int axis = 0; chosen >= 0 && axis < rank; axis++) {
        if (axis == chosen || !follows(t, 0, axis))
            continue;
        unsigned space = c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, axis);
        c2s_ties_in(t, space, 1, axis, 1);
        c2s_ties_in(t, space, 2, axis, 1);
    }
}

/* data, indices [..., depth], updates [..., data's axes behind the first `depth`] */
void c2s_ties_scatter_nd(c2s_ties *t) {
    int rank = c2s_ties_rank(t, false, 0);
    int64_t depth = c2s_ties_extent(t, false, 1, -1);
    if (depth < 1)
        return;
    for (int axis = (int)depth; depth <= rank && axis < rank; axis++) {
        unsigned space = c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, axis);
        c2s_ties_in(t, space, 2, axis - rank, 1);
    }
}

/* past cache, update, indices [batch]; written along `axis`. */
void c2s_ties_tensor_scatter(c2s_ties *t) {
    int rank = c2s_ties_rank(t, false, 0), written = c2s_ties_axis(t, "axis", -2, rank);
    for (int axis = 0; written >= 0 && axis < rank; axis++) {
        if (axis == written)
            continue;
        unsigned space = c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, axis);
        c2s_ties_in(t, space, 1, axis, 1);
        if (axis == 0)
            c2s_ties_in(t, space, 2, 0, 1);
    }
}

/* GatherBlockQuantized: data, indices, scales, zero points. The quantized axis goes by blocks. */
void c2s_ties_gather_blocks(c2s_ties *t) {
    enum { DATA, INDICES, SCALES, ZEROS };
    const c2s_value *data = c2s_node_in(t->node, DATA);
    int rank = c2s_ties_rank(t, false, DATA), indices = c2s_ties_rank(t, false, INDICES);
    int chosen = c2s_ties_axis(t, "gather_axis", 0, rank);
    int quantized = c2s_ties_axis(t, "quantize_axis", 1, rank);
    if (chosen < 0 || quantized < 0 || indices < 0)
        return;
    bool packed = data->type.dtype == C2S_UINT8 && c2s_attr_int(t->node, "bits", 4) == 4;
    int64_t block = c2s_attr_int(t->node, "block_size", 128);
    for (int axis = 0; axis < indices; axis++)
        c2s_ties_over(t, C2S_TIE_KEEP, INDICES, axis, chosen + axis);
    for (int axis = 0; axis < rank; axis++) {
        if (axis == chosen || (packed && axis == rank - 1 && axis != quantized))
            continue;
        bool blocks = axis == quantized;
        int64_t width = blocks ? block : 1, bytes = blocks && packed && axis == rank - 1 ? 2 : 1;
        unsigned space = c2s_ties_space(t, C2S_TIE_KEEP,
                                        c2s_ties_extent(t, false, blocks ? SCALES : DATA, axis));
        c2s_ties_in(t, space, DATA, axis, width / bytes);
        c2s_ties_in(t, space, SCALES, axis, 1);
        c2s_ties_out(t, space, 0, axis < chosen ? axis : axis + indices - 1, width);
        if (bytes == 2 && c2s_node_in(t->node, ZEROS))
            c2s_ties_pin(t, space); /* two zero points share a byte */
        else
            c2s_ties_in(t, space, ZEROS, axis, 1);
    }
}

void c2s_ties_compress(c2s_ties *t) {
    int rank = c2s_ties_rank(t, false, 0), chosen = c2s_ties_axis(t, "axis", 0, rank);
    for (int axis = 0; c2s_attr_has(t->node, "axis") && axis < rank; axis++)
        if (axis != chosen)
            c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, axis);
}

/* The new axis of the output is pinned. */
void c2s_ties_one_hot(c2s_ties *t) {
    int rank = c2s_ties_rank(t, false, 0), added = c2s_ties_axis(t, "axis", -1, rank + 1);
    for (int axis = 0; added >= 0 && axis < rank; axis++)
        c2s_ties_over(t, C2S_TIE_KEEP, 0, axis, axis < added ? axis : axis + 1);
}
