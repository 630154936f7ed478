/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory for bookkeeping: checked heap calls that end in the out-of-memory hook, an arena, and
 * size arithmetic that cannot overflow unnoticed. Tensor data does not come from here: ir/bytes.h.
 */
#ifndef C2S_BASE_MEMORY_H
#define C2S_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Never return NULL: on failure the hook of c2s_set_out_of_memory_hook runs, then abort. */
void *c2s_alloc(size_t size);
void *c2s_zalloc(size_t size);
void *c2s_realloc(void *old, size_t size);
char *c2s_strdup(const char *text);
/* For array types: the product is checked; overflow counts as out of memory. */
void *c2s_alloc_array(size_t count, size_t size);

/* Returns NULL on failure: for tensor data and other sizes that a file decides. 64-byte aligned. */
void *c2s_try_alloc_aligned(size_t size);
/* The same for count * size bytes, at least one; *(void **)out receives it. C2S_ERR_MEMORY. */
c2s_status c2s_scratch(size_t count, size_t size, void *out);

bool c2s_mul_size(size_t a, size_t b, size_t *out); /* false: overflow */
bool c2s_add_size(size_t a, size_t b, size_t *out);
bool c2s_mul_i64(int64_t a, int64_t b, int64_t *out);
bool c2s_add_i64(int64_t a, int64_t b, int64_t *out);

/* Many small objects with one lifetime. */
typedef struct c2s_arena c2s_arena;
c2s_arena *c2s_arena_create(void);
void c2s_arena_destroy(c2s_arena *arena); /* NULL is allowed */
void *c2s_arena_alloc(c2s_arena *arena, size_t size); /* zeroed, 16-byte aligned */
void *c2s_arena_array(c2s_arena *arena, size_t count, size_t size); /* zeroed; product checked */
char *c2s_arena_strdup(c2s_arena *arena, const char *text);
char *c2s_arena_memdup(c2s_arena *arena, const void *data, size_t size); /* adds a NUL behind */

#endif
