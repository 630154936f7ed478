/* SPDX-License-Identifier: Apache-2.0
 *
 * BatchNormalization, together with what scales, shifts and clamps its results.
 */
#include <math.h>

#include "runtime/channelwise.h"

static bool is_float(const c2s_type *type) {
    return c2s_type_is_tensor(type) && type->dtype == C2S_FLOAT;
}

static bool batch_norm_accepts(const c2s_step *step) {
    const c2s_type *x = c2s_step_type(step, 0);
    if (!c2s_step_wants(step, 0) || !is_float(x) || x->rank < 2 ||
        !c2s_type_equal(x, &step->out[0]->type) ||
        c2s_attr_int(step->node, "training_mode", 0) != 0)
        return false;
    for (unsigned k = 1; k < step->out_count; k++)
        if (c2s_step_wants(step, k))
            return false;
    for (unsigned k = 1; k <= 4; k++) {
        const c2s_type *type = c2s_step_type(step, k);
        if (!is_float(type) || type->rank != 1 || type->dim[0] != x->dim[1])
            return false;
    }
    return true;
}

static c2s_status batch_norm_run(c2s_step *step) {
    const c2s_norm_state *s = step->state;
    c2s_planes p = c2s_planes_of(step);
    const float *number[5];
    if (step->in[0]->tensor->count == 0)
        return C2S_OK;
    for (unsigned k = 0; k < 5; k++)
        number[k] = c2s_tensor_data(step->in[k]->tensor);
    float *y = c2s_tensor_mutable(step->out[0]->tensor);
    double epsilon = (double)c2s_attr_float(step->node, "epsilon", 1e-5f);
#pragma omp parallel for if (p.count * p.elements >= C2S_PLANES_PARALLEL)
    for (size_t i = 0; i < p.count; i++) {
        c2s_norm norm = {{0}, {0}, {0}};
        size_t first, count = c2s_planes_channels(&p, i, &first);
        for (size_t l = 0; l < count; l++) {
            size_t c = first + l;
            c2s_norm_set(s, &norm, l, c, (double)number[3][c],
                         (double)number[1][c] / sqrt((double)number[4][c] + epsilon),
                         (double)number[2][c]);
        }
        c2s_norm_apply(s, &norm, &p, first, number[0] + i * p.elements, y + i * p.elements);
    }
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_batch_norm = {
    .name = "batch_norm",
    .flags = C2S_KERNEL_LAYOUTS | C2S_KERNEL_POSTS | C2S_KERNEL_KEEPS_NAN,
    .accepts = batch_norm_accepts,
    .prepare = c2s_norm_prepare,
    .run = batch_norm_run,
    .release = c2s_norm_release,
};
