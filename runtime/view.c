/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators whose output is the input's bytes with another shape: no copy.
 */
#include "runtime/kernel.h"

static bool view_accepts(const c2s_step *step) {
    size_t in, out;
    return c2s_step_wants(step, 0) && step->out[0]->type.dtype == c2s_step_type(step, 0)->dtype &&
           c2s_type_elements(c2s_step_type(step, 0), &in) &&
           c2s_type_elements(&step->out[0]->type, &out) && in == out;
}

static c2s_status view_run(c2s_step *step) {
    const c2s_type *type = &step->out[0]->type;
    return c2s_tensor_reshape(step->in[0]->tensor, type->rank, type->dim, &step->out[0]->tensor);
}

const c2s_kernel_family c2s_kernels_view = {
    .name = "view",
    .flags = C2S_KERNEL_MAKES_OUTPUTS,
    .accepts = view_accepts,
    .run = view_run,
};
