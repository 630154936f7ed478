/* SPDX-License-Identifier: Apache-2.0
 *
 * Conv on integers, over one or two spatial axes, with channels last.
 */
#include "runtime/layout.h"
#include "runtime/quantized.h"
#include "runtime/quantized_sums.h"
#include "runtime/quantized_window.h"

/* Numbers beyond this make no sense. */
#define LARGEST ((int64_t)1 << 24)

/* Without a window, all pixels are alike. */
static void flatten(c2s_integer_shape *s) {
    for (int i = 0; i < 2; i++)
        if (s->kernel[i] != 1 || s->stride[i] != 1 || s->pad[i] != 0 || s->in[i] != s->out[i])
            return;
    s->in[0] = s->out[0] = s->batch * s->in[0] * s->in[1];
    s->in[1] = s->out[1] = 1;
    s->batch = 1;
}

static bool describe(const c2s_step *step, c2s_integer_shape *s) {
    const c2s_codes *x = &step->quantized->x[0], *w = &step->quantized->x[1];
    if (!x->slot || !w->slot || !c2s_type_is_static(&step->out[0]->type))
        return false;
    const c2s_type *in = &x->slot->type, *weights = &w->slot->type, *out = &step->out[0]->type;
    size_t count;
    c2s_window window;
    if (in->rank < 3 || in->rank > 4 || weights->rank != in->rank || out->rank != in->rank ||
        !c2s_type_elements(out, &count) || count == 0 || !c2s_type_elements(in, &count) ||
        count == 0)
        return false;
    int64_t groups = c2s_attr_int(step->node, "group", 1);
    if (groups < 1 || groups > LARGEST || weights->dim[1] * groups != in->dim[1] ||
        weights->dim[0] != out->dim[1] || weights->dim[0] % groups != 0)
        return false;
    if (c2s_window_of(step->node, false, in, weights, &window) != C2S_OK) {
        c2s_error_clear();
        return false;
    }
    *s = (c2s_integer_shape){.batch = (size_t)in->dim[0],
                             .groups = (size_t)groups,
                             .inputs = (size_t)in->dim[1],
                             .outputs = (size_t)out->dim[1]};
    for (int i = 0; i < window.rank; i++)
        if (window.out[i] != out->dim[i + 2])
            return false;
    return c2s_quantized_window(&window, s);
}

static bool conv_accepts(const c2s_step *step) {
    c2s_integer_shape shape;
    return describe(step, &shape) && c2s_quantized_sums_accepts(step, 0, (int64_t)shape.outputs);
}

static c2s_status choose_layouts(c2s_step *step, unsigned input) {
    c2s_layout layout;
    C2S_TRY(c2s_channels_last(&step->in[input]->base->type, &layout));
    c2s_status status = c2s_step_take(step, input, layout.md);
    c2s_md_free(layout.md);
    C2S_TRY(status);
    C2S_TRY(c2s_channels_last(&step->out[0]->type, &layout));
    status = c2s_step_give(step, 0, layout.md);
    c2s_md_free(layout.md);
    return status;
}

static c2s_status conv_prepare(c2s_step *step) {
    c2s_integer_shape shape;
    if (!describe(step, &shape))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    const c2s_integer_weights weights = {.stride_output = shape.inputs / shape.groups *
                                                          shape.kernel[0] * shape.kernel[1],
                                         .stride_input = shape.kernel[0] * shape.kernel[1],
                                         .stride = {shape.kernel[1], 1}};
    flatten(&shape);
    C2S_TRY(choose_layouts(step, step->quantized->x[0].input));
    return c2s_quantized_sums_create(step, &shape, weights, 1);
}

const c2s_kernel_family c2s_kernels_quantized_conv = {
    .name = "quantized_conv",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = conv_accepts,
    .prepare = conv_prepare,
    .run = c2s_quantized_sums_run,
    .release = c2s_quantized_sums_release,
};
