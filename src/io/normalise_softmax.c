/* SPDX-License-Identifier: Apache-2.0 */
#include "io/raise_rows.h"

/* True if softmax over the matrix that splits at `axis` is softmax along `axis` alone: all axes
 * behind it have extent 1. */
static bool is_single_axis(const c2s_type *type, int64_t axis) {
    if (!c2s_type_is_tensor(type) || type->rank < 0)
        return false;
    if (axis < 0)
        axis += type->rank;
    if (axis < 0 || axis >= type->rank)
        return false;
    for (int64_t i = axis + 1; i < type->rank; i++)
        if (type->dim[i] != 1)
            return false;
    return true;
}

/* Softmax, LogSoftmax, Hardmax before opset 13 flatten to a matrix at `axis` (default 1) and work
 * on its rows; now they work along one axis (default -1). */
c2s_status c2s_raise_softmax(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_no_references(node));
    C2S_TRY(c2s_raise_need(node, 1));
    int64_t axis = c2s_attr_int(node, "axis", 1);
    c2s_value *x = c2s_node_in(node, 0);
    if (axis != -1) {
        const c2s_type *type;
        C2S_TRY(c2s_raise_type(r, x, &type));
        if ((!c2s_type_is_tensor(type) || type->rank < 0) && c2s_node_out(node, 0))
            type = &c2s_node_out(node, 0)->type; /* the same shape, if the file declares it */
        if (!is_single_axis(type, axis)) {
            c2s_value *shape = c2s_raise_node(r, node, "Shape", &x, 1);
            c2s_value *matrix = c2s_raise_node(r, node, "Flatten", &x, 1);
            c2s_attr_set_int(matrix->def, "axis", axis);
            c2s_value *rows = c2s_raise_node(r, node, node->type, &matrix, 1);
            c2s_attr_set_int(rows->def, "axis", -1);
            c2s_raise_become(node, "Reshape", (c2s_value *[]){rows, shape}, 2);
            return C2S_OK;
        }
    }
    if (!c2s_attr_has(node, "axis"))
        c2s_attr_set_int(node, "axis", axis);
    return C2S_OK;
}
