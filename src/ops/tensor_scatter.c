/* SPDX-License-Identifier: Apache-2.0
 *
 * TensorScatter: the key/value cache of a decoder with new entries written into it.
 */
#include <inttypes.h>
#include <string.h>

#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

static size_t extents(const c2s_type *type, int begin, int end) {
    size_t product = 1;
    for (int axis = begin; axis < end; axis++)
        product *= (size_t)type->dim[axis];
    return product;
}

static c2s_status tensor_scatter_infer(c2s_infer *i) {
    int axis;
    C2S_TRY(c2s_infer_tensors(i, 2));
    const c2s_type *past = c2s_infer_type(i, 0), *update = c2s_infer_type(i, 1);
    const c2s_type *index = c2s_infer_type(i, 2);
    C2S_TRY(c2s_infer_output(i, 0, past->dtype, past->rank, past->dim));
    if (past->dtype != C2S_UNDEFINED && update->dtype != C2S_UNDEFINED &&
        past->dtype != update->dtype)
        return c2s_fail(C2S_ERR_INVALID, "past_cache is of type %s, update of type %s",
                        c2s_dtype_name(past->dtype), c2s_dtype_name(update->dtype));
    if (index->dtype != C2S_UNDEFINED && !c2s_dtype_is_integer(index->dtype))
        return c2s_fail(C2S_ERR_INVALID, "write_indices are of type %s, expected int64",
                        c2s_dtype_name(index->dtype));
    if (past->rank < 0 || update->rank < 0)
        return C2S_OK;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", -2), past->rank, &axis));
    if (axis == 0 || update->rank != past->rank)
        return c2s_fail(C2S_ERR_INVALID,
                        "axis %d, past_cache of rank %d, update of rank %d; expected equal ranks "
                        "and an axis behind the batch",
                        axis, past->rank, update->rank);
    for (int a = 0; a < past->rank; a++) {
        c2s_dim have = past->dim[a], given = update->dim[a];
        if (c2s_dim_is_known(have) && c2s_dim_is_known(given) &&
            (a == axis ? given > have : given != have))
            return c2s_fail(C2S_ERR_INVALID,
                            "update has extent %" PRId64 " along axis %d, past_cache %" PRId64,
                            given, a, have);
    }
    if (index->rank > 1 ||
        (index->rank == 1 && c2s_dim_is_known(index->dim[0]) && c2s_dim_is_known(past->dim[0]) &&
         index->dim[0] != past->dim[0]) ||
        (i->concrete && index->rank == 0))
        return c2s_fail(C2S_ERR_INVALID, "write_indices must hold one index per batch item");
    return C2S_OK;
}

static c2s_status tensor_scatter_write(const c2s_eval *e, const c2s_elements *update,
                                       const c2s_elements *y, const int64_t *start, int axis,
                                       bool circular) {
    const c2s_type *past = &e->in[0]->type, *given = &e->in[1]->type;
    int64_t length = past->dim[axis], count = given->dim[axis];
    size_t run = y->size * extents(past, axis + 1, past->rank);
    size_t middle = extents(past, 1, axis);
    for (int64_t batch = 0; batch < past->dim[0]; batch++) {
        int64_t first = start ? start[batch] : 0;
        if (first < 0 || (circular ? first >= length && count > 0 : first > length - count))
            return c2s_fail(C2S_ERR_INVALID,
                            "write index %" PRId64 " for %" PRId64
                            " entries, allowed are 0 to %" PRId64,
                            first, count, circular ? length - 1 : length - count);
        for (size_t row = 0; row < middle; row++) {
            size_t line = (size_t)batch * middle + row;
            char *to = y->data + line * (size_t)length * run;
            const char *from = update->data + line * (size_t)count * run;
            size_t fits = (size_t)(count < length - first ? count : length - first);
            memcpy(to + (size_t)first * run, from, fits * run);
            memcpy(to, from + fits * run, ((size_t)count - fits) * run);
        }
    }
    return C2S_OK;
}

static c2s_status tensor_scatter_eval(c2s_eval *e) {
    int axis;
    c2s_workspace ws = {0};
    c2s_elements x, y, update = {0};
    const char *mode = c2s_attr_string(e->node, "mode", "linear");
    if (strcmp(mode, "linear") != 0 && strcmp(mode, "circular") != 0)
        return c2s_fail(C2S_ERR_INVALID, "mode is \"%s\", expected linear or circular", mode);
    C2S_TRY(c2s_infer_axis(c2s_attr_int(e->node, "axis", -2), e->in[0]->type.rank, &axis));
    const int64_t *start = c2s_workspace_i64(&ws, e->in_count > 2 ? e->in[2] : NULL);
    c2s_status status = ws.status;
    if (status == C2S_OK)
        status = c2s_elements_open(e, &x, &y);
    if (status == C2S_OK) {
        memcpy(y.data, x.data, x.size * x.count);
        status = c2s_elements_read(e->in[1], &update);
        if (status == C2S_OK && y.count && update.count)
            status = tensor_scatter_write(e, &update, &y, start, axis, mode[0] == 'c');
        c2s_elements_close(&update);
        status = c2s_elements_end(e, &x, &y, status);
    }
    ws.status = status;
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec tensor_scatter_attrs[] = {
    {"axis", C2S_ATTR_INT, false}, {"mode", C2S_ATTR_STRING, false}, {0}};

const c2s_op c2s_op_tensor_scatter = {
    .type = "TensorScatter",
    .domain = "",
    .inputs = {2, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_BINARY(UNIFY),
    .attrs = tensor_scatter_attrs,
    .ties = c2s_ties_tensor_scatter,
    .infer = tensor_scatter_infer,
    .eval = tensor_scatter_eval,
};
