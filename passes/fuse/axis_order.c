/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/fuse/axis_order.h"

#include <string.h>

bool c2s_axis_order_of(const c2s_node *transpose, c2s_axis_order *out) {
    const c2s_type *type = &transpose->inputs[0].value->type;
    size_t count;
    const int64_t *perm = c2s_attr_ints(transpose, "perm", &count);
    if (type->kind != C2S_KIND_TENSOR || type->rank < 1)
        return false;
    const unsigned rank = (unsigned)type->rank;
    *out = (c2s_axis_order){.rank = rank};
    if (c2s_attr_has(transpose, "perm") && (!perm || count != rank))
        return false;
    uint32_t seen = 0;
    for (unsigned i = 0; i < rank; i++) {
        const int64_t axis = perm ? perm[i] : (int64_t)(rank - 1 - i);
        if (axis < 0 || axis >= (int64_t)rank || seen >> axis & 1)
            return false;
        seen |= UINT32_C(1) << axis;
        out->axis[i] = (uint8_t)axis;
    }
    return true;
}

c2s_axis_order c2s_axis_order_inverse(const c2s_axis_order *order) {
    c2s_axis_order inverse = {.rank = order->rank};
    for (unsigned i = 0; i < order->rank; i++)
        inverse.axis[order->axis[i]] = (uint8_t)i;
    return inverse;
}

c2s_axis_order c2s_axis_order_then(const c2s_axis_order *first, const c2s_axis_order *second) {
    c2s_axis_order both = {.rank = first->rank};
    for (unsigned i = 0; i < first->rank; i++)
        both.axis[i] = first->axis[second->axis[i]];
    return both;
}

bool c2s_axis_order_equal(const c2s_axis_order *a, const c2s_axis_order *b) {
    return a->rank == b->rank && memcmp(a->axis, b->axis, sizeof a->axis) == 0;
}

bool c2s_axis_order_is_identity(const c2s_axis_order *order) {
    for (unsigned i = 0; i < order->rank; i++)
        if (order->axis[i] != i)
            return false;
    return true;
}

unsigned c2s_axis_order_find(const c2s_axis_order *order, unsigned axis) {
    unsigned i = 0;
    while (order->axis[i] != axis)
        i++;
    return i;
}

bool c2s_axis_order_last(const c2s_axis_order *order, unsigned rank, c2s_axis_order *out) {
    const unsigned leading = order->rank - rank;
    *out = (c2s_axis_order){.rank = rank};
    for (unsigned i = 0; i < order->rank; i++) {
        if (i < leading && order->axis[i] != i)
            return false;
        if (i >= leading)
            out->axis[i - leading] = (uint8_t)(order->axis[i] - leading);
    }
    return true;
}

bool c2s_axis_order_is_idle(const c2s_axis_order *order, const c2s_type *type) {
    for (unsigned i = 0; i < order->rank; i++)
        if (order->axis[i] != i && (type->dim[i] != 1 || type->dim[order->axis[i]] != 1))
            return false;
    return true;
}

bool c2s_axis_order_is_view(const c2s_axis_order *order, const c2s_type *type) {
    int last = -1;
    for (unsigned i = 0; i < order->rank; i++) {
        if (type->dim[order->axis[i]] == 1)
            continue;
        if (order->axis[i] < last)
            return false;
        last = order->axis[i];
    }
    return true;
}
