/* SPDX-License-Identifier: Apache-2.0
 *
 * What errors of the readers of a group do to the outputs of the model.
 */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "passes/prune/prune_mask.h"
#include "passes/prune/pruning.h"
#include "passes/quant/logits.h"

enum { JUDGING_SAMPLES = 48 };
/* Beyond this nothing can be told apart. */
#define MOST_DB     100.0
#define LEAST_ERROR 1e-9

/* ---- outputs ---- */

c2s_status c2s_pruning_open_outputs(c2s_pruning *p) {
    c2s_model *first = c2s_logits_model(p->first->graph);
    const c2s_status status =
        c2s_quality_open(first->graph, p->context->evaluator, &p->context->eval,
                         &p->samples_of.judge, JUDGING_SAMPLES, &p->outputs);
    c2s_model_destroy(first);
    return status;
}

c2s_status c2s_pruning_noise(c2s_pruning *p, double *noise) {
    c2s_quality_result result;
    c2s_model *now = c2s_logits_model(p->model->graph);
    const c2s_status status = c2s_quality_measure(p->outputs, now->graph, 0, &result);
    c2s_model_destroy(now);
    *noise = status == C2S_OK ? pow(10, -fmin(fmax(result.sqnr_db, -MOST_DB), MOST_DB) / 10) : 1;
    return status;
}

/* ---- a group by itself ---- */

static c2s_status fit_readers(c2s_pruning *p, size_t group, c2s_gram *const *grams) {
    const c2s_group_readers *of = &p->readers.groups[group];
    for (size_t i = 0; i < of->at.count; i++) {
        const size_t reader = of->at.at[i].reader;
        C2S_TRY(c2s_reader_fit(&p->readers.at.at[reader], &p->before[reader], grams[i], NULL,
                               p->damping));
    }
    return C2S_OK;
}

static c2s_status probe(c2s_pruning *p, size_t group, size_t count, c2s_gram *const *grams,
                        double *noise) {
    bool *removed = c2s_unit_order_first(&p->orders[group], count);
    c2s_pruning_mark_rows(p, group, removed);
    c2s_status status = c2s_prune_mask(&p->groups, &p->groups.groups.at[group], removed);
    free(removed);
    if (status == C2S_OK && p->refit && grams)
        status = fit_readers(p, group, grams);
    if (status == C2S_OK)
        status = c2s_pruning_noise(p, noise);
    c2s_pruning_restore_group(p, group);
    return status;
}

c2s_status c2s_pruning_weigh(c2s_pruning *p, size_t group, c2s_gram *const *grams) {
    static const double parts[] = {0.125, 0.25, 0.5}; /* of the units */
    const c2s_unit_order *o = &p->orders[group];
    const double readers = fmax((double)p->readers.groups[group].at.count, 1);
    c2s_worth *w = &p->worth[group];
    for (size_t k = 0; k < C2S_WORTH_MOST; k++) {
        const double units = parts[k] * (double)o->units;
        const size_t count = units < 1 ? 1 : (size_t)units;
        double noise;
        if ((!p->small && parts[k] != 0.25) || (w->points && w->count[w->points - 1] == count))
            continue;
        C2S_TRY(probe(p, group, count, grams, &noise));
        w->count[w->points] = count;
        w->worth[w->points++] =
            fmax(noise, LEAST_ERROR) / fmax(c2s_lost_part(o->error[count] / readers), LEAST_ERROR);
    }
    return C2S_OK;
}

c2s_status c2s_pruning_order_by_outputs(c2s_pruning *p, size_t group) {
    const c2s_prune_group *g = &p->groups.groups.at[group];
    double *noise = c2s_zalloc((g->units + 1) * sizeof *noise);
    bool *removed = c2s_zalloc(g->units + 1);
    c2s_status status = C2S_OK;
    for (size_t u = 0; u < g->units && status == C2S_OK; u++) {
        removed[u] = true;
        status = c2s_prune_mask(&p->groups, g, removed);
        if (status == C2S_OK)
            status = c2s_pruning_noise(p, &noise[u]);
        c2s_pruning_restore_group(p, group);
        removed[u] = false;
    }
    if (status == C2S_OK)
        c2s_unit_order_by_score(noise, g->units, &p->orders[group]);
    free(noise);
    free(removed);
    return status;
}
