/* SPDX-License-Identifier: Apache-2.0 */
#include "io/load_function.h"

#include <string.h>

#include "base/map.h"
#include "io/load_attr.h"
#include "io/load_graph.h"

static const char *text_of(const char *text) {
    return text ? text : "";
}

static const char *plain_domain(c2s_model *model, const char *text) {
    const char *domain = text_of(text);
    return c2s_name_intern(model->names, strcmp(domain, "ai.onnx") == 0 ? "" : domain);
}

/* All three are interned. */
static uint64_t function_key(const char *domain, const char *name, const char *overload) {
    uint64_t key = c2s_hash_mix((uint64_t)(uintptr_t)domain, (uint64_t)(uintptr_t)name);
    return c2s_hash_mix(key, (uint64_t)(uintptr_t)overload);
}

static c2s_status load_function(c2s_model *model, const Onnx__FunctionProto *proto,
                                c2s_function *f) {
    f->origin = proto;
    for (size_t i = 0; i < proto->n_attribute; i++)
        c2s_vec_push(&f->attrs, c2s_name_intern(model->names, text_of(proto->attribute[i])));
    for (size_t i = 0; i < proto->n_attribute_proto; i++) {
        c2s_attr_kind kind = c2s_attr_proto_kind(proto->attribute_proto[i]);
        if (kind != C2S_ATTR_GRAPH && kind != C2S_ATTR_GRAPHS)
            C2S_TRY(c2s_attr_load(f->graph->entry, proto->attribute_proto[i], model->origin));
    }
    for (size_t i = 0; i < proto->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *opset = proto->opset_import[i];
        c2s_opset entry = {plain_domain(model, opset->domain), opset->version, opset};
        c2s_vec_push(&f->opsets, entry);
    }
    return c2s_graph_load_function(f->graph, proto, model->origin);
}

/* ---- circles and chains ---- */

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

static c2s_status load_all(c2s_model *model, const Onnx__ModelProto *proto, calls *c) {
    for (size_t i = 0; i < proto->n_functions; i++) {
        const Onnx__FunctionProto *from = proto->functions[i];
        c2s_function *f = c2s_arena_alloc(model->arena, sizeof *f);
        f->domain = plain_domain(model, from->domain);
        f->name = c2s_name_intern(model->names, text_of(from->name));
        f->overload = c2s_name_intern(model->names, text_of(from->overload));
        f->graph = c2s_graph_create(model, NULL, f->name);
        c2s_vec_push(&model->functions, f);
        uint64_t key = function_key(f->domain, f->name, f->overload);
        if (c2s_map_get_u64(&c->index, key))
            return c2s_fail(C2S_ERR_INVALID, "function \"%s\" is defined twice", f->name);
        c2s_map_put_u64(&c->index, key, (void *)(uintptr_t)(i + 1));
        c2s_status status = load_function(model, from, f);
        if (status != C2S_OK) {
            c2s_note("function \"%s\"", f->name);
            return status;
        }
    }
    for (size_t i = 0; i < model->functions.count; i++)
        collect_calls(c, model->functions.at[i]->graph, i);
    return check_calls(model, c);
}

c2s_status c2s_functions_load(c2s_model *model, const Onnx__ModelProto *proto) {
    calls c = {0};
    c2s_status status = load_all(model, proto, &c);
    c2s_map_free(&c.index);
    c2s_vec_free(&c.caller);
    c2s_vec_free(&c.callee);
    return status;
}
