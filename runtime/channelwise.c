/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/channelwise.h"

#include <math.h>
#include <stdlib.h>

#include "runtime/layout.h"

/* ---- planes ---- */

c2s_planes c2s_planes_of(const c2s_step *step) {
    const c2s_type *type = c2s_step_type(step, 0);
    c2s_const_md layout = c2s_slot_md(step->in[0]);
    c2s_planes p = {.channels = (size_t)type->dim[1],
                    .block = layout ? (size_t)c2s_layout_block(layout, type) : 1};
    p.count = (size_t)type->dim[0] * ((p.channels + p.block - 1) / p.block);
    p.elements = p.block;
    for (int i = 2; i < type->rank; i++)
        p.elements *= (size_t)type->dim[i];
    return p;
}

size_t c2s_planes_channels(const c2s_planes *p, size_t plane, size_t *first) {
    size_t blocks = (p->channels + p->block - 1) / p->block;
    *first = plane % blocks * p->block;
    return p->channels - *first < p->block ? p->channels - *first : p->block;
}

static c2s_status choose_layout(c2s_step *step) {
    c2s_const_md layout = c2s_step_layout(step, 0);
    int64_t block = c2s_layout_block(layout, c2s_step_type(step, 0));
    if (!layout || (block != 8 && block != 16))
        return C2S_OK;
    C2S_TRY(c2s_step_take(step, 0, layout));
    return c2s_step_give(step, 0, layout);
}

/* ---- what follows ---- */

/* Scaling and shifting by constants, then one clamp. */
static c2s_status take_posts(c2s_step *step, c2s_norm_state *s) {
    step->folded_posts = step->post_count ? c2s_posts_foldable(step) : 0;
    unsigned left = step->post_count - step->folded_posts;
    const c2s_post *post = left ? &step->posts[step->folded_posts] : NULL;
    bool relu = post && post->kind == dnnl_eltwise_relu && post->alpha == 0;
    bool clips = post && post->kind == dnnl_eltwise_clip_v2;
    if (left > 1 || (left == 1 && (post->binary || post->factor != 1 || (!relu && !clips))))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a following operation is not among ours");
    if (left == 1) {
        s->low = relu ? 0 : post->alpha;
        s->high = relu ? INFINITY : post->beta;
    }
    if (step->folded_posts)
        s->folded = c2s_posts_affine(step, (size_t)c2s_step_type(step, 0)->dim[1]);
    return C2S_OK;
}

c2s_status c2s_norm_prepare(c2s_step *step) {
    c2s_norm_state *s = step->state = c2s_zalloc(sizeof *s);
    s->low = -INFINITY;
    s->high = INFINITY;
    c2s_status status = take_posts(step, s);
    if (status == C2S_OK)
        status = choose_layout(step);
    if (status != C2S_OK)
        c2s_norm_release(step);
    return status;
}

void c2s_norm_release(c2s_step *step) {
    c2s_norm_state *s = step->state;
    free(s->folded);
    free(s);
    step->state = NULL;
}

void c2s_norm_set(const c2s_norm_state *s, c2s_norm *norm, size_t l, size_t channel, double mean,
                  double factor, double shift) {
    c2s_affine then = s->folded ? s->folded[channel] : (c2s_affine){1, 0};
    norm->mean[l] = (float)mean;
    norm->factor[l] = (float)(factor * then.factor);
    norm->shift[l] =
        (float)((shift + ((double)norm->mean[l] - mean) * factor) * then.factor + then.shift);
}

/* ---- loops ---- */

static inline float clamp(const c2s_norm_state *s, float y) {
    y = y < s->low ? s->low : y;
    return y > s->high ? s->high : y;
}

static void apply_1(const c2s_norm_state *s, const float *x, float *y, size_t count,
                    const c2s_norm *norm) {
    const float mean = norm->mean[0], factor = norm->factor[0], shift = norm->shift[0];
    for (size_t k = 0; k < count; k++)
        y[k] = clamp(s, (x[k] - mean) * factor + shift);
}

/* `block` is a constant where this is called. */
static inline void apply_block(size_t block, const c2s_norm_state *s, const float *x, float *y,
                               size_t count, const c2s_norm *norm) {
    for (size_t k = 0; k < count; k += block)
        for (size_t l = 0; l < block; l++)
            y[k + l] = clamp(s, (x[k + l] - norm->mean[l]) * norm->factor[l] + norm->shift[l]);
}

/* What only fills a block up stays 0, whatever the clamp. */
static void clear_padding(const c2s_planes *p, size_t first, float *y) {
    size_t count = p->channels - first;
    for (size_t k = 0; count < p->block && k < p->elements; k += p->block)
        for (size_t l = count; l < p->block; l++)
            y[k + l] = 0;
}

void c2s_norm_apply(const c2s_norm_state *s, const c2s_norm *norm, const c2s_planes *p,
                    size_t first, const float *x, float *y) {
    if (p->block == 1)
        apply_1(s, x, y, p->elements, norm);
    else if (p->block == 8)
        apply_block(8, s, x, y, p->elements, norm);
    else
        apply_block(16, s, x, y, p->elements, norm);
    if (s->low > 0 || s->high < 0)
        clear_padding(p, first, y);
}
