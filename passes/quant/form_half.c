/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/form_whole.h"

#include "ir/convert.h"
#include "ir/graph_list.h"
#include "ir/swap.h"
#include "ops/op.h"
#include "rewrite/rewrite.h"

const char c2s_widen_half[] = "widen-half";

static bool is_half_dtype(int64_t dtype) {
    return dtype == C2S_FLOAT16 || dtype == C2S_BFLOAT16;
}

static bool is_half(const c2s_value *value) {
    return value && c2s_type_is_tensor(&value->type) && is_half_dtype(value->type.dtype);
}

/* ---- reasons against ---- */

static bool touches_half(const c2s_node *node) {
    for (unsigned k = 0; k < node->input_count; k++)
        if (is_half(node->inputs[k].value))
            return true;
    for (unsigned k = 0; k < node->output_count; k++)
        if (is_half(node->outputs[k]))
            return true;
    return false;
}

static const char *refuse_node(const c2s_node *node) {
    if (touches_half(node) && node->op == &c2s_op_opaque)
        return "it is not known what it does with floats of 32 bits";
    if (touches_half(node) && node->op == &c2s_op_bit_cast)
        return "it reads the bits";
    for (unsigned k = 0; k < node->output_count; k++) {
        const c2s_value *value = node->outputs[k];
        if (value && !c2s_type_is_tensor(&value->type) && value->type.kind != C2S_KIND_UNKNOWN)
            return "sequences may hold floats of 16 bits";
    }
    return NULL;
}

/* ---- constants and attributes ---- */

static c2s_status widen_tensor(const c2s_tensor *tensor, c2s_tensor **out) {
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, tensor->type.rank, tensor->type.dim, out));
    if (tensor->count)
        c2s_load_f32(tensor->type.dtype, c2s_tensor_data(tensor), 0, tensor->count,
                     c2s_tensor_mutable(*out));
    return C2S_OK;
}

static c2s_status widen_value(c2s_value *value) {
    c2s_type type = value->type;
    type.dtype = C2S_FLOAT;
    if (value->constant && value->graph->entry != value->def) {
        c2s_tensor *tensor;
        C2S_TRY(widen_tensor(value->constant, &tensor));
        c2s_value_set_type(value, &type);
        c2s_value_set_constant(value, tensor);
        c2s_tensor_unref(tensor);
    } else {
        c2s_value_set_type(value, &type);
    }
    value->tensor_origin = NULL;
    value->origin = NULL;
    return C2S_OK;
}

/* Attributes that name the type of what is made. */
static const char *const dtype_attrs[] = {"to", "dtype", "output_dtype", "output_datatype", NULL};

static c2s_status widen_attributes(c2s_node *node) {
    for (const char *const *name = dtype_attrs; *name; name++)
        if (is_half_dtype(c2s_attr_int(node, *name, 0)))
            c2s_attr_set_int(node, *name, C2S_FLOAT);
    const c2s_tensor *value = c2s_attr_tensor(node, "value");
    if (!value || !is_half_dtype(value->type.dtype))
        return C2S_OK;
    c2s_tensor *tensor;
    C2S_TRY(widen_tensor(value, &tensor));
    c2s_attr_set_tensor(node, "value", tensor);
    c2s_tensor_unref(tensor);
    return C2S_OK;
}

/* ---- the interface ---- */

static c2s_node *make_cast(c2s_graph *graph, c2s_node *before, c2s_value *x, c2s_dtype to) {
    c2s_node *cast = c2s_node_create(graph, before, "", "Cast", 1, 1);
    c2s_type type = x->type;
    type.dtype = to;
    c2s_use_set(&cast->inputs[0], x);
    c2s_attr_set_int(cast, "to", to);
    c2s_value_set_type(cast->outputs[0], &type);
    return cast;
}

/* Inputs stay as they are, in front of a Cast. */
static void cast_inputs(c2s_graph *graph) {
    for (unsigned k = 0; k < graph->formal_inputs; k++) {
        c2s_value *input = c2s_graph_input(graph, k);
        if (!is_half(input) || input->use_count == 0)
            continue;
        C2S_VEC(c2s_use *) uses = {0};
        c2s_value_each_use(use, input) {
            if (use->user != graph->exit)
                c2s_vec_push(&uses, use);
        }
        if (uses.count > 0) {
            c2s_node *cast = make_cast(graph, graph->first, input, C2S_FLOAT);
            for (size_t i = 0; i < uses.count; i++)
                c2s_use_set(uses.at[i], cast->outputs[0]);
        }
        c2s_vec_free(&uses);
    }
}

/* Outputs, too: by index their types before; 0: no floats of 16 bits. */
static void cast_outputs(c2s_graph *graph, const c2s_dtype *types) {
    for (unsigned k = 0; k < graph->exit->input_count; k++) {
        c2s_value *value = graph->exit->inputs[k].value;
        if (!types[k] || value->type.dtype == types[k])
            continue;
        c2s_node *cast = make_cast(graph, NULL, value, types[k]);
        const char *name = value->name;
        c2s_value_set_name(value, c2s_name_fresh(graph->model->names, name));
        c2s_value_set_name(cast->outputs[0], name);
        c2s_use_set(&graph->exit->inputs[k], cast->outputs[0]);
    }
}

/* ---- all of it ---- */

static c2s_status widen_graph(c2s_graph *graph) {
    const bool main = !graph->owner;
    for (unsigned k = 0; k < graph->entry->output_count; k++)
        if (is_half(graph->entry->outputs[k]) && !main)
            C2S_TRY(widen_value(graph->entry->outputs[k]));
    for (size_t i = 0; i < graph->initializers.count; i++)
        if (is_half(graph->initializers.at[i]))
            C2S_TRY(widen_value(graph->initializers.at[i]));
    for (c2s_node *node = graph->first; node; node = node->next) {
        C2S_TRY(widen_attributes(node));
        for (unsigned k = 0; k < node->output_count; k++)
            if (is_half(node->outputs[k]))
                C2S_TRY(widen_value(node->outputs[k]));
    }
    return C2S_OK;
}

static c2s_status widen(c2s_model *model) {
    c2s_graph *graph = model->graph;
    c2s_graph_list graphs = {0};
    c2s_status status = C2S_OK;
    c2s_dtype *types = c2s_zalloc((graph->exit->input_count + 1) * sizeof *types);
    for (unsigned k = 0; k < graph->exit->input_count; k++)
        if (is_half(graph->exit->inputs[k].value))
            types[k] = graph->exit->inputs[k].value->type.dtype;
    cast_inputs(graph);
    c2s_graph_list_add(&graphs, graph);
    for (size_t i = 0; i < graphs.count && status == C2S_OK; i++)
        status = widen_graph(graphs.at[i]);
    c2s_vec_free(&graphs);
    if (status == C2S_OK)
        cast_outputs(graph, types);
    free(types);
    return status == C2S_OK ? c2s_graph_infer(graph) : status;
}

/* NULL, or the first node that stands in the way, with the reason. */
static const c2s_node *obstacle(c2s_model *model, bool *any, const char **reason) {
    c2s_graph_list graphs = {0};
    const c2s_node *found = NULL;
    *any = false;
    c2s_graph_list_add(&graphs, model->graph);
    for (size_t i = 0; i < graphs.count; i++)
        for (const c2s_node *node = graphs.at[i]->first; node; node = node->next) {
            /* What only takes an input to floats, or floats to an output, is there already. */
            const bool edge =
                node->op == &c2s_op_cast && (node->inputs[0].value->def == model->graph->entry ||
                                             c2s_value_is_output(node->outputs[0]));
            *any = *any || (touches_half(node) && !edge);
            const char *why = found ? NULL : refuse_node(node);
            if (why) {
                *reason = why;
                found = node;
            }
        }
    c2s_vec_free(&graphs);
    return found;
}

c2s_status c2s_form_widen_halves(c2s_model *model, c2s_stats *stats) {
    static const char where[] = "the model";
    const char *reason = NULL;
    bool any;
    const c2s_node *node = obstacle(model, &any, &reason);
    if (!any || !c2s_stats_may_apply(stats))
        return C2S_OK;
    if (node) {
        c2s_stats_refuse(stats, c2s_widen_half, c2s_node_text(node), reason);
        return C2S_OK;
    }
    if (c2s_stats_skips(stats, c2s_widen_half, where))
        return C2S_OK;
    c2s_model *wide = c2s_model_copy(model);
    const c2s_status status = widen(wide);
    if (status == C2S_OK) {
        c2s_model_swap(model, wide);
        c2s_stats_apply(stats, c2s_widen_half, where);
    } else if (status != C2S_ERR_MEMORY) {
        c2s_stats_refuse(stats, c2s_widen_half, where, c2s_error());
    }
    c2s_model_destroy(wide);
    return status == C2S_ERR_MEMORY ? status : C2S_OK;
}
