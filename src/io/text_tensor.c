/* SPDX-License-Identifier: Apache-2.0 */
#include "io/text_tensor.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "ir/convert.h"

enum { MAX_NESTING = 8 };

/* ---- types ---- */

static const struct {
    const char *name;
    c2s_kind kind;
} containers[] = {{"seq", C2S_KIND_SEQUENCE},
                  {"optional", C2S_KIND_OPTIONAL},
                  {"map", C2S_KIND_MAP},
                  {"sparse_tensor", C2S_KIND_SPARSE}};

static c2s_kind container_kind(const char *name) {
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
        if (strcmp(containers[i].name, name) == 0)
            return containers[i].kind;
    return C2S_KIND_UNKNOWN;
}

bool c2s_text_is_type(c2s_lexer *l) {
    if (c2s_lex_peek(l) == '?')
        return true;
    if (!c2s_lex_is_word(l))
        return false;
    const char *start = l->at, *name;
    bool is = c2s_lex_name(l, &name) == C2S_OK &&
              (c2s_dtype_from_name(name) != C2S_UNDEFINED ||
               (container_kind(name) != C2S_KIND_UNKNOWN && c2s_lex_peek(l) == '('));
    l->at = start;
    return is;
}

static c2s_status read_dim(c2s_lexer *l, c2s_dims *dims, c2s_dim *out) {
    if (c2s_lex_take(l, "?")) {
        *out = c2s_dim_fresh(dims);
        return C2S_OK;
    }
    if (c2s_lex_is_number(l) && !c2s_lex_is_word(l)) { /* a symbol may be called inf */
        C2S_TRY(c2s_lex_integer(l, out));
        return *out >= 0 && *out < -C2S_DIM_SYMBOLIC
                   ? C2S_OK
                   : c2s_lex_expected(l, "a dimension >= 0 before this");
    }
    const char *text;
    C2S_TRY(c2s_lex_name(l, &text));
    if (!c2s_dim_parse(dims, text, out))
        *out = c2s_dim_symbol(dims, text);
    return !c2s_dim_is_known(*out) || *out >= 0
               ? C2S_OK
               : c2s_lex_expected(l, "a dimension >= 0 before this");
}

static c2s_status read_shape(c2s_lexer *l, c2s_dims *dims, c2s_type *type) {
    type->rank = 0;
    if (!c2s_lex_take(l, "["))
        return C2S_OK;
    if (c2s_lex_take(l, "]")) {
        type->rank = -1;
        return C2S_OK;
    }
    do {
        if (type->rank == C2S_MAX_RANK)
            return c2s_lex_expected(l, "at most %d dimensions", C2S_MAX_RANK);
        C2S_TRY(read_dim(l, dims, &type->dim[type->rank++]));
    } while (c2s_lex_take(l, ","));
    return c2s_lex_need(l, "]");
}

static c2s_status read_type(c2s_lexer *l, c2s_dims *dims, unsigned depth, c2s_type *out) {
    *out = c2s_type_unknown();
    if (depth > MAX_NESTING)
        return c2s_lex_expected(l, "types nested at most %d deep", MAX_NESTING);
    if (c2s_lex_take(l, "?"))
        return C2S_OK;
    const char *name;
    C2S_TRY(c2s_lex_name(l, &name));
    out->kind = container_kind(name);
    if (out->kind == C2S_KIND_UNKNOWN) {
        *out = c2s_type_scalar(c2s_dtype_from_name(name));
        if (out->dtype == C2S_UNDEFINED)
            return c2s_lex_expected(l, "the name of a type before this");
        return read_shape(l, dims, out);
    }
    C2S_TRY(c2s_lex_need(l, "("));
    if (out->kind == C2S_KIND_MAP) {
        C2S_TRY(c2s_lex_name(l, &name));
        out->dtype = c2s_dtype_from_name(name);
        C2S_TRY(c2s_lex_need(l, ","));
    }
    c2s_type *element = c2s_arena_alloc(l->arena, sizeof *element);
    C2S_TRY(read_type(l, dims, depth + 1, element));
    if (out->kind == C2S_KIND_SPARSE) {
        *out = *element;
        out->kind = C2S_KIND_SPARSE;
    } else {
        out->element = element;
    }
    return c2s_lex_need(l, ")");
}

c2s_status c2s_text_read_type(c2s_lexer *l, c2s_dims *dims, c2s_type *out) {
    return read_type(l, dims, 0, out);
}

/* ---- contents ---- */

typedef C2S_VEC(c2s_lex_number) number_list;
typedef C2S_VEC(c2s_string) string_list;

/* The list grows with the text, not with what the type claims. */
static c2s_status read_list(c2s_lexer *l, bool strings, number_list *numbers, string_list *texts) {
    C2S_TRY(c2s_lex_need(l, "{"));
    while (!c2s_lex_take(l, "}")) {
        if (strings) {
            c2s_string text;
            C2S_TRY(c2s_lex_string(l, &text));
            c2s_vec_push(texts, text);
        } else {
            c2s_lex_number number;
            C2S_TRY(c2s_lex_take_number(l, &number));
            c2s_vec_push(numbers, number);
        }
        if (c2s_lex_peek(l) != '}')
            C2S_TRY(c2s_lex_need(l, ","));
    }
    return C2S_OK;
}

static bool fits(c2s_dtype dtype, const c2s_lex_number *n) {
    unsigned bits = c2s_dtype_bits(dtype);
    if (n->is_float)
        return false;
    if (dtype == C2S_BOOL)
        return !n->is_unsigned && (n->integer == 0 || n->integer == 1);
    if (c2s_dtype_is_signed(dtype)) {
        int64_t top = (int64_t)((UINT64_C(1) << (bits - 1)) - 1);
        return !n->is_unsigned && n->integer <= top && n->integer >= -top - 1;
    }
    return bits == 64
               ? n->is_unsigned || n->integer >= 0
               : !n->is_unsigned && n->integer >= 0 && (uint64_t)n->integer < UINT64_C(1) << bits;
}

static c2s_status store(c2s_lexer *l, const number_list *list, c2s_tensor *t) {
    c2s_dtype dtype = t->type.dtype;
    void *data = c2s_tensor_mutable(t);
    bool integers = c2s_dtype_is_integer(dtype) || dtype == C2S_BOOL;
    for (size_t i = 0; i < list->count; i++) {
        const c2s_lex_number *n = &list->at[i];
        if (integers && !fits(dtype, n))
            return c2s_lex_expected(l, "elements that %s can hold before this",
                                    c2s_dtype_name(dtype));
        if (dtype == C2S_COMPLEX64)
            ((float *)data)[i] = (float)n->number;
        else if (dtype == C2S_COMPLEX128)
            ((double *)data)[i] = n->number;
        else if (integers)
            c2s_store_i64(dtype, data, i, 1, &n->integer);
        else
            c2s_store_f64(dtype, data, i, 1, &n->number);
    }
    return C2S_OK;
}

c2s_status c2s_text_read_content(c2s_lexer *l, const c2s_type *type, c2s_tensor **out) {
    size_t count;
    *out = NULL;
    if (!c2s_type_elements(type, &count))
        return c2s_lex_expected(l, "a tensor type with known dimensions before its content");
    bool strings = type->dtype == C2S_STRING;
    bool complex_type = type->dtype == C2S_COMPLEX64 || type->dtype == C2S_COMPLEX128;
    number_list numbers = {0};
    string_list texts = {0};
    c2s_status status = read_list(l, strings, &numbers, &texts);
    size_t found = strings ? texts.count : complex_type ? numbers.count / 2 : numbers.count;
    if (status == C2S_OK && complex_type && numbers.count % 2 != 0)
        status = c2s_lex_expected(l, "two numbers for each element before this");
    if (status == C2S_OK && found != count)
        status = c2s_lex_expected(l, "%zu elements before this, not %zu", count, found);
    if (status == C2S_OK && strings) {
        status = c2s_tensor_strings(type->rank, type->dim, texts.at, out);
    } else if (status == C2S_OK) {
        status = c2s_tensor_create(type->dtype, type->rank, type->dim, out);
        if (status == C2S_OK)
            status = store(l, &numbers, *out);
    }
    if (status != C2S_OK) {
        c2s_tensor_unref(*out);
        *out = NULL;
    }
    c2s_vec_free(&numbers);
    c2s_vec_free(&texts);
    return status;
}
