/* SPDX-License-Identifier: Apache-2.0
 *
 * Cutting tensors for bodies and joining what they return.
 */
#include <string.h>

#include "ops/body.h"
#include "ops/elements.h"

/* Extents before and behind an axis, multiplied. */
static void around(const c2s_type *type, int axis, size_t *outer, size_t *inner) {
    *outer = *inner = 1;
    for (int i = 0; i < type->rank; i++)
        if (i != axis)
            *(i < axis ? outer : inner) *= (size_t)type->dim[i];
}

c2s_status c2s_tensor_part(const c2s_tensor *tensor, int axis, int64_t begin, int64_t end,
                           c2s_tensor **out) {
    int64_t dim[C2S_MAX_RANK];
    memcpy(dim, tensor->type.dim, sizeof dim);
    dim[axis] = end - begin;
    size_t outer, inner, extent = (size_t)tensor->type.dim[axis];
    around(&tensor->type, axis, &outer, &inner);
    unsigned bits = c2s_dtype_bits(tensor->type.dtype);
    if (outer == 1 && bits >= 8)
        return c2s_tensor_view(tensor->type.dtype, tensor->type.rank, dim, tensor->bytes,
                               tensor->offset + (size_t)begin * inner * (bits / 8), out);
    c2s_tensor *part;
    C2S_TRY(c2s_tensor_create(tensor->type.dtype, tensor->type.rank, dim, &part));
    c2s_elements from = {0}, to = {0};
    c2s_status status = c2s_elements_read(tensor, &from);
    if (status == C2S_OK)
        status = c2s_elements_begin(part, &to);
    size_t row = (size_t)(end - begin) * inner * from.size;
    for (size_t o = 0; status == C2S_OK && row && o < outer; o++)
        memcpy(to.data + o * row, from.data + (o * extent + (size_t)begin) * inner * from.size,
               row);
    if (status == C2S_OK)
        status = c2s_elements_finish(&part, &to);
    c2s_elements_close(&to);
    c2s_elements_close(&from);
    if (status == C2S_OK)
        *out = part;
    else
        c2s_tensor_unref(part);
    return status;
}

c2s_status c2s_tensor_take(const c2s_tensor *tensor, int axis, int64_t index, c2s_tensor **out) {
    c2s_tensor *part;
    C2S_TRY(c2s_tensor_part(tensor, axis, index, index + 1, &part));
    c2s_type type = c2s_type_drop_axis(&part->type, axis);
    c2s_status status = c2s_tensor_reshape(part, type.rank, type.dim, out);
    c2s_tensor_unref(part);
    return status;
}

static c2s_status check_same(const c2s_tensor *first, const c2s_tensor *item, int axis) {
    bool same = item->type.kind == C2S_KIND_TENSOR && item->type.dtype == first->type.dtype &&
                item->type.rank == first->type.rank;
    for (int i = 0; same && i < first->type.rank; i++)
        same = i == axis || item->type.dim[i] == first->type.dim[i];
    if (same)
        return C2S_OK;
    char a[128], b[128];
    c2s_dims *dims = c2s_dims_create();
    c2s_status status = c2s_fail(C2S_ERR_INVALID, "tensors of type %s and %s cannot be joined",
                                 c2s_type_text(dims, &first->type, a, sizeof a),
                                 c2s_type_text(dims, &item->type, b, sizeof b));
    c2s_dims_destroy(dims);
    return status;
}

/* Copies one item to its place: `offset` and `total` count extents of the axis. */
static c2s_status place(const c2s_tensor *item, size_t outer, size_t row, size_t offset,
                        size_t total, c2s_elements *to) {
    c2s_elements from;
    C2S_TRY(c2s_elements_read(item, &from));
    size_t count = outer ? item->count / outer : 0;
    for (size_t o = 0; count && o < outer; o++)
        memcpy(to->data + (o * total + offset) * row * to->size, from.data + o * count * from.size,
               count * from.size);
    c2s_elements_close(&from);
    return C2S_OK;
}

c2s_status c2s_tensor_concat(const c2s_tensor *const *items, size_t count, int axis,
                             c2s_tensor **out) {
    c2s_type type = items[0]->type;
    for (size_t i = 1; i < count; i++) {
        C2S_TRY(check_same(items[0], items[i], axis));
        if (!c2s_add_i64(type.dim[axis], items[i]->type.dim[axis], &type.dim[axis]))
            return c2s_fail(C2S_ERR_MEMORY, "the extents add up to more than 64 bits");
    }
    c2s_tensor *joined;
    C2S_TRY(c2s_tensor_create(type.dtype, type.rank, type.dim, &joined));
    size_t outer, inner, offset = 0;
    around(&type, axis, &outer, &inner);
    c2s_elements to;
    c2s_status status = c2s_elements_begin(joined, &to);
    for (size_t i = 0; i < count && status == C2S_OK; i++) {
        status = place(items[i], outer, inner, offset, (size_t)type.dim[axis], &to);
        offset += (size_t)items[i]->type.dim[axis];
    }
    if (status == C2S_OK)
        status = c2s_elements_finish(&joined, &to);
    c2s_elements_close(&to);
    if (status == C2S_OK)
        *out = joined;
    else
        c2s_tensor_unref(joined);
    return status;
}

static c2s_status stack_nothing(const c2s_type *element, int axis, c2s_tensor **out) {
    c2s_type type;
    if (!c2s_type_is_tensor(element) || element->dtype == C2S_UNDEFINED)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "no iteration ran, and the element type of the output is not known");
    C2S_TRY(c2s_type_add_axis(element, axis, 0, &type));
    if (type.rank < 0) {
        type.rank = 1;
        type.dim[0] = 0;
    }
    for (int i = 0; i < type.rank; i++)
        if (!c2s_dim_is_known(type.dim[i]))
            type.dim[i] = 0;
    return c2s_tensor_create(type.dtype, type.rank, type.dim, out);
}

c2s_status c2s_tensor_stack(const c2s_tensor *const *items, size_t count, int axis, bool reverse,
                            const c2s_type *element, c2s_tensor **out) {
    if (count == 0)
        return stack_nothing(element, axis, out);
    c2s_type type;
    for (size_t i = 0; i < count; i++)
        C2S_TRY(check_same(items[0], items[i], -1));
    C2S_TRY(c2s_type_add_axis(&items[0]->type, axis, (int64_t)count, &type));
    c2s_tensor *stacked;
    C2S_TRY(c2s_tensor_create(type.dtype, type.rank, type.dim, &stacked));
    size_t outer, inner;
    around(&type, axis, &outer, &inner);
    c2s_elements to;
    c2s_status status = c2s_elements_begin(stacked, &to);
    for (size_t i = 0; i < count && status == C2S_OK; i++)
        status = place(items[i], outer, inner, reverse ? count - 1 - i : i, count, &to);
    if (status == C2S_OK)
        status = c2s_elements_finish(&stacked, &to);
    c2s_elements_close(&to);
    if (status == C2S_OK)
        *out = stacked;
    else
        c2s_tensor_unref(stacked);
    return status;
}
