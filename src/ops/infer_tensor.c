/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/infer_tensor.h"

#include <inttypes.h>

/* ---- inputs ---- */

c2s_status c2s_infer_tensors(const c2s_infer *i, unsigned required) {
    C2S_TRY(c2s_infer_need(i, required));
    for (unsigned k = 0; k < i->in_count; k++) {
        const c2s_kind kind = c2s_infer_type(i, k)->kind;
        if (c2s_infer_has(i, k) && kind != C2S_KIND_TENSOR &&
            (kind != C2S_KIND_UNKNOWN || i->concrete))
            return c2s_fail(C2S_ERR_INVALID, "input %u is not a tensor", k);
    }
    return C2S_OK;
}

c2s_status c2s_infer_same_dtype(const c2s_infer *i, unsigned a, unsigned b) {
    const c2s_dtype x = c2s_infer_type(i, a)->dtype, y = c2s_infer_type(i, b)->dtype;
    if (x && y && x != y)
        return c2s_fail(C2S_ERR_INVALID, "input %u has elements of type %s, input %u of type %s", a,
                        c2s_dtype_name(x), b, c2s_dtype_name(y));
    return C2S_OK;
}

c2s_status c2s_infer_rank(const c2s_infer *i, unsigned input, int least, int most) {
    const c2s_type *type = c2s_infer_type(i, input);
    if (type->kind != C2S_KIND_TENSOR || type->rank < 0)
        return C2S_OK;
    if (type->rank < least || type->rank > most)
        return c2s_fail(C2S_ERR_INVALID, "input %u has rank %d, expected %d to %d", input,
                        type->rank, least, most);
    return C2S_OK;
}

static c2s_status check_integers(const c2s_infer *i, unsigned input, const char *what) {
    const c2s_type *type = c2s_infer_type(i, input);
    if (type->dtype != C2S_UNDEFINED && !c2s_dtype_is_integer(type->dtype))
        return c2s_fail(C2S_ERR_INVALID, "%s is of type %s, expected integers", what,
                        c2s_dtype_name(type->dtype));
    if (type->rank > 1)
        return c2s_fail(C2S_ERR_INVALID, "%s has %d axes, expected at most 1", what, type->rank);
    return C2S_OK;
}

c2s_status c2s_infer_list_dims(const c2s_infer *i, unsigned input, const char *what, bool *known,
                         const c2s_dim **dims, unsigned *count) {
    unsigned found;
    *known = false;
    if (!c2s_infer_has(i, input))
        return C2S_OK;
    C2S_TRY(check_integers(i, input, what));
    *known = c2s_infer_dims(i, input, dims, count ? count : &found);
    if (!*known && i->concrete)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%s has too many elements, or elements beyond 62 bits",
                        what);
    return C2S_OK;
}

c2s_status c2s_infer_list_ints(const c2s_infer *i, unsigned input, const char *what, bool *known,
                         const int64_t **ints, unsigned *count) {
    unsigned found;
    *known = false;
    if (!c2s_infer_has(i, input))
        return C2S_OK;
    C2S_TRY(check_integers(i, input, what));
    *known = c2s_infer_ints(i, input, ints, count ? count : &found);
    if (*known && !count && found != 1)
        return c2s_fail(C2S_ERR_INVALID, "%s has %u elements, expected 1", what, found);
    if (!*known && i->concrete)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%s has too many elements, or elements beyond 62 bits",
                        what);
    return C2S_OK;
}

int64_t c2s_infer_length(const c2s_infer *i, unsigned input) {
    const c2s_type *type = c2s_infer_type(i, input);
    if (type->rank != 1 || !c2s_dim_is_known(type->dim[0]) || type->dim[0] < 0)
        return -1;
    return type->dim[0];
}

c2s_status c2s_infer_axes(const int64_t *given, size_t count, int rank, int *axes) {
    uint32_t seen = 0;
    if (count > (size_t)rank)
        return c2s_fail(C2S_ERR_INVALID, "%zu axes are given for a tensor of rank %d", count, rank);
    for (size_t k = 0; k < count; k++) {
        C2S_TRY(c2s_infer_axis(given[k], rank, &axes[k]));
        if (seen & ((uint32_t)1 << axes[k]))
            return c2s_fail(C2S_ERR_INVALID, "axis %d is given twice", axes[k]);
        seen |= (uint32_t)1 << axes[k];
    }
    return C2S_OK;
}

/* ---- outputs ---- */

c2s_status c2s_infer_output(c2s_infer *i, unsigned output, c2s_dtype dtype, int rank,
                           const c2s_dim *dim) {
    if (output >= i->out_count)
        return C2S_OK;
    if (rank > C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "output %u would have %d axes, at most %d are possible", output, rank,
                        C2S_MAX_RANK);
    for (int axis = 0; axis < rank; axis++) {
        if (c2s_dim_is_known(dim[axis]) && dim[axis] < 0)
            return c2s_fail(C2S_ERR_INVALID,
                            "output %u would have extent %" PRId64 " along axis %d", output,
                            dim[axis], axis);
    }
    i->out[output] = c2s_type_tensor(dtype, rank < 0 ? -1 : rank, dim);
    return C2S_OK;
}

c2s_status c2s_infer_output_rank(c2s_infer *i, unsigned output, c2s_dtype dtype, int rank) {
    c2s_dim dim[C2S_MAX_RANK];
    for (int axis = 0; axis < rank && axis < C2S_MAX_RANK; axis++)
        dim[axis] = c2s_dim_fresh(i->dims);
    return c2s_infer_output(i, output, dtype, rank, dim);
}

c2s_status c2s_infer_like_first(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 1));
    i->out[0] = *c2s_infer_type(i, 0);
    return C2S_OK;
}

static c2s_status broadcast_all(c2s_infer *i, c2s_dtype result) {
    c2s_type out = *c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_tensors(i, i->in_count));
    c2s_dtype dtype = out.dtype;
    for (unsigned k = 1; k < i->in_count; k++) {
        const c2s_type *type = c2s_infer_type(i, k);
        c2s_type joined = c2s_type_unknown();
        C2S_TRY(c2s_infer_same_dtype(i, 0, k));
        if (!dtype)
            dtype = type->dtype;
        if (out.kind == C2S_KIND_TENSOR && type->kind == C2S_KIND_TENSOR)
            C2S_TRY(c2s_infer_broadcast(i, &out, type, &joined));
        else
            joined.rank = -1;
        out = c2s_type_tensor(dtype, joined.rank, joined.dim);
    }
    if (result)
        dtype = result;
    i->out[0] = c2s_type_tensor(dtype, out.kind == C2S_KIND_TENSOR ? out.rank : -1, out.dim);
    return C2S_OK;
}

c2s_status c2s_infer_broadcast_all(c2s_infer *i) {
    return broadcast_all(i, C2S_UNDEFINED);
}

c2s_status c2s_infer_predicate(c2s_infer *i) {
    return broadcast_all(i, C2S_BOOL);
}
