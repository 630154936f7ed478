/* SPDX-License-Identifier: Apache-2.0
 *
 * In which order the units of each group go.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "passes/prune/pruning.h"
#include "passes/prune/unit_norms.h"

/* Bytes of moments that are kept to compare choices by. */
#define MOST_KEPT ((uint64_t)1 << 28)

/* ---- by size ---- */

/* Norms that sum up to 1; false: there are no such weights. */
static bool find_norms(const c2s_pruning *p, size_t group, c2s_norm_weights which, int power,
                       double *norms) {
    const c2s_prune_group *g = &p->groups.groups.at[group];
    double sum = 0;
    memset(norms, 0, g->units * sizeof *norms);
    if (!c2s_unit_norms(&p->groups, g, which, power, norms))
        return false;
    for (size_t k = 0; k < g->units; k++)
        sum += norms[k];
    for (size_t k = 0; k < g->units && sum > 0; k++)
        norms[k] /= sum;
    return true;
}

static void order_by_norms(c2s_pruning *p, size_t group) {
    const c2s_prune_group *g = &p->groups.groups.at[group];
    double *norms = c2s_zalloc((g->units + 1) * sizeof *norms);
    const bool scales =
        p->method == C2S_PRUNE_SCALE && find_norms(p, group, C2S_NORM_SCALES, 1, norms);
    if (!scales)
        find_norms(p, group, C2S_NORM_ALL, p->method == C2S_PRUNE_L1 ? 1 : 2, norms);
    c2s_unit_order_by_score(norms, g->units, &p->orders[group]);
    free(norms);
}

/* ---- by moments ---- */

typedef C2S_VEC(size_t) numbers;

/* The moments that readers of groups read, until all groups that need them have theirs. */
typedef struct ordering {
    c2s_pruning *p;
    c2s_gram **grams; /* by reader */
    numbers *needed;  /* by reader: chosen groups that it is of */
    size_t *waiting;  /* by reader: how many of these need it still */
    size_t *missing;  /* by group: readers that have not come */
} ordering;

/* The moments of the group's readers, from a list by reader; what else counts. To be freed. */
static c2s_gram **grams_of(const c2s_pruning *p, size_t group, c2s_gram *const *by_reader) {
    const c2s_group_readers *of = &p->readers.groups[group];
    c2s_gram **grams = c2s_alloc_array(of->at.count + 1, sizeof *grams);
    for (size_t k = 0; k < of->at.count; k++)
        grams[k] = by_reader[of->at.at[k].reader];
    return grams;
}

/* Mean squares of what units give, as the first reader has seen it. */
static void find_energy(const c2s_pruning *p, size_t group, const c2s_gram *gram, double *energy) {
    const c2s_group_reader *of = &p->readers.groups[group].at.at[0];
    const c2s_reader *reader = &p->readers.at.at[of->reader];
    for (size_t g = 0; g < gram->groups; g++)
        for (size_t row = 0; row < gram->k; row++) {
            const size_t e = row / reader->kernel;
            const bool mine = e >= of->map->start && e - of->map->start < of->map->count;
            const uint32_t unit = mine ? of->map->unit_of[e - of->map->start] : C2S_NO_UNIT;
            if (unit != C2S_NO_UNIT)
                energy[unit] += gram->moment[(g * gram->k + row) * gram->k + row];
        }
}

/* What removals cost beside what readers lose. To be freed; NULL: nothing. */
static double *added_of(const c2s_pruning *p, size_t group, c2s_gram *const *grams) {
    const c2s_group_readers *of = &p->readers.groups[group];
    const c2s_prune_group *g = &p->groups.groups.at[group];
    if (!of->others && !of->cells)
        return NULL;
    double *added = c2s_zalloc((g->units + 1) * sizeof *added);
    if (of->others)
        find_norms(p, group, C2S_NORM_ALL, 2, added);
    if (of->cells) {
        double *energy = c2s_zalloc((g->units + 1) * sizeof *energy);
        find_energy(p, group, grams[0], energy);
        c2s_unit_recurrences(g, energy, added);
        free(energy);
    }
    return added;
}

/* In a body that no sample has come to. */
static bool is_unseen(const c2s_group_readers *of, c2s_gram *const *grams) {
    for (size_t k = 0; k < of->at.count; k++)
        if (grams[k]->rows == 0)
            return true;
    return false;
}

static c2s_status order_by_moments(ordering *o, size_t group) {
    c2s_pruning *p = o->p;
    const c2s_group_readers *of = &p->readers.groups[group];
    const size_t units = p->groups.groups.at[group].units;
    c2s_gram **grams = grams_of(p, group, o->grams);
    double *added = added_of(p, group, grams);
    c2s_status status = C2S_OK;
    p->chosen[group] = !is_unseen(of, grams);
    if (!p->chosen[group])
        c2s_log(1, "prune: %s stays: it is in a body that no sample comes to",
                p->groups.groups.at[group].name);
    else
        status = c2s_unit_order_by_moments(&p->readers, group, units, grams, added,
                                           p->method == C2S_PRUNE_OBS ? C2S_ORDER_FITTED
                                                                      : C2S_ORDER_APART,
                                           p->damping, &p->orders[group]);
    if (status == C2S_OK && p->chosen[group] && p->outputs && p->worth[group].points == 0)
        status = c2s_pruning_weigh(p, group, grams);
    for (size_t k = 0; k < of->at.count; k++) {
        const size_t reader = of->at.at[k].reader;
        if (--o->waiting[reader] > 0)
            continue;
        c2s_gram_unref(o->grams[reader]);
        o->grams[reader] = NULL;
    }
    free(added);
    free(grams);
    return status;
}

static bool has_moments(const c2s_pruning *p, size_t group) {
    const c2s_group_readers *of = &p->readers.groups[group];
    for (size_t k = 0; k < of->at.count; k++)
        if (!p->grams[of->at.at[k].reader] || p->grams[of->at.at[k].reader]->rows == 0)
            return false;
    return of->at.count > 0;
}

c2s_status c2s_pruning_swap(c2s_pruning *p) {
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < p->groups.groups.count && status == C2S_OK; k++) {
        c2s_unit_order *o = &p->orders[k];
        const size_t count = p->counts[k];
        if (!has_moments(p, k) || !p->kept || p->method != C2S_PRUNE_OBS || count == 0 ||
            count == o->units)
            continue;
        c2s_gram **grams = grams_of(p, k, p->grams);
        double *added = added_of(p, k, grams);
        const double before = o->error[count];
        status = c2s_unit_order_swap(&p->readers, k, grams, added, p->damping, count, o);
        if (o->error[count] < before)
            c2s_log(2, "prune: %s: error %.3g after swaps, was %.3g", p->groups.groups.at[k].name,
                    o->error[count], before);
        free(added);
        free(grams);
    }
    return status;
}

static c2s_status take_moments(void *user, const c2s_linear_site *site, c2s_gram *gram,
                               const c2s_cross *cross) {
    ordering *o = user;
    const size_t reader = c2s_pruning_reader(o->p, site->node);
    (void)cross;
    o->grams[reader] = c2s_gram_ref(gram);
    if (o->p->kept)
        o->p->grams[reader] = c2s_gram_ref(gram);
    for (size_t k = 0; k < o->needed[reader].count; k++) {
        const size_t group = o->needed[reader].at[k];
        if (--o->missing[group] == 0)
            C2S_TRY(order_by_moments(o, group));
    }
    return C2S_OK;
}

/* Requests for the readers that some chosen group needs. */
static c2s_status collect(ordering *o) {
    c2s_pruning *p = o->p;
    c2s_gram_request *requests = c2s_zalloc((p->readers.at.count + 1) * sizeof *requests);
    size_t count = 0;
    for (size_t k = 0; k < p->groups.groups.count; k++)
        for (size_t i = 0; p->chosen[k] && i < p->readers.groups[k].at.count; i++) {
            const size_t reader = p->readers.groups[k].at.at[i].reader;
            o->missing[k]++;
            o->waiting[reader]++;
            c2s_vec_push(&o->needed[reader], k);
        }
    uint64_t bytes = 0;
    for (size_t k = 0; k < p->readers.at.count; k++) {
        const c2s_linear_site *s = &p->readers.at.at[k].site;
        if (o->waiting[k] == 0)
            continue;
        requests[count++] = (c2s_gram_request){.node = s->node};
        bytes += (uint64_t)s->groups * s->k * s->k * sizeof(double);
    }
    p->kept = p->small && bytes <= MOST_KEPT;
    const c2s_gram_options options = {.evaluator = p->context->evaluator,
                                      .eval = p->context->eval,
                                      .cache = p->context->gram_cache,
                                      .feed = &p->samples_of.learn,
                                      .samples = p->samples,
                                      .rows = C2S_PRUNE_ROWS,
                                      .take = take_moments,
                                      .user = o};
    const c2s_status status =
        count > 0 ? c2s_gram_collect(p->model->graph, requests, count, &options) : C2S_OK;
    free(requests);
    return status;
}

static void forget_orders(c2s_pruning *p) {
    for (size_t k = 0; k < p->groups.groups.count; k++)
        c2s_unit_order_free(&p->orders[k]);
    for (size_t k = 0; k < p->readers.at.count; k++) {
        c2s_gram_unref(p->grams[k]);
        p->grams[k] = NULL;
    }
}

static c2s_status order_group(c2s_pruning *p, size_t group) {
    if (p->method == C2S_PRUNE_DIVERGENCE)
        return c2s_pruning_order_by_outputs(p, group);
    double *scores = p->automatic_method ? c2s_pruning_law_scores(p, group) : NULL;
    if (scores)
        c2s_unit_order_by_score(scores, p->groups.groups.at[group].units, &p->orders[group]);
    else
        order_by_norms(p, group);
    free(scores);
    return p->outputs && p->worth[group].points == 0 ? c2s_pruning_weigh(p, group, NULL) : C2S_OK;
}

c2s_status c2s_pruning_order(c2s_pruning *p) {
    ordering o = {.p = p};
    o.grams = c2s_zalloc((p->readers.at.count + 1) * sizeof *o.grams);
    o.needed = c2s_zalloc((p->readers.at.count + 1) * sizeof *o.needed);
    o.waiting = c2s_zalloc((p->readers.at.count + 1) * sizeof *o.waiting);
    o.missing = c2s_zalloc((p->groups.groups.count + 1) * sizeof *o.missing);
    c2s_status status = C2S_OK;
    forget_orders(p);
    if ((p->method == C2S_PRUNE_DIVERGENCE ||
         (p->method < C2S_PRUNE_DIVERGENCE && p->allocation <= C2S_PRUNE_OUTPUTS)) &&
        !p->outputs)
        status = c2s_pruning_open_outputs(p);
    if (p->method <= C2S_PRUNE_ACTIVATION && status == C2S_OK)
        status = collect(&o);
    for (size_t k = 0; k < p->groups.groups.count && status == C2S_OK; k++)
        if (p->chosen[k] && p->orders[k].units == 0)
            status = order_group(p, k);
    for (size_t k = 0; k < p->readers.at.count; k++) {
        c2s_gram_unref(o.grams[k]);
        c2s_vec_free(&o.needed[k]);
    }
    free(o.grams);
    free(o.needed);
    free(o.waiting);
    free(o.missing);
    return status;
}
