/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Conv, ConvTranspose or Gemm with a bias of zeros
 * After:  the same without it
 */
#include "passes/cleanup/cleanup.h"
#include "passes/constants.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, W, B };

static const char *refuse(const c2s_match *m) {
    return c2s_constant_is_all(m->value[B], 0) ? NULL : c2s_no_match;
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    c2s_value *in[] = {m->value[X], m->value[W]};
    return c2s_build_finish(b, c2s_build_like(b, m->root, in, 2));
}

static const c2s_op *const linear[] = {&c2s_op_conv, &c2s_op_conv_transpose, &c2s_op_gemm, NULL};
static const c2s_pattern_row rows[] = {{.any_of = linear, .in = {X, W, B}}};
const c2s_rule c2s_rule_zero_bias = {
    .name = "bias-of-zeros",
    .summary = "Conv, ConvTranspose or Gemm with a bias of zeros -> without it",
    C2S_ROWS(rows),
    .constants = C2S_BIT(B),
    .refuse = refuse,
    .build = build};
