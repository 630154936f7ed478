/* SPDX-License-Identifier: Apache-2.0
 *
 * Gather, GatherElements, GatherND.
 */
#include <inttypes.h>
#include <string.h>

#include "base/simd.h"
#include "base/threads.h"
#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

/* From this many bytes of output on, lines are shared between threads. */
#define PARALLEL_BYTES ((size_t)1 << 18)

/* Copies element k from + k * step + index[k] * stride to consecutive places. `size` is a constant
 * at every call, so that each memcpy becomes one move. */
C2S_INLINE void pick_sized(char *to, const char *from, const int64_t *index, size_t count,
                           size_t step, size_t stride, size_t size) {
    for (size_t k = 0; k < count; k++)
        memcpy(to + k * size, from + k * step + (size_t)index[k] * stride, size);
}

static void pick(char *to, const char *from, const int64_t *index, size_t count, size_t step,
                 size_t stride, size_t size) {
    switch (size) {
    case 1:
        pick_sized(to, from, index, count, step, stride, 1);
        break;
    case 2:
        pick_sized(to, from, index, count, step, stride, 2);
        break;
    case 4:
        pick_sized(to, from, index, count, step, stride, 4);
        break;
    case 8:
        pick_sized(to, from, index, count, step, stride, 8);
        break;
    default:
        pick_sized(to, from, index, count, step, stride, size);
    }
}

static size_t extents(const c2s_type *type, int begin, int end) {
    size_t product = 1;
    for (int axis = begin; axis < end; axis++)
        product *= (size_t)type->dim[axis];
    return product;
}

static c2s_status index_type(const c2s_infer *i, unsigned input) {
    const c2s_type *type = c2s_infer_type(i, input);
    if (type->dtype != C2S_UNDEFINED && type->dtype != C2S_INT64 && type->dtype != C2S_INT32)
        return c2s_fail(C2S_ERR_INVALID, "indices are of type %s, expected int32 or int64",
                        c2s_dtype_name(type->dtype));
    return C2S_OK;
}

/* ---- Gather ---- */

static void gather_contents(c2s_infer *i) {
    const c2s_dim *all;
    const int64_t *index;
    c2s_dim picked[1024];
    unsigned count, wanted;
    if (i->concrete || !c2s_dtype_is_integer(i->out[0].dtype) ||
        !c2s_infer_dims(i, 0, &all, &count) || !c2s_infer_ints(i, 1, &index, &wanted) ||
        wanted > 1024)
        return;
    for (unsigned k = 0; k < wanted; k++) {
        int64_t at = index[k];
        if (at < -(int64_t)count || at >= (int64_t)count)
            return;
        picked[k] = all[at < 0 ? at + (int64_t)count : at];
    }
    c2s_infer_set_contents(i, 0, picked, wanted);
}

static c2s_status gather_infer(c2s_infer *i) {
    int axis, rank = 0;
    c2s_dim dim[2 * C2S_MAX_RANK];
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(index_type(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0), *index = c2s_infer_type(i, 1);
    if (x->rank < 0 || index->rank < 0)
        return c2s_infer_output(i, 0, x->dtype, -1, NULL);
    C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", 0), x->rank, &axis));
    for (int a = 0; a < axis; a++)
        dim[rank++] = x->dim[a];
    for (int a = 0; a < index->rank; a++)
        dim[rank++] = index->dim[a];
    for (int a = axis + 1; a < x->rank; a++)
        dim[rank++] = x->dim[a];
    C2S_TRY(c2s_infer_output(i, 0, x->dtype, rank, dim));
    if (x->rank == 1 && index->rank <= 1)
        gather_contents(i);
    return C2S_OK;
}

enum { PIECE = 256 }; /* indices that one task follows */

typedef struct gathering {
    char *to;
    const char *from;
    const int64_t *index;
    size_t count, pieces, run, from_row, to_row; /* pieces: of `count` indices */
} gathering;

static void gather_pieces(const void *context, size_t from, size_t to) {
    const gathering *g = context;
    for (size_t task = from; task < to; task++) {
        const size_t row = task / g->pieces, first = task % g->pieces * PIECE,
                     left = g->count - first;
        pick(g->to + row * g->to_row + first * g->run, g->from + row * g->from_row,
             g->index + first, left < PIECE ? left : PIECE, 0, g->run, g->run);
    }
}

static c2s_status gather_eval(c2s_eval *e) {
    int axis;
    c2s_elements x, y;
    c2s_workspace ws = {0};
    const c2s_type *in = &e->in[0]->type;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(e->node, "axis", 0), in->rank, &axis));
    const int64_t *index = c2s_workspace_indices(&ws, e->in[1], in->dim[axis]);
    if (ws.status == C2S_OK)
        ws.status = c2s_elements_open(e, &x, &y);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    const size_t count = e->in[1]->count, run = x.size * extents(in, axis + 1, in->rank);
    const gathering g = {.to = y.data,
                         .from = x.data,
                         .index = index,
                         .count = count,
                         .pieces = y.count ? (count + PIECE - 1) / PIECE : 0,
                         .run = run,
                         .from_row = run * (size_t)in->dim[axis],
                         .to_row = run * count};
    c2s_share(extents(in, 0, axis) * g.pieces, y.count * y.size >= PARALLEL_BYTES, gather_pieces,
              &g);
    ws.status = c2s_elements_end(e, &x, &y, C2S_OK);
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec gather_attrs[] = {{"axis", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_gather = {
    .type = "Gather",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_MOVES_DATA,
    .attrs = gather_attrs,
    .ties = c2s_ties_gather,
    .infer = gather_infer,
    .eval = gather_eval,
};

/* ---- GatherElements ---- */

static c2s_status gather_elements_infer(c2s_infer *i) {
    int axis;
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(index_type(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0), *index = c2s_infer_type(i, 1);
    if (x->rank >= 0 && index->rank >= 0) {
        if (x->rank != index->rank)
            return c2s_fail(C2S_ERR_INVALID, "indices have rank %d, data has %d", index->rank,
                            x->rank);
        C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", 0), x->rank, &axis));
        for (int a = 0; a < x->rank; a++) {
            if (a != axis && c2s_dim_is_known(x->dim[a]) && c2s_dim_is_known(index->dim[a]) &&
                index->dim[a] > x->dim[a])
                return c2s_fail(C2S_ERR_INVALID,
                                "indices have extent %" PRId64 " along axis %d, data has %" PRId64,
                                index->dim[a], a, x->dim[a]);
        }
    }
    return c2s_infer_output(i, 0, x->dtype, index->rank, index->dim);
}

/* Line by line of the last axis. The position in the data is the same as in the indices but along
 * `axis`, where the index says it. */
static c2s_status gather_elements_eval(c2s_eval *e) {
    int axis;
    size_t stride[C2S_MAX_RANK + 1];
    c2s_elements x, y;
    c2s_workspace ws = {0};
    const c2s_type *in = &e->in[0]->type, *out = &e->in[1]->type;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(e->node, "axis", 0), in->rank, &axis));
    const int64_t *index = c2s_workspace_indices(&ws, e->in[1], in->dim[axis]);
    if (ws.status == C2S_OK)
        ws.status = c2s_elements_open(e, &x, &y);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    const int last = in->rank - 1;
    stride[last] = x.size;
    for (int a = last - 1; a >= 0; a--)
        stride[a] = stride[a + 1] * (size_t)in->dim[a + 1];
    const size_t line = (size_t)out->dim[last], lines = y.count ? y.count / line : 0;
#pragma omp parallel for schedule(static) if (y.count * y.size >= PARALLEL_BYTES)
    for (size_t l = 0; l < lines; l++) {
        size_t base = 0, rest = l;
        for (int a = last - 1; a >= 0; a--) {
            base += a == axis ? 0 : rest % (size_t)out->dim[a] * stride[a];
            rest /= (size_t)out->dim[a];
        }
        pick(y.data + l * line * y.size, x.data + base, index + l * line, line,
             axis == last ? 0 : x.size, stride[axis], x.size);
    }
    ws.status = c2s_elements_end(e, &x, &y, C2S_OK);
    return c2s_workspace_end(&ws);
}

const c2s_op c2s_op_gather_elements = {
    .type = "GatherElements",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_MOVES_DATA,
    .attrs = gather_attrs,
    .ties = c2s_ties_gather_elements,
    .infer = gather_elements_infer,
    .eval = gather_elements_eval,
};

/* ---- GatherND ---- */

static c2s_status gather_nd_infer(c2s_infer *i) {
    c2s_dim dim[2 * C2S_MAX_RANK];
    int rank = 0;
    C2S_TRY(c2s_infer_tensors(i, 2));
    C2S_TRY(index_type(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0), *index = c2s_infer_type(i, 1);
    int64_t batch = c2s_attr_int(i->node, "batch_dims", 0);
    if (x->rank < 0 || index->rank < 0)
        return c2s_infer_output(i, 0, x->dtype, -1, NULL);
    if (batch < 0 || batch >= x->rank || batch >= index->rank)
        return c2s_fail(C2S_ERR_INVALID,
                        "batch_dims is %" PRId64 " for data of rank %d and indices of rank %d",
                        batch, x->rank, index->rank);
    c2s_dim depth = index->dim[index->rank - 1];
    if (!c2s_dim_is_known(depth))
        return c2s_infer_output(i, 0, x->dtype, -1, NULL);
    if (depth < 1 || depth > x->rank - batch)
        return c2s_fail(C2S_ERR_INVALID,
                        "indices have last extent %" PRId64 ", allowed are 1 to %" PRId64, depth,
                        x->rank - batch);
    for (int a = 0; a < index->rank - 1; a++) {
        if (a < batch && c2s_dim_is_known(x->dim[a]) && c2s_dim_is_known(index->dim[a]) &&
            x->dim[a] != index->dim[a])
            return c2s_fail(C2S_ERR_INVALID,
                            "batch axis %d has extent %" PRId64 " in data, %" PRId64 " in indices",
                            a, x->dim[a], index->dim[a]);
        dim[rank++] = index->dim[a];
    }
    for (int a = (int)(batch + depth); a < x->rank; a++)
        dim[rank++] = x->dim[a];
    return c2s_infer_output(i, 0, x->dtype, rank, dim);
}

/* The position that a tuple of indices names; C2S_OK or the failure of one of them. */
static c2s_status tuple_offset(const int64_t *tuple, const int64_t *extent, int depth,
                               size_t *offset) {
    *offset = 0;
    for (int k = 0; k < depth; k++) {
        int64_t at = tuple[k];
        C2S_TRY(c2s_index_check(&at, extent[k]));
        *offset = *offset * (size_t)extent[k] + (size_t)at;
    }
    return C2S_OK;
}

static c2s_status gather_nd_eval(c2s_eval *e) {
    const c2s_type *in = &e->in[0]->type, *index = &e->in[1]->type;
    const int batch = (int)c2s_attr_int(e->node, "batch_dims", 0);
    const int depth = (int)index->dim[index->rank - 1];
    c2s_elements x, y;
    c2s_workspace ws = {0};
    const int64_t *tuple = c2s_workspace_i64(&ws, e->in[1]);
    if (ws.status == C2S_OK)
        ws.status = c2s_elements_open(e, &x, &y);
    if (ws.status != C2S_OK)
        return c2s_workspace_end(&ws);
    const size_t batches = extents(in, 0, batch), rows = extents(index, batch, index->rank - 1);
    const size_t run = x.size * extents(in, batch + depth, in->rank);
    const size_t batch_bytes = x.size * extents(in, batch, in->rank);
    char *to = y.data;
    for (size_t b = 0; y.count && b < batches; b++)
        for (size_t row = 0; row < rows && ws.status == C2S_OK; row++, tuple += depth, to += run) {
            size_t offset;
            ws.status = tuple_offset(tuple, in->dim + batch, depth, &offset);
            if (ws.status == C2S_OK)
                memcpy(to, x.data + b * batch_bytes + offset * run, run);
        }
    ws.status = c2s_elements_end(e, &x, &y, ws.status);
    return c2s_workspace_end(&ws);
}

static const c2s_attr_spec gather_nd_attrs[] = {{"batch_dims", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_gather_nd = {
    .type = "GatherND",
    .domain = "",
    .inputs = {2, 2},
    .outputs = {1, 1},
    .quant = C2S_QUANT_UNARY(SAME),
    .flags = C2S_OP_MOVES_DATA,
    .attrs = gather_nd_attrs,
    .ties = c2s_ties_gather_nd,
    .infer = gather_nd_infer,
    .eval = gather_nd_eval,
};
