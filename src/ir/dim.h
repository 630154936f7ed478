/* SPDX-License-Identifier: Apache-2.0
 *
 * Dimensions: integers or symbolic expressions over named dimensions ("batch", "2*seq + 1").
 * Expressions are kept in a canonical form and stored once, so equal dimensions have equal
 * handles: compare with ==. Different handles may still be equal for some bindings.
 */
#ifndef C2S_IR_DIM_H
#define C2S_IR_DIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Above C2S_DIM_SYMBOLIC: the integer itself (extents are >= 0; the same type also holds elements
 * of shape tensors, which may be negative). At or below: an expression of a c2s_dims table. */
typedef int64_t c2s_dim;
#define C2S_DIM_SYMBOLIC (-((int64_t)1 << 62))

static inline bool c2s_dim_is_known(c2s_dim dim) {
    return dim > C2S_DIM_SYMBOLIC;
}
/* A dimension that c2s_dim_fresh made: equal to itself, related to nothing else. */
static inline bool c2s_dim_is_fresh(c2s_dim dim) {
    return !c2s_dim_is_known(dim) && ((uint64_t)dim & 1);
}

typedef struct c2s_dims c2s_dims; /* the expressions of one model */
c2s_dims *c2s_dims_create(void);
c2s_dims *c2s_dims_copy(const c2s_dims *dims); /* handles mean the same in the copy */
void c2s_dims_destroy(c2s_dims *dims);

/* The dimension of that name; an extent, so never negative. */
c2s_dim c2s_dim_symbol(c2s_dims *dims, const char *name);
/* An extent equal to no other: data-dependent or not understood. Named "unk__1", ... */
c2s_dim c2s_dim_fresh(c2s_dims *dims);
/* The same for an element of a shape tensor, which may be any integer. */
c2s_dim c2s_dim_unknown(c2s_dims *dims);

/* Integer arithmetic. What cannot be represented (overflow, division by an expression that is not
 * known to be non-zero, too many terms) becomes an unknown integer. */
c2s_dim c2s_dim_add(c2s_dims *dims, c2s_dim a, c2s_dim b);
c2s_dim c2s_dim_sub(c2s_dims *dims, c2s_dim a, c2s_dim b);
c2s_dim c2s_dim_mul(c2s_dims *dims, c2s_dim a, c2s_dim b);
c2s_dim c2s_dim_floordiv(c2s_dims *dims, c2s_dim a, c2s_dim b); /* rounds to minus infinity */
c2s_dim c2s_dim_ceildiv(c2s_dims *dims, c2s_dim a, c2s_dim b);
c2s_dim c2s_dim_mod(c2s_dims *dims, c2s_dim a, c2s_dim b);      /* sign of b */
c2s_dim c2s_dim_min(c2s_dims *dims, c2s_dim a, c2s_dim b);
c2s_dim c2s_dim_max(c2s_dims *dims, c2s_dim a, c2s_dim b);

/* a / b if b divides a for every binding (batch*12 / 4 = batch*3), else false. */
bool c2s_dim_divides(c2s_dims *dims, c2s_dim a, c2s_dim b, c2s_dim *quotient);

/* Text such as "batch*8 + 1"; valid as long as the table. Fresh dimensions give their name. */
const char *c2s_dim_text(c2s_dims *dims, c2s_dim dim);
/* Reads that text again; an unknown identifier becomes a symbol. False: not an expression. */
bool c2s_dim_parse(c2s_dims *dims, const char *text, c2s_dim *out);

/* Replaces symbols: `value_of` returns the dimension for a symbol's name, or the same dimension. */
c2s_dim c2s_dim_substitute(c2s_dims *dims, c2s_dim dim,
                           c2s_dim (*value_of)(void *user, const char *name, c2s_dim same),
                           void *user);

/* The symbol and its value for which `dim` is `value`, if there is one symbol in it and it enters
 * linearly (batch, 12*batch + 1). False: no such expression, or no extent solves it. */
bool c2s_dim_solve(const c2s_dims *dims, c2s_dim dim, int64_t value, const char **symbol,
                   int64_t *solution);
/* The same expression in another table. */
c2s_dim c2s_dim_import(c2s_dims *to, const c2s_dims *from, c2s_dim dim);

#endif
