/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_speed.h"

#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "eval/race.h"
#include "passes/measure/model_seconds.h"

void c2s_lowrank_speeds_free(c2s_lowrank_speeds *speeds) {
    c2s_vec_free(&speeds->known);
    c2s_vec_free(&speeds->timed);
}

/* ---- layers alike ---- */

static bool same_chain(const c2s_chain *a, const c2s_chain *b) {
    if (a->count != b->count || a->keeps_first != b->keeps_first)
        return false;
    for (unsigned i = 0; i < a->count; i++) {
        const c2s_stage *x = &a->stage[i], *y = &b->stage[i];
        if (x->groups != y->groups || x->in != y->in || x->out != y->out || x->axes != y->axes)
            return false;
    }
    return true;
}

static bool same_weight(const c2s_node *a, const c2s_node *b) {
    const unsigned slot = a->op == &c2s_op_gather ? 0 : 1;
    return c2s_type_equal(&c2s_node_in(a, slot)->type, &c2s_node_in(b, slot)->type);
}

/* ---- the operator alone ---- */

static void copy_attributes(const c2s_node *like, c2s_node *node) {
    for (unsigned i = 0; i < like->attr_count; i++)
        if (like->attrs[i].kind == C2S_ATTR_INT)
            c2s_attr_set_int(node, like->attrs[i].name, like->attrs[i].i);
        else if (like->attrs[i].kind == C2S_ATTR_INTS)
            c2s_attr_set_ints(node, like->attrs[i].name, like->attrs[i].ints, like->attrs[i].count);
        else if (like->attrs[i].kind == C2S_ATTR_FLOAT)
            c2s_attr_set_float(node, like->attrs[i].name, like->attrs[i].f);
        else if (like->attrs[i].kind == C2S_ATTR_STRING)
            c2s_attr_set_string(node, like->attrs[i].name,
                                c2s_attr_string(like, like->attrs[i].name, ""));
}

/* R and B; other operands take no time to speak of. */
static void add_state(const c2s_node *like, c2s_node *node) {
    c2s_node_resize_inputs(node, 4);
    for (unsigned slot = 2; slot < 4; slot++) {
        const c2s_value *value = c2s_node_in(like, slot);
        if (value && value->constant)
            c2s_use_set(&node->inputs[slot],
                        c2s_value_constant(node->graph, "state", c2s_tensor_ref(value->constant)));
    }
}

static void add_alone(c2s_graph *graph, const c2s_lowrank_layer *layer, c2s_value *x) {
    const c2s_node *like = layer->node;
    const bool gather = like->op == &c2s_op_gather;
    const bool own = !gather && !c2s_node_is_recurrent(like);
    const c2s_value *bias = own ? c2s_node_in(like, 2) : NULL;
    c2s_value *w = c2s_value_constant(graph, "w", c2s_tensor_ref(layer->site.weight->constant));
    c2s_node *node = c2s_node_create(graph, NULL, "", like->type, bias ? 3 : 2, 1);
    c2s_use_set(&node->inputs[gather ? 1 : 0], x);
    c2s_use_set(&node->inputs[gather ? 0 : 1], w);
    if (bias && bias->constant)
        c2s_use_set(&node->inputs[2],
                    c2s_value_constant(graph, "bias", c2s_tensor_ref(bias->constant)));
    else if (bias)
        c2s_node_resize_inputs(node, 2);
    if (c2s_node_is_recurrent(like))
        add_state(like, node);
    copy_attributes(like, node);
    c2s_graph_add_output(graph, node->outputs[0], c2s_name_fresh(graph->model->names, "y"));
}

static c2s_model *alone(const c2s_lowrank_item *item) {
    const c2s_lowrank_layer *layer = &item->layer;
    const c2s_model *from = layer->node->graph->model;
    c2s_model *model = c2s_model_create();
    c2s_model_set_opset(model, "", c2s_model_opset(from, ""));
    model->ir_version = from->ir_version;
    c2s_value *x = c2s_graph_add_input(model->graph, "x", &item->input);
    for (size_t m = 0; m < layer->member_count; m++)
        add_alone(model->graph, &layer->members[m], x);
    if (layer->member_count == 0)
        add_alone(model->graph, layer, x);
    return model;
}

/* The layer that the nodes of such a model are. `members`: room for all of them. */
static const char *layer_alone(c2s_node *node, size_t count, c2s_lowrank_layer *members,
                               c2s_lowrank_layer *out) {
    const char *reason = NULL;
    for (size_t m = 0; m < count && !reason; m++, node = node->next)
        reason = c2s_lowrank_layer_of(node, &members[m]);
    *out = members[0];
    if (!reason && count > 1 && !c2s_lowrank_layer_join(members, count, out))
        reason = "they are not alike";
    return reason;
}

/* Normal numbers: how long it takes does not depend on them. */
static c2s_status write_layer(const c2s_lowrank_layer *layer, const c2s_chain *chain) {
    double *weights[C2S_CHAIN_MOST];
    c2s_tensor *tensors[C2S_CHAIN_MOST] = {0};
    c2s_random random = {1};
    C2S_TRY(c2s_lowrank_alloc(&layer->site, chain, layer->site.groups, weights));
    c2s_status status = C2S_OK;
    for (unsigned i = 0; i < chain->count && status == C2S_OK; i++) {
        const size_t count = layer->site.groups * c2s_stage_size(&layer->site, &chain->stage[i]);
        for (size_t k = 0; k < count; k++)
            weights[i][k] = c2s_random_uniform(&random) - 0.5;
        status = c2s_lowrank_layer_tensor(layer, chain, i, weights[i], &tensors[i]);
    }
    if (status == C2S_OK)
        status = c2s_lowrank_layer_write(layer, chain, tensors, NULL);
    for (unsigned i = 0; i < chain->count; i++)
        c2s_tensor_unref(tensors[i]);
    c2s_lowrank_free(weights);
    return status;
}

static c2s_status write_chain(c2s_node *first, size_t count, const c2s_chain *chain) {
    c2s_lowrank_layer layer, *members = c2s_alloc_array(count, sizeof *members);
    const char *reason = layer_alone(first, count, members, &layer);
    const c2s_status status =
        reason ? c2s_fail(C2S_ERR_UNSUPPORTED, "%s", reason) : write_layer(&layer, chain);
    free(members);
    return status;
}

/* ---- the race ---- */

static c2s_status race(const c2s_pass_context *context, const c2s_lowrank_item *item,
                       const c2s_model *before, const c2s_model *after, bool *slower) {
    c2s_ratio ratio = {1, 1, 1};
    C2S_TRY(c2s_race_graphs(before->graph, after->graph, context->evaluator, &context->eval, slower,
                            &ratio));
    *slower |= ratio.median > 1;
    c2s_log(2, "lowrank: %s: time of the chain %.2f [%.2f, %.2f] of what it was",
            c2s_node_text(item->layer.node), ratio.median, ratio.low, ratio.high);
    return C2S_OK;
}

/* The layer alone, and, if the chain has stages, what that makes of it. */
static c2s_status make_alone(const c2s_lowrank_item *item, const c2s_chain *chain,
                             c2s_model **before, c2s_model **after) {
    const size_t members = item->layer.member_count;
    *before = alone(item);
    *after = NULL;
    C2S_TRY(c2s_graph_infer((*before)->graph));
    if (chain->count == 0)
        return C2S_OK;
    *after = c2s_model_copy(*before);
    C2S_TRY(write_chain((*after)->graph->first, members ? members : 1, chain));
    c2s_graph_sweep((*after)->graph);
    return C2S_OK;
}

static c2s_status measure(const c2s_pass_context *context, const c2s_lowrank_item *item,
                          const c2s_chain *chain, bool *slower) {
    c2s_model *before, *after;
    c2s_status status = make_alone(item, chain, &before, &after);
    if (status == C2S_OK)
        status = race(context, item, before, after, slower);
    c2s_model_destroy(before);
    c2s_model_destroy(after);
    return status;
}

/* ---- answers ---- */

typedef struct c2s_lowrank_speed speed;

static speed key_of(const c2s_lowrank_item *item, const c2s_lowrank_way *way) {
    speed key = {
        .node = item->layer.node, .input = item->input, .members = item->layer.member_count};
    if (way)
        way->form->chain(&item->counted, way->rank, &key.chain);
    return key;
}

static const speed *find_alike(const speed *known, size_t count, const speed *own) {
    for (size_t i = 0; i < count; i++)
        if (same_chain(&known[i].chain, &own->chain) &&
            c2s_type_equal(&known[i].input, &own->input) && known[i].members == own->members &&
            known[i].node->op == own->node->op && c2s_attrs_equal(known[i].node, own->node) &&
            same_weight(known[i].node, own->node))
            return &known[i];
    return NULL;
}

c2s_status c2s_lowrank_is_slower(c2s_lowrank_speeds *speeds, const c2s_pass_context *context,
                                 const c2s_lowrank_item *item, const c2s_lowrank_way *way,
                                 bool *slower) {
    *slower = false;
    if (item->input.kind != C2S_KIND_TENSOR)
        return C2S_OK;
    speed own = key_of(item, way);
    const speed *known = find_alike(speeds->known.at, speeds->known.count, &own);
    if (known) {
        *slower = known->slower;
        return C2S_OK;
    }
    const c2s_status status = measure(context, item, &own.chain, &own.slower);
    if (status == C2S_ERR_MEMORY)
        return status;
    if (status != C2S_OK)
        c2s_log(1, "lowrank: %s: its speed is not known: %s", c2s_node_text(own.node), c2s_error());
    c2s_vec_push(&speeds->known, own);
    *slower = own.slower;
    return C2S_OK;
}

c2s_status c2s_lowrank_seconds(c2s_lowrank_speeds *speeds, const c2s_pass_context *context,
                               const c2s_lowrank_item *item, const c2s_lowrank_way *way,
                               double *seconds) {
    speed own = key_of(item, way);
    const speed *known = find_alike(speeds->timed.at, speeds->timed.count, &own);
    if (known) {
        *seconds = known->seconds;
        return C2S_OK;
    }
    c2s_model *before, *after;
    c2s_status status = make_alone(item, &own.chain, &before, &after);
    if (status == C2S_OK)
        status = c2s_model_seconds(after ? after : before, context, &own.seconds);
    c2s_model_destroy(before);
    c2s_model_destroy(after);
    C2S_TRY(status);
    c2s_vec_push(&speeds->timed, own);
    *seconds = own.seconds;
    return C2S_OK;
}
