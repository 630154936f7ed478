/* SPDX-License-Identifier: Apache-2.0
 *
 * MaxRoiPool: the maximum over each cell of a grid laid over regions of interest, whose corners are
 * rounded to whole input positions, both inclusive (Girshick, Fast R-CNN, arXiv:1504.08083).
 */
#include <inttypes.h>
#include <math.h>

#include "ops/ties_rules.h"
#include "ops/workspace.h"

static c2s_status max_roi_pool_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 2));
    const c2s_type *x = c2s_infer_type(i, 0), *rois = c2s_infer_type(i, 1);
    size_t count;
    const int64_t *pooled = c2s_attr_ints(i->node, "pooled_shape", &count);
    if (!pooled || count != 2 || pooled[0] < 1 || pooled[1] < 1)
        return c2s_fail(C2S_ERR_INVALID, "pooled_shape must be two positive extents");
    if ((c2s_type_is_tensor(x) && x->rank >= 0 && x->rank != 4) ||
        (c2s_type_is_tensor(rois) && rois->rank >= 0 && rois->rank != 2))
        return c2s_fail(C2S_ERR_INVALID, "the inputs have ranks %d and %d, expected 4 and 2",
                        x->rank, rois->rank);
    c2s_dim dim[4] = {rois->rank == 2 ? rois->dim[0] : c2s_dim_fresh(i->dims),
                      x->rank == 4 ? x->dim[1] : c2s_dim_fresh(i->dims), pooled[0], pooled[1]};
    i->out[0] = c2s_type_tensor(x->dtype, 4, dim);
    return C2S_OK;
}

typedef struct range {
    int64_t begin, end;
} range;

/* Input positions of cell `cell` of `cells` over [from, to], kept within the input. */
static range cell_range(double from, double to, int64_t cell, int64_t cells, int64_t extent) {
    double length = fmax(to - from + 1.0, 1.0), size = length / (double)cells;
    double begin = floor((double)cell * size) + from, end = ceil((double)(cell + 1) * size) + from;
    double limit = (double)extent;
    return (range){(int64_t)fmin(fmax(begin, 0.0), limit), (int64_t)fmin(fmax(end, 0.0), limit)};
}

static double maximum(const double *plane, int64_t width, range rows, range columns) {
    if (rows.begin >= rows.end || columns.begin >= columns.end)
        return 0.0;
    double most = -INFINITY;
    for (int64_t r = rows.begin; r < rows.end; r++)
        for (int64_t c = columns.begin; c < columns.end; c++)
            most = plane[r * width + c] > most ? plane[r * width + c] : most;
    return most;
}

static c2s_status max_roi_pool_eval(c2s_eval *e) {
    const c2s_type *xt = &e->in[0]->type, *rt = &e->in[1]->type;
    const int64_t *yd = e->out[0]->type.dim;
    if (rt->dim[1] != 5)
        return c2s_fail(C2S_ERR_INVALID, "a region has %" PRId64 " numbers, expected 5",
                        rt->dim[1]);
    double scale = (double)c2s_attr_float(e->node, "spatial_scale", 1.0f);
    c2s_workspace ws = {0};
    const double *x = c2s_workspace_f64(&ws, e->in[0]), *roi = c2s_workspace_f64(&ws, e->in[1]);
    double *y = c2s_workspace_out_f64(&ws, e->out[0]);
    int64_t height = xt->dim[2], width = xt->dim[3];
    for (int64_t n = 0; ws.status == C2S_OK && n < yd[0]; n++, roi += 5) {
        if (!(roi[0] >= 0.0 && roi[0] < (double)xt->dim[0])) {
            ws.status = c2s_fail(C2S_ERR_INVALID,
                                 "region %" PRId64 " is of batch entry %g, expected "
                                 "0 to %" PRId64,
                                 n, roi[0], xt->dim[0] - 1);
            break;
        }
        double x1 = round(roi[1] * scale), y1 = round(roi[2] * scale);
        double x2 = round(roi[3] * scale), y2 = round(roi[4] * scale);
        const double *plane = x + (int64_t)roi[0] * xt->dim[1] * height * width;
        for (int64_t i = 0; i < yd[1] * yd[2] * yd[3]; i++) {
            int64_t cell = i % (yd[2] * yd[3]);
            range rows = cell_range(y1, y2, cell / yd[3], yd[2], height);
            range columns = cell_range(x1, x2, cell % yd[3], yd[3], width);
            *y++ = maximum(plane + i / (yd[2] * yd[3]) * height * width, width, rows, columns);
        }
    }
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec max_roi_pool_attrs[] = {
    {"pooled_shape", C2S_ATTR_INTS, true},
    {"spatial_scale", C2S_ATTR_FLOAT, false},
    {0},
};

const c2s_op c2s_op_max_roi_pool = {
    .type = "MaxRoiPool",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .attrs = max_roi_pool_attrs,
    .ties = c2s_ties_roi,
    .infer = max_roi_pool_infer,
    .eval = max_roi_pool_eval,
};
