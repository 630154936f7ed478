/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators whose plain code is as fast as any: it runs on tensors of the planned types, without
 * inferring them again, which takes longer than small tensors do. For operators alone whose types
 * depend on the inputs' types, attributes and constants.
 */
#include "runtime/plan.h"

enum { MOST_OPERANDS = 8 };

static bool is_plain_tensor(const c2s_type *type) {
    size_t count;
    return c2s_type_is_tensor(type) && type->dtype != C2S_STRING &&
           c2s_dtype_bits(type->dtype) >= 8 && c2s_type_elements(type, &count) && count > 0;
}

static bool evaluated_accepts(const c2s_step *step) {
    const c2s_node *node = step->node;
    bool some = false;
    if (node->formal_count > MOST_OPERANDS || step->out_count > MOST_OPERANDS)
        return false;
    for (unsigned k = 0; k < node->formal_count; k++)
        if (step->in[k] && !is_plain_tensor(&step->in[k]->type))
            return false;
    for (unsigned k = 0; k < step->out_count; k++) {
        if (step->out[k] && !is_plain_tensor(&step->out[k]->type))
            return false;
        some |= step->out[k] != NULL;
    }
    return some;
}

static c2s_status evaluated_run(c2s_step *step) {
    const c2s_tensor *in[MOST_OPERANDS];
    c2s_tensor *out[MOST_OPERANDS];
    c2s_type type[MOST_OPERANDS];
    for (unsigned k = 0; k < step->node->formal_count; k++)
        in[k] = step->in[k] ? step->in[k]->tensor : NULL;
    for (unsigned k = 0; k < step->out_count; k++) {
        out[k] = step->out[k] ? step->out[k]->tensor : NULL;
        type[k] = step->out[k] ? step->out[k]->type : c2s_type_unknown();
    }
    c2s_eval e = {.node = step->node,
                  .in = in,
                  .in_count = step->node->formal_count,
                  .out = out,
                  .out_count = step->out_count,
                  .out_type = type,
                  .kept = &step->kept};
    c2s_status status = step->node->op->eval(&e);
    for (unsigned k = 0; k < step->out_count; k++)
        if (step->out[k])
            step->out[k]->tensor = out[k];
    return status;
}

const c2s_kernel_family c2s_kernels_evaluated = {
    .name = "evaluated",
    .accepts = evaluated_accepts,
    .run = evaluated_run,
};
