/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash map from pointers (interned names, nodes, values, tensors) or 64-bit keys to pointers.
 */
#ifndef C2S_BASE_MAP_H
#define C2S_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct c2s_map_slot {
    uint64_t key;
    void *value;
    bool used;
} c2s_map_slot;

/* Zero-initialise; free with c2s_map_free. */
typedef struct c2s_map {
    c2s_map_slot *slots;
    size_t count, capacity; /* capacity: 0 or a power of two */
} c2s_map;

void c2s_map_put_u64(c2s_map *map, uint64_t key, void *value); /* replaces */
void *c2s_map_get_u64(const c2s_map *map, uint64_t key);       /* NULL if absent */
void c2s_map_free(c2s_map *map);

static inline void c2s_map_put(c2s_map *map, const void *key, void *value) {
    c2s_map_put_u64(map, (uint64_t)(uintptr_t)key, value);
}
static inline void *c2s_map_get(const c2s_map *map, const void *key) {
    return c2s_map_get_u64(map, (uint64_t)(uintptr_t)key);
}

/* 64-bit hash of bytes (for content hashing; not cryptographic, same on every machine). */
uint64_t c2s_hash_bytes(const void *data, size_t size, uint64_t seed);
uint64_t c2s_hash_mix(uint64_t a, uint64_t b);

#endif
