/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: Cast to b, then Cast to c
 * After:  Cast to c, where every number of the first type is a number of b
 * Refuses when the way over b rounds, wraps or cuts, and a Cast to text, which shows the type.
 */
#include "passes/fuse/fuse.h"
#include "rewrite/builder.h"

enum { X = C2S_LETTER_A, Y };

/* What a type can hold exactly: integers of that many bits, with or without sign, or floats of so
 * many bits of precision between these powers of two (subnormals included). */
typedef struct range {
    bool is_float, is_signed;
    int bits;            /* integers: magnitude bits; floats: precision */
    int lowest, highest; /* floats: exponents of the smallest and beyond the largest number */
} range;

static bool range_of(c2s_dtype dtype, range *out) {
    switch (dtype) {
    case C2S_BOOL:
        *out = (range){.bits = 1};
        return true;
    case C2S_FLOAT:
        *out = (range){true, true, 24, -149, 128};
        return true;
    case C2S_DOUBLE:
        *out = (range){true, true, 53, -1074, 1024};
        return true;
    case C2S_FLOAT16:
        *out = (range){true, true, 11, -24, 16};
        return true;
    case C2S_BFLOAT16:
        *out = (range){true, true, 8, -133, 128};
        return true;
    default:
        if (!c2s_dtype_is_integer(dtype))
            return false;
        out->is_float = false;
        out->is_signed = c2s_dtype_is_signed(dtype);
        out->bits = (int)c2s_dtype_bits(dtype) - (out->is_signed ? 1 : 0);
        return true;
    }
}

static bool is_lossless(c2s_dtype from, c2s_dtype to) {
    range a, b;
    if (from == to)
        return true;
    if (!range_of(from, &a) || !range_of(to, &b) || to == C2S_BOOL)
        return false;
    if (a.is_float)
        return b.is_float && a.bits <= b.bits && a.lowest >= b.lowest && a.highest <= b.highest;
    /* The most negative integer is a power of two: one more bit of range, none of precision. */
    if (b.is_float)
        return a.bits <= b.bits && a.bits < b.highest;
    return a.bits <= b.bits && (!a.is_signed || b.is_signed);
}

static const char *refuse(const c2s_match *m) {
    if (m->root->outputs[0]->type.dtype == C2S_STRING)
        return "text shows the type between";
    return is_lossless(m->value[X]->type.dtype, m->value[Y]->type.dtype)
               ? NULL
               : "the type between does not hold every number";
}

static c2s_value *build(c2s_builder *b, const c2s_match *m) {
    if (m->value[X]->type.dtype == m->root->outputs[0]->type.dtype)
        return m->value[X];
    return c2s_build_finish(b, c2s_build_like(b, m->root, &m->value[X], 1));
}

static const c2s_pattern_row rows[] = {
    {.op = &c2s_op_cast, .out = Y, .in = {X}},
    {.op = &c2s_op_cast, .in = {Y}},
};
const c2s_rule c2s_rule_cast_cast = {.name = "cast-cast",
                                     .summary = "Cast of an exact Cast -> one Cast",
                                     C2S_ROWS(rows),
                                     .shared = C2S_BIT(Y),
                                     .refuse = refuse,
                                     .build = build};
