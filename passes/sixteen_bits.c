/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/sixteen_bits.h"

#include "base/log.h"
#include "ops/op.h"

static bool is_16_bit(const c2s_node *node) {
    if (node->op != &c2s_op_conv && node->op != &c2s_op_matmul && node->op != &c2s_op_gemm)
        return false;
    const c2s_dtype dtype = node->inputs[0].value->type.dtype;
    return dtype == C2S_FLOAT16 || dtype == C2S_BFLOAT16;
}

void c2s_tell_of_16_bits(const c2s_pass *pass, const c2s_model *model) {
    size_t count = 0;
    for (const c2s_node *node = model->graph->first; node && pass->on_float; node = node->next)
        count += is_16_bit(node);
    if (count > 0)
        c2s_log(0,
                "%s: %zu layers compute with 16 bits, and it works on those with 32: the pass "
                "single in front of it makes them so, half behind it brings 16 bits back",
                pass->name, count);
}
