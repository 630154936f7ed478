/* SPDX-License-Identifier: Apache-2.0
 *
 * Units are masked and their readers fitted: of one group, for what its errors are worth at the
 * outputs; of a whole choice, to measure what it loses, or to keep it.
 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "passes/prune/allocate.h"
#include "passes/prune/prune_mask.h"
#include "passes/prune/pruning.h"

/* Beyond this nothing can be told apart. */
#define MOST_DB     100.0
#define LEAST_ERROR 1e-9

/* About a quarter of the units, in the group's order. */
static size_t probed_units(const c2s_unit_order *o) {
    return o->units / 4 > 0 ? o->units / 4 : 1;
}

static c2s_status fit_readers(c2s_pruning *p, size_t group, c2s_gram *const *grams) {
    const c2s_group_readers *of = &p->readers.groups[group];
    for (size_t i = 0; i < of->at.count; i++) {
        const size_t reader = of->at.at[i].reader;
        C2S_TRY(c2s_reader_fit(&p->readers.at.at[reader], &p->before[reader], grams[i], NULL,
                               p->damping));
    }
    return C2S_OK;
}

static c2s_status probe(c2s_pruning *p, size_t group, c2s_gram *const *grams,
                        c2s_quality_result *result) {
    const c2s_unit_order *o = &p->orders[group];
    bool *removed = c2s_unit_order_first(o, probed_units(o));
    c2s_pruning_mark_rows(p, group, removed);
    c2s_status status = c2s_prune_mask(&p->groups, &p->groups.groups.at[group], removed);
    free(removed);
    if (status == C2S_OK && p->refit && grams)
        status = fit_readers(p, group, grams);
    return status == C2S_OK ? c2s_quality_measure(p->outputs, p->model->graph, 0, result) : status;
}

/* Gives a node the constants that it has in the first model. */
static void restore_node(const c2s_pruning *p, c2s_node *node) {
    const c2s_node *was = p->same[node->id];
    for (unsigned k = 0; k < node->formal_count; k++) {
        c2s_value *value = node->inputs[k].value;
        if (value && value->constant && was->inputs[k].value->constant != value->constant)
            c2s_value_set_constant(value, was->inputs[k].value->constant);
    }
}

static void restore(c2s_pruning *p, size_t group) {
    const c2s_prune_group *g = &p->groups.groups.at[group];
    const c2s_group_readers *of = &p->readers.groups[group];
    for (size_t k = 0; k < g->spaces.count; k++)
        restore_node(p, g->spaces.at[k].node);
    for (size_t i = 0; i < of->at.count; i++) {
        const c2s_reader *reader = &p->readers.at.at[of->at.at[i].reader];
        if (reader->bias_node)
            restore_node(p, reader->bias_node);
        for (size_t row = 0; row < reader->site.k; row++)
            p->before[of->at.at[i].reader].removed[row] = false;
    }
}

/* The error of the outputs as a part of their energy. */
static double noise_of(const c2s_quality_result *result) {
    return pow(10, -fmin(fmax(result->sqnr_db, -MOST_DB), MOST_DB) / 10);
}

c2s_status c2s_pruning_weigh(c2s_pruning *p, size_t group, c2s_gram *const *grams) {
    c2s_unit_order *o = &p->orders[group];
    c2s_quality_result result = {0};
    const c2s_status status = probe(p, group, grams, &result);
    restore(p, group);
    C2S_TRY(status);
    const double readers = (double)p->readers.groups[group].at.count;
    const double part = c2s_lost_part(o->error[probed_units(o)] / fmax(readers, 1));
    p->worth[group] = noise_of(&result) / fmax(part, LEAST_ERROR);
    return C2S_OK;
}

/* ---- whole choices ---- */

c2s_status c2s_pruning_apply(c2s_pruning *p) {
    for (size_t k = 0; k < p->groups.groups.count; k++)
        if (p->removed[k])
            C2S_TRY(c2s_prune_mask(&p->groups, &p->groups.groups.at[k], p->removed[k]));
    return p->refit ? c2s_pruning_refit(p) : C2S_OK;
}

c2s_status c2s_pruning_try(c2s_pruning *p, double *noise) {
    c2s_quality_result result = {0};
    for (size_t k = 0; k < p->groups.groups.count; k++)
        p->removed[k] = p->counts[k] ? c2s_unit_order_first(&p->orders[k], p->counts[k]) : NULL;
    c2s_status status = c2s_pruning_apply(p);
    if (status == C2S_OK)
        status = c2s_quality_measure(p->outputs, p->model->graph, 0, &result);
    *noise = noise_of(&result);
    for (size_t k = 0; k < p->groups.groups.count; k++) {
        if (!p->removed[k])
            continue;
        restore(p, k);
        free(p->removed[k]);
        p->removed[k] = NULL;
    }
    return status;
}
