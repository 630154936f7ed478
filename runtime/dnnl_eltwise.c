/* SPDX-License-Identifier: Apache-2.0
 *
 * Elementwise functions of one float tensor: those that oneDNN computes as exactly as we do, NaN
 * included. Its Exp and Relu lose NaN; its Log and Softplus are off by up to 1e-5. As kernels they
 * serve large tensors alone, the others are faster in a loop of ours (elementwise.c).
 */
#include <math.h>
#include <string.h>

#include "runtime/dnnl_eltwise.h"
#include "runtime/layout.h"

typedef struct function {
    const char *op;
    dnnl_alg_kind_t kind;
    const char *attr;  /* gives alpha */
    float alpha, beta; /* alpha: where the attribute is missing */
} function;

static const function functions[] = {
    {"Abs", dnnl_eltwise_abs, NULL, 0, 0},
    {"Clip", dnnl_eltwise_clip_v2, NULL, 0, 0},
    {"Elu", dnnl_eltwise_elu, "alpha", 1, 0},
    {"Gelu", dnnl_eltwise_gelu_erf, NULL, 0, 0},
    {"HardSwish", dnnl_eltwise_hardswish, NULL, 1.0f / 6, 0.5f},
    {"LeakyRelu", dnnl_eltwise_relu, "alpha", 0.01f, 0},
    {"Sigmoid", dnnl_eltwise_logistic, NULL, 0, 0},
    {"Sqrt", dnnl_eltwise_sqrt, NULL, 0, 0},
    {"Tanh", dnnl_eltwise_tanh, NULL, 0, 0},
};

/* Reads a bound of Clip; false if it is not a constant. */
static bool read_bound(const c2s_step *step, unsigned input, float absent, float *out) {
    const c2s_tensor *bound = c2s_step_constant(step, input);
    *out = absent;
    if (!c2s_step_has(step, input))
        return true;
    if (!bound || bound->type.dtype != C2S_FLOAT || bound->count != 1)
        return false;
    memcpy(out, c2s_tensor_data(bound), sizeof *out);
    return !isnan(*out);
}

bool c2s_eltwise_of(const c2s_step *step, c2s_eltwise *f) {
    const c2s_node *node = step->node;
    if (!c2s_step_wants(step, 0) || !c2s_dnnl_accepts(c2s_step_type(step, 0)) ||
        !c2s_type_equal(c2s_step_type(step, 0), &step->out[0]->type))
        return false;
    size_t i = 0, count = sizeof functions / sizeof *functions;
    while (i < count && strcmp(functions[i].op, node->type) != 0)
        i++;
    if (i == count)
        return false;
    *f = (c2s_eltwise){functions[i].kind, functions[i].alpha, functions[i].beta};
    if (functions[i].attr)
        f->alpha = c2s_attr_float(node, functions[i].attr, f->alpha);
    if (f->kind == dnnl_eltwise_gelu_erf &&
        strcmp(c2s_attr_string(node, "approximate", "none"), "tanh") == 0)
        f->kind = dnnl_eltwise_gelu_tanh;
    if (f->kind == dnnl_eltwise_clip_v2)
        return read_bound(step, 1, -INFINITY, &f->alpha) &&
               read_bound(step, 2, INFINITY, &f->beta) && f->alpha <= f->beta;
    return true;
}

static bool eltwise_accepts(const c2s_step *step) {
    c2s_eltwise f;
    return c2s_eltwise_of(step, &f);
}

static c2s_status describe_pd(const c2s_step *step, const c2s_eltwise *f, c2s_const_md md,
                              dnnl_primitive_desc_t *pd) {
    return c2s_dnnl_check(c2s_pd_eltwise(pd, c2s_dnnl_engine(step->dnnl), f->kind, md, md, f->alpha,
                                         f->beta, c2s_dnnl_attr(step->dnnl)),
                          "eltwise");
}

/* In the layout that the input has. The library's plain code, which some functions get where
 * channels are padded, loses NaN. */
static c2s_status build_in_layout(c2s_step *step, const c2s_eltwise *f) {
    dnnl_primitive_desc_t pd;
    c2s_md plain;
    if (!c2s_step_layout(step, 0))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the input is row-major");
    C2S_TRY(describe_pd(step, f, c2s_step_layout(step, 0), &pd));
    c2s_status status = c2s_pd_is_plain(pd) ? c2s_fail(C2S_ERR_UNSUPPORTED,
                                                       "oneDNN has no fast code for this layout")
                                            : c2s_md_of(&plain, c2s_step_type(step, 0));
    if (status != C2S_OK) {
        dnnl_primitive_desc_destroy(pd);
        return status;
    }
    status = c2s_primitive_unary(step, pd, plain, plain);
    c2s_md_free(plain);
    return status;
}

/* As one long axis. */
static c2s_status build_flat(c2s_step *step, const c2s_eltwise *f) {
    size_t count;
    c2s_md md;
    dnnl_primitive_desc_t pd;
    if (!c2s_type_elements(c2s_step_type(step, 0), &count))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "too many elements");
    int64_t dim = (int64_t)count;
    C2S_TRY(c2s_md_plain(&md, 1, &dim));
    c2s_status status = describe_pd(step, f, md, &pd);
    if (status == C2S_OK)
        status = c2s_primitive_unary(step, pd, md, md);
    c2s_md_free(md);
    return status;
}

static c2s_status eltwise_prepare(c2s_step *step) {
    c2s_eltwise f;
    if (!c2s_eltwise_of(step, &f))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    if (build_in_layout(step, &f) == C2S_OK)
        return C2S_OK;
    c2s_error_clear();
    return build_flat(step, &f);
}

const c2s_kernel_family c2s_kernels_dnnl_eltwise = {
    .name = "dnnl_eltwise",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = eltwise_accepts,
    .prepare = eltwise_prepare,
    .run = c2s_primitive_run_state,
    .release = c2s_primitive_release,
};
