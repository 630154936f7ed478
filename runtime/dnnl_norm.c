/* SPDX-License-Identifier: Apache-2.0
 *
 * LayerNormalization and LRN.
 */
#include "runtime/dnnl_primitive.h"
#include "runtime/layout.h"

static bool only_output_0(const c2s_step *step) {
    for (unsigned k = 1; k < step->out_count; k++)
        if (c2s_step_wants(step, k))
            return false;
    return c2s_step_wants(step, 0) && c2s_type_equal(c2s_step_type(step, 0), &step->out[0]->type);
}

/* Input `input` is argument `arg`, a vector of that extent. */
static c2s_status bind_vector(c2s_primitive *p, c2s_step *step, int arg, unsigned input,
                              int64_t extent) {
    c2s_md md;
    C2S_TRY(c2s_md_plain(&md, 1, &extent));
    c2s_status status = c2s_primitive_input(p, step, arg, input, md);
    c2s_md_free(md);
    return status;
}

/* Gives up a half-made primitive. */
static c2s_status finish(c2s_step *step, c2s_status status) {
    if (status != C2S_OK && step->state)
        c2s_primitive_release(step);
    return status;
}

/* ---- LayerNormalization ---- */

/* The tensor as [rows, columns]; scale and shift have one number per column. */
static bool describe_layer_norm(const c2s_step *step, int64_t dims[2]) {
    const c2s_type *x = c2s_step_type(step, 0);
    if (!only_output_0(step) || !c2s_dnnl_accepts(x) || x->rank < 1 ||
        c2s_attr_int(step->node, "stash_type", 1) != 1)
        return false;
    int64_t axis = c2s_attr_int(step->node, "axis", -1);
    axis += axis < 0 ? x->rank : 0;
    if (axis < 0 || axis >= x->rank)
        return false;
    dims[0] = dims[1] = 1;
    for (int i = 0; i < x->rank; i++)
        dims[i < axis ? 0 : 1] *= x->dim[i];
    for (unsigned k = 1; k <= 2; k++)
        if (c2s_step_has(step, k) &&
            (!c2s_dnnl_accepts(c2s_step_type(step, k)) || !c2s_step_is_row(step, k, (int)axis)))
            return false;
    return c2s_step_has(step, 1);
}

static bool layer_norm_accepts(const c2s_step *step) {
    int64_t dims[2];
    return describe_layer_norm(step, dims);
}

static c2s_status layer_norm_prepare(c2s_step *step) {
    int64_t dims[2];
    c2s_md md;
    dnnl_primitive_desc_t pd;
    if (!describe_layer_norm(step, dims))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    bool shifts = c2s_step_has(step, 2);
    C2S_TRY(c2s_md_plain(&md, 2, dims));
    c2s_status status =
        c2s_dnnl_check(c2s_pd_layer_norm(&pd, c2s_dnnl_engine(step->dnnl), md, md,
                                         c2s_attr_float(step->node, "epsilon", 1e-5f),
                                         shifts ? dnnl_use_scale | dnnl_use_shift : dnnl_use_scale,
                                         c2s_dnnl_attr(step->dnnl)),
                       "layer normalization");
    if (status == C2S_OK)
        status = c2s_primitive_unary(step, pd, md, md);
    c2s_md_free(md);
    if (status == C2S_OK)
        status = bind_vector(step->state, step, DNNL_ARG_SCALE, 1, dims[1]);
    if (status == C2S_OK && shifts)
        status = bind_vector(step->state, step, DNNL_ARG_SHIFT, 2, dims[1]);
    return finish(step, status);
}

const c2s_kernel_family c2s_kernels_dnnl_layer_norm = {
    .name = "dnnl_layer_norm",
    .accepts = layer_norm_accepts,
    .prepare = layer_norm_prepare,
    .run = c2s_primitive_run_state,
    .release = c2s_primitive_release,
};

/* ---- LRN ---- */

/* The library's window is symmetric: odd sizes only. */
static bool lrn_accepts(const c2s_step *step) {
    const c2s_type *x = c2s_step_type(step, 0);
    int64_t size = c2s_attr_int(step->node, "size", 0);
    return only_output_0(step) && c2s_dnnl_accepts(x) && x->rank == 4 && size > 0 &&
           size < 1 << 16 && size % 2 == 1;
}

static c2s_status lrn_prepare(c2s_step *step) {
    const c2s_node *node = step->node;
    c2s_md md;
    dnnl_primitive_desc_t pd;
    C2S_TRY(c2s_md_of(&md, c2s_step_type(step, 0)));
    c2s_const_md layout = c2s_step_layout(step, 0) ? c2s_step_layout(step, 0) : md;
    c2s_status status = c2s_dnnl_check(
        c2s_pd_lrn(&pd, c2s_dnnl_engine(step->dnnl), layout, layout, c2s_attr_int(node, "size", 1),
                   c2s_attr_float(node, "alpha", 0.0001f), c2s_attr_float(node, "beta", 0.75f),
                   c2s_attr_float(node, "bias", 1), c2s_dnnl_attr(step->dnnl)),
        "LRN");
    if (status == C2S_OK)
        status = c2s_primitive_unary(step, pd, md, md);
    c2s_md_free(md);
    return status;
}

const c2s_kernel_family c2s_kernels_dnnl_lrn = {
    .name = "dnnl_lrn",
    .flags = C2S_KERNEL_LAYOUTS,
    .finite_only = c2s_step_always, /* its sums go from one window to the next */
    .accepts = lrn_accepts,
    .prepare = lrn_prepare,
    .run = c2s_primitive_run_state,
    .release = c2s_primitive_release,
};
