/* SPDX-License-Identifier: Apache-2.0
 *
 * What biases have to change by for the sums of a layer to be right on the average (Nagel et al.
 * 2019, arXiv 1906.04721, section 4.2; measured: Finkelstein et al. 2019, arXiv 1906.03193, and
 * section 3.4 of arXiv 2201.08442).
 *
 * The quantized model runs layer by layer beside the one in float; the means of a layer's sums are
 * compared, and what is missing is added before the next layer reads them, so that no error is made
 * up for twice. (The analytic way is that of rounding_shift.h: it sees neither clipped activations
 * nor what activation functions make of noise.)
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "passes/measure/channel_means.h"
#include "passes/measure/piecewise.h"
#include "passes/quant/quantizing.h"

/* More samples hardly change the means, since most layers have many rows for each. */
enum { SAMPLES = 16, MOST_PIECES = 256 };

typedef struct layer {
    const c2s_node *node;
    int axis; /* of the channels of its sums */
    size_t extent, first;
} layer;

typedef struct correcting {
    c2s_quantizing *job;
    C2S_VEC(layer) layers; /* in the order of the graph */
    size_t width;          /* channels of all */
    float *wanted, *found; /* [samples, width]: means */
} correcting;

/* Those that run on integers in the quantized model, whose nodes have the same ids. */
static void list_layers(correcting *c, const c2s_model *quantized) {
    const c2s_placement *p = &c->job->placement;
    for (c2s_node *node = c->job->model->graph->first; node; node = node->next) {
        c2s_node *adder;
        unsigned slot;
        const c2s_value *y = c2s_node_out(node, 0);
        if (!c2s_placement_bias(p, node, &adder, &slot) || y->type.rank < 2)
            continue;
        const c2s_value *weight = c2s_node_in(quantized->nodes.at[node->id], 1);
        if (!weight || !weight->def || weight->def->op != &c2s_op_dequantize_linear)
            continue;
        const bool is_conv = node->op == &c2s_op_conv || node->op == &c2s_op_conv_transpose;
        const int axis = is_conv ? 1 : y->type.rank - 1;
        if (!c2s_dim_is_known(y->type.dim[axis]))
            continue;
        const size_t extent = (size_t)y->type.dim[axis];
        c2s_vec_push(&c->layers, ((layer){node, axis, extent, c->width}));
        c->width += extent;
    }
}

/* ---- measured ---- */

static c2s_status open_pieces(const correcting *c, const c2s_model *model, c2s_pieces **out) {
    const c2s_pass_context *context = c->job->context;
    const c2s_pieces_options o = {.evaluator = context->evaluator,
                                  .eval = context->eval,
                                  .feed = c->job->feed,
                                  .samples = SAMPLES,
                                  .most = MOST_PIECES};
    const c2s_value **sums = c2s_alloc_array(c->layers.count + 1, sizeof *sums);
    for (size_t k = 0; k < c->layers.count; k++)
        sums[k] = model->values.at[c->layers.at[k].node->outputs[0]->id];
    const c2s_status status = c2s_pieces_open(model->graph, sums, c->layers.count, &o, out);
    free(sums);
    return status;
}

static c2s_status take_means(const correcting *c, c2s_pieces *pieces, size_t piece, float *means) {
    size_t first, end;
    c2s_pieces_range(pieces, piece, &first, &end);
    for (size_t k = first; k < end; k++) {
        const layer *l = &c->layers.at[k];
        for (size_t s = 0; s < c2s_pieces_samples(pieces); s++)
            C2S_TRY(c2s_channel_means(c2s_pieces_at(pieces, k)[s], l->axis, l->extent,
                                      means + s * c->width + l->first));
    }
    return C2S_OK;
}

/* What the sums of a layer lack; its readers get them complete. */
static c2s_status correct_layer(correcting *c, c2s_pieces *pieces, size_t k) {
    const layer *l = &c->layers.at[k];
    double *shift = c->job->shift[l->node->id].at, before = 0, signal = 0;
    for (size_t i = 0; i < l->extent; i++) {
        const size_t at = l->first + i;
        shift[i] =
            c2s_channel_shift(c->wanted + at, c->found + at, c2s_pieces_samples(pieces), c->width);
        before += shift[i] * shift[i];
        signal += (double)c->wanted[at] * (double)c->wanted[at];
    }
    c2s_log(2, "quantize: %s: its bias makes up for %.2g of its mean", c2s_node_text(l->node),
            signal > 0 ? sqrt(before / signal) : 0);
    for (size_t s = 0; s < c2s_pieces_samples(pieces); s++) {
        c2s_tensor **at = &c2s_pieces_at(pieces, k)[s], *corrected;
        C2S_TRY(c2s_channel_add(*at, l->axis, shift, &corrected));
        c2s_tensor_unref(*at);
        *at = corrected;
    }
    return C2S_OK;
}

static c2s_status run_both(correcting *c, c2s_pieces *in_float, c2s_pieces *quantized) {
    const size_t samples = c2s_pieces_samples(in_float);
    C2S_TRY(c2s_scratch(samples * 2, c->width * sizeof *c->wanted, &c->wanted));
    c->found = c->wanted + samples * c->width;
    for (size_t piece = 0; piece < c2s_pieces_count(in_float); piece++) {
        size_t first, end;
        c2s_pieces_range(in_float, piece, &first, &end);
        c2s_progress("correcting biases", (double)first / (double)c->layers.count);
        C2S_TRY(c2s_pieces_run(in_float, piece));
        C2S_TRY(c2s_pieces_run(quantized, piece));
        C2S_TRY(take_means(c, in_float, piece, c->wanted));
        C2S_TRY(take_means(c, quantized, piece, c->found));
        for (size_t k = first; k < end; k++)
            C2S_TRY(correct_layer(c, quantized, k));
    }
    return C2S_OK;
}

static c2s_status measure(correcting *c, const c2s_model *model) {
    c2s_pieces *in_float = NULL, *quantized = NULL;
    c2s_status status = open_pieces(c, model, &quantized);
    if (status == C2S_OK)
        status = open_pieces(c, c->job->model, &in_float);
    if (status == C2S_OK)
        status = run_both(c, in_float, quantized);
    c2s_pieces_close(in_float);
    c2s_pieces_close(quantized);
    free(c->wanted);
    return status;
}

/* ---- all of it ---- */

static void make_shifts(const correcting *c) {
    c2s_quantizing *j = c->job;
    j->shift = c2s_zalloc((j->model->nodes.count + 1) * sizeof *j->shift);
    for (size_t k = 0; k < c->layers.count; k++) {
        const layer *l = &c->layers.at[k];
        j->shift[l->node->id] =
            (c2s_bias_shift){l->extent, c2s_zalloc((l->extent + 1) * sizeof(double))};
    }
}

c2s_status c2s_quantizing_correct(c2s_quantizing *j, const char **vetoed) {
    correcting c = {.job = j};
    c2s_model *model;
    c2s_quantizing_forget_correction(j);
    if (j->correction != C2S_CORRECT_MEASURED)
        return C2S_OK;
    C2S_TRY(c2s_quantizing_build(j, vetoed, j->force, false, &model));
    list_layers(&c, model);
    make_shifts(&c);
    const c2s_status status = c.layers.count ? measure(&c, model) : C2S_OK;
    c2s_model_destroy(model);
    c2s_vec_free(&c.layers);
    if (status != C2S_OK)
        c2s_note("while biases are corrected");
    return status;
}

void c2s_quantizing_free_shift(const c2s_quantizing *j, c2s_bias_shift *shift) {
    for (size_t k = 0; shift && k < j->model->nodes.count; k++)
        free(shift[k].at);
    free(shift);
}

void c2s_quantizing_forget_correction(c2s_quantizing *j) {
    c2s_quantizing_free_shift(j, j->shift);
    j->shift = NULL;
}
