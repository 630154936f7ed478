/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/graph_digest.h"

#include <string.h>

#include "base/map.h"

static uint64_t add_text(uint64_t digest, const char *text) {
    return text ? c2s_hash_bytes(text, strlen(text), digest) : c2s_hash_mix(digest, 0);
}

static uint64_t add_tensor(uint64_t digest, const c2s_tensor *tensor) {
    digest = c2s_hash_mix(digest, c2s_tensor_hash(tensor));
    c2s_tensor_forget(tensor);
    return digest;
}

static uint64_t hash_strings(uint64_t hash, const c2s_string *strings, size_t count) {
    for (size_t k = 0; k < count; k++)
        hash = c2s_hash_bytes(strings[k].data, strings[k].size, hash);
    return hash;
}

static uint64_t hash_tensors(uint64_t hash, const c2s_tensor *const *tensors, size_t count) {
    for (size_t k = 0; k < count; k++)
        hash = tensors[k] ? c2s_hash_mix(hash, c2s_tensor_hash(tensors[k])) : hash;
    return hash;
}

uint64_t c2s_attr_hash(const c2s_attr *a) {
    const uint64_t hash = c2s_hash_mix(c2s_hash_bytes(a->name, strlen(a->name), 0),
                                       c2s_hash_mix((uint64_t)a->kind, a->count));
    switch (a->kind) {
    case C2S_ATTR_INT:
        return c2s_hash_mix(hash, (uint64_t)a->i);
    case C2S_ATTR_INTS:
        return c2s_hash_bytes(a->ints, a->count * sizeof *a->ints, hash);
    case C2S_ATTR_FLOAT:
        return c2s_hash_bytes(&a->f, sizeof a->f, hash);
    case C2S_ATTR_FLOATS:
        return c2s_hash_bytes(a->floats, a->count * sizeof *a->floats, hash);
    case C2S_ATTR_STRING:
        return hash_strings(hash, &a->s, 1);
    case C2S_ATTR_STRINGS:
        return hash_strings(hash, a->strings, a->count);
    case C2S_ATTR_TENSOR:
        return hash_tensors(hash, &a->t, 1);
    case C2S_ATTR_TENSORS:
        return hash_tensors(hash, a->tensors, a->count);
    default:
        return hash;
    }
}

static uint64_t add_value(uint64_t digest, const c2s_value *value) {
    if (!value)
        return c2s_hash_mix(digest, 0);
    digest = add_text(digest, value->name);
    return c2s_hash_mix(digest, (uint64_t)value->type.dtype);
}

static uint64_t add_graph(uint64_t digest, const c2s_graph *graph);

static uint64_t add_node(uint64_t digest, const c2s_node *node) {
    digest = add_text(digest, node->domain);
    digest = add_text(digest, node->type);
    digest = add_text(digest, node->overload);
    for (unsigned k = 0; k < node->attr_count; k++)
        digest = c2s_hash_mix(digest, c2s_attr_hash(&node->attrs[k]));
    for (unsigned k = 0; k < node->input_count; k++)
        digest = add_value(digest, node->inputs[k].value);
    for (unsigned k = 0; k < node->output_count; k++)
        digest = add_value(digest, node->outputs[k]);
    const c2s_graph *body;
    for (unsigned k = 0; (body = c2s_node_body(node, k)) != NULL; k++)
        digest = add_graph(digest, body);
    return digest;
}

static uint64_t add_graph(uint64_t digest, const c2s_graph *graph) {
    for (unsigned k = 0; k < graph->entry->output_count; k++) {
        const c2s_value *value = graph->entry->outputs[k];
        digest = add_value(digest, value);
        if (value && value->initial)
            digest = add_tensor(digest, value->initial);
    }
    for (size_t k = 0; k < graph->initializers.count; k++) {
        const c2s_value *value = graph->initializers.at[k];
        if (!value || !value->constant || value->use_count == 0)
            continue;
        digest = add_tensor(add_value(digest, value), value->constant);
    }
    for (const c2s_node *node = graph->first; node; node = node->next)
        digest = add_node(digest, node);
    for (unsigned k = 0; k < c2s_graph_output_count(graph); k++)
        digest = add_value(digest, c2s_graph_output(graph, k));
    return digest;
}

uint64_t c2s_graph_digest(const c2s_graph *graph) {
    return add_graph(c2s_hash_mix(0, (uint64_t)c2s_model_opset(graph->model, "")), graph);
}
