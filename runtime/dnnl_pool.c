/* SPDX-License-Identifier: Apache-2.0
 *
 * AveragePool, MaxPool without indices.
 */
#include <string.h>

#include "ops/window.h"
#include "runtime/layout.h"
#include "runtime/window_pool.h"

#define LARGEST ((int64_t)1 << 24)

/* Every window must see at least one element of the input, or the average is 0 / 0. */
static bool sees_input(const c2s_window *w, int i) {
    int64_t last = (w->out[i] - 1) * w->stride[i] - w->pad_begin[i];
    return w->pad_begin[i] < w->kernel[i] && last < w->in[i];
}

static bool translate_window(const c2s_step *step, const c2s_type *x, bool counts_padding,
                             c2s_dnnl_window *out) {
    c2s_window w;
    if (c2s_window_of(step->node, false, x, NULL, &w) != C2S_OK) {
        c2s_error_clear();
        return false;
    }
    for (int i = 0; i < w.rank; i++) {
        int64_t used = c2s_window_used_pad_end(&w, i);
        if (w.out[i] != step->out[0]->type.dim[i + 2] || w.kernel[i] > LARGEST ||
            w.stride[i] > LARGEST || w.dilation[i] > LARGEST || w.pad_begin[i] < 0 ||
            w.pad_begin[i] > LARGEST || used > LARGEST || !sees_input(&w, i))
            return false;
        /* ONNX does not count what ceil_mode adds behind the padding. */
        if (counts_padding && used > w.pad_end[i])
            return false;
        if (w.dilation[i] > 1 && (w.pad_begin[i] > 0 || used > 0))
            return false; /* a dilated window may fall between the elements altogether */
        out->kernel[i] = w.kernel[i];
        out->strides[i] = w.stride[i];
        out->dilates[i] = w.dilation[i] - 1;
        out->pad_begin[i] = w.pad_begin[i];
        out->pad_end[i] = used;
    }
    return true;
}

bool c2s_pool_of(const c2s_step *step, c2s_pool *p) {
    const c2s_node *node = step->node;
    const c2s_type *x = c2s_step_type(step, 0);
    if (!c2s_step_wants(step, 0) || c2s_step_wants(step, 1) || !c2s_dnnl_accepts(x) ||
        !c2s_dnnl_accepts(&step->out[0]->type) || x->rank < 3 || x->rank > 5)
        return false;
    memset(p, 0, sizeof *p);
    bool average = c2s_node_is(node, "AveragePool");
    bool counts_padding = average && c2s_attr_int(node, "count_include_pad", 0) != 0;
    p->kind = !average         ? dnnl_pooling_max
              : counts_padding ? dnnl_pooling_avg_include_padding
                               : dnnl_pooling_avg_exclude_padding;
    return translate_window(step, x, counts_padding, &p->window);
}

static bool pool_accepts(const c2s_step *step) {
    c2s_pool p;
    return c2s_pool_of(step, &p);
}

/* The same tensor with the channels innermost in memory. */
static c2s_status channels_last(c2s_md *out, const c2s_type *type) {
    static const dnnl_format_tag_t tags[] = {dnnl_nwc, dnnl_nhwc, dnnl_ndhwc};
    return c2s_dnnl_check(c2s_md_tagged(out, type->rank, type->dim, dnnl_f32, tags[type->rank - 3]),
                          "tensor");
}

static c2s_status describe_pd(const c2s_step *step, const c2s_pool *p, c2s_const_md src,
                              c2s_const_md dst, dnnl_primitive_desc_t *pd) {
    return c2s_dnnl_check(c2s_pd_pooling(pd, c2s_dnnl_engine(step->dnnl), p->kind, src, dst,
                                         &p->window, c2s_dnnl_attr(step->dnnl)),
                          "pooling");
}

/* Replaces a slow descriptor by one for channels last, if that is better: reordering there and
 * back costs less. */
static void prefer_channels_last(const c2s_step *step, const c2s_pool *p,
                                 dnnl_primitive_desc_t *pd) {
    c2s_md src = NULL, dst = NULL;
    dnnl_primitive_desc_t other = NULL;
    bool found = channels_last(&src, c2s_step_type(step, 0)) == C2S_OK &&
                 channels_last(&dst, &step->out[0]->type) == C2S_OK &&
                 describe_pd(step, p, src, dst, &other) == C2S_OK;
    c2s_md_free(src);
    c2s_md_free(dst);
    if (!found) {
        c2s_error_clear();
        return;
    }
    if (!c2s_pd_is_plain(other)) {
        dnnl_primitive_desc_t slow = *pd;
        *pd = other;
        other = slow;
    }
    dnnl_primitive_desc_destroy(other);
}

/* In the layout that the input has. */
static c2s_status build_in_layout(c2s_step *step, const c2s_pool *p, c2s_const_md src,
                                  c2s_const_md dst) {
    dnnl_primitive_desc_t pd;
    c2s_md any;
    C2S_TRY(c2s_dnnl_check(
        c2s_md_any(&any, step->out[0]->type.rank, step->out[0]->type.dim, dnnl_f32), "tensor"));
    c2s_status status = describe_pd(step, p, c2s_step_layout(step, 0), any, &pd);
    c2s_md_free(any);
    C2S_TRY(status);
    if (!c2s_pd_is_plain(pd))
        return c2s_primitive_unary(step, pd, src, dst);
    dnnl_primitive_desc_destroy(pd);
    return c2s_fail(C2S_ERR_UNSUPPORTED, "oneDNN has no fast code for this layout");
}

static c2s_status build(c2s_step *step, const c2s_pool *p, c2s_const_md src, c2s_const_md dst) {
    dnnl_primitive_desc_t pd;
    if (c2s_step_layout(step, 0)) {
        if (build_in_layout(step, p, src, dst) == C2S_OK)
            return C2S_OK;
        c2s_error_clear();
    }
    C2S_TRY(describe_pd(step, p, src, dst, &pd));
    if (c2s_pd_is_plain(pd))
        prefer_channels_last(step, p, &pd);
    return c2s_primitive_unary(step, pd, src, dst);
}

static c2s_status pool_prepare(c2s_step *step) {
    c2s_pool p;
    c2s_md src = NULL, dst = NULL;
    if (!c2s_pool_of(step, &p))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    c2s_status status = c2s_md_of(&src, c2s_step_type(step, 0));
    if (status == C2S_OK)
        status = c2s_md_of(&dst, &step->out[0]->type);
    if (status == C2S_OK)
        status = build(step, &p, src, dst);
    c2s_md_free(src);
    c2s_md_free(dst);
    return status;
}

const c2s_kernel_family c2s_kernels_dnnl_pool = {
    .name = "dnnl_pool",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = pool_accepts,
    .prepare = pool_prepare,
    .run = c2s_primitive_run_state,
    .release = c2s_primitive_release,
    .finite_only = c2s_step_always,
};
