/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/regex_parse.h"

#include "ops/regex_set.h"

enum { MAX_DEPTH = 200, MAX_REPEAT = 1000 };

void c2s_regex_tree_free(c2s_regex_tree *tree) {
    c2s_vec_free(&tree->nodes);
    c2s_vec_free(&tree->ranges);
}

/* ---- building ---- */

static size_t add_node(c2s_regex_parser *p, c2s_regex_kind kind) {
    c2s_vec_push(&p->tree->nodes, (c2s_regex_node){.kind = kind});
    return p->tree->nodes.count;
}

static c2s_regex_node *node_at(c2s_regex_parser *p, size_t node) {
    return &p->tree->nodes.at[node - 1];
}

static void add_child(c2s_regex_parser *p, size_t parent, size_t child) {
    c2s_regex_node *n = node_at(p, parent);
    if (n->last)
        node_at(p, n->last)->next = child;
    else
        n->child = child;
    n->last = child;
}

static size_t add_assertion(c2s_regex_parser *p, c2s_assertion assertion) {
    size_t node = add_node(p, C2S_REGEX_ASSERT);
    node_at(p, node)->assertion = assertion;
    return node;
}

static size_t add_set(c2s_regex_parser *p, size_t first_range, bool negated) {
    size_t node = add_node(p, C2S_REGEX_SET);
    node_at(p, node)->set =
        (c2s_char_set){first_range, p->tree->ranges.count - first_range, negated, p->fold};
    return node;
}

static size_t add_character(c2s_regex_parser *p, uint32_t code) {
    size_t first = p->tree->ranges.count;
    c2s_regex_add_range(p, code, code);
    return add_set(p, first, false);
}

/* ---- expressions ---- */

static c2s_status parse_choice(c2s_regex_parser *p, size_t *node);

/* (?flags) and (?flags: ; *group: there is an expression to parse, up to the bracket. */
static c2s_status parse_flags(c2s_regex_parser *p, bool *group) {
    bool on = true;
    for (;; p->at++) {
        if (!c2s_regex_more(p))
            return c2s_regex_wrong(p, "an unfinished (?");
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
            return c2s_regex_wrong(p, "an unknown flag");
        }
    }
}

static c2s_status skip_name(c2s_regex_parser *p) {
    while (c2s_regex_more(p) && p->text.data[p->at] != '>')
        p->at++;
    return c2s_regex_accept(p, ">") ? C2S_OK : c2s_regex_wrong(p, "an unfinished name");
}

/* Behind "(". */
static c2s_status parse_group(c2s_regex_parser *p, size_t *node) {
    c2s_regex_parser before = *p;
    bool group = true;
    if (++p->depth > MAX_DEPTH)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the pattern is nested deeper than %d", MAX_DEPTH);
    if (c2s_regex_accept(p, "?P<") ||
        (c2s_regex_looks_at(p, "?<") && !c2s_regex_looks_at(p, "?<=") &&
         !c2s_regex_looks_at(p, "?<!") && c2s_regex_accept(p, "?<")))
        C2S_TRY(skip_name(p));
    else if (c2s_regex_accept(p, "?"))
        C2S_TRY(parse_flags(p, &group));
    if (!group) { /* the flags hold to the end of the enclosing group */
        p->depth = before.depth;
        *node = add_node(p, C2S_REGEX_CONCAT);
        return C2S_OK;
    }
    C2S_TRY(parse_choice(p, node));
    if (!c2s_regex_accept(p, ")"))
        return c2s_regex_wrong(p, "an unfinished (");
    p->fold = before.fold;
    p->dot_all = before.dot_all;
    p->multi_line = before.multi_line;
    p->depth = before.depth;
    return C2S_OK;
}

static size_t add_dot(c2s_regex_parser *p) {
    size_t first = p->tree->ranges.count;
    if (!p->dot_all)
        c2s_regex_add_range(p, '\n', '\n');
    return add_set(p, first, true); /* anything but */
}

static bool accept_assertion(c2s_regex_parser *p, size_t *node) {
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
        if (c2s_regex_accept(p, table[k].text)) {
            *node = add_assertion(p, p->multi_line ? table[k].in_lines : table[k].assertion);
            return true;
        }
    return false;
}

/* \Q...\E: as it stands. */
static void parse_quoted(c2s_regex_parser *p, size_t *node) {
    *node = add_node(p, C2S_REGEX_CONCAT);
    while (c2s_regex_more(p) && !c2s_regex_accept(p, "\\E")) {
        size_t character = add_character(p, c2s_regex_next(p));
        add_child(p, *node, character);
    }
}

static c2s_status parse_atom(c2s_regex_parser *p, size_t *node) {
    size_t first = p->tree->ranges.count;
    if (accept_assertion(p, node))
        return C2S_OK;
    if (c2s_regex_accept(p, "\\Q")) {
        parse_quoted(p, node);
        return C2S_OK;
    }
    bool found;
    C2S_TRY(c2s_regex_class(p, &found));
    if (found) {
        *node = add_set(p, first, false);
        return C2S_OK;
    }
    if (c2s_regex_accept(p, "("))
        return parse_group(p, node);
    if (c2s_regex_accept(p, "[")) {
        bool negated;
        C2S_TRY(c2s_regex_set(p, &negated));
        *node = add_set(p, first, negated);
        return C2S_OK;
    }
    if (c2s_regex_accept(p, ".")) {
        *node = add_dot(p);
        return C2S_OK;
    }
    if (c2s_regex_looks_at(p, "*") || c2s_regex_looks_at(p, "+") || c2s_regex_looks_at(p, "?"))
        return c2s_regex_wrong(p, "a repetition of nothing");
    uint32_t code;
    if (c2s_regex_accept(p, "\\"))
        C2S_TRY(c2s_regex_escape(p, &code));
    else
        code = c2s_regex_next(p);
    *node = add_character(p, code);
    return C2S_OK;
}

static bool parse_number(c2s_regex_parser *p, int *number) {
    size_t begin = p->at;
    *number = 0;
    while (c2s_regex_more(p) && p->text.data[p->at] >= '0' && p->text.data[p->at] <= '9') {
        *number = *number * 10 + (p->text.data[p->at++] - '0');
        if (*number > MAX_REPEAT)
            *number = MAX_REPEAT + 1;
    }
    return p->at > begin;
}

/* {n}, {n,}, {n,m}; anything else after a brace is text. */
static bool accept_counts(c2s_regex_parser *p, int *min, int *max) {
    size_t begin = p->at;
    if (c2s_regex_accept(p, "{") && parse_number(p, min)) {
        *max = *min;
        if (c2s_regex_accept(p, ",") && !parse_number(p, max))
            *max = -1;
        if (c2s_regex_accept(p, "}"))
            return true;
    }
    p->at = begin;
    return false;
}

static c2s_status parse_repeat(c2s_regex_parser *p, size_t *node) {
    C2S_TRY(parse_atom(p, node));
    for (;;) {
        int min = 0, max = -1;
        if (c2s_regex_accept(p, "?"))
            max = 1;
        else if (c2s_regex_accept(p, "+"))
            min = 1;
        else if (!c2s_regex_accept(p, "*") && !accept_counts(p, &min, &max))
            return C2S_OK;
        if (min > MAX_REPEAT || max > MAX_REPEAT || (max >= 0 && max < min))
            return c2s_regex_wrong(p, "a repetition out of range");
        c2s_regex_accept(p, "?"); /* lazy: the same texts match */
        size_t repeat = add_node(p, C2S_REGEX_REPEAT);
        node_at(p, repeat)->min = min;
        node_at(p, repeat)->max = max;
        add_child(p, repeat, *node);
        *node = repeat;
    }
}

static c2s_status parse_concat(c2s_regex_parser *p, size_t *node) {
    *node = add_node(p, C2S_REGEX_CONCAT);
    while (c2s_regex_more(p) && !c2s_regex_looks_at(p, "|") && !c2s_regex_looks_at(p, ")")) {
        size_t part;
        C2S_TRY(parse_repeat(p, &part));
        add_child(p, *node, part);
    }
    return C2S_OK;
}

static c2s_status parse_choice(c2s_regex_parser *p, size_t *node) {
    *node = add_node(p, C2S_REGEX_CHOICE);
    do {
        size_t part;
        C2S_TRY(parse_concat(p, &part));
        add_child(p, *node, part);
    } while (c2s_regex_accept(p, "|"));
    return C2S_OK;
}

c2s_status c2s_regex_parse(c2s_string pattern, c2s_regex_tree *tree) {
    *tree = (c2s_regex_tree){0};
    c2s_regex_parser p = {.tree = tree, .text = pattern};
    C2S_TRY(parse_choice(&p, &tree->root));
    return c2s_regex_more(&p) ? c2s_regex_wrong(&p, "a ) without (") : C2S_OK;
}
