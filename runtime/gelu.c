/* SPDX-License-Identifier: Apache-2.0
 *
 * Gelu of large tensors: the operator, and what was written out as others.
 */
#include <string.h>

#include "base/threads.h"
#include "runtime/dnnl_primitive.h"
#include "runtime/dnnl_processor.h"
#include "runtime/groups.h"
#include "runtime/vector_math.h"

C2S_V8 static void gelu(const float *x, float *y, int64_t count, bool by_tanh, float factor) {
    for (int64_t i = 0; i < count; i += 8) {
        const c2s_v8 v = v8_load_most(x + i, count - i);
        v8_store_most(y + i, count - i, (by_tanh ? v8_gelu_tanh(v) : v8_gelu(v)) * v8_set(factor));
    }
}

enum { BLOCK = 64 }; /* elements */

static size_t block_count(const c2s_step *step) {
    return (step->in[0]->tensor->count + BLOCK - 1) / BLOCK;
}

/* Blocks `from` .. `to` - 1. */
static void gelu_range(const c2s_step *step, size_t from, size_t to, bool by_tanh, float factor) {
    const size_t count = step->in[0]->tensor->count, start = from * BLOCK,
                 end = to * BLOCK < count ? to * BLOCK : count;
    gelu((const float *)c2s_tensor_data(step->in[0]->tensor) + start,
         (float *)c2s_tensor_mutable(step->out[0]->tensor) + start, (int64_t)(end - start), by_tanh,
         factor);
}

/* ---- written out (group_gelu.c) ---- */

static bool gelu_accepts(const c2s_step *step) {
    return c2s_dnnl_accepts(&step->out[0]->type);
}

static void gelu_blocks(const void *context, size_t from, size_t to) {
    const c2s_step *step = context;
    const c2s_post *post = &step->group->post;
    gelu_range(step, from, to, post->kind == (int)dnnl_eltwise_gelu_tanh, post->factor);
}

static c2s_status gelu_run(c2s_step *step) {
    c2s_share(block_count(step), true, gelu_blocks, step);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_gelu = {
    .name = "gelu",
    .accepts = gelu_accepts,
    .run = gelu_run,
};

/* ---- the operator ---- */

static bool is_by_tanh(const c2s_node *node) {
    return strcmp(c2s_attr_string(node, "approximate", "none"), "tanh") == 0;
}

static bool gelu_operator_accepts(const c2s_step *step) {
    return c2s_processor_has_fma() && c2s_step_wants(step, 0) &&
           c2s_dnnl_accepts(c2s_step_type(step, 0)) && gelu_accepts(step);
}

static void gelu_operator_blocks(const void *context, size_t from, size_t to) {
    const c2s_step *step = context;
    gelu_range(step, from, to, is_by_tanh(step->node), 1);
}

static c2s_status gelu_operator_run(c2s_step *step) {
    c2s_share(block_count(step), true, gelu_operator_blocks, step);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_gelu_operator = {
    .name = "gelu_operator",
    .accepts = gelu_operator_accepts,
    .run = gelu_operator_run,
};
