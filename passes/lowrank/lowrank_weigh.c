/* SPDX-License-Identifier: Apache-2.0
 *
 * What each layer could become, and what its error weighs: what an error in this layer alone does
 * to the outputs of the model.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "passes/lowrank/lowrank_job.h"

/* What errors do to the outputs: layers are measured by themselves with an error near this, on so
 * many samples, as long as that takes no more multiply-accumulates. */
#define TRIAL_ERROR 0.1
#define TRIALS_WORK 1e12
enum { TRIAL_SAMPLES = 16 };

typedef struct trial {
    size_t way; /* of the item; C2S_RANK_AS_IS: none */
    c2s_lowrank_result result;
} trial;

typedef struct finding {
    c2s_lowrank_job *job;
    trial *trials; /* by item; NULL: errors are not weighed */
} finding;

/* ---- ways ---- */

/* "90% at 24", or beyond the ranks that save something. The ways of a form lie together, at ranks
 * that rise. */
static void keep_part(const c2s_lowrank_item *item, double part, size_t size, char *text) {
    const c2s_lowrank_form *form = item->ways.at[0].form;
    size_t rank = 0;
    for (size_t w = 0; w < item->ways.count && item->ways.at[w].form == form; w++) {
        rank = item->ways.at[w].rank;
        if (1 - item->ways.at[w].error < part)
            continue;
        snprintf(text, size, "%.0f%% at %zu", 100 * part, rank);
        return;
    }
    snprintf(text, size, "%.0f%% beyond %zu", 100 * part, rank);
}

/* How many ranks hold most of what the layer gives. */
static void log_spectrum(const c2s_lowrank_item *item) {
    char half[48], most[48], nearly[48];
    if (!c2s_log_wants(1) || item->ways.count == 0 || !item->ways.at[0].form->is_optimal)
        return;
    keep_part(item, 0.5, sizeof half, half);
    keep_part(item, 0.9, sizeof most, most);
    keep_part(item, 0.99, sizeof nearly, nearly);
    c2s_log(1, "lowrank: %s: %s, energy by rank: %s, %s, %s, of %zu",
            c2s_node_text(item->layer.node), item->ways.at[0].form->name, half, most, nearly,
            item->ways.at[0].form->most(&item->counted));
}

static size_t trial_way(const c2s_lowrank_item *item) {
    size_t best = C2S_RANK_AS_IS;
    double nearest = (double)INFINITY;
    for (size_t w = 0; w < item->ways.count; w++) {
        const double away = fabs(log((item->ways.at[w].error + 1e-9) / TRIAL_ERROR));
        if (away >= nearest)
            continue;
        nearest = away;
        best = w;
    }
    return best;
}

static c2s_status try_item(const c2s_lowrank_target *target, const c2s_lowrank_item *item,
                           trial *t) {
    t->way = trial_way(item);
    if (t->way == C2S_RANK_AS_IS)
        return C2S_OK;
    const c2s_lowrank_way *way = &item->ways.at[t->way];
    return c2s_lowrank_target_solve(target, way->form, way->rank, &t->result);
}

static c2s_status find_ways(void *user, c2s_lowrank_item *item, c2s_gram *gram) {
    const finding *f = user;
    c2s_lowrank_job *j = f->job;
    const size_t rank = j->goal == C2S_LOWRANK_RANK ? (size_t)j->value : 0;
    c2s_lowrank_target target;
    c2s_status status = c2s_lowrank_target_open(&item->layer, gram, NULL, j->how.damping, &target);
    if (status == C2S_OK)
        status = c2s_lowrank_plan_ways(&j->plan, &target, rank, item);
    if (gram && (item->in_family || item->layer.node->op == &c2s_op_gather))
        item->gram = c2s_gram_ref(gram);
    if (status == C2S_OK)
        log_spectrum(item);
    if (status == C2S_OK && f->trials)
        status = try_item(&target, item, &f->trials[item - j->plan.items.at]);
    c2s_lowrank_target_close(&target);
    if (status == C2S_ERR_INVALID) { /* numbers that are not finite */
        c2s_stats_refuse(j->stats, C2S_LOWRANK_KIND, c2s_node_text(item->layer.node), c2s_error());
        c2s_vec_clear(&item->ways);
        return C2S_OK;
    }
    if (status != C2S_OK)
        c2s_note("%s", c2s_node_text(item->layer.node));
    return status;
}

/* ---- weights of errors ---- */

/* Noise of the outputs, and what it does to answers: scores of classes may have most of their
 * energy in common, of which answers know nothing. How many answers change goes with the root of
 * noise. */
double c2s_lowrank_noise(const c2s_quality_result *result) {
    const double noise =
        isnan(result->sqnr_db) || result->sqnr_db < 0 ? 1 : pow(10, -result->sqnr_db / 10);
    const double changed = isnan(result->agreement) ? 0 : 1 - result->agreement / 100;
    return noise + changed * changed;
}

/* The copy has the same nodes in the same order. */
static c2s_node *node_in(const c2s_graph *copy, const c2s_node *node) {
    c2s_node *other = copy->first;
    for (const c2s_node *own = node->graph->first; own != node; own = own->next)
        other = other->next;
    return other;
}

static c2s_status measure_alone(const c2s_lowrank_job *j, const c2s_lowrank_item *item,
                                const trial *t, c2s_quality_result *result) {
    c2s_model *copy = c2s_model_copy(j->model);
    const size_t tied = item->layer.tied_count;
    c2s_lowrank_layer layer, *others = c2s_alloc_array(tied + 1, sizeof *others);
    c2s_lowrank_layer_of(node_in(copy->graph, item->layer.node), &layer);
    for (size_t k = 0; k < tied; k++)
        c2s_lowrank_layer_of(node_in(copy->graph, item->layer.tied[k].node), &others[k]);
    c2s_lowrank_layer_tie(&layer, others, tied);
    c2s_status status =
        c2s_lowrank_layer_write(&layer, &t->result.chain, t->result.weights, t->result.shift);
    if (status == C2S_OK)
        status = c2s_quality_measure(j->context->quality, copy->graph, TRIAL_SAMPLES, result);
    free(others);
    c2s_model_destroy(copy);
    return status;
}

/* Layers whose error the outputs hide may have more of it. */
static c2s_status weigh_item(const c2s_lowrank_job *j, c2s_lowrank_item *item, const trial *t) {
    c2s_quality_result result;
    if (item->ways.count == 0 || t->way == C2S_RANK_AS_IS)
        return C2S_OK;
    const double error = item->ways.at[t->way].error;
    C2S_TRY(measure_alone(j, item, t, &result));
    item->weight = item->effect = error > 0 ? c2s_lowrank_noise(&result) / error : 1;
    c2s_log(2, "lowrank: %s: an error of %.3f makes one of %.3f in the outputs",
            c2s_node_text(item->layer.node), error, c2s_lowrank_noise(&result));
    return C2S_OK;
}

static bool are_weighed(const c2s_lowrank_job *j) {
    double work = 0;
    for (size_t i = 0; i < j->plan.items.count; i++)
        work += j->plan.items.at[i].macs;
    return j->weighed && j->context->quality && j->goal == C2S_LOWRANK_TOTAL &&
           work * TRIAL_SAMPLES * (double)j->plan.items.count <= TRIALS_WORK;
}

c2s_status c2s_lowrank_find_ways(c2s_lowrank_job *j) {
    const size_t count = j->plan.items.count;
    finding f = {.job = j};
    if (j->joined && j->goal == C2S_LOWRANK_TOTAL)
        c2s_lowrank_find_families(j);
    if (are_weighed(j))
        f.trials = c2s_zalloc((count + 1) * sizeof *f.trials);
    c2s_status status = c2s_lowrank_learn(j->model->graph, &j->plan, &j->how, find_ways, &f);
    for (size_t i = 0; i < count && f.trials; i++) {
        c2s_progress("weighing layers", (double)i / (double)count);
        if (status == C2S_OK)
            status = weigh_item(j, &j->plan.items.at[i], &f.trials[i]);
        c2s_lowrank_result_free(&f.trials[i].result);
    }
    free(f.trials);
    if (status == C2S_OK)
        status = c2s_lowrank_join_ways(j);
    return status == C2S_OK ? c2s_lowrank_time_ways(j) : status;
}
