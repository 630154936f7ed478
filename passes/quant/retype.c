/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/retype.h"

#include <stdlib.h>

#include "base/memory.h"
#include "ir/name_after.h"
#include "passes/quant/half_choice.h"

typedef struct retyper {
    const c2s_retyping *how;
    c2s_graph *graph;
    size_t value_count;    /* values that were there before */
    bool *tracked;         /* by their ids: of type `from` */
    c2s_value **same;      /* likewise: what a Cast that does nothing any more reads, or NULL */
    c2s_value **converted; /* likewise: the other type of it, or NULL */
    c2s_retype_counts *counts;
} retyper;

static const char *suffix_of(c2s_dtype dtype) {
    return dtype == C2S_FLOAT ? "float" : dtype == C2S_FLOAT16 ? "float16" : "bfloat16";
}

static void name_after(c2s_value *value, const c2s_value *owner, c2s_dtype dtype) {
    c2s_value_name_after(value, owner, suffix_of(dtype));
}

c2s_status c2s_retype_cast(c2s_graph *graph, c2s_node *before, c2s_value *from,
                           const c2s_value *owner, c2s_dtype to, c2s_retype_counts *counts,
                           c2s_value **out) {
    c2s_node *node = c2s_node_create(graph, before, "", "Cast", 1, 1);
    c2s_use_set(&node->inputs[0], from);
    c2s_attr_set_int(node, "to", to);
    name_after(node->outputs[0], owner, to);
    node->name = node->outputs[0]->name;
    counts->casts++;
    *out = node->outputs[0];
    return c2s_node_infer(node);
}

c2s_status c2s_retype_constant(c2s_value *value, c2s_dtype to, c2s_retype_counts *counts,
                               c2s_value **out) {
    c2s_tensor *tensor;
    bool clamped;
    C2S_TRY(c2s_half_convert(value->constant, to, &tensor, &clamped));
    counts->constants++;
    counts->clamped += clamped;
    *out = c2s_value_constant(value->graph, "constant", tensor);
    name_after(*out, value, to);
    return C2S_OK;
}

/* ---- operands ---- */

bool c2s_retype_is(const c2s_value *value, c2s_dtype dtype) {
    return value && value->type.kind == C2S_KIND_TENSOR && value->type.dtype == dtype;
}

static c2s_status other_type(retyper *b, c2s_value *value, c2s_value **out) {
    c2s_value **known = &b->converted[value->id];
    if (!*known && value->constant) {
        C2S_TRY(c2s_retype_constant(value, b->how->to, b->counts, known));
    } else if (!*known) {
        c2s_node *before = value->def == b->graph->entry ? b->graph->first : value->def->next;
        const c2s_dtype other = c2s_retype_is(value, b->how->to) ? b->how->from : b->how->to;
        C2S_TRY(c2s_retype_cast(b->graph, before, value, value, other, b->counts, known));
    }
    *out = *known;
    return C2S_OK;
}

static c2s_status set_operand(retyper *b, c2s_use *use, bool wanted) {
    c2s_value *value = use->value;
    if (!value || value->id >= b->value_count)
        return C2S_OK;
    const bool tracked = b->tracked[value->id];
    while (b->same[value->id])
        value = b->same[value->id];
    const bool as_to = tracked ? wanted : c2s_retype_is(use->value, b->how->to);
    if (as_to != c2s_retype_is(value, b->how->to))
        C2S_TRY(other_type(b, value, &value));
    if (value != use->value)
        c2s_use_set(use, value);
    return C2S_OK;
}

/* ---- nodes ---- */

static c2s_status convert_filling(c2s_node *node, c2s_dtype to) {
    const c2s_tensor *value = c2s_attr_tensor(node, "value");
    c2s_tensor *converted;
    const int64_t one = 1;
    const double zero = 0;
    bool clamped;
    C2S_TRY(value ? c2s_half_convert(value, to, &converted, &clamped)
                  : c2s_tensor_from_f64(to, 1, &one, &zero, &converted));
    c2s_attr_set_tensor(node, "value", converted);
    c2s_tensor_unref(converted);
    return C2S_OK;
}

static c2s_status set_attributes(c2s_node *node, const c2s_retyping *how) {
    if (!c2s_retype_is(node->outputs[0], how->from))
        return C2S_OK;
    if (node->op == &c2s_op_cast)
        c2s_attr_set_int(node, "to", how->to);
    if (node->op == &c2s_op_random_normal || node->op == &c2s_op_random_uniform ||
        node->op == &c2s_op_random_normal_like || node->op == &c2s_op_random_uniform_like)
        c2s_attr_set_int(node, "dtype", how->to);
    return node->op == &c2s_op_constant_of_shape ? convert_filling(node, how->to) : C2S_OK;
}

static c2s_status convert_results(retyper *b, c2s_node *node) {
    C2S_TRY(set_attributes(node, b->how));
    for (unsigned k = 0; k < node->output_count; k++) {
        c2s_value *value = node->outputs[k];
        if (!value || !b->tracked[value->id])
            continue;
        c2s_type type = value->type;
        type.dtype = b->how->to;
        c2s_value_set_type(value, &type);
    }
    if (node->op == &c2s_op_cast && c2s_retype_is(node->inputs[0].value, b->how->to) &&
        c2s_retype_is(node->outputs[0], b->how->to))
        b->same[node->outputs[0]->id] = node->inputs[0].value;
    return c2s_node_infer(node);
}

static c2s_status convert_node(retyper *b, c2s_node *node, bool chosen) {
    const c2s_half_operator *row = chosen ? c2s_half_operator_of(node) : NULL;
    for (unsigned k = 0; k < node->input_count; k++) {
        const bool keep = k >= node->formal_count || (row && k < 8 && row->keep >> k & 1);
        C2S_TRY(set_operand(b, &node->inputs[k], chosen && !keep));
    }
    return chosen ? convert_results(b, node) : C2S_OK;
}

/* ---- the graph ---- */

static void set_inputs(retyper *b) {
    for (unsigned k = 0; k < c2s_graph_input_count(b->graph); k++) {
        c2s_value *value = c2s_graph_input(b->graph, k);
        if (!c2s_retype_is(value, b->how->from) || value->initial)
            continue;
        c2s_type type = value->type;
        type.dtype = b->how->to;
        c2s_value_set_type(value, &type);
    }
}

static c2s_status convert(retyper *b) {
    C2S_VEC(c2s_node *) nodes = {0};
    c2s_status status = C2S_OK;
    for (c2s_node *node = b->graph->first; node; node = node->next)
        c2s_vec_push(&nodes, node);
    if (b->how->io)
        set_inputs(b);
    for (size_t i = 0; i < nodes.count && status == C2S_OK; i++) {
        status = convert_node(b, nodes.at[i], b->how->chosen[i]);
        if (status != C2S_OK)
            c2s_note("%s", c2s_node_text(nodes.at[i]));
    }
    for (unsigned k = 0; k < b->graph->exit->input_count && status == C2S_OK; k++)
        status = set_operand(b, &b->graph->exit->inputs[k], b->how->io);
    c2s_vec_free(&nodes);
    return status;
}

c2s_status c2s_retype(c2s_model *model, const c2s_retyping *how, c2s_retype_counts *counts) {
    retyper b = {
        .how = how, .graph = model->graph, .value_count = model->values.count, .counts = counts};
    /* Values that are made in between are asked about by nobody, but have ids. */
    const size_t room = 2 * b.value_count + 1;
    b.tracked = c2s_zalloc(room);
    b.same = c2s_zalloc(room * sizeof *b.same);
    b.converted = c2s_zalloc(room * sizeof *b.converted);
    for (size_t i = 0; i < b.value_count; i++)
        b.tracked[i] = c2s_retype_is(model->values.at[i], how->from);
    const c2s_status status = convert(&b);
    free(b.tracked);
    free(b.same);
    free(b.converted);
    return status;
}
