/* SPDX-License-Identifier: Apache-2.0
 *
 * An expression is a polynomial: a sum of terms, each an integer times a product of atoms. An atom
 * is a symbol or one of floor(a/b), mod, min, max over expressions. Terms and atoms are sorted and
 * each expression is stored once, so structural equality is equality of handles.
 */
#include "ir/dim.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/vec.h"

enum { MAX_TERMS = 12, MAX_DEGREE = 6, MAX_DEPTH = 40 };

typedef struct term {
    int64_t factor;
    unsigned degree;
    unsigned atom[MAX_DEGREE]; /* sorted, repeated for powers, 0 beyond degree */
} term;

typedef struct polynomial {
    unsigned count;
    term terms[MAX_TERMS];
    bool overflow; /* of integers or of the limits above */
} polynomial;

typedef struct expression {
    unsigned count, depth;
    term *terms;
    const char *text; /* made on demand */
    bool fresh;
} expression;

typedef enum atom_kind { SYMBOL, FLOOR, MOD, MIN, MAX } atom_kind;

/* What an expression is at least and at most; INT64_MIN and INT64_MAX: unbounded. */
typedef struct bounds {
    int64_t low, high;
} bounds;

typedef struct atom {
    atom_kind kind;
    const char *name; /* of a symbol */
    c2s_dim a, b;     /* of the others */
    unsigned depth;
    bounds range;
} atom;

struct c2s_dims {
    c2s_arena *arena;
    C2S_VEC(expression) expressions;
    C2S_VEC(atom) atoms;
    c2s_map by_hash; /* hash -> expression index + 1; equal hashes are probed by hash + 1, ... */
    c2s_map atom_by_hash;
    unsigned fresh_count;
};

c2s_dims *c2s_dims_create(void) {
    c2s_dims *dims = c2s_zalloc(sizeof *dims);
    dims->arena = c2s_arena_create();
    return dims;
}

void c2s_dims_destroy(c2s_dims *dims) {
    if (!dims)
        return;
    c2s_arena_destroy(dims->arena);
    c2s_vec_free(&dims->expressions);
    c2s_vec_free(&dims->atoms);
    c2s_map_free(&dims->by_hash);
    c2s_map_free(&dims->atom_by_hash);
    free(dims);
}

/* ---- handles ---- */

static c2s_dim handle(size_t index, bool fresh) {
    return INT64_MIN + (int64_t)(index * 2) + (fresh ? 1 : 0);
}

static expression *lookup(const c2s_dims *dims, c2s_dim dim) {
    return &dims->expressions.at[((uint64_t)dim - (uint64_t)INT64_MIN) / 2];
}

static unsigned depth_of(const c2s_dims *dims, c2s_dim dim) {
    return c2s_dim_is_known(dim) ? 0 : lookup(dims, dim)->depth;
}

/* ---- interning ---- */

static uint64_t hash_terms(const term *terms, unsigned count) {
    return c2s_hash_bytes(terms, count * sizeof *terms, count);
}

static c2s_dim intern(c2s_dims *dims, const polynomial *p, bool fresh) {
    uint64_t key = hash_terms(p->terms, p->count);
    for (;; key++) {
        size_t found = (size_t)(uintptr_t)c2s_map_get_u64(&dims->by_hash, key);
        if (!found)
            break;
        expression *e = &dims->expressions.at[found - 1];
        if (e->count == p->count && memcmp(e->terms, p->terms, p->count * sizeof(term)) == 0)
            return handle(found - 1, e->fresh);
    }
    expression e = {.count = p->count, .fresh = fresh};
    e.terms = (term *)c2s_arena_memdup(dims->arena, p->terms, p->count * sizeof(term));
    for (unsigned i = 0; i < p->count; i++)
        for (unsigned j = 0; j < p->terms[i].degree; j++) {
            unsigned depth = dims->atoms.at[p->terms[i].atom[j]].depth;
            e.depth = depth > e.depth ? depth : e.depth;
        }
    c2s_vec_push(&dims->expressions, e);
    c2s_map_put_u64(&dims->by_hash, key, (void *)(uintptr_t)dims->expressions.count);
    return handle(dims->expressions.count - 1, fresh);
}

static unsigned intern_atom(c2s_dims *dims, const atom *wanted) {
    uint64_t key = wanted->kind == SYMBOL
                       ? c2s_hash_bytes(wanted->name, strlen(wanted->name), SYMBOL)
                       : c2s_hash_mix(c2s_hash_mix((uint64_t)wanted->a, (uint64_t)wanted->b),
                                      wanted->kind);
    for (;; key++) {
        size_t found = (size_t)(uintptr_t)c2s_map_get_u64(&dims->atom_by_hash, key);
        if (!found)
            break;
        const atom *a = &dims->atoms.at[found - 1];
        if (a->kind == wanted->kind && a->a == wanted->a && a->b == wanted->b &&
            (a->kind != SYMBOL || strcmp(a->name, wanted->name) == 0))
            return (unsigned)(found - 1);
    }
    c2s_vec_push(&dims->atoms, *wanted);
    c2s_map_put_u64(&dims->atom_by_hash, key, (void *)(uintptr_t)dims->atoms.count);
    return (unsigned)(dims->atoms.count - 1);
}

/* ---- polynomials ---- */

static polynomial of_dim(const c2s_dims *dims, c2s_dim dim) {
    polynomial p = {0};
    if (!c2s_dim_is_known(dim)) {
        const expression *e = lookup(dims, dim);
        p.count = e->count;
        memcpy(p.terms, e->terms, e->count * sizeof(term));
    } else if (dim != 0) {
        p.count = 1;
        p.terms[0].factor = dim;
    }
    return p;
}

/* Constants last, otherwise by atoms: "2*batch + 1". */
static int compare_atoms(const term *a, const term *b) {
    if (a->degree != b->degree)
        return a->degree > b->degree ? -1 : 1;
    return memcmp(a->atom, b->atom, sizeof a->atom);
}

static void add_term(polynomial *p, const term *t) {
    unsigned i = 0;
    while (i < p->count && compare_atoms(&p->terms[i], t) < 0)
        i++;
    if (i < p->count && compare_atoms(&p->terms[i], t) == 0) {
        if (!c2s_add_i64(p->terms[i].factor, t->factor, &p->terms[i].factor))
            p->overflow = true;
        if (p->terms[i].factor == 0) {
            p->count--;
            memmove(&p->terms[i], &p->terms[i + 1], (p->count - i) * sizeof(term));
            memset(&p->terms[p->count], 0, sizeof(term));
        }
        return;
    }
    if (p->count == MAX_TERMS) {
        p->overflow = true;
        return;
    }
    memmove(&p->terms[i + 1], &p->terms[i], (p->count - i) * sizeof(term));
    p->terms[i] = *t;
    p->count++;
}

static int compare_unsigned(const void *a, const void *b) {
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

static bool mul_term(const term *a, const term *b, term *out) {
    *out = (term){.degree = a->degree + b->degree};
    if (out->degree > MAX_DEGREE || !c2s_mul_i64(a->factor, b->factor, &out->factor))
        return false;
    memcpy(out->atom, a->atom, a->degree * sizeof a->atom[0]);
    memcpy(out->atom + a->degree, b->atom, b->degree * sizeof b->atom[0]);
    qsort(out->atom, out->degree, sizeof out->atom[0], compare_unsigned);
    return true;
}

static c2s_dim to_dim(c2s_dims *dims, const polynomial *p) {
    if (p->overflow)
        return c2s_dim_unknown(dims);
    if (p->count == 0)
        return 0;
    if (p->count == 1 && p->terms[0].degree == 0) {
        int64_t value = p->terms[0].factor;
        return value > C2S_DIM_SYMBOLIC && value < -C2S_DIM_SYMBOLIC ? value : c2s_dim_unknown(dims);
    }
    return intern(dims, p, false);
}

static c2s_dim from_atom(c2s_dims *dims, const atom *a, bool fresh) {
    polynomial p = {.count = 1};
    p.terms[0] = (term){.factor = 1, .degree = 1, .atom = {intern_atom(dims, a)}};
    return intern(dims, &p, fresh);
}

c2s_dim c2s_dim_symbol(c2s_dims *dims, const char *name) {
    atom a = {.kind = SYMBOL, .name = name, .range = {0, INT64_MAX}};
    size_t before = dims->atoms.count;
    unsigned index = intern_atom(dims, &a);
    if (index >= before)
        dims->atoms.at[index].name = c2s_arena_strdup(dims->arena, name);
    a.name = dims->atoms.at[index].name;
    return from_atom(dims, &a, false);
}

static c2s_dim make_fresh(c2s_dims *dims, bounds range) {
    char name[32];
    for (;;) {
        snprintf(name, sizeof name, "unk__%u", ++dims->fresh_count);
        atom a = {.kind = SYMBOL, .name = name, .range = range};
        size_t before = dims->atoms.count;
        unsigned index = intern_atom(dims, &a);
        if (index < before)
            continue; /* the file uses that name for something else */
        a.name = dims->atoms.at[index].name = c2s_arena_strdup(dims->arena, name);
        return from_atom(dims, &a, true);
    }
}

c2s_dim c2s_dim_fresh(c2s_dims *dims) {
    return make_fresh(dims, (bounds){0, INT64_MAX});
}

c2s_dim c2s_dim_unknown(c2s_dims *dims) {
    return make_fresh(dims, (bounds){INT64_MIN, INT64_MAX});
}

c2s_dims *c2s_dims_copy(const c2s_dims *dims) {
    c2s_dims *copy = c2s_dims_create();
    copy->fresh_count = dims->fresh_count;
    for (size_t i = 0; i < dims->atoms.count; i++) {
        atom a = dims->atoms.at[i];
        if (a.name)
            a.name = c2s_arena_strdup(copy->arena, a.name);
        intern_atom(copy, &a);
    }
    for (size_t i = 0; i < dims->expressions.count; i++) {
        const expression *e = &dims->expressions.at[i];
        polynomial p = {.count = e->count};
        memcpy(p.terms, e->terms, e->count * sizeof(term));
        intern(copy, &p, e->fresh);
    }
    return copy;
}

/* ---- arithmetic ---- */

/* a + factor * b */
static c2s_dim combine(c2s_dims *dims, c2s_dim a, int64_t factor, c2s_dim b) {
    polynomial p = of_dim(dims, a), q = of_dim(dims, b);
    for (unsigned i = 0; i < q.count; i++) {
        if (!c2s_mul_i64(q.terms[i].factor, factor, &q.terms[i].factor))
            p.overflow = true;
        else
            add_term(&p, &q.terms[i]);
    }
    return to_dim(dims, &p);
}

c2s_dim c2s_dim_add(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    return combine(dims, a, 1, b);
}

c2s_dim c2s_dim_sub(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    return combine(dims, a, -1, b);
}

c2s_dim c2s_dim_mul(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    polynomial p = of_dim(dims, a), q = of_dim(dims, b), r = {0};
    for (unsigned i = 0; i < p.count; i++)
        for (unsigned j = 0; j < q.count; j++) {
            term t;
            if (mul_term(&p.terms[i], &q.terms[j], &t))
                add_term(&r, &t);
            else
                r.overflow = true;
        }
    return to_dim(dims, &r);
}

/* a = quotient * b for terms: the factor divides and the atoms of b are among those of a. */
static bool divide_term(const term *a, const term *b, term *quotient) {
    if (b->factor == 0 || (b->factor == -1 && a->factor == INT64_MIN) || a->factor % b->factor != 0)
        return false;
    *quotient = (term){.factor = a->factor / b->factor};
    unsigned j = 0;
    for (unsigned i = 0; i < a->degree; i++) {
        if (j < b->degree && a->atom[i] == b->atom[j])
            j++;
        else
            quotient->atom[quotient->degree++] = a->atom[i];
    }
    return j == b->degree;
}

bool c2s_dim_divides(c2s_dims *dims, c2s_dim a, c2s_dim b, c2s_dim *quotient) {
    if (b == 0)
        return false;
    if (a == b) {
        *quotient = 1;
        return true;
    }
    polynomial p = of_dim(dims, a), q = of_dim(dims, b), r = {0};
    if (p.count == 0) {
        *quotient = 0;
        return true;
    }
    /* Schoolbook division by the leading term; exact or nothing. */
    for (unsigned steps = 0; p.count > 0; steps++) {
        term t;
        if (steps == MAX_TERMS || q.count == 0 || !divide_term(&p.terms[0], &q.terms[0], &t))
            return false;
        add_term(&r, &t);
        t.factor = -t.factor;
        for (unsigned j = 0; j < q.count; j++) {
            term product;
            if (!mul_term(&t, &q.terms[j], &product))
                return false;
            add_term(&p, &product);
        }
        if (p.overflow || r.overflow)
            return false;
    }
    *quotient = to_dim(dims, &r);
    return true;
}

static int64_t floor_quotient(int64_t a, int64_t b) {
    int64_t q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

/* ---- bounds ---- */

static bool is_unbounded(int64_t value) {
    return value == INT64_MIN || value == INT64_MAX;
}

/* Sums and products of bounds that do not fit become unbounded. */
static int64_t add_bound(int64_t a, int64_t b, int64_t unbounded) {
    int64_t sum;
    if (is_unbounded(a) || is_unbounded(b) || !c2s_add_i64(a, b, &sum))
        return unbounded;
    return sum;
}

static int64_t mul_bound(int64_t a, int64_t b) {
    int64_t product;
    if (a == 0 || b == 0)
        return 0;
    if (is_unbounded(a) || is_unbounded(b) || !c2s_mul_i64(a, b, &product))
        return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
    return product;
}

static bounds mul_bounds(bounds a, bounds b) {
    int64_t corner[4] = {mul_bound(a.low, b.low), mul_bound(a.low, b.high),
                         mul_bound(a.high, b.low), mul_bound(a.high, b.high)};
    bounds r = {corner[0], corner[0]};
    for (int k = 1; k < 4; k++) {
        r.low = corner[k] < r.low ? corner[k] : r.low;
        r.high = corner[k] > r.high ? corner[k] : r.high;
    }
    return r;
}

static bounds bounds_of(const c2s_dims *dims, c2s_dim dim) {
    if (c2s_dim_is_known(dim))
        return (bounds){dim, dim};
    const expression *e = lookup(dims, dim);
    bounds sum = {0, 0};
    for (unsigned i = 0; i < e->count; i++) {
        const term *t = &e->terms[i];
        bounds product = {t->factor, t->factor};
        for (unsigned j = 0; j < t->degree; j++)
            product = mul_bounds(product, dims->atoms.at[t->atom[j]].range);
        sum.low = add_bound(sum.low, product.low, INT64_MIN);
        sum.high = add_bound(sum.high, product.high, INT64_MAX);
    }
    return sum;
}

static bounds bounds_of_atom(atom_kind kind, bounds a, bounds b) {
    bounds r = {INT64_MIN, INT64_MAX};
    switch (kind) {
    case FLOOR:
        if (b.low == b.high && b.low > 0 && !is_unbounded(b.low)) {
            r.low = is_unbounded(a.low) ? INT64_MIN : floor_quotient(a.low, b.low);
            r.high = is_unbounded(a.high) ? INT64_MAX : floor_quotient(a.high, b.low);
        } else if (a.low >= 0 && b.low >= 0) { /* dividing by 0 has no value */
            r = (bounds){0, a.high};
        }
        break;
    case MOD:
        if (b.low >= 0)
            r = (bounds){0, is_unbounded(b.high) ? b.high : b.high - 1};
        break;
    case MIN:
        r = (bounds){a.low < b.low ? a.low : b.low, a.high < b.high ? a.high : b.high};
        break;
    case MAX:
        r = (bounds){a.low > b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
        break;
    case SYMBOL:
        break;
    }
    return r;
}

static c2s_dim composed(c2s_dims *dims, atom_kind kind, c2s_dim a, c2s_dim b) {
    unsigned da = depth_of(dims, a), db = depth_of(dims, b), depth = (da > db ? da : db) + 1;
    if (depth > MAX_DEPTH)
        return c2s_dim_unknown(dims);
    atom made = {.kind = kind, .a = a, .b = b, .depth = depth};
    made.range = bounds_of_atom(kind, bounds_of(dims, a), bounds_of(dims, b));
    return from_atom(dims, &made, false);
}

/* floor((floor(x / y) + k) / b) = floor((x + k*y) / (y*b)) for integers k, and y, b > 0. */
static bool nested_floor(c2s_dims *dims, c2s_dim a, int64_t b, c2s_dim *out) {
    const expression *e = lookup(dims, a);
    if (e->terms[0].factor != 1 || e->terms[0].degree != 1 ||
        !(e->count == 1 || (e->count == 2 && e->terms[1].degree == 0)))
        return false;
    int64_t k = e->count == 2 ? e->terms[1].factor : 0, shift, divisor;
    atom inner = dims->atoms.at[e->terms[0].atom[0]];
    if (inner.kind != FLOOR || !c2s_dim_is_known(inner.b) || inner.b <= 0 ||
        !c2s_mul_i64(k, inner.b, &shift) || !c2s_mul_i64(inner.b, b, &divisor) ||
        shift >= -C2S_DIM_SYMBOLIC || shift <= C2S_DIM_SYMBOLIC || divisor >= -C2S_DIM_SYMBOLIC)
        return false;
    *out = c2s_dim_floordiv(dims, c2s_dim_add(dims, inner.a, shift), divisor);
    return true;
}

c2s_dim c2s_dim_floordiv(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    c2s_dim quotient;
    if (b == 0)
        return c2s_dim_unknown(dims);
    if (c2s_dim_is_known(a) && c2s_dim_is_known(b))
        return floor_quotient(a, b);
    if (c2s_dim_divides(dims, a, b, &quotient))
        return quotient;
    if (!c2s_dim_is_known(b))
        return composed(dims, FLOOR, a, b);
    if (b > 0 && nested_floor(dims, a, b, &quotient))
        return quotient;
    /* The terms that b divides leave the floor: floor((8x + y + 9) / 4) = 2x + 2 + floor((y+1)/4) */
    polynomial p = of_dim(dims, a), whole = {0}, rest = {0};
    for (unsigned i = 0; i < p.count; i++) {
        term t = p.terms[i], r = t;
        t.factor = floor_quotient(t.factor, b);
        if (t.degree > 0 && p.terms[i].factor % b != 0)
            t.factor = 0;
        r.factor = p.terms[i].factor - t.factor * b;
        if (t.factor)
            add_term(&whole, &t);
        if (r.factor)
            add_term(&rest, &r);
    }
    c2s_dim remainder = to_dim(dims, &rest);
    c2s_dim tail = c2s_dim_is_known(remainder) ? floor_quotient(remainder, b)
                                               : composed(dims, FLOOR, remainder, b);
    return c2s_dim_add(dims, to_dim(dims, &whole), tail);
}

c2s_dim c2s_dim_ceildiv(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    if (c2s_dim_is_known(b) && b > 0 && !c2s_dim_is_known(a)) /* one form for both roundings */
        return c2s_dim_floordiv(dims, c2s_dim_add(dims, a, b - 1), b);
    c2s_dim negated = c2s_dim_sub(dims, 0, a);
    return c2s_dim_sub(dims, 0, c2s_dim_floordiv(dims, negated, b));
}

c2s_dim c2s_dim_mod(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    c2s_dim quotient;
    if (b == 0)
        return c2s_dim_unknown(dims);
    if (c2s_dim_is_known(a) && c2s_dim_is_known(b))
        return a - b * floor_quotient(a, b);
    if (c2s_dim_divides(dims, a, b, &quotient))
        return 0;
    return composed(dims, MOD, a, b);
}

/* True if the expression is one atom of that kind, nothing else. */
static bool is_atom(const c2s_dims *dims, c2s_dim dim, atom_kind kind, atom *out) {
    if (c2s_dim_is_known(dim))
        return false;
    const expression *e = lookup(dims, dim);
    if (e->count != 1 || e->terms[0].factor != 1 || e->terms[0].degree != 1)
        return false;
    *out = dims->atoms.at[e->terms[0].atom[0]];
    return out->kind == kind;
}

/* max(a, min(a, x)) = a, max(a, max(a, x)) = max(a, x), and the same with min and max swapped. */
static bool absorbs(const c2s_dims *dims, atom_kind kind, c2s_dim a, c2s_dim b, c2s_dim *out) {
    atom inner;
    *out = a;
    if (is_atom(dims, b, kind == MIN ? MAX : MIN, &inner) && (inner.a == a || inner.b == a))
        return true;
    *out = b;
    return is_atom(dims, b, kind, &inner) && (inner.a == a || inner.b == a);
}

static c2s_dim extreme(c2s_dims *dims, atom_kind kind, c2s_dim a, c2s_dim b) {
    c2s_dim found;
    if (c2s_dim_is_known(a) && c2s_dim_is_known(b))
        return (a < b) == (kind == MIN) ? a : b;
    bounds difference = bounds_of(dims, c2s_dim_sub(dims, a, b));
    if (difference.high <= 0)
        return kind == MIN ? a : b;
    if (difference.low >= 0)
        return kind == MIN ? b : a;
    if (absorbs(dims, kind, a, b, &found) || absorbs(dims, kind, b, a, &found))
        return found;
    return a < b ? composed(dims, kind, a, b) : composed(dims, kind, b, a);
}

c2s_dim c2s_dim_min(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    return extreme(dims, MIN, a, b);
}

c2s_dim c2s_dim_max(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    return extreme(dims, MAX, a, b);
}

/* ---- symbols and text ---- */

bool c2s_dim_is_symbol(const c2s_dims *dims, c2s_dim dim, const char **name) {
    if (c2s_dim_is_known(dim))
        return false;
    const expression *e = lookup(dims, dim);
    if (e->count != 1 || e->terms[0].factor != 1 || e->terms[0].degree != 1)
        return false;
    const atom *a = &dims->atoms.at[e->terms[0].atom[0]];
    if (a->kind != SYMBOL)
        return false;
    *name = a->name;
    return true;
}

static c2s_dim apply(c2s_dims *dims, atom_kind kind, c2s_dim a, c2s_dim b) {
    switch (kind) {
    case FLOOR:
        return c2s_dim_floordiv(dims, a, b);
    case MOD:
        return c2s_dim_mod(dims, a, b);
    case MIN:
        return c2s_dim_min(dims, a, b);
    default:
        return c2s_dim_max(dims, a, b);
    }
}

c2s_dim c2s_dim_substitute(c2s_dims *dims, c2s_dim dim,
                           c2s_dim (*value_of)(void *user, const char *name, c2s_dim same),
                           void *user) {
    if (c2s_dim_is_known(dim))
        return dim;
    polynomial p = of_dim(dims, dim);
    c2s_dim sum = 0;
    for (unsigned i = 0; i < p.count; i++) {
        c2s_dim product = p.terms[i].factor;
        for (unsigned j = 0; j < p.terms[i].degree; j++) {
            atom a = dims->atoms.at[p.terms[i].atom[j]];
            c2s_dim value;
            if (a.kind == SYMBOL)
                value = value_of(user, a.name, c2s_dim_symbol(dims, a.name));
            else
                value = apply(dims, a.kind, c2s_dim_substitute(dims, a.a, value_of, user),
                              c2s_dim_substitute(dims, a.b, value_of, user));
            product = c2s_dim_mul(dims, product, value);
        }
        sum = c2s_dim_add(dims, sum, product);
    }
    return sum;
}

typedef C2S_VEC(char) text_buffer;

static void put(text_buffer *t, const char *text) {
    for (; *text; text++)
        c2s_vec_push(t, *text);
}

static void put_atom(c2s_dims *dims, text_buffer *t, const atom *a) {
    static const char *const open[] = {[FLOOR] = "floor(", [MOD] = "mod(", [MIN] = "min(",
                                       [MAX] = "max("};
    if (a->kind == SYMBOL) {
        put(t, a->name);
        return;
    }
    put(t, open[a->kind]);
    put(t, c2s_dim_text(dims, a->a));
    put(t, ", ");
    put(t, c2s_dim_text(dims, a->b));
    put(t, ")");
}

static void put_term(c2s_dims *dims, text_buffer *t, const term *m, bool first) {
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
    expression *e = lookup(dims, dim);
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
        atom_kind kind;
    } functions[] = {{"floor", FLOOR}, {"mod", MOD}, {"min", MIN}, {"max", MAX}};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (strlen(functions[i].name) != length || memcmp(functions[i].name, name, length) != 0)
            continue;
        c2s_dim a = parse_sum(p), b = take(p, ',') ? parse_sum(p) : (p->failed = true, 0);
        if (!take(p, ')'))
            p->failed = true;
        return p->failed ? 0 : apply(p->dims, functions[i].kind, a, b);
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
    if (++p->depth > MAX_DEPTH) {
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
