/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/regex_parse.h"

#include <string.h>

#include "ops/unicode_classes.h"
#include "ops/utf8.h"

enum { MAX_DEPTH = 200, MAX_REPEAT = 1000, LAST_CODE = 0x10FFFF };

typedef struct parser {
    c2s_regex_tree *tree;
    c2s_string text;
    size_t at;
    bool fold, dot_all, multi_line;
    unsigned depth;
} parser;

void c2s_regex_tree_free(c2s_regex_tree *tree) {
    c2s_vec_free(&tree->nodes);
    c2s_vec_free(&tree->ranges);
}

static c2s_status wrong(const parser *p, const char *what) {
    return c2s_fail(C2S_ERR_INVALID, "the pattern has %s at byte %zu", what, p->at);
}

static bool more(const parser *p) {
    return p->at < p->text.size;
}

static bool looks_at(const parser *p, const char *text) {
    size_t size = strlen(text);
    return p->text.size - p->at >= size && memcmp(p->text.data + p->at, text, size) == 0;
}

static bool accept(parser *p, const char *text) {
    if (!looks_at(p, text))
        return false;
    p->at += strlen(text);
    return true;
}

static uint32_t next_code(parser *p) {
    return c2s_utf8_next(p->text.data, p->text.size, &p->at);
}

/* ---- building ---- */

static size_t add_node(parser *p, c2s_regex_kind kind) {
    c2s_vec_push(&p->tree->nodes, (c2s_regex_node){.kind = kind});
    return p->tree->nodes.count;
}

static c2s_regex_node *node_at(parser *p, size_t node) {
    return &p->tree->nodes.at[node - 1];
}

static void add_child(parser *p, size_t parent, size_t child) {
    c2s_regex_node *n = node_at(p, parent);
    if (n->last)
        node_at(p, n->last)->next = child;
    else
        n->child = child;
    n->last = child;
}

static size_t add_assertion(parser *p, c2s_assertion assertion) {
    size_t node = add_node(p, C2S_REGEX_ASSERT);
    node_at(p, node)->assertion = assertion;
    return node;
}

static void add_range(parser *p, uint32_t first, uint32_t last) {
    c2s_vec_push(&p->tree->ranges, (c2s_code_range){first, last});
}

static size_t add_set(parser *p, size_t first_range, bool negated) {
    size_t node = add_node(p, C2S_REGEX_SET);
    node_at(p, node)->set =
        (c2s_char_set){first_range, p->tree->ranges.count - first_range, negated, p->fold};
    return node;
}

static size_t add_character(parser *p, uint32_t code) {
    size_t first = p->tree->ranges.count;
    add_range(p, code, code);
    return add_set(p, first, false);
}

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
static void add_class(parser *p, const named_class *class, bool negated) {
    uint32_t from = 0;
    for (size_t k = 0; k < class->count; k++) {
        if (!negated)
            add_range(p, class->ranges[k].first, class->ranges[k].last);
        else if (class->ranges[k].first > from)
            add_range(p, from, class->ranges[k].first - 1);
        from = class->ranges[k].last + 1;
    }
    if (negated)
        add_range(p, from, LAST_CODE);
}

/* \d \D \s \S \w \W. */
static bool accept_perl_class(parser *p) {
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
    parser *p;
    bool negated;
    uint32_t from; /* first code that is in no range yet */
} collector;

static void collect(void *user, uint32_t first, uint32_t last) {
    collector *c = user;
    if (!c->negated)
        add_range(c->p, first, last);
    else if (first > c->from)
        add_range(c->p, c->from, first - 1);
    c->from = last + 1;
}

/* \pL \p{Lu} \p{^Greek} \PL \P{Lu}. */
static c2s_status accept_unicode_class(parser *p, bool *found) {
    *found = looks_at(p, "\\p") || looks_at(p, "\\P");
    if (!*found)
        return C2S_OK;
    collector c = {.p = p, .negated = p->text.data[p->at + 1] == 'P'};
    p->at += 2;
    const bool braces = accept(p, "{");
    if (braces && accept(p, "^"))
        c.negated = !c.negated;
    const char *name = p->text.data + p->at;
    size_t size = 0;
    while (more(p) && (braces ? p->text.data[p->at] != '}' : size == 0)) {
        p->at++;
        size++;
    }
    if (size == 0 || (braces && !accept(p, "}")))
        return wrong(p, "an unfinished \\p");
    if (!c2s_unicode_class(name, size, collect, &c))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the class \"%.*s\" of Unicode is not known here",
                        size < 40 ? (int)size : 40, name);
    if (c.negated && c.from <= LAST_CODE)
        add_range(p, c.from, LAST_CODE);
    return C2S_OK;
}

/* ---- escapes ---- */

static int hex_digit(char c) {
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

static c2s_status parse_hex(parser *p, uint32_t *code) {
    bool braces = accept(p, "{");
    unsigned digits = 0;
    *code = 0;
    while (more(p) && hex_digit(p->text.data[p->at]) >= 0 && (braces || digits < 2)) {
        *code = *code * 16 + (uint32_t)hex_digit(p->text.data[p->at++]);
        digits++;
        if (*code > LAST_CODE)
            return wrong(p, "a code beyond 10FFFF");
    }
    if (digits == 0 || (!braces && digits != 2) || (braces && !accept(p, "}")))
        return wrong(p, "an unfinished \\x");
    return C2S_OK;
}

/* One character after a backslash. */
static c2s_status parse_escape(parser *p, uint32_t *code) {
    static const char letters[] = "aftnrv", values[] = "\a\f\t\n\r\v";
    if (!more(p))
        return wrong(p, "a lone backslash");
    char c = p->text.data[p->at];
    const char *letter = strchr(letters, c);
    if (c && letter) {
        p->at++;
        *code = (unsigned char)values[letter - letters];
        return C2S_OK;
    }
    if (accept(p, "x"))
        return parse_hex(p, code);
    if (c == 'C')
        return c2s_fail(C2S_ERR_UNSUPPORTED, "\\%c in a pattern is not supported", c);
    if (c >= '0' && c <= '7') {
        *code = 0;
        for (int k = 0;
             k < 3 && more(p) && p->text.data[p->at] >= '0' && p->text.data[p->at] <= '7'; k++)
            *code = *code * 8 + (uint32_t)(p->text.data[p->at++] - '0');
        return C2S_OK;
    }
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return wrong(p, "an unknown escape");
    *code = next_code(p);
    return C2S_OK;
}

static c2s_status parse_set_character(parser *p, uint32_t *code) {
    if (!more(p))
        return wrong(p, "an unfinished [");
    if (accept(p, "\\"))
        return parse_escape(p, code);
    *code = next_code(p);
    return C2S_OK;
}

static c2s_status accept_posix_class(parser *p, bool *found) {
    *found = false;
    if (!looks_at(p, "[:"))
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
        return wrong(p, "an unknown class");
    add_class(p, class, negated);
    p->at += size + 4;
    *found = true;
    return C2S_OK;
}

/* Behind "[". */
static c2s_status parse_set(parser *p, size_t *node) {
    size_t first = p->tree->ranges.count;
    bool negated = accept(p, "^"), start = true, found;
    for (; start || !looks_at(p, "]"); start = false) {
        uint32_t low, high;
        C2S_TRY(accept_posix_class(p, &found));
        if (!found)
            C2S_TRY(accept_unicode_class(p, &found));
        if (found || accept_perl_class(p))
            continue;
        C2S_TRY(parse_set_character(p, &low));
        high = low;
        if (looks_at(p, "-") && !looks_at(p, "-]")) {
            p->at++;
            C2S_TRY(parse_set_character(p, &high));
        }
        if (high < low)
            return wrong(p, "a range that ends before it begins");
        add_range(p, low, high);
    }
    p->at++;
    *node = add_set(p, first, negated);
    return C2S_OK;
}

/* ---- expressions ---- */

static c2s_status parse_choice(parser *p, size_t *node);

/* (?flags) and (?flags: ; *group: there is an expression to parse, up to the bracket. */
static c2s_status parse_flags(parser *p, bool *group) {
    bool on = true;
    for (;; p->at++) {
        if (!more(p))
            return wrong(p, "an unfinished (?");
        switch (p->text.data[p->at]) {
        case 'i':
            p->fold = on;
            break;
        case 's':
            p->dot_all = on;
            break;
        case 'm':
            p->multi_line = on;
            break;
        case 'U': /* which repetition is preferred does not matter for a full match */
            break;
        case '-':
            on = false;
            break;
        case ':':
        case ')':
            *group = p->text.data[p->at++] == ':';
            return C2S_OK;
        default:
            return wrong(p, "an unknown flag");
        }
    }
}

static c2s_status skip_name(parser *p) {
    while (more(p) && p->text.data[p->at] != '>')
        p->at++;
    return accept(p, ">") ? C2S_OK : wrong(p, "an unfinished name");
}

/* Behind "(". */
static c2s_status parse_group(parser *p, size_t *node) {
    parser before = *p;
    bool group = true;
    if (++p->depth > MAX_DEPTH)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the pattern is nested deeper than %d", MAX_DEPTH);
    if (accept(p, "?P<") ||
        (looks_at(p, "?<") && !looks_at(p, "?<=") && !looks_at(p, "?<!") && accept(p, "?<")))
        C2S_TRY(skip_name(p));
    else if (accept(p, "?"))
        C2S_TRY(parse_flags(p, &group));
    if (!group) { /* the flags hold to the end of the enclosing group */
        p->depth = before.depth;
        *node = add_node(p, C2S_REGEX_CONCAT);
        return C2S_OK;
    }
    C2S_TRY(parse_choice(p, node));
    if (!accept(p, ")"))
        return wrong(p, "an unfinished (");
    p->fold = before.fold;
    p->dot_all = before.dot_all;
    p->multi_line = before.multi_line;
    p->depth = before.depth;
    return C2S_OK;
}

static size_t add_dot(parser *p) {
    size_t first = p->tree->ranges.count;
    if (!p->dot_all)
        add_range(p, '\n', '\n');
    return add_set(p, first, true); /* anything but */
}

static bool accept_assertion(parser *p, size_t *node) {
    static const struct {
        const char *text;
        c2s_assertion assertion, in_lines;
    } table[] = {
        {"^", C2S_AT_TEXT_BEGIN, C2S_AT_LINE_BEGIN},
        {"$", C2S_AT_TEXT_END, C2S_AT_LINE_END},
        {"\\A", C2S_AT_TEXT_BEGIN, C2S_AT_TEXT_BEGIN},
        {"\\z", C2S_AT_TEXT_END, C2S_AT_TEXT_END},
        {"\\b", C2S_AT_WORD_BORDER, C2S_AT_WORD_BORDER},
        {"\\B", C2S_NOT_AT_WORD_BORDER, C2S_NOT_AT_WORD_BORDER},
    };
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++)
        if (accept(p, table[k].text)) {
            *node = add_assertion(p, p->multi_line ? table[k].in_lines : table[k].assertion);
            return true;
        }
    return false;
}

/* \Q...\E: as it stands. */
static void parse_quoted(parser *p, size_t *node) {
    *node = add_node(p, C2S_REGEX_CONCAT);
    while (more(p) && !accept(p, "\\E")) {
        size_t character = add_character(p, next_code(p));
        add_child(p, *node, character);
    }
}

static c2s_status parse_atom(parser *p, size_t *node) {
    size_t first = p->tree->ranges.count;
    if (accept_assertion(p, node))
        return C2S_OK;
    if (accept(p, "\\Q")) {
        parse_quoted(p, node);
        return C2S_OK;
    }
    bool found;
    C2S_TRY(accept_unicode_class(p, &found));
    if (found || accept_perl_class(p)) {
        *node = add_set(p, first, false);
        return C2S_OK;
    }
    if (accept(p, "("))
        return parse_group(p, node);
    if (accept(p, "["))
        return parse_set(p, node);
    if (accept(p, ".")) {
        *node = add_dot(p);
        return C2S_OK;
    }
    if (looks_at(p, "*") || looks_at(p, "+") || looks_at(p, "?"))
        return wrong(p, "a repetition of nothing");
    uint32_t code;
    if (accept(p, "\\"))
        C2S_TRY(parse_escape(p, &code));
    else
        code = next_code(p);
    *node = add_character(p, code);
    return C2S_OK;
}

static bool parse_number(parser *p, int *number) {
    size_t begin = p->at;
    *number = 0;
    while (more(p) && p->text.data[p->at] >= '0' && p->text.data[p->at] <= '9') {
        *number = *number * 10 + (p->text.data[p->at++] - '0');
        if (*number > MAX_REPEAT)
            *number = MAX_REPEAT + 1;
    }
    return p->at > begin;
}

/* {n}, {n,}, {n,m}; anything else after a brace is text. */
static bool accept_counts(parser *p, int *min, int *max) {
    size_t begin = p->at;
    if (accept(p, "{") && parse_number(p, min)) {
        *max = *min;
        if (accept(p, ",") && !parse_number(p, max))
            *max = -1;
        if (accept(p, "}"))
            return true;
    }
    p->at = begin;
    return false;
}

static c2s_status parse_repeat(parser *p, size_t *node) {
    C2S_TRY(parse_atom(p, node));
    for (;;) {
        int min = 0, max = -1;
        if (accept(p, "?"))
            max = 1;
        else if (accept(p, "+"))
            min = 1;
        else if (!accept(p, "*") && !accept_counts(p, &min, &max))
            return C2S_OK;
        if (min > MAX_REPEAT || max > MAX_REPEAT || (max >= 0 && max < min))
            return wrong(p, "a repetition out of range");
        accept(p, "?"); /* lazy: the same texts match */
        size_t repeat = add_node(p, C2S_REGEX_REPEAT);
        node_at(p, repeat)->min = min;
        node_at(p, repeat)->max = max;
        add_child(p, repeat, *node);
        *node = repeat;
    }
}

static c2s_status parse_concat(parser *p, size_t *node) {
    *node = add_node(p, C2S_REGEX_CONCAT);
    while (more(p) && !looks_at(p, "|") && !looks_at(p, ")")) {
        size_t part;
        C2S_TRY(parse_repeat(p, &part));
        add_child(p, *node, part);
    }
    return C2S_OK;
}

static c2s_status parse_choice(parser *p, size_t *node) {
    *node = add_node(p, C2S_REGEX_CHOICE);
    do {
        size_t part;
        C2S_TRY(parse_concat(p, &part));
        add_child(p, *node, part);
    } while (accept(p, "|"));
    return C2S_OK;
}

c2s_status c2s_regex_parse(c2s_string pattern, c2s_regex_tree *tree) {
    *tree = (c2s_regex_tree){0};
    parser p = {.tree = tree, .text = pattern};
    C2S_TRY(parse_choice(&p, &tree->root));
    return more(&p) ? wrong(&p, "a ) without (") : C2S_OK;
}
