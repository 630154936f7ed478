/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/ties.h"

#include <assert.h>

#include "ops/op.h"

bool c2s_op_states_ties(const c2s_op *op) {
    return op->ties || op->flags & C2S_OP_ELEMENTWISE;
}

void c2s_ties_of(const c2s_node *node, c2s_ties *ties) {
    *ties = (c2s_ties){.node = node};
    if (node->op->ties)
        node->op->ties(ties);
    else if (node->op->flags & C2S_OP_ELEMENTWISE)
        c2s_ties_elementwise(ties);
}

void c2s_ties_free(c2s_ties *ties) {
    c2s_vec_free(&ties->spaces);
    c2s_vec_free(&ties->ties);
}

/* ---- refitting ---- */

int64_t c2s_refit_extent(const c2s_refit *r, unsigned space) {
    int64_t left = 0;
    for (int64_t e = 0; e < r->before->spaces.at[space].extent; e++)
        left += !r->removed[space][e];
    return left;
}

c2s_status c2s_node_refit(const c2s_refit *r) {
    return r->node->op->refit ? r->node->op->refit(r) : C2S_OK;
}

/* ---- making ties ---- */

static const c2s_type *type_of(const c2s_ties *t, bool output, unsigned slot) {
    const c2s_value *value = output ? c2s_node_out(t->node, slot) : c2s_node_in(t->node, slot);
    return value && c2s_type_is_tensor(&value->type) && value->type.rank >= 0 ? &value->type : NULL;
}

int64_t c2s_ties_extent(const c2s_ties *t, bool output, unsigned slot, int axis) {
    const c2s_type *type = type_of(t, output, slot);
    if (!type)
        return 0;
    if (axis < 0)
        axis += type->rank;
    if (axis < 0 || axis >= type->rank || !c2s_dim_is_known(type->dim[axis]))
        return 0;
    return type->dim[axis];
}

unsigned c2s_ties_space(c2s_ties *t, c2s_tie_role role, int64_t extent) {
    c2s_vec_push(&t->spaces, (c2s_tie_space){role, extent});
    return (unsigned)t->spaces.count - 1;
}

void c2s_ties_part(c2s_ties *t, unsigned space, bool output, unsigned slot, int axis, int64_t start,
                   int64_t count, int64_t repeat) {
    int64_t extent = c2s_ties_extent(t, output, slot, axis), unit;
    if (extent < 1 || start < 0 || count < 1 || count > extent - start || repeat < 1 ||
        !c2s_mul_i64(repeat, t->spaces.at[space].extent, &unit) || unit < 1 || count % unit != 0)
        return;
    if (axis < 0)
        axis += type_of(t, output, slot)->rank;
    c2s_vec_push(&t->ties, (c2s_tie){space, output, slot, axis, start, count, repeat});
}

void c2s_ties_in(c2s_ties *t, unsigned space, unsigned slot, int axis, int64_t repeat) {
    c2s_ties_part(t, space, false, slot, axis, 0, c2s_ties_extent(t, false, slot, axis), repeat);
}

void c2s_ties_out(c2s_ties *t, unsigned space, unsigned slot, int axis, int64_t repeat) {
    c2s_ties_part(t, space, true, slot, axis, 0, c2s_ties_extent(t, true, slot, axis), repeat);
}

/* ---- ready-made ---- */

void c2s_ties_pinned(c2s_ties *t) {
    (void)t;
}

void c2s_ties_elementwise(c2s_ties *t) {
    const c2s_type *out = type_of(t, true, 0);
    for (int back = -1; out && back >= -out->rank; back--) {
        int64_t extent = c2s_ties_extent(t, true, 0, back);
        if (extent <= 1)
            continue;
        unsigned space = c2s_ties_space(t, C2S_TIE_KEEP, extent);
        for (unsigned k = 0; k < t->node->formal_count; k++)
            c2s_ties_in(t, space, k, back, 1); /* extent 1 is no multiple: not tied */
        for (unsigned k = 0; k < t->node->output_count; k++)
            c2s_ties_out(t, space, k, back, 1);
    }
}
