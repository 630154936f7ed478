/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole choices, which units of which groups go: masked and fitted, to see what is lost, or to
 * stay.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "eval/race.h"
#include "ir/node_walk.h"
#include "passes/prune/prune_cut.h"
#include "passes/prune/prune_mask.h"
#include "passes/prune/pruning.h"

/* ---- back to the first model ---- */

/* Gives a node the constants that it has in the first model. */
static void restore_node(const c2s_pruning *p, c2s_node *node) {
    const c2s_node *was = p->same[node->id];
    for (unsigned k = 0; k < node->formal_count; k++) {
        c2s_value *value = node->inputs[k].value;
        if (value && value->constant && was->inputs[k].value->constant != value->constant)
            c2s_value_set_constant(value, was->inputs[k].value->constant);
    }
}

static void keep_rows(c2s_pruning *p, size_t reader) {
    for (size_t row = 0; row < p->readers.at.at[reader].site.k; row++)
        p->before[reader].removed[row] = false;
}

void c2s_pruning_restore_group(c2s_pruning *p, size_t group) {
    const c2s_prune_group *g = &p->groups.groups.at[group];
    const c2s_group_readers *of = &p->readers.groups[group];
    for (size_t k = 0; k < g->spaces.count; k++)
        restore_node(p, g->spaces.at[k].node);
    for (size_t i = 0; i < of->at.count; i++) {
        const c2s_reader *reader = &p->readers.at.at[of->at.at[i].reader];
        if (reader->bias_node)
            restore_node(p, reader->bias_node);
        keep_rows(p, of->at.at[i].reader);
    }
}

void c2s_pruning_restore(c2s_pruning *p) {
    const c2s_graph *graph = p->model->graph;
    for (c2s_node *node = graph->first; node; node = c2s_node_walk(graph, node))
        restore_node(p, node);
    for (size_t k = 0; k < p->readers.at.count; k++)
        keep_rows(p, k);
}

/* ---- choices ---- */

c2s_status c2s_pruning_mask(c2s_pruning *p) {
    for (size_t k = 0; k < p->groups.groups.count; k++)
        if (p->removed[k])
            C2S_TRY(c2s_prune_mask(&p->groups, &p->groups.groups.at[k], p->removed[k]));
    return C2S_OK;
}

c2s_status c2s_pruning_apply(c2s_pruning *p) {
    C2S_TRY(c2s_pruning_mask(p));
    return p->refit     ? c2s_pruning_refit(p)
           : p->by_laws ? c2s_pruning_shift_biases(p)
                        : C2S_OK;
}

static c2s_status fit_each(c2s_pruning *p) {
    C2S_TRY(c2s_pruning_mask(p));
    for (size_t k = 0; k < p->groups.groups.count; k++)
        if (p->removed[k])
            c2s_pruning_mark_rows(p, k, p->removed[k]);
    for (size_t k = 0; k < p->readers.at.count; k++) {
        const c2s_reader *reader = &p->readers.at.at[k];
        if (p->grams[k] && memchr(p->before[k].removed, true, reader->site.k))
            C2S_TRY(c2s_reader_fit(reader, &p->before[k], p->grams[k], NULL, p->damping));
    }
    return c2s_pruning_mask(p); /* fitting may have filled columns */
}

static c2s_status make_choice(c2s_pruning *p, c2s_status (*make)(c2s_pruning *p)) {
    for (size_t k = 0; k < p->groups.groups.count; k++)
        p->removed[k] = p->counts[k] ? c2s_unit_order_first(&p->orders[k], p->counts[k]) : NULL;
    return make(p);
}

void c2s_pruning_undo(c2s_pruning *p) {
    c2s_pruning_restore(p);
    for (size_t k = 0; k < p->groups.groups.count; k++) {
        free(p->removed[k]);
        p->removed[k] = NULL;
    }
}

static c2s_status find_noise(c2s_pruning *p, c2s_status (*make)(c2s_pruning *p), double *noise) {
    c2s_status status = make_choice(p, make);
    if (status == C2S_OK)
        status = c2s_pruning_noise(p, noise);
    c2s_pruning_undo(p);
    return status;
}

c2s_status c2s_pruning_try(c2s_pruning *p, double *noise) {
    return find_noise(p, c2s_pruning_apply, noise);
}

c2s_status c2s_pruning_estimate(c2s_pruning *p, double *noise) {
    return find_noise(p, p->refit ? fit_each : c2s_pruning_mask, noise);
}

c2s_status c2s_pruning_measure(c2s_pruning *p, c2s_quality_result *result) {
    const c2s_sample_split split = p->samples_of;
    if (split.all)
        c2s_sample_split_join(&p->samples_of);
    c2s_status status = make_choice(p, c2s_pruning_apply);
    if (status == C2S_OK)
        status = c2s_quality_measure(p->context->quality, p->model->graph, 0, result);
    c2s_pruning_undo(p);
    p->samples_of = split;
    return status;
}

/* ---- step by step ---- */

c2s_status c2s_pruning_step(c2s_pruning *p, size_t step) {
    const double gone = 1 - pow(1 - (double)step / (double)p->steps, 3);
    const double macs = p->macs, params = p->params, latency = p->latency, ratio = p->ratio;
    C2S_TRY(c2s_pruning_order(p));
    c2s_pruning_undo(p);
    p->macs = macs > 0 ? 1 - gone * (1 - macs) : 0;
    p->params = params > 0 ? 1 - gone * (1 - params) : 0;
    p->latency = latency > 0 ? 1 - gone * (1 - latency) : 0;
    p->ratio = gone * ratio;
    c2s_status status = c2s_pruning_choose_share(p);
    p->macs = macs;
    p->params = params;
    p->latency = latency;
    p->ratio = ratio;
    return status == C2S_OK ? make_choice(p, c2s_pruning_apply) : status;
}

/* ---- speed ---- */

/* Of a copy: the groups are found anew there, in the same order. */
static c2s_status cut_copy(const c2s_pruning *p, c2s_model *copy) {
    c2s_prune_groups groups;
    c2s_prune_groups_find(copy, &groups);
    bool **removed = c2s_zalloc((groups.groups.count + 1) * sizeof *removed);
    for (size_t k = 0; k < groups.groups.count; k++)
        if (p->counts[k])
            removed[k] = c2s_unit_order_first(&p->orders[k], p->counts[k]);
    const c2s_status status = c2s_prune_cut(&groups, (const bool *const *)removed);
    for (size_t k = 0; k < groups.groups.count; k++)
        free(removed[k]);
    free(removed);
    c2s_prune_groups_free(&groups);
    return status;
}

c2s_status c2s_pruning_race(const c2s_pruning *p, double *ratio) {
    c2s_model *copy = c2s_model_copy(p->first);
    c2s_ratio found = {1, 1, 1};
    bool slower;
    c2s_status status = cut_copy(p, copy);
    if (status == C2S_OK)
        status = c2s_race_graphs(p->first->graph, copy->graph, p->context->evaluator,
                                 &p->context->eval, &slower, &found);
    *ratio = found.median;
    c2s_model_destroy(copy);
    return status;
}
