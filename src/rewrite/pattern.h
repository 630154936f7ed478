/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns as row tables. A row is one node of the pattern; rows stand in data-flow order and the
 * last row is the root, whose first output the rule replaces. Letters name values: two places with
 * the same letter must be the same value. A file of rules names its letters with an enum.
 *
 *     enum { X = C2S_LETTER_A, W, B, Y, G, H, M, V };
 *     static const c2s_pattern_row conv_bn[] = {
 *         {.op = &c2s_op_conv, .out = Y, .in = {X, W, B | C2S_OPTIONAL}},
 *         {.op = &c2s_op_batch_normalization, .in = {Y, G, H, M, V}},
 *     };
 */
#ifndef C2S_REWRITE_PATTERN_H
#define C2S_REWRITE_PATTERN_H

#include "ops/op.h"

/* Letters for .in and .out; 0 is "no constraint, not bound" in .in and "not bound" in .out. */
enum { C2S_LETTER_A = 1, C2S_LETTER_COUNT = 27 };
#define C2S_OPTIONAL  0x40u /* in .in: the slot may be left out */
#define C2S_LETTER(x) ((unsigned)((x)&0x3fu))
/* Bit for c2s_rule.constants and c2s_rule.shared. */
#define C2S_BIT(letter) (UINT64_C(1) << (letter))

#define C2S_PATTERN_ROWS    16
#define C2S_PATTERN_INPUTS  8
#define C2S_PATTERN_FURTHER 7 /* outputs beside the first */

typedef struct c2s_pattern_row {
    const c2s_op *op;
    const c2s_op *const *any_of;    /* instead of `op`: any of these; ends with NULL */
    uint8_t in[C2S_PATTERN_INPUTS]; /* letters of the formal inputs; 0: anything. Further inputs of
                                       the node are ignored. */
    uint8_t out;                    /* letter of output 0 */
    uint8_t further[C2S_PATTERN_FURTHER]; /* letters of outputs 1, 2, ... */
    bool any_order;                 /* inputs 0 and 1 may be swapped, as they always may be for
                                       operators with C2S_OP_COMMUTATIVE */
    const char *domain, *type;      /* with c2s_op_opaque: of that name; NULL: of any */
} c2s_pattern_row;

typedef struct c2s_match {
    const struct c2s_rule *rule;
    c2s_node *node[C2S_PATTERN_ROWS]; /* by row; the last one is the root */
    unsigned node_count;
    c2s_value *value[C2S_LETTER_COUNT]; /* by letter; NULL: optional slot left out */
    c2s_node *root;                     /* node of the last row */
} c2s_match;

typedef struct c2s_builder c2s_builder; /* rewrite/builder.h */

/* What `refuse` returns when the match is not worth a word: the pattern is too coarse to say what
 * the rule looks for (a Reshape that does reshape), nobody would ask why it was not applied. */
extern const char c2s_no_match[];

/* Before it calls `refuse`, the driver has checked: operators, letters; that no matched node takes
 * an attribute from the caller of a function; that outputs of inner nodes in use have letters, and
 * are used by nodes of the match only (nothing else reads it, it is no graph output) unless the
 * row's output letters are in `shared`; that letters in `constants` are constants. */
typedef struct c2s_rule {
    const char *name;    /* "conv-bn": shown to users */
    const char *summary; /* what becomes what, for the list of rules */
    const c2s_pattern_row *rows;
    unsigned row_count;
    uint64_t constants; /* letters that must be constant where given */
    uint64_t shared;    /* inner outputs that may have other uses (the inner node then stays) */
    uint64_t results;   /* further outputs of the root that `build` replaces, too */
    int opset;          /* of ai.onnx, the least that has what the rule builds; 0: any */
    /* For patterns that rows cannot say: called when the only row, the root, fits; adds the other
     * nodes, producers before users and the root last, and letters. NULL: the rows say all. */
    bool (*find)(c2s_node *root, c2s_match *match);
    /* NULL: apply; else the reason in a few words ("the bias is not per channel"), or
     * c2s_no_match. */
    const char *(*refuse)(const c2s_match *match);
    /* The replacement of the root's first output, of the same type: a new value or one that the
     * root depends on. Replacements of `results` go to builder->further. NULL: failed,
     * c2s_build_fail was called; the driver then discards what was built. The driver replaces,
     * keeps names, removes what is dead. */
    c2s_value *(*build)(c2s_builder *builder, const c2s_match *match);
} c2s_rule;

#define C2S_ROWS(table) .rows = (table), .row_count = (unsigned)(sizeof(table) / sizeof(table)[0])

/* True if some node of operator `op` could be row `row`. */
bool c2s_row_takes(const c2s_pattern_row *row, const c2s_op *op);

/* Tries `rule` with `root` as its last row. If false, *reason says why the rule refused a place
 * where its operators matched, which is then in `match`; NULL if they did not. */
bool c2s_rule_match(const c2s_rule *rule, c2s_node *root, c2s_match *match, const char **reason);

#endif
