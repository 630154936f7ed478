/* SPDX-License-Identifier: Apache-2.0
 *
 * The state of the parser of regular expressions, and what it reads that stands for characters.
 */
#ifndef C2S_OPS_REGEX_SET_H
#define C2S_OPS_REGEX_SET_H

#include <string.h>

#include "ops/regex_parse.h"
#include "ops/utf8.h"

enum { C2S_LAST_CODE = 0x10FFFF };

typedef struct c2s_regex_parser {
    c2s_regex_tree *tree;
    c2s_string text;
    size_t at;
    bool fold, dot_all, multi_line;
    unsigned depth;
} c2s_regex_parser;

static inline c2s_status c2s_regex_wrong(const c2s_regex_parser *p, const char *what) {
    return c2s_fail(C2S_ERR_INVALID, "the pattern has %s at byte %zu", what, p->at);
}

static inline bool c2s_regex_more(const c2s_regex_parser *p) {
    return p->at < p->text.size;
}

static inline bool c2s_regex_looks_at(const c2s_regex_parser *p, const char *text) {
    size_t size = strlen(text);
    return p->text.size - p->at >= size && memcmp(p->text.data + p->at, text, size) == 0;
}

static inline bool c2s_regex_accept(c2s_regex_parser *p, const char *text) {
    if (!c2s_regex_looks_at(p, text))
        return false;
    p->at += strlen(text);
    return true;
}

static inline uint32_t c2s_regex_next(c2s_regex_parser *p) {
    return c2s_utf8_next(p->text.data, p->text.size, &p->at);
}

static inline void c2s_regex_add_range(c2s_regex_parser *p, uint32_t first, uint32_t last) {
    c2s_vec_push(&p->tree->ranges, (c2s_code_range){first, last});
}

/* \d, \W, \pL, \p{^Greek} and their like: adds the ranges. */
c2s_status c2s_regex_class(c2s_regex_parser *p, bool *found);
/* One character, behind a backslash. */
c2s_status c2s_regex_escape(c2s_regex_parser *p, uint32_t *code);
/* Behind "[", up to "]": adds the ranges; *negated: all others are meant. */
c2s_status c2s_regex_set(c2s_regex_parser *p, bool *negated);

#endif
