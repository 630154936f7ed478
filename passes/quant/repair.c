/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/repair.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

typedef struct layer {
    size_t index;
    double noise, work;
} layer;

/* Most noise for the least work first; ties in the order of the layers. */
static int by_gain(const void *a, const void *b) {
    const layer *x = a, *y = b;
    const double p = x->noise * (y->work + 1), q = y->noise * (x->work + 1);
    if (p != q)
        return p > q ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static c2s_status measure_alone(const c2s_repair_problem *p, bool *in_float, double *noise) {
    memset(in_float, true, p->count);
    for (size_t i = 0; i < p->count; i++) {
        c2s_quality_result result;
        c2s_progress("measuring layers", (double)i / (double)p->count);
        in_float[i] = false;
        C2S_TRY(p->measure(p->user, in_float, C2S_REPAIR_SAMPLES, &result));
        in_float[i] = true;
        noise[i] = isinf(result.sqnr_db) ? (result.sqnr_db > 0 ? 0 : INFINITY)
                                         : pow(10, -result.sqnr_db / 10);
    }
    return C2S_OK;
}

/* The first `some` of the order are in float. */
static void set_some(const c2s_repair_problem *p, const layer *order, size_t some, bool *in_float) {
    memset(in_float, false, p->count);
    for (size_t k = 0; k < some; k++)
        in_float[order[k].index] = true;
}

static c2s_status try_some(const c2s_repair_problem *p, const layer *order, size_t some,
                           bool *in_float, bool *good) {
    c2s_quality_result result;
    set_some(p, order, some, in_float);
    C2S_TRY(p->measure(p->user, in_float, 0, &result));
    *good = c2s_budget_holds(&p->budget, &result, NULL, 0);
    c2s_log(1, "quantize: each of %zu of %zu layers %s: SQNR %.1f dB%s", some, p->count, p->what,
            result.sqnr_db, *good ? "" : ", not enough");
    return C2S_OK;
}

/* How many of the order have to go for the noise of the rest to be small enough, as predicted. */
static size_t predict(const c2s_repair_problem *p, const layer *order) {
    double rest = 0;
    size_t some = 1;
    if (isnan(p->budget.min_sqnr_db))
        return 1;
    for (size_t k = p->count; k-- > 0;) {
        rest += order[k].noise;
        if (rest > pow(10, -p->budget.min_sqnr_db / 10)) {
            some = k + 1;
            break;
        }
    }
    return some;
}

/* The least number that is good, on the assumption that more never is worse: goes away from the
 * prediction in growing steps, then halves what is left. */
static c2s_status search(const c2s_repair_problem *p, const layer *order, bool *in_float) {
    size_t bad = 0, good = p->count, at = predict(p, order), step = 1;
    bool is_good;
    while (good - bad > 1) {
        if (at <= bad || at >= good)
            at = bad + (good - bad) / 2;
        C2S_TRY(try_some(p, order, at, in_float, &is_good));
        *(is_good ? &good : &bad) = at;
        at = !is_good ? at + step : at > step ? at - step : 0;
        step *= 2;
    }
    set_some(p, order, good, in_float);
    return C2S_OK;
}

c2s_status c2s_repair(const c2s_repair_problem *p, bool *in_float, double *noise) {
    c2s_quality_result result;
    memset(in_float, false, p->count);
    for (size_t i = 0; i < p->count; i++)
        noise[i] = (double)NAN;
    if (p->count == 0)
        return C2S_OK;
    C2S_TRY(p->measure(p->user, in_float, 0, &result));
    if (c2s_budget_holds(&p->budget, &result, NULL, 0))
        return C2S_OK;
    C2S_TRY(measure_alone(p, in_float, noise));
    layer *order = c2s_alloc_array(p->count, sizeof *order);
    for (size_t i = 0; i < p->count; i++)
        order[i] = (layer){i, noise[i], p->work[i]};
    qsort(order, p->count, sizeof *order, by_gain);
    c2s_status status = search(p, order, in_float);
    free(order);
    return status;
}
