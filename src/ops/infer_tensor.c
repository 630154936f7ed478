/* SPDX-License-Identifier: Apache-2.0
 *
 * Inference rules that many operators share.
 */
#include "ops/pointwise.h"

c2s_status c2s_infer_tensors(const c2s_infer *i, unsigned required) {
    C2S_TRY(c2s_infer_need(i, required));
    for (unsigned k = 0; k < i->in_count; k++) {
        const c2s_type *type = c2s_infer_type(i, k);
        if (type->kind != C2S_KIND_UNKNOWN && type->kind != C2S_KIND_TENSOR)
            return c2s_fail(C2S_ERR_INVALID, "input %u is no tensor", k);
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
