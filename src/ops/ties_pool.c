/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of pooling, sampling and resizing: batch and channels pass; spatial axes are pinned.
 */
#include <string.h>

#include "ops/op.h"
#include "ops/ties_rules.h"

void c2s_ties_pool(c2s_ties *t) {
    c2s_ties_over(t, C2S_TIE_KEEP, 0, 0, 0);
    c2s_ties_over(t, C2S_TIE_KEEP, 0, 1, 1);
}

/* Indices count through the whole tensor: they change with its extents. */
void c2s_ties_max_pool(c2s_ties *t) {
    c2s_tie_role role = c2s_node_out(t->node, 1) ? C2S_TIE_MIX : C2S_TIE_KEEP;
    c2s_ties_over(t, role, 0, 0, 0);
    c2s_ties_over(t, role, 0, 1, 1);
}

void c2s_ties_nhwc_pool(c2s_ties *t) {
    c2s_ties_over(t, C2S_TIE_KEEP, 0, 0, 0);
    c2s_ties_over(t, C2S_TIE_KEEP, 0, -1, -1);
}

void c2s_ties_pool_either(c2s_ties *t) {
    if (c2s_attr_int(t->node, "channels_last", 0) != 0)
        c2s_ties_nhwc_pool(t);
    else
        c2s_ties_pool(t);
}

/* X [batch, channels, ...], regions [count, ...], batch indices [count] in RoiAlign; Y [count,
 * channels, ...]. */
void c2s_ties_roi(c2s_ties *t) {
    unsigned regions = c2s_ties_over(t, C2S_TIE_KEEP, 1, 0, 0);
    c2s_ties_in(t, regions, 2, 0, 1);
    c2s_ties_over(t, C2S_TIE_KEEP, 0, 1, 1);
}

/* X [batch, channels, ...], grid [batch, positions ..., coordinates]; Y [batch, channels,
 * positions ...]. */
void c2s_ties_grid_sample(c2s_ties *t) {
    unsigned batch = c2s_ties_over(t, C2S_TIE_KEEP, 0, 0, 0);
    c2s_ties_in(t, batch, 1, 0, 1);
    c2s_ties_over(t, C2S_TIE_KEEP, 0, 1, 1);
    for (int axis = 1; axis < c2s_ties_rank(t, false, 1) - 1; axis++)
        c2s_ties_over(t, C2S_TIE_KEEP, 1, axis, axis + 1);
}

/* X [batch, channels * block, blocks], the block's shape in input 2. */
void c2s_ties_col2im(c2s_ties *t) {
    int64_t shape[C2S_MAX_RANK], block = 1;
    size_t count;
    c2s_ties_over(t, C2S_TIE_KEEP, 0, 0, 0);
    unsigned channels = c2s_ties_space(t, C2S_TIE_KEEP, c2s_ties_extent(t, true, 0, 1));
    if (!c2s_node_ints(t->node, 2, shape, C2S_MAX_RANK, &count)) {
        c2s_ties_pin(t, channels);
        return;
    }
    for (size_t k = 0; k < count; k++)
        if (!c2s_mul_i64(block, shape[k], &block))
            block = 0;
    c2s_ties_in(t, channels, 0, 1, block);
    c2s_ties_out(t, channels, 0, 1, 1);
}

/* ---- Resize ---- */

enum { X, ROI, SCALES, SIZES };

/* Which axis each element of scales and sizes is for. */
static size_t read_axes(const c2s_node *node, int rank, int axes[C2S_MAX_RANK]) {
    size_t count;
    const int64_t *given = c2s_attr_ints(node, "axes", &count);
    for (size_t k = 0; given && k < count && k < C2S_MAX_RANK; k++)
        axes[k] = (int)(given[k] < 0 ? given[k] + rank : given[k]);
    for (int k = 0; !given && k < rank; k++)
        axes[k] = k;
    return given ? count : (size_t)rank;
}

static double scale_at(const c2s_node *node, size_t k) {
    const c2s_value *scales = c2s_node_in(node, SCALES);
    return scales && scales->constant && k < scales->constant->count
               ? c2s_tensor_f64_at(scales->constant, k)
               : 0.0;
}

/* Axes that are not resized pass: those of scale 1, or whose size is the input's. */
void c2s_ties_resize(c2s_ties *t) {
    const c2s_node *node = t->node;
    int rank = c2s_ties_rank(t, false, X), axes[C2S_MAX_RANK];
    int64_t sizes[C2S_MAX_RANK];
    bool resized[C2S_MAX_RANK] = {false};
    size_t count = read_axes(node, rank, axes), given = 0;
    bool by_size = c2s_node_ints(t->node, SIZES, sizes, C2S_MAX_RANK, &given) && given > 0;
    const char *mode = c2s_attr_string(node, "coordinate_transformation_mode", "half_pixel");
    const char *policy = c2s_attr_string(node, "keep_aspect_ratio_policy", "stretch");
    if (strcmp(mode, "tf_crop_and_resize") == 0 || (by_size && strcmp(policy, "stretch") != 0))
        return;
    for (size_t k = 0; k < count && k < C2S_MAX_RANK; k++)
        if (axes[k] >= 0 && axes[k] < C2S_MAX_RANK)
            resized[axes[k]] = by_size
                                   ? k >= given || sizes[k] != c2s_ties_extent(t, false, X, axes[k])
                                   : scale_at(node, k) != 1.0;
    for (int axis = 0; axis < rank; axis++)
        if (!resized[axis])
            c2s_ties_over(t, C2S_TIE_KEEP, X, axis, axis);
}

c2s_status c2s_refit_resize(const c2s_refit *r) {
    int64_t sizes[C2S_MAX_RANK];
    const c2s_value *y = c2s_node_out(r->node, 0);
    int axes[C2S_MAX_RANK];
    size_t count = read_axes(r->node, y->type.rank, axes), given = 0;
    if (!c2s_node_ints(r->node, SIZES, sizes, C2S_MAX_RANK, &given) || given == 0)
        return C2S_OK;
    for (size_t k = 0; k < count && k < given; k++)
        if (axes[k] >= 0 && axes[k] < y->type.rank && c2s_dim_is_known(y->type.dim[axes[k]]))
            sizes[k] = y->type.dim[axes[k]];
    return c2s_refit_ints(r, SIZES, sizes, given);
}
