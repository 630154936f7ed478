/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/activations.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/vec.h"

/* Smaller blocks are left to malloc, which is good at them. */
#define SMALLEST_BLOCK ((size_t)32 * 1024)
enum { MOST_BLOCKS = 64 };

typedef struct block {
    c2s_bytes *bytes;
    bool fresh; /* given back since the last trim */
} block;

struct c2s_memory {
    uint64_t tensor_limit;
    C2S_VEC(block) blocks;
    void (*heap_release)(c2s_bytes *); /* marks blocks of c2s_bytes_alloc */
};

c2s_memory *c2s_memory_create(uint64_t tensor_limit) {
    c2s_memory *memory = c2s_zalloc(sizeof *memory);
    memory->tensor_limit = tensor_limit;
    return memory;
}

void c2s_memory_destroy(c2s_memory *memory) {
    if (!memory)
        return;
    for (size_t i = 0; i < memory->blocks.count; i++)
        c2s_bytes_unref(memory->blocks.at[i].bytes);
    c2s_vec_free(&memory->blocks);
    free(memory);
}

static c2s_bytes *take(c2s_memory *memory, size_t i) {
    c2s_bytes *bytes = memory->blocks.at[i].bytes;
    memory->blocks.at[i] = memory->blocks.at[--memory->blocks.count];
    return bytes;
}

/* The smallest block that fits without wasting more than a quarter of itself. */
static c2s_bytes *find_block(c2s_memory *memory, size_t size) {
    size_t best = memory->blocks.count;
    for (size_t i = 0; i < memory->blocks.count; i++) {
        size_t have = memory->blocks.at[i].bytes->size;
        if (have >= size && have - have / 4 <= size &&
            (best == memory->blocks.count || have < memory->blocks.at[best].bytes->size))
            best = i;
    }
    return best < memory->blocks.count ? take(memory, best) : NULL;
}

static c2s_status bytes_for(c2s_memory *memory, const c2s_type *type, c2s_bytes **out) {
    size_t count, size;
    if (!c2s_type_elements(type, &count) || !c2s_dtype_size(type->dtype, count, &size))
        return c2s_fail(C2S_ERR_MEMORY, "the size of an output overflows");
    if (memory->tensor_limit && size > memory->tensor_limit)
        return c2s_fail(C2S_ERR_MEMORY, "an output would take %zu bytes, the limit is %llu", size,
                        (unsigned long long)memory->tensor_limit);
    *out = size >= SMALLEST_BLOCK ? find_block(memory, size) : NULL;
    if (!*out)
        *out = c2s_bytes_alloc(size);
    if (!*out)
        return c2s_fail_alloc(1, size);
    return C2S_OK;
}

c2s_status c2s_memory_tensor(c2s_memory *memory, const c2s_type *type, c2s_tensor **out) {
    c2s_bytes *bytes;
    *out = NULL;
    C2S_TRY(bytes_for(memory, type, &bytes));
    memory->heap_release = bytes->release;
    c2s_status status = c2s_tensor_view(type->dtype, type->rank, type->dim, bytes, 0, out);
    c2s_bytes_unref(bytes);
    return status;
}

void c2s_memory_release(c2s_memory *memory, c2s_tensor *tensor) {
    if (!tensor)
        return;
    c2s_bytes *bytes = tensor->bytes;
    bool reusable = tensor->type.kind == C2S_KIND_TENSOR && tensor->type.dtype != C2S_STRING &&
                    atomic_load(&tensor->refs) == 1 && bytes && atomic_load(&bytes->refs) == 1 &&
                    bytes->size >= SMALLEST_BLOCK && bytes->release == memory->heap_release &&
                    memory->blocks.count < MOST_BLOCKS;
    if (reusable)
        c2s_vec_push(&memory->blocks, (block){c2s_bytes_ref(bytes), true});
    c2s_tensor_unref(tensor);
}

void c2s_memory_trim(c2s_memory *memory) {
    for (size_t i = 0; i < memory->blocks.count;)
        if (memory->blocks.at[i].fresh)
            memory->blocks.at[i++].fresh = false;
        else
            c2s_bytes_unref(take(memory, i));
}
