/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_tasks.h"

#include <stdlib.h>

#include "passes/measure/beside.h"

/* Numbers of a matrix that is made to make up for others. */
#define MOST_NUMBERS 4e6

/* ---- operators ---- */

/* With its residual, if one is added right behind it: what is added then makes up for the errors of
 * that as well. */
static void find_target(const c2s_lowrank_tasks *all, c2s_lowrank_part *p) {
    const c2s_lowrank_layer *layer = &p->layer;
    const c2s_node *last = layer->add ? layer->add : layer->node;
    if (!all->reference)
        return;
    p->beside = c2s_value_beside(last->outputs[0], layer->site.input, all->places);
    const c2s_node *gives = p->beside ? last->outputs[0]->uses->user : layer->node;
    p->target = all->same[gives->id]->outputs[0];
}

/* A layer that stays makes up for others if it stands behind one that does not. */
static bool makes_up(const c2s_lowrank_tasks *all, const c2s_lowrank_item *item) {
    const c2s_linear_site *s = &item->layer.site;
    return all->reference && all->at.count > 0 && c2s_lowrank_layer_aims(&item->layer) &&
           (double)s->groups * (double)s->k * (double)s->n <= MOST_NUMBERS;
}

/* The task that an item of the plan is part of. */
static c2s_lowrank_task *task_of(c2s_lowrank_tasks *all, const c2s_lowrank_item *item) {
    const c2s_lowrank_family *family =
        item->joined ? &all->plan->families.at[item->joined - 1] : NULL;
    for (size_t i = all->at.count; (family || item->layer.tied_count > 0) && i-- > 0;)
        if (all->at.at[i].family == family && (family || all->at.at[i].item == item))
            return &all->at.at[i];
    const c2s_lowrank_item *own = family ? &family->joint : item;
    c2s_vec_push(&all->at,
                 ((c2s_lowrank_task){
                     .item = own,
                     .family = family,
                     .way = own->chosen == C2S_RANK_AS_IS ? NULL : &own->ways.at[own->chosen]}));
    return &all->at.at[all->at.count - 1];
}

static c2s_status add_part(c2s_lowrank_tasks *all, const c2s_lowrank_item *item, c2s_node *node) {
    c2s_lowrank_part p = {.before = 0};
    const char *reason = c2s_lowrank_layer_of(node, &p.layer);
    if (reason)
        return c2s_fail(C2S_ERR_INVALID, "%s: %s", c2s_node_text(node), reason);
    c2s_lowrank_task *t = task_of(all, item);
    if (c2s_lowrank_layer_aims(&item->layer))
        find_target(all, &p);
    for (size_t k = 0; k < t->parts.count; k++)
        p.before += t->parts.at[k].layer.site.n;
    c2s_vec_push(&t->parts, p);
    all->of_node[node->id] = (size_t)(t - all->at.at) + 1;
    return C2S_OK;
}

/* ---- layers ---- */

/* What the Adds of its parts bring into their targets. */
static void read_added(c2s_lowrank_task *t) {
    const size_t channels = t->layer.site.groups * t->layer.site.n;
    for (size_t p = 0; p < t->parts.count; p++) {
        const c2s_lowrank_part *own = &t->parts.at[p];
        if (!own->layer.add || !own->beside)
            continue;
        if (!t->added)
            t->added = c2s_zalloc(channels * sizeof *t->added);
        c2s_tensor_load_f64(c2s_node_in(own->layer.add, own->layer.add_slot)->constant, 0,
                            own->layer.site.n, t->added + own->before);
    }
}

/* The task's parts become one layer. */
static c2s_status open_layer(c2s_lowrank_task *t) {
    const size_t count = t->parts.count;
    const char *reason = NULL;
    t->layer = t->parts.at[0].layer;
    if (count > 1) {
        t->members = c2s_alloc_array(count, sizeof *t->members);
        for (size_t p = 0; p < count; p++)
            t->members[p] = t->parts.at[p].layer;
    }
    if (t->family && !c2s_lowrank_layer_join(t->members, count, &t->layer))
        reason = "its family has changed";
    else if (!t->family && count > 1)
        reason = c2s_lowrank_layer_tie(&t->layer, t->members + 1, count - 1);
    read_added(t);
    return reason ? c2s_fail(C2S_ERR_INVALID, "%s: %s", c2s_node_text(t->layer.node), reason)
                  : C2S_OK;
}

/* ---- all ---- */

/* By node id of the plan's graph: the item that the node is part of. */
static const c2s_lowrank_item **list_nodes(const c2s_lowrank_plan *plan) {
    const c2s_model *model = plan->items.at[0].layer.node->graph->model;
    const c2s_lowrank_item **of_node = c2s_zalloc((model->nodes.count + 1) * sizeof *of_node);
    for (size_t i = 0; i < plan->items.count; i++) {
        const c2s_lowrank_item *item = &plan->items.at[i];
        of_node[item->layer.node->id] = item;
        for (size_t t = 0; t < item->layer.tied_count; t++)
            of_node[item->layer.tied[t].node->id] = item;
    }
    return of_node;
}

/* The plan's graph, the one to change, and the reference have the same nodes in the same order. */
static c2s_status list_tasks(c2s_lowrank_tasks *all) {
    const c2s_lowrank_item **of_node = list_nodes(all->plan);
    const c2s_node *own = all->plan->items.at[0].layer.node->graph->first;
    c2s_status status = C2S_OK;
    for (c2s_node *node = all->model->graph->first; node && status == C2S_OK;
         node = node->next, own = own->next) {
        const c2s_lowrank_item *item = of_node[own->id];
        if (item && (item->chosen != C2S_RANK_AS_IS || item->joined || makes_up(all, item)))
            status = add_part(all, item, node);
    }
    for (size_t i = 0; i < all->at.count && status == C2S_OK; i++)
        status = open_layer(&all->at.at[i]);
    free(of_node);
    return status;
}

/* The same nodes of both. */
static void open_reference(c2s_lowrank_tasks *all) {
    const c2s_node *other;
    all->reference = c2s_model_copy(all->model);
    all->same = c2s_zalloc((all->model->nodes.count + 1) * sizeof *all->same);
    all->places = c2s_node_places(all->model->graph);
    other = all->reference->graph->first;
    for (const c2s_node *n = all->model->graph->first; n; n = n->next, other = other->next)
        all->same[n->id] = other;
}

static void close_task(c2s_lowrank_task *t) {
    c2s_lowrank_moments_free(&t->learnt);
    c2s_lowrank_moments_free(&t->judging);
    c2s_lowrank_result_free(&t->result);
    c2s_vec_free(&t->parts);
    free(t->members);
    free(t->added);
}

c2s_status c2s_lowrank_tasks_open(c2s_model *model, const c2s_lowrank_plan *plan, bool aims,
                                  c2s_lowrank_tasks *out) {
    *out = (c2s_lowrank_tasks){.model = model, .plan = plan};
    out->of_node = c2s_zalloc((model->nodes.count + 1) * sizeof *out->of_node);
    if (aims)
        open_reference(out);
    return list_tasks(out);
}

void c2s_lowrank_tasks_close(c2s_lowrank_tasks *all) {
    for (size_t i = 0; i < all->at.count; i++)
        close_task(&all->at.at[i]);
    c2s_vec_free(&all->at);
    free(all->of_node);
    free(all->same);
    free(all->places);
    c2s_model_destroy(all->reference);
}
