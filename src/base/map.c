/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Finalizer of splitmix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit. */
static uint64_t scramble(uint64_t x) {
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t c2s_hash_mix(uint64_t a, uint64_t b) {
    return scramble(a * UINT64_C(0x9e3779b97f4a7c15) + b + 0x632be59bd9b4e019u);
}

uint64_t c2s_hash_bytes(const void *data, size_t size, uint64_t seed) {
    const unsigned char *p = data;
    /* Four independent lanes keep the multipliers busy on large tensors. */
    uint64_t lane[4] = {seed, seed ^ 0x51ed270b, seed ^ 0xb492b66f, seed ^ 0x9ae16a3b};
    size_t left = size;
    for (; left >= 32; left -= 32, p += 32)
        for (int i = 0; i < 4; i++) {
            uint64_t word;
            memcpy(&word, p + 8 * i, 8);
            lane[i] = (lane[i] ^ word) * UINT64_C(0x9e3779b97f4a7c15);
            lane[i] ^= lane[i] >> 29;
        }
    uint64_t hash = size;
    for (int i = 0; i < 4; i++)
        hash = c2s_hash_mix(hash, lane[i]);
    for (; left > 0;) {
        size_t n = left < 8 ? left : 8;
        uint64_t word = 0;
        memcpy(&word, p, n);
        hash = c2s_hash_mix(hash, word);
        p += n;
        left -= n;
    }
    return hash;
}

static c2s_map_slot *find_slot(const c2s_map *map, uint64_t key) {
    size_t mask = map->capacity - 1, i = (size_t)scramble(key) & mask;
    while (map->slots[i].used && map->slots[i].key != key)
        i = (i + 1) & mask;
    return &map->slots[i];
}

static void grow(c2s_map *map) {
    c2s_map bigger = {.capacity = map->capacity ? map->capacity * 2 : 16};
    size_t bytes;
    if (!c2s_mul_size(bigger.capacity, sizeof *bigger.slots, &bytes))
        bytes = SIZE_MAX;
    bigger.slots = c2s_zalloc(bytes);
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].used)
            *find_slot(&bigger, map->slots[i].key) = map->slots[i];
    bigger.count = map->count;
    free(map->slots);
    *map = bigger;
}

void c2s_map_put_u64(c2s_map *map, uint64_t key, void *value) {
    if (map->count * 4 >= map->capacity * 3)
        grow(map);
    c2s_map_slot *slot = find_slot(map, key);
    if (!slot->used) {
        slot->used = true;
        slot->key = key;
        map->count++;
    }
    slot->value = value;
}

void *c2s_map_get_u64(const c2s_map *map, uint64_t key) {
    if (!map->capacity)
        return NULL;
    c2s_map_slot *slot = find_slot(map, key);
    return slot->used ? slot->value : NULL;
}

void c2s_map_free(c2s_map *map) {
    free(map->slots);
    *map = (c2s_map){0};
}
