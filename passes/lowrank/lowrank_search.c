/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranks within the goal: chosen, timed, chosen again without what is slower; and, where the job has
 * bounds on quality, how far the goal may go.
 */
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "eval/race.h"
#include "passes/lowrank/lowrank_job.h"

/* ---- ranks ---- */

/* Larger ranks of a form that is slower at a smaller one are so, too. */
static void mark_slower(c2s_lowrank_item *item, const c2s_lowrank_way *way) {
    for (size_t w = 0; w < item->ways.count; w++)
        if (item->ways.at[w].form == way->form && item->ways.at[w].rank >= way->rank)
            item->ways.at[w].slower = true;
}

/* Chooses, measures what was chosen, and chooses again without what is slower. */
static c2s_status choose_no_slower(c2s_lowrank_job *j, double value) {
    for (bool again = true; again;) {
        again = false;
        c2s_lowrank_plan_choose(&j->plan, j->goal, value);
        for (size_t i = 0; i < c2s_lowrank_plan_count(&j->plan) && j->timed; i++) {
            c2s_lowrank_item *item = c2s_lowrank_plan_item(&j->plan, i);
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

/* ---- a part of the time ---- */

enum { LATENCY_STEPS = 4 };

/* Of the model, with weights that need no samples: how long it takes does not depend on them. */
static c2s_status race_chosen(const c2s_lowrank_job *j, double *ratio) {
    const c2s_lowrank_how plain = {.context = j->context, .stages = 1};
    c2s_model *copy = c2s_model_copy(j->model);
    c2s_ratio found = {1, 1, 1};
    bool slower;
    c2s_status status = c2s_lowrank_apply(copy, &j->plan, &plain, NULL, NULL);
    c2s_graph_sweep(copy->graph);
    if (status == C2S_OK)
        status = c2s_race_graphs(j->model->graph, copy->graph, j->context->evaluator,
                                 &j->context->eval, &slower, &found);
    *ratio = found.median;
    c2s_model_destroy(copy);
    return status;
}

static bool is_changed(c2s_lowrank_job *j) {
    for (size_t i = 0; i < c2s_lowrank_plan_count(&j->plan); i++)
        if (c2s_lowrank_plan_item(&j->plan, i)->chosen != C2S_RANK_AS_IS)
            return true;
    return false;
}

/* The rest of the model takes its time, too: what layers may take is lessened until all of it is as
 * fast as it should be, or nothing helps any more. */
static c2s_status choose_latency(c2s_lowrank_job *j, double value) {
    double ratio = 1, part = value;
    for (int step = 0; step < LATENCY_STEPS; step++) {
        C2S_TRY(choose_no_slower(j, part));
        if (!is_changed(j)) /* by nothing but chance */
            return C2S_OK;
        C2S_TRY(race_chosen(j, &ratio));
        c2s_log(1, "lowrank: layers that take %.2f of their time: the model takes %.2f of it", part,
                ratio);
        if (ratio <= value)
            return C2S_OK;
        part *= value / ratio * 0.98;
    }
    c2s_log(0, "lowrank: the model takes %.2f of the time, not %.2f", ratio, value);
    return C2S_OK;
}

static c2s_status choose(c2s_lowrank_job *j, double value) {
    return j->plan.unit == C2S_LOWRANK_SECONDS ? choose_latency(j, value)
                                               : choose_no_slower(j, value);
}

/* ---- the budget ---- */

enum { SEARCH_STEPS = 6 };
#define LEAST_VALUE 0.05

static c2s_status measure_copy(const c2s_lowrank_job *j, c2s_quality_result *result) {
    c2s_model *copy = c2s_model_copy(j->model);
    c2s_status status = c2s_lowrank_apply(copy, &j->plan, &j->how, NULL, NULL);
    if (status == C2S_OK) {
        c2s_graph_sweep(copy->graph);
        status = c2s_quality_measure(j->context->quality, copy->graph, 0, result);
    }
    c2s_model_destroy(copy);
    return status;
}

static c2s_status try_value(c2s_lowrank_job *j, double value, bool *good) {
    c2s_quality_result result;
    C2S_TRY(choose(j, value));
    C2S_TRY(measure_copy(j, &result));
    if (!isnan(j->budget.max_drop) && isnan(c2s_quality_drop(&result)))
        return c2s_fail(C2S_ERR_USAGE,
                        j->context->feed && j->context->feed->count > 0
                            ? "max_drop needs labels that fit the output, expected them in the "
                              "data of --calib"
                            : "max_drop needs labels, expected data that have them (--calib)");
    *good = c2s_budget_holds(&j->budget, &result, NULL, 0);
    c2s_log(1, "lowrank: with %.3f: SQNR %.1f dB, %.2f points of top-1 lost%s", value,
            result.sqnr_db, c2s_quality_drop(&result), *good ? "" : ": too much");
    return C2S_OK;
}

static void choose_nothing(c2s_lowrank_job *j) {
    for (size_t i = 0; i < c2s_lowrank_plan_count(&j->plan); i++) {
        c2s_lowrank_plan_item(&j->plan, i)->chosen = C2S_RANK_AS_IS;
        c2s_lowrank_plan_item(&j->plan, i)->joined = 0;
    }
}

bool c2s_lowrank_is_bound(const c2s_lowrank_job *j) {
    return j->context->quality && c2s_budget_is_bound(&j->budget);
}

/* Halves the distance between what is too much and what is good, from all there is. */
c2s_status c2s_lowrank_search(c2s_lowrank_job *j) {
    const bool bound = c2s_lowrank_is_bound(j);
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
