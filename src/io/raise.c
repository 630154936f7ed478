/* SPDX-License-Identifier: Apache-2.0 */
#include "io/raise.h"

#include <assert.h>

#include "ops/body.h"
#include "ops/op.h"

/* Infers everything before `until` in the level's graph. */
static c2s_status catch_up(c2s_raise_level *level, const c2s_node *until) {
    c2s_graph *graph = level->graph;
    if (level->outer && !level->seeded) {
        C2S_TRY(catch_up(level->outer, graph->owner));
        c2s_body_enter(graph->owner);
        level->seeded = true;
    }
    c2s_node *node = level->inferred ? level->inferred->next : graph->first;
    for (; node != until; node = node->next) {
        assert(node);
        C2S_TRY(c2s_node_infer(node));
        level->inferred = node;
    }
    return C2S_OK;
}

c2s_status c2s_raise_type(c2s_raise *r, const c2s_value *value, const c2s_type **type) {
    assert(value->graph == r->level->graph);
    C2S_TRY(catch_up(r->level, r->node));
    *type = &value->type;
    return C2S_OK;
}

c2s_status c2s_raise_rank(c2s_raise *r, const c2s_value *value, int *rank) {
    const c2s_type *type;
    C2S_TRY(c2s_raise_type(r, value, &type));
    if (!c2s_type_is_tensor(type) || type->rank < 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "the form of opset %lld can only be raised where the rank of \"%s\" is "
                        "known, and it is not",
                        (long long)r->opset, value->name);
    *rank = type->rank;
    return C2S_OK;
}

c2s_status c2s_raise_dtype(c2s_raise *r, const c2s_value *value, c2s_dtype *dtype) {
    const c2s_type *type;
    C2S_TRY(c2s_raise_type(r, value, &type));
    if (!c2s_type_is_tensor(type) || type->dtype == C2S_UNDEFINED)
        return c2s_fail(C2S_ERR_UNSUPPORTED,
                        "the form of opset %lld can only be raised where the element type of "
                        "\"%s\" is known, and it is not",
                        (long long)r->opset, value->name);
    *dtype = type->dtype;
    return C2S_OK;
}

c2s_value *c2s_raise_node(c2s_raise *r, c2s_node *before, const char *type, c2s_value *const *in,
                          unsigned in_count) {
    (void)r;
    c2s_node *node = c2s_node_create(before->graph, before, "", type, in_count, 1);
    for (unsigned i = 0; i < in_count; i++)
        c2s_use_set(&node->inputs[i], in[i]);
    return node->outputs[0];
}

c2s_value *c2s_raise_constant(c2s_raise *r, c2s_node *before, const char *hint,
                              c2s_tensor *tensor) {
    if (!c2s_graph_is_function(before->graph))
        return c2s_value_constant(before->graph, hint, tensor);
    c2s_value *value = c2s_raise_node(r, before, "Constant", NULL, 0);
    c2s_attr_set_tensor(value->def, "value", tensor);
    c2s_value_set_type(value, &tensor->type);
    c2s_value_set_constant(value, tensor);
    c2s_tensor_unref(tensor);
    return value;
}

c2s_status c2s_raise_ints(c2s_raise *r, c2s_node *before, const char *hint, const int64_t *values,
                          size_t count, c2s_value **out) {
    c2s_tensor *tensor;
    C2S_TRY(c2s_tensor_from_i64(C2S_INT64, 1, &(int64_t){(int64_t)count}, values, &tensor));
    *out = c2s_raise_constant(r, before, hint, tensor);
    return C2S_OK;
}

c2s_status c2s_raise_scalar(c2s_raise *r, c2s_node *before, const char *hint, c2s_dtype dtype,
                            double value, c2s_value **out) {
    c2s_tensor *tensor;
    C2S_TRY(c2s_tensor_from_f64(dtype, 0, NULL, &value, &tensor));
    *out = c2s_raise_constant(r, before, hint, tensor);
    return C2S_OK;
}

void c2s_raise_become(c2s_node *node, const char *type, c2s_value *const *in, unsigned in_count) {
    while (node->attr_count)
        c2s_attr_remove(node, node->attrs[node->attr_count - 1].name);
    c2s_node_set_type(node, "", type);
    c2s_node_resize_inputs(node, in_count);
    for (unsigned i = 0; i < in_count; i++)
        c2s_use_set(&node->inputs[i], in[i]);
}

void c2s_raise_set_input(c2s_node *node, unsigned slot, c2s_value *value) {
    if (slot >= node->formal_count)
        c2s_node_resize_inputs(node, slot + 1);
    c2s_use_set(&node->inputs[slot], value);
}

/* In a function: axes = @axes becomes a Constant whose value_ints is @axes. */
static c2s_value *constant_of_reference(c2s_raise *r, c2s_node *node, const c2s_attr *attr) {
    c2s_attr reference = *attr;
    reference.name = c2s_name_intern(r->model->names, "value_ints");
    reference.kind = C2S_ATTR_INTS;
    reference.count = 0;
    reference.ints = NULL;
    reference.origin = NULL;
    c2s_value *value = c2s_raise_node(r, node, "Constant", NULL, 0);
    c2s_attr_append(value->def, &reference);
    return value;
}

c2s_status c2s_raise_ints_to_input(c2s_raise *r, c2s_node *node, const char *name, unsigned slot) {
    const c2s_attr *attr = c2s_attr_find(node, name);
    if (!attr)
        return C2S_OK;
    c2s_value *value;
    if (attr->reference) {
        value = constant_of_reference(r, node, attr);
    } else {
        if (attr->kind != C2S_ATTR_INTS)
            return c2s_fail(C2S_ERR_INVALID, "attribute \"%s\" is not a list of integers", name);
        C2S_TRY(c2s_raise_ints(r, node, name, attr->ints, attr->count, &value));
    }
    c2s_raise_set_input(node, slot, value);
    c2s_attr_remove(node, name);
    return C2S_OK;
}

c2s_status c2s_raise_need(const c2s_node *node, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (!c2s_node_in(node, i))
            return c2s_fail(C2S_ERR_INVALID, "input %u is missing", i);
    return C2S_OK;
}

c2s_status c2s_raise_no_references(const c2s_node *node) {
    for (unsigned i = 0; i < node->attr_count; i++)
        if (node->attrs[i].reference)
            return c2s_fail(C2S_ERR_UNSUPPORTED,
                            "attribute \"%s\" takes its value from the caller of the function, so "
                            "the old form cannot be raised inside it",
                            node->attrs[i].name);
    return C2S_OK;
}
