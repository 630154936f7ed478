/* SPDX-License-Identifier: Apache-2.0
 *
 * What expressions of rule files come to at a match: numbers, element types, texts, lists of these.
 */
#ifndef C2S_PASSES_CUSTOM_TERM_H
#define C2S_PASSES_CUSTOM_TERM_H

#include "ir/dim.h"
#include "ir/tensor.h"

/* Most elements of a list that an expression works with. */
#define C2S_LIST_MOST 32

typedef enum c2s_scalar_kind {
    C2S_SCALAR_INT, /* possibly symbolic */
    C2S_SCALAR_FLOAT,
    C2S_SCALAR_TEXT,
    C2S_SCALAR_DTYPE
} c2s_scalar_kind;

typedef struct c2s_scalar {
    c2s_scalar_kind kind;
    c2s_dtype dtype;
    c2s_dim integer;
    double number; /* of integers too, where known */
    double slack;  /* relative: how far equal floats may be apart */
    c2s_string text;
} c2s_scalar;

typedef enum c2s_term_kind {
    C2S_TERM_UNKNOWN, /* not known, or there is none: `why` */
    C2S_TERM_TRUTH,
    C2S_TERM_SCALAR, /* at[0] */
    C2S_TERM_LIST,   /* at[0 .. count) */
    C2S_TERM_CONTENT /* a tensor that is too large or has too many axes for a list */
} c2s_term_kind;

typedef struct c2s_term {
    c2s_term_kind kind;
    bool truth;
    const char *why;
    c2s_dtype typed; /* asked for with float(...); C2S_UNDEFINED: not */
    const c2s_tensor *content;
    unsigned count;
    c2s_scalar at[C2S_LIST_MOST];
} c2s_term;

c2s_scalar c2s_scalar_int(c2s_dim value);
c2s_scalar c2s_scalar_float(double value, c2s_dtype held_as);
/* Element of a tensor of real numbers or bools. */
c2s_scalar c2s_scalar_of(const c2s_tensor *tensor, size_t index);

void c2s_term_set_unknown(c2s_term *out, const char *why);
void c2s_term_set_truth(c2s_term *out, bool truth);
void c2s_term_set_scalar(c2s_term *out, c2s_scalar scalar);
void c2s_term_set_int(c2s_term *out, c2s_dim value);

/* a op b with op one of + - * / % (quotients round down): lists of equal length element by element,
 * or one of them a single number. */
void c2s_term_combine(c2s_dims *dims, char op, const c2s_term *a, const c2s_term *b, c2s_term *out);
/* Whether a op b holds, op as C2S_EXPR_BINARY has it. A list compares with a number by all of its
 * elements, with a list one by one. */
void c2s_term_compare(char op, const c2s_term *a, const c2s_term *b, c2s_term *out);
/* All elements are whole numbers. */
bool c2s_term_is_whole(const c2s_term *term);
/* All are known numbers; whole ones if the type holds no others. */
bool c2s_term_fits(const c2s_term *term, c2s_dtype dtype);
/* Such as "[0, 2, 1]"; returns buffer. */
const char *c2s_term_text(c2s_dims *dims, const c2s_term *term, char *buffer, size_t size);

#endif
