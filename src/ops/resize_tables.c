/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/resize_tables.h"

#include <inttypes.h>
#include <string.h>

#include "ops/infer_tensor.h"

c2s_status c2s_resize_axes(const c2s_node *node, int rank, int *axes, size_t *count) {
    const int64_t *given = c2s_attr_ints(node, "axes", count);
    if (given)
        return c2s_infer_axes(given, *count, rank, axes);
    *count = (size_t)rank;
    for (int axis = 0; axis < rank; axis++)
        axes[axis] = axis;
    return C2S_OK;
}

c2s_status c2s_resize_policy(const c2s_node *node, int *policy) {
    const char *name = c2s_attr_string(node, "keep_aspect_ratio_policy", "stretch");
    *policy = strcmp(name, "not_larger") == 0 ? -1 : strcmp(name, "not_smaller") == 0 ? 1 : 0;
    if (!*policy && strcmp(name, "stretch") != 0)
        return c2s_fail(C2S_ERR_INVALID, "keep_aspect_ratio_policy is \"%s\", which is not known",
                        name);
    return C2S_OK;
}

c2s_status c2s_resize_check_scale(double scale) {
    if (!(scale > 0 && scale < 0x1p31))
        return c2s_fail(C2S_ERR_INVALID, "scale is %g, expected a positive number", scale);
    return C2S_OK;
}

double c2s_resize_common_scale(const c2s_type *x, const int *axes, size_t count,
                               const int64_t *sizes, int policy) {
    double scale = 0;
    for (size_t k = 0; k < count; k++) {
        double own = (double)sizes[k] / (double)x->dim[axes[k]];
        if (k == 0 || (policy < 0 ? own < scale : own > scale))
            scale = own;
    }
    return scale;
}

/* ---- tables ---- */

typedef struct given {
    const c2s_node *node;
    const c2s_type *x, *y;
    const c2s_tensor *const *in;
    unsigned count;
} given;

static const c2s_tensor *input(const given *g, unsigned k) {
    return k < g->count && g->in[k] && g->in[k]->count ? g->in[k] : NULL;
}

static c2s_status axis_scales(const given *g, const int *axes, size_t count,
                              c2s_resample_axis *axis) {
    const c2s_type *x = g->x;
    const c2s_tensor *sizes = input(g, C2S_RESIZE_SIZES), *scales = input(g, C2S_RESIZE_SCALES);
    int64_t wanted[C2S_MAX_RANK] = {0};
    int policy = 0;
    C2S_TRY(c2s_resize_policy(g->node, &policy));
    for (size_t k = 0; sizes && k < count; k++)
        c2s_tensor_i64_at(sizes, k, &wanted[k]);
    for (size_t k = 0; k < count; k++) {
        c2s_resample_axis *a = &axis[axes[k]];
        if (!sizes)
            a->scale = c2s_tensor_f64_at(scales, k);
        else
            a->scale = policy ? c2s_resize_common_scale(x, axes, count, wanted, policy)
                              : (double)a->out / (double)a->in;
        C2S_TRY(c2s_resize_check_scale(a->scale));
    }
    return C2S_OK;
}

static c2s_status resize_setup(const given *g, const c2s_resample_options *options,
                               c2s_resample_axis *axis) {
    const c2s_type *x = g->x;
    const c2s_tensor *roi = input(g, C2S_RESIZE_ROI);
    int axes[C2S_MAX_RANK];
    size_t count;
    C2S_TRY(c2s_resize_axes(g->node, x->rank, axes, &count));
    for (int a = 0; a < x->rank; a++)
        axis[a] = (c2s_resample_axis){x->dim[a], g->y->dim[a], 1, {0, 1}};
    C2S_TRY(axis_scales(g, axes, count, axis));
    if (options->crops && (!roi || roi->count != 2 * count))
        return c2s_fail(C2S_ERR_INVALID, "roi has %zu elements for %zu axes, expected %zu",
                        roi ? roi->count : 0, count, 2 * count);
    for (size_t k = 0; options->crops && k < count; k++) {
        axis[axes[k]].roi[0] = c2s_tensor_f64_at(roi, k);
        axis[axes[k]].roi[1] = c2s_tensor_f64_at(roi, k + count);
    }
    return C2S_OK;
}

c2s_status c2s_resize_tables(const c2s_node *node, const c2s_type *x, const c2s_type *y,
                             const c2s_tensor *const *in, unsigned in_count,
                             c2s_resample_axis *axis, c2s_resample_table *tables) {
    const given g = {node, x, y, in, in_count};
    c2s_resample_options options;
    C2S_TRY(c2s_resample_options_of(node, &options));
    C2S_TRY(resize_setup(&g, &options, axis));
    for (int a = 0; a < x->rank; a++)
        if (!c2s_resample_is_identity(&options, &axis[a]))
            C2S_TRY(c2s_resample_build(&options, &axis[a], &tables[a]));
    return C2S_OK;
}

void c2s_resize_tables_free(c2s_resample_table *tables) {
    for (int a = 0; a < C2S_MAX_RANK; a++)
        c2s_resample_free(&tables[a]);
}
