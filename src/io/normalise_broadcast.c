/* SPDX-License-Identifier: Apache-2.0 */
#include "io/raise_rows.h"

/* Appends `count` axes of extent 1 to a value of rank `rank`. */
static c2s_status unsqueeze_behind(c2s_raise *r, c2s_node *node, unsigned slot, int rank,
                                   int count) {
    int64_t axes[C2S_MAX_RANK];
    if (count <= 0)
        return C2S_OK;
    if (rank + count > C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "rank %d is beyond %d", rank + count, C2S_MAX_RANK);
    for (int i = 0; i < count; i++)
        axes[i] = rank + i;
    c2s_value *list;
    C2S_TRY(c2s_raise_ints(r, node, "axes", axes, (size_t)count, &list));
    c2s_value *old = c2s_node_in(node, slot);
    c2s_use_set(&node->inputs[slot],
                c2s_raise_node(r, node, "Unsqueeze", (c2s_value *[]){old, list}, 2));
    return C2S_OK;
}

/* Before opset 7 the second operand's axes lay on the first's from `axis` on, or on its last ones;
 * now always on the last ones. */
c2s_status c2s_raise_broadcast(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_no_references(node));
    C2S_TRY(c2s_raise_need(node, 2));
    if (c2s_attr_int(node, "broadcast", 0) && c2s_attr_has(node, "axis")) {
        int a, b;
        C2S_TRY(c2s_raise_rank(r, c2s_node_in(node, 0), &a));
        C2S_TRY(c2s_raise_rank(r, c2s_node_in(node, 1), &b));
        int64_t axis = c2s_attr_int(node, "axis", 0);
        if (axis < 0)
            axis += axis == -1 ? a - b + 1 : a; /* -1: the exporters' way to say "the last ones" */
        if (axis < 0 || axis > a || (b > a - axis && b > 1))
            return c2s_fail(C2S_ERR_INVALID,
                            "axis is %lld, expected an axis of rank %d where rank %d fits",
                            (long long)c2s_attr_int(node, "axis", 0), a, b);
        C2S_TRY(unsqueeze_behind(r, node, 1, b, a - (int)axis - b));
    }
    c2s_attr_remove(node, "broadcast");
    c2s_attr_remove(node, "axis");
    return C2S_OK;
}

/* Before opset 7 a slope of shape [C] belonged to the channel axis. */
c2s_status c2s_raise_prelu(c2s_raise *r, c2s_node *node) {
    C2S_TRY(c2s_raise_need(node, 2));
    const c2s_type *slope;
    C2S_TRY(c2s_raise_type(r, c2s_node_in(node, 1), &slope));
    size_t elements;
    if (c2s_type_elements(slope, &elements) && elements == 1)
        return C2S_OK;
    int x, s;
    C2S_TRY(c2s_raise_rank(r, c2s_node_in(node, 1), &s));
    if (s != 1)
        return C2S_OK; /* written in the later form already */
    C2S_TRY(c2s_raise_rank(r, c2s_node_in(node, 0), &x));
    return unsqueeze_behind(r, node, 1, s, x - 2);
}

c2s_status c2s_raise_gemm(c2s_raise *r, c2s_node *node) {
    (void)r;
    c2s_attr_remove(node, "broadcast"); /* now always on, and of no effect where shapes agree */
    return C2S_OK;
}
