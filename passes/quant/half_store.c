/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/half_choice.h"

/* Weights of fewer elements are not worth a Cast. */
enum { LEAST_STORED = 64 };

static bool is_stored(const c2s_value *value, c2s_dtype dtype) {
    if (!c2s_half_is_float(value) || !value->constant || value->constant->count < LEAST_STORED ||
        value->use_count == 0 || (value->def && value->def->op != &c2s_op_constant))
        return false;
    c2s_value_each_use(use, value) {
        if (use->user == value->graph->exit || use->slot >= use->user->formal_count ||
            !c2s_half_operator_of(use->user))
            return false; /* an output; read in a body, or by a quantizer: they want a constant */
    }
    return dtype != C2S_FLOAT16 || !c2s_half_refuse_constant(value->constant, false);
}

c2s_status c2s_half_store(c2s_model *model, c2s_dtype dtype, c2s_retype_counts *counts) {
    const size_t count = model->values.count;
    for (size_t i = 0; i < count; i++) {
        c2s_value *value = model->values.at[i], *stored, *floats;
        if (!value || !is_stored(value, dtype))
            continue;
        C2S_TRY(c2s_retype_constant(value, dtype, counts, &stored));
        C2S_TRY(c2s_retype_cast(value->graph, value->graph->first, stored, value, C2S_FLOAT, counts,
                                &floats));
        c2s_value_replace(value, floats);
    }
    return C2S_OK;
}
