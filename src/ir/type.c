/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/type.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

c2s_type c2s_type_unknown(void) {
    return (c2s_type){.kind = C2S_KIND_UNKNOWN, .rank = -1};
}

c2s_type c2s_type_tensor(c2s_dtype dtype, int rank, const c2s_dim *dim) {
    assert(rank <= C2S_MAX_RANK);
    c2s_type type = {.kind = C2S_KIND_TENSOR, .dtype = dtype, .rank = rank};
    if (rank > 0)
        memcpy(type.dim, dim, (size_t)rank * sizeof *dim);
    return type;
}

c2s_type c2s_type_scalar(c2s_dtype dtype) {
    return c2s_type_tensor(dtype, 0, NULL);
}

bool c2s_type_is_tensor(const c2s_type *type) {
    return type->kind == C2S_KIND_TENSOR;
}

bool c2s_type_is_static(const c2s_type *type) {
    if (type->kind != C2S_KIND_TENSOR || type->rank < 0 || type->dtype == C2S_UNDEFINED)
        return false;
    for (int i = 0; i < type->rank; i++)
        if (!c2s_dim_is_known(type->dim[i]))
            return false;
    return true;
}

bool c2s_type_same_extents(const c2s_type *a, const c2s_type *b) {
    return a->kind == C2S_KIND_TENSOR && b->kind == C2S_KIND_TENSOR && a->rank >= 0 &&
           a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0;
}

bool c2s_type_elements(const c2s_type *type, size_t *count) {
    if (!c2s_type_is_static(type))
        return false;
    size_t n = 1;
    bool fits = true, empty = false;
    for (int i = 0; i < type->rank; i++) {
        if (type->dim[i] < 0)
            return false;
        empty |= type->dim[i] == 0;
        fits = fits && c2s_mul_size(n, (size_t)type->dim[i], &n);
    }
    *count = empty ? 0 : n;
    return empty || fits;
}

bool c2s_type_equal(const c2s_type *a, const c2s_type *b) {
    if (a->kind != b->kind || a->dtype != b->dtype)
        return false;
    if (a->kind == C2S_KIND_TENSOR || a->kind == C2S_KIND_SPARSE)
        return a->rank == b->rank &&
               (a->rank <= 0 || memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0);
    if (!a->element || !b->element)
        return a->element == b->element;
    return c2s_type_equal(a->element, b->element);
}

static bool merge_dims(c2s_type *into, const c2s_type *other) {
    bool agrees = true;
    for (int i = 0; i < into->rank; i++) {
        c2s_dim *mine = &into->dim[i], theirs = other->dim[i];
        if (c2s_dim_is_known(*mine)) {
            if (c2s_dim_is_known(theirs) && theirs != *mine)
                agrees = false;
        } else if (c2s_dim_is_known(theirs) || c2s_dim_is_fresh(*mine)) {
            *mine = theirs;
        }
    }
    return agrees;
}

bool c2s_type_merge(c2s_type *into, const c2s_type *other) {
    if (other->kind == C2S_KIND_UNKNOWN)
        return true;
    if (into->kind == C2S_KIND_UNKNOWN) {
        *into = *other;
        return true;
    }
    if (into->kind != other->kind)
        return false;
    if (into->dtype == C2S_UNDEFINED)
        into->dtype = other->dtype;
    else if (other->dtype != C2S_UNDEFINED && other->dtype != into->dtype)
        return false;
    if (into->kind != C2S_KIND_TENSOR && into->kind != C2S_KIND_SPARSE) {
        if (!into->element)
            into->element = other->element;
        return true;
    }
    if (other->rank < 0)
        return true;
    if (into->rank < 0) {
        into->rank = other->rank;
        memcpy(into->dim, other->dim, sizeof into->dim);
        return true;
    }
    return into->rank == other->rank && merge_dims(into, other);
}

typedef struct text {
    char *buffer;
    size_t size, used;
} text;

static void append(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(text *t, const char *format, ...) {
    if (t->used >= t->size)
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->buffer + t->used, t->size - t->used, format, args);
    va_end(args);
    if (n > 0)
        t->used += (size_t)n;
}

static void append_type(text *t, c2s_dims *dims, const c2s_type *type) {
    static const char *const container[] = {
        [C2S_KIND_SEQUENCE] = "seq", [C2S_KIND_OPTIONAL] = "optional", [C2S_KIND_MAP] = "map"};
    switch (type->kind) {
    case C2S_KIND_UNKNOWN:
        append(t, "?");
        return;
    case C2S_KIND_OPAQUE:
        append(t, "opaque");
        return;
    case C2S_KIND_SEQUENCE:
    case C2S_KIND_OPTIONAL:
    case C2S_KIND_MAP:
        append(t, "%s(", container[type->kind]);
        if (type->kind == C2S_KIND_MAP)
            append(t, "%s, ", c2s_dtype_name(type->dtype));
        if (type->element)
            append_type(t, dims, type->element);
        else
            append(t, "?");
        append(t, ")");
        return;
    case C2S_KIND_SPARSE:
        append(t, "sparse_tensor(");
        break;
    case C2S_KIND_TENSOR:
        break;
    }
    append(t, "%s", type->dtype == C2S_UNDEFINED ? "?" : c2s_dtype_name(type->dtype));
    if (type->rank != 0) { /* a scalar has no brackets; empty ones stand for an unknown rank */
        append(t, "[");
        for (int i = 0; i < type->rank; i++)
            append(t, "%s%s", i ? "," : "", c2s_dim_text(dims, type->dim[i]));
        append(t, "]");
    }
    if (type->kind == C2S_KIND_SPARSE)
        append(t, ")");
}

const char *c2s_type_text(c2s_dims *dims, const c2s_type *type, char *buffer, size_t size) {
    text t = {buffer, size, 0};
    assert(size > 0);
    buffer[0] = '\0';
    append_type(&t, dims, type);
    return buffer;
}
