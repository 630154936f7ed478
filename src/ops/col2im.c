/* SPDX-License-Identifier: Apache-2.0
 *
 * Col2Im: adds up the columns that a window took from an image, at the places they came from.
 */
#include <inttypes.h>

#include "ops/infer_tensor.h"
#include "ops/ties_rules.h"
#include "ops/window.h"
#include "ops/workspace.h"

/* Axes of the image, by whatever has an entry for each of them; 0: not known. */
static int64_t image_axes(const c2s_infer *i) {
    static const struct {
        const char *name;
        size_t per_axis;
    } lists[] = {{"strides", 1}, {"dilations", 1}, {"pads", 2}};
    for (unsigned input = 1; input <= 2; input++)
        if (c2s_infer_length(i, input) > 0)
            return c2s_infer_length(i, input);
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
        size_t count = 0;
        if (c2s_attr_ints(i->node, lists[k].name, &count) && count > 0)
            return (int64_t)(count / lists[k].per_axis);
    }
    return 0;
}

/* The images' sizes are not known. */
static c2s_status infer_rank(c2s_infer *i, const c2s_type *x) {
    const int64_t axes = image_axes(i);
    c2s_dim dim[C2S_MAX_RANK];
    if (axes < 1 || axes > C2S_WINDOW_MAX)
        return C2S_OK;
    for (int64_t a = 0; a < 2 + axes; a++)
        dim[a] = c2s_dim_fresh(i->dims);
    if (x->rank == 3)
        dim[0] = x->dim[0];
    i->out[0] = c2s_type_tensor(x->dtype, 2 + (int)axes, dim);
    return C2S_OK;
}

static c2s_status col2im_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_need(i, 3));
    const c2s_type *x = c2s_infer_type(i, 0);
    i->out[0] = c2s_type_tensor(x->dtype, -1, NULL);
    const c2s_dim *image, *block;
    unsigned image_count, block_count;
    if (!c2s_infer_dims(i, 1, &image, &image_count))
        return infer_rank(i, x);
    if (image_count < 1 || image_count > C2S_WINDOW_MAX)
        return c2s_fail(C2S_ERR_INVALID, "image_shape has %u elements, expected 1 to %d",
                        image_count, C2S_WINDOW_MAX);
    if (c2s_type_is_tensor(x) && x->rank >= 0 && x->rank != 3)
        return c2s_fail(C2S_ERR_INVALID, "the input has rank %d, expected 3", x->rank);
    c2s_dim dim[C2S_MAX_RANK] = {c2s_dim_fresh(i->dims), c2s_dim_fresh(i->dims)};
    for (unsigned a = 0; a < image_count; a++) {
        if (c2s_dim_is_known(image[a]) && image[a] < 0)
            return c2s_fail(C2S_ERR_INVALID, "image_shape has the element %" PRId64, image[a]);
        dim[2 + a] = image[a];
    }
    if (x->rank == 3)
        dim[0] = x->dim[0];
    if (x->rank == 3 && c2s_infer_dims(i, 2, &block, &block_count)) {
        if (block_count != image_count)
            return c2s_fail(C2S_ERR_INVALID,
                            "block_shape has %u elements, expected %u as image_shape", block_count,
                            image_count);
        c2s_dim size = 1;
        for (unsigned a = 0; a < block_count; a++)
            size = c2s_dim_mul(i->dims, size, block[a]);
        if (!c2s_dim_is_known(size) || size > 0)
            dim[1] = c2s_dim_floordiv(i->dims, x->dim[1], size);
    }
    i->out[0] = c2s_type_tensor(x->dtype, 2 + (int)image_count, dim);
    return C2S_OK;
}

/* One image plane from its columns: x is [kernel positions][windows]. */
static void add_plane(const c2s_window *w, const double *x, double *y) {
    int last = w->rank - 1;
    int64_t rows = c2s_window_out_rows(w), windows = c2s_window_out_size(w), k_begin, k_end;
    c2s_window_kernel_columns(w, &k_begin, &k_end);
    for (int64_t r = 0; r < rows; r++) {
        c2s_window_walk walk;
        for (c2s_window_walk_begin(&walk, w, r); walk.more; c2s_window_walk_next(&walk)) {
            double *y_row = y + walk.in_row * w->in[last];
            for (int64_t k = k_begin; k < k_end; k++) {
                int64_t begin, end, column;
                c2s_window_columns(w, k, &begin, &end, &column);
                const double *from =
                    x + (walk.kernel_row * w->kernel[last] + k) * windows + r * w->out[last];
                for (int64_t o = begin; o < end; o++, column += w->stride[last])
                    y_row[column] += from[o];
            }
        }
    }
}

static c2s_status col2im_eval(c2s_eval *e) {
    const c2s_tensor *x = e->in[0];
    c2s_tensor *y = e->out[0];
    int rank = y->type.rank - 2;
    c2s_workspace ws = {0};
    const int64_t *block = c2s_workspace_i64(&ws, e->in[2]);
    c2s_window window;
    if (ws.status == C2S_OK && e->in[2]->count != (size_t)rank)
        ws.status = c2s_fail(C2S_ERR_INVALID, "block_shape has %zu elements, expected %d",
                             e->in[2]->count, rank);
    if (ws.status == C2S_OK)
        ws.status = c2s_window_read(e->node, false, rank, block, &window);
    if (ws.status == C2S_OK)
        ws.status = c2s_window_resolve(&window, y->type.dim + 2);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    int64_t windows = c2s_window_out_size(&window), size = c2s_window_kernel_size(&window);
    if (x->type.dim[2] != windows || x->type.dim[1] != y->type.dim[1] * size)
        ws.status =
            c2s_fail(C2S_ERR_INVALID,
                     "the input is [%" PRId64 ", %" PRId64 ", %" PRId64 "], expected %" PRId64
                     " windows of a multiple of %" PRId64 " elements",
                     x->type.dim[0], x->type.dim[1], x->type.dim[2], windows, size);
    const double *from = c2s_workspace_f64(&ws, x);
    double *to = c2s_workspace_out_f64(&ws, y);
    if (ws.status == C2S_OK) {
        for (size_t i = 0; i < y->count; i++)
            to[i] = 0.0;
        int64_t plane = c2s_window_in_size(&window);
        for (int64_t p = 0; p < y->type.dim[0] * y->type.dim[1]; p++)
            add_plane(&window, from + p * size * windows, to + p * plane);
    }
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec col2im_attrs[] = {
    {"dilations", C2S_ATTR_INTS, false},
    {"pads", C2S_ATTR_INTS, false},
    {"strides", C2S_ATTR_INTS, false},
    {0},
};

const c2s_op c2s_op_col2im = {
    .type = "Col2Im",
    .domain = "",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(OWN),
    .attrs = col2im_attrs,
    .ties = c2s_ties_col2im,
    .infer = col2im_infer,
    .eval = col2im_eval,
};
