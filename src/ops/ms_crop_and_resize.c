/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft CropAndResize: boxes of images, brought to one size with their corners aligned.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ops/infer_tensor.h"
#include "ops/macs.h"
#include "ops/workspace.h"

enum { X, BOXES, BATCHES, SIZE };

static c2s_status crop_infer(c2s_infer *i) {
    const c2s_type *x = c2s_infer_type(i, X), *boxes = c2s_infer_type(i, BOXES);
    const c2s_dim *size;
    unsigned count;
    bool known;
    C2S_TRY(c2s_infer_tensors(i, 4));
    C2S_TRY(c2s_infer_rank(i, X, 4, 4));
    C2S_TRY(c2s_infer_rank(i, BOXES, 2, 2));
    C2S_TRY(c2s_infer_list_dims(i, SIZE, "crop_size", &known, &size, &count));
    if (known && count != 2)
        return c2s_fail(C2S_ERR_INVALID, "crop_size has %u elements, expected 2", count);
    const c2s_dim dim[4] = {boxes->rank == 2 ? boxes->dim[0] : c2s_dim_fresh(i->dims),
                            x->rank == 4 ? x->dim[1] : c2s_dim_fresh(i->dims),
                            known ? size[0] : c2s_dim_fresh(i->dims),
                            known ? size[1] : c2s_dim_fresh(i->dims)};
    return c2s_infer_output(i, 0, x->dtype, 4, dim);
}

/* Where sample k of `count` between the box's borders (parts of the axis) lies. */
static double place(double begin, double end, int64_t k, int64_t count, int64_t extent) {
    const double last = (double)(extent - 1);
    if (count < 2)
        return 0.5 * (begin + end) * last;
    return begin * last + (double)k * (end - begin) * last / (double)(count - 1);
}

static double sample(const double *plane, int64_t width, double y, double x, bool nearest) {
    if (nearest)
        return plane[(int64_t)round(y) * width + (int64_t)round(x)];
    const int64_t top = (int64_t)floor(y), bottom = (int64_t)ceil(y);
    const int64_t left = (int64_t)floor(x), right = (int64_t)ceil(x);
    const double a = plane[top * width + left], b = plane[top * width + right];
    const double c = plane[bottom * width + left], d = plane[bottom * width + right];
    const double upper = a + (b - a) * (x - (double)left), lower = c + (d - c) * (x - (double)left);
    return upper + (lower - upper) * (y - (double)top);
}

static c2s_status crop_eval(c2s_eval *e) {
    const int64_t *in = e->in[X]->type.dim, *out = e->out[0]->type.dim;
    const char *mode = c2s_attr_string(e->node, "mode", "bilinear");
    const bool nearest = strcmp(mode, "nearest") == 0;
    const double outside = (double)c2s_attr_float(e->node, "extrapolation_value", 0.0f);
    if (!nearest && strcmp(mode, "bilinear") != 0)
        return c2s_fail(C2S_ERR_INVALID, "mode is \"%s\", expected bilinear or nearest", mode);
    if (e->in[BOXES]->type.dim[1] != 4 || (int64_t)e->in[BATCHES]->count != out[0])
        return c2s_fail(C2S_ERR_INVALID,
                        "there are %zu batch indices for boxes [%" PRId64 ", %" PRId64
                        "], expected one for each of 4 numbers",
                        e->in[BATCHES]->count, out[0], e->in[BOXES]->type.dim[1]);
    c2s_workspace ws = {0};
    const double *x = c2s_workspace_f64(&ws, e->in[X]);
    const double *boxes = c2s_workspace_f64(&ws, e->in[BOXES]);
    const int64_t *batches = c2s_workspace_indices(&ws, e->in[BATCHES], in[0]);
    double *y = c2s_workspace_out_f64(&ws, e->out[0]);
    for (int64_t p = 0; ws.status == C2S_OK && p < out[0] * out[1] * out[2]; p++) {
        const int64_t row = p % out[2], channel = p / out[2] % out[1], n = p / out[2] / out[1];
        const double *plane = x + (batches[n] * in[1] + channel) * in[2] * in[3];
        const double *box = boxes + n * 4, at = place(box[0], box[2], row, out[2], in[2]);
        for (int64_t k = 0; k < out[3]; k++) {
            const double across = place(box[1], box[3], k, out[3], in[3]);
            const bool within = at >= 0 && at <= (double)(in[2] - 1) && across >= 0 &&
                                across <= (double)(in[3] - 1);
            y[p * out[3] + k] = within ? sample(plane, in[3], at, across, nearest) : outside;
        }
    }
    return c2s_workspace_end(&ws);
}

/* Four neighbours, in each of the two steps of interpolation. */
static int64_t crop_macs(const c2s_node *node) {
    if (strcmp(c2s_attr_string(node, "mode", "bilinear"), "nearest") == 0)
        return 0;
    return c2s_macs_mul(4, c2s_macs_output(node, 0, 0, -1));
}

static const c2s_attr_spec crop_attrs[] = {
    {"extrapolation_value", C2S_ATTR_FLOAT, false}, {"mode", C2S_ATTR_STRING, false}, {0}};
const c2s_op c2s_op_ms_crop_and_resize = {.type = "CropAndResize",
                                          .domain = "com.microsoft",
                                          .inputs = {4, 4},
                                          .outputs = {1, 1},
                                          .quant = C2S_QUANT_UNARY(OWN),
                                          .attrs = crop_attrs,
                                          .ties = c2s_ties_pinned,
                                          .infer = crop_infer,
                                          .eval = crop_eval,
                                          .macs = crop_macs};
