/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the expressions of rule files: conditions, and what attributes of a replacement are.
 */
#include <string.h>

#include "base/vec.h"
#include "passes/custom/custom_expr.h"

/* Of one expression: operands and parentheses. What is read deep is evaluated deep. */
enum { MAX_NESTING = 24, MAX_OPERANDS = 200 };

typedef struct reader {
    c2s_lexer *lexer;
    const c2s_expr_names *names;
    unsigned depth, operands;
} reader;

typedef C2S_VEC(const c2s_expr *) expr_list;

static const struct {
    const char *name;
    unsigned args;
} functions[C2S_FUNCTION_COUNT] = {
    [C2S_FUNCTION_CONSTANT] = {"constant", 1}, [C2S_FUNCTION_GIVEN] = {"given", 1},
    [C2S_FUNCTION_RANK] = {"rank", 1},         [C2S_FUNCTION_SHAPE] = {"shape", 1},
    [C2S_FUNCTION_SIZE] = {"size", 1},         [C2S_FUNCTION_DTYPE] = {"dtype", 1},
    [C2S_FUNCTION_LENGTH] = {"length", 1},     [C2S_FUNCTION_BROADCASTS] = {"broadcasts", 2},
};

static c2s_expr *new_expr(reader *r, c2s_expr_kind kind) {
    c2s_expr *e = c2s_arena_alloc(r->lexer->arena, sizeof *e);
    e->kind = kind;
    return e;
}

static const c2s_expr *combine(reader *r, c2s_expr_kind kind, char op, const c2s_expr *a,
                               const c2s_expr *b) {
    c2s_expr *e = new_expr(r, kind);
    e->op = op;
    e->arg_count = b ? 2 : 1;
    e->args = c2s_arena_array(r->lexer->arena, 2, sizeof *e->args);
    e->args[0] = a;
    e->args[1] = b;
    return e;
}

/* What binds tighter comes later. */
typedef enum level {
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_COMPARISON,
    LEVEL_SUM,
    LEVEL_PRODUCT,
    LEVEL_UNARY
} level;

static c2s_status read_level(reader *r, level at, const c2s_expr **out);

/* The elements behind an opening mark, up to the closing one. */
static c2s_status read_list(reader *r, const char *close, c2s_expr *e) {
    expr_list list = {0};
    c2s_status status = C2S_OK;
    while (status == C2S_OK && !c2s_lex_take(r->lexer, close)) {
        const c2s_expr *element;
        if (list.count == C2S_LIST_MOST)
            status = c2s_lex_expected(r->lexer, "a list of at most %d elements", C2S_LIST_MOST);
        else
            status = read_level(r, LEVEL_SUM, &element);
        if (status == C2S_OK) {
            c2s_vec_push(&list, element);
            if (c2s_lex_peek(r->lexer) != *close)
                status = c2s_lex_need(r->lexer, ",");
        }
    }
    e->arg_count = (unsigned)list.count;
    e->args = c2s_arena_array(r->lexer->arena, list.count + 1, sizeof *e->args);
    for (size_t i = 0; i < list.count; i++)
        e->args[i] = list.at[i];
    c2s_vec_free(&list);
    return status;
}

/* given(@a) asks for an attribute; all others but length for values. */
static bool takes(c2s_expr_function function, const c2s_expr *arg) {
    if (function == C2S_FUNCTION_LENGTH)
        return true;
    return arg->kind == C2S_EXPR_VALUE ||
           (function == C2S_FUNCTION_GIVEN && arg->kind == C2S_EXPR_ATTR);
}

static c2s_status read_call(reader *r, c2s_expr_function function, const char *start,
                            const c2s_expr **out) {
    c2s_lexer *l = r->lexer;
    c2s_expr *e = new_expr(r, C2S_EXPR_CALL);
    e->function = function;
    C2S_TRY(c2s_lex_need(l, "("));
    const char *first = l->at;
    C2S_TRY(read_list(r, ")", e));
    if (e->arg_count != functions[function].args) {
        l->at = start;
        return c2s_lex_expected(l, "%u operands for %s", functions[function].args,
                                functions[function].name);
    }
    for (unsigned i = 0; i < e->arg_count; i++)
        if (!takes(function, e->args[i])) {
            l->at = first;
            return c2s_lex_expected(l, "the name of a value");
        }
    *out = e;
    return C2S_OK;
}

static c2s_status read_dtype(reader *r, c2s_dtype dtype, const c2s_expr **out) {
    c2s_expr *e = new_expr(r, C2S_EXPR_DTYPE);
    e->dtype = dtype;
    if (c2s_lex_peek(r->lexer) == '(') {
        e->kind = C2S_EXPR_TYPED;
        c2s_lex_take(r->lexer, "(");
        C2S_TRY(read_list(r, ")", e));
        if (e->arg_count != 1)
            return c2s_lex_expected(r->lexer, "one operand before this");
    }
    *out = e;
    return C2S_OK;
}

static c2s_status read_word(reader *r, const c2s_expr **out) {
    c2s_lexer *l = r->lexer;
    const c2s_expr_names *names = r->names;
    const char *name, *start = l->at;
    C2S_TRY(c2s_lex_name(l, &name));
    bool called = c2s_lex_peek(l) == '(';
    for (unsigned f = 0; f < C2S_FUNCTION_COUNT && called; f++)
        if (strcmp(functions[f].name, name) == 0)
            return read_call(r, (c2s_expr_function)f, start, out);
    c2s_expr *e = new_expr(r, C2S_EXPR_VALUE);
    *out = e;
    if (names->value(names->user, name, &e->index))
        return C2S_OK;
    e->kind = C2S_EXPR_DIM;
    if (names->dim(names->user, name, &e->index))
        return C2S_OK;
    c2s_dtype dtype = c2s_dtype_from_name(name);
    if (dtype != C2S_UNDEFINED)
        return read_dtype(r, dtype, out);
    l->at = start;
    return c2s_lex_expected(l, called ? "a function such as constant, rank or shape"
                                      : "a value or an extent of the pattern");
}

static c2s_status read_attr(reader *r, const c2s_expr **out) {
    c2s_lexer *l = r->lexer;
    const char *name, *start = l->at;
    c2s_expr *e = new_expr(r, C2S_EXPR_ATTR);
    C2S_TRY(c2s_lex_name(l, &name));
    if (!r->names->attr(r->names->user, name, &e->index)) {
        l->at = start;
        return c2s_lex_expected(l, "an attribute variable of the pattern");
    }
    *out = e;
    return C2S_OK;
}

static c2s_status read_primary(reader *r, const c2s_expr **out) {
    c2s_lexer *l = r->lexer;
    c2s_expr *e;
    if (c2s_lex_take(l, "(")) {
        C2S_TRY(read_level(r, LEVEL_OR, out));
        return c2s_lex_need(l, ")");
    }
    if (c2s_lex_take(l, "@"))
        return read_attr(r, out);
    if (c2s_lex_take(l, "[")) {
        *out = e = new_expr(r, C2S_EXPR_LIST);
        return read_list(r, "]", e);
    }
    if (c2s_lex_peek(l) == '"') {
        *out = e = new_expr(r, C2S_EXPR_TEXT);
        return c2s_lex_string(l, &e->text);
    }
    if (c2s_lex_is_number(l)) {
        *out = e = new_expr(r, C2S_EXPR_NUMBER);
        C2S_TRY(c2s_lex_take_number(l, &e->number));
        return e->number.is_unsigned ? c2s_lex_expected(l, "a number of 63 bits before this")
                                     : C2S_OK;
    }
    return c2s_lex_is_word(l) ? read_word(r, out)
                              : c2s_lex_expected(l, "a value, a number, a list or @attribute");
}

static c2s_status read_unary(reader *r, const c2s_expr **out) {
    if (++r->depth > MAX_NESTING)
        return c2s_lex_expected(r->lexer, "an expression nested at most %d deep", MAX_NESTING);
    if (++r->operands > MAX_OPERANDS)
        return c2s_lex_expected(r->lexer, "an expression of at most %d operands", MAX_OPERANDS);
    if (c2s_lex_take(r->lexer, "-")) {
        C2S_TRY(read_unary(r, out));
        *out = combine(r, C2S_EXPR_UNARY, '-', *out, NULL);
    } else {
        C2S_TRY(read_primary(r, out));
        while (c2s_lex_take(r->lexer, "[")) {
            const c2s_expr *index;
            C2S_TRY(read_level(r, LEVEL_SUM, &index));
            C2S_TRY(c2s_lex_need(r->lexer, "]"));
            *out = combine(r, C2S_EXPR_INDEX, 0, *out, index);
        }
    }
    r->depth--;
    return C2S_OK;
}

/* The first of these marks that is next, else 0. */
static char take_mark(reader *r, const char *marks) {
    for (; *marks; marks++)
        if (c2s_lex_take(r->lexer, (char[]){*marks, '\0'}))
            return *marks;
    return '\0';
}

static char take_comparison(reader *r) {
    static const struct {
        const char *text;
        char op;
    } marks[] = {{"==", '='}, {"!=", '#'}, {"<=", 'l'}, {">=", 'g'}, {"<", '<'}, {">", '>'}};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (c2s_lex_take(r->lexer, marks[i].text))
            return marks[i].op;
    return c2s_lex_take_word(r->lexer, "in") ? 'i' : '\0';
}

static c2s_status read_comparison(reader *r, const c2s_expr **out) {
    if (c2s_lex_take_word(r->lexer, "not")) {
        if (++r->depth > MAX_NESTING)
            return c2s_lex_expected(r->lexer, "an expression nested at most %d deep", MAX_NESTING);
        C2S_TRY(read_comparison(r, out));
        *out = combine(r, C2S_EXPR_UNARY, '!', *out, NULL);
        r->depth--;
        return C2S_OK;
    }
    C2S_TRY(read_level(r, LEVEL_SUM, out));
    char op = take_comparison(r);
    if (op) {
        const c2s_expr *right;
        C2S_TRY(read_level(r, LEVEL_SUM, &right));
        *out = combine(r, C2S_EXPR_BINARY, op, *out, right);
    }
    return C2S_OK;
}

static char take_operator(reader *r, level at) {
    switch (at) {
    case LEVEL_OR:
        return c2s_lex_take_word(r->lexer, "or") ? '|' : '\0';
    case LEVEL_AND:
        return c2s_lex_take_word(r->lexer, "and") ? '&' : '\0';
    case LEVEL_SUM:
        return take_mark(r, "+-");
    default:
        return take_mark(r, "*/%");
    }
}

static c2s_status read_level(reader *r, level at, const c2s_expr **out) {
    if (at == LEVEL_COMPARISON)
        return read_comparison(r, out);
    if (at == LEVEL_UNARY)
        return read_unary(r, out);
    C2S_TRY(read_level(r, at + 1, out));
    for (char op; (op = take_operator(r, at));) {
        const c2s_expr *right;
        C2S_TRY(read_level(r, at + 1, &right));
        *out = combine(r, C2S_EXPR_BINARY, op, *out, right);
    }
    return C2S_OK;
}

/* The text that was read, on one line. */
static const char *written(c2s_lexer *l, const char *start) {
    const char *end = l->at;
    char *text = c2s_arena_memdup(l->arena, start, (size_t)(end - start)), *to = text;
    for (const char *from = text; *from; from++) {
        bool space = *from == ' ' || (*from >= '\t' && *from <= '\r');
        if (!space)
            *to++ = *from;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    }
    while (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
    return text;
}

static c2s_status read_whole(c2s_lexer *l, const c2s_expr_names *names, const c2s_expr **out,
                             level at) {
    reader r = {.lexer = l, .names = names};
    c2s_lex_peek(l); /* skips space */
    const char *start = l->at;
    C2S_TRY(read_level(&r, at, out));
    c2s_expr *whole = c2s_arena_alloc(l->arena, sizeof *whole);
    *whole = **out;
    whole->source = written(l, start);
    *out = whole;
    return C2S_OK;
}

/* True or false, as far as the syntax tells; what is nested is counted by now. */
static bool is_condition(const c2s_expr *e) {
    if (e->kind == C2S_EXPR_CALL)
        return e->function == C2S_FUNCTION_CONSTANT || e->function == C2S_FUNCTION_GIVEN ||
               e->function == C2S_FUNCTION_BROADCASTS;
    if (e->kind == C2S_EXPR_UNARY)
        return e->op == '!' && is_condition(e->args[0]);
    if (e->kind != C2S_EXPR_BINARY || strchr("+-*/%", e->op))
        return false;
    return !strchr("&|", e->op) || (is_condition(e->args[0]) && is_condition(e->args[1]));
}

c2s_status c2s_expr_read(c2s_lexer *l, const c2s_expr_names *names, const c2s_expr **out) {
    c2s_lex_peek(l);
    const char *start = l->at;
    C2S_TRY(read_whole(l, names, out, LEVEL_OR));
    if (is_condition(*out))
        return C2S_OK;
    l->at = start;
    return c2s_lex_expected(l, "a condition such as constant(X) or rank(X) == 2");
}

c2s_status c2s_expr_read_sum(c2s_lexer *l, const c2s_expr_names *names, const c2s_expr **out) {
    return read_whole(l, names, out, LEVEL_SUM);
}
