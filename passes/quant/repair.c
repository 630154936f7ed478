/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/repair.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

typedef struct layer {
    size_t index;
    double cost, noise, work;
} layer;

/* The search while it runs. */
typedef struct search {
    const c2s_repair_problem *problem;
    c2s_repair_result *result;
    layer *order;   /* those that cost most come first */
    bool *in_float; /* of what is measured */
} search;

/* Most cost for the least work first; ties in the order of the layers. */
static int by_gain(const void *a, const void *b) {
    const layer *x = a, *y = b;
    const double p = x->cost * (y->work + 1), q = y->cost * (x->work + 1);
    if (p != q)
        return p > q ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static c2s_status measure_alone(const search *s) {
    const c2s_repair_problem *p = s->problem;
    memset(s->in_float, true, p->count);
    for (size_t i = 0; i < p->count; i++) {
        c2s_quality_result result;
        c2s_progress("measuring layers", (double)i / (double)p->count);
        s->in_float[i] = false;
        C2S_TRY(p->measure(p->user, s->in_float, C2S_REPAIR_SAMPLES, &result));
        s->in_float[i] = true;
        s->result->layers[i].noise = isinf(result.sqnr_db) ? (result.sqnr_db > 0 ? 0 : INFINITY)
                                                           : pow(10, -result.sqnr_db / 10);
        s->result->layers[i].divergence = result.divergence;
    }
    return C2S_OK;
}

static void sort_layers(const search *s) {
    const c2s_repair_problem *p = s->problem;
    for (size_t i = 0; i < p->count; i++) {
        const c2s_repair_layer *l = &s->result->layers[i];
        const bool diverges = p->by_divergence && !isnan(l->divergence);
        s->order[i] = (layer){i, diverges ? l->divergence : l->noise, l->noise, p->work[i]};
    }
    qsort(s->order, p->count, sizeof *s->order, by_gain);
}

/* The first `some` of the order are in float. */
static void set_some(const search *s, size_t some) {
    memset(s->in_float, false, s->problem->count);
    for (size_t k = 0; k < some; k++)
        s->in_float[s->order[k].index] = true;
}

static c2s_status try_some(const search *s, size_t some, bool *good, double *sqnr_db) {
    const c2s_repair_problem *p = s->problem;
    c2s_quality_result result;
    set_some(s, some);
    C2S_TRY(p->measure(p->user, s->in_float, 0, &result));
    *good = c2s_budget_holds(&p->budget, &result, NULL, 0);
    *sqnr_db = result.sqnr_db;
    c2s_log(1, "quantize: each of %zu of %zu layers %s: SQNR %.1f dB%s", some, p->count, p->what,
            result.sqnr_db, *good ? "" : ", not enough");
    return C2S_OK;
}

/* How many of the order have to go for the noise of the rest to be small enough, as predicted. */
static size_t predict(const search *s) {
    const c2s_budget *budget = &s->problem->budget;
    double rest = 0;
    size_t some = 1;
    if (isnan(budget->min_sqnr_db))
        return 1;
    for (size_t k = s->problem->count; k-- > 0;) {
        rest += s->order[k].noise;
        if (rest > pow(10, -budget->min_sqnr_db / 10)) {
            some = k + 1;
            break;
        }
    }
    return some;
}

/* The least number that is good, on the assumption that more never is worse: goes away from the
 * prediction in growing steps, then halves what is left. */
static c2s_status find_least(const search *s) {
    size_t bad = 0, good = s->problem->count, at = predict(s), step = 1;
    while (good - bad > 1) {
        bool is_good;
        double sqnr_db;
        if (at <= bad || at >= good)
            at = bad + (good - bad) / 2;
        C2S_TRY(try_some(s, at, &is_good, &sqnr_db));
        if (is_good)
            s->result->after_db = sqnr_db;
        *(is_good ? &good : &bad) = at;
        at = !is_good ? at + step : at > step ? at - step : 0;
        step *= 2;
    }
    set_some(s, good);
    for (size_t i = 0; i < s->problem->count; i++)
        s->result->layers[i].in_float = s->in_float[i];
    return C2S_OK;
}

static c2s_status repair(const search *s) {
    const c2s_repair_problem *p = s->problem;
    c2s_quality_result all;
    C2S_TRY(p->measure(p->user, s->in_float, 0, &all));
    s->result->before_db = all.sqnr_db;
    if (c2s_budget_holds(&p->budget, &all, NULL, 0)) {
        s->result->after_db = all.sqnr_db;
        return C2S_OK;
    }
    C2S_TRY(measure_alone(s));
    sort_layers(s);
    return find_least(s);
}

c2s_status c2s_repair(const c2s_repair_problem *p, c2s_repair_result *result) {
    const double unknown = (double)NAN;
    search s = {.problem = p, .result = result};
    result->before_db = result->after_db = unknown;
    for (size_t i = 0; i < p->count; i++)
        result->layers[i] = (c2s_repair_layer){.noise = unknown, .divergence = unknown};
    if (p->count == 0)
        return C2S_OK;
    s.order = c2s_alloc_array(p->count, sizeof *s.order);
    s.in_float = c2s_zalloc(p->count);
    const c2s_status status = repair(&s);
    free(s.order);
    free(s.in_float);
    return status;
}
