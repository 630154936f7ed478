/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "ir/internal.h"

c2s_model *c2s_model_create_with(c2s_names *names, c2s_dims *dims) {
    c2s_model *model = c2s_zalloc(sizeof *model);
    model->arena = c2s_arena_create();
    model->names = names;
    model->dims = dims;
    model->path = "";
    model->graph = c2s_graph_create(model, NULL, "");
    return model;
}

c2s_model *c2s_model_create(void) {
    return c2s_model_create_with(c2s_names_create(), c2s_dims_create());
}

static void release_attrs(c2s_node *node) {
    for (unsigned i = 0; i < node->attr_count; i++) {
        c2s_attr *attr = &node->attrs[i];
        if (attr->kind == C2S_ATTR_TENSOR)
            c2s_tensor_unref(attr->t);
        for (size_t j = 0; attr->kind == C2S_ATTR_TENSORS && j < attr->count; j++)
            c2s_tensor_unref(attr->tensors[j]);
    }
}

static void free_graph_vectors(c2s_model *model) {
    /* Every graph has an exit node, and exit nodes stay in model->nodes until their graph goes. */
    for (size_t i = 0; i < model->nodes.count; i++) {
        c2s_node *node = model->nodes.at[i];
        if (node && node == node->graph->exit)
            c2s_vec_free(&node->graph->initializers);
    }
}

static void release_origin(struct c2s_origin *origin) {
    if (origin && atomic_fetch_sub_explicit(&origin->refs, 1, memory_order_acq_rel) == 1)
        origin->release(origin);
}

void c2s_model_destroy(c2s_model *model) {
    if (!model)
        return;
    for (size_t i = 0; i < model->values.count; i++) {
        c2s_value *value = model->values.at[i];
        if (value) {
            c2s_tensor_unref(value->constant);
            c2s_tensor_unref(value->initial);
        }
    }
    for (size_t i = 0; i < model->nodes.count; i++)
        if (model->nodes.at[i])
            release_attrs(model->nodes.at[i]);
    free_graph_vectors(model);
    for (size_t i = 0; i < model->functions.count; i++) {
        c2s_vec_free(&model->functions.at[i]->attrs);
        c2s_vec_free(&model->functions.at[i]->opsets);
    }
    c2s_vec_free(&model->functions);
    c2s_vec_free(&model->opsets);
    c2s_vec_free(&model->values);
    c2s_vec_free(&model->nodes);
    release_origin(model->origin);
    for (size_t k = 0; k < model->other_origins.count; k++)
        release_origin(model->other_origins.at[k]);
    c2s_vec_free(&model->other_origins);
    c2s_dims_destroy(model->dims);
    c2s_names_destroy(model->names);
    c2s_arena_destroy(model->arena);
    free(model);
}

void c2s_model_free(c2s_model *model) {
    c2s_model_destroy(model);
}

/* "ai.onnx" is a second name of the domain "". */
static const char *plain_domain(const char *domain) {
    return strcmp(domain, "ai.onnx") == 0 ? "" : domain;
}

static c2s_opset *find_opset(const c2s_model *model, const char *domain) {
    for (size_t i = 0; i < model->opsets.count; i++)
        if (strcmp(plain_domain(model->opsets.at[i].domain), plain_domain(domain)) == 0)
            return &model->opsets.at[i];
    return NULL;
}

int64_t c2s_model_opset(const c2s_model *model, const char *domain) {
    const c2s_opset *opset = find_opset(model, domain);
    return opset ? opset->version : 0;
}

void c2s_model_set_opset(c2s_model *model, const char *domain, int64_t version) {
    c2s_opset *opset = find_opset(model, domain);
    if (opset)
        opset->version = version;
    else
        c2s_vec_push(&model->opsets,
                     ((c2s_opset){c2s_name_intern(model->names, domain), version, NULL}));
}

bool c2s_function_is(const c2s_function *function, const char *domain, const char *name,
                     const char *overload) {
    return strcmp(function->name, name) == 0 &&
           strcmp(plain_domain(function->domain), plain_domain(domain)) == 0 &&
           strcmp(function->overload, overload) == 0;
}

c2s_function *c2s_model_function(const c2s_model *model, const char *domain, const char *name,
                                 const char *overload) {
    for (size_t i = 0; i < model->functions.count; i++)
        if (c2s_function_is(model->functions.at[i], domain, name, overload))
            return model->functions.at[i];
    return NULL;
}
