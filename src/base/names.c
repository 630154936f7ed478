/* SPDX-License-Identifier: Apache-2.0 */
#include "base/names.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"

typedef struct entry {
    uint64_t hash;
    const char *text; /* NULL: free slot */
    size_t length;
    unsigned next_suffix; /* where the search for a fresh name based on this one goes on */
} entry;

/* Where texts lie. A copy refers to those of what it was copied from, and adds none to them. */
typedef struct store {
    c2s_arena *arena;
    struct store *copied_from;
    atomic_uint refs;
} store;

struct c2s_names {
    store *texts;
    entry *table;
    size_t count, capacity;
    const char *empty; /* "", which most nodes are called */
};

static store *store_create(store *copied_from) {
    store *s = c2s_zalloc(sizeof *s);
    s->arena = c2s_arena_create();
    s->copied_from = copied_from;
    atomic_init(&s->refs, 1);
    return s;
}

static void store_release(store *s) {
    while (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1) {
        store *next = s->copied_from;
        c2s_arena_destroy(s->arena);
        free(s);
        s = next;
    }
}

c2s_names *c2s_names_create(void) {
    c2s_names *names = c2s_zalloc(sizeof *names);
    names->texts = store_create(NULL);
    names->capacity = 64;
    names->table = c2s_zalloc(names->capacity * sizeof *names->table);
    names->empty = c2s_name_intern_n(names, "", 0);
    return names;
}

c2s_names *c2s_names_copy(const c2s_names *from) {
    c2s_names *names = c2s_alloc(sizeof *names);
    *names = *from;
    atomic_fetch_add_explicit(&from->texts->refs, 1, memory_order_relaxed);
    names->texts = store_create(from->texts);
    names->table = c2s_alloc(from->capacity * sizeof *names->table);
    memcpy(names->table, from->table, from->capacity * sizeof *names->table);
    return names;
}

void c2s_names_destroy(c2s_names *names) {
    if (!names)
        return;
    store_release(names->texts);
    free(names->table);
    free(names);
}

static entry *find(const c2s_names *names, const char *text, size_t length, uint64_t hash) {
    size_t mask = names->capacity - 1, i = (size_t)hash & mask;
    for (; names->table[i].text; i = (i + 1) & mask) {
        const entry *e = &names->table[i];
        if (e->hash == hash && e->length == length && memcmp(e->text, text, length) == 0)
            break;
    }
    return &names->table[i];
}

static void grow(c2s_names *names) {
    entry *old = names->table;
    size_t old_capacity = names->capacity, mask;
    names->capacity *= 2;
    mask = names->capacity - 1;
    names->table = c2s_zalloc(names->capacity * sizeof *names->table);
    for (size_t k = 0; k < old_capacity; k++) {
        if (!old[k].text)
            continue;
        size_t i = (size_t)old[k].hash & mask;
        while (names->table[i].text)
            i = (i + 1) & mask;
        names->table[i] = old[k];
    }
    free(old);
}

static entry *intern(c2s_names *names, const char *text, size_t length) {
    if (names->count * 4 >= names->capacity * 3)
        grow(names);
    uint64_t hash = c2s_hash_bytes(text, length, 0);
    entry *e = find(names, text, length, hash);
    if (!e->text) {
        *e = (entry){hash, c2s_arena_memdup(names->texts->arena, text, length), length, 1};
        names->count++;
    }
    return e;
}

const char *c2s_name_intern_n(c2s_names *names, const char *text, size_t length) {
    return intern(names, text, length)->text;
}

const char *c2s_name_intern(c2s_names *names, const char *text) {
    return text[0] ? c2s_name_intern_n(names, text, strlen(text)) : names->empty;
}

const char *c2s_name_find(const c2s_names *names, const char *text) {
    size_t length = strlen(text);
    return find(names, text, length, c2s_hash_bytes(text, length, 0))->text;
}

const char *c2s_name_fresh(c2s_names *names, const char *hint) {
    if (!c2s_name_find(names, hint))
        return c2s_name_intern(names, hint);
    size_t length = strlen(hint);
    char *text = c2s_alloc(length + 16);
    memcpy(text, hint, length);
    unsigned suffix = intern(names, hint, length)->next_suffix;
    do
        snprintf(text + length, 16, "_%u", suffix++);
    while (c2s_name_find(names, text));
    intern(names, hint, length)->next_suffix = suffix;
    const char *fresh = c2s_name_intern(names, text);
    free(text);
    return fresh;
}
