/* SPDX-License-Identifier: Apache-2.0
 *
 * Conv with windows of 3 x 3 and stride 1 by Winograd's method, where that takes far fewer
 * products than the library's convolution: it has none of the kind for processors with AVX2.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "ops/window.h"
#include "runtime/folded_weights.h"
#include "runtime/layout.h"
#include "runtime/post_ops.h"
#include "runtime/dnnl_processor.h"
#include "runtime/winograd_math.h"

enum { BLOCK = 8 };

/* Transformed weights are 16/9 or 4 times as large as the others. Beyond this, and that is where
 * reading them takes most of the time, those of squares of 4 are not worth it; nor for few results,
 * where the products that they save take no longer than reading what they have more. */
#define MOST_WEIGHTS ((size_t)16 << 20)
enum { LEAST_RESULTS = 200 }; /* per channel */

/* ---- where ---- */

static bool is_plain_window(const c2s_window *window) {
    for (int i = 0; i < 2; i++)
        if (window->kernel[i] != 3 || window->stride[i] != 1 || window->dilation[i] != 1 ||
            window->pad_begin[i] < 0)
            return false;
    return true;
}

/* How many times fewer products squares of a side take. */
static double saving(const c2s_type *y, int square) {
    int64_t rows = (y->dim[2] + square - 1) / square, columns = (y->dim[3] + square - 1) / square;
    int side = square + 2;
    return 9.0 * (double)(y->dim[2] * y->dim[3]) / (double)(rows * columns * side * side);
}

/* The side of the squares; 0: the method does not pay. */
static int choose_square(const c2s_winograd *w, const c2s_type *y) {
    c2s_winograd four = *w;
    four.square = 4;
    size_t count;
    bool fits = c2s_winograd_weights_size(&four, &count) && count <= MOST_WEIGHTS / sizeof(float);
    bool many = y->dim[0] * y->dim[2] * y->dim[3] >= LEAST_RESULTS;
    int square = fits && many && saving(y, 4) > saving(y, 2) ? 4 : 2;
    return saving(y, square) >= 1.6 ? square : 0;
}

static bool describe(const c2s_step *step, c2s_winograd *w) {
    const c2s_type *x = c2s_step_type(step, 0), *weights = c2s_step_type(step, 1);
    const c2s_type *bias = c2s_step_type(step, 2);
    c2s_window window;
    if (!c2s_processor_has_fma() || c2s_processor_has_avx512() || !c2s_step_chooses(step) ||
        !c2s_step_wants(step, 0) || !c2s_dnnl_accepts(x) || !c2s_dnnl_accepts(weights) ||
        !c2s_dnnl_accepts(&step->out[0]->type) || !c2s_step_constant(step, 1) || x->rank != 4 ||
        weights->rank != 4 || (c2s_step_has(step, 2) && !c2s_dnnl_accepts(bias)))
        return false;
    int64_t in = weights->dim[1], out = weights->dim[0];
    const c2s_type *y = &step->out[0]->type;
    if (c2s_attr_int(step->node, "group", 1) != 1 || x->dim[1] != in || y->dim[1] != out ||
        in < 2 * BLOCK || out < 2 * BLOCK || in % BLOCK || out % BLOCK ||
        (c2s_step_has(step, 2) && (bias->rank != 1 || bias->dim[0] != out)))
        return false;
    if (c2s_window_of(step->node, false, x, weights, &window) != C2S_OK) {
        c2s_error_clear();
        return false;
    }
    if (!is_plain_window(&window) || window.out[0] != y->dim[2] || window.out[1] != y->dim[3])
        return false;
    *w = (c2s_winograd){.in_blocks = (size_t)in / BLOCK,
                        .out_blocks = (size_t)out / BLOCK,
                        .images = (size_t)x->dim[0],
                        .in_height = x->dim[2],
                        .in_width = x->dim[3],
                        .out_height = y->dim[2],
                        .out_width = y->dim[3],
                        .pad_top = window.pad_begin[0],
                        .pad_left = window.pad_begin[1]};
    w->square = choose_square(w, y);
    return w->square != 0;
}

static bool winograd_accepts(const c2s_step *step) {
    c2s_winograd w;
    return describe(step, &w);
}

/* ---- preparing ---- */

typedef struct winograd_state {
    c2s_winograd w;
    c2s_bytes *weights;
    c2s_tensor *bias; /* zeros, if the node has none, or with posts in it; NULL: input 2 */
    c2s_winograd_post posts[C2S_MOST_POSTS]; /* those that are not folded */
    unsigned post_count;
    unsigned operand[C2S_MOST_POSTS]; /* inputs of the step; 0: none */
} winograd_state;

static void winograd_release(c2s_step *step) {
    winograd_state *s = step->state;
    c2s_bytes_unref(s->weights);
    c2s_tensor_unref(s->bias);
    free(s);
    step->state = NULL;
}

/* Infinity and NaN would spread to all results around. */
static bool is_finite(const float *data, size_t count) {
    bool finite = true;
    for (size_t k = 0; k < count; k++)
        finite &= fabsf(data[k]) <= FLT_MAX / 16;
    return finite;
}

static c2s_status make_weights(const c2s_tensor *tensor, const void *how, c2s_bytes **out) {
    const c2s_winograd *w = how;
    size_t count, size;
    *out = NULL;
    if (!is_finite(c2s_tensor_data(tensor), tensor->count))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "some weights are not finite");
    *out = c2s_winograd_weights_size(w, &count) && c2s_mul_size(count, sizeof(float), &size)
               ? c2s_bytes_alloc(size)
               : NULL;
    if (!*out)
        return c2s_fail(C2S_ERR_MEMORY, "no memory for transformed weights");
    c2s_winograd_weights(w, c2s_tensor_data(tensor), (float *)(*out)->data);
    return C2S_OK;
}

static bool translate_kind(const c2s_post *post, c2s_winograd_post *out) {
    switch (post->kind) {
    case dnnl_binary_add:
        out->kind = C2S_WINOGRAD_ADD;
        return true;
    case dnnl_binary_sub:
        out->kind = C2S_WINOGRAD_SUBTRACT;
        return true;
    case dnnl_binary_mul:
        out->kind = C2S_WINOGRAD_MULTIPLY;
        return true;
    case dnnl_eltwise_relu:
        out->kind = C2S_WINOGRAD_LEAKY;
        return true;
    case dnnl_eltwise_clip_v2:
        out->kind = C2S_WINOGRAD_CLIP;
        return true;
    case dnnl_eltwise_logistic:
        out->kind = C2S_WINOGRAD_SIGMOID;
        return true;
    case dnnl_eltwise_swish:
        out->kind = C2S_WINOGRAD_SWISH;
        return true;
    case dnnl_eltwise_hardswish:
        out->kind = C2S_WINOGRAD_HARDSWISH;
        return true;
    default:
        return false;
    }
}

static c2s_status take_posts(c2s_step *step, winograd_state *s, c2s_const_md layout) {
    const c2s_type *y = &step->out[0]->type;
    c2s_post_target target = {.rank = y->rank, .dims = y->dim, .channel = 1, .dst = layout};
    unsigned input = step->own_count;
    for (unsigned k = 0; k < step->folded_posts; k++)
        input += step->posts[k].binary;
    for (unsigned k = step->folded_posts; k < step->post_count; k++) {
        const c2s_post *from = &step->posts[k];
        unsigned at = s->post_count++;
        c2s_winograd_post *post = &s->posts[at];
        *post = (c2s_winograd_post){.alpha = from->alpha, .beta = from->beta};
        if (!translate_kind(from, post) || from->factor != 1)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "a following operation is not among ours");
        if (!from->binary)
            continue;
        c2s_post_shape shape = c2s_post_shape_of(step, &target, from->operand);
        if (shape == C2S_POST_OTHER)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "an operand is broadcast in another way");
        post->shape = shape == C2S_POST_FULL      ? C2S_WINOGRAD_FULL
                      : shape == C2S_POST_CHANNEL ? C2S_WINOGRAD_CHANNEL
                                                  : C2S_WINOGRAD_SCALAR;
        s->operand[at] = input;
        C2S_TRY(c2s_step_take(step, input++, shape == C2S_POST_FULL ? layout : NULL));
    }
    return C2S_OK;
}

static c2s_status transform_weights(c2s_step *step, winograd_state *s) {
    if (step->folded_posts) {
        c2s_tensor *weights;
        C2S_TRY(c2s_weights_fold(step, &weights, &s->bias));
        c2s_status status = make_weights(weights, &s->w, &s->weights);
        c2s_tensor_unref(weights);
        return status;
    }
    const c2s_tensor *weights = c2s_step_constant(step, 1);
    if (!c2s_step_has(step, 2)) {
        C2S_TRY(c2s_tensor_create(C2S_FLOAT, 1, weights->type.dim, &s->bias));
        memset(c2s_tensor_mutable(s->bias), 0, c2s_tensor_size(s->bias));
    }
    c2s_pack_form form = {.name = s->w.square == 2 ? "winograd 2" : "winograd 4"};
    return c2s_dnnl_pack_as(step->dnnl, weights, &form, make_weights, &s->w, &s->weights);
}

static c2s_status build(c2s_step *step, winograd_state *s) {
    c2s_md in = NULL, out = NULL;
    c2s_status status = c2s_layout_blocked(&step->in[0]->type, BLOCK, &in);
    if (status == C2S_OK)
        status = c2s_layout_blocked(&step->out[0]->type, BLOCK, &out);
    if (status == C2S_OK)
        status = take_posts(step, s, out);
    if (status == C2S_OK)
        status = c2s_step_take(step, 0, in);
    if (status == C2S_OK)
        status = c2s_step_give(step, 0, out);
    c2s_md_free(in);
    c2s_md_free(out);
    if (status != C2S_OK)
        return status;
    return transform_weights(step, s);
}

static c2s_status winograd_prepare(c2s_step *step) {
    winograd_state *s = step->state = c2s_zalloc(sizeof *s);
    if (!describe(step, &s->w)) {
        winograd_release(step);
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    }
    step->folded_posts = c2s_posts_foldable(step);
    c2s_status status = build(step, s);
    if (status != C2S_OK)
        winograd_release(step);
    return status;
}

/* ---- running ---- */

static c2s_status winograd_run(c2s_step *step) {
    winograd_state *s = step->state;
    unsigned threads = (unsigned)c2s_most_threads();
    size_t size;
    void *work;
    if (!c2s_mul_size(c2s_winograd_work_size(&s->w), threads * sizeof(float), &size))
        return c2s_fail(C2S_ERR_MEMORY, "the work space is too large");
    C2S_TRY(c2s_dnnl_work_space(step->dnnl, size, &work));
    for (unsigned k = 0; k < s->post_count; k++)
        if (s->operand[k])
            s->posts[k].operand = c2s_tensor_data(step->in[s->operand[k]]->tensor);
    const float *bias = c2s_tensor_data(s->bias ? s->bias : step->in[2]->tensor);
    c2s_winograd_run(&s->w, c2s_tensor_data(step->in[0]->tensor), (const float *)s->weights->data,
                     bias, s->posts, s->post_count, work, threads,
                     c2s_tensor_mutable(step->out[0]->tensor));
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_winograd = {
    .name = "winograd",
    .flags = C2S_KERNEL_LAYOUTS | C2S_KERNEL_POSTS,
    .accepts = winograd_accepts,
    .prepare = winograd_prepare,
    .run = winograd_run,
    .release = winograd_release,
    .finite_only = c2s_step_always,
    /* Sums of transformed inputs, weights and products are at most 343 times as large as sums of
     * all inputs times the largest weight. */
    .headroom = 512,
    .alike_beyond = 1e9f, /* tiles share sums */
};
