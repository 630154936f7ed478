/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "ir/graph.h"

/* ---- lookup ---- */

const c2s_attr *c2s_attr_find(const c2s_node *node, const char *name) {
    for (unsigned i = 0; i < node->attr_count; i++)
        if (strcmp(node->attrs[i].name, name) == 0)
            return &node->attrs[i];
    return NULL;
}

bool c2s_attr_has(const c2s_node *node, const char *name) {
    return c2s_attr_find(node, name) != NULL;
}

static const c2s_attr *of_kind(const c2s_node *node, const char *name, c2s_attr_kind kind) {
    const c2s_attr *attr = c2s_attr_find(node, name);
    return attr && attr->kind == kind && !attr->reference ? attr : NULL;
}

int64_t c2s_attr_int(const c2s_node *node, const char *name, int64_t absent) {
    const c2s_attr *attr = of_kind(node, name, C2S_ATTR_INT);
    return attr ? attr->i : absent;
}

float c2s_attr_float(const c2s_node *node, const char *name, float absent) {
    const c2s_attr *attr = of_kind(node, name, C2S_ATTR_FLOAT);
    return attr ? attr->f : absent;
}

const char *c2s_attr_string(const c2s_node *node, const char *name, const char *absent) {
    const c2s_attr *attr = of_kind(node, name, C2S_ATTR_STRING);
    return attr && memchr(attr->s.data, '\0', attr->s.size) == NULL ? attr->s.data : absent;
}

const int64_t *c2s_attr_ints(const c2s_node *node, const char *name, size_t *count) {
    const c2s_attr *attr = of_kind(node, name, C2S_ATTR_INTS);
    *count = attr ? attr->count : 0;
    return attr ? attr->ints : NULL;
}

const float *c2s_attr_floats(const c2s_node *node, const char *name, size_t *count) {
    const c2s_attr *attr = of_kind(node, name, C2S_ATTR_FLOATS);
    *count = attr ? attr->count : 0;
    return attr ? attr->floats : NULL;
}

const c2s_string *c2s_attr_strings(const c2s_node *node, const char *name, size_t *count) {
    const c2s_attr *attr = of_kind(node, name, C2S_ATTR_STRINGS);
    *count = attr ? attr->count : 0;
    return attr ? attr->strings : NULL;
}

const c2s_tensor *c2s_attr_tensor(const c2s_node *node, const char *name) {
    const c2s_attr *attr = of_kind(node, name, C2S_ATTR_TENSOR);
    return attr ? attr->t : NULL;
}

c2s_graph *c2s_attr_graph(const c2s_node *node, const char *name) {
    const c2s_attr *attr = of_kind(node, name, C2S_ATTR_GRAPH);
    return attr ? attr->g : NULL;
}

/* ---- change ---- */

static bool holds_graphs(const c2s_attr *attr) {
    return attr->kind == C2S_ATTR_GRAPH || attr->kind == C2S_ATTR_GRAPHS;
}

static void release(c2s_node *node, c2s_attr *attr) {
    node->body_attrs -= holds_graphs(attr);
    if (attr->kind == C2S_ATTR_TENSOR)
        c2s_tensor_unref(attr->t);
    if (attr->kind == C2S_ATTR_TENSORS)
        for (size_t i = 0; i < attr->count; i++)
            c2s_tensor_unref(attr->tensors[i]);
}

void c2s_attr_append(c2s_node *node, const c2s_attr *attr) {
    if (node->attr_count == node->attr_capacity) {
        unsigned capacity = node->attr_capacity ? node->attr_capacity * 2 : 4;
        c2s_attr *grown = c2s_arena_array(node->graph->model->arena, capacity, sizeof *grown);
        if (node->attr_count)
            memcpy(grown, node->attrs, node->attr_count * sizeof *grown);
        node->attrs = grown;
        node->attr_capacity = capacity;
    }
    node->attrs[node->attr_count++] = *attr;
    node->body_attrs += holds_graphs(attr);
}

void c2s_attr_append_shared(c2s_node *node, const c2s_attr *attr) {
    if (attr->kind == C2S_ATTR_TENSOR && attr->t)
        c2s_tensor_ref(attr->t);
    for (size_t i = 0; attr->kind == C2S_ATTR_TENSORS && i < attr->count; i++)
        c2s_tensor_ref(attr->tensors[i]);
    c2s_attr_append(node, attr);
}

/* Sets `value` under its name: in place if the attribute exists. */
static void set(c2s_node *node, const char *name, c2s_attr value) {
    node->changed = true;
    c2s_attr *old = (c2s_attr *)(uintptr_t)c2s_attr_find(node, name);
    if (old) {
        value.name = old->name;
        release(node, old);
        *old = value;
        node->body_attrs += holds_graphs(old);
        return;
    }
    value.name = c2s_name_intern(node->graph->model->names, name);
    c2s_attr_append(node, &value);
}

static void *copied(c2s_node *node, const void *data, size_t count, size_t size) {
    size_t bytes;
    if (!c2s_mul_size(count, size, &bytes))
        bytes = SIZE_MAX;
    return c2s_arena_memdup(node->graph->model->arena, data, bytes);
}

void c2s_attr_set_int(c2s_node *node, const char *name, int64_t value) {
    set(node, name, (c2s_attr){.kind = C2S_ATTR_INT, .count = 1, .i = value});
}

void c2s_attr_set_float(c2s_node *node, const char *name, float value) {
    set(node, name, (c2s_attr){.kind = C2S_ATTR_FLOAT, .count = 1, .f = value});
}

void c2s_attr_set_string(c2s_node *node, const char *name, const char *value) {
    size_t size = strlen(value);
    c2s_string s = {copied(node, value, size, 1), size};
    set(node, name, (c2s_attr){.kind = C2S_ATTR_STRING, .count = 1, .s = s});
}

void c2s_attr_set_ints(c2s_node *node, const char *name, const int64_t *values, size_t count) {
    const int64_t *ints = copied(node, values, count, sizeof *values);
    set(node, name, (c2s_attr){.kind = C2S_ATTR_INTS, .count = count, .ints = ints});
}

void c2s_attr_set_floats(c2s_node *node, const char *name, const float *values, size_t count) {
    const float *floats = copied(node, values, count, sizeof *values);
    set(node, name, (c2s_attr){.kind = C2S_ATTR_FLOATS, .count = count, .floats = floats});
}

void c2s_attr_set_strings(c2s_node *node, const char *name, const c2s_string *values,
                          size_t count) {
    c2s_string *strings = copied(node, values, count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        strings[i].data = copied(node, values[i].data, values[i].size, 1);
    set(node, name, (c2s_attr){.kind = C2S_ATTR_STRINGS, .count = count, .strings = strings});
}

void c2s_attr_set_tensor(c2s_node *node, const char *name, const c2s_tensor *value) {
    set(node, name,
        (c2s_attr){.kind = C2S_ATTR_TENSOR, .count = 1, .t = c2s_tensor_ref(value)});
}

void c2s_attr_set_graph(c2s_node *node, const char *name, c2s_graph *graph) {
    set(node, name, (c2s_attr){.kind = C2S_ATTR_GRAPH, .count = 1, .g = graph});
}

void c2s_attr_remove(c2s_node *node, const char *name) {
    c2s_attr *attr = (c2s_attr *)(uintptr_t)c2s_attr_find(node, name);
    if (!attr)
        return;
    release(node, attr);
    node->changed = true;
    c2s_attr *end = node->attrs + node->attr_count--;
    memmove(attr, attr + 1, (size_t)(end - attr - 1) * sizeof *attr);
}

/* ---- equality ---- */

static bool strings_equal(const c2s_string *a, const c2s_string *b) {
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

bool c2s_attr_equal(const c2s_attr *a, const c2s_attr *b) {
    if (strcmp(a->name, b->name) != 0 || a->kind != b->kind || a->count != b->count)
        return false;
    if (a->reference || b->reference)
        return a->reference && b->reference && strcmp(a->reference, b->reference) == 0;
    switch (a->kind) {
    case C2S_ATTR_FLOAT:
        return memcmp(&a->f, &b->f, sizeof a->f) == 0;
    case C2S_ATTR_INT:
        return a->i == b->i;
    case C2S_ATTR_STRING:
        return strings_equal(&a->s, &b->s);
    case C2S_ATTR_TENSOR:
        return c2s_tensor_equal(a->t, b->t);
    case C2S_ATTR_GRAPH:
        return a->g == b->g;
    case C2S_ATTR_FLOATS:
        return memcmp(a->floats, b->floats, a->count * sizeof *a->floats) == 0;
    case C2S_ATTR_INTS:
        return memcmp(a->ints, b->ints, a->count * sizeof *a->ints) == 0;
    case C2S_ATTR_STRINGS:
        for (size_t i = 0; i < a->count; i++)
            if (!strings_equal(&a->strings[i], &b->strings[i]))
                return false;
        return true;
    case C2S_ATTR_TENSORS:
        for (size_t i = 0; i < a->count; i++)
            if (!c2s_tensor_equal(a->tensors[i], b->tensors[i]))
                return false;
        return true;
    default: /* sparse tensors, types, graphs: only what is the same object */
        return a->origin && a->origin == b->origin;
    }
}

bool c2s_attrs_equal(const c2s_node *a, const c2s_node *b) {
    if (a->attr_count != b->attr_count)
        return false;
    for (unsigned i = 0; i < a->attr_count; i++) {
        const c2s_attr *other = c2s_attr_find(b, a->attrs[i].name);
        if (!other || !c2s_attr_equal(&a->attrs[i], other))
            return false;
    }
    return true;
}

bool c2s_attr_any_reference(const c2s_node *node) {
    for (unsigned i = 0; i < node->attr_count; i++)
        if (node->attrs[i].reference)
            return true;
    return false;
}
