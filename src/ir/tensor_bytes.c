/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the bytes of tensors are: in memory, in a file as it is, in a file without a name.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mapping.h"
#include "base/memory.h"
#include "base/spill.h"
#include "ir/tensor.h"

void c2s_bytes_release(c2s_bytes *self) {
    c2s_memory_count(-(int64_t)self->size);
    free(self->data);
    free(self);
}

c2s_bytes *c2s_bytes_wrap(void *data, size_t size) {
    c2s_bytes *bytes = c2s_zalloc(sizeof *bytes);
    bytes->data = data;
    bytes->size = size;
    atomic_init(&bytes->refs, 1);
    bytes->release = c2s_bytes_release;
    c2s_memory_count((int64_t)size);
    return bytes;
}

c2s_bytes *c2s_bytes_alloc(size_t size) {
    void *data = c2s_try_alloc_aligned(size);
    return data ? c2s_bytes_wrap(data, size) : NULL;
}

c2s_bytes *c2s_bytes_ref(c2s_bytes *bytes) {
    atomic_fetch_add_explicit(&bytes->refs, 1, memory_order_relaxed);
    return bytes;
}

void c2s_bytes_unref(c2s_bytes *bytes) {
    if (bytes && atomic_fetch_sub_explicit(&bytes->refs, 1, memory_order_acq_rel) == 1)
        bytes->release(bytes);
}

/* ---- reading ---- */

/* Two threads may want it at once: one of the copies stays. */
static const char *align(c2s_bytes *bytes) {
    void *data = atomic_load_explicit(&bytes->aligned, memory_order_acquire);
    if (data)
        return data;
    void *copy = c2s_try_alloc_aligned(bytes->size);
    if (!copy)
        copy = c2s_alloc(bytes->size); /* ends in the hook */
    memcpy(copy, bytes->unaligned, bytes->size);
    if (!atomic_compare_exchange_strong(&bytes->aligned, &data, copy)) {
        free(copy);
        return data;
    }
    c2s_memory_count((int64_t)bytes->size);
    c2s_mapping_forget(bytes->unaligned, bytes->size);
    return copy;
}

const void *c2s_tensor_data(const c2s_tensor *tensor) {
    c2s_bytes *bytes = tensor->bytes;
    return (bytes->unaligned ? align(bytes) : (const char *)bytes->data) + tensor->offset;
}

const void *c2s_tensor_raw(const c2s_tensor *tensor) {
    const c2s_bytes *bytes = tensor->bytes;
    const void *start = bytes->unaligned ? bytes->unaligned : bytes->data;
    return (const char *)start + tensor->offset;
}

c2s_status c2s_tensor_once(const c2s_tensor *tensor, c2s_tensor **out) {
    *out = NULL;
    if (!tensor->bytes || !tensor->bytes->unaligned ||
        atomic_load_explicit(&tensor->bytes->aligned, memory_order_acquire)) {
        *out = c2s_tensor_ref(tensor);
        return C2S_OK;
    }
    const c2s_type *type = &tensor->type;
    C2S_TRY(c2s_tensor_create(type->dtype, type->rank, type->dim, out));
    memcpy(c2s_tensor_mutable(*out), c2s_tensor_raw(tensor), c2s_tensor_size(tensor));
    c2s_tensor_forget(tensor);
    return C2S_OK;
}

/* ---- giving memory back ---- */

void c2s_tensor_forget(const c2s_tensor *tensor) {
    if (tensor->bytes)
        c2s_mapping_forget(c2s_tensor_raw(tensor), c2s_tensor_size(tensor));
}

static void release_mapping(c2s_bytes *self) {
    c2s_mapping_destroy(self->data);
    free(self);
}

void c2s_tensor_spill(c2s_tensor *tensor) {
    c2s_bytes *bytes = tensor->bytes;
    if (!bytes || bytes->size == 0 || bytes->release != c2s_bytes_release ||
        atomic_load_explicit(&bytes->refs, memory_order_acquire) != 1)
        return;
    const void *copy = c2s_spill(bytes->data, bytes->size);
    if (!copy)
        return;
    c2s_memory_count(-(int64_t)bytes->size);
    free(bytes->data);
    bytes->data = (void *)(uintptr_t)copy;
    bytes->release = release_mapping;
    c2s_heap_trim();
}
