/* SPDX-License-Identifier: Apache-2.0
 *
 * LSTM and GRU with constant weights, the default activations and full sequences.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runtime/dnnl_primitive.h"

/* ONNX's slots behind X, W, R, B. */
enum { SEQUENCE_LENS = 4, INITIAL_H = 5, INITIAL_C = 6, PEEPHOLES = 7 };

typedef struct rnn {
    c2s_rnn_cell cell;
    dnnl_rnn_direction_t direction;
    int gates, biases; /* biases: vectors of the library's bias */
    int64_t steps, batch, inputs, hidden, directions;
} rnn;

typedef struct rnn_state {
    c2s_primitive *primitive;
    bool permute;  /* Y is [steps, directions, ..], the library's [steps, .., directions] */
    size_t offset; /* of the library's, if it is not Y itself */
    rnn r;
} rnn_state;

/* ---- does it fit? ---- */

static bool default_activations(const c2s_node *node, bool lstm) {
    static const char *const names[] = {"sigmoid", "tanh", "tanh"};
    size_t count, per_direction = lstm ? 3 : 2;
    const c2s_string *given = c2s_attr_strings(node, "activations", &count);
    for (size_t k = 0; k < count; k++) {
        const char *want = names[k % per_direction];
        if (given[k].size != strlen(want) || strncasecmp(given[k].data, want, given[k].size) != 0)
            return false;
    }
    return !c2s_attr_has(node, "clip") && !c2s_attr_has(node, "activation_alpha") &&
           !c2s_attr_has(node, "activation_beta");
}

static bool read_direction(const c2s_node *node, rnn *r) {
    const char *text = c2s_attr_string(node, "direction", "forward");
    r->directions = 1;
    r->direction = dnnl_unidirectional_left2right;
    if (strcmp(text, "reverse") == 0)
        r->direction = dnnl_unidirectional_right2left;
    else if (strcmp(text, "bidirectional") == 0) {
        r->direction = dnnl_bidirectional_concat;
        r->directions = 2;
    } else if (strcmp(text, "forward") != 0)
        return false;
    return true;
}

/* True if the slot has this shape and is a constant or need not be. */
static bool has_shape(const c2s_step *step, unsigned input, bool constant, int rank,
                      const int64_t *dims) {
    const c2s_type *type = c2s_step_type(step, input);
    return c2s_dnnl_accepts(type) && type->rank == rank &&
           memcmp(type->dim, dims, (size_t)rank * sizeof *dims) == 0 &&
           (!constant || c2s_step_constant(step, input));
}

static bool shapes_fit(const c2s_step *step, const rnn *r) {
    int64_t gates = r->gates * r->hidden;
    int64_t w[] = {r->directions, gates, r->inputs},
            recurrent[] = {r->directions, gates, r->hidden};
    int64_t bias[] = {r->directions, 2 * gates}, state[] = {r->directions, r->batch, r->hidden};
    bool initial_h = c2s_step_has(step, INITIAL_H), initial_c = c2s_step_has(step, INITIAL_C);
    return has_shape(step, 1, true, 3, w) && has_shape(step, 2, true, 3, recurrent) &&
           (!c2s_step_has(step, 3) || has_shape(step, 3, true, 2, bias)) &&
           (!initial_h || has_shape(step, INITIAL_H, false, 3, state)) &&
           (r->cell != C2S_RNN_LSTM ||
            (initial_h == initial_c &&
             (!initial_c || has_shape(step, INITIAL_C, false, 3, state))));
}

static bool describe(const c2s_step *step, rnn *r) {
    const c2s_node *node = step->node;
    const c2s_type *x = c2s_step_type(step, 0), *recurrent = c2s_step_type(step, 2);
    bool lstm = c2s_node_is(node, "LSTM"),
         linear = !lstm && c2s_attr_int(node, "linear_before_reset", 0) != 0;
    *r = (rnn){.cell = lstm     ? C2S_RNN_LSTM
                       : linear ? C2S_RNN_LBR_GRU
                                : C2S_RNN_GRU,
               .gates = lstm ? 4 : 3,
               .biases = lstm || linear ? 4 : 3};
    if (!c2s_dnnl_accepts(x) || x->rank != 3 || !c2s_dnnl_accepts(recurrent) ||
        recurrent->rank != 3 || c2s_step_has(step, SEQUENCE_LENS) ||
        c2s_step_has(step, PEEPHOLES) || c2s_attr_int(node, "layout", 0) != 0 ||
        c2s_attr_int(node, "input_forget", 0) != 0 || !default_activations(node, lstm) ||
        !read_direction(node, r))
        return false;
    r->steps = x->dim[0];
    r->batch = x->dim[1];
    r->inputs = x->dim[2];
    r->hidden = recurrent->dim[2];
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k] && !c2s_dnnl_accepts(&step->out[k]->type))
            return false;
    return shapes_fit(step, r);
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
    int64_t h = r->hidden, rows = r->gates * h;
    float *out = c2s_alloc_array((size_t)(r->directions * rows * columns), sizeof *out);
    for (int64_t d = 0; d < r->directions; d++)
        for (int g = 0; g < r->gates; g++)
            for (int64_t k = 0; k < h; k++)
                for (int64_t c = 0; c < columns; c++)
                    out[((d * columns + c) * r->gates + g) * h + k] =
                        in[(d * rows + gate_of(r, g) * h + k) * columns + c];
    return out;
}

/* ONNX has a bias for the input and one for the state, which mostly just add up; the last gate of
 * linear_before_reset keeps them apart. */
static float *make_bias(const rnn *r, const float *in) {
    int64_t h = r->hidden, rows = r->gates * h;
    float *out = c2s_zalloc((size_t)(r->directions * r->biases * h) * sizeof *out);
    for (int64_t d = 0; d < r->directions && in; d++)
        for (int g = 0; g < r->gates; g++)
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
    int64_t d = r->directions, h = r->hidden;
    int64_t src[] = {r->steps, r->batch, r->inputs}, state[] = {1, d, r->batch, h};
    int64_t weights[] = {1, d, r->inputs, r->gates, h}, recurrent[] = {1, d, h, r->gates, h};
    int64_t bias[] = {1, d, r->biases, h}, dst[] = {r->steps, r->batch, d * h};
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
    int64_t h = r->hidden, rows = r->directions * r->gates * h;
    const c2s_tensor *bias = c2s_step_constant(step, 3);
    C2S_TRY(
        bind_numbers(p, DNNL_ARG_WEIGHTS_LAYER,
                     transpose_weights(r, c2s_tensor_data(c2s_step_constant(step, 1)), r->inputs),
                     rows * r->inputs, md->weights));
    C2S_TRY(bind_numbers(p, DNNL_ARG_WEIGHTS_ITER,
                         transpose_weights(r, c2s_tensor_data(c2s_step_constant(step, 2)), h),
                         rows * h, md->recurrent));
    return bind_numbers(p, DNNL_ARG_BIAS, make_bias(r, bias ? c2s_tensor_data(bias) : NULL),
                        r->directions * r->biases * h, md->bias);
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
    if (c2s_step_has(step, INITIAL_H))
        C2S_TRY(c2s_primitive_input(p, step, DNNL_ARG_SRC_ITER, INITIAL_H, md->state));
    if (lstm && c2s_step_has(step, INITIAL_C))
        C2S_TRY(c2s_primitive_input(p, step, DNNL_ARG_SRC_ITER_C, INITIAL_C, md->state));
    C2S_TRY(bind_weights(step, &s->r, md, p));
    C2S_TRY(bind_output(step, p, DNNL_ARG_DST_ITER, 1, md->state));
    if (lstm)
        C2S_TRY(bind_output(step, p, DNNL_ARG_DST_ITER_C, 2, md->state));
    s->permute = c2s_step_wants(step, 0) && s->r.directions == 2;
    if (c2s_step_wants(step, 0) && !s->permute)
        return c2s_primitive_output(p, step, DNNL_ARG_DST_LAYER, 0, md->dst);
    return c2s_primitive_temporary(p, DNNL_ARG_DST_LAYER, md->dst, &s->offset);
}

static c2s_status build(c2s_step *step, const rnn_mds *md, rnn_state *s) {
    bool lstm = s->r.cell == C2S_RNN_LSTM;
    c2s_const_md initial = c2s_step_has(step, INITIAL_H) ? md->state : NULL;
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
    int64_t n = s->r.batch, d = s->r.directions, h = s->r.hidden;
    for (int64_t t = 0; t < s->r.steps; t++)
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
