/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/ties.h"

#include <assert.h>

#include "ops/op.h"

bool c2s_op_states_ties(const c2s_op *op) {
    return op->ties || op->flags & C2S_OP_ELEMENTWISE;
}

static void drop_pinned(c2s_ties *t) {
    size_t left = 0;
    for (size_t k = 0; k < t->ties.count; k++)
        if (t->spaces.at[t->ties.at[k].space].extent > 0)
            t->ties.at[left++] = t->ties.at[k];
    t->ties.count = left;
}

void c2s_ties_of(const c2s_node *node, c2s_ties *ties) {
    *ties = (c2s_ties){.node = node};
    if (node->op->ties)
        node->op->ties(ties);
    else if (node->op->flags & C2S_OP_ELEMENTWISE)
        c2s_ties_elementwise(ties);
    drop_pinned(ties);
}

void c2s_ties_free(c2s_ties *ties) {
    c2s_vec_free(&ties->spaces);
    c2s_vec_free(&ties->ties);
}

/* ---- reading operands ---- */

static const c2s_value *operand(const c2s_ties *t, bool output, unsigned slot) {
    return output ? c2s_node_out(t->node, slot) : c2s_node_in(t->node, slot);
}

int c2s_ties_rank(const c2s_ties *t, bool output, unsigned slot) {
    const c2s_value *value = operand(t, output, slot);
    return value && c2s_type_is_tensor(&value->type) ? value->type.rank : -1;
}

/* Where `axis` counts from the end too; -1: the operand has not that axis. */
static int find_axis(const c2s_ties *t, bool output, unsigned slot, int axis) {
    int rank = c2s_ties_rank(t, output, slot);
    if (axis < 0)
        axis += rank;
    return axis >= 0 && axis < rank ? axis : -1;
}

int64_t c2s_ties_extent(const c2s_ties *t, bool output, unsigned slot, int axis) {
    axis = find_axis(t, output, slot, axis);
    if (axis < 0)
        return 0;
    c2s_dim dim = operand(t, output, slot)->type.dim[axis];
    return c2s_dim_is_known(dim) ? dim : 0;
}

bool c2s_node_ints(const c2s_node *node, unsigned slot, int64_t *values, size_t limit,
                   size_t *count) {
    const c2s_value *value = c2s_node_in(node, slot);
    const c2s_tensor *constant = value ? value->constant : NULL;
    if (!constant || constant->type.rank > 1 || constant->count > limit)
        return false;
    for (size_t k = 0; k < constant->count; k++)
        if (!c2s_tensor_i64_at(constant, k, &values[k]))
            return false;
    *count = constant->count;
    return true;
}

/* ---- making ties ---- */

unsigned c2s_ties_space(c2s_ties *t, c2s_tie_role role, int64_t extent) {
    c2s_vec_push(&t->spaces, (c2s_tie_space){role, extent > 0 ? extent : 0});
    return (unsigned)t->spaces.count - 1;
}

void c2s_ties_pin(c2s_ties *t, unsigned space) {
    t->spaces.at[space].extent = 0;
}

void c2s_ties_part(c2s_ties *t, unsigned space, bool output, unsigned slot, int axis, int64_t start,
                   int64_t count, int64_t repeat) {
    int64_t extent = c2s_ties_extent(t, output, slot, axis), unit;
    if (count == 0)
        return;
    if (start < 0 || count < 0 || start > extent || count > extent - start || repeat < 1 ||
        !c2s_mul_i64(repeat, t->spaces.at[space].extent, &unit) || unit < 1 || count % unit != 0)
        c2s_ties_pin(t, space);
    else
        c2s_vec_push(&t->ties, (c2s_tie){space, output, slot, find_axis(t, output, slot, axis),
                                         start, count, repeat});
}

void c2s_ties_whole(c2s_ties *t, unsigned space, bool output, unsigned slot, int axis,
                    int64_t repeat) {
    const c2s_value *value = operand(t, output, slot);
    int64_t extent = c2s_ties_extent(t, output, slot, axis);
    if (!value)
        return;
    if (c2s_ties_rank(t, output, slot) < 0) {
        c2s_ties_pin(t, space);
        return;
    }
    bool broadcast = extent == 1 && (repeat > 1 || t->spaces.at[space].extent > 1);
    if (find_axis(t, output, slot, axis) < 0 || broadcast)
        return;
    if (extent < 1)
        c2s_ties_pin(t, space);
    else
        c2s_ties_part(t, space, output, slot, axis, 0, extent, repeat);
}

void c2s_ties_in(c2s_ties *t, unsigned space, unsigned slot, int axis, int64_t repeat) {
    c2s_ties_whole(t, space, false, slot, axis, repeat);
}

void c2s_ties_out(c2s_ties *t, unsigned space, unsigned slot, int axis, int64_t repeat) {
    c2s_ties_whole(t, space, true, slot, axis, repeat);
}

unsigned c2s_ties_over(c2s_ties *t, c2s_tie_role role, unsigned slot, int axis, int out_axis) {
    unsigned space = c2s_ties_space(t, role, c2s_ties_extent(t, false, slot, axis));
    c2s_ties_in(t, space, slot, axis, 1);
    for (unsigned k = 0; out_axis != C2S_TIES_NO_AXIS && k < t->node->output_count; k++)
        c2s_ties_out(t, space, k, out_axis, 1);
    return space;
}

int c2s_ties_axis(const c2s_ties *t, const char *name, int64_t absent, int rank) {
    int64_t axis = c2s_attr_int(t->node, name, absent);
    if (axis < 0)
        axis += rank;
    return axis >= 0 && axis < rank ? (int)axis : -1;
}

/* ---- ready-made ---- */

void c2s_ties_pinned(c2s_ties *t) {
    (void)t;
}

void c2s_ties_broadcast(c2s_ties *t, unsigned inputs, unsigned mixed) {
    int rank = c2s_ties_rank(t, true, 0);
    for (int axis = 0; axis < rank; axis++) {
        c2s_tie_role role = mixed >> axis & 1 ? C2S_TIE_MIX : C2S_TIE_KEEP;
        unsigned space = c2s_ties_space(t, role, c2s_ties_extent(t, true, 0, axis));
        for (unsigned k = 0; k < t->node->formal_count && k < inputs; k++)
            c2s_ties_in(t, space, k, axis - rank, 1);
        for (unsigned k = 0; k < t->node->output_count; k++)
            c2s_ties_out(t, space, k, axis - rank, 1);
    }
}

void c2s_ties_elementwise(c2s_ties *t) {
    c2s_ties_broadcast(t, t->node->formal_count, 0);
}
