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

/* Returns NULL on failure, which includes what passes the ceiling: for tensor data and other sizes
 * that a file decides. 64-byte aligned. */
void *c2s_try_alloc_aligned(size_t size);
/* A message for such a failure: how much was wanted, and the ceiling if that is why. */
c2s_status c2s_fail_alloc(size_t count, size_t size);
/* Gives the system back what was freed between pieces in use, if the C library can. Takes
 * milliseconds: for pieces of megabytes that come and go between small ones that stay. */
void c2s_heap_trim(void);

/* The ceiling: what this thread may hold in tensors, which c2s_memory_count adds up, with the
 * allocation at hand. The machine's memory unless set; at most that. */
typedef uint64_t c2s_ceiling;
/* From now on `bytes` more than there are (0: no change; never more than before). Returns what was in
 * force, for c2s_ceiling_restore. */
c2s_ceiling c2s_ceiling_lower(uint64_t bytes);
void c2s_ceiling_restore(c2s_ceiling before);
bool c2s_memory_allows(size_t count, size_t size); /* so much more is below the ceiling */
void c2s_memory_count(int64_t bytes);              /* tensors came or went, in any thread */
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
