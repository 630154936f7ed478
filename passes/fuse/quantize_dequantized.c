/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: DequantizeLinear, then QuantizeLinear with the same scale, zero point and type; of two
 *         pairs in a row, the inner halves
 * After:  the integers
 * Refuses when the parameters differ (then it rounds once more), are computed, or when float
 * arithmetic could lose an integer.
 */
#include "passes/fuse/fuse.h"
#include "passes/fuse/quant_params.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, Y };

static const char *refuse(const c2s_match *m) {
    c2s_quant_params from, to;
    const char *reason = c2s_quant_params_read(m->node[0], &from);
    if (!reason)
        reason = c2s_quant_params_read(m->root, &to);
    if (reason)
        return reason;
    return c2s_quant_params_equal(&from, &to) ? NULL : "scale, zero point or type differ";
}

static const c2s_pattern_row rows[] = {
    {.op = &c2s_op_dequantize_linear, .out = Y, .in = {X}},
    {.op = &c2s_op_quantize_linear, .in = {Y}},
};
const c2s_rule c2s_rule_quantize_dequantized = {
    .name = "quantize-dequantized",
    .summary = "QuantizeLinear of DequantizeLinear with the same parameters -> nothing",
    C2S_ROWS(rows),
    .shared = C2S_BIT(Y),
    .refuse = refuse,
    .build = c2s_build_forward};
