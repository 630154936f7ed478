/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/quantized_sums.h"

#include <math.h>
#include <stdlib.h>
#include "base/threads.h"
#include "runtime/dnnl_context.h"
#include "runtime/integer_dot.h"
#include "runtime/plan.h"
#include "runtime/quantized_operands.h"

/* ---- operands ---- */

static const c2s_tensor *constant_of(const c2s_step *step, const c2s_codes *x) {
    return x->slot ? x->slot->constant : c2s_step_constant(step, x->input);
}

static bool has_bias(const c2s_step *step) {
    const c2s_codes *b = &step->quantized->x[2];
    return b->slot || (b->input && c2s_step_has(step, b->input));
}

static bool bias_fits(const c2s_step *step, int64_t outputs) {
    const c2s_codes *b = &step->quantized->x[2];
    if (!has_bias(step))
        return true;
    const c2s_tensor *bias = constant_of(step, b);
    if (!bias || bias->type.rank < 1 || bias->count != (size_t)outputs ||
        bias->type.dim[bias->type.rank - 1] != outputs)
        return false;
    return b->slot ? b->count <= 1 || b->count == (size_t)outputs : bias->type.dtype == C2S_FLOAT;
}

bool c2s_quantized_sums_accepts(const c2s_step *step, int axis, int64_t outputs) {
    const c2s_codes *w = &step->quantized->x[1];
    return c2s_quantized_is_plain(step, 0) && w->slot && w->slot->constant && !w->zero_input &&
           w->slot->type.dtype != C2S_INT32 && (w->count == 1 || w->axis == axis) &&
           bias_fits(step, outputs);
}

/* ---- numbers per channel ---- */

/* Where the bias counts the same steps as the sums, it joins them as an integer. */
static bool is_same_step(double bias_scale, double sum_scale) {
    return fabs(bias_scale - sum_scale) <= 1e-6 * sum_scale;
}

static c2s_status add_bias(const c2s_step *step, c2s_quantized_sums *s, size_t channel,
                           double sum_scale, double unit) {
    const c2s_codes *b = &step->quantized->x[2];
    const c2s_tensor *bias = constant_of(step, b);
    if (!b->slot) {
        s->offset[channel] = (float)(((const float *)c2s_tensor_data(bias))[channel] / unit);
        return C2S_OK;
    }
    int64_t code = 0;
    c2s_tensor_i64_at(bias, channel, &code);
    code -= c2s_codes_zero(b, channel);
    double scale = b->scale ? (double)b->scale[b->count > 1 ? channel : 0] : sum_scale;
    if (!is_same_step(scale, sum_scale)) {
        s->offset[channel] = (float)((double)code * scale / unit);
        return C2S_OK;
    }
    if (code > INT32_MAX || code < INT32_MIN)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a bias is no 32-bit integer");
    s->bias[channel] = (int32_t)code;
    return C2S_OK;
}

static bool stays_sums(const c2s_step *step) {
    return step->out[0]->type.dtype == C2S_INT32;
}

/* `scale`: factor of the products. */
static c2s_status set_numbers(const c2s_step *step, c2s_quantized_sums *s, size_t outputs,
                              double scale) {
    const c2s_quantized *q = step->quantized;
    const c2s_codes *w = &q->x[1];
    const double unit = q->requantizes ? (double)q->scale : 1;
    size_t room = outputs + C2S_DOT_COLUMNS;
    s->bias = c2s_zalloc(room * sizeof *s->bias);
    s->factor = c2s_zalloc(room * sizeof *s->factor);
    s->offset = c2s_zalloc(room * sizeof *s->offset);
    for (size_t c = 0; c < outputs; c++) {
        double one = (double)q->x[0].scale[0] * (double)w->scale[w->count > 1 ? c : 0] * scale;
        s->factor[c] = (float)(one / unit);
        if (has_bias(step))
            C2S_TRY(add_bias(step, s, c, one, unit));
        if (!isfinite(s->factor[c]) || !isfinite(s->offset[c]))
            return c2s_fail(C2S_ERR_UNSUPPORTED, "scales are too far apart");
    }
    s->requantize = (c2s_requantize){.dtype = step->out[0]->type.dtype,
                                     .bias = s->bias,
                                     .factor = s->factor,
                                     .offset = s->offset,
                                     .zero = q->zero};
    if (q->requantizes)
        c2s_quantized_bounds(step, &s->requantize.low, &s->requantize.high);
    return C2S_OK;
}

/* Sums of 32 bits hold them, whatever the input. */
static c2s_status check_sums(c2s_quantized_sums *s, size_t outputs) {
    int64_t most = c2s_integer_conv_gain(s->conv) * 255, bias = 0;
    for (size_t c = 0; c < outputs; c++)
        bias = llabs(s->bias[c]) > bias ? llabs(s->bias[c]) : bias;
    if (most + bias > INT32_MAX)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "sums could pass 32 bits");
    c2s_requantize_settle(&s->requantize, outputs, most + bias);
    return C2S_OK;
}

/* ---- making and running ---- */

void c2s_quantized_sums_release(c2s_step *step) {
    c2s_quantized_sums *s = step->state;
    c2s_integer_conv_destroy(s->conv);
    free(s->bias);
    free(s->factor);
    free(s->offset);
    free(s);
    step->state = NULL;
}

static c2s_status set_weights(const c2s_step *step, c2s_quantized_sums *s,
                              const c2s_integer_shape *shape, c2s_integer_weights w) {
    const c2s_codes *codes = &step->quantized->x[1];
    w.codes = c2s_tensor_data(codes->slot->constant);
    w.is_signed = codes->slot->type.dtype == C2S_INT8;
    int32_t *zero = c2s_alloc_array(shape->outputs, sizeof *zero);
    for (size_t c = 0; c < shape->outputs; c++)
        zero[c] = c2s_codes_zero(codes, c);
    w.zero = zero;
    c2s_status status = c2s_integer_conv_create(shape, &w, &s->conv);
    free(zero);
    return status;
}

/* ONNX Runtime multiplies signed by signed exactly, but QDQ graphs are made unsigned first. Its
 * ConvInteger has the weights on the left. */
static c2s_pairing pairing_of(const c2s_step *step) {
    const c2s_quantized_operator *op = c2s_quantized_operator_of(step->node);
    switch (step->plan->context->options.emulate) {
    case C2S_EMULATE_AVX2:
        return (op->form == C2S_FORM_SUMS && op->family[0] == &c2s_kernels_quantized_conv) ||
                       (op->form != C2S_FORM_FLOATS &&
                        step->quantized->x[0].slot->type.dtype == C2S_INT8)
                   ? C2S_PAIRS_NONE
                   : C2S_PAIRS_OF_WINDOW;
    case C2S_EMULATE_AVX2_ONEDNN:
        return C2S_PAIRS_OF_TAPS;
    case C2S_EMULATE_NOTHING:
        break;
    }
    return C2S_PAIRS_NONE;
}

c2s_status c2s_quantized_sums_create(c2s_step *step, const c2s_integer_shape *shape,
                                     c2s_integer_weights w, double scale) {
    c2s_integer_shape paired = *shape;
    c2s_quantized_sums *s = step->state = c2s_zalloc(sizeof *s);
    const c2s_codes *x = &step->quantized->x[0];
    s->input = x->input;
    s->is_signed = x->slot->type.dtype == C2S_INT8;
    s->zero = c2s_codes_zero(x, 0);
    s->zero_input = x->zero_input;
    paired.pairing = pairing_of(step);
    c2s_status status = set_weights(step, s, &paired, w);
    if (status == C2S_OK && stays_sums(step)) {
        s->requantize.dtype = C2S_INT32;
        return C2S_OK;
    }
    if (status == C2S_OK)
        status = set_numbers(step, s, shape->outputs, scale);
    if (status == C2S_OK)
        status = check_sums(s, shape->outputs);
    if (status != C2S_OK)
        c2s_quantized_sums_release(step);
    return status;
}

c2s_status c2s_quantized_sums_run(c2s_step *step) {
    const c2s_quantized_sums *s = step->state;
    unsigned threads = (unsigned)c2s_most_threads();
    int64_t zero = s->zero;
    if (s->zero_input)
        c2s_tensor_i64_at(step->in[s->zero_input]->tensor, 0, &zero);
    C2S_TRY(c2s_dnnl_work(step->dnnl, c2s_integer_conv_work(s->conv, threads)));
    c2s_integer_conv_run(s->conv, c2s_tensor_data(step->in[s->input]->tensor), s->is_signed,
                         (int)zero, &s->requantize, c2s_tensor_mutable(step->out[0]->tensor),
                         threads, step->dnnl->work);
    return C2S_OK;
}
