/* SPDX-License-Identifier: Apache-2.0
 *
 * LSTM and GRU with constant weights, the default activations and full sequences.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/dnnl_primitive.h"
#include "runtime/recurrent_shape.h"

typedef struct rnn {
    c2s_recurrent_shape shape;
    c2s_rnn_cell cell;
    dnnl_rnn_direction_t direction;
    int biases; /* vectors of the library's bias */
} rnn;

typedef struct rnn_state {
    c2s_primitive *primitive;
    bool permute;  /* Y is [steps, directions, ..], the library's [steps, .., directions] */
    size_t offset; /* of the library's, if it is not Y itself */
    rnn r;
} rnn_state;

/* ---- does it fit? ---- */

static bool describe(const c2s_step *step, rnn *r) {
    c2s_recurrent_shape shape;
    if (!c2s_recurrent_describe(step, &shape) || c2s_step_has(step, C2S_RNN_LENGTHS) ||
        (shape.lstm &&
         (c2s_step_has(step, C2S_RNN_PEEPHOLES) ||
          c2s_step_has(step, C2S_RNN_INITIAL_H) != c2s_step_has(step, C2S_RNN_INITIAL_C))))
        return false;
    *r = (rnn){.shape = shape,
               .cell = shape.lstm     ? C2S_RNN_LSTM
                       : shape.linear ? C2S_RNN_LBR_GRU
                                      : C2S_RNN_GRU,
               .direction = shape.directions == 2 ? dnnl_bidirectional_concat
                            : shape.reversed      ? dnnl_unidirectional_right2left
                                                  : dnnl_unidirectional_left2right,
               .biases = shape.lstm || shape.linear ? 4 : 3};
    return true;
}

static bool rnn_accepts(const c2s_step *step) {
    rnn r;
    return describe(step, &r);
}

/* ---- weights ---- */

/* The library's gate g is ONNX's: i f c o of i o f c; u r o of z r h. */
static int64_t gate_of(const rnn *r, int g) {
    static const int lstm[] = {0, 2, 3, 1};
    return r->cell == C2S_RNN_LSTM ? lstm[g] : g;
}

/* From [direction, gate, hidden, column] to [direction, column, gate, hidden]. */
static float *transpose_weights(const rnn *r, const float *in, int64_t columns) {
    int64_t h = r->shape.hidden, rows = r->shape.gates * h;
    float *out = c2s_alloc_array((size_t)(r->shape.directions * rows * columns), sizeof *out);
    for (int64_t d = 0; d < r->shape.directions; d++)
        for (int g = 0; g < r->shape.gates; g++)
            for (int64_t k = 0; k < h; k++)
                for (int64_t c = 0; c < columns; c++)
                    out[((d * columns + c) * r->shape.gates + g) * h + k] =
                        in[(d * rows + gate_of(r, g) * h + k) * columns + c];
    return out;
}

/* ONNX has a bias for the input and one for the state, which mostly just add up; the last gate of
 * linear_before_reset keeps them apart. */
static float *make_bias(const rnn *r, const float *in) {
    int64_t h = r->shape.hidden, rows = r->shape.gates * h;
    float *out = c2s_zalloc((size_t)(r->shape.directions * r->biases * h) * sizeof *out);
    for (int64_t d = 0; d < r->shape.directions && in; d++)
        for (int g = 0; g < r->shape.gates; g++)
            for (int64_t k = 0; k < h; k++) {
                float *to = &out[(d * r->biases + g) * h + k];
                float own = in[d * 2 * rows + gate_of(r, g) * h + k];
                float state = in[d * 2 * rows + rows + gate_of(r, g) * h + k];
                bool apart = r->cell == C2S_RNN_LBR_GRU && g == 2;
                *to = apart ? own : own + state;
                if (apart)
                    to[h] = state;
            }
    return out;
}

/* ---- building ---- */

typedef struct rnn_mds {
    c2s_md src, state, weights, weights_any, recurrent, recurrent_any, bias, dst;
} rnn_mds;

static c2s_status any_md(c2s_md *out, int rank, const int64_t *dims) {
    return c2s_dnnl_check(c2s_md_any(out, rank, dims, dnnl_f32), "weights");
}

static c2s_status make_mds(const rnn *r, rnn_mds *md) {
    int64_t d = r->shape.directions, h = r->shape.hidden;
    int64_t src[] = {r->shape.steps, r->shape.batch, r->shape.inputs},
            state[] = {1, d, r->shape.batch, h};
    int64_t weights[] = {1, d, r->shape.inputs, r->shape.gates, h},
            recurrent[] = {1, d, h, r->shape.gates, h};
    int64_t bias[] = {1, d, r->biases, h}, dst[] = {r->shape.steps, r->shape.batch, d * h};
    C2S_TRY(c2s_md_plain(&md->src, 3, src));
    C2S_TRY(c2s_md_plain(&md->state, 4, state));
    C2S_TRY(c2s_md_plain(&md->weights, 5, weights));
    C2S_TRY(any_md(&md->weights_any, 5, weights));
    C2S_TRY(c2s_md_plain(&md->recurrent, 5, recurrent));
    C2S_TRY(any_md(&md->recurrent_any, 5, recurrent));
    C2S_TRY(c2s_md_plain(&md->bias, 4, bias));
    return c2s_md_plain(&md->dst, 3, dst);
}

static c2s_status bind_numbers(c2s_primitive *p, int arg, float *numbers, int64_t count,
                               c2s_const_md md) {
    c2s_status status = c2s_primitive_numbers(p, arg, numbers, (size_t)count, md);
    free(numbers);
    return status;
}

static c2s_status bind_weights(c2s_step *step, const rnn *r, const rnn_mds *md, c2s_primitive *p) {
    int64_t h = r->shape.hidden, rows = r->shape.directions * r->shape.gates * h;
    const c2s_tensor *bias = c2s_step_constant(step, 3);
    C2S_TRY(bind_numbers(
        p, DNNL_ARG_WEIGHTS_LAYER,
        transpose_weights(r, c2s_tensor_data(c2s_step_constant(step, 1)), r->shape.inputs),
        rows * r->shape.inputs, md->weights));
    C2S_TRY(bind_numbers(p, DNNL_ARG_WEIGHTS_ITER,
                         transpose_weights(r, c2s_tensor_data(c2s_step_constant(step, 2)), h),
                         rows * h, md->recurrent));
    return bind_numbers(p, DNNL_ARG_BIAS, make_bias(r, bias ? c2s_tensor_data(bias) : NULL),
                        r->shape.directions * r->biases * h, md->bias);
}

/* An output of the node, or work space if nobody wants it. */
static c2s_status bind_output(c2s_step *step, c2s_primitive *p, int arg, unsigned output,
                              c2s_const_md md) {
    size_t offset;
    return c2s_step_wants(step, output) ? c2s_primitive_output(p, step, arg, output, md)
                                        : c2s_primitive_temporary(p, arg, md, &offset);
}

static c2s_status bind(c2s_step *step, const rnn_mds *md, rnn_state *s) {
    c2s_primitive *p = s->primitive;
    bool lstm = s->r.cell == C2S_RNN_LSTM;
    C2S_TRY(c2s_primitive_input(p, step, DNNL_ARG_SRC_LAYER, 0, md->src));
    if (c2s_step_has(step, C2S_RNN_INITIAL_H))
        C2S_TRY(c2s_primitive_input(p, step, DNNL_ARG_SRC_ITER, C2S_RNN_INITIAL_H, md->state));
    if (lstm && c2s_step_has(step, C2S_RNN_INITIAL_C))
        C2S_TRY(c2s_primitive_input(p, step, DNNL_ARG_SRC_ITER_C, C2S_RNN_INITIAL_C, md->state));
    C2S_TRY(bind_weights(step, &s->r, md, p));
    C2S_TRY(bind_output(step, p, DNNL_ARG_DST_ITER, 1, md->state));
    if (lstm)
        C2S_TRY(bind_output(step, p, DNNL_ARG_DST_ITER_C, 2, md->state));
    s->permute = c2s_step_wants(step, 0) && s->r.shape.directions == 2;
    if (c2s_step_wants(step, 0) && !s->permute)
        return c2s_primitive_output(p, step, DNNL_ARG_DST_LAYER, 0, md->dst);
    return c2s_primitive_temporary(p, DNNL_ARG_DST_LAYER, md->dst, &s->offset);
}

static c2s_status build(c2s_step *step, const rnn_mds *md, rnn_state *s) {
    bool lstm = s->r.cell == C2S_RNN_LSTM;
    c2s_const_md initial = c2s_step_has(step, C2S_RNN_INITIAL_H) ? md->state : NULL;
    c2s_rnn_mds all = {.src_layer = md->src,
                       .src_iter = initial,
                       .src_iter_c = lstm ? initial : NULL,
                       .weights_layer = md->weights_any,
                       .weights_iter = md->recurrent_any,
                       .bias = md->bias,
                       .dst_layer = md->dst,
                       .dst_iter = md->state,
                       .dst_iter_c = lstm ? md->state : NULL};
    dnnl_primitive_desc_t pd;
    C2S_TRY(c2s_dnnl_check(c2s_pd_rnn(&pd, c2s_dnnl_engine(step->dnnl), s->r.cell, s->r.direction,
                                      &all, c2s_dnnl_attr(step->dnnl)),
                           "recurrent network"));
    C2S_TRY(c2s_primitive_create(step->dnnl, pd, &s->primitive));
    return bind(step, md, s);
}

static void rnn_release(c2s_step *step) {
    rnn_state *s = step->state;
    c2s_primitive_destroy(s->primitive);
    free(s);
    step->state = NULL;
}

static c2s_status rnn_prepare(c2s_step *step) {
    rnn_mds md = {0};
    rnn_state *s = c2s_zalloc(sizeof *s);
    step->state = s;
    c2s_status status = describe(step, &s->r) ? make_mds(&s->r, &md)
                                              : c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    if (status == C2S_OK)
        status = build(step, &md, s);
    c2s_md *all[] = {&md.src,       &md.state,         &md.weights, &md.weights_any,
                     &md.recurrent, &md.recurrent_any, &md.bias,    &md.dst};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        c2s_md_free(*all[k]);
    if (status != C2S_OK)
        rnn_release(step);
    return status;
}

static c2s_status rnn_run(c2s_step *step) {
    rnn_state *s = step->state;
    C2S_TRY(c2s_primitive_run(s->primitive, step));
    if (!s->permute)
        return C2S_OK;
    const float *from = c2s_primitive_work(s->primitive, s->offset);
    float *to = c2s_tensor_mutable(step->out[0]->tensor);
    int64_t n = s->r.shape.batch, d = s->r.shape.directions, h = s->r.shape.hidden;
    for (int64_t t = 0; t < s->r.shape.steps; t++)
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < d; k++)
                memcpy(to + ((t * d + k) * n + i) * h, from + ((t * n + i) * d + k) * h,
                       (size_t)h * sizeof *to);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_dnnl_rnn = {
    .name = "dnnl_rnn",
    .accepts = rnn_accepts,
    .prepare = rnn_prepare,
    .run = rnn_run,
    .release = rnn_release,
};
