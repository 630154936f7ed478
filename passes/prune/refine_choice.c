/* SPDX-License-Identifier: Apache-2.0
 *
 * Units given back to one group and taken from others, as long as the outputs of the model gain by
 * it: what groups lose together is not the sum of what each loses alone.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "passes/prune/pruning.h"

/* Estimates at most, and moves that are tried before the prices are asked anew. */
enum { MOST_ESTIMATES = 240, MOST_TRIALS = 4 };

/* One step of a group: the change of the error, and of the meter. */
typedef struct step {
    size_t count; /* SIZE_MAX: there is none */
    double error, cost;
} step;

typedef struct refining {
    c2s_pruning *p;
    const c2s_allocation *a;
    double target, noise; /* noise: of the choice as it is */
    size_t groups, estimates;
    step *more, *fewer; /* by group */
} refining;

static c2s_status estimate(refining *r, double *noise) {
    r->estimates++;
    return c2s_pruning_estimate(r->p, noise);
}

static c2s_status try_step(refining *r, size_t group, size_t count, step *out) {
    const double before = c2s_prune_meter_now(r->a->meter);
    const size_t was = r->a->counts[group];
    double noise;
    *out = (step){.count = count};
    if (count == SIZE_MAX)
        return C2S_OK;
    c2s_allocate_set(r->a, group, count);
    out->cost = fabs(c2s_prune_meter_now(r->a->meter) - before);
    const c2s_status status = estimate(r, &noise);
    c2s_allocate_set(r->a, group, was);
    out->error = noise - r->noise;
    if (out->cost <= 0)
        out->count = SIZE_MAX;
    return status;
}

static c2s_status ask_prices(refining *r) {
    for (size_t k = 0; k < r->groups; k++) {
        C2S_TRY(try_step(r, k, c2s_allocate_more(r->a, k), &r->more[k]));
        C2S_TRY(try_step(r, k, c2s_allocate_fewer(r->a, k), &r->fewer[k]));
    }
    return C2S_OK;
}

/* The group, not yet `done`, whose step is best: gains most for what it costs, or loses least for
 * what it saves. */
static size_t best_step(const refining *r, const step *steps, const bool *done) {
    size_t best = r->groups;
    for (size_t k = 0; k < r->groups; k++) {
        if (steps[k].count == SIZE_MAX || done[k])
            continue;
        if (best == r->groups ||
            steps[k].error * steps[best].cost < steps[best].error * steps[k].cost)
            best = k;
    }
    return best;
}

/* A group gets a step back, others pay for it. Stays if the error is less then. */
static c2s_status move(refining *r, size_t gains, bool *stays) {
    size_t *was = c2s_alloc_array(r->groups + 1, sizeof *was);
    bool *done = c2s_zalloc(r->groups + 1);
    double noise = INFINITY;
    c2s_status status = C2S_OK;
    memcpy(was, r->a->counts, r->groups * sizeof *was);
    done[gains] = true;
    c2s_allocate_set(r->a, gains, r->fewer[gains].count);
    while (c2s_prune_meter_now(r->a->meter) > r->target) {
        const size_t pays = best_step(r, r->more, done);
        if (pays == r->groups)
            break;
        done[pays] = true;
        c2s_allocate_set(r->a, pays, r->more[pays].count);
    }
    if (c2s_prune_meter_now(r->a->meter) <= r->target)
        status = estimate(r, &noise);
    *stays = status == C2S_OK && noise < r->noise * 0.998;
    if (*stays)
        r->noise = noise;
    for (size_t k = 0; k < r->groups && !*stays; k++)
        c2s_allocate_set(r->a, k, was[k]);
    free(was);
    free(done);
    return status;
}

static c2s_status move_some(refining *r, bool *any) {
    bool *tried = c2s_zalloc(r->groups + 1);
    c2s_status status = C2S_OK;
    *any = false;
    for (int trial = 0; trial < MOST_TRIALS && !*any && status == C2S_OK; trial++) {
        const size_t gains = best_step(r, r->fewer, tried);
        if (gains == r->groups)
            break;
        tried[gains] = true;
        status = move(r, gains, any);
    }
    free(tried);
    return status;
}

c2s_status c2s_pruning_refine(c2s_pruning *p, const c2s_allocation *a, double target) {
    refining r = {.p = p, .a = a, .target = target, .groups = p->groups.groups.count};
    r.more = c2s_zalloc((r.groups + 1) * sizeof *r.more);
    r.fewer = c2s_zalloc((r.groups + 1) * sizeof *r.fewer);
    c2s_status status = estimate(&r, &r.noise);
    const double first = r.noise;
    for (bool any = true; any && status == C2S_OK && r.estimates < MOST_ESTIMATES;) {
        status = ask_prices(&r);
        if (status == C2S_OK)
            status = move_some(&r, &any);
    }
    c2s_log(2, "prune: moving units between groups: estimated %.1f dB, were %.1f (%zu estimates)",
            -10 * log10(r.noise), -10 * log10(first), r.estimates);
    free(r.more);
    free(r.fewer);
    return status;
}
