/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "passes/lowrank/spectrum.h"

/* Ranks that are looked at: of forms whose errors are known for all of them, of others. */
enum { MANY = 64, FEW = 9 };

static void item_free(c2s_lowrank_item *item) {
    c2s_vec_free(&item->ways);
    c2s_gram_unref(item->gram);
    free(item->tied);
}

void c2s_lowrank_plan_free(c2s_lowrank_plan *plan) {
    for (size_t i = 0; i < c2s_lowrank_plan_count(plan); i++)
        item_free(c2s_lowrank_plan_item(plan, i));
    for (size_t f = 0; f < plan->families.count; f++) {
        c2s_vec_free(&plan->families.at[f].items);
        free(plan->families.at[f].members);
    }
    c2s_vec_free(&plan->families);
    c2s_vec_free(&plan->items);
}

size_t c2s_lowrank_plan_count(const c2s_lowrank_plan *plan) {
    return plan->items.count + plan->families.count;
}

c2s_lowrank_item *c2s_lowrank_plan_item(const c2s_lowrank_plan *plan, size_t index) {
    return index < plan->items.count ? &plan->items.at[index]
                                     : &plan->families.at[index - plan->items.count].joint;
}

double c2s_lowrank_cost(const c2s_lowrank_plan *plan, const c2s_lowrank_item *item,
                        const c2s_lowrank_way *way) {
    switch (plan->unit) {
    case C2S_LOWRANK_MACS:
        return way ? way->macs : item->macs;
    case C2S_LOWRANK_SECONDS:
        return way ? way->seconds : item->seconds;
    default:
        return way ? way->parameters : item->parameters;
    }
}

/* ---- ranks ---- */

static bool is_wanted(const c2s_lowrank_plan *plan, const c2s_lowrank_form *form) {
    const size_t length = strlen(form->name);
    if (plan->forms[0] == '\0')
        return !(plan->codes_follow && form->amplifies);
    for (const char *at = plan->forms; at; at = strchr(at, ';')) {
        at += *at == ';';
        if (strncmp(at, form->name, length) == 0 && (at[length] == ';' || at[length] == '\0'))
            return true;
    }
    return false;
}

static c2s_lowrank_way way_at(const c2s_lowrank_item *item, const c2s_lowrank_form *form,
                              size_t rank) {
    const c2s_linear_site *site = &item->counted;
    const double groups = (double)site->groups;
    c2s_chain chain;
    form->chain(site, rank, &chain);
    return (c2s_lowrank_way){.form = form,
                             .rank = rank,
                             .parameters = groups * (double)c2s_chain_size(site, &chain),
                             .macs = item->rows * groups * c2s_chain_work(site, &chain)};
}

static bool saves(const c2s_lowrank_plan *plan, const c2s_lowrank_item *item,
                  const c2s_lowrank_way *way) {
    if (plan->unit == C2S_LOWRANK_SECONDS) /* which are measured later */
        return way->macs < item->macs;
    return c2s_lowrank_cost(plan, item, way) < c2s_lowrank_cost(plan, item, NULL);
}

static size_t round_rank(const c2s_lowrank_plan *plan, const c2s_lowrank_form *form, size_t rank) {
    return form->single_steps || rank < plan->multiple ? rank : rank - rank % plan->multiple;
}

/* The greatest rank that saves something, by bisection: costs grow with it. */
static size_t greatest_rank(const c2s_lowrank_plan *plan, const c2s_lowrank_item *item,
                            const c2s_lowrank_form *form) {
    size_t good = 0, bad = form->most(&item->counted) + 1;
    const c2s_lowrank_layer *first = item->layer.members;
    if (first && form == &c2s_lowrank_form_echelon && bad > first->site.n)
        bad = first->site.n; /* what stays are outputs of the first operator, and not all */
    while (bad - good > 1) {
        const size_t middle = good + (bad - good) / 2;
        const c2s_lowrank_way way = way_at(item, form, middle);
        *(saves(plan, item, &way) ? &good : &bad) = middle;
    }
    return good;
}

/* Ranks evenly spread up to the greatest, or the one that is asked for. */
static void push_ways(const c2s_lowrank_plan *plan, const c2s_lowrank_form *form, size_t only,
                      c2s_lowrank_item *item) {
    const size_t greatest = greatest_rank(plan, item, form);
    const size_t points = form->is_optimal ? MANY : FEW;
    size_t last = 0;
    if (only > 0) {
        if (only <= greatest)
            c2s_vec_push(&item->ways, way_at(item, form, only));
        return;
    }
    for (size_t p = 1; p <= points; p++) {
        const size_t rank = round_rank(plan, form, (greatest * p + points - 1) / points);
        if (rank > last)
            c2s_vec_push(&item->ways, way_at(item, form, rank));
        last = rank > last ? rank : last;
    }
}

/* ---- errors ---- */

/* Sums over groups of what is lost, by way. */
static c2s_status spectrum_errors(const c2s_lowrank_problem *problem, c2s_lowrank_way *ways,
                                  size_t count) {
    c2s_spectrum spectrum;
    size_t most = 0;
    for (size_t i = 0; i < count; i++)
        most = ways[i].rank > most ? ways[i].rank : most;
    C2S_TRY(c2s_spectrum_open(problem, most, &spectrum));
    bool *stable = c2s_zalloc((most + 1) * sizeof *stable);
    memset(stable, true, most);
    const c2s_status status = ways[0].form->find_stable
                                  ? ways[0].form->find_stable(problem, &spectrum, most, stable)
                                  : C2S_OK;
    /* What floats cannot hold is as good as nothing. */
    for (size_t i = 0; i < count; i++)
        ways[i].error += stable[ways[i].rank - 1] ? c2s_spectrum_error(&spectrum, ways[i].rank)
                                                  : problem->energy;
    c2s_spectrum_close(&spectrum);
    free(stable);
    return status;
}

static c2s_status solved_error(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                               c2s_lowrank_way *way) {
    double *weights[C2S_CHAIN_MOST], error;
    c2s_chain chain;
    way->form->chain(site, way->rank, &chain);
    C2S_TRY(c2s_lowrank_alloc(site, &chain, 1, weights));
    c2s_status status = c2s_lowrank_solve(way->form, site, problem, way->rank, weights, &error);
    if (status == C2S_OK)
        way->error += error;
    c2s_lowrank_free(weights);
    return status;
}

/* Ways of one form follow each other. */
static c2s_status add_errors(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                             c2s_lowrank_way *ways, size_t count) {
    if (ways[0].form->is_optimal)
        return spectrum_errors(problem, ways, count);
    for (size_t i = 0; i < count; i++)
        C2S_TRY(solved_error(site, problem, &ways[i]));
    return C2S_OK;
}

static c2s_status group_errors(const c2s_lowrank_target *target, size_t group,
                               c2s_lowrank_item *item, double *energy) {
    c2s_lowrank_problem problem;
    C2S_TRY(c2s_lowrank_target_problem(target, group, &problem));
    c2s_status status = C2S_OK;
    *energy += problem.energy;
    for (size_t i = 0, end; i < item->ways.count && status == C2S_OK; i = end) {
        for (end = i; end < item->ways.count && item->ways.at[end].form == item->ways.at[i].form;)
            end++;
        status = add_errors(&item->layer.site, &problem, &item->ways.at[i], end - i);
    }
    c2s_lowrank_problem_close(&problem);
    return status;
}

/* Several operators share all stages but the last: only forms whose last stage is by output alone.
 */
static bool fits_members(const c2s_lowrank_layer *layer, const c2s_lowrank_form *form) {
    if (!form->is_optimal)
        return false;
    for (size_t m = 0; m < layer->member_count; m++)
        if (form->refuse(&layer->members[m].site))
            return false;
    return true;
}

static bool fits(const c2s_lowrank_layer *layer, const c2s_lowrank_form *form) {
    for (size_t t = 0; t < layer->tied_count; t++)
        if (form->refuse(&layer->tied[t].site))
            return false;
    return layer->member_count ? fits_members(layer, form) : !form->refuse(&layer->site);
}

c2s_status c2s_lowrank_plan_ways(const c2s_lowrank_plan *plan, const c2s_lowrank_target *target,
                                 size_t rank, c2s_lowrank_item *item) {
    item->energy = 0;
    c2s_vec_clear(&item->ways);
    for (size_t f = 0; c2s_lowrank_forms()[f]; f++) {
        const c2s_lowrank_form *form = c2s_lowrank_forms()[f];
        if (is_wanted(plan, form) && fits(&item->layer, form))
            push_ways(plan, form, rank, item);
    }
    if (item->ways.count == 0)
        return C2S_OK;
    for (size_t g = 0; g < item->layer.site.groups; g++)
        C2S_TRY(group_errors(target, g, item, &item->energy));
    for (size_t i = 0; i < item->ways.count; i++)
        item->ways.at[i].error = item->energy > 0 ? item->ways.at[i].error / item->energy : 0;
    return C2S_OK;
}
