/* SPDX-License-Identifier: Apache-2.0
 *
 * A piece of a model as a model: what lies between values that become inputs and values that become
 * outputs.
 */
#include <string.h>

#include "c2s.h"
#include "io/normalise.h"
#include "ir/clone.h"
#include "ir/graph.h"
#include "ops/infer.h"

static c2s_value *find_value(const c2s_model *model, const char *name) {
    for (size_t i = 0; i < model->values.count; i++) {
        c2s_value *value = model->values.at[i];
        if (value && value->graph == model->graph && strcmp(value->name, name) == 0)
            return value;
    }
    return NULL;
}

/* Many confuse the two. */
static c2s_status no_value(const c2s_model *model, const char *name) {
    for (const c2s_node *node = model->graph->first; node; node = node->next)
        if (strcmp(node->name, name) == 0 && c2s_node_out(node, 0))
            return c2s_fail(C2S_ERR_USAGE,
                            "\"%s\" is a node, expected a value such as its output \"%s\"", name,
                            node->outputs[0]->name);
    return c2s_fail(C2S_ERR_USAGE, "there is no value \"%s\" in the main graph", name);
}

/* Types of intermediate values as inference finds them in a copy, whose names are the same. */
static void type_of(c2s_model *model, const c2s_model *inferred, c2s_value *value) {
    const c2s_value *known = inferred ? find_value(inferred, value->name) : NULL;
    if (!known || known->type.kind == C2S_KIND_UNKNOWN || !c2s_type_is_tensor(&known->type))
        return;
    c2s_type type = known->type, declared = value->type;
    for (int i = 0; i < type.rank; i++)
        type.dim[i] = c2s_dim_import(model->dims, inferred->dims, type.dim[i]);
    if (c2s_type_merge(&declared, &type))
        c2s_value_set_type(value, &declared);
}

static c2s_status cut_before(c2s_model *model, const c2s_model *inferred, const char *name) {
    c2s_value *value = find_value(model, name);
    if (!value)
        return no_value(model, name);
    if (value->def == model->graph->entry)
        return C2S_OK;
    type_of(model, inferred, value);
    if (value->type.kind == C2S_KIND_UNKNOWN ||
        (c2s_type_is_tensor(&value->type) && value->type.dtype == C2S_UNDEFINED))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the type of \"%s\" is not known", name);
    c2s_type type = value->type;
    c2s_value *input = c2s_graph_add_input(model->graph, name, &type);
    c2s_value_swap_names(input, value);
    c2s_value_replace(value, input);
    return C2S_OK;
}

static c2s_status cut_behind(c2s_model *model, const c2s_model *inferred, const char *const *names,
                             unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        const c2s_value *value = find_value(model, names[i]);
        if (!value)
            return no_value(model, names[i]);
        if (!value->def || value->def == model->graph->entry)
            return c2s_fail(C2S_ERR_USAGE, "\"%s\" is an input of the piece, no result", names[i]);
        for (unsigned k = 0; k < i; k++)
            if (strcmp(names[i], names[k]) == 0)
                return c2s_fail(C2S_ERR_USAGE, "\"%s\" is given twice", names[i]);
    }
    c2s_node_resize_inputs(model->graph->exit, 0);
    for (unsigned i = 0; i < count; i++) {
        c2s_value *value = find_value(model, names[i]);
        type_of(model, inferred, value);
        c2s_graph_add_output(model->graph, value, names[i]);
    }
    return C2S_OK;
}

static c2s_status cut(c2s_model *model, const c2s_model *inferred, const char *const *from,
                      unsigned from_count, const char *const *to, unsigned to_count) {
    if (to_count)
        C2S_TRY(cut_behind(model, inferred, to, to_count));
    for (unsigned i = 0; i < from_count; i++)
        C2S_TRY(cut_before(model, inferred, from[i]));
    c2s_graph_sweep(model->graph);
    for (unsigned i = c2s_graph_input_count(model->graph); i-- > 0;)
        if (c2s_graph_input(model->graph, i)->use_count == 0)
            c2s_graph_drop_input(model->graph, i);
    for (unsigned i = 0; i < c2s_graph_output_count(model->graph); i++)
        if (c2s_graph_output(model->graph, i)->def == model->graph->entry)
            return c2s_fail(C2S_ERR_USAGE, "nothing lies between input and output \"%s\"",
                            c2s_graph_output_name(model->graph, i));
    return c2s_model_verify(model);
}

c2s_status c2s_model_extract(c2s_model *model, const char *const *from, unsigned from_count,
                             const char *const *to, unsigned to_count) {
    c2s_model *inferred = c2s_model_copy(model);
    if (c2s_model_normalise(inferred) != C2S_OK || c2s_graph_infer(inferred->graph) != C2S_OK) {
        c2s_model_destroy(inferred); /* then what the file declares must do */
        inferred = NULL;
        c2s_error_clear();
    }
    c2s_status status = cut(model, inferred, from, from_count, to, to_count);
    c2s_model_destroy(inferred);
    return status;
}
