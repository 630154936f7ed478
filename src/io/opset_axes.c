/* SPDX-License-Identifier: Apache-2.0
 *
 * Axes counted from the last one came with opset 11; softmax along any axis with opset 13.
 */
#include <string.h>

#include "io/opset_rows.h"

static c2s_status need_rank(const c2s_value *value, int *rank) {
    if (!value || !c2s_type_is_tensor(&value->type) || value->type.rank < 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "an axis is counted from the last one, and the rank of \"%s\" is not known",
                        value ? value->name : "");
    *rank = value->type.rank;
    return C2S_OK;
}

c2s_status c2s_lower_axis(c2s_raise *r, c2s_node *node) {
    (void)r;
    const c2s_attr *axis = c2s_attr_find(node, "axis");
    int rank;
    if (!axis || axis->kind != C2S_ATTR_INT || axis->i >= 0)
        return C2S_OK;
    C2S_TRY(need_rank(c2s_node_in(node, 0), &rank));
    c2s_attr_set_int(node, "axis", axis->i + rank);
    return C2S_OK;
}

c2s_status c2s_lower_axes_list(c2s_raise *r, c2s_node *node) {
    (void)r;
    size_t count;
    const int64_t *axes = c2s_attr_ints(node, "axes", &count);
    int64_t positive[C2S_MAX_RANK];
    bool negative = false;
    for (size_t i = 0; i < count; i++)
        negative = negative || axes[i] < 0;
    if (!negative)
        return C2S_OK;
    if (count > C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%zu axes, expected at most %d", count, C2S_MAX_RANK);
    int rank;
    C2S_TRY(need_rank(c2s_node_in(node, 0), &rank));
    if (strcmp(node->type, "Unsqueeze") == 0)
        rank += (int)count;
    for (size_t i = 0; i < count; i++)
        positive[i] = axes[i] < 0 ? axes[i] + rank : axes[i];
    c2s_attr_set_ints(node, "axes", positive, count);
    return C2S_OK;
}

c2s_status c2s_lower_slice_axes(c2s_raise *r, c2s_node *node) {
    const c2s_value *value = c2s_node_in(node, 3);
    int64_t axes[C2S_MAX_RANK];
    bool negative = false;
    int rank;
    if (!value)
        return C2S_OK;
    const c2s_tensor *list = value->constant;
    if (!list || list->count > C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "the axes are computed while the model runs and may be negative, which "
                        "opset 10 does not take");
    for (size_t i = 0; i < list->count; i++) {
        if (!c2s_tensor_i64_at(list, i, &axes[i]))
            return c2s_fail(C2S_ERR_INVALID, "the axes are not integers");
        negative = negative || axes[i] < 0;
    }
    if (!negative)
        return C2S_OK;
    C2S_TRY(need_rank(c2s_node_in(node, 0), &rank));
    for (size_t i = 0; i < list->count; i++)
        axes[i] += axes[i] < 0 ? rank : 0;
    c2s_tensor *tensor;
    C2S_TRY(c2s_tensor_from_i64(list->type.dtype, 1, list->type.dim, axes, &tensor));
    c2s_use_set(&node->inputs[3], c2s_raise_constant(r, node, "axes", tensor));
    return C2S_OK;
}

c2s_status c2s_lower_scan_axes(c2s_raise *r, c2s_node *node) {
    (void)r;
    static const char *const names[] = {"scan_input_axes", "scan_output_axes"};
    for (unsigned k = 0; k < 2; k++) {
        size_t count;
        const int64_t *axes = c2s_attr_ints(node, names[k], &count);
        for (size_t i = 0; i < count; i++)
            if (axes[i] < 0)
                return c2s_fail(C2S_ERR_UNSUPPORTED,
                                "%s counts from the last axis, which came with opset 11", names[k]);
    }
    return C2S_OK;
}

/* All axes behind `axis` have extent 1, or there are none. */
static bool is_last(const c2s_type *type, int64_t axis) {
    for (int64_t i = axis + 1; i < type->rank; i++)
        if (type->dim[i] != 1)
            return false;
    return true;
}

/* Softmax, LogSoftmax, Hardmax work on all axes from `axis` on before opset 13: the same only for
 * the last one, to which an inner axis is moved. */
c2s_status c2s_lower_softmax(c2s_raise *r, c2s_node *node) {
    int64_t axis = c2s_attr_int(node, "axis", -1), order[C2S_MAX_RANK];
    c2s_value *x = c2s_node_in(node, 0);
    if (axis == -1) {
        c2s_attr_set_int(node, "axis", axis);
        return C2S_OK;
    }
    int rank;
    C2S_TRY(need_rank(x, &rank));
    axis += axis < 0 ? rank : 0;
    if (axis < 0 || axis >= rank)
        return c2s_fail(C2S_ERR_INVALID, "axis is out of range");
    if (is_last(&x->type, axis)) {
        c2s_attr_set_int(node, "axis", axis);
        return C2S_OK;
    }
    for (int i = 0; i < rank; i++)
        order[i] = i;
    order[axis] = rank - 1;
    order[rank - 1] = axis;
    c2s_value *moved = c2s_raise_node(r, node, "Transpose", &x, 1);
    c2s_attr_set_ints(moved->def, "perm", order, (size_t)rank);
    c2s_value *result = c2s_raise_node(r, node, node->type, &moved, 1);
    c2s_attr_set_int(result->def, "axis", -1);
    c2s_raise_become(node, "Transpose", &result, 1);
    c2s_attr_set_ints(node, "perm", order, (size_t)rank);
    return C2S_OK;
}
