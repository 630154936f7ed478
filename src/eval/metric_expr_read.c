/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading conditions on metrics: recursive descent.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "eval/metric_expr_node.h"

/* What is read deep is evaluated deep. */
enum { MOST_DEPTH = 32, MOST_NODES = 512 };

typedef struct reader {
    c2s_metric_expr *expr;
    const char *text, *at;
    unsigned depth;
    bool top; /* clauses are still to be told apart */
} reader;

/* ---- reading ---- */

static c2s_status unexpected(const reader *r, const char *expected) {
    const int position = (int)(r->at - r->text) + 1;
    if (!*r->at)
        return c2s_fail(C2S_ERR_USAGE, "\"%s\": it ends at character %d, expected %s", r->text,
                        position, expected);
    return c2s_fail(C2S_ERR_USAGE, "\"%s\": found '%.12s' at character %d, expected %s", r->text,
                    r->at, position, expected);
}

static void skip_space(reader *r) {
    while (isspace((unsigned char)*r->at))
        r->at++;
}

/* Takes a mark; "<" is not taken of "<=". */
static bool take(reader *r, const char *mark) {
    skip_space(r);
    const size_t length = strlen(mark);
    if (strncmp(r->at, mark, length) != 0)
        return false;
    if (length == 1 && strchr("<>!", *mark) && r->at[1] == '=')
        return false;
    r->at += length;
    return true;
}

static bool is_condition(const reader *r, unsigned index) {
    return r->expr->nodes.at[index].kind >= C2S_COND_LESS;
}

static c2s_status add(reader *r, c2s_cond_node n, unsigned *out) {
    if (r->expr->nodes.count == MOST_NODES)
        return c2s_fail(C2S_ERR_USAGE, "\"%.40s...\": more than %d operands and operators", r->text,
                        MOST_NODES);
    *out = (unsigned)r->expr->nodes.count;
    c2s_vec_push(&r->expr->nodes, n);
    return C2S_OK;
}

/* `from`: where the operand that is wrong starts. */
static c2s_status wrong_type(reader *r, const char *from, bool wants_condition) {
    r->at = from;
    skip_space(r);
    return unexpected(r, wants_condition ? "a condition, such as a comparison"
                                         : "a number, not a condition");
}

static c2s_status read_or(reader *r, unsigned *out);

static c2s_status unknown_name(const reader *r, size_t length) {
    char known[1024] = "ref";
    for (c2s_metric_id id = 0; id < C2S_METRIC_COUNT; id++) {
        strncat(known, " ", sizeof known - 1 - strlen(known));
        strncat(known, c2s_metric_all[id].name, sizeof known - 1 - strlen(known));
    }
    return c2s_fail(C2S_ERR_USAGE, "\"%.*s\" is not the name of a metric; there are %s",
                    (int)(length < 40 ? length : 40), r->at, known);
}

static c2s_status read_name(reader *r, unsigned *out) {
    size_t length = 0;
    while (isalnum((unsigned char)r->at[length]) || r->at[length] == '_')
        length++;
    c2s_cond_node n = {.kind = C2S_COND_METRIC};
    if (length == 3 && memcmp(r->at, "ref", 3) == 0)
        n = (c2s_cond_node){.kind = C2S_COND_REFERENCE, .metric = C2S_METRIC_COUNT};
    else if (!c2s_metric_find(r->at, length, &n.metric))
        return unknown_name(r, length);
    r->at += length;
    return add(r, n, out);
}

static c2s_status read_number(reader *r, unsigned *out) {
    char *end;
    errno = 0;
    const double number = strtod(r->at, &end);
    if (end == r->at || errno == ERANGE || !isfinite(number))
        return unexpected(r, "a number");
    r->at = end;
    return add(r, (c2s_cond_node){.kind = C2S_COND_NUMBER, .number = number}, out);
}

static c2s_status read_primary(reader *r, unsigned *out) {
    skip_space(r);
    if (take(r, "(")) {
        const bool top = r->top;
        r->top = false;
        C2S_TRY(read_or(r, out));
        r->top = top;
        return take(r, ")") ? C2S_OK : unexpected(r, ")");
    }
    if (isdigit((unsigned char)*r->at) || *r->at == '.')
        return read_number(r, out);
    if (isalpha((unsigned char)*r->at) || *r->at == '_')
        return read_name(r, out);
    return unexpected(r, "the name of a metric, a number or (");
}

/* - and ! in front of an operand. */
static c2s_status read_unary(reader *r, unsigned *out) {
    skip_space(r);
    const bool negate = take(r, "-"), invert = !negate && take(r, "!");
    if (!negate && !invert)
        return read_primary(r, out);
    if (++r->depth > MOST_DEPTH)
        return unexpected(r, "fewer operators and parentheses inside of each other");
    const char *from = r->at;
    unsigned operand;
    C2S_TRY(read_unary(r, &operand));
    r->depth--;
    if (is_condition(r, operand) != invert)
        return wrong_type(r, from, invert);
    return add(r, (c2s_cond_node){.kind = negate ? C2S_COND_NEGATE : C2S_COND_NOT, .left = operand},
               out);
}

typedef struct mark {
    const char *text;
    c2s_cond_op kind;
} mark;

static const mark products[] = {
    {"*", C2S_COND_MULTIPLY}, {"/", C2S_COND_DIVIDE}, {NULL, C2S_COND_NUMBER}};
static const mark sums[] = {{"+", C2S_COND_ADD}, {"-", C2S_COND_SUBTRACT}, {NULL, C2S_COND_NUMBER}};
static const mark comparisons[] = {{"<=", C2S_COND_LESS_EQUAL}, {">=", C2S_COND_GREATER_EQUAL},
                                   {"==", C2S_COND_EQUAL},      {"!=", C2S_COND_NOT_EQUAL},
                                   {"<", C2S_COND_LESS},        {">", C2S_COND_GREATER},
                                   {NULL, C2S_COND_NUMBER}};

static bool take_any(reader *r, const mark *marks, c2s_cond_op *found) {
    for (; marks->text; marks++)
        if (take(r, marks->text)) {
            *found = marks->kind;
            return true;
        }
    return false;
}

/* operand { mark operand } of numbers, from left to right. */
static c2s_status read_chain(reader *r, const mark *marks,
                             c2s_status (*operand)(reader *, unsigned *), unsigned *out) {
    c2s_cond_op found;
    const char *from = r->at;
    C2S_TRY(operand(r, out));
    while (take_any(r, marks, &found)) {
        if (is_condition(r, *out))
            return wrong_type(r, from, false);
        from = r->at;
        unsigned right;
        C2S_TRY(operand(r, &right));
        if (is_condition(r, right))
            return wrong_type(r, from, false);
        C2S_TRY(add(r, (c2s_cond_node){.kind = found, .left = *out, .right = right}, out));
    }
    return C2S_OK;
}

static c2s_status read_product(reader *r, unsigned *out) {
    return read_chain(r, products, read_unary, out);
}

static c2s_status read_sum(reader *r, unsigned *out) {
    return read_chain(r, sums, read_product, out);
}

/* Every `ref` of the comparison whose nodes are those from `first` on gets its metric. */
static c2s_status settle_references(reader *r, size_t first, const char *from) {
    c2s_metric_id metric = C2S_METRIC_COUNT;
    bool any = false, several = false;
    for (size_t i = first; i < r->expr->nodes.count; i++) {
        const c2s_cond_node *n = &r->expr->nodes.at[i];
        any = any || n->kind == C2S_COND_REFERENCE;
        if (n->kind != C2S_COND_METRIC)
            continue;
        several = several || (metric != C2S_METRIC_COUNT && metric != n->metric);
        metric = n->metric;
    }
    if (any && (several || metric == C2S_METRIC_COUNT))
        return c2s_fail(C2S_ERR_USAGE,
                        "\"%.*s\": ref is the reference's value of the metric in the same "
                        "comparison, found %s of them, expected one",
                        (int)(r->at - from), from, several ? "several" : "none");
    for (size_t i = first; any && i < r->expr->nodes.count; i++)
        if (r->expr->nodes.at[i].kind == C2S_COND_REFERENCE)
            r->expr->nodes.at[i].metric = metric;
    return C2S_OK;
}

static c2s_status read_comparison(reader *r, unsigned *out) {
    skip_space(r);
    const size_t first = r->expr->nodes.count;
    const char *from = r->at;
    c2s_cond_op found;
    C2S_TRY(read_sum(r, out));
    if (!take_any(r, comparisons, &found))
        return C2S_OK;
    if (is_condition(r, *out))
        return wrong_type(r, from, false);
    const char *behind = r->at;
    unsigned right;
    C2S_TRY(read_sum(r, &right));
    if (is_condition(r, right))
        return wrong_type(r, behind, false);
    C2S_TRY(add(r, (c2s_cond_node){.kind = found, .left = *out, .right = right}, out));
    return settle_references(r, first, from);
}

static c2s_status read_and(reader *r, unsigned *out) {
    const char *from = r->at;
    C2S_TRY(read_comparison(r, out));
    while (take(r, "&&")) {
        if (!is_condition(r, *out))
            return wrong_type(r, from, true);
        from = r->at;
        unsigned right;
        C2S_TRY(read_comparison(r, &right));
        if (!is_condition(r, right))
            return wrong_type(r, from, true);
        C2S_TRY(add(r, (c2s_cond_node){.kind = C2S_COND_AND, .left = *out, .right = right}, out));
    }
    return C2S_OK;
}

/* A clause that ends here; its nodes are those from `first` on. */
static void end_clause(reader *r, unsigned root, unsigned first, const char *from) {
    const char *end = r->at;
    while (from < end && isspace((unsigned char)*from))
        from++;
    while (end > from && isspace((unsigned char)end[-1]))
        end--;
    c2s_cond_clause c = {.root = root, .first = first, .end = (unsigned)r->expr->nodes.count};
    c.text = c2s_zalloc((size_t)(end - from) + 1);
    memcpy(c.text, from, (size_t)(end - from));
    c2s_vec_push(&r->expr->clauses, c);
}

static c2s_status read_or(reader *r, unsigned *out) {
    if (++r->depth > MOST_DEPTH)
        return unexpected(r, "fewer operators and parentheses inside of each other");
    const bool top = r->top;
    const char *from = r->at;
    C2S_TRY(read_and(r, out));
    if (top && is_condition(r, *out))
        end_clause(r, *out, 0, from);
    while (take(r, "||")) {
        if (!is_condition(r, *out))
            return wrong_type(r, from, true);
        const unsigned first = (unsigned)r->expr->nodes.count;
        from = r->at;
        unsigned right;
        C2S_TRY(read_and(r, &right));
        if (!is_condition(r, right))
            return wrong_type(r, from, true);
        if (top)
            end_clause(r, right, first, from);
        C2S_TRY(add(r, (c2s_cond_node){.kind = C2S_COND_OR, .left = *out, .right = right}, out));
    }
    r->depth--;
    return C2S_OK;
}

static c2s_status read_all(reader *r) {
    unsigned root;
    C2S_TRY(read_or(r, &root));
    skip_space(r);
    if (*r->at)
        return unexpected(r, "an operator, or the end");
    return is_condition(r, root) ? C2S_OK : wrong_type(r, r->text, true);
}

c2s_status c2s_metric_expr_parse(const char *text, c2s_metric_expr **out) {
    c2s_metric_expr *expr = c2s_zalloc(sizeof *expr);
    reader r = {.expr = expr, .text = text, .at = text, .top = true};
    const c2s_status status = read_all(&r);
    if (status != C2S_OK) {
        c2s_metric_expr_free(expr);
        expr = NULL;
    }
    *out = expr;
    return status;
}
