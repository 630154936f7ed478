/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/workspace.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/simd.h"
#include "base/threads.h"

/* Conversions are cut into pieces for the threads; a multiple of four elements, so that packed
 * types are cut between bytes. */
enum { PIECE = 1 << 14, PARALLEL_PIECES = 4 };

/* Header of an allocation; the array follows, aligned as the header is. */
typedef struct c2s_workspace_block {
    _Alignas(64) struct c2s_workspace_block *next;
    c2s_tensor *tensor; /* where the array goes in the end, or NULL */
    c2s_wide wide;
} block;

static void *array_of(block *b) {
    return b + 1;
}

void *c2s_workspace_array(c2s_workspace *ws, size_t count, size_t size) {
    size_t bytes;
    block *b = NULL;
    if (ws->status != C2S_OK)
        return NULL;
    if (c2s_mul_size(count, size, &bytes) && c2s_add_size(bytes, sizeof *b, &bytes))
        b = c2s_try_alloc_aligned(bytes);
    if (!b) {
        ws->status = c2s_fail_alloc(count, size);
        return NULL;
    }
    *b = (block){.next = ws->blocks};
    ws->blocks = b;
    return array_of(b);
}

static bool check_real(c2s_workspace *ws, const c2s_tensor *tensor) {
    const c2s_type *type = &tensor->type;
    if (ws->status == C2S_OK && (type->kind != C2S_KIND_TENSOR || !c2s_wide_of(type->dtype)))
        ws->status = c2s_fail(C2S_ERR_INVALID, "an operand has type %s, expected real numbers",
                              c2s_dtype_name(type->dtype));
    return ws->status == C2S_OK;
}

static size_t pieces_of(size_t count) {
    return (count + PIECE - 1) / PIECE;
}

typedef struct loading {
    c2s_wide wide;
    c2s_dtype dtype;
    const void *data;
    size_t count;
    char *copy;
} loading;

static void load_pieces(const void *context, size_t from, size_t to) {
    const loading *l = context;
    const size_t start = from * PIECE, end = to * PIECE < l->count ? to * PIECE : l->count;
    c2s_wide_load(l->wide, l->dtype, l->data, start, end - start,
                  l->copy + start * c2s_wide_size(l->wide));
}

const void *c2s_workspace_in(c2s_workspace *ws, c2s_wide wide, const c2s_tensor *tensor) {
    static const uint64_t none;
    if (!tensor || !check_real(ws, tensor))
        return NULL;
    const c2s_dtype dtype = tensor->type.dtype;
    const size_t count = tensor->count, size = c2s_wide_size(wide);
    if (count == 0)
        return &none;
    const void *data = c2s_tensor_data(tensor);
    if (c2s_wide_is_storage(wide, dtype))
        return data;
    char *copy = c2s_workspace_array(ws, count, size);
    const loading l = {wide, dtype, data, count, copy};
    if (copy)
        c2s_share(pieces_of(count), pieces_of(count) >= PARALLEL_PIECES, load_pieces, &l);
    return copy;
}

const int64_t *c2s_workspace_i64(c2s_workspace *ws, const c2s_tensor *tensor) {
    if (!tensor || !check_real(ws, tensor))
        return NULL;
    if (c2s_dtype_is_float(tensor->type.dtype)) {
        ws->status = c2s_fail(C2S_ERR_INVALID, "an operand has type %s, expected integers",
                              c2s_dtype_name(tensor->type.dtype));
        return NULL;
    }
    return c2s_workspace_in(ws, C2S_WIDE_I64, tensor);
}

c2s_status c2s_index_check(int64_t *index, int64_t extent) {
    if (*index < -extent || *index >= extent)
        return c2s_fail(C2S_ERR_INVALID,
                        "index %" PRId64 " is out of range, allowed are %" PRId64 " to %" PRId64,
                        *index, -extent, extent - 1);
    if (*index < 0)
        *index += extent;
    return C2S_OK;
}

/* Where extent is added to what is negative, everything allowed is below it as unsigned number. */
C2S_INLINE void wrap_loop(const int64_t *restrict given, size_t count, int64_t extent,
                          int64_t *restrict index, bool *outside) {
    uint64_t bad = 0;
    for (size_t k = 0; k < count; k++) {
        index[k] = given[k] + (given[k] < 0 ? extent : 0);
        bad |= (uint64_t)index[k] | ((uint64_t)extent - 1 - (uint64_t)index[k]);
    }
    *outside = bad >> 63;
}
C2S_SIMD(wrap, wrap_loop,
         (const int64_t *given, size_t count, int64_t extent, int64_t *index, bool *outside),
         (given, count, extent, index, outside))

const int64_t *c2s_workspace_indices(c2s_workspace *ws, const c2s_tensor *tensor, int64_t extent) {
    const int64_t *given = c2s_workspace_i64(ws, tensor);
    int64_t *index = given ? c2s_workspace_array(ws, tensor->count, sizeof *index) : NULL;
    const size_t count = index ? tensor->count : 0;
    bool outside = false;
    if (pieces_of(count) < PARALLEL_PIECES)
        wrap(given, count, extent, index, &outside);
    else
#pragma omp parallel for schedule(static) reduction(|| : outside)
        for (size_t start = 0; start < count; start += PIECE) {
            bool here;
            wrap(given + start, count - start < PIECE ? count - start : PIECE, extent,
                 index + start, &here);
            outside = outside || here;
        }
    for (size_t k = 0; outside && ws->status == C2S_OK; k++) {
        index[k] = given[k];
        ws->status = c2s_index_check(&index[k], extent);
    }
    return ws->status == C2S_OK ? index : NULL;
}

void *c2s_workspace_out(c2s_workspace *ws, c2s_wide wide, c2s_tensor *tensor) {
    if (!tensor || !check_real(ws, tensor))
        return NULL;
    if (c2s_wide_is_storage(wide, tensor->type.dtype) && tensor->count > 0)
        return c2s_tensor_mutable(tensor);
    void *at = c2s_workspace_array(ws, tensor->count, c2s_wide_size(wide));
    if (at) {
        ws->blocks->tensor = tensor;
        ws->blocks->wide = wide;
    }
    return at;
}

/* The least and greatest integers that the wide type holds and the dtype too. */
static void integer_range(c2s_wide wide, c2s_dtype dtype, double *least, double *most) {
    const int digits = wide == C2S_WIDE_F32 ? 24 : 53;
    const int bits = dtype == C2S_BOOL ? 1 : (int)c2s_dtype_bits(dtype);
    const bool is_signed = dtype != C2S_BOOL && c2s_dtype_is_signed(dtype);
    const int top = bits - (is_signed ? 1 : 0);
    *least = is_signed ? -ldexp(1, top) : 0;
    *most = ldexp(1, top) - ldexp(1, top > digits ? top - digits : 0);
}

#define SATURATE(name, type)                                                                       \
    static void name(type *values, size_t count, double least, double most) {                      \
        const type low = (type)least, high = (type)most;                                           \
        for (size_t k = 0; k < count; k++) {                                                       \
            const type v = values[k] < low ? low : values[k];                                      \
            values[k] = v > high ? high : v == v ? v : 0;                                          \
        }                                                                                          \
    }
SATURATE(saturate_f32, float)
SATURATE(saturate_f64, double)

typedef struct storing {
    c2s_wide wide;
    c2s_tensor *tensor;
    char *values;
    bool saturate;
    double least, most;
} storing;

static void store_pieces(const void *context, size_t from, size_t to) {
    const storing *s = context;
    const size_t count = s->tensor->count, start = from * PIECE,
                 n = (to * PIECE < count ? to * PIECE : count) - start;
    void *values = s->values + start * c2s_wide_size(s->wide);
    if (s->saturate && s->wide == C2S_WIDE_F32)
        saturate_f32(values, n, s->least, s->most);
    else if (s->saturate)
        saturate_f64(values, n, s->least, s->most);
    c2s_wide_store(s->wide, s->tensor->type.dtype, c2s_tensor_mutable(s->tensor), start, n, values);
}

static void store(block *b) {
    const c2s_dtype dtype = b->tensor->type.dtype;
    const size_t pieces = pieces_of(b->tensor->count);
    storing s = {.wide = b->wide, .tensor = b->tensor, .values = array_of(b)};
    s.saturate = !c2s_dtype_is_float(dtype) && (b->wide == C2S_WIDE_F32 || b->wide == C2S_WIDE_F64);
    if (s.saturate)
        integer_range(b->wide, dtype, &s.least, &s.most);
    c2s_share(pieces, pieces >= PARALLEL_PIECES, store_pieces, &s);
}

c2s_status c2s_workspace_end(c2s_workspace *ws) {
    while (ws->blocks) {
        block *b = ws->blocks;
        if (b->tensor && ws->status == C2S_OK)
            store(b);
        ws->blocks = b->next;
        free(b);
    }
    return ws->status;
}
