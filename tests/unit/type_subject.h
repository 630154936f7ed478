/* SPDX-License-Identifier: Apache-2.0
 *
 * A node that can be run with operands of other types: one of ONNX's cases, or of a text.
 */
#ifndef C2S_TESTS_TYPE_SUBJECT_H
#define C2S_TESTS_TYPE_SUBJECT_H

#include "declared_types.h"
#include "onnx_cases.h"
#include "run_text.h"

/* One node with its operands as the case has them. */
typedef struct subject {
    c2s_model *model;
    c2s_node *node;
    const char *name; /* of the case */
    const c2s_op_versions *versions;
    declared types;
    c2s_tensor *in[CASE_VALUES];
    case_data data;
    unsigned runs, refusals;
} subject;

/* The model is one node of ai.onnx, of that type, without bodies, and the newest opset has it. */
static inline bool subject_open(subject *s, const char *type) {
    s->node = s->model->graph->first;
    if (!s->node || s->node->next || s->node->domain[0] || c2s_node_body(s->node, 0) ||
        (type && strcmp(type, s->node->type) != 0))
        return false;
    s->versions = c2s_op_versions_of("", s->node->type);
    const c2s_op_version *version =
        s->versions ? c2s_op_version_at(s->versions, C2S_OPSET_NEWEST) : NULL;
    if (version)
        declared_read(version->types, &s->types);
    return version != NULL;
}

/* The operands; false if one of them is not known. */
static inline bool subject_operands(subject *s) {
    const c2s_graph *graph = s->model->graph;
    for (unsigned k = 0; k < s->node->formal_count; k++) {
        const c2s_value *value = c2s_node_in(s->node, k);
        if (value && value->constant)
            s->in[k] = c2s_tensor_ref(value->constant);
        for (unsigned i = 0; value && i < c2s_graph_input_count(graph); i++)
            if (c2s_graph_input(graph, i) == value && s->data.in[i])
                s->in[k] = c2s_tensor_ref(s->data.in[i]);
        if ((value && !s->in[k]) || !declared_in(&s->types, k))
            return false;
    }
    return true;
}

/* False if there is nothing to run, or it is no node of that type (NULL: any). */
static inline bool subject_of_case(const onnx_case *c, const char *type, subject *s) {
    char path[PATH_MAX];
    *s = (subject){.name = c->name};
    case_path(path, "%s/model.onnx", c->path);
    return c2s_model_load(path, &s->model) == C2S_OK && c2s_model_normalise(s->model) == C2S_OK &&
           subject_open(s, type) && case_set_path(path, c->path, 0) &&
           case_load_set(path, s->model->graph, &s->data) == C2S_OK && subject_operands(s);
}

/* An input of the text is a sequence of two tensors of ones. */
static inline bool subject_of_text(const char *text, const char *type, subject *s) {
    *s = (subject){.name = "own case", .model = model_of_text(C2S_OPSET_NEWEST, text)};
    for (unsigned i = 0; i < c2s_graph_input_count(s->model->graph); i++) {
        const c2s_type *element = c2s_graph_input(s->model->graph, i)->type.element;
        c2s_tensor *item;
        assert_non_null(element);
        assert_int_equal(c2s_tensor_from_f64(element->dtype, element->rank, element->dim,
                                             (const double[]){1, 1}, &item),
                         C2S_OK);
        c2s_tensor *const items[] = {item, item};
        assert_int_equal(c2s_tensor_sequence(C2S_KIND_SEQUENCE, element, 2, items, &s->data.in[i]),
                         C2S_OK);
        c2s_tensor_unref(item);
    }
    return subject_open(s, type) && subject_operands(s);
}

static inline void subject_close(subject *s) {
    case_data_free(&s->data);
    for (unsigned i = 0; i < CASE_VALUES; i++)
        c2s_tensor_unref(s->in[i]);
    c2s_model_destroy(s->model);
}

#endif
