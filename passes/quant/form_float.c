/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: QuantizeLinear, then DequantizeLinear with the same scale and zero point
 * After:  the floats; where the codes begin at 0, and the floats may not, Relu, and where they end
 *         at 6, Clip: whoever quantized the model left that to the codes
 * Before: DequantizeLinear of a constant
 * After:  a constant of floats
 * Before: DequantizeLinear of codes that Reshape, MaxPool, Concat, ... have moved
 * After:  the floats are moved
 * Refuses when scales differ or are computed, and what a caller decides.
 */
#include <math.h>
#include <string.h>

#include "passes/quant/code_flow.h"
#include "passes/quant/code_pair.h"
#include "passes/quant/form_rules.h"

static const c2s_op *const quantizers[] = {&c2s_op_quantize_linear, &c2s_op_ms_quantize_linear,
                                           NULL};
static const c2s_op *const dequantizers[] = {&c2s_op_dequantize_linear,
                                             &c2s_op_ms_dequantize_linear, NULL};

/* ---- pairs ---- */

static const char *refuse_pair(const c2s_match *m) {
    return c2s_code_pair_refuse(m->node[0], m->root);
}

static c2s_value *build_pair(c2s_builder *b, const c2s_match *m) {
    c2s_value *x = m->value[C2S_LETTER_A];
    float high;
    if (!c2s_code_pair_clamps(m->node[0], &high))
        return x;
    if (isinf(high))
        return c2s_build(b, "Relu", &x, 1);
    c2s_value *in[] = {x, c2s_build_scalar(b, "zero", x->type.dtype, 0),
                       c2s_build_scalar(b, "six", x->type.dtype, (double)high)};
    return c2s_build(b, "Clip", in, 3);
}

enum { X = C2S_LETTER_A, Y };
static const c2s_pattern_row pair_rows[] = {
    {.any_of = quantizers, .out = Y, .in = {X}},
    {.any_of = dequantizers, .in = {Y}},
};
const c2s_rule c2s_rule_pair_float = {
    .name = "pair-float",
    .summary = "QuantizeLinear and DequantizeLinear with the same parameters -> the floats, and a "
               "clamp that the codes stood for",
    C2S_ROWS(pair_rows),
    .shared = C2S_BIT(Y),
    .refuse = refuse_pair,
    .build = build_pair};

/* ---- constants ---- */

static const char *refuse_codes(const c2s_match *m) {
    for (unsigned k = 0; k < m->root->formal_count; k++)
        if (m->root->inputs[k].value && !m->root->inputs[k].value->constant)
            return k == 0 ? c2s_no_match : "its scale or zero point is computed";
    return NULL;
}

/* Without what quantizers append to it. */
static char *name_of(const char *codes) {
    static const char suffix[] = "_quantized";
    const size_t length = strlen(codes), tail = sizeof suffix - 1;
    const bool ends = length > tail && strcmp(codes + length - tail, suffix) == 0;
    const size_t kept = ends ? length - tail : length;
    char *name = c2s_alloc(kept + 1);
    memcpy(name, codes, kept);
    name[kept] = '\0';
    return name;
}

static c2s_value *build_constant(c2s_builder *b, const c2s_match *m) {
    const c2s_tensor *in[3] = {0};
    c2s_tensor *out = NULL;
    for (unsigned k = 0; k < m->root->formal_count && k < 3; k++)
        in[k] = m->root->inputs[k].value ? m->root->inputs[k].value->constant : NULL;
    if (!c2s_build_ok(b, c2s_node_eval(m->root, in, &out, NULL, 0)))
        return NULL;
    char *name = name_of(m->root->inputs[0].value->name);
    c2s_value *value = c2s_build_constant(b, name, out);
    free(name);
    return value;
}

static const c2s_pattern_row codes_rows[] = {{.any_of = dequantizers}};
const c2s_rule c2s_rule_codes_float = {.name = "codes-float",
                                       .summary =
                                           "DequantizeLinear of a constant -> a constant of floats",
                                       C2S_ROWS(codes_rows),
                                       .refuse = refuse_codes,
                                       .build = build_constant};

/* ---- movers ---- */

static bool find_mover(c2s_node *root, c2s_match *m) {
    const c2s_value *codes = c2s_node_in(root, 0);
    const c2s_node *mover = c2s_form_maker(codes);
    if (!mover || !c2s_form_moves(mover) || (codes->def_slot > 0 && mover->op == &c2s_op_max_pool))
        return false;
    m->node[0] = root;
    m->node_count = 1;
    return true;
}

static const char *refuse_moved(const c2s_match *m) {
    return c2s_code_is_plain(m->root) ? NULL : "there is a scale per channel, or it is computed";
}

static c2s_value *build_moved(c2s_builder *b, const c2s_match *m) {
    const c2s_node *dq = m->root;
    const c2s_value *codes = dq->inputs[0].value;
    const c2s_node *mover = codes->def;
    c2s_value *in[C2S_FORM_INPUTS] = {0};
    for (unsigned k = 0; k < mover->formal_count; k++)
        in[k] = mover->inputs[k].value && c2s_quant_has(mover->op->quant.operands, k)
                    ? c2s_form_dequantize(b, mover->inputs[k].value, c2s_node_in(dq, 1),
                                          c2s_node_in(dq, 2), -1)
                    : mover->inputs[k].value;
    c2s_node *built = c2s_build_like(b, mover, in, mover->formal_count);
    while (built && built->output_count < mover->output_count)
        c2s_node_add_output(built, codes->name);
    if (!c2s_build_finish(b, built))
        return NULL;
    return built->outputs[codes->def_slot];
}

const c2s_rule c2s_rule_codes_moved = {
    .name = "codes-moved",
    .summary = "operators that move codes, then DequantizeLinear -> they move the floats",
    C2S_ROWS(codes_rows),
    .find = find_mover,
    .refuse = refuse_moved,
    .build = build_moved};
