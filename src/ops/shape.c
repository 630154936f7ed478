/* SPDX-License-Identifier: Apache-2.0
 *
 * Shape and Size: where symbolic dimensions become contents of tensors.
 */
#include "ops/contents.h"
#include "ops/infer_tensor.h"
#include "ops/ties_rules.h"

/* The axes [start, end) that Shape reports: attributes clamped as in Python slicing. */
static void shape_bounds(const c2s_node *node, int rank, int *begin, int *end) {
    int64_t from = c2s_attr_int(node, "start", 0), to = c2s_attr_int(node, "end", rank);
    from = from < 0 ? from + rank : from;
    to = to < 0 ? to + rank : to;
    from = from < 0 ? 0 : from > rank ? rank : from;
    to = to < from ? from : to > rank ? rank : to;
    *begin = (int)from;
    *end = (int)to;
}

static c2s_status shape_infer(c2s_infer *i) {
    int begin, end;
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    if (x->rank < 0)
        return c2s_infer_output_rank(i, 0, C2S_INT64, 1);
    shape_bounds(i->node, x->rank, &begin, &end);
    c2s_dim count = end - begin;
    C2S_TRY(c2s_infer_output(i, 0, C2S_INT64, 1, &count));
    c2s_infer_set_contents(i, 0, x->dim + begin, (unsigned)count);
    return C2S_OK;
}

static c2s_status shape_eval(c2s_eval *e) {
    int begin, end;
    if (!e->out[0] || !e->out[0]->count)
        return C2S_OK;
    int64_t *y = c2s_tensor_mutable(e->out[0]);
    shape_bounds(e->node, e->in[0]->type.rank, &begin, &end);
    for (int axis = begin; axis < end; axis++)
        y[axis - begin] = e->in[0]->type.dim[axis];
    return C2S_OK;
}

static const c2s_attr_spec shape_attrs[] = {
    {"start", C2S_ATTR_INT, false}, {"end", C2S_ATTR_INT, false}, {0}};

const c2s_op c2s_op_shape = {
    .type = "Shape",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_SLOTS(SAME, 1u, 0u),
    .attrs = shape_attrs,
    .ties = c2s_ties_shape,
    .infer = shape_infer,
    .eval = shape_eval,
};

static c2s_status size_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_tensors(i, 1));
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_output(i, 0, C2S_INT64, 0, NULL));
    if (x->rank >= 0) {
        c2s_dim count = c2s_dim_product(i->dims, x->dim, 0, x->rank);
        c2s_infer_set_contents(i, 0, &count, 1);
    }
    return C2S_OK;
}

static c2s_status size_eval(c2s_eval *e) {
    if (e->out[0])
        *(int64_t *)c2s_tensor_mutable(e->out[0]) = (int64_t)e->in[0]->count;
    return C2S_OK;
}

const c2s_op c2s_op_size = {
    .type = "Size",
    .domain = "",
    .inputs = {1, 1},
    .outputs = {1, 1},
    .quant = C2S_QUANT_SLOTS(SAME, 1u, 0u),
    .ties = c2s_ties_pinned,
    .infer = size_infer,
    .eval = size_eval,
};
