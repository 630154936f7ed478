/* SPDX-License-Identifier: Apache-2.0
 *
 * How many units each group loses: by a share that is asked for, or as much as the outputs bear.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "passes/prune/pruning.h"

/* Multiply-accumulates over all samples and stages: more takes minutes if it is done several times.
 */
#define MOST_WORK 1e11
/* The same for all of the fit of all layers together, which takes a minute or so of processor time
 * for it; how often it goes through the data. */
#define MOST_FIT_WORK 1e12
enum { LEAST_EPOCHS = 10, MOST_EPOCHS = 100 };

/* Widths are multiples of this in groups of so many channels or more: kernels work on whole vectors
 * of channels, so where speed is asked for, other widths only make models smaller. */
enum { ROUND = 8, FAST_FROM = 16, ROUND_FROM = 64 };

const char *const c2s_prune_ways[] = {"best", "outputs", "errors", "uniform"};

/* ---- a share ---- */

/* What stays of whatever was asked for; if that is a ratio, what goes. */
static double *share_of(c2s_pruning *p) {
    return p->params > 0    ? &p->params
           : p->latency > 0 ? &p->latency
           : p->macs > 0    ? &p->macs
                            : &p->ratio;
}

/* An allocation in the making, and the meter and numbers that it needs. */
typedef struct allocating {
    c2s_allocation a;
    c2s_prune_meter *meter;
    size_t *readers;
    uint8_t *halvings;
    double target;
} allocating;

static void open_allocation(c2s_pruning *p, bool weighed, allocating *out) {
    const c2s_meter_unit unit = p->params > 0    ? C2S_METER_PARAMETERS
                                : p->latency > 0 ? C2S_METER_SECONDS
                                                 : C2S_METER_MACS;
    const size_t count = p->groups.groups.count;
    out->meter =
        c2s_prune_meter_create(&p->groups, unit, unit == C2S_METER_SECONDS ? p->times : NULL);
    out->target = *share_of(p) * (1 + C2S_ALLOCATION_SLACK) * c2s_prune_meter_now(out->meter);
    out->readers = c2s_zalloc((count + 1) * sizeof *out->readers);
    out->halvings = c2s_zalloc((count + 1) * sizeof *out->halvings);
    for (size_t k = 0; k < count; k++)
        out->readers[k] = p->readers.groups[k].at.count;
    out->a = (c2s_allocation){.groups = &p->groups,
                              .orders = p->orders,
                              .meter = out->meter,
                              .round = p->round > 0 ? p->round : ROUND,
                              .round_from = p->round > 0                    ? p->round
                                            : p->macs > 0 || p->latency > 0 ? FAST_FROM
                                                                            : ROUND_FROM,
                              .worth = weighed ? p->worth : NULL,
                              .readers = out->readers,
                              .counts = p->counts,
                              .halvings = out->halvings};
    memset(p->counts, 0, count * sizeof *p->counts);
}

static void close_allocation(allocating *a) {
    free(a->readers);
    free(a->halvings);
    c2s_prune_meter_free(a->meter);
}

static bool by_ratio(c2s_pruning *p) {
    return share_of(p) == &p->ratio;
}

static void allocate(c2s_pruning *p, c2s_prune_allocation how) {
    allocating a;
    open_allocation(p, how == C2S_PRUNE_OUTPUTS, &a);
    if (by_ratio(p))
        c2s_allocate_ratio(&a.a, p->ratio);
    else if (how == C2S_PRUNE_UNIFORM)
        c2s_allocate_uniform(&a.a, a.target);
    else
        c2s_allocate_errors(&a.a, a.target);
    if (!by_ratio(p))
        c2s_allocate_fill(&a.a, a.target);
    close_allocation(&a);
}

static c2s_status noise_of(c2s_pruning *p, double *noise) {
    return p->kept ? c2s_pruning_estimate(p, noise) : c2s_pruning_try(p, noise);
}

/* All ways one after the other; from the best of them to a better one. */
static c2s_status compare_ways(c2s_pruning *p) {
    c2s_prune_allocation best = C2S_PRUNE_OUTPUTS;
    allocating a;
    double least = INFINITY, noise;
    for (int how = C2S_PRUNE_OUTPUTS; how <= C2S_PRUNE_UNIFORM; how++) {
        allocate(p, (c2s_prune_allocation)how);
        C2S_TRY(noise_of(p, &noise));
        c2s_log(2, "prune: %s: %.1f dB", c2s_prune_ways[how], -10 * log10(noise));
        if (noise < least) {
            least = noise;
            best = (c2s_prune_allocation)how;
        }
    }
    allocate(p, best);
    if (by_ratio(p) || !p->kept)
        return C2S_OK;
    size_t *counts = c2s_alloc_array(p->groups.groups.count + 1, sizeof *counts);
    memcpy(counts, p->counts, p->groups.groups.count * sizeof *counts);
    open_allocation(p, true, &a);
    for (size_t k = 0; k < p->groups.groups.count; k++)
        c2s_allocate_set(&a.a, k, counts[k]);
    const c2s_status status = c2s_pruning_refine(p, &a.a, a.target);
    if (status == C2S_OK)
        c2s_allocate_fill(&a.a, a.target);
    close_allocation(&a);
    free(counts);
    return status;
}

/* By how well it does on samples that were not learnt from: the allocation, then the damping. */
static c2s_status allocate_best(c2s_pruning *p) {
    const double damping[] = {p->asked_damping, fmin(10 * p->asked_damping, 1)};
    double least = INFINITY, held = damping[0];
    p->damping = damping[0];
    C2S_TRY(compare_ways(p));
    C2S_TRY(c2s_pruning_swap(p));
    for (int d = 0; d < 2; d++) {
        double noise;
        p->damping = damping[d];
        C2S_TRY(noise_of(p, &noise));
        c2s_log(2, "prune: damping %g: %.1f dB", p->damping, -10 * log10(noise));
        if (noise < least) {
            least = noise;
            held = damping[d];
        }
    }
    p->damping = held;
    return C2S_OK;
}

c2s_status c2s_pruning_choose_share(c2s_pruning *p) {
    if (p->latency > 0 && !p->times)
        C2S_TRY(c2s_layer_times_measure(p->model, p->context, &p->times));
    if (p->allocation == C2S_PRUNE_BEST && p->outputs && p->small)
        return allocate_best(p);
    allocate(p, p->allocation == C2S_PRUNE_BEST ? C2S_PRUNE_OUTPUTS : p->allocation);
    return C2S_OK;
}

/* ---- as much as the outputs bear ---- */

enum { SEARCH_STEPS = 6 };
#define LEAST_SHARE 0.1

static c2s_status try_share(c2s_pruning *p, double stays, bool *good) {
    c2s_quality_result result;
    *share_of(p) = by_ratio(p) ? 1 - stays : stays;
    C2S_TRY(c2s_pruning_choose_share(p));
    C2S_TRY(c2s_pruning_measure(p, &result));
    *good = c2s_budget_holds(&p->context->budget, &result, NULL, 0);
    c2s_log(1, "prune: with %.3f: SQNR %.1f dB, %.2f points of top-1 lost%s", stays, result.sqnr_db,
            c2s_quality_drop(&result), *good ? "" : ": too much");
    return C2S_OK;
}

/* Halves the distance between what is too much and what is good, from all there is. */
static c2s_status search_share(c2s_pruning *p) {
    if (p->automatic)
        p->macs = LEAST_SHARE;
    double bad = by_ratio(p) ? 1 - p->ratio : *share_of(p), good = 1;
    bool holds = false;
    if (!p->automatic)
        C2S_TRY(try_share(p, bad, &holds));
    if (holds)
        return C2S_OK;
    for (int step = 0; step < SEARCH_STEPS; step++) {
        const double middle = (bad + good) / 2;
        C2S_TRY(try_share(p, middle, &holds));
        *(holds ? &good : &bad) = middle;
    }
    if (good < 1)
        return try_share(p, good, &holds);
    memset(p->counts, 0, p->groups.groups.count * sizeof *p->counts);
    return C2S_OK;
}

/* ---- a share of the time ---- */

enum { LATENCY_STEPS = 4 };

/* The rest of the model takes its time, too: what layers may take is lessened until all of it is as
 * fast as it should be. */
static c2s_status choose_latency(c2s_pruning *p) {
    const double asked = p->latency;
    c2s_status status = C2S_OK;
    for (int step = 0; step < LATENCY_STEPS && status == C2S_OK; step++) {
        double ratio = 0;
        status = c2s_pruning_choose_share(p);
        if (status == C2S_OK)
            status = c2s_pruning_race(p, &ratio);
        if (status != C2S_OK)
            break;
        c2s_log(1, "prune: layers that take %.2f of their time: the model takes %.2f of it",
                p->latency, ratio);
        if (ratio <= asked)
            break;
        p->latency *= asked / ratio * 0.98;
    }
    p->latency = asked;
    return status;
}

c2s_status c2s_pruning_choose(c2s_pruning *p) {
    const bool bound = p->context->quality && c2s_budget_is_bound(&p->context->budget);
    return bound            ? search_share(p)
           : p->latency > 0 ? choose_latency(p)
                            : c2s_pruning_choose_share(p);
}

/* Multiply-accumulates of one run over the samples to learn from. */
static double work_of_samples(const c2s_pruning *p) {
    c2s_prune_meter *meter = c2s_prune_meter_create(&p->groups, C2S_METER_MACS, NULL);
    const double samples =
        fmin((double)p->samples_of.learn.count, p->samples ? (double)p->samples : INFINITY);
    const double work = c2s_prune_meter_now(meter) * samples;
    c2s_prune_meter_free(meter);
    return work;
}

bool c2s_pruning_is_small(const c2s_pruning *p) {
    return work_of_samples(p) * (double)p->stages < MOST_WORK;
}

/* Forward and backward the model takes three times as much as the first one takes forward. */
size_t c2s_pruning_epochs(const c2s_pruning *p) {
    const double epochs = fmin(MOST_EPOCHS, MOST_FIT_WORK / (4 * work_of_samples(p) + 1));
    return epochs < LEAST_EPOCHS ? 0 : (size_t)epochs;
}
