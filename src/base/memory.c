/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "c2s.h"

static void (*out_of_memory_hook)(void);

void c2s_set_out_of_memory_hook(void (*hook)(void)) {
    out_of_memory_hook = hook;
}

static _Noreturn void out_of_memory(void) {
    if (out_of_memory_hook)
        out_of_memory_hook();
    abort();
}

void *c2s_alloc(size_t size) {
    void *p = malloc(size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *c2s_zalloc(size_t size) {
    void *p = calloc(1, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *c2s_realloc(void *old, size_t size) {
    void *p = realloc(old, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

char *c2s_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    return memcpy(c2s_alloc(size), text, size);
}

void *c2s_alloc_array(size_t count, size_t size) {
    size_t bytes;
    if (!c2s_mul_size(count, size, &bytes))
        out_of_memory();
    return c2s_alloc(bytes);
}

void c2s_heap_trim(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

/* ---- the ceiling ---- */

static atomic_int_fast64_t counted;
static _Thread_local uint64_t ceiling; /* 0: not set */

static uint64_t machine_memory(void) {
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : UINT64_MAX;
}

void c2s_memory_count(int64_t bytes) {
    atomic_fetch_add_explicit(&counted, bytes, memory_order_relaxed);
}

static uint64_t held(void) {
    const int64_t bytes = atomic_load_explicit(&counted, memory_order_relaxed);
    return bytes > 0 ? (uint64_t)bytes : 0;
}

static uint64_t current_ceiling(void) {
    if (!ceiling)
        ceiling = machine_memory();
    return ceiling;
}

c2s_ceiling c2s_ceiling_lower(uint64_t bytes) {
    const c2s_ceiling before = current_ceiling();
    uint64_t lower;
    if (bytes && !__builtin_add_overflow(held(), bytes, &lower) && lower < before)
        ceiling = lower;
    return before;
}

void c2s_ceiling_restore(c2s_ceiling before) {
    ceiling = before;
}

static bool passes_ceiling(uint64_t size) {
    uint64_t sum;
    return __builtin_add_overflow(held(), size, &sum) || sum > current_ceiling();
}

bool c2s_memory_allows(size_t count, size_t size) {
    size_t bytes;
    return c2s_mul_size(count, size, &bytes) && !passes_ceiling(bytes);
}

c2s_status c2s_fail_alloc(size_t count, size_t size) {
    size_t bytes;
    if (!c2s_mul_size(count, size, &bytes))
        return c2s_fail(C2S_ERR_MEMORY, "%zu elements of %zu bytes exceed the address space", count,
                        size);
    if (passes_ceiling(bytes))
        return c2s_fail(C2S_ERR_MEMORY,
                        "%zu bytes more would pass the limit of %" PRIu64 " bytes (%" PRIu64
                        " are in use)",
                        bytes, current_ceiling(), held());
    return c2s_fail(C2S_ERR_MEMORY, "no memory for %zu bytes", bytes);
}

void *c2s_try_alloc_aligned(size_t size) {
    enum { ALIGNMENT = 64 };
    size_t rounded;
    if (passes_ceiling(size))
        return NULL;
    if (!c2s_add_size(size, ALIGNMENT - 1, &rounded))
        return NULL;
    rounded &= ~(size_t)(ALIGNMENT - 1);
    return aligned_alloc(ALIGNMENT, rounded ? rounded : ALIGNMENT);
}

c2s_status c2s_scratch(size_t count, size_t size, void *out) {
    size_t bytes;
    void *memory = NULL;
    if (c2s_mul_size(count, size, &bytes))
        memory = c2s_try_alloc_aligned(bytes ? bytes : 1);
    if (!memory)
        return c2s_fail_alloc(count, size);
    memcpy(out, &memory, sizeof memory);
    return C2S_OK;
}

bool c2s_mul_size(size_t a, size_t b, size_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}

bool c2s_add_size(size_t a, size_t b, size_t *out) {
    return !__builtin_add_overflow(a, b, out);
}

bool c2s_mul_i64(int64_t a, int64_t b, int64_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}

bool c2s_add_i64(int64_t a, int64_t b, int64_t *out) {
    return !__builtin_add_overflow(a, b, out);
}

/* Blocks double from 1 KiB to 1 MiB, so that small models stay small and large ones are few
 * blocks. An object larger than a quarter block gets a block of its own. */
typedef struct block {
    struct block *next;
    size_t size, used;
} block;

enum { BLOCK_MIN = 1024, BLOCK_MAX = 1 << 20, ALIGN = 16 };
#define HEADER ((sizeof(block) + ALIGN - 1) / ALIGN * ALIGN)

struct c2s_arena {
    block *blocks; /* the first is the one being filled */
    size_t next_size;
};

c2s_arena *c2s_arena_create(void) {
    c2s_arena *arena = c2s_zalloc(sizeof *arena);
    arena->next_size = BLOCK_MIN;
    return arena;
}

void c2s_arena_destroy(c2s_arena *arena) {
    if (!arena)
        return;
    for (block *b = arena->blocks, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(arena);
}

static block *add_block(c2s_arena *arena, size_t payload, bool in_front) {
    size_t size;
    if (!c2s_add_size(payload, HEADER, &size))
        out_of_memory();
    block *b = c2s_zalloc(size);
    b->size = payload;
    if (in_front || !arena->blocks) {
        b->next = arena->blocks;
        arena->blocks = b;
    } else {
        b->next = arena->blocks->next;
        arena->blocks->next = b;
    }
    return b;
}

void *c2s_arena_alloc(c2s_arena *arena, size_t size) {
    size_t rounded;
    if (!c2s_add_size(size ? size : 1, ALIGN - 1, &rounded))
        out_of_memory();
    rounded &= ~(size_t)(ALIGN - 1);
    block *b = arena->blocks;
    if (!b || b->size - b->used < rounded) {
        if (rounded > arena->next_size / 4) {
            b = add_block(arena, rounded, false);
        } else {
            b = add_block(arena, arena->next_size, true);
            if (arena->next_size < BLOCK_MAX)
                arena->next_size *= 2;
        }
    }
    void *p = (char *)b + HEADER + b->used;
    b->used += rounded;
    return p;
}

void *c2s_arena_array(c2s_arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (!c2s_mul_size(count, size, &bytes))
        out_of_memory();
    return c2s_arena_alloc(arena, bytes);
}

char *c2s_arena_memdup(c2s_arena *arena, const void *data, size_t size) {
    size_t with_nul;
    if (!c2s_add_size(size, 1, &with_nul))
        out_of_memory();
    char *copy = c2s_arena_alloc(arena, with_nul);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

char *c2s_arena_strdup(c2s_arena *arena, const char *text) {
    return c2s_arena_memdup(arena, text, strlen(text));
}
