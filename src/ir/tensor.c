/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/tensor.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mapping.h"
#include "base/memory.h"
#include "ir/convert.h"

/* ---- construction ---- */

static c2s_status static_type(c2s_dtype dtype, int rank, const int64_t *dim, c2s_type *type,
                              size_t *count, size_t *size) {
    if (rank < 0 || rank > C2S_MAX_RANK)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "a tensor of rank %d, at most %d is supported", rank,
                        C2S_MAX_RANK);
    for (int i = 0; i < rank; i++)
        if (dim[i] < 0)
            return c2s_fail(C2S_ERR_INVALID, "dimension %d of a tensor is %lld", i,
                            (long long)(c2s_dim_is_known(dim[i]) ? dim[i] : -1));
    *type = c2s_type_tensor(dtype, rank, dim);
    if (!c2s_type_elements(type, count) || !c2s_dtype_size(dtype, *count, size) ||
        *size > PTRDIFF_MAX)
        return c2s_fail(C2S_ERR_MEMORY, "the size of a tensor does not fit the address space");
    return C2S_OK;
}

static c2s_tensor *new_tensor(const c2s_type *type, c2s_bytes *bytes, size_t offset, size_t count) {
    c2s_tensor *tensor = c2s_zalloc(sizeof *tensor);
    c2s_memory_count(sizeof *tensor); /* sequences may consist of very many */
    tensor->type = *type;
    tensor->bytes = bytes;
    tensor->offset = offset;
    tensor->count = count;
    atomic_init(&tensor->refs, 1);
    return tensor;
}

c2s_status c2s_tensor_create(c2s_dtype dtype, int rank, const int64_t *dim, c2s_tensor **out) {
    c2s_type type;
    size_t count, size;
    C2S_TRY(static_type(dtype, rank, dim, &type, &count, &size));
    c2s_bytes *bytes = c2s_bytes_alloc(size);
    if (!bytes)
        return c2s_fail_alloc(1, size);
    if (dtype == C2S_STRING || c2s_dtype_bits(dtype) < 8)
        memset(bytes->data, 0, size); /* empty strings; no undefined bits behind the last element */
    *out = new_tensor(&type, bytes, 0, count);
    return C2S_OK;
}

static _Thread_local c2s_tensor_home *offered;
static _Thread_local unsigned offered_count;

void c2s_tensor_offer(c2s_tensor_home *homes, unsigned count) {
    offered = homes;
    offered_count = count;
}

static c2s_tensor_home *find_home(size_t size) {
    for (unsigned k = 0; k < offered_count; k++)
        if (offered[k].bytes && offered[k].size == size)
            return &offered[k];
    return NULL;
}

c2s_status c2s_tensor_create_home(c2s_dtype dtype, int rank, const int64_t *dim, c2s_tensor **out) {
    c2s_type type;
    size_t count, size;
    C2S_TRY(static_type(dtype, rank, dim, &type, &count, &size));
    c2s_tensor_home *home = dtype == C2S_STRING ? NULL : find_home(size);
    if (!home)
        return c2s_tensor_create(dtype, rank, dim, out);
    *out = new_tensor(&type, c2s_bytes_ref(home->bytes), home->offset, count);
    home->bytes = NULL;
    if (c2s_dtype_bits(dtype) < 8)
        memset(c2s_tensor_mutable(*out), 0, size); /* as c2s_tensor_create does */
    return C2S_OK;
}

c2s_status c2s_tensor_view(c2s_dtype dtype, int rank, const int64_t *dim, c2s_bytes *bytes,
                           size_t offset, c2s_tensor **out) {
    c2s_type type;
    size_t count, size;
    C2S_TRY(static_type(dtype, rank, dim, &type, &count, &size));
    if (offset > bytes->size || size > bytes->size - offset)
        return c2s_fail(C2S_ERR_INVALID, "a tensor needs %zu bytes, %zu are there", size,
                        offset > bytes->size ? 0 : bytes->size - offset);
    *out = new_tensor(&type, c2s_bytes_ref(bytes), offset, count);
    return C2S_OK;
}

c2s_status c2s_tensor_reshape(const c2s_tensor *tensor, int rank, const int64_t *dim,
                              c2s_tensor **out) {
    c2s_type type;
    size_t count, size;
    C2S_TRY(static_type(tensor->type.dtype, rank, dim, &type, &count, &size));
    if (count != tensor->count)
        return c2s_fail(C2S_ERR_INVALID, "a tensor of %zu elements cannot take a shape of %zu",
                        tensor->count, count);
    *out = new_tensor(&type, c2s_bytes_ref(tensor->bytes), tensor->offset, count);
    return C2S_OK;
}

static void release_items(c2s_bytes *self) {
    c2s_tensor **items = self->data;
    for (size_t i = 0; i < self->size / sizeof *items; i++)
        c2s_tensor_unref(items[i]);
    c2s_bytes_release(self);
}

/* Container types point to their element type, which may live in an arena: the bytes of the
 * sequence cannot own it, so the few combinations that evaluation meets are static. */
static const c2s_type *lasting_element(const c2s_type *element) {
#define DTYPES(ROW)                                                                                \
    ROW(C2S_UNDEFINED), ROW(C2S_FLOAT), ROW(C2S_UINT8), ROW(C2S_INT8), ROW(C2S_UINT16),            \
        ROW(C2S_INT16), ROW(C2S_INT32), ROW(C2S_INT64), ROW(C2S_STRING), ROW(C2S_BOOL),            \
        ROW(C2S_FLOAT16), ROW(C2S_DOUBLE), ROW(C2S_UINT32), ROW(C2S_UINT64), ROW(C2S_COMPLEX64),   \
        ROW(C2S_COMPLEX128), ROW(C2S_BFLOAT16), ROW(C2S_FLOAT8E4M3FN), ROW(C2S_FLOAT8E4M3FNUZ),    \
        ROW(C2S_FLOAT8E5M2), ROW(C2S_FLOAT8E5M2FNUZ), ROW(C2S_UINT4), ROW(C2S_INT4),               \
        ROW(C2S_FLOAT4E2M1), ROW(C2S_FLOAT8E8M0), ROW(C2S_UINT2), ROW(C2S_INT2)
#define TENSOR(d)   [d] = {.kind = C2S_KIND_TENSOR, .dtype = (d), .rank = -1 }
#define SEQUENCE(d) [d] = {.kind = C2S_KIND_SEQUENCE, .rank = -1, .element = &tensors[d]}
    static const c2s_type tensors[C2S_DTYPE_COUNT] = {DTYPES(TENSOR)};
    static const c2s_type sequences[C2S_DTYPE_COUNT] = {DTYPES(SEQUENCE)};
#undef DTYPES
#undef TENSOR
#undef SEQUENCE
    static const c2s_type unknown = {.kind = C2S_KIND_UNKNOWN, .rank = -1};
    if (!element)
        return NULL;
    if (element->kind == C2S_KIND_TENSOR)
        return &tensors[element->dtype];
    if (element->kind == C2S_KIND_SEQUENCE && element->element &&
        element->element->kind == C2S_KIND_TENSOR)
        return &sequences[element->element->dtype];
    return &unknown;
}

c2s_status c2s_tensor_sequence(c2s_kind kind, const c2s_type *element, size_t count,
                               c2s_tensor *const *items, c2s_tensor **out) {
    assert(kind == C2S_KIND_SEQUENCE || kind == C2S_KIND_OPTIONAL || kind == C2S_KIND_MAP);
    c2s_tensor **copy = c2s_alloc_array(count, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = c2s_tensor_ref(items[i]);
    c2s_bytes *bytes = c2s_bytes_wrap(copy, count * sizeof *copy);
    bytes->release = release_items;
    c2s_type type = {.kind = kind, .rank = -1, .element = lasting_element(element)};
    if (kind == C2S_KIND_MAP && count > 0)
        type.dtype = items[0]->type.dtype;
    *out = new_tensor(&type, bytes, 0, count);
    return C2S_OK;
}

c2s_status c2s_tensor_strings(int rank, const int64_t *dim, const c2s_string *text,
                              c2s_tensor **out) {
    c2s_type type;
    size_t count, size;
    C2S_TRY(static_type(C2S_STRING, rank, dim, &type, &count, &size));
    size_t total = size;
    for (size_t i = 0; i < count; i++)
        if (!c2s_add_size(total, text[i].size, &total))
            return c2s_fail(C2S_ERR_MEMORY, "the strings of a tensor exceed the address space");
    c2s_bytes *bytes = c2s_bytes_alloc(total);
    if (!bytes)
        return c2s_fail_alloc(1, total);
    c2s_string *element = bytes->data;
    char *copy = (char *)bytes->data + size;
    for (size_t i = 0; i < count; i++) {
        if (text[i].size)
            memcpy(copy, text[i].data, text[i].size);
        element[i] = (c2s_string){copy, text[i].size};
        copy += text[i].size;
    }
    *out = new_tensor(&type, bytes, 0, count);
    return C2S_OK;
}

static c2s_status check_numeric(c2s_dtype dtype) {
    if (c2s_dtype_is_real(dtype))
        return C2S_OK;
    return c2s_fail(C2S_ERR_INVALID, "element type %s, expected one of numbers",
                    c2s_dtype_name(dtype));
}

c2s_status c2s_tensor_from_i64(c2s_dtype dtype, int rank, const int64_t *dim, const int64_t *values,
                               c2s_tensor **out) {
    C2S_TRY(check_numeric(dtype));
    C2S_TRY(c2s_tensor_create(dtype, rank, dim, out));
    if ((*out)->count > 0) /* else there may be no values */
        c2s_store_i64(dtype, c2s_tensor_mutable(*out), 0, (*out)->count, values);
    return C2S_OK;
}

c2s_status c2s_tensor_from_f64(c2s_dtype dtype, int rank, const int64_t *dim, const double *values,
                               c2s_tensor **out) {
    C2S_TRY(check_numeric(dtype));
    C2S_TRY(c2s_tensor_create(dtype, rank, dim, out));
    if ((*out)->count > 0) /* else there may be no values */
        c2s_store_f64(dtype, c2s_tensor_mutable(*out), 0, (*out)->count, values);
    return C2S_OK;
}

c2s_tensor *c2s_tensor_ref(const c2s_tensor *tensor) {
    c2s_tensor *counted = (c2s_tensor *)(uintptr_t)tensor;
    atomic_fetch_add_explicit(&counted->refs, 1, memory_order_relaxed);
    return counted;
}

void c2s_tensor_unref(const c2s_tensor *tensor) {
    c2s_tensor *counted = (c2s_tensor *)(uintptr_t)tensor;
    if (!counted || atomic_fetch_sub_explicit(&counted->refs, 1, memory_order_acq_rel) != 1)
        return;
    c2s_bytes_unref(counted->bytes);
    c2s_memory_count(-(int64_t)sizeof *counted);
    free(counted);
}

/* ---- access ---- */

/* Elements that need not be aligned where they lie, piece by piece. */
static void load_pieces(const c2s_tensor *tensor, size_t start, size_t count, float *single,
                        double *twice) {
    enum { CHUNK = 512 };
    _Alignas(64) char aligned[CHUNK * sizeof(double)];
    const c2s_dtype dtype = tensor->type.dtype;
    size_t width = 0;
    c2s_dtype_size(dtype, 1, &width);
    assert(width <= sizeof(double) && start + count <= tensor->count);
    const char *at = (const char *)c2s_tensor_raw(tensor) + start * width;
    for (size_t done = 0; done < count; done += CHUNK) {
        const size_t part = count - done < CHUNK ? count - done : CHUNK;
        memcpy(aligned, at + done * width, part * width);
        if (single)
            c2s_load_f32(dtype, aligned, 0, part, single + done);
        else
            c2s_load_f64(dtype, aligned, 0, part, twice + done);
    }
}

void c2s_tensor_load_f64(const c2s_tensor *tensor, size_t start, size_t count, double *out) {
    load_pieces(tensor, start, count, NULL, out);
}

void c2s_tensor_load_f32(const c2s_tensor *tensor, float *out) {
    enum { PART = 1 << 22 };
    if (c2s_dtype_bits(tensor->type.dtype) < 8) {
        c2s_load_f32(tensor->type.dtype, c2s_tensor_data(tensor), 0, tensor->count, out);
        return;
    }
    const size_t width = c2s_dtype_bits(tensor->type.dtype) / 8;
    for (size_t at = 0; at < tensor->count; at += PART) {
        const size_t part = tensor->count - at < PART ? tensor->count - at : PART;
        load_pieces(tensor, at, part, out + at, NULL);
        c2s_mapping_forget((const char *)c2s_tensor_raw(tensor) + at * width, part * width);
    }
}

void *c2s_tensor_mutable(c2s_tensor *tensor) {
    return (char *)tensor->bytes->data + tensor->offset;
}

size_t c2s_tensor_size(const c2s_tensor *tensor) {
    size_t size = 0;
    if (tensor->type.kind == C2S_KIND_TENSOR)
        c2s_dtype_size(tensor->type.dtype, tensor->count, &size);
    return size;
}

c2s_tensor *c2s_tensor_item(const c2s_tensor *sequence, size_t index) {
    assert(sequence->type.kind != C2S_KIND_TENSOR && index < sequence->count);
    return ((c2s_tensor **)sequence->bytes->data)[index];
}

bool c2s_tensor_i64_at(const c2s_tensor *tensor, size_t index, int64_t *out) {
    c2s_dtype dtype = tensor->type.dtype;
    if (tensor->type.kind != C2S_KIND_TENSOR || index >= tensor->count ||
        !(c2s_dtype_is_integer(dtype) || dtype == C2S_BOOL))
        return false;
    c2s_load_i64(dtype, c2s_tensor_data(tensor), index, 1, out);
    return dtype != C2S_UINT64 || *out >= 0;
}

double c2s_tensor_f64_at(const c2s_tensor *tensor, size_t index) {
    c2s_dtype dtype = tensor->type.dtype;
    double value = (double)NAN;
    if (tensor->type.kind == C2S_KIND_TENSOR && index < tensor->count && dtype != C2S_STRING &&
        dtype != C2S_COMPLEX64 && dtype != C2S_COMPLEX128)
        c2s_load_f64(dtype, c2s_tensor_data(tensor), index, 1, &value);
    return value;
}

bool c2s_tensor_equal(const c2s_tensor *a, const c2s_tensor *b) {
    if (a == b)
        return true;
    if (a->type.kind != b->type.kind || a->count != b->count)
        return false;
    if (a->type.kind != C2S_KIND_TENSOR) {
        for (size_t i = 0; i < a->count; i++)
            if (!c2s_tensor_equal(c2s_tensor_item(a, i), c2s_tensor_item(b, i)))
                return false;
        return true;
    }
    if (!c2s_type_equal(&a->type, &b->type))
        return false;
    if (a->type.dtype == C2S_STRING) {
        const c2s_string *x = c2s_tensor_data(a), *y = c2s_tensor_data(b);
        for (size_t i = 0; i < a->count; i++)
            if (x[i].size != y[i].size ||
                (x[i].size && memcmp(x[i].data, y[i].data, x[i].size) != 0))
                return false;
        return true;
    }
    size_t size = c2s_tensor_size(a);
    return size == 0 || memcmp(c2s_tensor_raw(a), c2s_tensor_raw(b), size) == 0;
}

uint64_t c2s_tensor_hash(const c2s_tensor *tensor) {
    uint64_t hash = c2s_hash_mix(tensor->type.kind, tensor->type.dtype);
    hash = c2s_hash_mix(hash, tensor->count);
    if (tensor->type.kind != C2S_KIND_TENSOR) {
        for (size_t i = 0; i < tensor->count; i++)
            hash = c2s_hash_mix(hash, c2s_tensor_hash(c2s_tensor_item(tensor, i)));
        return hash;
    }
    for (int i = 0; i < tensor->type.rank; i++)
        hash = c2s_hash_mix(hash, (uint64_t)tensor->type.dim[i]);
    if (tensor->type.dtype == C2S_STRING) {
        const c2s_string *text = c2s_tensor_data(tensor);
        for (size_t i = 0; i < tensor->count; i++)
            hash = c2s_hash_bytes(text[i].data, text[i].size, hash);
        return hash;
    }
    return c2s_hash_bytes(c2s_tensor_raw(tensor), c2s_tensor_size(tensor), hash);
}
