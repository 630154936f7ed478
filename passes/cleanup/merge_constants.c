/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: two initializers of one graph with the same type and bytes
 * After:  the one with the shorter name, so that no model grows
 * Refuses when both are graph outputs.
 *
 * Two levels keep it linear and off the disk: a key of type and a few sampled bytes finds
 * candidates; only those are hashed whole, once each, and compared byte by byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "passes/cleanup/cleanup.h"

#define SAMPLE 64u

typedef struct merger {
    c2s_map by_sample; /* key -> the first value with it, not hashed yet or hashed */
    c2s_map by_hash;   /* whole hash -> the first value with it */
    bool *hashed;      /* by value id: entered in by_hash */
    c2s_stats *stats;
} merger;

static uint64_t hash_type(const c2s_tensor *tensor, const c2s_graph *graph) {
    uint64_t hash = c2s_hash_mix((uint64_t)tensor->type.dtype, (uint64_t)(uintptr_t)graph);
    return c2s_hash_bytes(tensor->type.dim, (size_t)tensor->type.rank * sizeof(c2s_dim), hash);
}

static uint64_t sample_key(const c2s_tensor *tensor, const c2s_graph *graph) {
    uint64_t hash = hash_type(tensor, graph);
    if (tensor->type.dtype == C2S_STRING)
        return hash;
    const char *data = c2s_tensor_raw(tensor);
    size_t size = c2s_tensor_size(tensor);
    if (size <= 3 * SAMPLE)
        return c2s_hash_bytes(data, size, hash);
    hash = c2s_hash_bytes(data, SAMPLE, hash);
    hash = c2s_hash_bytes(data + size / 2 - SAMPLE / 2, SAMPLE, hash);
    hash = c2s_hash_bytes(data + size - SAMPLE, SAMPLE, hash);
    c2s_tensor_forget(tensor);
    return hash;
}

static uint64_t whole_hash(const c2s_value *value) {
    const uint64_t content = c2s_tensor_hash(value->constant);
    c2s_tensor_forget(value->constant);
    return c2s_hash_mix(hash_type(value->constant, value->graph), content);
}

/* The value with the same content seen earlier, or NULL; then this one is remembered. */
static c2s_value *seen_before(merger *m, c2s_value *value) {
    uint64_t key = sample_key(value->constant, value->graph);
    c2s_value *candidate = c2s_map_get_u64(&m->by_sample, key);
    if (!candidate) {
        c2s_map_put_u64(&m->by_sample, key, value);
        return NULL;
    }
    if (!m->hashed[candidate->id]) {
        m->hashed[candidate->id] = true;
        c2s_map_put_u64(&m->by_hash, whole_hash(candidate), candidate);
    }
    uint64_t hash = whole_hash(value);
    c2s_value *other = c2s_map_get_u64(&m->by_hash, hash);
    if (other && other->graph == value->graph) {
        const bool equal = c2s_tensor_equal(other->constant, value->constant);
        c2s_tensor_forget(other->constant);
        c2s_tensor_forget(value->constant);
        if (equal)
            return other;
    }
    if (!other) {
        m->hashed[value->id] = true;
        c2s_map_put_u64(&m->by_hash, hash, value);
    }
    return NULL;
}

/* `value` takes the place of `other` for those that come later. */
static void remember_instead(merger *m, c2s_value *other, c2s_value *value) {
    uint64_t key = sample_key(value->constant, value->graph);
    if (c2s_map_get_u64(&m->by_sample, key) == other)
        c2s_map_put_u64(&m->by_sample, key, value);
    m->hashed[value->id] = true;
    c2s_map_put_u64(&m->by_hash, whole_hash(value), value);
}

void c2s_merge_constants(const c2s_graph_list *graphs, c2s_stats *stats) {
    if (graphs->count == 0)
        return;
    merger m = {.stats = stats};
    m.hashed = c2s_zalloc(graphs->at[0]->model->values.count + 1);
    for (size_t i = 0; i < graphs->count; i++) {
        c2s_graph *graph = graphs->at[i];
        for (size_t k = 0; k < graph->initializers.count; k++) {
            c2s_value *value = graph->initializers.at[k];
            if (!value || value->use_count == 0 || !c2s_stats_may_apply(stats) ||
                value->constant->type.kind != C2S_KIND_TENSOR)
                continue;
            c2s_value *other = seen_before(&m, value);
            if (!other || c2s_rewrite_needs_identity(value, other))
                continue;
            char where[440];
            snprintf(where, sizeof where, "initializer \"%.400s\"", value->name);
            if (c2s_stats_skips(stats, "merge-initializers", where))
                continue;
            c2s_stats_apply(stats, "merge-initializers", where);
            if (strlen(value->name) < strlen(other->name)) {
                remember_instead(&m, other, value);
                c2s_rewrite_replace(other, value);
            } else {
                c2s_rewrite_replace(value, other);
            }
        }
    }
    free(m.hashed);
    c2s_map_free(&m.by_sample);
    c2s_map_free(&m.by_hash);
}
