/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/allocate.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Of every group this part stays. */
enum { LEAST_PART = 16 };
/* Of the budget: what comes so near is near enough. */
#define NEAR 0.98

static size_t common_divisor(size_t a, size_t b) {
    while (b != 0) {
        const size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Units that stay come in multiples of this. */
static size_t step_of(const c2s_allocation *a, size_t group) {
    const c2s_prune_group *g = &a->groups->groups.at[group];
    const size_t of = g->granularity > 0 ? g->granularity : 1;
    const size_t round = a->round >> a->halvings[group];
    if (round < 2 || g->units * of < a->round_from)
        return 1;
    return round / common_divisor(round, of);
}

static size_t least_of(const c2s_allocation *a, size_t group) {
    const size_t units = a->groups->groups.at[group].units, step = step_of(a, group);
    const size_t least = units / LEAST_PART > 0 ? units / LEAST_PART : 1;
    return (least + step - 1) / step * step;
}

/* A number of units to remove, near `wanted`, that the rules allow. */
static size_t allowed(const c2s_allocation *a, size_t group, double wanted) {
    const size_t units = a->groups->groups.at[group].units, step = step_of(a, group);
    const size_t least = least_of(a, group);
    const double stay = (double)units - wanted;
    const size_t below = (size_t)(stay / (double)step) * step;
    size_t kept = below + step < units ? below + step : units; /* the next two that are allowed */
    if (stay - (double)below <= (double)kept - stay && below > 0)
        kept = below;
    kept = kept < least ? least : kept;
    return kept < units ? units - kept : 0;
}

void c2s_allocate_set(const c2s_allocation *a, size_t group, size_t count) {
    size_t *now = &a->counts[group];
    for (; *now < count; ++*now)
        c2s_prune_meter_move(a->meter, group, a->orders[group].order[*now], false);
    for (; *now > count; --*now)
        c2s_prune_meter_move(a->meter, group, a->orders[group].order[*now - 1], true);
}

void c2s_allocate_ratio(const c2s_allocation *a, double ratio) {
    for (size_t k = 0; k < a->groups->groups.count; k++)
        if (a->orders[k].units > 0)
            c2s_allocate_set(a, k, allowed(a, k, ratio * (double)a->orders[k].units));
}

void c2s_allocate_uniform(const c2s_allocation *a, double target) {
    double low = 0, high = 1;
    for (int round = 0; round < 20; round++) {
        const double middle = (low + high) / 2;
        c2s_allocate_ratio(a, middle);
        if (c2s_prune_meter_now(a->meter) > target)
            low = middle;
        else
            high = middle;
    }
    c2s_allocate_ratio(a, high);
}

size_t c2s_allocate_more(const c2s_allocation *a, size_t group) {
    const size_t units = a->orders[group].units, kept = units - a->counts[group];
    const size_t step = step_of(a, group);
    if (units == 0 || kept <= least_of(a, group))
        return SIZE_MAX;
    const size_t next = (kept - 1) / step * step;
    return next < least_of(a, group) ? SIZE_MAX : units - next;
}

size_t c2s_allocate_fewer(const c2s_allocation *a, size_t group) {
    const size_t units = a->orders[group].units, kept = units - a->counts[group];
    const size_t next = (kept / step_of(a, group) + 1) * step_of(a, group);
    if (units == 0 || a->counts[group] == 0)
        return SIZE_MAX;
    return next < units ? units - next : 0;
}

double c2s_worth_at(const c2s_worth *w, size_t count) {
    size_t k = 0;
    if (w->points == 0)
        return 1;
    while (k < w->points && w->count[k] < count)
        k++;
    if (k == 0 || k == w->points)
        return w->worth[k == 0 ? 0 : k - 1];
    const double part = (double)(count - w->count[k - 1]) / (double)(w->count[k] - w->count[k - 1]);
    return pow(w->worth[k - 1], 1 - part) * pow(w->worth[k], part);
}

double c2s_lost_part(double e) {
    const double part = fmin(fmax(e, 0), 0.9999);
    return part / (1 - part);
}

/* What the group's readers lose with its first `count` units. */
static double error_of(const c2s_allocation *a, size_t group, size_t count) {
    const size_t readers = a->readers[group] > 0 ? a->readers[group] : 1;
    const double lost = c2s_lost_part(a->orders[group].error[count] / (double)readers);
    return (a->worth ? c2s_worth_at(&a->worth[group], count) : (double)readers) * lost;
}

/* Error per saving if the group goes on to `count`; infinite if nothing is saved. */
static double price(const c2s_allocation *a, size_t group, size_t count) {
    const double before = c2s_prune_meter_now(a->meter);
    const size_t was = a->counts[group];
    c2s_allocate_set(a, group, count);
    const double saved = before - c2s_prune_meter_now(a->meter);
    c2s_allocate_set(a, group, was);
    return saved > 0 ? fmax(error_of(a, group, count) - error_of(a, group, was), 0) / saved
                     : INFINITY;
}

void c2s_allocate_errors(const c2s_allocation *a, double target) {
    const size_t groups = a->groups->groups.count;
    while (c2s_prune_meter_now(a->meter) > target) {
        size_t best = groups, best_count = 0;
        double least = INFINITY;
        for (size_t k = 0; k < groups; k++) {
            const size_t count = c2s_allocate_more(a, k);
            const double now = count < SIZE_MAX ? price(a, k, count) : INFINITY;
            if (now < least) {
                least = now;
                best = k;
                best_count = count;
            }
        }
        if (best == groups)
            return;
        c2s_allocate_set(a, best, best_count);
    }
}

/* ---- what the budget has left ---- */

/* Error that is gained per cost if the group goes back to `count`; negative: it is too much, or
 * nothing is gained. */
static double worth_of_return(const c2s_allocation *a, size_t group, size_t count, double target) {
    const double before = c2s_prune_meter_now(a->meter);
    const size_t was = a->counts[group];
    c2s_allocate_set(a, group, count);
    const double after = c2s_prune_meter_now(a->meter);
    c2s_allocate_set(a, group, was);
    const double gained = error_of(a, group, was) - error_of(a, group, count);
    if (after > target || gained <= 0)
        return -1;
    return after > before ? gained / (after - before) : INFINITY;
}

static void give_back(const c2s_allocation *a, double target) {
    const size_t groups = a->groups->groups.count;
    for (;;) {
        size_t best = groups, best_count = 0;
        double most = 0;
        for (size_t k = 0; k < groups; k++) {
            const size_t count = c2s_allocate_fewer(a, k);
            const double worth = count < SIZE_MAX ? worth_of_return(a, k, count, target) : -1;
            if (worth > most) {
                most = worth;
                best = k;
                best_count = count;
            }
        }
        if (best == groups)
            return;
        c2s_allocate_set(a, best, best_count);
    }
}

/* As many steps of one group as the budget bears; where the meter is then. */
static double return_some(const c2s_allocation *a, size_t group, double target) {
    for (size_t count; (count = c2s_allocate_fewer(a, group)) < SIZE_MAX &&
                       worth_of_return(a, group, count, target) >= 0;)
        c2s_allocate_set(a, group, count);
    return c2s_prune_meter_now(a->meter);
}

/* The group that comes nearest with a multiple halved so often, if any gains by it. */
static bool halve_one(const c2s_allocation *a, unsigned halvings, double target) {
    const size_t groups = a->groups->groups.count;
    double most = c2s_prune_meter_now(a->meter);
    size_t best = groups;
    for (size_t k = 0; k < groups; k++) {
        const size_t was = a->counts[k];
        const uint8_t before = a->halvings[k];
        if (before >= halvings || step_of(a, k) == 1)
            continue;
        a->halvings[k] = (uint8_t)halvings;
        const double now = return_some(a, k, target);
        c2s_allocate_set(a, k, was);
        a->halvings[k] = before;
        if (now > most) {
            most = now;
            best = k;
        }
    }
    if (best == groups)
        return false;
    a->halvings[best] = (uint8_t)halvings;
    return_some(a, best, target);
    return true;
}

void c2s_allocate_fill(const c2s_allocation *a, double target) {
    give_back(a, target);
    for (unsigned halvings = 1; a->round >> halvings > 0; halvings++)
        while (c2s_prune_meter_now(a->meter) < NEAR * target && halve_one(a, halvings, target)) {
        }
}
