/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/gram_keep.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/vec.h"

#define DEFAULT_MEMORY ((uint64_t)1 << 28)

typedef struct kept {
    uint64_t key, bytes;
    c2s_gram *gram;
    c2s_cross cross; /* its arrays NULL: the request has no target */
    size_t n;        /* of the cross */
    uint64_t used;   /* when it was asked for last */
    bool held;
} kept;

struct c2s_gram_cache {
    uint64_t most, bytes, time;
    C2S_VEC(kept) entries;
    c2s_gram_cache_counts counts;
};

c2s_gram_cache *c2s_gram_cache_create(uint64_t bytes) {
    c2s_gram_cache *cache = c2s_zalloc(sizeof *cache);
    cache->most = bytes ? bytes : DEFAULT_MEMORY;
    while (!bytes && cache->most > 1 && !c2s_memory_allows(8, cache->most))
        cache->most /= 2;
    return cache;
}

static void drop(c2s_gram_cache *cache, size_t index) {
    kept *e = &cache->entries.at[index];
    cache->bytes -= e->bytes;
    c2s_gram_unref(e->gram);
    free(e->cross.moment);
    free(e->cross.sum);
    *e = cache->entries.at[--cache->entries.count];
}

void c2s_gram_cache_free(c2s_gram_cache *cache) {
    if (!cache)
        return;
    while (cache->entries.count > 0)
        drop(cache, cache->entries.count - 1);
    c2s_vec_free(&cache->entries);
    free(cache);
}

c2s_gram_cache_counts c2s_gram_cache_count(const c2s_gram_cache *cache) {
    return cache ? cache->counts : (c2s_gram_cache_counts){0};
}

static kept *find(const c2s_gram_cache *cache, const c2s_gram_consumer *c) {
    for (size_t i = 0; c->key && i < cache->entries.count; i++) {
        kept *e = &cache->entries.at[i];
        if (e->key == c->key && e->gram->groups == c->site.groups && e->gram->k == c->site.k &&
            (c->target != NULL) == (e->cross.moment != NULL) && (!c->target || e->n == c->site.n))
            return e;
    }
    return NULL;
}

bool c2s_gram_cache_hold(c2s_gram_cache *cache, const c2s_gram_consumer *c) {
    kept *e = find(cache, c);
    *(e ? &cache->counts.found : &cache->counts.missed) += 1;
    if (!e)
        return false;
    e->used = ++cache->time;
    e->held = true;
    return true;
}

c2s_status c2s_gram_cache_take(const c2s_gram_cache *cache, const c2s_gram_consumer *c,
                               const c2s_gram_options *options) {
    const kept *e = find(cache, c);
    return options->take(options->user, &c->site, e->gram, c->target ? &e->cross : NULL);
}

void c2s_gram_cache_release(c2s_gram_cache *cache) {
    for (size_t i = 0; i < cache->entries.count; i++)
        cache->entries.at[i].held = false;
}

static uint64_t bytes_of(const c2s_gram_consumer *c) {
    const c2s_linear_site *s = &c->site;
    const uint64_t columns = (uint64_t)s->k + (c->target ? s->n : 0);
    return (uint64_t)s->groups * s->k * columns * sizeof(double);
}

/* False: all that there are are held. */
static bool drop_oldest(c2s_gram_cache *cache) {
    const kept *oldest = NULL;
    for (size_t i = 0; i < cache->entries.count; i++) {
        const kept *e = &cache->entries.at[i];
        if (!e->held && (!oldest || e->used < oldest->used))
            oldest = e;
    }
    if (oldest)
        drop(cache, (size_t)(oldest - cache->entries.at));
    return oldest != NULL;
}

void c2s_gram_cache_keep(c2s_gram_cache *cache, c2s_gram_consumer *c) {
    const uint64_t bytes = bytes_of(c);
    if (!c->key || bytes > cache->most || find(cache, c))
        return;
    while (cache->bytes + bytes > cache->most)
        if (!drop_oldest(cache))
            return;
    c2s_vec_push(&cache->entries, ((kept){.key = c->key,
                                          .bytes = bytes,
                                          .gram = c2s_gram_ref(c->gram),
                                          .cross = c->cross,
                                          .n = c->site.n,
                                          .used = ++cache->time}));
    c->cross = (c2s_cross){0};
    cache->bytes += bytes;
}
