/* SPDX-License-Identifier: Apache-2.0
 *
 * Reshape, Flatten, Squeeze, Unsqueeze: the same bytes under another shape.
 */
#include <inttypes.h>

#include "ops/contents.h"
#include "ops/infer_tensor.h"
#include "ops/ties_rules.h"

/* Output 0 is input 0 with the inferred shape. */
static c2s_status view_eval(c2s_eval *e) {
    c2s_tensor *view;
    C2S_TRY(c2s_tensor_reshape(e->in[0], e->out_type[0].rank, e->out_type[0].dim, &view));
    c2s_eval_set(e, 0, view);
    return C2S_OK;
}

#define VIEW_FLAGS (C2S_OP_MOVES_DATA | C2S_OP_KEEPS_ORDER | C2S_OP_SIZES_OUTPUTS)

/* ---- Reshape ---- */

/* The extent for the -1 of a shape: what remains of the input's elements. Extents taken over with 0
 * are left out on both sides, so that they may be symbolic or 0. */
static c2s_status reshape_rest(const c2s_infer *i, const c2s_type *x, const c2s_dim *dim, int rank,
                               const bool *copied, int rest, c2s_dim *out) {
    c2s_dim have = 1, want = 1;
    for (int axis = 0; axis < x->rank; axis++) {
        if (axis >= rank || !copied[axis])
            have = c2s_dim_mul(i->dims, have, x->dim[axis]);
    }
    for (int axis = 0; axis < rank; axis++) {
        if (axis != rest && !copied[axis])
            want = c2s_dim_mul(i->dims, want, dim[axis]);
    }
    if (want == 0)
        return c2s_fail(C2S_ERR_INVALID, "shape has both 0 and -1, which leaves the -1 open");
    if (!c2s_dim_divides(i->dims, have, want, out)) {
        if (c2s_dim_is_known(have) && c2s_dim_is_known(want))
            return c2s_fail(C2S_ERR_INVALID,
                            "%" PRId64 " elements cannot be divided into rows of %" PRId64, have,
                            want);
        *out = c2s_dim_floordiv(i->dims, have, want);
    }
    return C2S_OK;
}

static c2s_status reshape_dims(const c2s_infer *i, const c2s_type *x, const c2s_dim *shape,
                               int rank, c2s_dim *dim) {
    bool copied[C2S_MAX_RANK] = {false}, allow_zero = c2s_attr_int(i->node, "allowzero", 0) != 0;
    int rest = -1;
    for (int axis = 0; axis < rank; axis++) {
        dim[axis] = shape[axis];
        if (shape[axis] == 0 && !allow_zero) {
            if (x->rank >= 0 && axis >= x->rank)
                return c2s_fail(C2S_ERR_INVALID, "shape takes over axis %d of an input of rank %d",
                                axis, x->rank);
            copied[axis] = true;
            dim[axis] = x->rank < 0 ? c2s_dim_fresh(i->dims) : x->dim[axis];
        } else if (shape[axis] == -1) {
            if (rest >= 0)
                return c2s_fail(C2S_ERR_INVALID, "shape has more than one -1");
            rest = axis;
        } else if (c2s_dim_is_fresh(shape[axis]) && !c2s_dim_never_negative(i->dims, shape[axis])) {
            dim[axis] = c2s_dim_fresh(i->dims); /* could be -1 */
        }
    }
    if (rest >= 0 && x->rank >= 0)
        C2S_TRY(reshape_rest(i, x, dim, rank, copied, rest, &dim[rest]));
    else if (rest >= 0)
        dim[rest] = c2s_dim_fresh(i->dims);
    if (x->rank >= 0 && rest < 0) {
        c2s_dim have = c2s_dim_product(i->dims, x->dim, 0, x->rank);
        c2s_dim want = c2s_dim_product(i->dims, dim, 0, rank);
        if (c2s_dim_is_known(have) && c2s_dim_is_known(want) && have != want)
            return c2s_fail(C2S_ERR_INVALID, "%" PRId64 " elements cannot take a shape of %" PRId64,
                            have, want);
    }
    return C2S_OK;
}

static c2s_status reshape_infer(c2s_infer *i) {
    bool known;
    const c2s_dim *shape;
    unsigned rank;
    c2s_dim dim[C2S_MAX_RANK];
    C2S_TRY(c2s_infer_tensors(i, 2));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_list_dims(i, 1, "shape", &known, &shape, &rank));
    if (!known)
        return c2s_infer_output_rank(i, 0, x->dtype, (int)c2s_infer_length(i, 1));
    if (rank > C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "shape has %u elements, at most %d are possible", rank,
                        C2S_MAX_RANK);
    C2S_TRY(reshape_dims(i, x, shape, (int)rank, dim));
    C2S_TRY(c2s_infer_output(i, 0, x->dtype, (int)rank, dim));
    c2s_contents_keep(i);
    return C2S_OK;
}

static const c2s_attr_spec reshape_attrs[] = {{"allowzero", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_reshape = {
    .type = "Reshape",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = VIEW_FLAGS,
    .attrs = reshape_attrs,
    .ties = c2s_ties_reshape,
    .refit = c2s_refit_reshape,
    .infer = reshape_infer,
    .eval = view_eval,
};

/* ---- Flatten ---- */

static c2s_status flatten_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    int64_t axis = c2s_attr_int(i->node, "axis", 1);
    if (x->rank < 0)
        return c2s_infer_output_rank(i, 0, x->dtype, 2);
    if (axis < -x->rank || axis > x->rank)
        return c2s_fail(C2S_ERR_INVALID, "axis is %" PRId64 ", allowed are %d to %d", axis,
                        -x->rank, x->rank);
    int split = (int)(axis < 0 ? axis + x->rank : axis);
    c2s_dim dim[2] = {c2s_dim_product(i->dims, x->dim, 0, split),
                      c2s_dim_product(i->dims, x->dim, split, x->rank)};
    return c2s_infer_output(i, 0, x->dtype, 2, dim);
}

static const c2s_attr_spec flatten_attrs[] = {{"axis", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_flatten = {
    .type = "Flatten",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = VIEW_FLAGS,
    .attrs = flatten_attrs,
    .ties = c2s_ties_view,
    .infer = flatten_infer,
    .eval = view_eval,
};

/* ---- Squeeze, Unsqueeze ---- */

static c2s_status squeeze_infer(c2s_infer *i) {
    bool known, drop[C2S_MAX_RANK] = {false};
    const int64_t *given;
    unsigned count;
    int axes[C2S_MAX_RANK], rank = 0;
    c2s_dim dim[C2S_MAX_RANK];
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_list_ints(i, 1, "axes", &known, &given, &count));
    if (x->rank < 0 || (c2s_infer_has(i, 1) && !known)) {
        int64_t length = known ? (int64_t)count : c2s_infer_length(i, 1);
        if (x->rank >= 0 && length > x->rank)
            return c2s_fail(C2S_ERR_INVALID, "%" PRId64 " axes are given for a tensor of rank %d",
                            length, x->rank);
        return c2s_infer_output_rank(i, 0, x->dtype,
                                     x->rank < 0 || length < 0 ? -1 : x->rank - (int)length);
    }
    if (known)
        C2S_TRY(c2s_infer_axes(given, count, x->rank, axes));
    for (unsigned k = 0; known && k < count; k++) {
        if (c2s_dim_is_known(x->dim[axes[k]]) && x->dim[axes[k]] != 1)
            return c2s_fail(C2S_ERR_INVALID, "axis %d has extent %" PRId64 ", expected 1", axes[k],
                            x->dim[axes[k]]);
        drop[axes[k]] = true;
    }
    for (int axis = 0; axis < x->rank; axis++) {
        if (!known && !c2s_dim_is_known(x->dim[axis])) /* may or may not be 1 */
            return c2s_infer_output(i, 0, x->dtype, -1, NULL);
        if (known ? !drop[axis] : x->dim[axis] != 1)
            dim[rank++] = x->dim[axis];
    }
    C2S_TRY(c2s_infer_output(i, 0, x->dtype, rank, dim));
    c2s_contents_keep(i);
    return C2S_OK;
}

const c2s_op c2s_op_squeeze = {
    .type = "Squeeze",
    .domain = "",
    .inputs = {1, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = VIEW_FLAGS,
    .ties = c2s_ties_view,
    .refit = c2s_refit_squeeze,
    .infer = squeeze_infer,
    .eval = view_eval,
};

static c2s_status unsqueeze_infer(c2s_infer *i) {
    bool known, one[C2S_MAX_RANK] = {false};
    const int64_t *given;
    unsigned count;
    int axes[C2S_MAX_RANK];
    c2s_dim dim[C2S_MAX_RANK];
    C2S_TRY(c2s_infer_tensors(i, 2));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_list_ints(i, 1, "axes", &known, &given, &count));
    int64_t length = known ? (int64_t)count : c2s_infer_length(i, 1);
    if (x->rank < 0 || length < 0)
        return c2s_infer_output(i, 0, x->dtype, -1, NULL);
    if (length > C2S_MAX_RANK - x->rank)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "%" PRId64 " axes are added to a rank of %d, at most %d are possible",
                        length, x->rank, C2S_MAX_RANK);
    int rank = x->rank + (int)length;
    if (!known)
        return c2s_infer_output_rank(i, 0, x->dtype, rank);
    C2S_TRY(c2s_infer_axes(given, count, rank, axes));
    for (unsigned k = 0; k < count; k++)
        one[axes[k]] = true;
    for (int axis = 0, from = 0; axis < rank; axis++)
        dim[axis] = one[axis] ? 1 : x->dim[from++];
    C2S_TRY(c2s_infer_output(i, 0, x->dtype, rank, dim));
    c2s_contents_keep(i);
    return C2S_OK;
}

const c2s_op c2s_op_unsqueeze = {
    .type = "Unsqueeze",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = VIEW_FLAGS,
    .ties = c2s_ties_view,
    .infer = unsqueeze_infer,
    .eval = view_eval,
};
