/* SPDX-License-Identifier: Apache-2.0
 *
 * Types, constants and Casts of a choice. A value has the type in which it is made; who wants the
 * other one reads the one Cast of it.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "ir/name_after.h"
#include "passes/quant/half_choice.h"

typedef struct builder {
    c2s_model *model;
    c2s_graph *graph;
    size_t value_count;    /* values that were there before */
    bool *was_float;       /* by their ids */
    c2s_value **same;      /* likewise: what a Cast that does nothing any more reads, or NULL */
    c2s_value **converted; /* likewise: the other type of it, or NULL */
    c2s_half_counts *counts;
} builder;

static const char *suffix_of(c2s_dtype dtype) {
    return dtype == C2S_FLOAT ? "float" : dtype == C2S_FLOAT16 ? "float16" : "bfloat16";
}

static void name_after(c2s_value *value, const c2s_value *owner, c2s_dtype dtype) {
    c2s_value_name_after(value, owner, suffix_of(dtype));
}

static c2s_status make_cast(c2s_graph *graph, c2s_node *before, c2s_value *from,
                            const c2s_value *owner, c2s_dtype to, c2s_value **out) {
    c2s_node *node = c2s_node_create(graph, before, "", "Cast", 1, 1);
    c2s_use_set(&node->inputs[0], from);
    c2s_attr_set_int(node, "to", to);
    name_after(node->outputs[0], owner, to);
    node->name = node->outputs[0]->name;
    *out = node->outputs[0];
    return c2s_node_infer(node);
}

static c2s_status make_constant(c2s_value *value, c2s_dtype dtype, c2s_half_counts *counts,
                                c2s_value **out) {
    c2s_tensor *tensor;
    bool clamped;
    C2S_TRY(c2s_half_convert(value->constant, dtype, &tensor, &clamped));
    counts->stored++;
    counts->clamped += clamped;
    *out = c2s_value_constant(value->graph, "constant", tensor);
    name_after(*out, value, dtype);
    return C2S_OK;
}

/* ---- operands ---- */

static bool is_half(const c2s_value *value) {
    return value->type.dtype == C2S_FLOAT16;
}

static c2s_status other_type(builder *b, c2s_value *value, c2s_value **out) {
    c2s_value **known = &b->converted[value->id];
    if (!*known && value->constant) {
        C2S_TRY(make_constant(value, C2S_FLOAT16, b->counts, known));
    } else if (!*known) {
        c2s_node *before = value->def == b->graph->entry ? b->graph->first : value->def->next;
        b->counts->casts++;
        C2S_TRY(make_cast(b->graph, before, value, value, is_half(value) ? C2S_FLOAT : C2S_FLOAT16,
                          known));
    }
    *out = *known;
    return C2S_OK;
}

static c2s_status set_operand(builder *b, c2s_use *use, bool half) {
    c2s_value *value = use->value;
    if (!value || value->id >= b->value_count)
        return C2S_OK;
    const bool tracked = b->was_float[value->id];
    while (b->same[value->id])
        value = b->same[value->id];
    if ((tracked ? half : is_half(use->value)) != is_half(value))
        C2S_TRY(other_type(b, value, &value));
    if (value != use->value)
        c2s_use_set(use, value);
    return C2S_OK;
}

/* ---- nodes ---- */

static c2s_status convert_filling(c2s_node *node) {
    const c2s_tensor *value = c2s_attr_tensor(node, "value");
    c2s_tensor *half;
    const int64_t one = 1;
    const double zero = 0;
    bool clamped;
    C2S_TRY(value ? c2s_half_convert(value, C2S_FLOAT16, &half, &clamped)
                  : c2s_tensor_from_f64(C2S_FLOAT16, 1, &one, &zero, &half));
    c2s_attr_set_tensor(node, "value", half);
    c2s_tensor_unref(half);
    return C2S_OK;
}

static c2s_status set_attributes(c2s_node *node) {
    if (node->op == &c2s_op_cast && c2s_attr_int(node, "to", 0) == C2S_FLOAT)
        c2s_attr_set_int(node, "to", C2S_FLOAT16);
    if (node->op == &c2s_op_random_normal || node->op == &c2s_op_random_uniform ||
        node->op == &c2s_op_random_normal_like || node->op == &c2s_op_random_uniform_like)
        c2s_attr_set_int(node, "dtype", C2S_FLOAT16);
    return node->op == &c2s_op_constant_of_shape && c2s_half_is_float(node->outputs[0])
               ? convert_filling(node)
               : C2S_OK;
}

static c2s_status narrow(builder *b, c2s_node *node) {
    C2S_TRY(set_attributes(node));
    for (unsigned k = 0; k < node->output_count; k++) {
        c2s_value *value = node->outputs[k];
        if (!value || !b->was_float[value->id])
            continue;
        c2s_type type = value->type;
        type.dtype = C2S_FLOAT16;
        c2s_value_set_type(value, &type);
    }
    if (node->op == &c2s_op_cast && node->inputs[0].value->type.dtype == C2S_FLOAT16 &&
        node->outputs[0]->type.dtype == C2S_FLOAT16)
        b->same[node->outputs[0]->id] = node->inputs[0].value;
    return c2s_node_infer(node);
}

static c2s_status convert_node(builder *b, c2s_node *node, bool half) {
    const c2s_half_operator *row = half ? c2s_half_operator_of(node) : NULL;
    for (unsigned k = 0; k < node->input_count; k++) {
        const bool keep = k >= node->formal_count || (row && k < 8 && row->keep >> k & 1);
        C2S_TRY(set_operand(b, &node->inputs[k], half && !keep));
    }
    return half ? narrow(b, node) : C2S_OK;
}

/* ---- the graph ---- */

static void set_inputs(builder *b) {
    for (unsigned k = 0; k < c2s_graph_input_count(b->graph); k++) {
        c2s_value *value = c2s_graph_input(b->graph, k);
        if (!c2s_half_is_float(value) || value->initial)
            continue;
        c2s_type type = value->type;
        type.dtype = C2S_FLOAT16;
        c2s_value_set_type(value, &type);
    }
}

static c2s_status convert(builder *b, const c2s_half_choice *choice, bool io) {
    C2S_VEC(c2s_node *) nodes = {0};
    c2s_status status = C2S_OK;
    for (c2s_node *node = b->graph->first; node; node = node->next)
        c2s_vec_push(&nodes, node);
    if (io)
        set_inputs(b);
    for (size_t i = 0; i < nodes.count && status == C2S_OK; i++) {
        status = convert_node(b, nodes.at[i], choice->half[i]);
        if (status != C2S_OK)
            c2s_note("%s", c2s_node_text(nodes.at[i]));
    }
    for (unsigned k = 0; k < b->graph->exit->input_count && status == C2S_OK; k++)
        status = set_operand(b, &b->graph->exit->inputs[k], io);
    c2s_vec_free(&nodes);
    return status;
}

c2s_status c2s_half_build(c2s_model *model, const c2s_half_choice *choice, bool io,
                          c2s_half_counts *counts) {
    builder b = {.model = model,
                 .graph = model->graph,
                 .value_count = model->values.count,
                 .counts = counts};
    /* Values that are made in between are asked about by nobody, but have ids. */
    const size_t room = 2 * b.value_count + 1;
    b.was_float = c2s_zalloc(room);
    b.same = c2s_zalloc(room * sizeof *b.same);
    b.converted = c2s_zalloc(room * sizeof *b.converted);
    for (size_t i = 0; i < b.value_count; i++)
        b.was_float[i] = c2s_half_is_float(model->values.at[i]);
    c2s_status status = convert(&b, choice, io);
    free(b.was_float);
    free(b.same);
    free(b.converted);
    return status;
}

/* ---- storing ---- */

static bool is_stored(const c2s_value *value, c2s_dtype dtype, size_t least) {
    if (!c2s_half_is_float(value) || !value->constant || value->constant->count < least ||
        value->use_count == 0 || (value->def && value->def->op != &c2s_op_constant))
        return false;
    c2s_value_each_use(use, value) {
        if (use->user == value->graph->exit || use->slot >= use->user->formal_count ||
            !c2s_half_operator_of(use->user))
            return false; /* an output; read in a body, or by a quantizer: they want a constant */
    }
    return dtype != C2S_FLOAT16 || !c2s_half_refuse_constant(value->constant, false);
}

c2s_status c2s_half_store(c2s_model *model, c2s_dtype dtype, size_t least,
                          c2s_half_counts *counts) {
    const size_t count = model->values.count;
    for (size_t i = 0; i < count; i++) {
        c2s_value *value = model->values.at[i], *stored, *floats;
        if (!value || !is_stored(value, dtype, least))
            continue;
        C2S_TRY(make_constant(value, dtype, counts, &stored));
        counts->casts++;
        C2S_TRY(make_cast(value->graph, value->graph->first, stored, value, C2S_FLOAT, &floats));
        c2s_value_replace(value, floats);
    }
    return C2S_OK;
}
