/* SPDX-License-Identifier: Apache-2.0
 *
 * AffineGrid.
 */
#include <inttypes.h>

#include "base/memory.h"
#include "ops/infer_tensor.h"
#include "ops/macs.h"
#include "ops/workspace.h"

enum { MAX_SPATIAL = 3 };

static c2s_status affine_grid_infer(c2s_infer *i) {
    bool known;
    const c2s_dim *size;
    unsigned count;
    c2s_dim dim[MAX_SPATIAL + 2];
    C2S_TRY(c2s_infer_tensors(i, 2));
    const c2s_type *theta = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_list_dims(i, 1, "size", &known, &size, &count));
    int64_t length = known ? (int64_t)count : c2s_infer_length(i, 1);
    if (length < 0)
        return c2s_infer_output(i, 0, theta->dtype, -1, NULL);
    if (length != 4 && length != 5)
        return c2s_fail(C2S_ERR_INVALID, "size has %" PRId64 " elements, expected 4 or 5", length);
    int rank = (int)length, spatial = rank - 2;
    if (i->concrete && (theta->rank != 3 || theta->dim[0] != size[0] || theta->dim[1] != spatial ||
                        theta->dim[2] != spatial + 1))
        return c2s_fail(C2S_ERR_INVALID,
                        "theta must be %" PRId64 " matrices of %d rows and %d columns", size[0],
                        spatial, spatial + 1);
    dim[0] = known ? size[0] : c2s_dim_fresh(i->dims);
    for (int a = 0; a < spatial; a++)
        dim[a + 1] = known ? size[a + 2] : c2s_dim_fresh(i->dims);
    dim[rank - 1] = spatial;
    return c2s_infer_output(i, 0, theta->dtype, rank, dim);
}

/* The coordinate of position k among `extent` pixels of [-1, 1]. */
static double grid_coordinate(int64_t k, int64_t extent, bool align_corners) {
    if (!align_corners)
        return (2 * (double)k + 1) / (double)extent - 1;
    return extent == 1 ? 0 : 2 * (double)k / (double)(extent - 1) - 1;
}

static c2s_status affine_grid_eval(c2s_eval *e) {
    const c2s_type *y = &e->out_type[0];
    bool align_corners = c2s_attr_int(e->node, "align_corners", 0) != 0;
    if (!e->out[0] || !e->out[0]->count)
        return C2S_OK;
    if (!c2s_dtype_is_float(y->dtype))
        return c2s_fail(C2S_ERR_INVALID, "theta is of type %s, expected floats",
                        c2s_dtype_name(y->dtype));
    c2s_workspace ws = {0};
    const double *theta = c2s_workspace_f64(&ws, e->in[0]);
    double *values = c2s_workspace_out_f64(&ws, e->out[0]);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    int spatial = y->rank - 2;
    size_t rows = (size_t)spatial, columns = rows + 1;
    int64_t at[MAX_SPATIAL + 1] = {0}; /* batch, then spatial axes */
    for (size_t k = 0; k < e->out[0]->count; k += rows) {
        const double *matrix = theta + (size_t)at[0] * rows * columns;
        for (size_t row = 0; row < rows; row++) {
            double sum = matrix[row * columns + rows];
            for (int a = 0; a < spatial; a++) /* the last axis is x, the first coordinate */
                sum += matrix[row * columns + (rows - 1 - (size_t)a)] *
                       grid_coordinate(at[a + 1], y->dim[a + 1], align_corners);
            values[k + row] = sum;
        }
        for (int a = spatial; a > 0 && ++at[a] == y->dim[a]; a--) {
            at[a] = 0;
            if (a == 1)
                at[0]++;
        }
    }
    return c2s_workspace_end(&ws);
}

/* A row of theta times the coordinates; the last column is added as it is. */
static int64_t affine_grid_macs(const c2s_node *node) {
    const c2s_value *y = c2s_node_out(node, 0);
    return y && y->type.rank > 2 ? c2s_macs_mul(c2s_macs_extents(&y->type, 0, -1), y->type.rank - 2)
                                 : 0;
}

static const c2s_attr_spec affine_grid_attrs[] = {{"align_corners", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_affine_grid = {
    .type = "AffineGrid",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_ONLY(FLOAT),
    .attrs = affine_grid_attrs,
    .ties = c2s_ties_pinned,
    .infer = affine_grid_infer,
    .eval = affine_grid_eval,
    .macs = affine_grid_macs,
};
