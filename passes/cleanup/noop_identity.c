/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Identity(x); Dropout(x) at inference; Cast(x) and CastLike(x, y) to the type x has
 * After:  x
 * Refuses when Dropout trains or may train, or its mask is used.
 */
#include "passes/cleanup/cleanup.h"
#include "passes/constants.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, RATIO, TRAINING };

static const c2s_pattern_row identity[] = {{.op = &c2s_op_identity, .in = {X}}};
const c2s_rule c2s_rule_identity = {.name = "identity",
                                    .summary = "Identity -> nothing",
                                    C2S_ROWS(identity),
                                    .build = c2s_build_forward};

static const char *dropout_refuse(const c2s_match *m) {
    if (m->value[TRAINING] && !c2s_constant_is_all(m->value[TRAINING], 0))
        return "training mode is not known to be off";
    return NULL;
}

static const c2s_pattern_row dropout[] = {
    {.op = &c2s_op_dropout, .in = {X, RATIO | C2S_OPTIONAL, TRAINING | C2S_OPTIONAL}}};
const c2s_rule c2s_rule_dropout = {.name = "dropout",
                                   .summary = "Dropout at inference -> nothing",
                                   C2S_ROWS(dropout),
                                   .refuse = dropout_refuse,
                                   .build = c2s_build_forward};

static const char *cast_refuse(const c2s_match *m) {
    c2s_dtype from = m->value[X]->type.dtype;
    return from != C2S_UNDEFINED && from == m->root->outputs[0]->type.dtype ? NULL : c2s_no_match;
}

static const c2s_op *const casts[] = {&c2s_op_cast, &c2s_op_cast_like, NULL};
static const c2s_pattern_row cast_same[] = {{.any_of = casts, .in = {X}}};
const c2s_rule c2s_rule_cast_same = {.name = "cast-to-same-type",
                                     .summary = "Cast to the type that it has -> nothing",
                                     C2S_ROWS(cast_same),
                                     .refuse = cast_refuse,
                                     .build = c2s_build_forward};
