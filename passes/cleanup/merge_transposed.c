/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: two matrices among the initializers, one the transpose of the other (an embedding and the
 *         output layer that is tied to it)
 * After:  one of them, and a Transpose of it, which the fuse pass lets MatMul and Gemm swallow
 * Refuses, unless it is asked to, when something else than the weight of a Gemm, or of a MatMul of
 * matrices, reads the second: the Transpose would run every time.
 *
 * Linear, and off the disk: only matrices for which there is one of the transposed shape are looked
 * at, and only those that share a few elements of the diagonal are read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "passes/cleanup/cleanup.h"

/* Below this folding would undo it, and nothing is gained. */
#define LEAST_BYTES ((size_t)64 << 10)

static bool is_candidate(const c2s_value *value) {
    const c2s_tensor *tensor = value->constant;
    return value->use_count > 0 && tensor && tensor->type.kind == C2S_KIND_TENSOR &&
           tensor->type.rank == 2 && c2s_tensor_size(tensor) > LEAST_BYTES &&
           (tensor->type.dtype == C2S_FLOAT || tensor->type.dtype == C2S_FLOAT16 ||
            tensor->type.dtype == C2S_BFLOAT16);
}

static uint64_t shape_key(const c2s_graph *graph, c2s_dtype dtype, c2s_dim rows, c2s_dim columns) {
    uint64_t key = c2s_hash_mix((uint64_t)(uintptr_t)graph, (uint64_t)dtype);
    return c2s_hash_mix(c2s_hash_mix(key, (uint64_t)rows), (uint64_t)columns);
}

/* The same for a matrix and its transpose: elements of the diagonal, at both ends and in the
 * middle, where few pages have to be read for them. */
static uint64_t diagonal_key(const c2s_tensor *tensor, const c2s_graph *graph) {
    enum { PLACES = 3, NEIGHBOURS = 3 };
    const size_t rows = (size_t)tensor->type.dim[0], columns = (size_t)tensor->type.dim[1];
    const size_t length = rows < columns ? rows : columns;
    const size_t size = tensor->type.dtype == C2S_FLOAT ? 4 : 2;
    const char *data = c2s_tensor_raw(tensor);
    uint64_t key = (uint64_t)(uintptr_t)graph;
    for (size_t i = 0; i < PLACES * NEIGHBOURS; i++) {
        const size_t begin = i / NEIGHBOURS * (length - 1) / (PLACES - 1), next = i % NEIGHBOURS;
        const size_t at = begin + next < length ? begin + next : begin - next;
        uint32_t element = 0;
        if (at < length)
            memcpy(&element, data + (at * columns + at) * size, size);
        key = c2s_hash_mix(key, element);
    }
    c2s_tensor_forget(tensor);
    return key;
}

static bool is_transpose(const c2s_tensor *a, const c2s_tensor *b) {
    size_t rows = (size_t)a->type.dim[0], columns = (size_t)a->type.dim[1];
    size_t size = a->type.dtype == C2S_FLOAT ? 4 : 2;
    const char *x = c2s_tensor_raw(a), *y = c2s_tensor_raw(b);
    enum { TILE = 64 };
    for (size_t i0 = 0; i0 < rows; i0 += TILE)
        for (size_t j0 = 0; j0 < columns; j0 += TILE)
            for (size_t i = i0; i < rows && i < i0 + TILE; i++)
                for (size_t j = j0; j < columns && j < j0 + TILE; j++)
                    if (memcmp(x + (i * columns + j) * size, y + (j * rows + i) * size, size) != 0)
                        return false;
    return true;
}

/* The Transpose will be part of the product. */
static bool is_swallowed(const c2s_use *use) {
    const c2s_node *user = use->user;
    if (user->op == &c2s_op_gemm)
        return use->slot < 2;
    const c2s_value *other = c2s_node_in(user, 1 - use->slot);
    return user->op == &c2s_op_matmul && use->slot < 2 && other &&
           other->type.kind == C2S_KIND_TENSOR && other->type.rank == 2;
}

static const char *refuse(const c2s_value *value, bool anywhere) {
    c2s_value_each_use(use, value) {
        if (use->user == value->graph->exit)
            return "it is an output";
        if (!anywhere && !is_swallowed(use))
            return "a Transpose would run every time (cleanup(tie_transposed))";
    }
    return NULL;
}

/* Embeddings are looked up by rows: those stay as they are. */
static bool is_looked_up(const c2s_value *value) {
    c2s_value_each_use(use, value) if (use->user->op == &c2s_op_gather) return true;
    return false;
}

static void tie(c2s_value *kept, c2s_value *gone) {
    static const int64_t perm[2] = {1, 0};
    c2s_graph *graph = gone->graph;
    c2s_node *node = c2s_node_create(graph, graph->first, "", "Transpose", 1, 1);
    c2s_use_set(&node->inputs[0], kept);
    c2s_attr_set_ints(node, "perm", perm, 2);
    c2s_value_set_type(node->outputs[0], &gone->type);
    c2s_rewrite_replace(gone, node->outputs[0]);
}

typedef struct tier {
    c2s_map by_shape, by_content;
    bool anywhere;
    c2s_stats *stats;
} tier;

static void look_at(tier *t, c2s_value *value) {
    const c2s_type *type = &value->constant->type;
    if (!c2s_map_get_u64(&t->by_shape,
                         shape_key(value->graph, type->dtype, type->dim[1], type->dim[0])))
        return;
    uint64_t content = diagonal_key(value->constant, value->graph);
    c2s_value *other = c2s_map_get_u64(&t->by_content, content);
    c2s_map_put_u64(&t->by_content, content, value);
    if (!other || other->use_count == 0 || other->constant->type.dtype != type->dtype ||
        other->constant->type.dim[0] != type->dim[1] ||
        !is_transpose(other->constant, value->constant))
        return;
    c2s_value *gone = is_looked_up(value) ? other : value, *kept = gone == value ? other : value;
    char where[440];
    snprintf(where, sizeof where, "initializer \"%.400s\"", gone->name);
    const char *reason = refuse(gone, t->anywhere);
    if (reason) {
        c2s_stats_refuse(t->stats, "merge-transposed", where, reason);
        return;
    }
    if (!c2s_stats_may_apply(t->stats) || c2s_stats_skips(t->stats, "merge-transposed", where))
        return;
    c2s_stats_apply(t->stats, "merge-transposed", where);
    c2s_map_put_u64(&t->by_content, content, kept);
    tie(kept, gone);
}

void c2s_merge_transposed(const c2s_graph_list *graphs, bool anywhere, c2s_stats *stats) {
    tier t = {.anywhere = anywhere, .stats = stats};
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < graphs->count; i++)
            for (size_t k = 0; k < graphs->at[i]->initializers.count; k++) {
                c2s_value *value = graphs->at[i]->initializers.at[k];
                if (!value || !is_candidate(value))
                    continue;
                const c2s_type *type = &value->constant->type;
                if (pass == 0)
                    c2s_map_put_u64(
                        &t.by_shape,
                        shape_key(value->graph, type->dtype, type->dim[0], type->dim[1]), value);
                else
                    look_at(&t, value);
            }
    c2s_map_free(&t.by_shape);
    c2s_map_free(&t.by_content);
}
