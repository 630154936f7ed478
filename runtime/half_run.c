/* SPDX-License-Identifier: Apache-2.0
 *
 * Results that float16 cannot hold.
 */
#include <math.h>

#include "runtime/dnnl_primitive.h"
#include "runtime/half.h"
#include "runtime/layout.h"
#include "runtime/post_ops.h"
#include "runtime/range.h"

/* From here on, rounding to float16 gives infinity. */
#define F16_LIMIT 65520.0f
/* What rounding may add to a sum. */
#define SLACK 1.001f

/* What comes out of a post does not depend on how large its input is: beyond a moderate number. */
static bool saturates(const c2s_post *post) {
    return post->kind == dnnl_eltwise_logistic || post->kind == dnnl_eltwise_tanh ||
           (post->kind == dnnl_eltwise_clip_v2 && isfinite(post->alpha) && isfinite(post->beta));
}

/* A large input comes out as large, or as what comes out of any that is larger. */
static bool shows(const c2s_post *post) {
    return (post->kind == dnnl_eltwise_relu && post->alpha == 0) ||
           post->kind == dnnl_eltwise_abs || post->kind == dnnl_binary_max ||
           post->kind == dnnl_binary_min;
}

static bool is_below(float most, float limit) {
    return most >= 0 && most < limit;
}

/* From the inputs on: a large result may go on to where it shows. */
static bool within_forward(const c2s_step *step, float limit) {
    float most = c2s_range_of_node(step);
    bool large = !is_below(most, limit);
    for (unsigned k = 0; k < step->post_count; k++) {
        const c2s_post *post = &step->posts[k];
        if (large && saturates(post))
            most = c2s_post_most(post, limit);
        else if (large && !shows(post))
            return false;
        else if (!large)
            most = c2s_range_of_post(step, k, most);
        large = large && !saturates(post) ? true : !is_below(most, limit);
    }
    return true;
}

/* From the result back: it shows what was added to how large a number. A large negative one that
 * Relu takes away would have been taken away if infinite, too. */
static bool within_backward(const c2s_step *step, float limit) {
    float most = step->out[0]->most;
    for (unsigned k = step->post_count; k-- > 0 && most >= 0;) {
        const c2s_post *post = &step->posts[k];
        if (post->kind == dnnl_binary_add || post->kind == dnnl_binary_sub) {
            const c2s_slot *operand = c2s_range_operand(step, k);
            if (operand->most < 0)
                return false;
            most = (most + operand->most) * SLACK;
        } else if (!shows(post)) {
            return false;
        }
    }
    return is_below(most, limit);
}

static bool within(c2s_step *step, float limit) {
    if (within_forward(step, limit))
        return true;
    for (unsigned k = 0; k < step->in_count; k++)
        if (step->in[k])
            c2s_range_scan(step->in[k]);
    if (within_forward(step, limit))
        return true;
    c2s_range_scan(step->out[0]);
    return within_backward(step, limit);
}

bool c2s_half_holds(c2s_step *step) {
    if (!step->widened || step->post_count == 0)
        return true;
    const c2s_slot *narrow = step->out[0]->base->narrow;
    return !narrow || narrow->type.dtype != C2S_FLOAT16 || within(step, F16_LIMIT);
}

/* bfloat16 has the range of float. */
void c2s_half_follow(c2s_step *step) {
    size_t size;
    if (!step->widened || step->node->op->flags & C2S_OP_MOVES_DATA ||
        (step->kernel && step->kernel->flags & C2S_KERNEL_MAKES_OUTPUTS))
        return;
    for (unsigned k = 0; k < step->out_count; k++) {
        c2s_slot *slot = step->out[k];
        if (!slot || !slot->base->narrow || slot->base->narrow->type.dtype != C2S_FLOAT16 ||
            (slot->most >= 0 && slot->most < F16_LIMIT) || !c2s_slot_size(slot, &size))
            continue;
        c2s_range_scan(slot);
        if (slot->most < F16_LIMIT)
            continue;
        float *data = c2s_tensor_mutable(slot->tensor);
        c2s_half_round(C2S_FLOAT16, data, data, size / sizeof *data);
        slot->most = INFINITY;
    }
}
