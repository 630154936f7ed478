/* SPDX-License-Identifier: Apache-2.0
 *
 * The types of an operator version (ops/op_versions.h) as sets, and values of other element types.
 */
#ifndef C2S_TESTS_DECLARED_TYPES_H
#define C2S_TESTS_DECLARED_TYPES_H

#include <math.h>
#include <string.h>

#include "ir/tensor.h"
#include "ops/op_versions.h"
#include "shared.h"

/* How an element type is wrapped. */
enum { TYPE_TENSOR, TYPE_SEQUENCE, TYPE_OPTIONAL, TYPE_OPTIONAL_SEQUENCE, TYPE_FORMS };
enum { TYPE_SLOTS = 16, TYPE_KEY = 32 };

typedef struct declared_slot {
    bool like_first;
    char key[TYPE_KEY]; /* the letters without brackets; slots of one key may always be alike */
    uint64_t dtypes[TYPE_FORMS]; /* bit per element type */
} declared_slot;

typedef struct declared {
    declared_slot in[TYPE_SLOTS], out[TYPE_SLOTS];
    unsigned in_count, out_count;
    bool in_any, out_any; /* the last slot stands for any number */
} declared;

static inline uint64_t letter_dtypes(char letter) {
    static const struct {
        char letter;
        const char *names;
    } letters[] = {{'f', "float"},
                   {'d', "double"},
                   {'h', "float16"},
                   {'b', "bfloat16"},
                   {'i', "int32"},
                   {'l', "int64"},
                   {'w', "int16"},
                   {'c', "int8"},
                   {'t', "bool"},
                   {'s', "string"},
                   {'z', "complex64"},
                   {'y', "complex128"},
                   {'I', "uint32"},
                   {'L', "uint64"},
                   {'W', "uint16"},
                   {'C', "uint8"},
                   {'e', "float4e2m1"},
                   {'x', "float8e8m0"},
                   {'8', "float8e4m3fn float8e4m3fnuz float8e5m2 float8e5m2fnuz"},
                   {'4', "int4 uint4"},
                   {'2', "int2 uint2"}};
    const char *sets[] = {"Rhfd", "NcwilCWIL", "ARNtszy"};
    uint64_t found = 0;
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++)
        if (sets[k][0] == letter)
            for (const char *member = sets[k] + 1; *member; member++)
                found |= letter_dtypes(*member);
    for (size_t k = 0; k < sizeof letters / sizeof *letters; k++) {
        char names[80], *rest = names;
        snprintf(names, sizeof names, "%s", letters[k].names);
        if (letters[k].letter == letter)
            for (char *name; (name = strtok_r(rest, " ", &rest)) != NULL;) {
                const c2s_dtype dtype = c2s_dtype_from_name(name);
                if (!dtype)
                    fail_msg("no element type is called %s", name);
                found |= UINT64_C(1) << dtype;
            }
    }
    return found;
}

/* One slot; `text` moves to the ',', '>' or end behind it. */
static inline declared_slot declared_slot_read(const char **text, bool *any) {
    declared_slot slot = {0};
    int form = TYPE_TENSOR;
    size_t length = 0;
    for (; **text && !strchr(",>", **text); ++*text) {
        const char c = **text;
        if (c == '(')
            form = TYPE_OPTIONAL;
        else if (c == '[')
            form = form == TYPE_OPTIONAL ? TYPE_OPTIONAL_SEQUENCE : TYPE_SEQUENCE;
        else if (c == ']')
            form = form == TYPE_OPTIONAL_SEQUENCE ? TYPE_OPTIONAL : TYPE_TENSOR;
        else if (c == ')')
            form = TYPE_TENSOR;
        else if (c == '=')
            slot.like_first = true;
        else if (c == '*')
            *any = true;
        else {
            slot.dtypes[form] |= letter_dtypes(c);
            if (!strchr(slot.key, c) && length + 1 < TYPE_KEY)
                slot.key[length++] = c;
        }
    }
    return slot;
}

static inline void declared_read(const char *text, declared *d) {
    memset(d, 0, sizeof *d);
    while (*text != '>') {
        d->in[d->in_count++] = declared_slot_read(&text, &d->in_any);
        text += *text == ',';
    }
    text++;
    while (*text) {
        d->out[d->out_count++] = declared_slot_read(&text, &d->out_any);
        text += *text == ',';
    }
    assert_in_range(d->in_count, 0, TYPE_SLOTS);
    for (unsigned k = 0; k < TYPE_SLOTS; k++) {
        if (d->in[k].like_first)
            memcpy(d->in[k].dtypes, d->in[0].dtypes, sizeof d->in[k].dtypes);
        if (d->out[k].like_first && d->in_count)
            memcpy(d->out[k].dtypes, d->in[0].dtypes, sizeof d->out[k].dtypes);
    }
}

/* The slot of an operand; NULL if there is none. */
static inline const declared_slot *declared_in(const declared *d, unsigned k) {
    return k < d->in_count ? &d->in[k] : d->in_any && d->in_count ? &d->in[d->in_count - 1] : NULL;
}

static inline const declared_slot *declared_out(const declared *d, unsigned k) {
    return k < d->out_count             ? &d->out[k]
           : d->out_any && d->out_count ? &d->out[d->out_count - 1]
                                        : NULL;
}

/* ---- types ---- */

static inline int type_form(const c2s_type *type) {
    if (type->kind == C2S_KIND_SEQUENCE)
        return TYPE_SEQUENCE;
    if (type->kind != C2S_KIND_OPTIONAL)
        return TYPE_TENSOR;
    return type->element && type->element->kind == C2S_KIND_SEQUENCE ? TYPE_OPTIONAL_SEQUENCE
                                                                     : TYPE_OPTIONAL;
}

/* The element type inside of all wrapping. */
static inline c2s_dtype type_dtype(const c2s_type *type) {
    while (type->element)
        type = type->element;
    return type->dtype;
}

/* ---- values ---- */

/* Element k as a number that is in every numeric type of the same sign, more or less. */
static inline double value_number(const c2s_tensor *in, size_t k, c2s_dtype to) {
    double value = c2s_tensor_f64_at(in, k);
    if (in->type.dtype == C2S_STRING || !isfinite(value))
        value = (double)(k % 2);
    if (c2s_dtype_is_integer(to)) {
        const int bits = (int)c2s_dtype_bits(to) - c2s_dtype_is_signed(to);
        const double most = ldexp(1, bits) - (bits > 52 ? ldexp(1, bits - 53) : 1);
        const double least = c2s_dtype_is_signed(to) ? -ldexp(1, bits) : 0;
        value = trunc(fmin(fmax(value, least), most));
    }
    return to == C2S_BOOL ? value != 0 : value;
}

static inline void value_complex(const c2s_tensor *in, c2s_tensor *out) {
    const bool is_wide = out->type.dtype == C2S_COMPLEX128;
    void *data = c2s_tensor_mutable(out);
    for (size_t k = 0; k < 2 * out->count; k++) {
        const double part = k % 2 ? 0 : value_number(in, k / 2, out->type.dtype);
        if (is_wide)
            ((double *)data)[k] = part;
        else
            ((float *)data)[k] = (float)part;
    }
}

static inline void value_text(const c2s_tensor *in, c2s_tensor **out) {
    char *text = calloc(in->count + 1, 32);
    c2s_string *strings = calloc(in->count + 1, sizeof *strings);
    assert_true(text && strings);
    for (size_t k = 0; k < in->count; k++) {
        const int length = snprintf(text + 32 * k, 32, "%.6g", value_number(in, k, C2S_DOUBLE));
        strings[k] = (c2s_string){text + 32 * k, (size_t)length};
    }
    assert_int_equal(c2s_tensor_strings(in->type.rank, in->type.dim, strings, out), C2S_OK);
    free(strings);
    free(text);
}

/* The same value with elements of another type, clipped to its range: a new reference. */
static inline c2s_tensor *value_as(const c2s_tensor *in, c2s_dtype to) {
    c2s_tensor *out = NULL;
    if (type_dtype(&in->type) == to)
        return c2s_tensor_ref(in);
    if (in->type.kind != C2S_KIND_TENSOR) {
        c2s_tensor **items = calloc(in->count + 1, sizeof *items);
        c2s_type element = in->type.element ? *in->type.element : c2s_type_scalar(to), inner;
        assert_non_null(items);
        if (element.element) {
            inner = *element.element;
            inner.dtype = to;
            element.element = &inner;
        } else {
            element.dtype = to;
        }
        for (size_t k = 0; k < in->count; k++)
            items[k] = value_as(c2s_tensor_item(in, k), to);
        if (in->count)
            element = items[0]->type;
        assert_int_equal(c2s_tensor_sequence(in->type.kind, &element, in->count, items, &out), 0);
        for (size_t k = 0; k < in->count; k++)
            c2s_tensor_unref(items[k]);
        free(items);
        return out;
    }
    if (to == C2S_STRING) {
        value_text(in, &out);
        return out;
    }
    if (to == C2S_COMPLEX64 || to == C2S_COMPLEX128) {
        assert_int_equal(c2s_tensor_create(to, in->type.rank, in->type.dim, &out), C2S_OK);
        value_complex(in, out);
        return out;
    }
    double *values = calloc(in->count + 1, sizeof *values);
    assert_non_null(values);
    for (size_t k = 0; k < in->count; k++)
        values[k] = value_number(in, k, to);
    assert_int_equal(c2s_tensor_from_f64(to, in->type.rank, in->type.dim, values, &out), C2S_OK);
    free(values);
    return out;
}

#endif
