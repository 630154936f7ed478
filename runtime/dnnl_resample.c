/* SPDX-License-Identifier: Apache-2.0
 *
 * Resize of the spatial axes, where its coordinates are those of oneDNN: sample centres at
 * (i + 0.5) * in / out - 0.5, rounded to the nearest or interpolated linearly.
 */
#include <string.h>

#include "runtime/dnnl_primitive.h"
#include "runtime/dnnl_processor.h"
#include "runtime/layout.h"

static bool is_text(const c2s_node *node, const char *attr, const char *absent, const char *text) {
    return strcmp(c2s_attr_string(node, attr, absent), text) == 0;
}

/* Resize may scale by another factor than out / in, when out was rounded down. */
static bool scale_is_exact(const c2s_step *step, const c2s_type *x, const c2s_type *y) {
    const c2s_tensor *scales = c2s_step_constant(step, 2);
    if (c2s_step_has(step, 3))
        return !c2s_step_has(step, 2) || c2s_step_type(step, 2)->dim[0] == 0;
    if (!scales || scales->type.dtype != C2S_FLOAT || scales->count != (size_t)x->rank)
        return false;
    const float *scale = c2s_tensor_data(scales);
    for (int i = 0; i < x->rank; i++)
        if (scale[i] * (float)x->dim[i] != (float)y->dim[i])
            return false;
    return true;
}

/* Upscaling by whole factors, all these roundings choose the same element as the library. */
static bool nearest_matches(const c2s_step *step, const c2s_type *x, const c2s_type *y) {
    const c2s_node *node = step->node;
    bool floor = is_text(node, "nearest_mode", "round_prefer_floor", "floor");
    bool round = is_text(node, "nearest_mode", "round_prefer_floor", "round_prefer_floor") ||
                 is_text(node, "nearest_mode", "round_prefer_floor", "round_prefer_ceil");
    bool asymmetric = is_text(node, "coordinate_transformation_mode", "half_pixel", "asymmetric");
    bool centred = is_text(node, "coordinate_transformation_mode", "half_pixel", "half_pixel");
    for (int i = 2; i < x->rank; i++)
        if (y->dim[i] % x->dim[i] != 0)
            return false;
    return (asymmetric && floor) || (centred && round);
}

static bool linear_matches(const c2s_step *step, const c2s_type *y) {
    const c2s_node *node = step->node;
    bool longer = true; /* pytorch_half_pixel puts an only sample at 0 */
    for (int i = 2; i < y->rank; i++)
        longer = longer && y->dim[i] > 1;
    return is_text(node, "coordinate_transformation_mode", "half_pixel", "half_pixel") ||
           (longer &&
            is_text(node, "coordinate_transformation_mode", "half_pixel", "pytorch_half_pixel"));
}

static bool describe(const c2s_step *step, dnnl_alg_kind_t *kind) {
    const c2s_node *node = step->node;
    const c2s_type *x = c2s_step_type(step, 0);
    if (!c2s_step_wants(step, 0) || !c2s_dnnl_accepts(x) ||
        !c2s_dnnl_accepts(&step->out[0]->type) || x->rank < 3 || x->rank > 5 ||
        step->out[0]->type.rank != x->rank || c2s_attr_has(node, "axes") ||
        c2s_attr_int(node, "antialias", 0) != 0 || c2s_attr_int(node, "exclude_outside", 0) != 0 ||
        !is_text(node, "keep_aspect_ratio_policy", "stretch", "stretch"))
        return false;
    const c2s_type *y = &step->out[0]->type;
    if (x->dim[0] != y->dim[0] || x->dim[1] != y->dim[1] || !scale_is_exact(step, x, y))
        return false;
    bool nearest = is_text(node, "mode", "nearest", "nearest");
    *kind = nearest ? dnnl_resampling_nearest : dnnl_resampling_linear;
    if (!nearest && !c2s_step_layout(step, 0) && c2s_processor_has_fma())
        return false; /* resize_planes.c is faster on rows */
    return nearest ? nearest_matches(step, x, y)
                   : is_text(node, "mode", "nearest", "linear") && linear_matches(step, y);
}

static bool resample_accepts(const c2s_step *step) {
    dnnl_alg_kind_t kind;
    return describe(step, &kind);
}

static c2s_status build(c2s_step *step, dnnl_alg_kind_t kind, c2s_const_md src, c2s_const_md dst) {
    dnnl_primitive_desc_t pd;
    c2s_md any = NULL;
    c2s_const_md layout = c2s_step_layout(step, 0);
    const c2s_type *y = &step->out[0]->type;
    if (layout)
        C2S_TRY(c2s_dnnl_check(c2s_md_any(&any, y->rank, y->dim, dnnl_f32), "tensor"));
    c2s_status status = c2s_dnnl_check(c2s_pd_resampling(&pd, c2s_dnnl_engine(step->dnnl), kind,
                                                         layout ? layout : src, layout ? any : dst,
                                                         c2s_dnnl_attr(step->dnnl)),
                                       "resampling");
    c2s_md_free(any);
    C2S_TRY(status);
    return c2s_primitive_unary(step, pd, src, dst);
}

static c2s_status resample_prepare(c2s_step *step) {
    dnnl_alg_kind_t kind;
    c2s_md src = NULL, dst = NULL;
    if (!describe(step, &kind))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    c2s_status status = c2s_md_of(&src, c2s_step_type(step, 0));
    if (status == C2S_OK)
        status = c2s_md_of(&dst, &step->out[0]->type);
    if (status == C2S_OK)
        status = build(step, kind, src, dst);
    c2s_md_free(src);
    c2s_md_free(dst);
    return status;
}

const c2s_kernel_family c2s_kernels_dnnl_resample = {
    .name = "dnnl_resample",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = resample_accepts,
    .prepare = resample_prepare,
    .run = c2s_primitive_run_state,
    .release = c2s_primitive_release,
    .finite_only = c2s_step_always,
};
