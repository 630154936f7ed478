/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/function_calls.h"

#include <stdlib.h>

#include "base/map.h"

/* All three are interned. */
static uint64_t function_key(const char *domain, const char *name, const char *overload) {
    uint64_t key = c2s_hash_mix((uint64_t)(uintptr_t)domain, (uint64_t)(uintptr_t)name);
    return c2s_hash_mix(key, (uint64_t)(uintptr_t)overload);
}

/* Functions that call one that calls one ...: those of exporters are a handful. */
enum { MOST_DEEP = 256 };

/* Calls between functions, by index. */
typedef struct calls {
    c2s_map index; /* function_key to index + 1 */
    C2S_VEC(size_t) caller;
    C2S_VEC(size_t) callee;
} calls;

static void collect_calls(calls *c, const c2s_graph *graph, size_t caller) {
    for (c2s_node *node = graph->first; node; node = node->next) {
        uint64_t key = function_key(node->domain, node->type, node->overload);
        uintptr_t found = (uintptr_t)c2s_map_get_u64(&c->index, key);
        if (found) {
            c2s_vec_push(&c->caller, caller);
            c2s_vec_push(&c->callee, found - 1);
        }
        const c2s_graph *body;
        for (unsigned i = 0; (body = c2s_node_body(node, i)); i++)
            collect_calls(c, body, caller);
    }
}

/* Takes away functions that no remaining one calls, until only circles are left. */
static c2s_status check_calls(const c2s_model *model, const calls *c) {
    size_t count = model->functions.count, left = count;
    size_t *callers = c2s_zalloc((count + 1) * sizeof *callers);
    size_t *first = c2s_zalloc((count + 2) * sizeof *first); /* calls of i: first[i]..first[i+1] */
    size_t *depth = c2s_zalloc((count + 1) * sizeof *depth), deepest = 0;
    C2S_VEC(size_t) ready = {0};
    for (size_t k = 0; k < c->callee.count; k++) {
        callers[c->callee.at[k]]++;
        first[c->caller.at[k] + 1]++; /* calls are collected caller by caller */
    }
    for (size_t i = 0; i < count; i++) {
        first[i + 1] += first[i];
        if (!callers[i])
            c2s_vec_push(&ready, i);
    }
    while (ready.count) {
        size_t i = c2s_vec_pop(&ready);
        left--;
        deepest = depth[i] > deepest ? depth[i] : deepest;
        for (size_t k = first[i]; k < first[i + 1]; k++) {
            const size_t to = c->callee.at[k];
            depth[to] = depth[i] + 1 > depth[to] ? depth[i] + 1 : depth[to];
            if (--callers[to] == 0)
                c2s_vec_push(&ready, to);
        }
    }
    c2s_status status = C2S_OK;
    if (deepest >= MOST_DEEP)
        status = c2s_fail(C2S_ERR_UNSUPPORTED,
                          "functions call each other in a chain of %zu, at most %d are supported",
                          deepest + 1, MOST_DEEP);
    for (size_t i = 0; left && i < count; i++) {
        if (callers[i]) {
            status = c2s_fail(C2S_ERR_INVALID, "function \"%s\" calls itself, maybe indirectly",
                              model->functions.at[i]->name);
            break;
        }
    }
    free(callers);
    free(first);
    free(depth);
    c2s_vec_free(&ready);
    return status;
}

static c2s_status index_functions(const c2s_model *model, calls *c) {
    for (size_t i = 0; i < model->functions.count; i++) {
        const c2s_function *f = model->functions.at[i];
        const uint64_t key = function_key(f->domain, f->name, f->overload);
        if (c2s_map_get_u64(&c->index, key))
            return c2s_fail(C2S_ERR_INVALID, "function \"%s\" is defined twice", f->name);
        c2s_map_put_u64(&c->index, key, (void *)(uintptr_t)(i + 1));
    }
    return C2S_OK;
}

c2s_status c2s_functions_check(const c2s_model *model) {
    calls c = {0};
    c2s_status status = index_functions(model, &c);
    for (size_t i = 0; i < model->functions.count && status == C2S_OK; i++)
        collect_calls(&c, model->functions.at[i]->graph, i);
    if (status == C2S_OK)
        status = check_calls(model, &c);
    c2s_map_free(&c.index);
    c2s_vec_free(&c.caller);
    c2s_vec_free(&c.callee);
    return status;
}
