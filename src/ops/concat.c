/* SPDX-License-Identifier: Apache-2.0
 *
 * Concat and Split.
 */
#include <inttypes.h>

#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/strided_copy.h"
#include "ops/ties_rules.h"

/* Copies between a part of a tensor and a tensor of its own: the types differ in the extent along
 * `axis` only. The address on the side of the whole is where the part begins. */
static void copy_part(const c2s_type *whole, const c2s_type *part, int axis, size_t element,
                      char *to, const char *from, bool into_whole) {
    size_t rows = 1, inner = element;
    for (int k = 0; k < axis; k++)
        rows *= (size_t)whole->dim[k];
    for (int k = axis + 1; k < whole->rank; k++)
        inner *= (size_t)whole->dim[k];
    ptrdiff_t long_row = (ptrdiff_t)(inner * (size_t)whole->dim[axis]);
    ptrdiff_t short_row = (ptrdiff_t)(inner * (size_t)part->dim[axis]);
    c2s_strided plan = {.element = element};
    c2s_strided_axis(&plan, rows, into_whole ? long_row : short_row,
                     into_whole ? short_row : long_row);
    c2s_strided_axis(&plan, (size_t)short_row / element, (ptrdiff_t)element, (ptrdiff_t)element);
    c2s_strided_copy(&plan, to, from);
}

/* ---- Concat ---- */

/* Merges what is known of the extents off the axis; sums those along it. */
static c2s_status concat_dims(const c2s_infer *i, int axis, c2s_type *out) {
    c2s_dim sum = 0;
    for (unsigned k = 0; k < i->in_count; k++) {
        const c2s_type *x = c2s_infer_type(i, k);
        if (x->rank < 0) {
            sum = c2s_dim_fresh(i->dims);
            continue;
        }
        if (x->rank != out->rank)
            return c2s_fail(C2S_ERR_INVALID, "input %u has rank %d, others have %d", k, x->rank,
                            out->rank);
        for (int a = 0; a < out->rank; a++) {
            if (a == axis || x->dim[a] == out->dim[a])
                continue;
            if (c2s_dim_is_known(x->dim[a]) && c2s_dim_is_known(out->dim[a]))
                return c2s_fail(C2S_ERR_INVALID,
                                "input %u has extent %" PRId64 " along axis %d, others %" PRId64, k,
                                x->dim[a], a, out->dim[a]);
            if (c2s_dim_is_known(x->dim[a]))
                out->dim[a] = x->dim[a];
        }
        sum = c2s_dim_add(i->dims, sum, x->dim[axis]);
    }
    out->dim[axis] = sum;
    return C2S_OK;
}

static void concat_contents(c2s_infer *i) {
    const c2s_dim *part;
    unsigned count, total = 0;
    c2s_dim all[1024];
    for (unsigned k = 0; k < i->in_count; k++) {
        if (!c2s_infer_dims(i, k, &part, &count) || total + count > 1024)
            return;
        for (unsigned j = 0; j < count; j++)
            all[total++] = part[j];
    }
    c2s_infer_set_contents(i, 0, all, total);
}

static c2s_status concat_infer(c2s_infer *i) {
    const c2s_type *known = NULL;
    c2s_dtype dtype = C2S_UNDEFINED;
    int axis;
    C2S_TRY(c2s_infer_tensors(i, i->in_count));
    for (unsigned k = 0; k < i->in_count; k++) {
        const c2s_type *x = c2s_infer_type(i, k);
        if (dtype == C2S_UNDEFINED)
            dtype = x->dtype;
        if (x->dtype != C2S_UNDEFINED && x->dtype != dtype)
            return c2s_fail(C2S_ERR_INVALID, "input %u is of type %s, others of %s", k,
                            c2s_dtype_name(x->dtype), c2s_dtype_name(dtype));
        if (!known && x->rank >= 0)
            known = x;
    }
    if (!known)
        return c2s_infer_output(i, 0, dtype, -1, NULL);
    c2s_type out = *known;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", 0), out.rank, &axis));
    C2S_TRY(concat_dims(i, axis, &out));
    C2S_TRY(c2s_infer_output(i, 0, dtype, out.rank, out.dim));
    if (out.rank == 1 && !i->concrete && c2s_dtype_is_integer(dtype))
        concat_contents(i);
    return C2S_OK;
}

static c2s_status concat_eval(c2s_eval *e) {
    c2s_elements x, y;
    int axis;
    C2S_TRY(c2s_elements_write(e, 0, &y));
    const c2s_type *out = &e->out[0]->type;
    c2s_status status = c2s_infer_axis(c2s_attr_int(e->node, "axis", 0), out->rank, &axis);
    size_t at = 0, step = y.size;
    for (int k = axis + 1; status == C2S_OK && k < out->rank; k++)
        step *= (size_t)out->dim[k];
    for (unsigned k = 0; status == C2S_OK && k < e->in_count; k++) {
        const c2s_type *part = &e->in[k]->type;
        status = c2s_elements_read(e->in[k], &x);
        if (status != C2S_OK)
            break;
        if (x.count)
            copy_part(out, part, axis, y.size, y.data + at * step, x.data, true);
        at += (size_t)part->dim[axis];
        c2s_elements_close(&x);
    }
    if (status == C2S_OK)
        status = c2s_elements_commit(e, 0, &y);
    c2s_elements_close(&y);
    return status;
}

static const c2s_attr_spec concat_attrs[] = {{"axis", C2S_ATTR_INT, true}, {0}};

const c2s_op c2s_op_concat = {
    .type = "Concat",
    .domain = "",
    .inputs = {1, C2S_VARIADIC},
    .outputs = {1, 1},
    .quant = C2S_QUANT_VARIADIC(UNIFY),
    .flags = C2S_OP_MOVES_DATA,
    .attrs = concat_attrs,
    .ties = c2s_ties_concat,
    .infer = concat_infer,
    .eval = concat_eval,
};

/* ---- Split ---- */

/* The extent of part `k` when no sizes are given: equal parts, of which the last may be smaller. */
static c2s_status split_even(const c2s_infer *i, c2s_dim extent, c2s_dim parts, unsigned k,
                             c2s_dim *out) {
    c2s_dim size;
    if (c2s_dim_divides(i->dims, extent, parts, out))
        return C2S_OK;
    if (c2s_dim_is_known(extent) && !c2s_attr_has(i->node, "num_outputs"))
        return c2s_fail(C2S_ERR_INVALID,
                        "extent %" PRId64 " does not split into %" PRId64 " equal parts", extent,
                        parts);
    size = c2s_dim_ceildiv(i->dims, extent, parts);
    if (k + 1 == (unsigned)parts)
        size = c2s_dim_sub(i->dims, extent, c2s_dim_mul(i->dims, size, parts - 1));
    *out = size;
    return C2S_OK;
}

static c2s_status split_sizes(const c2s_infer *i, c2s_dim extent, const c2s_dim *given,
                              unsigned count, c2s_dim *size) {
    c2s_dim sum = 0;
    if (given && count != i->out_count)
        return c2s_fail(C2S_ERR_INVALID, "split has %u elements for %u outputs", count,
                        i->out_count);
    for (unsigned k = 0; given && k < count; k++) {
        size[k] = given[k];
        sum = c2s_dim_add(i->dims, sum, given[k]);
    }
    if (given && c2s_dim_is_known(sum) && c2s_dim_is_known(extent) && sum != extent)
        return c2s_fail(C2S_ERR_INVALID, "split adds up to %" PRId64 ", the axis has %" PRId64, sum,
                        extent);
    for (unsigned k = 0; !given && k < i->out_count; k++)
        C2S_TRY(split_even(i, extent, i->out_count, k, &size[k]));
    return C2S_OK;
}

static void split_contents(c2s_infer *i) {
    const c2s_dim *all;
    unsigned count, at = 0;
    if (!c2s_infer_dims(i, 0, &all, &count))
        return;
    for (unsigned k = 0; k < i->out_count; k++) {
        c2s_dim size = i->out[k].dim[0];
        if (!c2s_dim_is_known(size) || size > (int64_t)(count - at))
            return;
        c2s_infer_set_contents(i, k, all + at, (unsigned)size);
        at += (unsigned)size;
    }
}

static c2s_status split_infer(c2s_infer *i) {
    bool known;
    const c2s_dim *given = NULL;
    unsigned count = 0;
    int axis;
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_list_dims(i, 1, "split", &known, &given, &count));
    int64_t parts = c2s_attr_int(i->node, "num_outputs", i->out_count);
    if (parts != (int64_t)i->out_count && !c2s_infer_has(i, 1))
        return c2s_fail(C2S_ERR_INVALID, "num_outputs is %" PRId64 ", the node has %u outputs",
                        parts, i->out_count);
    if (x->rank < 0) {
        for (unsigned k = 0; k < i->out_count; k++)
            C2S_TRY(c2s_infer_output(i, k, x->dtype, -1, NULL));
        return C2S_OK;
    }
    C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", 0), x->rank, &axis));
    c2s_dim *size = c2s_arena_array(i->arena, i->out_count, sizeof *size);
    c2s_type out = *x;
    if (known || !c2s_infer_has(i, 1))
        C2S_TRY(split_sizes(i, x->dim[axis], known ? given : NULL, count, size));
    else
        for (unsigned k = 0; k < i->out_count; k++)
            size[k] = c2s_dim_fresh(i->dims);
    for (unsigned k = 0; k < i->out_count; k++) {
        out.dim[axis] = size[k];
        C2S_TRY(c2s_infer_output(i, k, x->dtype, out.rank, out.dim));
    }
    if (x->rank == 1 && !i->concrete && c2s_dtype_is_integer(x->dtype))
        split_contents(i);
    return C2S_OK;
}

static c2s_status split_eval(c2s_eval *e) {
    c2s_elements x, y;
    int axis;
    const c2s_type *in = &e->in[0]->type;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(e->node, "axis", 0), in->rank, &axis));
    C2S_TRY(c2s_elements_read(e->in[0], &x));
    size_t at = 0, step = x.size;
    for (int k = axis + 1; k < in->rank; k++)
        step *= (size_t)in->dim[k];
    c2s_status status = C2S_OK;
    for (unsigned k = 0; status == C2S_OK && k < e->out_count; k++) {
        if (e->out[k]) {
            status = c2s_elements_write(e, k, &y);
            if (status != C2S_OK)
                break;
            if (y.count)
                copy_part(in, &e->out[k]->type, axis, x.size, y.data, x.data + at * step, false);
            status = c2s_elements_commit(e, k, &y);
            c2s_elements_close(&y);
        }
        at += (size_t)e->out_type[k].dim[axis];
    }
    c2s_elements_close(&x);
    return status;
}

static const c2s_attr_spec split_attrs[] = {
    {"axis", C2S_ATTR_INT, false}, {"num_outputs", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_split = {
    .type = "Split",
    .domain = "",
    .inputs = {1, 2},
    .outputs = {1, C2S_VARIADIC},
    .quant = C2S_QUANT_SLOTS(SAME, 1u, C2S_ALL_SLOTS),
    .flags = C2S_OP_MOVES_DATA,
    .attrs = split_attrs,
    .ties = c2s_ties_split,
    .refit = c2s_refit_split,
    .infer = split_infer,
    .eval = split_eval,
};
