/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/unit_order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passes/prune/unit_removal.h"

/* Of this many units or fewer, each removal chooses anew; of more, several go at a time. */
enum { ONE_BY_ONE = 64 };

enum { MOST_SWAPS = 16 };
/* A swap that lessens the error by a smaller part than this is none. */
#define LEAST_GAIN 1e-6

void c2s_unit_order_free(c2s_unit_order *o) {
    free(o->order);
    free(o->error);
    *o = (c2s_unit_order){0};
}

static void open_order(size_t units, c2s_unit_order *o) {
    *o = (c2s_unit_order){.units = units};
    o->order = c2s_alloc_array(units + 1, sizeof *o->order);
    o->error = c2s_zalloc((units + 1) * sizeof *o->error);
}

bool *c2s_unit_order_first(const c2s_unit_order *o, size_t count) {
    bool *first = c2s_zalloc(o->units + 1);
    for (size_t k = 0; k < count; k++)
        first[o->order[k]] = true;
    return first;
}

typedef struct scored {
    double score;
    uint32_t unit;
} scored;

static int compare_scores(const void *x, const void *y) {
    const scored *a = x, *b = y;
    if (a->score != b->score)
        return a->score < b->score ? -1 : 1;
    return (a->unit > b->unit) - (a->unit < b->unit);
}

void c2s_unit_order_by_score(const double *score, size_t units, c2s_unit_order *out) {
    scored *sorted = c2s_alloc_array(units + 1, sizeof *sorted);
    open_order(units, out);
    for (size_t k = 0; k < units; k++)
        sorted[k] = (scored){score[k], (uint32_t)k};
    qsort(sorted, units, sizeof *sorted, compare_scores);
    for (size_t k = 0; k < units; k++) {
        out->order[k] = sorted[k].unit;
        out->error[k + 1] = out->error[k] + sorted[k].score;
    }
    free(sorted);
}

/* The cheapest `some` of the units that are left go, with the cost that each has when it goes. */
static c2s_status remove_some(c2s_unit_removal *r, scored *left, size_t *count, size_t some,
                              c2s_unit_order *out, size_t *at) {
    for (size_t k = 0; k < *count; k++)
        C2S_TRY(c2s_unit_removal_cost(r, left[k].unit, &left[k].score));
    qsort(left, *count, sizeof *left, compare_scores);
    for (size_t k = 0; k < some; k++) {
        double cost;
        C2S_TRY(c2s_unit_removal_cost(r, left[k].unit, &cost));
        C2S_TRY(c2s_unit_removal_take(r, left[k].unit));
        out->order[*at] = left[k].unit;
        out->error[*at + 1] = out->error[*at] + cost;
        ++*at;
    }
    memmove(left, left + some, (*count - some) * sizeof *left);
    *count -= some;
    return C2S_OK;
}

static c2s_status order_units(c2s_unit_removal *r, bool fitted, c2s_unit_order *out) {
    scored *left = c2s_alloc_array(out->units + 1, sizeof *left);
    size_t count = out->units, at = 0;
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < count; k++)
        left[k].unit = (uint32_t)k;
    while (count > 0 && status == C2S_OK) {
        size_t some = count / ONE_BY_ONE > 0 ? count / ONE_BY_ONE : 1;
        some = fitted ? some : count;
        status = remove_some(r, left, &count, some, out, &at);
    }
    free(left);
    return status;
}

c2s_status c2s_unit_order_by_moments(const c2s_readers *readers, size_t group, size_t units,
                                     c2s_gram *const *grams, const double *added,
                                     c2s_order_rule rule, double damping, c2s_unit_order *out) {
    const bool fitted = rule == C2S_ORDER_FITTED;
    c2s_unit_removal *removal;
    *out = (c2s_unit_order){0};
    C2S_TRY(c2s_unit_removal_open(readers, group, units, grams, added,
                                  fitted ? C2S_REMOVAL_FITTED : C2S_REMOVAL_PLAIN, damping,
                                  &removal));
    open_order(units, out);
    const c2s_status status = order_units(removal, fitted, out);
    c2s_unit_removal_close(removal);
    if (status != C2S_OK)
        c2s_unit_order_free(out);
    return status;
}

/* ---- swaps ---- */

/* Position in the order of the unit, of those that are gone, that gains most by returning. */
static c2s_status best_return(c2s_unit_removal *r, const c2s_unit_order *o, size_t count,
                              size_t *best, double *gain) {
    *gain = -1;
    for (size_t k = 0; k < count; k++) {
        double own;
        C2S_TRY(c2s_unit_removal_gain(r, o->order[k], &own));
        if (own > *gain) {
            *gain = own;
            *best = k;
        }
    }
    return C2S_OK;
}

static c2s_status best_removal(c2s_unit_removal *r, const c2s_unit_order *o, size_t count,
                               size_t *best, double *cost) {
    *cost = INFINITY;
    for (size_t k = count; k < o->units; k++) {
        double own;
        C2S_TRY(c2s_unit_removal_cost(r, o->order[k], &own));
        if (own < *cost) {
            *cost = own;
            *best = k;
        }
    }
    return C2S_OK;
}

static c2s_status swap_units(c2s_unit_removal *r, size_t count, c2s_unit_order *o) {
    for (int swaps = 0; swaps < MOST_SWAPS; swaps++) {
        size_t back = 0, gone = count;
        double gain, cost;
        C2S_TRY(best_return(r, o, count, &back, &gain));
        C2S_TRY(c2s_unit_removal_return(r, o->order[back]));
        C2S_TRY(best_removal(r, o, count, &gone, &cost));
        if (!(cost < gain * (1 - LEAST_GAIN)))
            return C2S_OK;
        const uint32_t unit = o->order[back];
        o->order[back] = o->order[gone];
        o->order[gone] = unit;
        o->error[count] = fmax(o->error[count] + cost - gain, 0);
        C2S_TRY(c2s_unit_removal_take(r, o->order[back]));
    }
    return C2S_OK;
}

c2s_status c2s_unit_order_swap(const c2s_readers *readers, size_t group, c2s_gram *const *grams,
                               const double *added, double damping, size_t count,
                               c2s_unit_order *o) {
    c2s_unit_removal *r;
    C2S_TRY(c2s_unit_removal_open(readers, group, o->units, grams, added, C2S_REMOVAL_RETURNS,
                                  damping, &r));
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < count && status == C2S_OK; k++)
        status = c2s_unit_removal_take(r, o->order[k]);
    if (status == C2S_OK && count > 0 && count < o->units)
        status = swap_units(r, count, o);
    c2s_unit_removal_close(r);
    return status;
}
