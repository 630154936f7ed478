/* SPDX-License-Identifier: Apache-2.0
 *
 * Expand and Tile: elements repeated along axes.
 */
#include <inttypes.h>

#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/strided_copy.h"
#include "ops/ties_rules.h"

/* Contents of an output of `length` elements: those of input 0 over and over. */
static void repeat_contents(c2s_infer *i, c2s_dim length) {
    const c2s_dim *contents;
    unsigned count;
    if (i->concrete || !c2s_dim_is_known(length) || length > 1024 ||
        !c2s_dtype_is_integer(i->out[0].dtype) || !c2s_infer_dims(i, 0, &contents, &count) ||
        (length > 0 && count == 0))
        return;
    c2s_dim *all = c2s_arena_array(i->arena, (size_t)length + 1, sizeof *all);
    for (int64_t k = 0; k < length; k++)
        all[k] = contents[k % count];
    c2s_infer_set_contents(i, 0, all, (unsigned)length);
}

/* ---- Expand ---- */

static c2s_status expand_infer(c2s_infer *i) {
    bool known;
    const c2s_dim *shape;
    unsigned count;
    C2S_TRY(c2s_infer_tensors(i, 2));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_list_dims(i, 1, "shape", &known, &shape, &count));
    c2s_type target = c2s_type_unknown(), out = c2s_type_unknown();
    if (known && count > C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "shape has %u elements, at most %d are possible",
                        count, C2S_MAX_RANK);
    int64_t length = known ? (int64_t)count : c2s_infer_length(i, 1);
    if (x->rank < 0 || length < 0 || length > C2S_MAX_RANK)
        return c2s_infer_output(i, 0, x->dtype, -1, NULL);
    if (known) {
        for (unsigned axis = 0; axis < count; axis++) {
            if (c2s_dim_is_known(shape[axis]) && shape[axis] < 0)
                return c2s_fail(C2S_ERR_INVALID, "shape has element %" PRId64, shape[axis]);
        }
        target = c2s_type_tensor(x->dtype, (int)count, shape);
        C2S_TRY(c2s_infer_broadcast(i, x, &target, &out));
        C2S_TRY(c2s_infer_output(i, 0, x->dtype, out.rank, out.dim));
        if (out.rank <= 1)
            repeat_contents(i, out.rank ? out.dim[0] : 1);
        return C2S_OK;
    }
    int rank = x->rank > (int)length ? x->rank : (int)length;
    for (int axis = 0; axis < rank; axis++) {
        c2s_dim mine = axis < rank - x->rank ? 1 : x->dim[axis - (rank - x->rank)];
        bool fixed = axis < rank - (int)length || (c2s_dim_is_known(mine) && mine > 1);
        out.dim[axis] = fixed ? mine : c2s_dim_fresh(i->dims);
    }
    return c2s_infer_output(i, 0, x->dtype, rank, out.dim);
}

static c2s_status expand_eval(c2s_eval *e) {
    ptrdiff_t to[C2S_MAX_RANK], from[C2S_MAX_RANK];
    c2s_elements x, y;
    C2S_TRY(c2s_elements_open(e, &x, &y));
    const c2s_type *in = &e->in[0]->type, *out = &e->out[0]->type;
    c2s_strides_of(in, x.size, from);
    c2s_strides_of(out, y.size, to);
    c2s_strided plan = {.element = x.size};
    for (int axis = 0; axis < out->rank; axis++) {
        int mine = axis - (out->rank - in->rank);
        bool repeats = mine < 0 || in->dim[mine] == 1;
        c2s_strided_axis(&plan, (size_t)out->dim[axis], to[axis], repeats ? 0 : from[mine]);
    }
    c2s_strided_copy(&plan, y.data, x.data);
    return c2s_elements_end(e, &x, &y, C2S_OK);
}

const c2s_op c2s_op_expand = {
    .type = "Expand",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_MOVES_DATA,
    .ties = c2s_ties_expand,
    .refit = c2s_refit_expand,
    .infer = expand_infer,
    .eval = expand_eval,
};

/* ---- Tile ---- */

static c2s_status tile_infer(c2s_infer *i) {
    bool known;
    const c2s_dim *repeats;
    unsigned count;
    c2s_dim dim[C2S_MAX_RANK];
    C2S_TRY(c2s_infer_tensors(i, 2));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_list_dims(i, 1, "repeats", &known, &repeats, &count));
    if (x->rank < 0 || !known)
        return c2s_infer_output_rank(i, 0, x->dtype,
                                     x->rank >= 0 ? x->rank : (int)c2s_infer_length(i, 1));
    if (count != (unsigned)x->rank)
        return c2s_fail(C2S_ERR_INVALID, "repeats has %u elements for an input of rank %d", count,
                        x->rank);
    for (unsigned axis = 0; axis < count; axis++) {
        if (c2s_dim_is_known(repeats[axis]) && repeats[axis] < 0)
            return c2s_fail(C2S_ERR_INVALID, "repeats has element %" PRId64, repeats[axis]);
        dim[axis] = c2s_dim_mul(i->dims, x->dim[axis], repeats[axis]);
    }
    C2S_TRY(c2s_infer_output(i, 0, x->dtype, x->rank, dim));
    if (x->rank == 1)
        repeat_contents(i, dim[0]);
    return C2S_OK;
}

static c2s_status tile_eval(c2s_eval *e) {
    ptrdiff_t to[C2S_MAX_RANK], from[C2S_MAX_RANK];
    c2s_elements x, y;
    C2S_TRY(c2s_elements_open(e, &x, &y));
    const c2s_type *in = &e->in[0]->type, *out = &e->out[0]->type;
    c2s_strides_of(in, x.size, from);
    c2s_strides_of(out, y.size, to);
    c2s_strided plan = {.element = x.size};
    if (y.count) {
        for (int axis = 0; axis < in->rank; axis++) {
            c2s_strided_axis(&plan, (size_t)(out->dim[axis] / in->dim[axis]),
                             to[axis] * (ptrdiff_t)in->dim[axis], 0);
            c2s_strided_axis(&plan, (size_t)in->dim[axis], to[axis], from[axis]);
        }
        c2s_strided_copy(&plan, y.data, x.data);
    }
    return c2s_elements_end(e, &x, &y, C2S_OK);
}

const c2s_op c2s_op_tile = {
    .type = "Tile",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_MOVES_DATA,
    .ties = c2s_ties_tile,
    .infer = tile_infer,
    .eval = tile_eval,
};
