/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that move elements: Reshape and its like, Transpose, Concat.
 */
#include "ops/infer.h"
#include "passes/measure/slope_rules.h"

static c2s_status same_order(const c2s_slope *s) {
    for (size_t i = 0; i < s->out->count; i++)
        s->dx[0][i] += s->dy[i];
    return C2S_OK;
}

static c2s_status transpose(const c2s_slope *s) {
    const c2s_type *x = &s->in[0]->type, *y = &s->out->type;
    size_t count, step[C2S_MAX_RANK], of_y[C2S_MAX_RANK], at[C2S_MAX_RANK] = {0}, from = 0;
    const int64_t *order = c2s_attr_ints(s->node, "perm", &count);
    const int rank = x->rank;
    size_t stride = 1;
    for (int k = rank - 1; k >= 0; k--) {
        step[k] = stride;
        stride *= (size_t)x->dim[k];
    }
    for (int k = 0; k < rank; k++)
        of_y[k] = step[order && count == (size_t)rank ? order[k] : rank - 1 - k];
    for (size_t i = 0; i < s->out->count; i++) {
        s->dx[0][from] += s->dy[i];
        for (int k = rank - 1; k >= 0; k--) {
            from += of_y[k];
            if (++at[k] < (size_t)y->dim[k])
                break;
            from -= of_y[k] * (size_t)y->dim[k];
            at[k] = 0;
        }
    }
    return C2S_OK;
}

static c2s_status concat(const c2s_slope *s) {
    const c2s_type *y = &s->out->type;
    int axis;
    size_t inner = 1, outer = 1, before = 0;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(s->node, "axis", 0), y->rank, &axis));
    for (int k = 0; k < y->rank; k++)
        *(k < axis ? &outer : &inner) *= (size_t)y->dim[k];
    for (unsigned slot = 0; slot < s->node->formal_count; slot++) {
        const size_t own = outer ? s->in[slot]->count / outer : 0;
        for (size_t o = 0; s->dx[slot] && o < outer; o++)
            for (size_t i = 0; i < own; i++)
                s->dx[slot][o * own + i] += s->dy[o * inner + before + i];
        before += own;
    }
    return C2S_OK;
}

c2s_slope_rule *c2s_slope_movement(const c2s_node *node) {
    return node->op->flags & C2S_OP_KEEPS_ORDER ? same_order
           : node->op == &c2s_op_transpose      ? transpose
           : node->op == &c2s_op_concat         ? concat
                                                : NULL;
}
