/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Concat, Sum, Mean, Max, Min of one operand; Split into one part
 * After:  the operand
 */
#include "passes/cleanup/cleanup.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A };

static const char *only_operand_refuse(const c2s_match *m) {
    return m->root->formal_count == 1 ? NULL : c2s_no_match;
}

static const c2s_op *const variadic[] = {&c2s_op_concat, &c2s_op_sum, &c2s_op_mean,
                                         &c2s_op_max,    &c2s_op_min, NULL};
static const c2s_pattern_row only_operand[] = {{.any_of = variadic, .in = {X}}};
const c2s_rule c2s_rule_only_operand = {
    .name = "only-operand",
    .summary = "Concat, Sum, Mean, Max or Min of one operand -> nothing",
    C2S_ROWS(only_operand),
    .refuse = only_operand_refuse,
    .build = c2s_build_forward};

static const char *split_refuse(const c2s_match *m) {
    return m->root->output_count == 1 ? NULL : c2s_no_match;
}

static const c2s_pattern_row split[] = {{.op = &c2s_op_split, .in = {X}}};
const c2s_rule c2s_rule_split_to_one = {.name = "split-to-one",
                                        .summary = "Split into one part -> nothing",
                                        C2S_ROWS(split),
                                        .refuse = split_refuse,
                                        .build = c2s_build_forward};
