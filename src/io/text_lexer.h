/* SPDX-License-Identifier: Apache-2.0
 *
 * Characters of the ONNX text syntax to words and numbers. All functions skip white space and
 * comments (# to the end of the line) first. Text taken lives in the arena.
 */
#ifndef C2S_IO_TEXT_LEXER_H
#define C2S_IO_TEXT_LEXER_H

#include "base/memory.h"
#include "base/status.h"
#include "ir/tensor.h"

typedef struct c2s_lexer {
    const char *start, *at, *end;
    const char *path;
    c2s_arena *arena;
} c2s_lexer;

/* "file:3:14: found X, expected ..." with `expected` as printf has it. */
c2s_status c2s_lex_expected(c2s_lexer *lexer, const char *expected, ...) C2S_PRINTF(2, 3);
bool c2s_lex_at_end(c2s_lexer *lexer);
/* The next character without taking it; 0 at the end. */
char c2s_lex_peek(c2s_lexer *lexer);
/* Takes a punctuation text such as "(" or "=>" if it is next. */
bool c2s_lex_take(c2s_lexer *lexer, const char *text);
c2s_status c2s_lex_need(c2s_lexer *lexer, const char *text);

bool c2s_lex_is_word(c2s_lexer *lexer); /* an identifier is next */
/* Takes this identifier if it is next: "or" is no part of "order". */
bool c2s_lex_take_word(c2s_lexer *lexer, const char *word);
/* An identifier or a quoted string as a name. */
bool c2s_lex_is_name(c2s_lexer *lexer);
c2s_status c2s_lex_name(c2s_lexer *lexer, const char **out);
c2s_status c2s_lex_string(c2s_lexer *lexer, c2s_string *out);

typedef struct c2s_lex_number {
    bool is_float;
    double number;     /* always */
    int64_t integer;   /* if not is_float; two's complement of an unsigned one above INT64_MAX */
    bool is_unsigned;  /* above INT64_MAX */
} c2s_lex_number;

bool c2s_lex_is_number(c2s_lexer *lexer); /* also inf, nan, true, false */
c2s_status c2s_lex_take_number(c2s_lexer *lexer, c2s_lex_number *out);
c2s_status c2s_lex_integer(c2s_lexer *lexer, int64_t *out);

#endif
