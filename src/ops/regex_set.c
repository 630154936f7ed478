/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands for characters in a pattern: classes, escapes, sets in brackets.
 */
#include "ops/regex_set.h"

#include "ops/unicode_classes.h"

/* ---- classes ---- */

typedef struct named_class {
    const char *name;
    c2s_code_range ranges[4];
    size_t count;
} named_class;

/* \d, \s, \w, then the POSIX names. */
static const named_class classes[] = {
    {"d", {{'0', '9'}}, 1},
    {"s", {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}, 3},
    {"w", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}, 4},
    {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}, 3},
    {"alpha", {{'A', 'Z'}, {'a', 'z'}}, 2},
    {"ascii", {{0, 0x7F}}, 1},
    {"blank", {{'\t', '\t'}, {' ', ' '}}, 2},
    {"cntrl", {{0, 0x1F}, {0x7F, 0x7F}}, 2},
    {"digit", {{'0', '9'}}, 1},
    {"graph", {{'!', '~'}}, 1},
    {"lower", {{'a', 'z'}}, 1},
    {"print", {{' ', '~'}}, 1},
    {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}, 4},
    {"space", {{'\t', '\r'}, {' ', ' '}}, 2},
    {"upper", {{'A', 'Z'}}, 1},
    {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}, 4},
    {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}, 3},
};

static const named_class *find_class(const char *name, size_t size) {
    for (size_t k = 0; k < sizeof classes / sizeof classes[0]; k++)
        if (strlen(classes[k].name) == size && memcmp(classes[k].name, name, size) == 0)
            return &classes[k];
    return NULL;
}

/* The class, or all characters outside it: the ranges of a class are in order. */
static void add_class(c2s_regex_parser *p, const named_class *class, bool negated) {
    uint32_t from = 0;
    for (size_t k = 0; k < class->count; k++) {
        if (!negated)
            c2s_regex_add_range(p, class->ranges[k].first, class->ranges[k].last);
        else if (class->ranges[k].first > from)
            c2s_regex_add_range(p, from, class->ranges[k].first - 1);
        from = class->ranges[k].last + 1;
    }
    if (negated)
        c2s_regex_add_range(p, from, C2S_LAST_CODE);
}

/* \d \D \s \S \w \W. */
static bool accept_perl_class(c2s_regex_parser *p) {
    if (p->text.size - p->at < 2 || p->text.data[p->at] != '\\')
        return false;
    char letter = p->text.data[p->at + 1], lower = (char)(letter | 0x20);
    if (!strchr("dsw", lower))
        return false;
    add_class(p, find_class(&lower, 1), letter != lower);
    p->at += 2;
    return true;
}

/* Ranges of a class of Unicode on their way into the tree. */
typedef struct collector {
    c2s_regex_parser *p;
    bool negated;
    uint32_t from; /* first code that is in no range yet */
} collector;

static void collect(void *user, uint32_t first, uint32_t last) {
    collector *c = user;
    if (!c->negated)
        c2s_regex_add_range(c->p, first, last);
    else if (first > c->from)
        c2s_regex_add_range(c->p, c->from, first - 1);
    c->from = last + 1;
}

/* \pL \p{Lu} \p{^Greek} \PL \P{Lu}. */
static c2s_status accept_unicode_class(c2s_regex_parser *p, bool *found) {
    *found = c2s_regex_looks_at(p, "\\p") || c2s_regex_looks_at(p, "\\P");
    if (!*found)
        return C2S_OK;
    collector c = {.p = p, .negated = p->text.data[p->at + 1] == 'P'};
    p->at += 2;
    const bool braces = c2s_regex_accept(p, "{");
    if (braces && c2s_regex_accept(p, "^"))
        c.negated = !c.negated;
    const char *name = p->text.data + p->at;
    size_t size = 0;
    while (c2s_regex_more(p) && (braces ? p->text.data[p->at] != '}' : size == 0)) {
        p->at++;
        size++;
    }
    if (size == 0 || (braces && !c2s_regex_accept(p, "}")))
        return c2s_regex_wrong(p, "an unfinished \\p");
    if (!c2s_unicode_class(name, size, collect, &c))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the class \"%.*s\" of Unicode is not known here",
                        size < 40 ? (int)size : 40, name);
    if (c.negated && c.from <= C2S_LAST_CODE)
        c2s_regex_add_range(p, c.from, C2S_LAST_CODE);
    return C2S_OK;
}

c2s_status c2s_regex_class(c2s_regex_parser *p, bool *found) {
    C2S_TRY(accept_unicode_class(p, found));
    *found = *found || accept_perl_class(p);
    return C2S_OK;
}

/* ---- escapes ---- */

static int hex_digit(char c) {
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

static c2s_status parse_hex(c2s_regex_parser *p, uint32_t *code) {
    bool braces = c2s_regex_accept(p, "{");
    unsigned digits = 0;
    *code = 0;
    while (c2s_regex_more(p) && hex_digit(p->text.data[p->at]) >= 0 && (braces || digits < 2)) {
        *code = *code * 16 + (uint32_t)hex_digit(p->text.data[p->at++]);
        digits++;
        if (*code > C2S_LAST_CODE)
            return c2s_regex_wrong(p, "a code beyond 10FFFF");
    }
    if (digits == 0 || (!braces && digits != 2) || (braces && !c2s_regex_accept(p, "}")))
        return c2s_regex_wrong(p, "an unfinished \\x");
    return C2S_OK;
}

c2s_status c2s_regex_escape(c2s_regex_parser *p, uint32_t *code) {
    static const char letters[] = "aftnrv", values[] = "\a\f\t\n\r\v";
    if (!c2s_regex_more(p))
        return c2s_regex_wrong(p, "a lone backslash");
    char c = p->text.data[p->at];
    const char *letter = strchr(letters, c);
    if (c && letter) {
        p->at++;
        *code = (unsigned char)values[letter - letters];
        return C2S_OK;
    }
    if (c2s_regex_accept(p, "x"))
        return parse_hex(p, code);
    if (c == 'C')
        return c2s_fail(C2S_ERR_UNSUPPORTED, "\\%c in a pattern is not supported", c);
    if (c >= '0' && c <= '7') {
        *code = 0;
        for (int k = 0;
             k < 3 && c2s_regex_more(p) && p->text.data[p->at] >= '0' && p->text.data[p->at] <= '7';
             k++)
            *code = *code * 8 + (uint32_t)(p->text.data[p->at++] - '0');
        return C2S_OK;
    }
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return c2s_regex_wrong(p, "an unknown escape");
    *code = c2s_regex_next(p);
    return C2S_OK;
}

/* ---- sets ---- */

static c2s_status parse_set_character(c2s_regex_parser *p, uint32_t *code) {
    if (!c2s_regex_more(p))
        return c2s_regex_wrong(p, "an unfinished [");
    if (c2s_regex_accept(p, "\\"))
        return c2s_regex_escape(p, code);
    *code = c2s_regex_next(p);
    return C2S_OK;
}

static c2s_status accept_posix_class(c2s_regex_parser *p, bool *found) {
    *found = false;
    if (!c2s_regex_looks_at(p, "[:"))
        return C2S_OK;
    const char *begin = p->text.data + p->at + 2;
    size_t left = p->text.size - p->at - 2, size = 0;
    while (size < left && begin[size] != ':')
        size++;
    if (size + 1 >= left || begin[size + 1] != ']')
        return C2S_OK;
    bool negated = size && begin[0] == '^';
    const named_class *class = find_class(begin + negated, size - negated);
    if (!class || class - classes < 3)
        return c2s_regex_wrong(p, "an unknown class");
    add_class(p, class, negated);
    p->at += size + 4;
    *found = true;
    return C2S_OK;
}

c2s_status c2s_regex_set(c2s_regex_parser *p, bool *negated) {
    bool start = true, found;
    *negated = c2s_regex_accept(p, "^");
    for (; start || !c2s_regex_looks_at(p, "]"); start = false) {
        uint32_t low, high;
        C2S_TRY(accept_posix_class(p, &found));
        if (!found)
            C2S_TRY(c2s_regex_class(p, &found));
        if (found)
            continue;
        C2S_TRY(parse_set_character(p, &low));
        high = low;
        if (c2s_regex_looks_at(p, "-") && !c2s_regex_looks_at(p, "-]")) {
            p->at++;
            C2S_TRY(parse_set_character(p, &high));
        }
        if (high < low)
            return c2s_regex_wrong(p, "a range that ends before it begins");
        c2s_regex_add_range(p, low, high);
    }
    p->at++;
    return C2S_OK;
}
