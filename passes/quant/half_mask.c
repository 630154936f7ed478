/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "passes/quant/half_choice.h"

/* What hides a key: far below any score, and so is the sum with one. */
#define HIDDEN (-C2S_HALF_ROOM + 752)
/* Scores are above this. */
#define MOST_HIDDEN (-1e4)

/* Zeros, and numbers below all scores, some of which float16 does not have. */
static bool is_mask(const c2s_tensor *tensor) {
    bool beyond = false;
    for (size_t i = 0; i < tensor->count; i++) {
        double x;
        c2s_tensor_load_f64(tensor, i, 1, &x);
        if (x != 0 && !(x <= MOST_HIDDEN))
            return false;
        beyond |= x < -C2S_HALF_ROOM;
    }
    return beyond;
}

static bool is_used_as_mask(const c2s_value *value) {
    c2s_value_each_use(use, value) {
        const c2s_op *op = use->user->op;
        if (op != &c2s_op_add && op != &c2s_op_where && op != &c2s_op_mul &&
            !(op->flags & C2S_OP_MOVES_DATA))
            return false;
    }
    return value->use_count > 0;
}

static c2s_status limit(c2s_value *value) {
    c2s_tensor *limited;
    const c2s_tensor *from = value->constant;
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, from->type.rank, from->type.dim, &limited));
    for (size_t i = 0; i < from->count; i++) {
        double x;
        c2s_tensor_load_f64(from, i, 1, &x);
        ((float *)c2s_tensor_mutable(limited))[i] = (float)fmax(x, HIDDEN);
    }
    c2s_value_set_constant(value, limited);
    c2s_tensor_unref(limited);
    return C2S_OK;
}

c2s_status c2s_half_limit_masks(c2s_model *model, c2s_retype_counts *counts) {
    for (size_t i = 0; i < model->values.count; i++) {
        c2s_value *value = model->values.at[i];
        if (!value || value->graph != model->graph || !c2s_half_is_float(value) ||
            !value->constant || value->def || !is_used_as_mask(value) || !is_mask(value->constant))
            continue;
        C2S_TRY(limit(value));
        counts->clamped++;
    }
    return C2S_OK;
}
