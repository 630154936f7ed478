/* SPDX-License-Identifier: Apache-2.0
 *
 * Resize.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/mapped_copy.h"
#include "ops/resize_tables.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

enum { X = C2S_RESIZE_X, SCALES = C2S_RESIZE_SCALES, SIZES = C2S_RESIZE_SIZES };

/* ---- inference ---- */

/* floor(extent * scale); for a symbolic extent exact if the scale is a fraction p/q with a small
 * denominator. The product is one of floats, as in other implementations. */
static c2s_status scaled(c2s_dims *dims, c2s_dim extent, float scale, c2s_dim *out) {
    C2S_TRY(c2s_resize_check_scale((double)scale));
    if (c2s_dim_is_known(extent)) {
        float product = floorf((float)extent * scale);
        if (!(product < 0x1p31F))
            return c2s_fail(C2S_ERR_INVALID, "extent %" PRId64 " scaled by %g is too large", extent,
                            (double)scale);
        *out = (int64_t)product;
        return C2S_OK;
    }
    for (int q = 1; q <= 64; q++) {
        double p = nearbyint((double)scale * q);
        if (p >= 1 && (float)(p / q) == scale) {
            *out = c2s_dim_floordiv(dims, c2s_dim_mul(dims, extent, (int64_t)p), q);
            return C2S_OK;
        }
    }
    *out = c2s_dim_fresh(dims);
    return C2S_OK;
}

static c2s_status resize_by_sizes(const c2s_infer *i, const c2s_type *x, const int *axes,
                                  size_t count, c2s_dim *dim) {
    bool known, all = true;
    const c2s_dim *sizes;
    unsigned length;
    int policy;
    C2S_TRY(c2s_resize_policy(i->node, &policy));
    C2S_TRY(c2s_infer_list_dims(i, SIZES, "sizes", &known, &sizes, &length));
    if (known && length != count)
        return c2s_fail(C2S_ERR_INVALID, "sizes has %u elements for %zu axes", length, count);
    for (size_t k = 0; k < count; k++) {
        dim[axes[k]] = known ? sizes[k] : c2s_dim_fresh(i->dims);
        all = all && known && c2s_dim_is_known(sizes[k]) && c2s_dim_is_known(x->dim[axes[k]]);
    }
    if (!policy || !all) {
        for (size_t k = 0; k < count && policy; k++)
            dim[axes[k]] = c2s_dim_fresh(i->dims);
        return C2S_OK;
    }
    double scale = c2s_resize_common_scale(x, axes, count, sizes, policy);
    C2S_TRY(c2s_resize_check_scale(scale));
    for (size_t k = 0; k < count; k++) {
        double extent = floor(scale * (double)x->dim[axes[k]] + 0.5);
        if (!(extent < 0x1p53))
            return c2s_fail(C2S_ERR_INVALID, "extent %g is too large", extent);
        dim[axes[k]] = (int64_t)extent;
    }
    return C2S_OK;
}

static c2s_status resize_by_scales(const c2s_infer *i, const c2s_type *x, const int *axes,
                                   size_t count, c2s_dim *dim) {
    const c2s_tensor *scales = i->in[SCALES].constant;
    if (scales && (scales->type.dtype != C2S_FLOAT || scales->count != count))
        return c2s_fail(C2S_ERR_INVALID, "scales has %zu elements of type %s, expected %zu floats",
                        scales->count, c2s_dtype_name(scales->type.dtype), count);
    for (size_t k = 0; k < count; k++) {
        if (scales)
            C2S_TRY(scaled(i->dims, x->dim[axes[k]], (float)c2s_tensor_f64_at(scales, k),
                           &dim[axes[k]]));
        else
            dim[axes[k]] = c2s_dim_fresh(i->dims);
    }
    return C2S_OK;
}

/* An input that may be empty to say that it is left out. */
static bool resize_has(const c2s_infer *i, unsigned input) {
    return c2s_infer_has(i, input) && c2s_infer_length(i, input) != 0;
}

static c2s_status resize_infer(c2s_infer *i) {
    int axes[C2S_MAX_RANK];
    size_t count;
    c2s_dim dim[C2S_MAX_RANK];
    c2s_resample_options options;
    C2S_TRY(c2s_infer_tensors(i, 1));
    C2S_TRY(c2s_resample_options_of(i->node, &options));
    const c2s_type *x = c2s_infer_type(i, X);
    if (x->rank < 0)
        return c2s_infer_output(i, 0, x->dtype, -1, NULL);
    C2S_TRY(c2s_resize_axes(i->node, x->rank, axes, &count));
    memcpy(dim, x->dim, sizeof dim);
    if (resize_has(i, SIZES))
        C2S_TRY(resize_by_sizes(i, x, axes, count, dim));
    else if (resize_has(i, SCALES))
        C2S_TRY(resize_by_scales(i, x, axes, count, dim));
    else if (i->concrete)
        return c2s_fail(C2S_ERR_INVALID, "neither scales nor sizes is given");
    else
        return c2s_infer_output_rank(i, 0, x->dtype, x->rank);
    return c2s_infer_output(i, 0, x->dtype, x->rank, dim);
}

/* ---- evaluation ---- */

/* The extrapolation value as one element of the output's type. */
static c2s_status extrapolation(const c2s_eval *e, c2s_tensor **out) {
    double value = (double)c2s_attr_float(e->node, "extrapolation_value", 0);
    return c2s_tensor_from_f64(e->in[X]->type.dtype, 0, NULL, &value, out);
}

static c2s_status resize_nearest(c2s_eval *e, c2s_resample_table *tables) {
    c2s_elements x, y, fill = {0};
    c2s_tensor *outside = NULL;
    bool extrapolates = false;
    c2s_mapped plan = {.rank = e->in[X]->type.rank};
    for (int a = 0; a < plan.rank; a++) {
        plan.in[a] = (size_t)e->in[X]->type.dim[a];
        plan.out[a] = (size_t)e->out_type[0].dim[a];
        plan.map[a] = tables[a].index;
        for (size_t o = 0; tables[a].outside && o < plan.out[a]; o++) {
            if (tables[a].outside[o])
                tables[a].index[o] = -1;
            extrapolates = extrapolates || tables[a].outside[o];
        }
    }
    if (extrapolates) {
        C2S_TRY(extrapolation(e, &outside));
        c2s_status status = c2s_elements_read(outside, &fill);
        if (status != C2S_OK) {
            c2s_tensor_unref(outside);
            return status;
        }
    }
    c2s_status status = c2s_elements_open(e, &x, &y);
    if (status == C2S_OK) {
        plan.element = x.size;
        status = c2s_mapped_copy(&plan, y.data, x.data, fill.data);
        status = c2s_elements_end(e, &x, &y, status);
    }
    c2s_elements_close(&fill);
    c2s_tensor_unref(outside);
    return status;
}

/* Writes the extrapolation value to all positions that lie outside along one axis. */
static void extrapolate(double *values, const c2s_type *y, int axis, const bool *outside,
                        double value) {
    size_t outer = 1, inner = 1, out = (size_t)y->dim[axis];
    for (int a = 0; a < y->rank; a++)
        *(a < axis ? &outer : &inner) *= a == axis ? 1 : (size_t)y->dim[a];
    for (size_t row = 0; row < outer * out; row++) {
        for (size_t k = 0; outside[row % out] && k < inner; k++)
            values[row * inner + k] = value;
    }
}

/* Axis after axis, the last one first. */
static c2s_status resize_weighted(c2s_eval *e, const c2s_resample_axis *axis,
                                  const c2s_resample_table *tables) {
    const c2s_type *y = &e->out_type[0];
    c2s_workspace ws = {0};
    const double *from = c2s_workspace_f64(&ws, e->in[X]);
    double *to = c2s_workspace_out_f64(&ws, e->out[0]);
    int last = 0; /* the axis that is done last */
    while (last < y->rank && !tables[last].index)
        last++;
    size_t inner = 1, outer = e->in[X]->count;
    for (int a = y->rank - 1; a >= 0; a--) {
        outer /= (size_t)axis[a].in;
        if (tables[a].index) {
            double *next = to;
            size_t count;
            if (a != last) {
                if (ws.status == C2S_OK && !c2s_mul_size(outer, inner, &count))
                    ws.status = c2s_fail(C2S_ERR_MEMORY, "an intermediate result is too large");
                next = ws.status == C2S_OK
                           ? c2s_workspace_array(&ws, count, sizeof *next * (size_t)axis[a].out)
                           : NULL;
            }
            if (ws.status != C2S_OK)
                return c2s_workspace_end(&ws);
            c2s_resample_apply(&tables[a], &axis[a], outer, inner, from, next);
            from = next;
        }
        inner *= (size_t)axis[a].out;
    }
    if (ws.status == C2S_OK && last == y->rank)
        memcpy(to, from, e->out[0]->count * sizeof *to);
    for (int a = 0; ws.status == C2S_OK && a < y->rank; a++) {
        if (tables[a].outside)
            extrapolate(to, y, a, tables[a].outside,
                        (double)c2s_attr_float(e->node, "extrapolation_value", 0));
    }
    return c2s_workspace_end(&ws);
}

static c2s_status resize_eval(c2s_eval *e) {
    c2s_resample_options options;
    c2s_resample_axis axis[C2S_MAX_RANK];
    c2s_resample_table tables[C2S_MAX_RANK] = {{0}};
    const c2s_type *x = &e->in[X]->type;
    C2S_TRY(c2s_resample_options_of(e->node, &options));
    if (!e->out[0] || e->out[0]->count == 0)
        return C2S_OK;
    if (e->in[X]->count == 0)
        return c2s_fail(C2S_ERR_INVALID, "an input without elements cannot be resized");
    if (options.mode != C2S_NEAREST &&
        (x->dtype == C2S_STRING || x->dtype == C2S_COMPLEX64 || x->dtype == C2S_COMPLEX128))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "elements of type %s cannot be interpolated",
                        c2s_dtype_name(x->dtype));
    c2s_status status =
        c2s_resize_tables(e->node, x, e->out_type, e->in, e->in_count, axis, tables);
    if (status == C2S_OK)
        status = options.mode == C2S_NEAREST ? resize_nearest(e, tables)
                                             : resize_weighted(e, axis, tables);
    c2s_resize_tables_free(tables);
    return status;
}

/* Interpolation needs 2 or 4 neighbours along each of (usually) two axes. */
static int64_t resize_macs(const c2s_node *node) {
    c2s_resample_options options;
    size_t count;
    if (!node->outputs[0] || c2s_resample_options_of(node, &options) != C2S_OK ||
        options.mode == C2S_NEAREST || !c2s_type_elements(&node->outputs[0]->type, &count) ||
        count > (size_t)1 << 58)
        return 0;
    return (int64_t)count * (options.mode == C2S_LINEAR ? 4 : 8);
}

static const c2s_attr_spec resize_attrs[] = {
    {"antialias", C2S_ATTR_INT, false},
    {"axes", C2S_ATTR_INTS, false},
    {"coordinate_transformation_mode", C2S_ATTR_STRING, false},
    {"cubic_coeff_a", C2S_ATTR_FLOAT, false},
    {"exclude_outside", C2S_ATTR_INT, false},
    {"extrapolation_value", C2S_ATTR_FLOAT, false},
    {"keep_aspect_ratio_policy", C2S_ATTR_STRING, false},
    {"mode", C2S_ATTR_STRING, false},
    {"nearest_mode", C2S_ATTR_STRING, false},
    {0}};

const c2s_op c2s_op_resize = {
    .type = "Resize",
    .domain = "",
    .inputs = {1, 4},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .attrs = resize_attrs,
    .ties = c2s_ties_resize,
    .refit = c2s_refit_resize,
    .infer = resize_infer,
    .eval = resize_eval,
    .macs = resize_macs,
};
