/* SPDX-License-Identifier: Apache-2.0 */
#include "io/text_lexer.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

static void skip(c2s_lexer *l) {
    for (; l->at < l->end; l->at++) {
        if (*l->at == '#')
            while (l->at < l->end && *l->at != '\n')
                l->at++;
        else if (!isspace((unsigned char)*l->at))
            return;
        if (l->at == l->end)
            return;
    }
}

c2s_status c2s_lex_expected(c2s_lexer *l, const char *expected, ...) {
    skip(l);
    unsigned line = 1, column = 1;
    for (const char *c = l->start; c < l->at; c++) {
        column++;
        if (*c == '\n') {
            line++;
            column = 1;
        }
    }
    char found[32] = "the end", wanted[200];
    if (l->at < l->end) {
        int length = 0;
        while (length < 20 && l->at + length < l->end && !isspace((unsigned char)l->at[length]))
            length++;
        snprintf(found, sizeof found, "\"%.*s\"", length, l->at);
    }
    va_list args;
    va_start(args, expected);
    vsnprintf(wanted, sizeof wanted, expected, args);
    va_end(args);
    return c2s_fail(C2S_ERR_INVALID, "%s:%u:%u: found %s, expected %s", l->path, line, column,
                    found, wanted);
}

bool c2s_lex_at_end(c2s_lexer *l) {
    skip(l);
    return l->at == l->end;
}

char c2s_lex_peek(c2s_lexer *l) {
    skip(l);
    return l->at < l->end ? *l->at : '\0';
}

bool c2s_lex_take(c2s_lexer *l, const char *text) {
    skip(l);
    size_t length = strlen(text);
    if ((size_t)(l->end - l->at) < length || memcmp(l->at, text, length) != 0)
        return false;
    l->at += length;
    return true;
}

c2s_status c2s_lex_need(c2s_lexer *l, const char *text) {
    return c2s_lex_take(l, text) ? C2S_OK : c2s_lex_expected(l, "\"%s\"", text);
}

static bool is_word_character(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

bool c2s_lex_is_word(c2s_lexer *l) {
    char c = c2s_lex_peek(l);
    return isalpha((unsigned char)c) || c == '_';
}

bool c2s_lex_is_name(c2s_lexer *l) {
    return c2s_lex_peek(l) == '"' || c2s_lex_is_word(l);
}

c2s_status c2s_lex_name(c2s_lexer *l, const char **out) {
    if (c2s_lex_peek(l) == '"') {
        c2s_string text;
        C2S_TRY(c2s_lex_string(l, &text));
        if (memchr(text.data, '\0', text.size))
            return c2s_lex_expected(l, "a name without NUL before this");
        *out = text.data;
        return C2S_OK;
    }
    if (!c2s_lex_is_word(l))
        return c2s_lex_expected(l, "a name");
    const char *start = l->at;
    while (l->at < l->end && is_word_character(*l->at))
        l->at++;
    *out = c2s_arena_memdup(l->arena, start, (size_t)(l->at - start));
    return C2S_OK;
}

bool c2s_lex_take_word(c2s_lexer *l, const char *word) {
    size_t length = strlen(word);
    if (!c2s_lex_is_word(l) || (size_t)(l->end - l->at) < length ||
        memcmp(l->at, word, length) != 0 ||
        (l->at + length < l->end && is_word_character(l->at[length])))
        return false;
    l->at += length;
    return true;
}

static int hex_digit(char c) {
    return isdigit((unsigned char)c) ? c - '0'
           : c >= 'a' && c <= 'f'    ? c - 'a' + 10
           : c >= 'A' && c <= 'F'    ? c - 'A' + 10
                                     : -1;
}

/* The character behind a backslash; -1 if there is no such. */
static int escape(c2s_lexer *l) {
    char c = *l->at++;
    if (c == 'n')
        return '\n';
    if (c == 't')
        return '\t';
    if (c != 'x')
        return (unsigned char)c;
    if (l->end - l->at < 2 || hex_digit(l->at[0]) < 0 || hex_digit(l->at[1]) < 0)
        return -1;
    l->at += 2;
    return hex_digit(l->at[-2]) * 16 + hex_digit(l->at[-1]);
}

c2s_status c2s_lex_string(c2s_lexer *l, c2s_string *out) {
    C2S_TRY(c2s_lex_need(l, "\""));
    C2S_VEC(char) text = {0};
    int c = 0;
    while (c >= 0 && l->at < l->end && *l->at != '"') {
        c = (unsigned char)*l->at++;
        if (c == '\\' && l->at < l->end)
            c = escape(l);
        c2s_vec_push(&text, (char)c);
    }
    bool complete = c >= 0 && l->at < l->end;
    if (complete) {
        l->at++;
        *out = (c2s_string){c2s_arena_memdup(l->arena, text.at, text.count), text.count};
    }
    c2s_vec_free(&text);
    return complete ? C2S_OK : c2s_lex_expected(l, "the rest of a string");
}

static bool next_is(c2s_lexer *l, const char *word) {
    size_t length = strlen(word);
    return (size_t)(l->end - l->at) >= length && memcmp(l->at, word, length) == 0 &&
           (l->at + length == l->end || !is_word_character(l->at[length]));
}

static const struct {
    const char *word;
    double value;
    bool is_float;
} number_words[] = {
    {"inf", HUGE_VAL, true}, {"nan", -1, true}, {"true", 1, false}, {"false", 0, false}};

bool c2s_lex_is_number(c2s_lexer *l) {
    char c = c2s_lex_peek(l);
    if (isdigit((unsigned char)c) || c == '-' || c == '+' || c == '.')
        return true;
    for (size_t i = 0; i < sizeof number_words / sizeof *number_words; i++)
        if (next_is(l, number_words[i].word))
            return true;
    return false;
}

static bool take_word_number(c2s_lexer *l, bool negative, c2s_lex_number *out) {
    for (size_t i = 0; i < sizeof number_words / sizeof *number_words; i++) {
        if (!next_is(l, number_words[i].word))
            continue;
        l->at += strlen(number_words[i].word);
        double value = number_words[i].value < 0 ? (double)NAN : number_words[i].value;
        *out = (c2s_lex_number){number_words[i].is_float, negative ? -value : value, 0, false};
        if (!out->is_float)
            out->integer = (int64_t)out->number;
        return true;
    }
    return false;
}

c2s_status c2s_lex_take_number(c2s_lexer *l, c2s_lex_number *out) {
    skip(l);
    const char *start = l->at;
    bool negative = l->at < l->end && *l->at == '-';
    if (l->at < l->end && (*l->at == '-' || *l->at == '+'))
        l->at++;
    if (take_word_number(l, negative, out))
        return C2S_OK;
    bool is_float = false;
    for (; l->at < l->end; l->at++) {
        char c = *l->at;
        bool sign = (c == '-' || c == '+') && (l->at[-1] == 'e' || l->at[-1] == 'E');
        if (c == '.' || c == 'e' || c == 'E')
            is_float = true;
        else if (!isdigit((unsigned char)c) && !sign)
            break;
    }
    char digits[64];
    size_t length = (size_t)(l->at - start);
    char *end = digits;
    if (length < sizeof digits) {
        memcpy(digits, start, length);
        digits[length] = '\0';
        errno = 0;
        *out = (c2s_lex_number){.is_float = is_float, .number = strtod(digits, &end)};
        if (!is_float && negative) {
            out->integer = strtoll(digits, &end, 10);
        } else if (!is_float) {
            unsigned long long value = strtoull(digits, &end, 10);
            out->is_unsigned = value > INT64_MAX;
            out->integer = (int64_t)value;
        }
    }
    if (length == 0 || length >= sizeof digits || end != digits + length ||
        (errno == ERANGE && !is_float)) {
        l->at = start;
        return c2s_lex_expected(l, "a number");
    }
    return C2S_OK;
}

c2s_status c2s_lex_integer(c2s_lexer *l, int64_t *out) {
    skip(l);
    const char *start = l->at;
    c2s_lex_number number;
    C2S_TRY(c2s_lex_take_number(l, &number));
    if (number.is_float || number.is_unsigned) {
        l->at = start;
        return c2s_lex_expected(l, "a whole number of 64 bits");
    }
    *out = number.integer;
    return C2S_OK;
}
