/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that move elements: Reshape and its like, Transpose, Concat, Gather, Expand.
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

/* What was read several times gets the sum. */
static c2s_status gather(const c2s_slope *s) {
    const c2s_type *x = &s->in[0]->type;
    const size_t picked = s->in[1]->count;
    int axis;
    size_t inner = 1, outer = 1;
    C2S_TRY(c2s_infer_axis(c2s_attr_int(s->node, "axis", 0), x->rank, &axis));
    for (int k = 0; k < x->rank; k++)
        if (k != axis)
            *(k < axis ? &outer : &inner) *= (size_t)x->dim[k];
    for (size_t p = 0; p < picked; p++) {
        int64_t from;
        if (!c2s_tensor_i64_at(s->in[1], p, &from))
            return c2s_fail(C2S_ERR_INVALID, "%s: an index that is no integer",
                            c2s_node_text(s->node));
        from += from < 0 ? x->dim[axis] : 0; /* within the axis: the node has run */
        for (size_t o = 0; o < outer; o++) {
            const float *dy = s->dy + (o * picked + p) * inner;
            float *dx = s->dx[0] + (o * (size_t)x->dim[axis] + (size_t)from) * inner;
            for (size_t i = 0; i < inner; i++)
                dx[i] += dy[i];
        }
    }
    return C2S_OK;
}

static c2s_status expand(const c2s_slope *s) {
    c2s_slope_unbroadcast(&s->out->type, s->dy, &s->in[0]->type, s->dx[0]);
    return C2S_OK;
}

c2s_slope_rule *c2s_slope_movement(const c2s_node *node) {
    return node->op->flags & C2S_OP_KEEPS_ORDER ? same_order
           : node->op == &c2s_op_transpose      ? transpose
           : node->op == &c2s_op_concat         ? concat
           : node->op == &c2s_op_gather         ? gather
           : node->op == &c2s_op_expand         ? expand
                                                : NULL;
}
