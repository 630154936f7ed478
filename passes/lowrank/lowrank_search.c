/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "passes/lowrank/lowrank_job.h"

/* ---- ways ---- */

static c2s_status find_ways(void *user, c2s_lowrank_item *item, c2s_gram *gram) {
    c2s_lowrank_job *j = user;
    c2s_lowrank_target target;
    c2s_status status = c2s_lowrank_target_open(&item->layer, gram, NULL, j->how.damping, &target);
    if (status == C2S_OK)
        status = c2s_lowrank_plan_ways(&j->plan, &target,
                                       j->goal == C2S_LOWRANK_RANK ? (size_t)j->value : 0, item);
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

/* Larger ranks of a form that is slower at a smaller one are so, too. */
static void mark_slower(c2s_lowrank_item *item, const c2s_lowrank_way *way) {
    for (size_t w = 0; w < item->ways.count; w++)
        if (item->ways.at[w].form == way->form && item->ways.at[w].rank >= way->rank)
            item->ways.at[w].slower = true;
}

/* Chooses, measures what was chosen, and chooses again without what is slower. */
static c2s_status choose(c2s_lowrank_job *j, double value) {
    for (bool again = true; again;) {
        again = false;
        c2s_lowrank_plan_choose(&j->plan, j->goal, value);
        for (size_t i = 0; i < j->plan.items.count && j->timed; i++) {
            c2s_lowrank_item *item = &j->plan.items.at[i];
            bool slower;
            if (item->chosen == C2S_RANK_AS_IS)
                continue;
            const c2s_lowrank_way *way = &item->ways.at[item->chosen];
            C2S_TRY(c2s_lowrank_is_slower(&j->speeds, j->context, item, way, &slower));
            if (slower)
                mark_slower(item, way);
            again |= slower;
        }
    }
    return C2S_OK;
}

/* ---- what errors do to the outputs ---- */

/* Layers are measured by themselves with an error near this, on so many samples, as long as that
 * takes no more multiply-accumulates. */
#define TRIAL_ERROR 0.1
#define TRIALS_WORK 1e12
enum { TRIAL_SAMPLES = 16 };

static double noise_of(const c2s_quality_result *result) {
    return isnan(result->sqnr_db) || result->sqnr_db < 0 ? 1 : pow(10, -result->sqnr_db / 10);
}

static c2s_status measure_copy(c2s_lowrank_job *j, const c2s_lowrank_how *how, size_t samples,
                               c2s_quality_result *result) {
    c2s_model *copy = c2s_model_copy(j->model);
    c2s_status status = c2s_lowrank_apply(copy, &j->plan, how, NULL, NULL);
    if (status == C2S_OK) {
        c2s_graph_sweep(copy->graph);
        status = c2s_quality_measure(j->context->quality, copy->graph, samples, result);
    }
    c2s_model_destroy(copy);
    return status;
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

static c2s_status weigh_item(c2s_lowrank_job *j, c2s_lowrank_item *item,
                             const c2s_lowrank_how *how) {
    c2s_quality_result result;
    item->chosen = trial_way(item);
    if (item->chosen == C2S_RANK_AS_IS)
        return C2S_OK;
    const double error = item->ways.at[item->chosen].error;
    C2S_TRY(measure_copy(j, how, TRIAL_SAMPLES, &result));
    item->chosen = C2S_RANK_AS_IS;
    item->weight = error > 0 ? noise_of(&result) / error : 1;
    c2s_log(2, "lowrank: %s: an error of %.3f makes one of %.3f in the outputs",
            c2s_node_text(item->layer.node), error, noise_of(&result));
    return C2S_OK;
}

/* Layers whose error the outputs hide may have more of it. */
static c2s_status weigh(c2s_lowrank_job *j) {
    c2s_lowrank_how how = j->how;
    double work = 0;
    how.stages = 1;
    how.samples = TRIAL_SAMPLES;
    for (size_t i = 0; i < j->plan.items.count; i++) {
        j->plan.items.at[i].chosen = C2S_RANK_AS_IS;
        work += j->plan.items.at[i].macs;
    }
    work *= 2 * TRIAL_SAMPLES * (double)j->plan.items.count;
    if (!j->context->quality || !j->weighed || work > TRIALS_WORK)
        return C2S_OK;
    for (size_t i = 0; i < j->plan.items.count; i++) {
        c2s_progress("weighing layers", (double)i / (double)j->plan.items.count);
        C2S_TRY(weigh_item(j, &j->plan.items.at[i], &how));
    }
    return C2S_OK;
}

c2s_status c2s_lowrank_find_ways(c2s_lowrank_job *j) {
    C2S_TRY(c2s_lowrank_learn(j->model->graph, &j->plan, &j->how, find_ways, j));
    return j->goal == C2S_LOWRANK_TOTAL ? weigh(j) : C2S_OK;
}

/* ---- the budget ---- */

enum { SEARCH_STEPS = 6 };
#define LEAST_VALUE 0.05

static c2s_status try_value(c2s_lowrank_job *j, double value, bool *good) {
    c2s_quality_result result;
    C2S_TRY(choose(j, value));
    C2S_TRY(measure_copy(j, &j->how, 0, &result));
    *good = c2s_budget_holds(&j->context->budget, &result, NULL, 0);
    c2s_log(1, "lowrank: with %.3f: SQNR %.1f dB, %.2f points of top-1 lost%s", value,
            result.sqnr_db, c2s_quality_drop(&result), *good ? "" : ": too much");
    return C2S_OK;
}

static void choose_nothing(c2s_lowrank_job *j) {
    for (size_t i = 0; i < j->plan.items.count; i++)
        j->plan.items.at[i].chosen = C2S_RANK_AS_IS;
}

/* Halves the distance between what is too much and what is good, from all there is. */
c2s_status c2s_lowrank_search(c2s_lowrank_job *j) {
    const bool bound = j->context->quality && c2s_budget_is_bound(&j->context->budget);
    double bad = j->automatic ? LEAST_VALUE : j->value, good = 1;
    bool holds = false;
    if (!bound || j->goal == C2S_LOWRANK_RANK)
        return choose(j, j->value);
    if (!j->automatic)
        C2S_TRY(try_value(j, bad, &holds));
    if (holds)
        return C2S_OK;
    for (int step = 0; step < SEARCH_STEPS; step++) {
        const double middle = (bad + good) / 2;
        C2S_TRY(try_value(j, middle, &holds));
        *(holds ? &good : &bad) = middle;
    }
    if (good < 1)
        return choose(j, good);
    choose_nothing(j);
    return C2S_OK;
}
