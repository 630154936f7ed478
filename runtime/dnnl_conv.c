/* SPDX-License-Identifier: Apache-2.0
 *
 * Conv and ConvTranspose over 1 to 3 spatial axes.
 */
#include <stdlib.h>

#include "ops/window.h"
#include "runtime/dnnl_processor.h"
#include "runtime/folded_weights.h"
#include "runtime/layout.h"
#include "runtime/padded_input.h"
#include "runtime/post_ops.h"

typedef struct conv {
    bool transposed;
    int rank; /* of the input */
    int64_t groups;
    c2s_window window;
    c2s_dnnl_window pads;
} conv;

/* Numbers beyond this make no sense, and keep the library's int arithmetic safe. */
#define LARGEST ((int64_t)1 << 24)
/* How many zeros there may be before a window that would reach them all: the library's code for
 * AVX-512 takes memory for each, 4 KB. */
enum { FAR = 1024 };

static bool is_small(int64_t value) {
    return value >= -LARGEST && value <= LARGEST;
}

static bool translate_window(conv *c) {
    const c2s_window *w = &c->window;
    for (int i = 0; i < w->rank; i++) {
        int64_t span = c2s_window_span(w, i);
        if (!is_small(w->stride[i]) || !is_small(w->dilation[i]) || !is_small(span) ||
            !is_small(w->pad_begin[i]) || !is_small(w->pad_end[i]) || w->pad_begin[i] < 0 ||
            (!c->transposed && (w->pad_begin[i] > span + FAR || w->pad_end[i] > span + FAR)))
            return false;
        c->pads.kernel[i] = w->kernel[i];
        c->pads.strides[i] = w->stride[i];
        c->pads.dilates[i] = w->dilation[i] - 1;
        c->pads.pad_begin[i] = w->pad_begin[i];
        c->pads.pad_end[i] =
            c->transposed ? (w->in[i] - 1) * w->stride[i] + span - w->pad_begin[i] - w->out[i]
                          : c2s_window_used_pad_end(w, i);
    }
    return true;
}

static bool describe(const c2s_step *step, bool transposed, conv *c) {
    const c2s_type *x = c2s_step_type(step, 0), *w = c2s_step_type(step, 1);
    const c2s_type *bias = c2s_step_type(step, 2);
    if (!c2s_step_wants(step, 0) || !c2s_dnnl_accepts(x) || !c2s_dnnl_accepts(w) ||
        !c2s_dnnl_accepts(&step->out[0]->type) || x->rank < 3 || x->rank > 5 ||
        w->rank != x->rank || (c2s_step_has(step, 2) && !c2s_dnnl_accepts(bias)))
        return false;
    *c = (conv){
        .transposed = transposed, .rank = x->rank, .groups = c2s_attr_int(step->node, "group", 1)};
    int64_t in = w->dim[transposed ? 0 : 1], out = w->dim[transposed ? 1 : 0];
    if (c->groups < 1 || c->groups > LARGEST || x->dim[1] != (transposed ? in : in * c->groups) ||
        step->out[0]->type.dim[1] != (transposed ? out * c->groups : out) ||
        (transposed ? in : out) % c->groups != 0 ||
        (c2s_step_has(step, 2) && (bias->rank != 1 || bias->dim[0] != step->out[0]->type.dim[1])))
        return false;
    if (c2s_window_of(step->node, transposed, x, w, &c->window) != C2S_OK) {
        c2s_error_clear();
        return false;
    }
    for (int i = 0; i < c->window.rank; i++)
        if (c->window.out[i] != step->out[0]->type.dim[i + 2])
            return false;
    return translate_window(c);
}

/* Weights as [groups,] outputs, inputs, kernel; strides say where ONNX has them. */
static c2s_status weights_md(const conv *c, const c2s_type *w, c2s_md *any, c2s_md *plain) {
    int64_t dims[7], strides[7], spatial = 1;
    int grouped = c->groups > 1, rank = c->rank + grouped;
    for (int i = c->rank - 1; i >= 2; i--) {
        dims[i + grouped] = w->dim[i];
        strides[i + grouped] = spatial;
        spatial *= w->dim[i];
    }
    int64_t *outputs = &dims[grouped], *inputs = &dims[grouped + 1];
    if (c->transposed) {
        *outputs = w->dim[1];
        *inputs = w->dim[0] / c->groups;
        strides[grouped] = spatial;
        strides[grouped + 1] = spatial * w->dim[1];
    } else {
        *outputs = w->dim[0] / c->groups;
        *inputs = w->dim[1];
        strides[grouped] = spatial * w->dim[1];
        strides[grouped + 1] = spatial;
    }
    if (grouped) {
        dims[0] = c->groups;
        strides[0] = *outputs * *inputs * spatial;
    }
    C2S_TRY(c2s_dnnl_check(c2s_md_any(any, rank, dims, dnnl_f32), "weights"));
    return c2s_dnnl_check(c2s_md_strided(plain, rank, dims, strides, dnnl_f32), "weights");
}

typedef struct conv_mds {
    c2s_md src, src_any, weights, weights_any, bias, dst, dst_any, chosen;
    bool padded;
} conv_mds;

static c2s_status any_of(c2s_md *out, const c2s_type *type) {
    return c2s_dnnl_check(c2s_md_any(out, type->rank, type->dim, dnnl_f32), "tensor");
}

static c2s_status make_mds(const c2s_step *step, const conv *c, conv_mds *md) {
    C2S_TRY(c2s_md_of(&md->src, c2s_step_type(step, 0)));
    C2S_TRY(any_of(&md->src_any, c2s_step_type(step, 0)));
    C2S_TRY(weights_md(c, c2s_step_type(step, 1), &md->weights_any, &md->weights));
    if (c2s_step_has(step, 2) || step->folded_posts)
        C2S_TRY(c2s_md_plain(&md->bias, 1, &step->out[0]->type.dim[1]));
    C2S_TRY(c2s_md_of(&md->dst, &step->out[0]->type));
    return any_of(&md->dst_any, &step->out[0]->type);
}

static c2s_status describe_pd(const c2s_step *step, const conv *c, const conv_mds *md,
                              const_dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *pd) {
    return c2s_dnnl_check(c2s_pd_convolution(pd, c2s_dnnl_engine(step->dnnl), c->transposed,
                                             md->src_any, md->weights_any, md->bias, md->dst_any,
                                             &c->pads, attr),
                          "convolution");
}

/* Blocks of channels; row-major for few of them. */
static c2s_status blocked(c2s_md *out, const c2s_type *type, bool few) {
    const int64_t block = c2s_processor_has_avx512() ? 16 : 8;
    return few && type->dim[1] < block ? c2s_md_of(out, type)
                                       : c2s_layout_blocked(type, block, out);
}

/* Where the library's layouts change from one convolution to the next, reorders cost more than its
 * favourite gains: it has to take blocks if it has fast code for them. */
static void prefer_blocks(const c2s_step *step, const conv *c, conv_mds *md) {
    conv_mds other = *md;
    dnnl_primitive_desc_t pd = NULL;
    if (c->transposed || !c2s_step_chooses(step) || !c2s_convolutions_want_blocks())
        return;
    other.src_any = other.dst_any = NULL;
    c2s_status status = blocked(&other.src_any, c2s_step_type(step, 0), true);
    if (status == C2S_OK)
        status = blocked(&other.dst_any, &step->out[0]->type, false);
    if (status == C2S_OK)
        status = describe_pd(step, c, &other, c2s_dnnl_attr(step->dnnl), &pd);
    if (status != C2S_OK)
        c2s_error_clear();
    bool better = status == C2S_OK && !c2s_pd_is_plain(pd) && !c2s_pd_is_gemm(pd);
    c2s_md_free(better ? md->src_any : other.src_any);
    c2s_md_free(better ? md->dst_any : other.dst_any);
    if (better)
        *md = other;
    if (pd)
        dnnl_primitive_desc_destroy(pd);
}

/* The layout that the convolution gives its result: operands of posts take the same. */
static c2s_status find_target(const c2s_step *step, const conv *c, conv_mds *md,
                              c2s_post_target *target) {
    dnnl_primitive_desc_t pd;
    const c2s_type *type = &step->out[0]->type;
    *target = (c2s_post_target){.rank = type->rank, .dims = type->dim, .channel = 1};
    if (!c2s_posts_need_layout(step))
        return C2S_OK;
    C2S_TRY(describe_pd(step, c, md, c2s_dnnl_attr(step->dnnl), &pd));
    c2s_status status = c2s_dnnl_check(
        c2s_md_clone(&md->chosen, dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0)),
        "descriptor");
    dnnl_primitive_desc_destroy(pd);
    target->dst = md->chosen;
    return status;
}

/* Its copies into matrices are followed by plain code for operations with another operand. */
static bool is_slow(const c2s_step *step, const_dnnl_primitive_desc_t pd) {
    bool binary = false;
    for (unsigned k = step->folded_posts; k < step->post_count; k++)
        binary |= step->posts[k].binary;
    return c2s_pd_is_plain(pd) || (binary && c2s_pd_is_gemm(pd));
}

static c2s_status describe_with_posts(const c2s_step *step, const conv *c, const conv_mds *md,
                                      const c2s_post_target *target, dnnl_primitive_desc_t *pd) {
    dnnl_primitive_attr_t attr;
    C2S_TRY(c2s_posts_attr(step, target, &attr));
    c2s_status status = describe_pd(step, c, md, attr, pd);
    dnnl_primitive_attr_destroy(attr);
    C2S_TRY(status);
    if (step->post_count == step->folded_posts || !is_slow(step, *pd))
        return C2S_OK;
    dnnl_primitive_desc_destroy(*pd);
    return c2s_fail(C2S_ERR_UNSUPPORTED, "oneDNN has no fast code with these post-operations");
}

typedef struct conv_state {
    c2s_primitive *primitive;
    c2s_padded_input *padded; /* NULL: the primitive pads */
} conv_state;

static void conv_release(c2s_step *step) {
    conv_state *s = step->state;
    c2s_primitive_destroy(s->primitive);
    c2s_padded_destroy(s->padded);
    free(s);
    step->state = NULL;
}

static c2s_status conv_run(c2s_step *step) {
    conv_state *s = step->state;
    if (s->padded)
        C2S_TRY(c2s_padded_run(s->padded, step));
    return c2s_primitive_run(s->primitive, step);
}

static c2s_status bind_input(c2s_step *step, const conv *c, const conv_mds *md, conv_state *s,
                             c2s_const_md want) {
    if (!md->padded)
        return c2s_primitive_input(s->primitive, step, DNNL_ARG_SRC, 0, md->src);
    int64_t offsets[DNNL_MAX_NDIMS] = {0};
    for (int i = 0; i < c->window.rank; i++)
        offsets[i + 2] = c->pads.pad_begin[i];
    C2S_TRY(c2s_padded_create(step, 0, want, offsets, &s->padded));
    return c2s_primitive_bytes(s->primitive, DNNL_ARG_SRC, c2s_padded_bytes(s->padded), want);
}

static c2s_status bind_numbers(c2s_primitive *p, int arg, const c2s_tensor *tensor,
                               c2s_const_md md) {
    return c2s_primitive_numbers(p, arg, c2s_tensor_data(tensor), tensor->count, md);
}

static c2s_status bind_weights(c2s_step *step, const conv_mds *md, c2s_primitive *p) {
    if (!step->folded_posts) {
        C2S_TRY(c2s_primitive_input(p, step, DNNL_ARG_WEIGHTS, 1, md->weights));
        return md->bias ? c2s_primitive_input(p, step, DNNL_ARG_BIAS, 2, md->bias) : C2S_OK;
    }
    c2s_tensor *weights, *bias;
    C2S_TRY(c2s_weights_fold(step, &weights, &bias));
    c2s_status status = bind_numbers(p, DNNL_ARG_WEIGHTS, weights, md->weights);
    if (status == C2S_OK)
        status = bind_numbers(p, DNNL_ARG_BIAS, bias, md->bias);
    c2s_tensor_unref(weights);
    c2s_tensor_unref(bias);
    return status;
}

static c2s_status bind(c2s_step *step, const conv *c, const conv_mds *md,
                       const c2s_post_target *target, dnnl_primitive_desc_t pd, conv_state *s) {
    C2S_TRY(c2s_primitive_create(step->dnnl, pd, &s->primitive));
    c2s_primitive *p = s->primitive;
    C2S_TRY(bind_input(step, c, md, s, c2s_primitive_layout(p, DNNL_ARG_SRC)));
    C2S_TRY(bind_weights(step, md, p));
    C2S_TRY(c2s_posts_bind(p, step, target, 0));
    return c2s_primitive_output(p, step, DNNL_ARG_DST, 0, md->dst);
}

/* The library's own code refuses windows that reach far beyond the border. If it takes the same
 * convolution of an input with zeros around it, that is used. */
static void prefer_padded(const c2s_step *step, const conv *c, conv_mds *md,
                          const c2s_post_target *target, dnnl_primitive_desc_t *pd) {
    const c2s_type *x = c2s_step_type(step, 0);
    int64_t dims[DNNL_MAX_NDIMS] = {x->dim[0], x->dim[1]};
    conv bare = *c;
    bool pads = false;
    for (int i = 0; i < c->window.rank; i++) {
        dims[i + 2] = x->dim[i + 2] + c->pads.pad_begin[i] + c->pads.pad_end[i];
        pads |= c->pads.pad_begin[i] > 0 || c->pads.pad_end[i] > 0;
        bare.pads.pad_begin[i] = bare.pads.pad_end[i] = 0;
        if (c->pads.pad_begin[i] < 0 || c->pads.pad_end[i] < 0)
            return;
    }
    conv_mds other = *md;
    dnnl_primitive_desc_t found = NULL;
    other.src_any = NULL;
    c2s_status status =
        !pads || c->transposed
            ? C2S_ERR_UNSUPPORTED
            : c2s_dnnl_check(c2s_md_any(&other.src_any, x->rank, dims, dnnl_f32), "tensor");
    if (status == C2S_OK)
        status = describe_with_posts(step, &bare, &other, target, &found);
    c2s_md_free(other.src_any);
    if (status != C2S_OK) {
        c2s_error_clear();
        return;
    }
    md->padded = !c2s_pd_is_gemm(found) && !c2s_pd_is_plain(found);
    dnnl_primitive_desc_destroy(md->padded ? *pd : found);
    *pd = md->padded ? found : *pd;
}

static c2s_status build(c2s_step *step, const conv *c, conv_mds *md) {
    dnnl_primitive_desc_t pd;
    c2s_post_target target;
    C2S_TRY(find_target(step, c, md, &target));
    C2S_TRY(describe_with_posts(step, c, md, &target, &pd));
    if (c2s_pd_is_gemm(pd) && !c2s_posts_need_layout(step) && c2s_step_chooses(step))
        prefer_padded(step, c, md, &target, &pd);
    conv_state *s = c2s_zalloc(sizeof *s);
    step->state = s;
    c2s_status status = bind(step, c, md, &target, pd, s);
    if (status != C2S_OK)
        conv_release(step);
    return status;
}

static c2s_status prepare(c2s_step *step, bool transposed) {
    conv c;
    conv_mds md = {0};
    if (!describe(step, transposed, &c))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    step->folded_posts = transposed ? 0 : c2s_posts_foldable(step);
    c2s_status status = make_mds(step, &c, &md);
    if (status == C2S_OK) {
        prefer_blocks(step, &c, &md);
        status = build(step, &c, &md);
    }
    c2s_md_free(md.src);
    c2s_md_free(md.src_any);
    c2s_md_free(md.weights);
    c2s_md_free(md.weights_any);
    c2s_md_free(md.bias);
    c2s_md_free(md.dst);
    c2s_md_free(md.dst_any);
    c2s_md_free(md.chosen);
    return status;
}

static bool conv_accepts(const c2s_step *step) {
    conv c;
    return describe(step, false, &c);
}

static c2s_status conv_prepare(c2s_step *step) {
    return prepare(step, false);
}

static bool deconv_accepts(const c2s_step *step) {
    conv c;
    return describe(step, true, &c);
}

static c2s_status deconv_prepare(c2s_step *step) {
    return prepare(step, true);
}

const c2s_kernel_family c2s_kernels_dnnl_conv = {
    .name = "dnnl_conv",
    .flags = C2S_KERNEL_LAYOUTS | C2S_KERNEL_POSTS,
    .accepts = conv_accepts,
    .prepare = conv_prepare,
    .run = conv_run,
    .release = conv_release,
    .finite_only = c2s_step_always,
};

const c2s_kernel_family c2s_kernels_dnnl_deconv = {
    .name = "dnnl_deconv",
    .flags = C2S_KERNEL_LAYOUTS, /* with post-operations the library is many times slower */
    .accepts = deconv_accepts,
    .prepare = deconv_prepare,
    .run = conv_run,
    .release = conv_release,
};
