/* SPDX-License-Identifier: Apache-2.0
 *
 * The file: a line of text, digests of model and data, then per graph its digest, a size and so
 * many bytes of ranges_bytes.c; a hash of all that at the end.
 */
#include "passes/measure/ranges_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/map.h"
#include "base/timing.h"
#include "passes/measure/ranges_state.h"

/* The number changes with the format. */
static const char title[32] = "onnx-c2s statistics, format 1\n";

enum { GRAPHS_MOST = 16, FILE_MOST = 1 << 30 };

typedef struct section {
    uint64_t graph;
    c2s_byte_vec bytes;
} section;

typedef struct head {
    char title[sizeof title];
    uint64_t model, data;
} head;

struct c2s_ranges_cache {
    char *path;
    head head;
    C2S_VEC(section) sections; /* the one that was kept last at the end */
    double written;            /* when */
};

/* ---- reading ---- */

static c2s_status take_section(c2s_ranges_cache *cache, const char **at, size_t *left) {
    uint64_t fields[2];
    if (*left < sizeof fields)
        return c2s_fail(C2S_ERR_INVALID, "it ends early");
    memcpy(fields, *at, sizeof fields);
    *at += sizeof fields;
    *left -= sizeof fields;
    if (fields[1] > *left)
        return c2s_fail(C2S_ERR_INVALID, "it ends early");
    section s = {.graph = fields[0]};
    const size_t size = (size_t)fields[1];
    c2s_vec_reserve(&s.bytes, size + 1);
    memcpy(s.bytes.at, *at, size); /* room for one more: never NULL */
    s.bytes.count = size;
    c2s_vec_push(&cache->sections, s);
    *at += size;
    *left -= size;
    return C2S_OK;
}

static c2s_status read_file(c2s_ranges_cache *cache, const char *data, size_t size) {
    head found;
    uint64_t hash;
    if (size < sizeof found + sizeof hash || memcmp(data, title, sizeof title) != 0)
        return c2s_fail(C2S_ERR_INVALID, "this is no file of statistics of this version");
    memcpy(&found, data, sizeof found);
    memcpy(&hash, data + size - sizeof hash, sizeof hash);
    if (hash != c2s_hash_bytes(data, size - sizeof hash, 0))
        return c2s_fail(C2S_ERR_INVALID, "the statistics in it are damaged");
    if (found.model != cache->head.model)
        return c2s_fail(C2S_ERR_USAGE, "these statistics are of another model, or of other options "
                                       "for it: name another file, or remove this one");
    if (found.data != cache->head.data)
        return c2s_fail(C2S_ERR_USAGE, "these statistics are of other data, or of pictures made "
                                       "into inputs otherwise: name another file, or remove this "
                                       "one");
    const char *at = data + sizeof found;
    size_t left = size - sizeof found - sizeof hash;
    while (left > 0)
        C2S_TRY(take_section(cache, &at, &left));
    return C2S_OK;
}

static c2s_status load(c2s_ranges_cache *cache) {
    struct stat info;
    void *bytes;
    size_t size;
    if (stat(cache->path, &info) != 0 && errno == ENOENT)
        return C2S_OK;
    C2S_TRY(c2s_file_read(cache->path, FILE_MOST, &bytes, &size));
    const c2s_status status = read_file(cache, bytes, size);
    free(bytes);
    if (status != C2S_OK)
        c2s_note("%s", cache->path);
    return status;
}

c2s_status c2s_ranges_cache_open(const char *path, uint64_t model, uint64_t data,
                                 c2s_ranges_cache **out) {
    c2s_ranges_cache *cache = c2s_zalloc(sizeof *cache);
    cache->path = path ? c2s_strdup(path) : NULL;
    cache->head.model = model;
    cache->head.data = data;
    memcpy(cache->head.title, title, sizeof title);
    cache->written = c2s_clock();
    const c2s_status status = path ? load(cache) : C2S_OK;
    if (status == C2S_OK)
        *out = cache;
    else
        c2s_ranges_cache_close(cache);
    return status;
}

void c2s_ranges_cache_close(c2s_ranges_cache *cache) {
    if (!cache)
        return;
    for (size_t k = 0; k < cache->sections.count; k++)
        c2s_vec_free(&cache->sections.at[k].bytes);
    c2s_vec_free(&cache->sections);
    free(cache->path);
    free(cache);
}

c2s_status c2s_ranges_cache_take(const c2s_ranges_cache *cache, uint64_t graph, c2s_ranges *ranges,
                                 bool *taken) {
    *taken = false;
    for (size_t k = 0; k < cache->sections.count; k++) {
        const section *s = &cache->sections.at[k];
        if (s->graph != graph)
            continue;
        const c2s_status status = c2s_ranges_read(ranges, s->bytes.at, s->bytes.count, taken);
        if (status != C2S_OK && cache->path)
            c2s_note("%s", cache->path);
        return status;
    }
    return C2S_OK;
}

/* ---- writing ---- */

static void append(c2s_byte_vec *out, const void *data, size_t size) {
    if (size == 0)
        return;
    c2s_vec_reserve(out, out->count + size);
    memcpy(out->at + out->count, data, size);
    out->count += size;
}

static c2s_status write_file(const c2s_ranges_cache *cache) {
    c2s_byte_vec all = {0};
    append(&all, &cache->head, sizeof cache->head);
    for (size_t k = 0; k < cache->sections.count; k++) {
        const section *s = &cache->sections.at[k];
        const uint64_t fields[2] = {s->graph, s->bytes.count};
        append(&all, fields, sizeof fields);
        append(&all, s->bytes.at, s->bytes.count);
    }
    const uint64_t hash = c2s_hash_bytes(all.at, all.count, 0);
    append(&all, &hash, sizeof hash);
    c2s_atomic_file file;
    c2s_status status = c2s_atomic_open(cache->path, &file);
    if (status == C2S_OK) {
        c2s_atomic_write(&file, all.at, all.count); /* commit sees what went wrong */
        status = c2s_atomic_commit(&file);
    }
    c2s_vec_free(&all);
    return status;
}

c2s_status c2s_ranges_cache_keep(c2s_ranges_cache *cache, uint64_t graph, const c2s_ranges *ranges,
                                 double seconds) {
    if (c2s_clock() - cache->written < seconds)
        return C2S_OK;
    section kept = {.graph = graph};
    size_t count = 0;
    for (size_t k = 0; k < cache->sections.count; k++) {
        section *s = &cache->sections.at[k];
        const bool oldest = k == 0 && cache->sections.count == GRAPHS_MOST;
        if (s->graph == graph || oldest)
            c2s_vec_free(&s->bytes);
        else
            cache->sections.at[count++] = *s;
    }
    cache->sections.count = count;
    c2s_ranges_write(ranges, &kept.bytes);
    c2s_vec_push(&cache->sections, kept);
    const c2s_status status = cache->path ? write_file(cache) : C2S_OK;
    cache->written = c2s_clock();
    return status;
}
