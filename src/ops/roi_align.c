/* SPDX-License-Identifier: Apache-2.0
 *
 * RoiAlign.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ops/infer_tensor.h"
#include "ops/macs.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

typedef struct roi_options {
    bool maximum; /* else the average */
    bool half_pixel;
    int64_t height, width, sampling;
    double scale;
} roi_options;

static c2s_status roi_options_of(const c2s_node *node, roi_options *o) {
    const char *mode = c2s_attr_string(node, "mode", "avg");
    const char *transform = c2s_attr_string(node, "coordinate_transformation_mode", "half_pixel");
    o->maximum = strcmp(mode, "max") == 0;
    o->half_pixel = strcmp(transform, "half_pixel") == 0;
    if (!o->maximum && strcmp(mode, "avg") != 0)
        return c2s_fail(C2S_ERR_INVALID, "mode is \"%s\", expected avg or max", mode);
    if (!o->half_pixel && strcmp(transform, "output_half_pixel") != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "coordinate_transformation_mode is \"%s\", expected half_pixel or "
                        "output_half_pixel",
                        transform);
    o->height = c2s_attr_int(node, "output_height", 1);
    o->width = c2s_attr_int(node, "output_width", 1);
    o->sampling = c2s_attr_int(node, "sampling_ratio", 0);
    o->scale = (double)c2s_attr_float(node, "spatial_scale", 1);
    if (o->height < 1 || o->width < 1 || o->sampling < 0 || o->sampling > 1 << 20)
        return c2s_fail(C2S_ERR_INVALID,
                        "output of %" PRId64 " x %" PRId64 " with %" PRId64
                        " samples is not possible",
                        o->height, o->width, o->sampling);
    return C2S_OK;
}

static c2s_status roi_align_infer(c2s_infer *i) {
    roi_options options;
    C2S_TRY(c2s_infer_tensors(i, 3));
    C2S_TRY(roi_options_of(i->node, &options));
    const c2s_type *x = c2s_infer_type(i, 0), *rois = c2s_infer_type(i, 1);
    const c2s_type *batch = c2s_infer_type(i, 2);
    if ((x->rank >= 0 && x->rank != 4) || (rois->rank >= 0 && rois->rank != 2) ||
        (batch->rank >= 0 && batch->rank != 1))
        return c2s_fail(C2S_ERR_INVALID, "ranks are %d, %d and %d, expected 4, 2 and 1", x->rank,
                        rois->rank, batch->rank);
    if (i->concrete && (rois->dim[1] != 4 || batch->dim[0] != rois->dim[0] ||
                        !c2s_dtype_is_float(x->dtype) || !c2s_dtype_is_float(rois->dtype)))
        return c2s_fail(C2S_ERR_INVALID, "rois must have 4 numbers and one batch index each");
    c2s_dim count = rois->rank == 2    ? rois->dim[0]
                    : batch->rank == 1 ? batch->dim[0]
                                       : c2s_dim_fresh(i->dims);
    c2s_dim dim[4] = {count, x->rank == 4 ? x->dim[1] : c2s_dim_fresh(i->dims), options.height,
                      options.width};
    return c2s_infer_output(i, 0, x->dtype, 4, dim);
}

/* One sample of a bin: four neighbours and their weights, the same for all channels. */
typedef struct sample {
    size_t offset[4];
    double weight[4];
} sample;

static void find_sample(double y, double x, int64_t height, int64_t width, sample *s) {
    *s = (sample){{0}, {0}};
    if (!(y >= -1 && y <= (double)height && x >= -1 && x <= (double)width))
        return;
    y = y > 0 ? y : 0;
    x = x > 0 ? x : 0;
    int64_t top = (int64_t)y < height - 1 ? (int64_t)y : height - 1;
    int64_t left = (int64_t)x < width - 1 ? (int64_t)x : width - 1;
    int64_t bottom = top < height - 1 ? top + 1 : top, right = left < width - 1 ? left + 1 : left;
    double dy = top == bottom ? 0 : y - (double)top, dx = left == right ? 0 : x - (double)left;
    const size_t offset[4] = {(size_t)(top * width + left), (size_t)(top * width + right),
                              (size_t)(bottom * width + left), (size_t)(bottom * width + right)};
    const double weight[4] = {(1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx};
    memcpy(s->offset, offset, sizeof offset);
    memcpy(s->weight, weight, sizeof weight);
}

/* The average over the samples of one bin, in one channel; or the maximum of the four weighted
 * neighbours of all samples, which is what the operator's test cases define as max pooling. */
static double pool(const double *plane, const sample *samples, size_t count, bool maximum) {
    double result = maximum ? -INFINITY : 0;
    for (size_t k = 0; k < count; k++) {
        double value = 0;
        for (int j = 0; j < 4; j++) {
            double part = samples[k].weight[j] * plane[samples[k].offset[j]];
            if (maximum)
                result = part > result ? part : result;
            value += part;
        }
        result = maximum ? result : result + value;
    }
    if (count == 0)
        return 0;
    return maximum ? result : result / (double)count;
}

/* Samples of one bin, row by row of a grid over it. */
static void bin_samples(const double origin[2], const double bin[2], const int64_t grid[2],
                        int64_t row, int64_t column, const c2s_type *x, sample *samples) {
    for (int64_t iy = 0; iy < grid[0]; iy++) {
        for (int64_t ix = 0; ix < grid[1]; ix++) {
            double at_y = ((double)iy + 0.5) / (double)grid[0] + (double)row;
            double at_x = ((double)ix + 0.5) / (double)grid[1] + (double)column;
            find_sample(origin[0] + at_y * bin[0], origin[1] + at_x * bin[1], x->dim[2], x->dim[3],
                        samples++);
        }
    }
}

/* One region. Samples per bin: sampling_ratio squared, or as many as there are pixels in it. */
static c2s_status align_roi(const roi_options *o, const c2s_type *x, const double *image,
                            const double *roi, double *to) {
    double shift = o->half_pixel ? 0.5 : 0, origin[2], extent[2], bin[2];
    int64_t grid[2], out[2] = {o->height, o->width};
    sample *samples;
    for (int a = 0; a < 2; a++) { /* roi: x1, y1, x2, y2 */
        origin[a] = roi[1 - a] * o->scale - shift;
        extent[a] = roi[3 - a] * o->scale - shift - origin[a];
        if (!o->half_pixel && extent[a] < 1)
            extent[a] = 1;
        bin[a] = extent[a] / (double)out[a];
        double wanted = o->sampling ? (double)o->sampling : ceil(bin[a]);
        if (!(wanted < 0x1p20))
            return c2s_fail(C2S_ERR_INVALID, "a region of %g pixels is too large", extent[a]);
        grid[a] = wanted > 0 ? (int64_t)wanted : 0;
    }
    size_t count = (size_t)(grid[0] * grid[1]), plane = (size_t)(x->dim[2] * x->dim[3]);
    C2S_TRY(c2s_scratch(count, sizeof *samples, &samples));
    for (int64_t row = 0; row < o->height; row++) {
        for (int64_t column = 0; column < o->width; column++) {
            bin_samples(origin, bin, grid, row, column, x, samples);
            for (int64_t c = 0; c < x->dim[1]; c++)
                to[(c * o->height + row) * o->width + column] =
                    pool(image + (size_t)c * plane, samples, count, o->maximum);
        }
    }
    free(samples);
    return C2S_OK;
}

static c2s_status roi_align_eval(c2s_eval *e) {
    const c2s_type *x = &e->in[0]->type;
    roi_options options;
    c2s_workspace ws = {0};
    C2S_TRY(roi_options_of(e->node, &options));
    if (!e->out[0] || !e->out[0]->count)
        return C2S_OK;
    if (!e->in[0]->count)
        return c2s_fail(C2S_ERR_INVALID, "an input without elements has no regions");
    const int64_t *batch = c2s_workspace_indices(&ws, e->in[2], x->dim[0]);
    const double *image = c2s_workspace_f64(&ws, e->in[0]);
    const double *rois = c2s_workspace_f64(&ws, e->in[1]);
    double *values = c2s_workspace_out_f64(&ws, e->out[0]);
    size_t item = e->in[0]->count / (size_t)x->dim[0];
    size_t region = e->out[0]->count / e->in[2]->count;
    for (size_t k = 0; ws.status == C2S_OK && k < e->in[2]->count; k++)
        ws.status = align_roi(&options, x, image + (size_t)batch[k] * item, rois + 4 * k,
                              values + k * region);
    return c2s_workspace_end(&ws);
}

/* Four neighbours per sample; one sample per bin where the region decides their number. */
static int64_t roi_align_macs(const c2s_node *node) {
    int64_t side = c2s_attr_int(node, "sampling_ratio", 0);
    side = side < 1 ? 1 : side;
    return c2s_macs_mul(c2s_macs_output(node, 0, 0, -1), c2s_macs_mul(4, c2s_macs_mul(side, side)));
}

static const c2s_attr_spec roi_align_attrs[] = {
    {"coordinate_transformation_mode", C2S_ATTR_STRING, false},
    {"mode", C2S_ATTR_STRING, false},
    {"output_height", C2S_ATTR_INT, false},
    {"output_width", C2S_ATTR_INT, false},
    {"sampling_ratio", C2S_ATTR_INT, false},
    {"spatial_scale", C2S_ATTR_FLOAT, false},
    {0}};

const c2s_op c2s_op_roi_align = {
    .type = "RoiAlign",
    .domain = "",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(WITHIN),
    .attrs = roi_align_attrs,
    .ties = c2s_ties_roi,
    .infer = roi_align_infer,
    .eval = roi_align_eval,
    .macs = roi_align_macs,
};
