/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/dim_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

c2s_dim_expression *c2s_dims_lookup(const c2s_dims *dims, c2s_dim dim) {
    return &dims->expressions.at[((uint64_t)dim - (uint64_t)INT64_MIN) / 2];
}

unsigned c2s_dims_depth(const c2s_dims *dims, c2s_dim dim) {
    return c2s_dim_is_known(dim) ? 0 : c2s_dims_lookup(dims, dim)->depth;
}

/* ---- interning ---- */

static uint64_t hash_terms(const c2s_dim_term *terms, unsigned count) {
    return c2s_hash_bytes(terms, count * sizeof *terms, count);
}

static c2s_dim intern(c2s_dims *dims, const c2s_polynomial *p, bool fresh) {
    uint64_t key = hash_terms(p->terms, p->count);
    for (;; key++) {
        size_t found = (size_t)(uintptr_t)c2s_map_get_u64(&dims->by_hash, key);
        if (!found)
            break;
        c2s_dim_expression *e = &dims->expressions.at[found - 1];
        if (e->count == p->count &&
            memcmp(e->terms, p->terms, p->count * sizeof(c2s_dim_term)) == 0)
            return handle(found - 1, e->fresh);
    }
    c2s_dim_expression e = {.count = p->count, .fresh = fresh};
    e.terms =
        (c2s_dim_term *)c2s_arena_memdup(dims->arena, p->terms, p->count * sizeof(c2s_dim_term));
    for (unsigned i = 0; i < p->count; i++)
        for (unsigned j = 0; j < p->terms[i].degree; j++) {
            unsigned depth = dims->atoms.at[p->terms[i].atom[j]].depth;
            e.depth = depth > e.depth ? depth : e.depth;
        }
    c2s_vec_push(&dims->expressions, e);
    c2s_map_put_u64(&dims->by_hash, key, (void *)(uintptr_t)dims->expressions.count);
    return handle(dims->expressions.count - 1, fresh);
}

static unsigned intern_atom(c2s_dims *dims, const c2s_dim_atom *wanted) {
    uint64_t key =
        wanted->kind == C2S_ATOM_SYMBOL
            ? c2s_hash_bytes(wanted->name, strlen(wanted->name), C2S_ATOM_SYMBOL)
            : c2s_hash_mix(c2s_hash_mix((uint64_t)wanted->a, (uint64_t)wanted->b), wanted->kind);
    for (;; key++) {
        size_t found = (size_t)(uintptr_t)c2s_map_get_u64(&dims->atom_by_hash, key);
        if (!found)
            break;
        const c2s_dim_atom *a = &dims->atoms.at[found - 1];
        if (a->kind == wanted->kind && a->a == wanted->a && a->b == wanted->b &&
            (a->kind != C2S_ATOM_SYMBOL || strcmp(a->name, wanted->name) == 0))
            return (unsigned)(found - 1);
    }
    c2s_vec_push(&dims->atoms, *wanted);
    c2s_map_put_u64(&dims->atom_by_hash, key, (void *)(uintptr_t)dims->atoms.count);
    return (unsigned)(dims->atoms.count - 1);
}

/* ---- polynomials ---- */

c2s_polynomial c2s_polynomial_of(const c2s_dims *dims, c2s_dim dim) {
    c2s_polynomial p = {0};
    if (!c2s_dim_is_known(dim)) {
        const c2s_dim_expression *e = c2s_dims_lookup(dims, dim);
        p.count = e->count;
        memcpy(p.terms, e->terms, e->count * sizeof(c2s_dim_term));
    } else if (dim != 0) {
        p.count = 1;
        p.terms[0].factor = dim;
    }
    return p;
}

/* Constants last, otherwise by atoms: "2*batch + 1". */
static int compare_atoms(const c2s_dim_term *a, const c2s_dim_term *b) {
    if (a->degree != b->degree)
        return a->degree > b->degree ? -1 : 1;
    return memcmp(a->atom, b->atom, sizeof a->atom);
}

void c2s_polynomial_add(c2s_polynomial *p, const c2s_dim_term *t) {
    unsigned i = 0;
    while (i < p->count && compare_atoms(&p->terms[i], t) < 0)
        i++;
    if (i < p->count && compare_atoms(&p->terms[i], t) == 0) {
        if (!c2s_add_i64(p->terms[i].factor, t->factor, &p->terms[i].factor))
            p->overflow = true;
        if (p->terms[i].factor == 0) {
            p->count--;
            memmove(&p->terms[i], &p->terms[i + 1], (p->count - i) * sizeof(c2s_dim_term));
            memset(&p->terms[p->count], 0, sizeof(c2s_dim_term));
        }
        return;
    }
    if (p->count == C2S_MAX_TERMS) {
        p->overflow = true;
        return;
    }
    memmove(&p->terms[i + 1], &p->terms[i], (p->count - i) * sizeof(c2s_dim_term));
    p->terms[i] = *t;
    p->count++;
}

static int compare_unsigned(const void *a, const void *b) {
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

bool c2s_term_mul(const c2s_dim_term *a, const c2s_dim_term *b, c2s_dim_term *out) {
    *out = (c2s_dim_term){.degree = a->degree + b->degree};
    if (out->degree > C2S_MAX_DEGREE || !c2s_mul_i64(a->factor, b->factor, &out->factor))
        return false;
    memcpy(out->atom, a->atom, a->degree * sizeof a->atom[0]);
    memcpy(out->atom + a->degree, b->atom, b->degree * sizeof b->atom[0]);
    qsort(out->atom, out->degree, sizeof out->atom[0], compare_unsigned);
    return true;
}

/* A factor may be taken for a dimension of its own: it stays within what a known one can be. */
static bool has_known_factors(const c2s_polynomial *p) {
    for (unsigned i = 0; i < p->count; i++)
        if (p->terms[i].factor <= C2S_DIM_SYMBOLIC || p->terms[i].factor >= -C2S_DIM_SYMBOLIC)
            return false;
    return true;
}

c2s_dim c2s_polynomial_dim(c2s_dims *dims, const c2s_polynomial *p) {
    if (p->overflow || !has_known_factors(p))
        return c2s_dim_unknown(dims);
    if (p->count == 0)
        return 0;
    if (p->count == 1 && p->terms[0].degree == 0)
        return p->terms[0].factor;
    return intern(dims, p, false);
}

c2s_dim c2s_dims_from_atom(c2s_dims *dims, const c2s_dim_atom *a, bool fresh) {
    c2s_polynomial p = {.count = 1};
    p.terms[0] = (c2s_dim_term){.factor = 1, .degree = 1, .atom = {intern_atom(dims, a)}};
    return intern(dims, &p, fresh);
}

c2s_dim c2s_dim_symbol(c2s_dims *dims, const char *name) {
    c2s_dim_atom a = {.kind = C2S_ATOM_SYMBOL, .name = name, .range = {0, INT64_MAX}};
    size_t before = dims->atoms.count;
    unsigned index = intern_atom(dims, &a);
    if (index >= before)
        dims->atoms.at[index].name = c2s_arena_strdup(dims->arena, name);
    a.name = dims->atoms.at[index].name;
    return c2s_dims_from_atom(dims, &a, false);
}

static c2s_dim make_fresh(c2s_dims *dims, c2s_dim_bounds range) {
    char name[32];
    for (;;) {
        snprintf(name, sizeof name, "unk__%u", ++dims->fresh_count);
        c2s_dim_atom a = {.kind = C2S_ATOM_SYMBOL, .name = name, .range = range};
        size_t before = dims->atoms.count;
        unsigned index = intern_atom(dims, &a);
        if (index < before)
            continue; /* the file uses that name for something else */
        a.name = dims->atoms.at[index].name = c2s_arena_strdup(dims->arena, name);
        return c2s_dims_from_atom(dims, &a, true);
    }
}

c2s_dim c2s_dim_fresh(c2s_dims *dims) {
    return make_fresh(dims, (c2s_dim_bounds){0, INT64_MAX});
}

c2s_dim c2s_dim_unknown(c2s_dims *dims) {
    return make_fresh(dims, (c2s_dim_bounds){INT64_MIN, INT64_MAX});
}

c2s_dims *c2s_dims_copy(const c2s_dims *dims) {
    c2s_dims *copy = c2s_dims_create();
    copy->fresh_count = dims->fresh_count;
    for (size_t i = 0; i < dims->atoms.count; i++) {
        c2s_dim_atom a = dims->atoms.at[i];
        if (a.name)
            a.name = c2s_arena_strdup(copy->arena, a.name);
        intern_atom(copy, &a);
    }
    for (size_t i = 0; i < dims->expressions.count; i++) {
        const c2s_dim_expression *e = &dims->expressions.at[i];
        c2s_polynomial p = {.count = e->count};
        memcpy(p.terms, e->terms, e->count * sizeof(c2s_dim_term));
        intern(copy, &p, e->fresh);
    }
    return copy;
}
