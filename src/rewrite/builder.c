/* SPDX-License-Identifier: Apache-2.0 */
#include "rewrite/builder.h"

#include <assert.h>

bool c2s_build_ok(c2s_builder *b, c2s_status status) {
    if (b->status == C2S_OK)
        b->status = status;
    return b->status == C2S_OK;
}

static c2s_node *insert(c2s_builder *b, const char *domain, const char *type, c2s_value *const *in,
                        unsigned in_count) {
    if (b->status != C2S_OK)
        return NULL;
    c2s_node *node = c2s_node_create(b->graph, b->before, domain, type, in_count, 1);
    for (unsigned i = 0; i < in_count; i++)
        if (in[i])
            c2s_use_set(&node->inputs[i], in[i]);
    c2s_vec_push(&b->built, node);
    return node;
}

c2s_node *c2s_build_start(c2s_builder *b, const char *type, c2s_value *const *in,
                          unsigned in_count) {
    return insert(b, "", type, in, in_count);
}

c2s_node *c2s_build_like(c2s_builder *b, const c2s_node *like, c2s_value *const *in,
                         unsigned in_count) {
    assert(!c2s_node_body(like, 0));
    c2s_node *node = insert(b, like->domain, like->type, in, in_count);
    if (!node)
        return NULL;
    node->name = like->name;
    node->overload = like->overload;
    for (unsigned i = 0; i < like->attr_count; i++)
        c2s_attr_append_shared(node, &like->attrs[i]);
    node->origin = like->origin;
    node->changed = like->changed;
    const c2s_value *old = c2s_node_out(like, 0);
    if (old && like != b->before) /* what replaces the root gets its name from the driver */
        c2s_vec_push(&b->heirs,
                     (struct c2s_heir){node->outputs[0], old->name, old->origin, like->id});
    return node;
}

c2s_value *c2s_build_finish(c2s_builder *b, c2s_node *node) {
    if (!node || !c2s_build_ok(b, c2s_node_infer(node)))
        return NULL;
    return node->outputs[0];
}

c2s_value *c2s_build(c2s_builder *b, const char *type, c2s_value *const *in, unsigned in_count) {
    return c2s_build_finish(b, c2s_build_start(b, type, in, in_count));
}

c2s_value *c2s_build_constant(c2s_builder *b, const char *hint, c2s_tensor *tensor) {
    if (!tensor || b->status != C2S_OK) {
        c2s_tensor_unref(tensor);
        c2s_build_ok(b, tensor ? C2S_OK : c2s_fail(C2S_ERR_UNSUPPORTED, "no constant was made"));
        return NULL;
    }
    if (!c2s_graph_is_function(b->graph))
        return c2s_value_constant(b->graph, hint, tensor);
    c2s_node *node = c2s_build_start(b, "Constant", NULL, 0);
    c2s_attr_set_tensor(node, "value", tensor);
    c2s_tensor_unref(tensor);
    return c2s_build_finish(b, node);
}

c2s_value *c2s_build_constant_like(c2s_builder *b, c2s_value *old, c2s_tensor *tensor) {
    c2s_value *value = c2s_build_constant(b, old->name, tensor);
    if (value) {
        c2s_vec_push(&b->successors, value);
        c2s_vec_push(&b->successors, old);
    }
    return value;
}

c2s_value *c2s_build_ints(c2s_builder *b, const char *hint, const int64_t *values, size_t count) {
    c2s_tensor *tensor = NULL;
    int64_t dim = (int64_t)count;
    if (!c2s_build_ok(b, c2s_tensor_from_i64(C2S_INT64, 1, &dim, values, &tensor)))
        return NULL;
    return c2s_build_constant(b, hint, tensor);
}

c2s_value *c2s_build_scalar(c2s_builder *b, const char *hint, c2s_dtype dtype, double value) {
    c2s_tensor *tensor = NULL;
    if (!c2s_build_ok(b, c2s_tensor_from_f64(dtype, 0, NULL, &value, &tensor)))
        return NULL;
    return c2s_build_constant(b, hint, tensor);
}

c2s_value *c2s_build_forward(c2s_builder *b, const c2s_match *match) {
    (void)b;
    return match->value[C2S_LETTER_A];
}

void c2s_build_behind(c2s_builder *b, const c2s_value *x) {
    const bool early = !x->def || x->def == x->graph->entry;
    b->before = early ? b->graph->first : x->def->next;
}

void c2s_build_replace(c2s_builder *b, c2s_value *old, c2s_value *value) {
    if (b->status != C2S_OK)
        return;
    c2s_type type = value->type;
    if (!c2s_type_merge(&type, &old->type)) {
        c2s_build_ok(b, c2s_fail(C2S_ERR_UNSUPPORTED, "another result would have another type"));
        return;
    }
    c2s_value_set_type(value, &type);
    c2s_vec_push(&b->replaced, old);
    c2s_vec_push(&b->replaced, value);
    if (old->def)
        c2s_vec_push(&b->heirs, (struct c2s_heir){value, old->name, old->origin, old->def->id});
}

void c2s_build_undo(c2s_builder *b) {
    while (b->built.count > 0)
        c2s_node_remove(c2s_vec_pop(&b->built));
}

static void pass_value_names_on(c2s_builder *b) {
    for (size_t i = 0; i < b->heirs.count; i++) {
        const struct c2s_heir *heir = &b->heirs.at[i];
        bool first = !b->graph->model->nodes.at[heir->node];
        for (size_t k = 0; k < i && first; k++)
            first = b->heirs.at[k].node != heir->node;
        if (!first)
            continue;
        c2s_value_set_name(heir->value, heir->name);
        if (!heir->value->origin)
            heir->value->origin = heir->origin;
    }
}

void c2s_build_pass_names_on(c2s_builder *b) {
    pass_value_names_on(b);
    for (size_t i = 0; i + 1 < b->successors.count; i += 2) {
        c2s_value *value = b->successors.at[i], *old = b->successors.at[i + 1];
        const char *name = old->name;
        if (old->use_count > 0 || old->def) /* in use, or a capture or a node's that may go on */
            continue;
        c2s_value_set_name(old, c2s_name_fresh(old->graph->model->names, name));
        c2s_value_set_name(value, name);
    }
}

void c2s_build_end(c2s_builder *b) {
    c2s_vec_free(&b->successors);
    c2s_vec_free(&b->heirs);
    c2s_vec_free(&b->built);
    c2s_vec_free(&b->replaced);
}
