/* SPDX-License-Identifier: Apache-2.0
 *
 * Computing a step through eval: those without a kernel, and those whose kernel cannot be used this
 * time. The latter may stand for several nodes and have inputs and outputs in other layouts.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/groups.h"
#include "runtime/half.h"
#include "runtime/layout.h"
#include "runtime/plan.h"
#include "runtime/quantized.h"

enum { FEW = 16 };

/* ---- bodies of control flow ---- */

typedef struct body_runner {
    c2s_body_runner base;
    c2s_plan_context *context;
    const c2s_step *owner;
} body_runner;

static c2s_status run_body(const c2s_body_runner *self, const c2s_graph *body,
                           const c2s_tensor *const *in, unsigned in_count, c2s_tensor **out,
                           unsigned out_count) {
    const body_runner *runner = (const body_runner *)self;
    if (in_count != body->formal_inputs || out_count != c2s_graph_output_count(body))
        return c2s_fail(C2S_ERR_INVALID,
                        "body \"%s\" has %u inputs and %u outputs, expected %u and %u", body->name,
                        body->formal_inputs, c2s_graph_output_count(body), in_count, out_count);
    unsigned entries = body->entry->output_count, hidden = c2s_graph_hidden_slot(body);
    const c2s_tensor *few[FEW];
    const c2s_tensor **entry = entries <= FEW ? few : c2s_alloc_array(entries, sizeof *entry);
    for (unsigned k = 0; k < entries; k++)
        entry[k] = k < in_count ? in[k] : runner->owner->in[hidden + k - in_count]->tensor;
    c2s_status status = runner->context->run_body(runner->context, body, entry, out);
    if (entry != few)
        free(entry);
    return status;
}

/* ---- a node alone ---- */

static bool is_at_place(const c2s_tensor *tensor, const c2s_slot *slot) {
    return slot && slot->place && tensor->bytes == slot->place->bytes &&
           tensor->offset == slot->place->offset;
}

/* Where eval passed on its input (a cast to the same type), or made an output in the place of
 * another, that memory will be used for something else: the result gets its own. */
static c2s_status detach(const c2s_plan *plan, const c2s_slot *slot, c2s_tensor **tensor) {
    c2s_tensor *old = *tensor, *copy;
    if (!old || !plan->block || old->bytes != plan->block || is_at_place(old, slot))
        return C2S_OK;
    C2S_TRY(c2s_tensor_create(old->type.dtype, old->type.rank, old->type.dim, &copy));
    if (old->count)
        memcpy(c2s_tensor_mutable(copy), c2s_tensor_data(old), c2s_tensor_size(old));
    c2s_tensor_unref(old);
    *tensor = copy;
    return C2S_OK;
}

/* Brings an output of the planned type that lies elsewhere to its place. */
static void settle(const c2s_slot *slot, c2s_tensor **tensor) {
    c2s_tensor *made = *tensor, *place = slot ? slot->place : NULL;
    if (!made || !place || !c2s_type_equal(&made->type, &place->type) || is_at_place(made, slot))
        return;
    memcpy(c2s_tensor_mutable(place), c2s_tensor_data(made), c2s_tensor_size(made));
    c2s_tensor_unref(made);
    *tensor = c2s_tensor_ref(place);
}

/* The places of the outputs. */
static unsigned homes_of(const c2s_step *step, c2s_tensor_home *homes) {
    unsigned count = 0;
    for (unsigned k = 0; k < step->out_count && count < FEW; k++) {
        const c2s_tensor *place = step->out[k] ? step->out[k]->place : NULL;
        if (place)
            homes[count++] = (c2s_tensor_home){place->bytes, place->offset, c2s_tensor_size(place)};
    }
    return count;
}

static c2s_status eval_node(c2s_plan *plan, c2s_step *step) {
    const c2s_node *node = step->node;
    const c2s_tensor *few_in[FEW];
    c2s_tensor *few_out[FEW];
    const c2s_tensor **in =
        step->in_count <= FEW ? few_in : c2s_alloc_array(step->in_count, sizeof *in);
    c2s_tensor **out =
        step->out_count <= FEW ? few_out : c2s_alloc_array(step->out_count, sizeof *out);
    for (unsigned k = 0; k < step->in_count; k++)
        in[k] = step->in[k] ? step->in[k]->tensor : NULL;
    body_runner runner = {{run_body}, plan->context, step};
    c2s_tensor_home homes[FEW];
    c2s_tensor_offer(homes, homes_of(step, homes));
    c2s_status status = c2s_node_eval_again(node, in, out, &runner.base,
                                            plan->context->options.memory_limit, &step->kept);
    c2s_tensor_offer(NULL, 0);
    bool good = status == C2S_OK;
    for (unsigned k = 0; k < step->out_count && status == C2S_OK; k++)
        status = detach(plan, step->out[k], &out[k]);
    for (unsigned k = 0; k < step->out_count && good; k++) {
        if (status == C2S_OK)
            settle(step->out[k], &out[k]);
        if (step->out[k])
            step->out[k]->tensor = out[k];
        else
            c2s_tensor_unref(out[k]);
    }
    if (in != few_in)
        free(in);
    if (out != few_out)
        free(out);
    return status;
}

/* ---- a node and what its kernel does behind it ---- */

/* A result on the way, row-major. */
typedef struct result {
    const c2s_value *value;
    c2s_tensor *tensor;
} result;

typedef C2S_VEC(result) results;

static c2s_status plain_of(c2s_plan *plan, const c2s_slot *form, c2s_tensor **out) {
    c2s_tensor *floats;
    const c2s_slot *narrow = form->base->narrow;
    if (!narrow)
        return c2s_slot_plain(plan->context->dnnl, form, out);
    C2S_TRY(c2s_slot_plain(plan->context->dnnl, form, &floats));
    c2s_status status = c2s_half_cast(floats, narrow->type.dtype, out);
    c2s_tensor_unref(floats);
    return status;
}

/* The content of a value in any form that is alive now, in its own type. */
static c2s_status content_of(c2s_plan *plan, const c2s_value *value, c2s_tensor **out) {
    *out = NULL;
    const c2s_slot *base = c2s_plan_slot(plan, value);
    for (const c2s_slot *form = base; form; form = form->next_form)
        if (form->tensor)
            return plain_of(plan, form, out);
    return C2S_OK; /* an optional input that was left out */
}

static c2s_status eval_one(c2s_plan *plan, const c2s_node *node, results *r);

static c2s_tensor *result_of(const results *r, const c2s_value *value) {
    for (size_t k = 0; k < r->count; k++)
        if (r->at[k].value == value)
            return c2s_tensor_ref(r->at[k].tensor);
    return NULL;
}

static c2s_status input_of(c2s_plan *plan, results *r, const c2s_value *value, c2s_tensor **out) {
    *out = result_of(r, value);
    if (*out)
        return C2S_OK;
    C2S_TRY(content_of(plan, value, out));
    const c2s_step *dequantizer = c2s_plan_slot(plan, value)->dequantizer;
    if (*out || !dequantizer)
        return C2S_OK;
    C2S_TRY(eval_one(plan, dequantizer->node, r));
    *out = result_of(r, value);
    return C2S_OK;
}

static c2s_status eval_one(c2s_plan *plan, const c2s_node *node, results *r) {
    c2s_tensor **in = c2s_zalloc((node->input_count + 1) * sizeof *in);
    c2s_tensor **out =
        c2s_zalloc((node->output_count + 1) * sizeof *out); /* stay NULL on failure */
    c2s_status status = C2S_OK;
    for (unsigned k = 0; k < node->input_count && status == C2S_OK; k++)
        if (node->inputs[k].value)
            status = input_of(plan, r, node->inputs[k].value, &in[k]);
    if (status == C2S_OK)
        status = c2s_node_eval(node, (const c2s_tensor *const *)in, out, NULL,
                               plan->context->options.memory_limit);
    for (unsigned k = 0; k < node->output_count; k++) {
        if (!out[k])
            continue;
        if (status == C2S_OK)
            status = detach(plan, NULL, &out[k]);
        c2s_vec_push(r, (result){node->outputs[k], out[k]});
    }
    for (unsigned k = 0; k < node->input_count; k++)
        c2s_tensor_unref(in[k]);
    free(in);
    free(out);
    return status;
}

/* Gives an output what eval made, where and in the layout in which the plan wants it. */
static c2s_status deliver_plain(c2s_plan *plan, c2s_slot *slot, const c2s_tensor *made) {
    bool fits = slot->place && c2s_type_equal(&made->type, &slot->place->type);
    if (!slot->layout &&
        !fits) { /* the run finds another type than planned, or there is no place */
        slot->tensor = c2s_tensor_ref(made);
        return C2S_OK;
    }
    C2S_TRY(c2s_slot_allocate(plan, slot));
    void *target = c2s_tensor_mutable(slot->tensor);
    if (slot->layout)
        return c2s_slot_fill(plan->context->dnnl, slot, made, target);
    memcpy(target, c2s_tensor_data(made), c2s_tensor_size(made));
    return C2S_OK;
}

static c2s_status deliver(c2s_plan *plan, c2s_slot *slot, const c2s_tensor *made) {
    c2s_tensor *floats;
    if (!slot->base->narrow)
        return deliver_plain(plan, slot, made);
    C2S_TRY(c2s_half_cast(made, C2S_FLOAT, &floats));
    c2s_status status = deliver_plain(plan, slot, floats);
    c2s_tensor_unref(floats);
    return status;
}

static c2s_status eval_nodes(c2s_plan *plan, const c2s_group *group, const c2s_node *const *node,
                             unsigned count, results *r) {
    if (group) {
        node = group->node;
        count = group->node_count;
    }
    for (unsigned k = 0; k < count; k++)
        C2S_TRY(eval_one(plan, node[k], r));
    return C2S_OK;
}

static c2s_status eval_all(c2s_plan *plan, c2s_step *step, results *r) {
    C2S_TRY(eval_nodes(plan, step->group, &step->node, 1, r));
    for (unsigned k = 0; k < step->post_count; k++)
        C2S_TRY(eval_nodes(plan, step->posts[k].group, step->posts[k].node,
                           step->posts[k].node_count, r));
    for (unsigned k = 0; k < step->member_count; k++)
        C2S_TRY(eval_one(plan, step->members[k]->node, r));
    for (unsigned k = 0; k < step->out_count; k++)
        for (size_t i = 0; step->out[k] && i < r->count; i++)
            if (r->at[i].value == step->out[k]->value)
                C2S_TRY(deliver(plan, step->out[k], r->at[i].tensor));
    return C2S_OK;
}

/* True if eval can read or make the form itself. */
static bool is_plain(const c2s_step *step, const c2s_slot *slot) {
    return !slot || (!slot->layout && (!slot->narrow || step->evals_wide));
}

/* The node takes integers where the model has floats that stand for them. */
static c2s_status eval_moves(c2s_plan *plan, c2s_step *step) {
    c2s_tensor **in = c2s_zalloc((step->in_count + 1) * sizeof *in), *out = NULL;
    c2s_status status = C2S_OK;
    for (unsigned k = 0; k < step->in_count && status == C2S_OK; k++)
        if (step->in[k] && step->in[k]->tensor)
            status = c2s_slot_plain(plan->context->dnnl, step->in[k], &in[k]);
    if (status == C2S_OK)
        status = c2s_node_eval(step->node, (const c2s_tensor *const *)in, &out, NULL,
                               plan->context->options.memory_limit);
    if (status == C2S_OK)
        status = detach(plan, NULL, &out);
    if (status == C2S_OK)
        status = deliver(plan, step->out[0], out);
    c2s_tensor_unref(out);
    for (unsigned k = 0; k < step->in_count; k++)
        c2s_tensor_unref(in[k]);
    free(in);
    return status;
}

c2s_status c2s_step_eval(c2s_plan *plan, c2s_step *step) {
    if (step->quantized && step->quantized->moves)
        return eval_moves(plan, step);
    bool plain = !step->quantized && !step->reads_codes && step->post_count == 0 &&
                 step->member_count == 0 && !step->group;
    for (unsigned k = 0; k < step->in_count; k++)
        plain = plain && is_plain(step, step->in[k]);
    for (unsigned k = 0; k < step->out_count; k++)
        plain = plain && is_plain(step, step->out[k]);
    if (plain)
        return eval_node(plan, step);
    results r = {0};
    c2s_status status = eval_all(plan, step, &r);
    for (size_t k = 0; k < r.count; k++)
        c2s_tensor_unref(r.at[k].tensor);
    c2s_vec_free(&r);
    return status;
}
