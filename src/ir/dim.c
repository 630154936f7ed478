/* SPDX-License-Identifier: Apache-2.0
 *
 * Arithmetic on dimensions.
 */
#include "ir/dim_table.h"

/* a + factor * b */
static c2s_dim combine(c2s_dims *dims, c2s_dim a, int64_t factor, c2s_dim b) {
    c2s_polynomial p = c2s_polynomial_of(dims, a), q = c2s_polynomial_of(dims, b);
    for (unsigned i = 0; i < q.count; i++) {
        if (!c2s_mul_i64(q.terms[i].factor, factor, &q.terms[i].factor))
            p.overflow = true;
        else
            c2s_polynomial_add(&p, &q.terms[i]);
    }
    return c2s_polynomial_dim(dims, &p);
}

c2s_dim c2s_dim_add(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    return combine(dims, a, 1, b);
}

c2s_dim c2s_dim_sub(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    return combine(dims, a, -1, b);
}

c2s_dim c2s_dim_mul(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    c2s_polynomial p = c2s_polynomial_of(dims, a), q = c2s_polynomial_of(dims, b), r = {0};
    for (unsigned i = 0; i < p.count; i++)
        for (unsigned j = 0; j < q.count; j++) {
            c2s_dim_term t;
            if (c2s_term_mul(&p.terms[i], &q.terms[j], &t))
                c2s_polynomial_add(&r, &t);
            else
                r.overflow = true;
        }
    return c2s_polynomial_dim(dims, &r);
}

/* a = quotient * b for terms: the factor divides and the atoms of b are among those of a. */
static bool divide_term(const c2s_dim_term *a, const c2s_dim_term *b, c2s_dim_term *quotient) {
    if (b->factor == 0 || (b->factor == -1 && a->factor == INT64_MIN) || a->factor % b->factor != 0)
        return false;
    *quotient = (c2s_dim_term){.factor = a->factor / b->factor};
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
    c2s_polynomial p = c2s_polynomial_of(dims, a), q = c2s_polynomial_of(dims, b), r = {0};
    if (p.count == 0) {
        *quotient = 0;
        return true;
    }
    /* Schoolbook division by the leading term; exact or nothing. */
    for (unsigned steps = 0; p.count > 0; steps++) {
        c2s_dim_term t;
        if (steps == C2S_MAX_TERMS || q.count == 0 || !divide_term(&p.terms[0], &q.terms[0], &t))
            return false;
        c2s_polynomial_add(&r, &t);
        t.factor = -t.factor;
        for (unsigned j = 0; j < q.count; j++) {
            c2s_dim_term product;
            if (!c2s_term_mul(&t, &q.terms[j], &product))
                return false;
            c2s_polynomial_add(&p, &product);
        }
        if (p.overflow || r.overflow)
            return false;
    }
    *quotient = c2s_polynomial_dim(dims, &r);
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

static c2s_dim_bounds mul_bounds(c2s_dim_bounds a, c2s_dim_bounds b) {
    int64_t corner[4] = {mul_bound(a.low, b.low), mul_bound(a.low, b.high),
                         mul_bound(a.high, b.low), mul_bound(a.high, b.high)};
    c2s_dim_bounds r = {corner[0], corner[0]};
    for (int k = 1; k < 4; k++) {
        r.low = corner[k] < r.low ? corner[k] : r.low;
        r.high = corner[k] > r.high ? corner[k] : r.high;
    }
    return r;
}

static c2s_dim_bounds bounds_of(const c2s_dims *dims, c2s_dim dim) {
    if (c2s_dim_is_known(dim))
        return (c2s_dim_bounds){dim, dim};
    const c2s_dim_expression *e = c2s_dims_lookup(dims, dim);
    c2s_dim_bounds sum = {0, 0};
    for (unsigned i = 0; i < e->count; i++) {
        const c2s_dim_term *t = &e->terms[i];
        c2s_dim_bounds product = {t->factor, t->factor};
        for (unsigned j = 0; j < t->degree; j++)
            product = mul_bounds(product, dims->atoms.at[t->atom[j]].range);
        sum.low = add_bound(sum.low, product.low, INT64_MIN);
        sum.high = add_bound(sum.high, product.high, INT64_MAX);
    }
    return sum;
}

static c2s_dim_bounds bounds_of_atom(c2s_atom_kind kind, c2s_dim_bounds a, c2s_dim_bounds b) {
    c2s_dim_bounds r = {INT64_MIN, INT64_MAX};
    switch (kind) {
    case C2S_ATOM_FLOOR:
        if (b.low == b.high && b.low > 0 && !is_unbounded(b.low)) {
            r.low = is_unbounded(a.low) ? INT64_MIN : floor_quotient(a.low, b.low);
            r.high = is_unbounded(a.high) ? INT64_MAX : floor_quotient(a.high, b.low);
        } else if (a.low >= 0 && b.low >= 0) { /* dividing by 0 has no value */
            r = (c2s_dim_bounds){0, a.high};
        }
        break;
    case C2S_ATOM_MOD:
        if (b.low >= 0)
            r = (c2s_dim_bounds){0, is_unbounded(b.high) ? b.high : b.high - 1};
        break;
    case C2S_ATOM_MIN:
        r = (c2s_dim_bounds){a.low < b.low ? a.low : b.low, a.high < b.high ? a.high : b.high};
        break;
    case C2S_ATOM_MAX:
        r = (c2s_dim_bounds){a.low > b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
        break;
    case C2S_ATOM_SYMBOL:
        break;
    }
    return r;
}

static c2s_dim composed(c2s_dims *dims, c2s_atom_kind kind, c2s_dim a, c2s_dim b) {
    unsigned da = c2s_dims_depth(dims, a), db = c2s_dims_depth(dims, b),
             depth = (da > db ? da : db) + 1;
    if (depth > C2S_MAX_DIM_DEPTH)
        return c2s_dim_unknown(dims);
    c2s_dim_atom made = {.kind = kind, .a = a, .b = b, .depth = depth};
    made.range = bounds_of_atom(kind, bounds_of(dims, a), bounds_of(dims, b));
    return c2s_dims_from_atom(dims, &made, false);
}

/* floor((floor(x / y) + k) / b) = floor((x + k*y) / (y*b)) for integers k, and y, b > 0. */
static bool nested_floor(c2s_dims *dims, c2s_dim a, int64_t b, c2s_dim *out) {
    const c2s_dim_expression *e = c2s_dims_lookup(dims, a);
    if (e->terms[0].factor != 1 || e->terms[0].degree != 1 ||
        !(e->count == 1 || (e->count == 2 && e->terms[1].degree == 0)))
        return false;
    int64_t k = e->count == 2 ? e->terms[1].factor : 0, shift, divisor;
    c2s_dim_atom inner = dims->atoms.at[e->terms[0].atom[0]];
    if (inner.kind != C2S_ATOM_FLOOR || !c2s_dim_is_known(inner.b) || inner.b <= 0 ||
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
        return composed(dims, C2S_ATOM_FLOOR, a, b);
    if (b > 0 && nested_floor(dims, a, b, &quotient))
        return quotient;
    /* The terms that b divides leave the floor: floor((8x + y + 9) / 4) = 2x + 2 + floor((y+1)/4)
     */
    c2s_polynomial p = c2s_polynomial_of(dims, a), whole = {0}, rest = {0};
    for (unsigned i = 0; i < p.count; i++) {
        c2s_dim_term t = p.terms[i], r = t;
        t.factor = floor_quotient(t.factor, b);
        if (t.degree > 0 && p.terms[i].factor % b != 0)
            t.factor = 0;
        r.factor = p.terms[i].factor - t.factor * b;
        if (t.factor)
            c2s_polynomial_add(&whole, &t);
        if (r.factor)
            c2s_polynomial_add(&rest, &r);
    }
    c2s_dim remainder = c2s_polynomial_dim(dims, &rest);
    c2s_dim tail = c2s_dim_is_known(remainder) ? floor_quotient(remainder, b)
                                               : composed(dims, C2S_ATOM_FLOOR, remainder, b);
    return c2s_dim_add(dims, c2s_polynomial_dim(dims, &whole), tail);
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
    return composed(dims, C2S_ATOM_MOD, a, b);
}

/* True if the expression is one atom of that kind, nothing else. */
static bool is_atom(const c2s_dims *dims, c2s_dim dim, c2s_atom_kind kind, c2s_dim_atom *out) {
    if (c2s_dim_is_known(dim))
        return false;
    const c2s_dim_expression *e = c2s_dims_lookup(dims, dim);
    if (e->count != 1 || e->terms[0].factor != 1 || e->terms[0].degree != 1)
        return false;
    *out = dims->atoms.at[e->terms[0].atom[0]];
    return out->kind == kind;
}

/* max(a, min(a, x)) = a, max(a, max(a, x)) = max(a, x), and the same with min and max swapped. */
static bool absorbs(const c2s_dims *dims, c2s_atom_kind kind, c2s_dim a, c2s_dim b, c2s_dim *out) {
    c2s_dim_atom inner;
    *out = a;
    if (is_atom(dims, b, kind == C2S_ATOM_MIN ? C2S_ATOM_MAX : C2S_ATOM_MIN, &inner) &&
        (inner.a == a || inner.b == a))
        return true;
    *out = b;
    return is_atom(dims, b, kind, &inner) && (inner.a == a || inner.b == a);
}

static c2s_dim extreme(c2s_dims *dims, c2s_atom_kind kind, c2s_dim a, c2s_dim b) {
    c2s_dim found;
    if (c2s_dim_is_known(a) && c2s_dim_is_known(b))
        return (a < b) == (kind == C2S_ATOM_MIN) ? a : b;
    c2s_dim_bounds difference = bounds_of(dims, c2s_dim_sub(dims, a, b));
    if (difference.high <= 0)
        return kind == C2S_ATOM_MIN ? a : b;
    if (difference.low >= 0)
        return kind == C2S_ATOM_MIN ? b : a;
    if (absorbs(dims, kind, a, b, &found) || absorbs(dims, kind, b, a, &found))
        return found;
    return a < b ? composed(dims, kind, a, b) : composed(dims, kind, b, a);
}

c2s_dim c2s_dim_min(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    return extreme(dims, C2S_ATOM_MIN, a, b);
}

c2s_dim c2s_dim_max(c2s_dims *dims, c2s_dim a, c2s_dim b) {
    return extreme(dims, C2S_ATOM_MAX, a, b);
}

/* ---- substitution ---- */

c2s_dim c2s_dim_apply(c2s_dims *dims, c2s_atom_kind kind, c2s_dim a, c2s_dim b) {
    switch (kind) {
    case C2S_ATOM_FLOOR:
        return c2s_dim_floordiv(dims, a, b);
    case C2S_ATOM_MOD:
        return c2s_dim_mod(dims, a, b);
    case C2S_ATOM_MIN:
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
    c2s_polynomial p = c2s_polynomial_of(dims, dim);
    c2s_dim sum = 0;
    for (unsigned i = 0; i < p.count; i++) {
        c2s_dim product = p.terms[i].factor;
        for (unsigned j = 0; j < p.terms[i].degree; j++) {
            c2s_dim_atom a = dims->atoms.at[p.terms[i].atom[j]];
            c2s_dim value;
            if (a.kind == C2S_ATOM_SYMBOL)
                value = value_of(user, a.name, c2s_dim_symbol(dims, a.name));
            else
                value = c2s_dim_apply(dims, a.kind, c2s_dim_substitute(dims, a.a, value_of, user),
                                      c2s_dim_substitute(dims, a.b, value_of, user));
            product = c2s_dim_mul(dims, product, value);
        }
        sum = c2s_dim_add(dims, sum, product);
    }
    return sum;
}

c2s_dim c2s_dim_import(c2s_dims *to, const c2s_dims *from, c2s_dim dim) {
    if (c2s_dim_is_known(dim))
        return dim;
    c2s_polynomial p = c2s_polynomial_of(from, dim);
    c2s_dim sum = 0;
    for (unsigned i = 0; i < p.count; i++) {
        c2s_dim product = p.terms[i].factor;
        for (unsigned j = 0; j < p.terms[i].degree; j++) {
            const c2s_dim_atom *a = &from->atoms.at[p.terms[i].atom[j]];
            c2s_dim value = a->kind == C2S_ATOM_SYMBOL
                                ? c2s_dim_symbol(to, a->name)
                                : c2s_dim_apply(to, a->kind, c2s_dim_import(to, from, a->a),
                                                c2s_dim_import(to, from, a->b));
            product = c2s_dim_mul(to, product, value);
        }
        sum = c2s_dim_add(to, sum, product);
    }
    return sum;
}

/* ---- equations ---- */

bool c2s_dim_solve(const c2s_dims *dims, c2s_dim dim, int64_t value, const char **symbol,
                   int64_t *solution) {
    if (c2s_dim_is_known(dim))
        return false;
    const c2s_polynomial p = c2s_polynomial_of(dims, dim);
    const c2s_dim_term *linear = &p.terms[0], *rest = &p.terms[1]; /* constants come last */
    if (p.count == 0 || p.count > 2 || linear->degree != 1 || (p.count == 2 && rest->degree > 0))
        return false;
    const c2s_dim_atom *atom = &dims->atoms.at[linear->atom[0]];
    int64_t left;
    if (atom->kind != C2S_ATOM_SYMBOL || __builtin_sub_overflow(value, p.count == 2 ? rest->factor : 0, &left) ||
        linear->factor == -1 || left % linear->factor != 0 || left / linear->factor < 0)
        return false;
    *symbol = atom->name;
    *solution = left / linear->factor;
    return true;
}
