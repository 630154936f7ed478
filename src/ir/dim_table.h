/* SPDX-License-Identifier: Apache-2.0
 *
 * The table behind ir/dim.h, for the files that implement it. An expression is a polynomial: a sum
 * of terms, each an integer times a product of atoms. An atom is a symbol or one of floor(a/b),
 * mod, min, max over expressions. Terms and atoms are sorted and each expression is stored once, so
 * structural equality is equality of handles.
 */
#ifndef C2S_IR_DIM_TABLE_H
#define C2S_IR_DIM_TABLE_H

#include "base/map.h"
#include "base/memory.h"
#include "base/vec.h"
#include "ir/dim.h"

enum { C2S_MAX_TERMS = 12, C2S_MAX_DEGREE = 6, C2S_MAX_DIM_DEPTH = 40 };

typedef struct c2s_dim_term {
    int64_t factor;
    unsigned degree;
    unsigned atom[C2S_MAX_DEGREE]; /* sorted, repeated for powers, 0 beyond degree */
} c2s_dim_term;

typedef struct c2s_polynomial {
    unsigned count;
    c2s_dim_term terms[C2S_MAX_TERMS];
    bool overflow; /* of integers or of the limits above */
} c2s_polynomial;

typedef struct c2s_dim_expression {
    unsigned count, depth;
    c2s_dim_term *terms;
    const char *text; /* made on demand */
    bool fresh;
} c2s_dim_expression;

typedef enum c2s_atom_kind {
    C2S_ATOM_SYMBOL,
    C2S_ATOM_FLOOR,
    C2S_ATOM_MOD,
    C2S_ATOM_MIN,
    C2S_ATOM_MAX
} c2s_atom_kind;

/* What an expression is at least and at most; INT64_MIN and INT64_MAX: unbounded. */
typedef struct c2s_dim_bounds {
    int64_t low, high;
} c2s_dim_bounds;

typedef struct atom {
    c2s_atom_kind kind;
    const char *name; /* of a symbol */
    c2s_dim a, b;     /* of the others */
    unsigned depth;
    c2s_dim_bounds range;
} c2s_dim_atom;

struct c2s_dims {
    c2s_arena *arena;
    C2S_VEC(c2s_dim_expression) expressions;
    C2S_VEC(c2s_dim_atom) atoms;
    c2s_map by_hash; /* hash -> expression index + 1; equal hashes are probed by hash + 1, ... */
    c2s_map atom_by_hash;
    unsigned fresh_count;
};

c2s_dim_expression *c2s_dims_lookup(const c2s_dims *dims, c2s_dim dim); /* of a symbolic one */
unsigned c2s_dims_depth(const c2s_dims *dims, c2s_dim dim);
/* The expression that is this atom alone. */
c2s_dim c2s_dims_from_atom(c2s_dims *dims, const c2s_dim_atom *a, bool fresh);

c2s_polynomial c2s_polynomial_of(const c2s_dims *dims, c2s_dim dim);
c2s_dim c2s_polynomial_dim(c2s_dims *dims, const c2s_polynomial *p);
void c2s_polynomial_add(c2s_polynomial *p, const c2s_dim_term *t);
bool c2s_term_mul(const c2s_dim_term *a, const c2s_dim_term *b,
                  c2s_dim_term *out); /* false: limits */

/* floor, mod, min or max of two dimensions. */
c2s_dim c2s_dim_apply(c2s_dims *dims, c2s_atom_kind kind, c2s_dim a, c2s_dim b);

#endif
