/* SPDX-License-Identifier: Apache-2.0
 *
 * Dimensions as text, both ways.
 */
#include "ir/dim_table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef C2S_VEC(char) text_buffer;

static void put(text_buffer *t, const char *text) {
    for (; *text; text++)
        c2s_vec_push(t, *text);
}

static void put_atom(c2s_dims *dims, text_buffer *t, const c2s_dim_atom *a) {
    static const char *const open[] = {[C2S_ATOM_FLOOR] = "floor(",
                                       [C2S_ATOM_MOD] = "mod(",
                                       [C2S_ATOM_MIN] = "min(",
                                       [C2S_ATOM_MAX] = "max("};
    if (a->kind == C2S_ATOM_SYMBOL) {
        put(t, a->name);
        return;
    }
    put(t, open[a->kind]);
    put(t, c2s_dim_text(dims, a->a));
    put(t, ", ");
    put(t, c2s_dim_text(dims, a->b));
    put(t, ")");
}

static void put_term(c2s_dims *dims, text_buffer *t, const c2s_dim_term *m, bool first) {
    char number[32];
    uint64_t size = m->factor < 0 ? 0 - (uint64_t)m->factor : (uint64_t)m->factor;
    put(t, m->factor < 0 ? (first ? "-" : " - ") : (first ? "" : " + "));
    if (size != 1 || m->degree == 0) {
        snprintf(number, sizeof number, "%llu", (unsigned long long)size);
        put(t, number);
    }
    for (unsigned j = 0; j < m->degree; j++) {
        if (j > 0 || size != 1)
            put(t, "*");
        put_atom(dims, t, &dims->atoms.at[m->atom[j]]);
    }
}

const char *c2s_dim_text(c2s_dims *dims, c2s_dim dim) {
    if (c2s_dim_is_known(dim)) {
        char number[32];
        snprintf(number, sizeof number, "%lld", (long long)dim);
        return c2s_arena_strdup(dims->arena, number);
    }
    c2s_dim_expression *e = c2s_dims_lookup(dims, dim);
    if (e->text)
        return e->text;
    text_buffer t = {0};
    for (unsigned i = 0; i < e->count; i++)
        put_term(dims, &t, &e->terms[i], i == 0);
    c2s_vec_push(&t, '\0');
    e->text = c2s_arena_strdup(dims->arena, t.at);
    c2s_vec_free(&t);
    return e->text;
}

typedef struct parser {
    c2s_dims *dims;
    const char *at;
    unsigned depth;
    bool failed;
} parser;

static void skip_space(parser *p) {
    while (*p->at == ' ')
        p->at++;
}

static bool take(parser *p, char c) {
    skip_space(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static c2s_dim parse_sum(parser *p);

static c2s_dim parse_call(parser *p, const char *name, size_t length) {
    static const struct {
        const char *name;
        c2s_atom_kind kind;
    } functions[] = {{"floor", C2S_ATOM_FLOOR},
                     {"mod", C2S_ATOM_MOD},
                     {"min", C2S_ATOM_MIN},
                     {"max", C2S_ATOM_MAX}};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strlen(functions[i].name) != length || memcmp(functions[i].name, name, length) != 0)
            continue;
        c2s_dim a = parse_sum(p), b = take(p, ',') ? parse_sum(p) : (p->failed = true, 0);
        if (!take(p, ')'))
            p->failed = true;
        return p->failed ? 0 : c2s_dim_apply(p->dims, functions[i].kind, a, b);
    }
    p->failed = true;
    return 0;
}

static c2s_dim parse_factor(parser *p) {
    skip_space(p);
    const char *start = p->at;
    if (take(p, '(')) {
        c2s_dim inner = parse_sum(p);
        if (!take(p, ')'))
            p->failed = true;
        return inner;
    }
    if (isdigit((unsigned char)*start)) {
        int64_t value = 0;
        for (; isdigit((unsigned char)*p->at); p->at++)
            if (!c2s_mul_i64(value, 10, &value) || !c2s_add_i64(value, *p->at - '0', &value) ||
                value >= -C2S_DIM_SYMBOLIC) {
                p->failed = true;
                return 0;
            }
        return value;
    }
    while (isalnum((unsigned char)*p->at) || *p->at == '_' || *p->at == '.' || *p->at == ':')
        p->at++;
    size_t length = (size_t)(p->at - start);
    if (length == 0) {
        p->failed = true;
        return 0;
    }
    if (*p->at == '(') {
        p->at++;
        return parse_call(p, start, length);
    }
    char *name = c2s_arena_memdup(p->dims->arena, start, length);
    return c2s_dim_symbol(p->dims, name);
}

static c2s_dim parse_product(parser *p) {
    c2s_dim product = parse_factor(p);
    while (!p->failed && take(p, '*'))
        product = c2s_dim_mul(p->dims, product, parse_factor(p));
    return product;
}

static c2s_dim parse_sum(parser *p) {
    if (++p->depth > C2S_MAX_DIM_DEPTH) {
        p->failed = true;
        return 0;
    }
    bool negative = take(p, '-');
    c2s_dim sum = parse_product(p);
    if (negative)
        sum = c2s_dim_sub(p->dims, 0, sum);
    while (!p->failed) {
        if (take(p, '+'))
            sum = c2s_dim_add(p->dims, sum, parse_product(p));
        else if (take(p, '-'))
            sum = c2s_dim_sub(p->dims, sum, parse_product(p));
        else
            break;
    }
    p->depth--;
    return sum;
}

bool c2s_dim_parse(c2s_dims *dims, const char *text, c2s_dim *out) {
    parser p = {.dims = dims, .at = text};
    c2s_dim dim = parse_sum(&p);
    skip_space(&p);
    if (p.failed || *p.at)
        return false;
    *out = dim;
    return true;
}
