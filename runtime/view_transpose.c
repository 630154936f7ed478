/* SPDX-License-Identifier: Apache-2.0
 *
 * Transpose moves nothing: its result is the input's memory in another layout, which products of
 * matrices, convolutions and elementwise operations read as it is. For whoever wants it row-major
 * the plan adds a step that does it.
 */
#include "runtime/view_transpose.h"

#include <string.h>

#include "runtime/layout.h"

bool c2s_transpose_order(const c2s_step *step, int64_t *order) {
    int rank = c2s_step_type(step, 0)->rank;
    size_t count;
    const int64_t *perm = c2s_attr_ints(step->node, "perm", &count);
    bool seen[C2S_MAX_RANK] = {false};
    if (perm && count != (size_t)rank)
        return false;
    for (int i = 0; i < rank; i++) {
        order[i] = perm ? perm[i] : rank - 1 - i;
        if (order[i] < 0 || order[i] >= rank || seen[order[i]])
            return false;
        seen[order[i]] = true;
    }
    return true;
}

static bool transpose_accepts(const c2s_step *step) {
    int64_t order[C2S_MAX_RANK];
    return c2s_step_wants(step, 0) && c2s_dnnl_accepts(c2s_step_type(step, 0)) &&
           c2s_step_type(step, 0)->rank >= 2 && c2s_step_chooses(step) &&
           c2s_transpose_order(step, order);
}

/* True if such strides are those of the row-major order, for all axes where they count. */
static bool is_plain(const c2s_type *type, const int64_t *stride) {
    int64_t count = 1;
    for (int i = type->rank - 1; i >= 0; i--) {
        if (type->dim[i] != 1 && stride[i] != count)
            return false;
        count *= type->dim[i];
    }
    return true;
}

static c2s_status transpose_prepare(c2s_step *step) {
    const c2s_type *in = c2s_step_type(step, 0), *out = &step->out[0]->type;
    int64_t order[C2S_MAX_RANK], from[C2S_MAX_RANK], to[C2S_MAX_RANK], count = 1;
    c2s_const_md md = c2s_step_layout(step, 0);
    for (int i = in->rank - 1; i >= 0; i--) {
        from[i] = count;
        count *= in->dim[i];
    }
    if (md && !c2s_md_strides(md, from))
        md = NULL;
    if (!c2s_transpose_order(step, order))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the axes do not fit");
    C2S_TRY(c2s_step_take(step, 0, md));
    for (int i = 0; i < out->rank; i++)
        to[i] = from[order[i]];
    if (is_plain(out, to))
        return c2s_step_give(step, 0, NULL);
    c2s_md layout;
    C2S_TRY(
        c2s_dnnl_check(c2s_md_strided(&layout, out->rank, out->dim, to, dnnl_f32), "descriptor"));
    c2s_status status = c2s_step_give(step, 0, layout);
    c2s_md_free(layout);
    return status;
}

static c2s_status transpose_run(c2s_step *step) {
    const c2s_tensor *in = step->in[0]->tensor;
    const c2s_type *out = &step->out[0]->type;
    return c2s_tensor_view(out->dtype, out->rank, out->dim, in->bytes, in->offset,
                           &step->out[0]->tensor);
}

const c2s_kernel_family c2s_kernels_transpose = {
    .name = "transpose",
    .flags = C2S_KERNEL_MAKES_OUTPUTS | C2S_KERNEL_LAYOUTS,
    .accepts = transpose_accepts,
    .prepare = transpose_prepare,
    .run = transpose_run,
};
