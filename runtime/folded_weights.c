/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/folded_weights.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/plan.h"
#include "runtime/post_ops.h"

/* ---- BatchNormalization ---- */

/* Scale, shift, mean, variance. */
static bool find_numbers(c2s_plan *plan, const c2s_node *node, int64_t channels,
                         const float *numbers[4]) {
    for (unsigned k = 0; k < 4; k++) {
        const c2s_slot *slot = c2s_plan_slot(plan, node->inputs[k + 1].value);
        const c2s_tensor *tensor = slot ? slot->constant : NULL;
        if (!tensor || tensor->type.dtype != C2S_FLOAT || tensor->type.rank != 1 ||
            tensor->type.dim[0] != channels)
            return false;
        numbers[k] = c2s_tensor_data(tensor);
    }
    return true;
}

static c2s_affine norm_of(const c2s_node *node, const float *const numbers[4], size_t channel) {
    double epsilon = (double)c2s_attr_float(node, "epsilon", 1e-5f);
    double factor = (double)numbers[0][channel] / sqrt((double)numbers[3][channel] + epsilon);
    return (c2s_affine){factor, (double)numbers[1][channel] - (double)numbers[2][channel] * factor};
}

bool c2s_affine_post(const c2s_step *user, const c2s_slot *value, c2s_post *out) {
    const c2s_node *node = user->node;
    const float *numbers[4];
    if (node->op != &c2s_op_batch_normalization || value->type.rank < 2 ||
        node->formal_count != 5 || !user->in[0] || user->in[0]->base != value ||
        c2s_attr_int(node, "training_mode", 0) != 0 ||
        !find_numbers(user->plan, node, value->type.dim[1], numbers))
        return false;
    *out = (c2s_post){.kind = C2S_POST_AFFINE, .factor = 1, .node = {node}, .node_count = 1};
    for (size_t c = 0; c < (size_t)value->type.dim[1]; c++) {
        c2s_affine a = norm_of(node, numbers, c);
        if (!(fabs(a.factor) < (double)FLT_MAX && fabs(a.shift) < (double)FLT_MAX))
            return false;
        out->alpha = fmaxf(out->alpha, (float)fabs(a.factor));
        out->beta = fmaxf(out->beta, (float)fabs(a.shift));
    }
    return true;
}

/* ---- which ---- */

static c2s_post_shape shape_of(const c2s_step *step, const c2s_post *post) {
    const c2s_type *type = &step->out[0]->base->type;
    const c2s_post_target target = {.rank = type->rank, .dims = type->dim, .channel = 1};
    return c2s_post_shape_of(step, &target, post->operand);
}

static bool is_finite(const c2s_tensor *tensor) {
    const float *data = c2s_tensor_data(tensor);
    for (size_t k = 0; k < tensor->count; k++)
        if (!isfinite(data[k]))
            return false;
    return true;
}

static bool is_foldable(const c2s_step *step, const c2s_post *post) {
    if (post->kind == C2S_POST_AFFINE)
        return true;
    if (!post->binary || !post->operand->constant || post->factor != 1 ||
        (post->kind != dnnl_binary_add && post->kind != dnnl_binary_sub &&
         post->kind != dnnl_binary_mul))
        return false;
    c2s_post_shape shape = shape_of(step, post);
    return (shape == C2S_POST_CHANNEL || shape == C2S_POST_SCALAR) &&
           is_finite(post->operand->constant);
}

unsigned c2s_posts_foldable(const c2s_step *step) {
    const c2s_tensor *bias = c2s_step_constant(step, 2);
    if (!c2s_step_constant(step, 1) || (c2s_step_has(step, 2) && !(bias && is_finite(bias))))
        return 0;
    unsigned count = 0;
    while (count < step->post_count && is_foldable(step, &step->posts[count]))
        count++;
    return count;
}

/* ---- folding ---- */

static void follow(const c2s_step *step, const c2s_post *post, c2s_affine *all, size_t channels) {
    const float *numbers[4] = {NULL};
    bool norm = post->kind == C2S_POST_AFFINE;
    if (norm)
        find_numbers(step->plan, post->node[0], (int64_t)channels, numbers);
    else
        numbers[0] = c2s_tensor_data(post->operand->constant);
    bool same = !norm && shape_of(step, post) == C2S_POST_SCALAR;
    for (size_t c = 0; c < channels; c++) {
        double number = (double)numbers[0][same ? 0 : c];
        c2s_affine a = norm                            ? norm_of(post->node[0], numbers, c)
                       : post->kind == dnnl_binary_mul ? (c2s_affine){number, 0}
                       : post->kind == dnnl_binary_sub ? (c2s_affine){1, -number}
                                                       : (c2s_affine){1, number};
        all[c] = (c2s_affine){all[c].factor * a.factor, all[c].shift * a.factor + a.shift};
    }
}

c2s_affine *c2s_posts_affine(const c2s_step *step, size_t channels) {
    c2s_affine *all = c2s_alloc_array(channels, sizeof *all);
    for (size_t c = 0; c < channels; c++)
        all[c] = (c2s_affine){1, 0};
    for (unsigned k = 0; k < step->folded_posts; k++)
        follow(step, &step->posts[k], all, channels);
    return all;
}

/* False if a number comes out that is not finite. */
static bool fold(const c2s_tensor *weights, const c2s_tensor *bias, const c2s_affine *all, float *w,
                 float *b) {
    size_t channels = (size_t)weights->type.dim[0], each = weights->count / channels;
    const float *from = c2s_tensor_data(weights), *shift = bias ? c2s_tensor_data(bias) : NULL;
    bool finite = true;
    for (size_t c = 0; c < channels; c++) {
        for (size_t k = c * each; k < (c + 1) * each; k++) {
            w[k] = (float)((double)from[k] * all[c].factor);
            finite &= fabsf(w[k]) <= FLT_MAX;
        }
        b[c] = (float)((shift ? (double)shift[c] * all[c].factor : 0) + all[c].shift);
        finite &= fabsf(b[c]) <= FLT_MAX;
    }
    return finite;
}

c2s_status c2s_weights_fold(const c2s_step *step, c2s_tensor **weights, c2s_tensor **bias) {
    const c2s_tensor *w = c2s_step_constant(step, 1);
    size_t channels = (size_t)w->type.dim[0];
    *weights = *bias = NULL;
    c2s_affine *all = c2s_posts_affine(step, channels);
    c2s_status status = c2s_tensor_create(C2S_FLOAT, w->type.rank, w->type.dim, weights);
    if (status == C2S_OK)
        status = c2s_tensor_create(C2S_FLOAT, 1, w->type.dim, bias);
    c2s_tensor *once = NULL;
    if (status == C2S_OK)
        status = c2s_tensor_once(w, &once);
    if (status == C2S_OK && !fold(once, c2s_step_constant(step, 2), all,
                                  c2s_tensor_mutable(*weights), c2s_tensor_mutable(*bias)))
        status = c2s_fail(C2S_ERR_UNSUPPORTED, "scaled weights are not finite");
    c2s_tensor_unref(once);
    free(all);
    if (status == C2S_OK)
        return C2S_OK;
    c2s_tensor_unref(*weights);
    c2s_tensor_unref(*bias);
    *weights = *bias = NULL;
    return status;
}
