/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/insert.h"

#include <math.h>
#include <stdlib.h>

#include "io/opset.h"
#include "ir/name_after.h"
#include "passes/quant/insert_parts.h"

/* ---- parts ---- */

c2s_value *c2s_insert_constant(c2s_inserter *i, const c2s_value *owner, const char *suffix,
                               c2s_tensor *tensor) {
    c2s_value *value = c2s_value_constant(i->graph, "constant", tensor);
    c2s_value_name_after(value, owner, suffix);
    return value;
}

static const char *domain_of(const c2s_inserter *i, c2s_dtype dtype) {
    const bool contrib = c2s_dtype_bits(dtype) == 16 && i->p->target->contrib_16 &&
                         c2s_model_opset(i->graph->model, "") < 21;
    return contrib ? "com.microsoft" : "";
}

c2s_status c2s_insert_node(c2s_inserter *i, c2s_node *before, const char *type, c2s_value *x,
                           const c2s_coded *by, int axis, const c2s_value *owner,
                           const char *suffix, c2s_value **out) {
    const char *domain = domain_of(i, by->zero_value->type.dtype);
    c2s_node *node = c2s_node_create(i->graph, before, domain, type, 3, 1);
    if (domain[0] && c2s_model_opset(i->graph->model, domain) == 0)
        c2s_model_set_opset(i->graph->model, domain, 1);
    c2s_use_set(&node->inputs[0], x);
    c2s_use_set(&node->inputs[1], by->scale_value);
    c2s_use_set(&node->inputs[2], by->zero_value);
    if (axis >= 0)
        c2s_attr_set_int(node, "axis", axis);
    c2s_value_name_after(node->outputs[0], owner, suffix);
    node->name = node->outputs[0]->name;
    *out = node->outputs[0];
    return c2s_node_infer(node);
}

/* ---- scales of activations ---- */

static const c2s_placed_value *placed(const c2s_inserter *i, size_t id) {
    return &i->p->values[id];
}

static bool is_activation(const c2s_inserter *i, size_t id) {
    return placed(i, id)->role == C2S_ROLE_ACTIVATION || placed(i, id)->role == C2S_ROLE_CONSTANT;
}

static void join_spans(c2s_inserter *i) {
    const c2s_model *model = i->graph->model;
    for (size_t id = 0; id < i->value_count; id++)
        i->groups[id] = C2S_SPAN_NONE;
    for (size_t id = 0; id < i->value_count; id++)
        if (is_activation(i, id)) {
            const c2s_value *value = model->values.at[id];
            c2s_span *group = &i->groups[placed(i, id)->group];
            const bool wide = i->o->wide_spans && c2s_dtype_bits(placed(i, id)->dtype) == 16;
            const c2s_span *spans = wide ? i->o->wide_spans : i->o->spans;
            *group =
                c2s_span_join(*group, value->constant ? c2s_span_of(value->constant) : spans[id]);
        }
}

static c2s_status give_scale(c2s_inserter *i, size_t id) {
    const c2s_placed_value *v = placed(i, id), *first = placed(i, v->group);
    c2s_coded *shared = &i->coded[v->group], *own = &i->coded[id];
    if (!shared->scale) {
        const c2s_span within = {first->low, first->high};
        const c2s_span span = first->fixed ? within : i->groups[v->group];
        const c2s_code_scale c =
            first->fixed && c2s_dtype_bits(v->dtype) == 16
                ? c2s_code_scale_of_range(span, v->dtype)
                : c2s_code_scale_choose(span, v->dtype, i->o->symmetric || i->p->target->symmetric,
                                        i->p->target->least_range, first->clamped ? &within : NULL);
        const c2s_value *owner = i->graph->model->values.at[v->group];
        c2s_tensor *scale, *zero;
        const double number = (double)c.scale;
        C2S_TRY(c2s_tensor_from_f64(C2S_FLOAT, 0, NULL, &number, &scale));
        shared->scale = scale;
        shared->scale_value = c2s_insert_constant(i, owner, "scale", scale);
        C2S_TRY(c2s_tensor_from_i64(v->dtype, 0, NULL, &c.zero, &zero));
        shared->zero_value = c2s_insert_constant(i, owner, "zero_point", zero);
    }
    own->scale = shared->scale;
    own->scale_value = shared->scale_value;
    own->zero_value = shared->zero_value;
    return C2S_OK;
}

/* ---- nodes ---- */

static c2s_status code_activation(c2s_inserter *i, c2s_value *value) {
    c2s_coded *c = &i->coded[value->id];
    c2s_node *before =
        value->def && value->def != i->graph->entry ? value->def->next : i->graph->first;
    c2s_value *codes, *floats;
    C2S_TRY(c2s_insert_node(i, before, "QuantizeLinear", value, c, -1, value, "quantized", &codes));
    C2S_TRY(c2s_insert_node(i, before, "DequantizeLinear", codes, c, -1, value, "dequantized",
                            &floats));
    c->floats = floats;
    /* Uses move from one ring to another while they are set; the quantizer's own one stays. */
    C2S_VEC(c2s_use *) uses = {0};
    c2s_value_each_use(use, value) {
        if (use->user != codes->def && c2s_placement_reads_codes(i->p, use))
            c2s_vec_push(&uses, use);
    }
    for (size_t k = 0; k < uses.count; k++)
        c2s_use_set(uses.at[k], floats);
    c2s_vec_free(&uses);
    i->result->pairs++;
    return C2S_OK;
}

static c2s_status code_activations(c2s_inserter *i, c2s_node *node) {
    for (unsigned k = 0; k < node->output_count; k++)
        if (node->outputs[k] && placed(i, node->outputs[k]->id)->role == C2S_ROLE_ACTIVATION)
            C2S_TRY(code_activation(i, node->outputs[k]));
    return C2S_OK;
}

/* Nodes that are built on the way are passed by. */
static c2s_status insert(c2s_inserter *i) {
    join_spans(i);
    for (size_t id = 0; id < i->value_count; id++)
        if (is_activation(i, id))
            C2S_TRY(give_scale(i, id));
    C2S_TRY(c2s_insert_make_room_at_run_time(i));
    C2S_TRY(c2s_insert_weights(i));
    C2S_VEC(c2s_node *) nodes = {0};
    c2s_vec_push(&nodes, i->graph->entry);
    for (c2s_node *node = i->graph->first; node; node = node->next)
        c2s_vec_push(&nodes, node);
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < nodes.count && status == C2S_OK; k++) {
        bool old = true;
        for (unsigned n = 0; n < nodes.at[k]->output_count; n++)
            old &= !nodes.at[k]->outputs[n] || nodes.at[k]->outputs[n]->id < i->value_count;
        if (old)
            status = code_activations(i, nodes.at[k]);
    }
    c2s_vec_free(&nodes);
    return status;
}

static bool any_wide(const c2s_inserter *i) {
    for (size_t id = 0; id < i->value_count; id++)
        if (placed(i, id)->role && c2s_dtype_bits(placed(i, id)->dtype) == 16)
            return true;
    return false;
}

static bool any_small_float(const c2s_inserter *i) {
    for (size_t id = 0; id < i->value_count; id++)
        if (placed(i, id)->role && c2s_dtype_is_float(placed(i, id)->dtype))
            return true;
    return false;
}

/* The opset of ai.onnx whose QuantizeLinear makes such codes. */
static int64_t opset_of(const c2s_inserter *i) {
    if (any_wide(i) && !i->p->target->contrib_16)
        return 21;
    return any_small_float(i) ? 19 : 13;
}

c2s_status c2s_insert_quantizers(c2s_model *model, const c2s_placement *placement,
                                 const c2s_insert_options *options, c2s_insert_result *result) {
    c2s_inserter i = {.graph = model->graph,
                      .p = placement,
                      .o = options,
                      .result = result,
                      .value_count = model->values.count};
    *result = (c2s_insert_result){0};
    i.coded = c2s_zalloc((i.value_count + 1) * sizeof *i.coded);
    i.groups = c2s_alloc_array(i.value_count + 1, sizeof *i.groups);
    c2s_status status = insert(&i);
    if (status == C2S_OK && c2s_model_opset(model, "") < opset_of(&i))
        status = c2s_model_convert_opset(model, opset_of(&i), NULL);
    free(i.coded);
    free(i.groups);
    return status;
}
