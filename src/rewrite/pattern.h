/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns as row tables. A row is one node of the pattern; rows stand in data-flow order and the
 * last row is the root, whose first output the rule replaces. Letters name values: two places with
 * the same letter must be the same value.
 *
 *     static const c2s_pattern_row conv_bn[] = {
 *         {.op = &c2s_op_conv, .out = Y, .in = {X, W, B | C2S_OPTIONAL}},
 *         {.op = &c2s_op_batch_normalization, .out = Z, .in = {Y, G, H, M, V}},
 *     };
 */
#ifndef C2S_REWRITE_PATTERN_H
#define C2S_REWRITE_PATTERN_H

#include "ops/op.h"

/* Letters for .in and .out; 0 is "no constraint, not bound" in .in and "not bound" in .out. */
enum { C2S_LETTER_A = 1, C2S_LETTER_COUNT = 27 };
#define C2S_OPTIONAL 0x40u /* in .in: the slot may be left out */
#define C2S_LETTER(x) ((unsigned)((x) & 0x3fu))
/* Bit for c2s_rule.constants. */
#define C2S_BIT(letter) (UINT64_C(1) << (letter))

typedef struct c2s_pattern_row {
    const c2s_op *op;
    uint8_t in[8];     /* letters of the formal inputs; 0: anything. Inputs beyond are ignored. */
    uint8_t out;       /* letter of output 0 */
    bool any_order;    /* inputs 0 and 1 may be swapped (default for C2S_OP_COMMUTATIVE) */
} c2s_pattern_row;

typedef struct c2s_match {
    c2s_node *node[8];                    /* by row */
    c2s_value *value[C2S_LETTER_COUNT];   /* by letter; NULL: optional slot left out */
    c2s_node *root;                       /* node of the last row */
} c2s_match;

typedef struct c2s_builder c2s_builder; /* rewrite/builder.h */

/* Before it calls `refuse`, the driver has checked: operators, domains, letters; that inner nodes
 * have one output in use, used inside the match only (single use: nothing else reads it, it is no
 * graph output) unless the row's output letter is in `shared`; that letters in `constants` are
 * constants. */
typedef struct c2s_rule {
    const char *name; /* "conv-bn": shown to users */
    const c2s_pattern_row *rows;
    unsigned row_count;
    uint64_t constants; /* letters that must be constant where given */
    uint64_t shared;    /* inner outputs that may have other uses (the inner node then stays) */
    /* NULL: apply; else the reason in a few words ("the bias is not per channel"). */
    const char *(*refuse)(const c2s_match *match);
    /* The replacement of the root's first output; same type. NULL: failed, c2s_fail was called; the
     * driver then discards what was built. The driver replaces, keeps interface names, sweeps. */
    c2s_value *(*build)(c2s_builder *builder, const c2s_match *match);
} c2s_rule;

/* Tries `rule` with `root` as its last row. */
bool c2s_rule_match(const c2s_rule *rule, c2s_node *root, c2s_match *match, const char **reason);

#endif
