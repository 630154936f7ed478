/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions of rule files: conditions, values of attributes, constant operands. Their syntax and
 * meaning: docs/rules.md.
 */
#ifndef C2S_PASSES_CUSTOM_EXPR_H
#define C2S_PASSES_CUSTOM_EXPR_H

#include "io/text_lexer.h"
#include "passes/custom/custom_term.h"
#include "rewrite/pattern.h"

/* ---- what is read ---- */

typedef enum c2s_expr_kind {
    C2S_EXPR_NUMBER,
    C2S_EXPR_TEXT,
    C2S_EXPR_DTYPE,
    C2S_EXPR_LIST,  /* of args */
    C2S_EXPR_VALUE, /* the content of a constant, by letter */
    C2S_EXPR_ATTR,  /* an attribute, by variable */
    C2S_EXPR_DIM,   /* an extent of a declared type, by variable */
    C2S_EXPR_CALL,  /* `function` of args */
    C2S_EXPR_TYPED, /* args[0], as a constant of `dtype` */
    C2S_EXPR_INDEX, /* args[0] [args[1]] */
    C2S_EXPR_UNARY, /* op: - or ! (not) */
    C2S_EXPR_BINARY /* op: + - * / %, & | (and, or), = # < > l g (== != < > <= >=), i (in) */
} c2s_expr_kind;

typedef enum c2s_expr_function {
    C2S_FUNCTION_CONSTANT, /* from here on: of a value, which need not be given */
    C2S_FUNCTION_GIVEN,
    C2S_FUNCTION_RANK, /* of a value that is given */
    C2S_FUNCTION_SHAPE,
    C2S_FUNCTION_SIZE,
    C2S_FUNCTION_DTYPE,
    C2S_FUNCTION_BROADCASTS, /* of two values */
    C2S_FUNCTION_LENGTH,     /* of a list */
    C2S_FUNCTION_COUNT
} c2s_expr_function;

typedef struct c2s_expr {
    c2s_expr_kind kind;
    c2s_expr_function function;
    char op;
    unsigned index; /* letter or variable */
    c2s_dtype dtype;
    c2s_lex_number number;
    c2s_string text;
    const char *source; /* as written, for messages */
    const struct c2s_expr **args;
    unsigned arg_count;
} c2s_expr;

/* What names mean to whoever reads: false if there is no such. */
typedef struct c2s_expr_names {
    bool (*value)(void *user, const char *name, unsigned *letter);
    bool (*attr)(void *user, const char *name, unsigned *variable);
    bool (*dim)(void *user, const char *name, unsigned *variable);
    void *user;
} c2s_expr_names;

/* A condition. */
c2s_status c2s_expr_read(c2s_lexer *lexer, const c2s_expr_names *names, const c2s_expr **out);
/* A value, without and, or, comparisons: for attributes and operands. */
c2s_status c2s_expr_read_sum(c2s_lexer *lexer, const c2s_expr_names *names, const c2s_expr **out);

/* ---- at a match ---- */

/* Where the variables of an expression get their values from. */
typedef struct c2s_expr_scene {
    const c2s_match *match;
    c2s_dims *dims;
    void (*attr)(const struct c2s_expr_scene *scene, unsigned variable, c2s_term *out);
    void (*dim)(const struct c2s_expr_scene *scene, unsigned variable, c2s_term *out);
} c2s_expr_scene;

void c2s_expr_eval(const c2s_expr *expr, const c2s_expr_scene *scene, c2s_term *out);

#endif
