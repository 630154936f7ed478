/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/value_digest.h"

#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "ir/graph_digest.h"
#include "ops/op.h"

/* 0 means that it is not known. */
static uint64_t known(uint64_t digest) {
    return digest ? digest : 1;
}

static uint64_t add_text(uint64_t digest, const char *text) {
    return c2s_hash_bytes(text, strlen(text), digest);
}

static uint64_t of_tensor(const c2s_tensor *tensor) {
    const uint64_t hash = c2s_tensor_hash(tensor);
    c2s_tensor_forget(tensor);
    return known(hash);
}

static uint64_t of_input(const c2s_value *value) {
    uint64_t digest = add_text((uint64_t)value->type.dtype, value->name);
    if (value->initial)
        digest = c2s_hash_mix(digest, of_tensor(value->initial));
    return known(digest);
}

/* Attributes whose contents c2s_attr_hash tells apart, and bodies. */
static bool has_plain_attrs(const c2s_node *node) {
    unsigned bodies = 0;
    for (unsigned k = 0; k < node->attr_count; k++) {
        const c2s_attr_kind kind = node->attrs[k].kind;
        bodies += kind == C2S_ATTR_GRAPH;
        if (kind != C2S_ATTR_GRAPH && kind != C2S_ATTR_INT && kind != C2S_ATTR_INTS &&
            kind != C2S_ATTR_FLOAT && kind != C2S_ATTR_FLOATS && kind != C2S_ATTR_STRING &&
            kind != C2S_ATTR_STRINGS && kind != C2S_ATTR_TENSOR && kind != C2S_ATTR_TENSORS)
            return false;
    }
    return bodies == node->body_attrs;
}

static uint64_t of_operand(const c2s_value *value, uint64_t *digests) {
    if (value->constant && !digests[value->id])
        digests[value->id] = of_tensor(value->constant);
    return digests[value->id];
}

/* 0: not known. */
static uint64_t of_node(const c2s_node *node, uint64_t *digests) {
    uint64_t digest = add_text(add_text(0, node->domain), node->type);
    const c2s_graph *body;
    if (c2s_node_is_random(node) || !has_plain_attrs(node) || node->op == &c2s_op_opaque)
        return 0; /* of a call the function says what is computed, not the node */
    digest = add_text(digest, node->overload);
    for (unsigned k = 0; k < node->attr_count; k++)
        digest = c2s_hash_mix(digest, c2s_attr_hash(&node->attrs[k]));
    for (unsigned k = 0; (body = c2s_node_body(node, k)) != NULL; k++)
        digest = c2s_hash_mix(digest, c2s_graph_digest(body));
    for (unsigned k = 0; k < node->input_count; k++) {
        const c2s_value *value = node->inputs[k].value;
        const uint64_t own = value ? of_operand(value, digests) : 1;
        if (own == 0)
            return 0;
        digest = c2s_hash_mix(digest, own);
    }
    return known(digest);
}

static size_t count_wanted(const c2s_graph *graph, const bool *wanted) {
    size_t count = 0;
    for (size_t id = 0; id < graph->model->values.count; id++)
        count += wanted[id];
    return count;
}

uint64_t *c2s_value_digests(const c2s_graph *graph, const bool *wanted) {
    uint64_t *digests = c2s_zalloc((graph->model->values.count + 1) * sizeof *digests);
    size_t left = count_wanted(graph, wanted);
    const uint64_t opset = (uint64_t)c2s_model_opset(graph->model, "") << 32;
    for (unsigned k = 0; k < graph->entry->output_count; k++) {
        const c2s_value *value = graph->entry->outputs[k];
        if (!value)
            continue;
        digests[value->id] = of_input(value);
        left -= wanted[value->id];
    }
    for (size_t k = 0; k < graph->initializers.count && left > 0; k++) {
        const c2s_value *value = graph->initializers.at[k];
        if (value && value->constant && wanted[value->id])
            left -= of_operand(value, digests) != 0;
    }
    for (const c2s_node *node = graph->first; node && left > 0; node = node->next) {
        const uint64_t digest = of_node(node, digests);
        for (unsigned k = 0; k < node->output_count; k++) {
            const c2s_value *value = node->outputs[k];
            if (!value)
                continue;
            digests[value->id] = digest ? known(c2s_hash_mix(digest, opset + k)) : 0;
            left -= wanted[value->id];
        }
    }
    return digests;
}
