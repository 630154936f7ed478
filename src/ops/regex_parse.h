/* SPDX-License-Identifier: Apache-2.0
 *
 * The syntax tree of a regular expression.
 */
#ifndef C2S_OPS_REGEX_PARSE_H
#define C2S_OPS_REGEX_PARSE_H

#include "base/vec.h"
#include "ir/tensor.h"

typedef struct c2s_code_range {
    uint32_t first, last;
} c2s_code_range;

/* A set of characters: `count` ranges from `first` on in the tree's list. */
typedef struct c2s_char_set {
    size_t first, count;
    bool negated, fold; /* fold: without regard to case */
} c2s_char_set;

typedef enum c2s_assertion {
    C2S_AT_TEXT_BEGIN,
    C2S_AT_TEXT_END,
    C2S_AT_LINE_BEGIN,
    C2S_AT_LINE_END,
    C2S_AT_WORD_BORDER,
    C2S_NOT_AT_WORD_BORDER
} c2s_assertion;

typedef enum c2s_regex_kind {
    C2S_REGEX_SET,
    C2S_REGEX_ASSERT,
    C2S_REGEX_CONCAT, /* children one after the other; none: the empty text */
    C2S_REGEX_CHOICE, /* one of the children */
    C2S_REGEX_REPEAT  /* the child, min to max times; max -1: no limit */
} c2s_regex_kind;

typedef struct c2s_regex_node {
    c2s_regex_kind kind;
    c2s_char_set set;
    c2s_assertion assertion;
    int min, max;
    size_t child, last, next; /* indices + 1; 0: none */
} c2s_regex_node;

typedef struct c2s_regex_tree {
    C2S_VEC(c2s_regex_node) nodes;
    C2S_VEC(c2s_code_range) ranges;
    size_t root;
} c2s_regex_tree;

c2s_status c2s_regex_parse(c2s_string pattern, c2s_regex_tree *tree);
void c2s_regex_tree_free(c2s_regex_tree *tree);

#endif
