/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax along one axis. (oneDNN's LogSoftmax is off by 1e-6 even where the result is 0.)
 */
#include "runtime/dnnl_primitive.h"
#include "runtime/softmax.h"

bool c2s_softmax_extents(const c2s_step *step, int64_t dims[3]) {
    const c2s_type *x = c2s_step_type(step, 0);
    if (!c2s_step_wants(step, 0) || !c2s_dnnl_accepts(x) || x->rank < 1 ||
        !c2s_type_equal(x, &step->out[0]->type))
        return false;
    int64_t axis = c2s_attr_int(step->node, "axis", -1);
    axis += axis < 0 ? x->rank : 0;
    if (axis < 0 || axis >= x->rank)
        return false;
    dims[0] = dims[2] = 1;
    dims[1] = x->dim[axis];
    for (int i = 0; i < x->rank; i++)
        if (i != axis)
            dims[i < axis ? 0 : 2] *= x->dim[i];
    return true;
}

static bool softmax_accepts(const c2s_step *step) {
    int64_t dims[3];
    return c2s_softmax_extents(step, dims);
}

static c2s_status softmax_prepare(c2s_step *step) {
    int64_t dims[3];
    c2s_md md;
    dnnl_primitive_desc_t pd;
    if (!c2s_softmax_extents(step, dims))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    C2S_TRY(c2s_md_plain(&md, dims[2] == 1 ? 2 : 3, dims));
    c2s_status status = c2s_dnnl_check(
        c2s_pd_softmax(&pd, c2s_dnnl_engine(step->dnnl), md, md, 1, c2s_dnnl_attr(step->dnnl)),
        "softmax");
    if (status == C2S_OK)
        status = c2s_primitive_unary(step, pd, md, md);
    c2s_md_free(md);
    return status;
}

const c2s_kernel_family c2s_kernels_dnnl_softmax = {
    .name = "dnnl_softmax",
    .accepts = softmax_accepts,
    .prepare = softmax_prepare,
    .run = c2s_primitive_run_state,
    .release = c2s_primitive_release,
    .finite_only = c2s_step_always,
};
