/* SPDX-License-Identifier: Apache-2.0
 *
 * Conv and ConvTranspose straight from row-major images (direct_math.h), where oneDNN has to fill
 * up blocks of channels, or has no code of its own.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "ops/window.h"
#include "runtime/direct_math.h"
#include "runtime/dnnl_processor.h"
#include "runtime/folded_weights.h"
#include "runtime/layout.h"
#include "runtime/post_ops.h"

/* ---- where ---- */

#define LARGEST ((int64_t)1 << 20)

static bool axis_of(const c2s_window *w, int i, c2s_direct_axis *out) {
    if (w->stride[i] > LARGEST || w->dilation[i] > LARGEST || w->pad_begin[i] < 0 ||
        w->pad_begin[i] > LARGEST || w->kernel[i] > LARGEST || w->kernel[i] < 1 || w->in[i] < 1 ||
        w->out[i] < 1)
        return false;
    *out = c2s_direct_axis_of(w->transposed, w->in[i], w->out[i], w->kernel[i], w->stride[i],
                              w->dilation[i], w->pad_begin[i]);
    return true;
}

static bool has_numbers(const c2s_step *step, unsigned input) {
    return c2s_step_constant(step, input) && c2s_dnnl_accepts(c2s_step_type(step, input));
}

static bool describe(const c2s_step *step, bool transposed, c2s_direct *d) {
    const c2s_type *x = c2s_step_type(step, 0), *w = c2s_step_type(step, 1), *y;
    c2s_window window;
    if (!c2s_processor_has_fma() || c2s_processor_has_avx512() || !c2s_step_wants(step, 0) ||
        !c2s_dnnl_accepts(x) || !has_numbers(step, 1) || x->rank < 3 || x->rank > 4 ||
        w->rank != x->rank || (c2s_step_has(step, 2) && !has_numbers(step, 2)))
        return false;
    y = &step->out[0]->type;
    int64_t groups = c2s_attr_int(step->node, "group", 1);
    if (!c2s_dnnl_accepts(y) || groups < 1 || x->dim[1] % groups || y->dim[1] % groups ||
        w->dim[0] != (transposed ? x : y)->dim[1] ||
        w->dim[1] != (transposed ? y : x)->dim[1] / groups ||
        (c2s_step_has(step, 2) && c2s_step_constant(step, 2)->count != (size_t)y->dim[1]))
        return false;
    if (c2s_window_of(step->node, transposed, x, w, &window) != C2S_OK) {
        c2s_error_clear();
        return false;
    }
    *d = (c2s_direct){.images = x->dim[0],
                      .groups = groups,
                      .group_in = x->dim[1] / groups,
                      .group_out = y->dim[1] / groups,
                      .transposed = transposed,
                      .row = c2s_direct_axis_of(false, 1, 1, 1, 1, 1, 0)};
    return (window.rank == 1 || axis_of(&window, 0, &d->row)) &&
           axis_of(&window, window.rank - 1, &d->column);
}

/* A block of channels that is not filled costs for each tap of the window; an input in blocks is
 * brought into rows once. */
static bool saves_reorder(const c2s_step *step, const c2s_direct *d) {
    enum { REORDER = 16, BLOCK = 8 };
    int64_t taps = d->row.kernel * d->column.kernel;
    return !c2s_step_layout(step, 0) || taps * (BLOCK - d->group_out) >= REORDER;
}

static bool conv_accepts(const c2s_step *step) {
    c2s_direct d;
    enum { BLOCK = 8, FEW = 6 };
    if (!describe(step, false, &d))
        return false;
    if (d.groups == 1)
        return d.group_out <= FEW && saves_reorder(step, &d);
    if (d.group_in == 1 && d.group_out == 1)
        return !c2s_step_layout(step, 0);
    return d.group_in % BLOCK || d.group_out % BLOCK || (d.row.kernel == 1 && d.column.kernel == 1);
}

static bool deconv_accepts(const c2s_step *step) {
    c2s_direct d;
    return describe(step, true, &d);
}

/* ---- preparing ---- */

typedef struct direct_state {
    c2s_direct d;
    c2s_bytes *weights;
    c2s_tensor *bias; /* of the folded posts, or zeros; NULL: input 2 */
    float low, high;
    c2s_tail tail;
    unsigned operand[C2S_MOST_TAIL]; /* inputs of the step; 0: none */
} direct_state;

static void direct_release(c2s_step *step) {
    direct_state *s = step->state;
    c2s_direct_free(&s->d);
    c2s_bytes_unref(s->weights);
    c2s_tensor_unref(s->bias);
    free(s);
    step->state = NULL;
}

static c2s_status make_weights(const c2s_tensor *tensor, const void *how, c2s_bytes **out) {
    *out = c2s_bytes_alloc(tensor->count * sizeof(float));
    if (!*out)
        return c2s_fail_alloc(tensor->count, sizeof(float));
    c2s_direct_weights(how, c2s_tensor_data(tensor), (float *)(*out)->data);
    return C2S_OK;
}

static c2s_status pack_weights(c2s_step *step, direct_state *s) {
    const c2s_direct *d = &s->d;
    if (step->folded_posts) {
        c2s_tensor *weights;
        C2S_TRY(c2s_weights_fold(step, &weights, &s->bias));
        c2s_status status = make_weights(weights, d, &s->weights);
        c2s_tensor_unref(weights);
        return status;
    }
    if (!c2s_step_has(step, 2)) {
        C2S_TRY(c2s_tensor_create(C2S_FLOAT, 1, &step->out[0]->type.dim[1], &s->bias));
        memset(c2s_tensor_mutable(s->bias), 0, c2s_tensor_size(s->bias));
    }
    const c2s_pack_form form = {
        d->transposed ? "direct transposed" : "direct",
        {d->groups, d->row.phases, d->column.phases, d->row.dilation, d->column.dilation}};
    return c2s_dnnl_pack_as(step->dnnl, c2s_step_constant(step, 1), &form, make_weights, d,
                            &s->weights);
}

/* Where a post's operand lies for (channel, position). */
static c2s_status take_operand(c2s_step *step, const c2s_post *post, unsigned input,
                               c2s_tail_op *op) {
    const c2s_type *y = &step->out[0]->type;
    const c2s_post_target target = {.rank = y->rank, .dims = y->dim, .channel = 1};
    switch (c2s_post_shape_of(step, &target, post->operand)) {
    case C2S_POST_FULL:
        op->column = 1;
        op->row = 1;
        for (int i = 2; i < y->rank; i++)
            op->row *= y->dim[i];
        break;
    case C2S_POST_CHANNEL:
        op->row = 1;
        break;
    case C2S_POST_SCALAR:
        break;
    case C2S_POST_OTHER:
        return c2s_fail(C2S_ERR_UNSUPPORTED, "an operand is broadcast in another way");
    }
    return c2s_step_take(step, input, NULL);
}

/* Clamps right behind the sums are done in registers. */
static bool take_clamp(const c2s_post *post, direct_state *s) {
    bool relu = post->kind == dnnl_eltwise_relu && post->alpha == 0;
    if (s->tail.count || post->binary || post->factor != 1 || s->low > -INFINITY ||
        s->high < INFINITY || (!relu && post->kind != dnnl_eltwise_clip_v2))
        return false;
    s->low = relu ? 0 : post->alpha;
    s->high = relu ? INFINITY : post->beta;
    return true;
}

static c2s_status take_posts(c2s_step *step, direct_state *s) {
    unsigned input = step->own_count;
    for (unsigned k = 0; k < step->post_count; k++) {
        const c2s_post *post = &step->posts[k];
        unsigned operand = post->binary ? input++ : 0, at = s->tail.count;
        if (k < step->folded_posts || take_clamp(post, s))
            continue;
        if (!c2s_tail_serves(post->kind, post->binary))
            return c2s_fail(C2S_ERR_UNSUPPORTED, "there is no code for a post-operation");
        c2s_tail_op *op = c2s_tail_add(&s->tail, post);
        s->operand[at] = operand;
        if (operand)
            C2S_TRY(take_operand(step, post, operand, op));
    }
    return C2S_OK;
}

static c2s_status build(c2s_step *step, direct_state *s) {
    if (!c2s_direct_finish(&s->d))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the strides are too large");
    C2S_TRY(take_posts(step, s));
    C2S_TRY(c2s_step_take(step, 0, NULL));
    C2S_TRY(c2s_step_give(step, 0, NULL));
    return pack_weights(step, s);
}

static c2s_status prepare(c2s_step *step, bool transposed) {
    direct_state *s = step->state = c2s_zalloc(sizeof *s);
    s->low = -INFINITY;
    s->high = INFINITY;
    step->folded_posts = transposed ? 0 : c2s_posts_foldable(step);
    c2s_status status = describe(step, transposed, &s->d)
                            ? build(step, s)
                            : c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    if (status != C2S_OK)
        direct_release(step);
    return status;
}

static c2s_status conv_prepare(c2s_step *step) {
    return prepare(step, false);
}

static c2s_status deconv_prepare(c2s_step *step) {
    return prepare(step, true);
}

/* ---- running ---- */

static c2s_status direct_run(c2s_step *step) {
    direct_state *s = step->state;
    size_t size, threads = (size_t)c2s_most_threads();
    void *work;
    if (!c2s_mul_size(c2s_direct_work_size(&s->d), threads * sizeof(float), &size))
        return c2s_fail(C2S_ERR_MEMORY, "the work space is too large");
    C2S_TRY(c2s_dnnl_work_space(step->dnnl, size, &work));
    for (unsigned k = 0; k < s->tail.count; k++)
        if (s->operand[k])
            s->tail.op[k].operand = c2s_tensor_data(step->in[s->operand[k]]->tensor);
    const c2s_direct_run r = {.x = c2s_tensor_data(step->in[0]->tensor),
                              .weights = (const float *)s->weights->data,
                              .bias = c2s_tensor_data(s->bias ? s->bias : step->in[2]->tensor),
                              .low = s->low,
                              .high = s->high,
                              .tail = &s->tail,
                              .work = work,
                              .y = c2s_tensor_mutable(step->out[0]->tensor)};
    c2s_direct_run_all(&s->d, &r);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_direct = {
    .name = "direct",
    .flags = C2S_KERNEL_LAYOUTS | C2S_KERNEL_POSTS | C2S_KERNEL_KEEPS_NAN,
    .accepts = conv_accepts,
    .prepare = conv_prepare,
    .run = direct_run,
    .release = direct_release,
    .finite_only = c2s_step_always,
};

const c2s_kernel_family c2s_kernels_direct_transposed = {
    .name = "direct",
    .flags = C2S_KERNEL_LAYOUTS | C2S_KERNEL_POSTS | C2S_KERNEL_KEEPS_NAN,
    .accepts = deconv_accepts,
    .prepare = deconv_prepare,
    .run = direct_run,
    .release = direct_release,
    .finite_only = c2s_step_always,
};
