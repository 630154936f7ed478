/* SPDX-License-Identifier: Apache-2.0
 *
 * How many units each group loses so that the model costs no more than it may.
 */
#ifndef C2S_PASSES_PRUNE_ALLOCATE_H
#define C2S_PASSES_PRUNE_ALLOCATE_H

#include "passes/prune/prune_meter.h"
#include "passes/prune/unit_order.h"

/* What the errors of a group's readers do to the outputs of the model, by how many of its units are
 * gone: measured for some numbers, ascending, and interpolated between them. */
enum { C2S_WORTH_MOST = 3 };
typedef struct c2s_worth {
    size_t points; /* 0: not measured, 1 everywhere */
    size_t count[C2S_WORTH_MOST];
    double worth[C2S_WORTH_MOST];
} c2s_worth;

typedef struct c2s_allocation {
    const c2s_prune_groups *groups;
    const c2s_unit_order *orders; /* by group; without units: it stays as it is */
    c2s_prune_meter *meter;       /* nothing has been removed; afterwards what was chosen has */
    size_t round, round_from;     /* channels that stay are a multiple of `round` in groups of
                                     `round_from` or more */
    const c2s_worth *worth;       /* by group: factor of its errors; NULL: 1 */
    const size_t *readers;        /* by group: how many its errors are summed over */
    size_t *counts;               /* by group: receives how many of its order go */
    uint8_t *halvings;            /* by group: how often its multiple was halved, since none came
                                     near the budget */
} c2s_allocation;

double c2s_worth_at(const c2s_worth *worth, size_t count);

/* An output of which the part e is lost has 1 - e of signal left: e / (1 - e) grows as its effect
 * does when little is left. */
double c2s_lost_part(double e);

/* What was asked for is kept if the meter is above it by no more than this part of it: otherwise
 * work that belongs to no group would cost a whole step of some group. */
#define C2S_ALLOCATION_SLACK 0.005

/* The same share of every group. */
void c2s_allocate_ratio(const c2s_allocation *a, double ratio);
/* The same share of every group, as little as brings the meter to `target`. */
void c2s_allocate_uniform(const c2s_allocation *a, double target);
/* Step by step the units whose removal costs least error for what it saves on the meter: a
 * knapsack, solved greedily; saving changes with what was removed before, since a layer's work is a
 * product of widths of two groups. Ends at `target`, or when no group has more to give. */
void c2s_allocate_errors(const c2s_allocation *a, double target);
/* Gives back what can be given back below `target`, steps that gain most for what they cost first.
 * Where the meter is still more than 2 % below it then, multiples of as few groups as possible are
 * halved until it is near. */
void c2s_allocate_fill(const c2s_allocation *a, double target);

/* The numbers of units next to a->counts[group] that the rules allow. SIZE_MAX: there is none. */
size_t c2s_allocate_more(const c2s_allocation *a, size_t group);
size_t c2s_allocate_fewer(const c2s_allocation *a, size_t group);
/* Makes the group lose so many, on the meter, too. */
void c2s_allocate_set(const c2s_allocation *a, size_t group, size_t count);

#endif
