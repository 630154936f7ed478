/* SPDX-License-Identifier: Apache-2.0
 *
 * OneHot.
 */
#include <math.h>
#include <string.h>

#include "ops/elements.h"
#include "ops/infer_tensor.h"
#include "ops/strided_copy.h"
#include "ops/ties_rules.h"
#include "ops/workspace.h"

static const c2s_attr_spec axis_attrs[] = {{"axis", C2S_ATTR_INT, false}, {0}};

/* The depth: a single number of any real type. */
static c2s_status one_hot_depth(const c2s_tensor *depth, int64_t *out) {
    double value = depth->count == 1 ? c2s_tensor_f64_at(depth, 0) : -1;
    if (!(value >= 0 && value < 0x1p62))
        return c2s_fail(C2S_ERR_INVALID, "depth is not a single number that counts classes");
    *out = (int64_t)value;
    return C2S_OK;
}

static c2s_status one_hot_infer(c2s_infer *i) {
    c2s_dim dim[C2S_MAX_RANK + 1], depth = c2s_dim_fresh(i->dims);
    const c2s_dim *given;
    unsigned count;
    int axis;
    C2S_TRY(c2s_infer_tensors(i, 3));
    const c2s_type *index = c2s_infer_type(i, 0), *values = c2s_infer_type(i, 2);
    if (i->in[1].constant)
        C2S_TRY(one_hot_depth(i->in[1].constant, &depth));
    else if (c2s_infer_dims(i, 1, &given, &count) && count == 1)
        depth = *given;
    if (i->concrete && (values->rank != 1 || values->dim[0] != 2 || index->dtype == C2S_STRING ||
                        index->dtype == C2S_BOOL))
        return c2s_fail(C2S_ERR_INVALID, "expected numeric indices and two values");
    if (index->rank < 0)
        return c2s_infer_output(i, 0, values->dtype, -1, NULL);
    C2S_TRY(c2s_infer_axis(c2s_attr_int(i->node, "axis", -1), index->rank + 1, &axis));
    for (int a = 0; a <= index->rank; a++)
        dim[a] = a == axis ? depth : index->dim[a < axis ? a : a - 1];
    return c2s_infer_output(i, 0, values->dtype, index->rank + 1, dim);
}

/* Fills with the off value, then writes one element per index; indices out of range leave none. */
static c2s_status one_hot_eval(c2s_eval *e) {
    const c2s_type *out = &e->out_type[0];
    int64_t depth = 0;
    int axis;
    c2s_elements values = {0}, y;
    c2s_workspace ws = {0};
    C2S_TRY(one_hot_depth(e->in[1], &depth));
    C2S_TRY(c2s_infer_axis(c2s_attr_int(e->node, "axis", -1), out->rank, &axis));
    const double *index = c2s_workspace_f64(&ws, e->in[0]);
    c2s_status status = ws.status;
    if (status == C2S_OK)
        status = c2s_elements_read(e->in[2], &values);
    if (status == C2S_OK)
        status = c2s_elements_write(e, 0, &y);
    if (status == C2S_OK) {
        size_t inner = 1;
        for (int a = axis + 1; a < out->rank; a++)
            inner *= (size_t)out->dim[a];
        c2s_fill_elements(y.data, y.size, y.count, values.data);
        for (size_t k = 0; y.count && k < e->in[0]->count; k++) {
            double at = trunc(index[k] < 0 ? index[k] + (double)depth : index[k]);
            if (!(at >= 0 && at < (double)depth))
                continue;
            size_t to = (k / inner * (size_t)depth + (size_t)at) * inner + k % inner;
            memcpy(y.data + to * y.size, values.data + values.size, y.size);
        }
        status = c2s_elements_commit(e, 0, &y);
        c2s_elements_close(&y);
    }
    c2s_elements_close(&values);
    ws.status = status;
    return c2s_workspace_end(&ws);
}

const c2s_op c2s_op_one_hot = {
    .type = "OneHot",
    .domain = "",
    .inputs = {3, 3},
    .outputs = {1, 1},
    .quant = C2S_QUANT_SLOTS(SAME, C2S_SLOT(2), 1u),
    .attrs = axis_attrs,
    .ties = c2s_ties_one_hot,
    .infer = one_hot_infer,
    .eval = one_hot_eval,
};
