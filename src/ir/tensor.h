/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors: a type with concrete dimensions over reference-counted bytes. Immutable once shared.
 */
#ifndef C2S_IR_TENSOR_H
#define C2S_IR_TENSOR_H

#include <stdatomic.h>

#include "base/status.h"
#include "ir/type.h"

/* Bytes with an owner: heap memory, a file's buffer, a mapping. */
typedef struct c2s_bytes {
    void *data;
    size_t size;
    atomic_uint refs;
    /* Bytes that lie in a file as it is, aligned to nothing: `data` is NULL, who asks for them gets
     * a copy, which stays. */
    const void *unaligned;
    _Atomic(void *) aligned;
    void (*release)(struct c2s_bytes *self); /* frees data and self; called at the last unref */
} c2s_bytes;

/* 64-byte aligned, not zeroed. NULL when memory runs out. */
c2s_bytes *c2s_bytes_alloc(size_t size);
/* Takes over `data` from malloc. */
c2s_bytes *c2s_bytes_wrap(void *data, size_t size);
void c2s_bytes_release(c2s_bytes *bytes); /* what `release` of both is; others may end with it */
c2s_bytes *c2s_bytes_ref(c2s_bytes *bytes);
void c2s_bytes_unref(c2s_bytes *bytes); /* NULL is allowed */

/* One element of a string tensor; not NUL-terminated, may hold any byte. The text lives as long as
 * the tensor's bytes. */
typedef struct c2s_string {
    const char *data;
    size_t size;
} c2s_string;

/* A tensor of kind TENSOR: `type` static, elements row-major in little-endian from bytes->data +
 * offset. Of kind SEQUENCE: the bytes hold `count` pointers to c2s_tensor. Of kind OPTIONAL: the
 * same with count 0 or 1. Of kind MAP: count 2, tensors of keys and of values, both 1-D (values
 * that are no tensors: a sequence). */
typedef struct c2s_tensor {
    c2s_type type;
    c2s_bytes *bytes;
    size_t offset;
    size_t count; /* elements of a tensor, items of a sequence */
    atomic_uint refs;
} c2s_tensor;

/* All constructors return an object with one reference, or a failure: C2S_ERR_MEMORY if the
 * memory is not there, C2S_ERR_INVALID for a size that overflows or a dimension that is not known.
 */
c2s_status c2s_tensor_create(c2s_dtype dtype, int rank, const int64_t *dim, c2s_tensor **out);
/* Memory that was planned for a tensor of so many bytes. */
typedef struct c2s_tensor_home {
    c2s_bytes *bytes;
    size_t offset, size;
} c2s_tensor_home;
/* From now on c2s_tensor_create_home in this thread takes the first of the homes that has exactly
 * the size it needs (whose `bytes` become NULL), else memory of its own. The homes are borrowed
 * until the next call; count 0 ends it. */
void c2s_tensor_offer(c2s_tensor_home *homes, unsigned count);
c2s_status c2s_tensor_create_home(c2s_dtype dtype, int rank, const int64_t *dim, c2s_tensor **out);
/* Refers to bytes (which it references); checks that they are large enough. */
c2s_status c2s_tensor_view(c2s_dtype dtype, int rank, const int64_t *dim, c2s_bytes *bytes,
                           size_t offset, c2s_tensor **out);
/* Same bytes, other shape of the same number of elements. */
c2s_status c2s_tensor_reshape(const c2s_tensor *tensor, int rank, const int64_t *dim,
                              c2s_tensor **out);
/* A sequence (kind SEQUENCE, OPTIONAL or MAP) of items, each of which it references. */
c2s_status c2s_tensor_sequence(c2s_kind kind, const c2s_type *element, size_t count,
                               c2s_tensor *const *items, c2s_tensor **out);
/* Strings: copies the text. */
c2s_status c2s_tensor_strings(int rank, const int64_t *dim, const c2s_string *text,
                              c2s_tensor **out);
/* Small numeric constants, converted to dtype. C2S_ERR_INVALID: its elements are not real numbers,
 * but text or complex. */
c2s_status c2s_tensor_from_i64(c2s_dtype dtype, int rank, const int64_t *dim, const int64_t *values,
                               c2s_tensor **out);
c2s_status c2s_tensor_from_f64(c2s_dtype dtype, int rank, const int64_t *dim, const double *values,
                               c2s_tensor **out);

c2s_tensor *c2s_tensor_ref(const c2s_tensor *tensor); /* the count is not part of constness */
void c2s_tensor_unref(const c2s_tensor *tensor);      /* NULL is allowed */

const void *c2s_tensor_data(const c2s_tensor *tensor); /* NULL only for 0 elements */
/* The same bytes, aligned to nothing: for memcpy and its like. */
const void *c2s_tensor_raw(const c2s_tensor *tensor);
/* A reference for who reads all of it and will not soon again: if c2s_tensor_data would have to
 * make a copy, that goes with the reference. */
c2s_status c2s_tensor_once(const c2s_tensor *tensor, c2s_tensor **out);
/* Elements of one or more bytes each, as c2s_load_f64, from wherever they lie: for who goes through
 * a tensor once and needs no copy of it. */
void c2s_tensor_load_f64(const c2s_tensor *tensor, size_t start, size_t count, double *out);
/* All of them, as c2s_load_f32; bytes of a file are forgotten on the way. */
void c2s_tensor_load_f32(const c2s_tensor *tensor, float *out);
void *c2s_tensor_mutable(c2s_tensor *tensor);     /* only before it is shared */
size_t c2s_tensor_size(const c2s_tensor *tensor); /* bytes of its elements */
c2s_tensor *c2s_tensor_item(const c2s_tensor *sequence, size_t index); /* borrowed */

/* Element access for small tensors and checks, not for inner loops. Integers and bools; false if
 * the dtype is another or the value does not fit. */
bool c2s_tensor_i64_at(const c2s_tensor *tensor, size_t index, int64_t *out);
/* Any real dtype, exactly where double can hold it; NaN for others. */
double c2s_tensor_f64_at(const c2s_tensor *tensor, size_t index);
/* Bit-wise equality of type and elements. */
bool c2s_tensor_equal(const c2s_tensor *a, const c2s_tensor *b);
uint64_t c2s_tensor_hash(const c2s_tensor *tensor);
/* For who has read from a tensor's raw bytes: if they are a file's, they need not stay in memory.
 */
void c2s_tensor_forget(const c2s_tensor *tensor);
/* For who made a tensor that nobody looks at soon: its bytes go to a file without a name if nobody
 * else has them and there is room (base/spill.h). What c2s_tensor_data gave before is no more. */
void c2s_tensor_spill(c2s_tensor *tensor);

#endif
