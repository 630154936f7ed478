/* SPDX-License-Identifier: Apache-2.0
 *
 * The layers of a graph, what each could become, what that costs, and what was chosen.
 */
#ifndef C2S_PASSES_LOWRANK_PLAN_H
#define C2S_PASSES_LOWRANK_PLAN_H

#include "base/vec.h"
#include "passes/lowrank/lowrank_target.h"
#include "passes/lowrank/rank_choice.h"

typedef enum c2s_lowrank_goal {
    C2S_LOWRANK_RANK,   /* this rank */
    C2S_LOWRANK_ENERGY, /* this part of the energy of each output at least, at least cost */
    C2S_LOWRANK_RATIO,  /* this part of the cost of each layer */
    C2S_LOWRANK_TOTAL   /* this part of the cost of all */
} c2s_lowrank_goal;

/* What cost is counted in. */
typedef enum c2s_lowrank_unit {
    C2S_LOWRANK_PARAMETERS,
    C2S_LOWRANK_MACS,
    C2S_LOWRANK_SECONDS
} c2s_lowrank_unit;

typedef struct c2s_lowrank_way {
    const c2s_lowrank_form *form;
    size_t rank;
    double parameters, macs; /* per sample */
    double seconds;          /* if that is the unit (c2s_lowrank_time_ways) */
    double error;            /* part of the energy of the output that is lost */
    bool slower;             /* than the operator as it is: measured */
} c2s_lowrank_way;

typedef struct c2s_lowrank_item {
    c2s_lowrank_layer layer;
    c2s_linear_site counted; /* its site with the window that the sample had, if one was run */
    c2s_type input;          /* of the sample; kind UNKNOWN: not run */
    c2s_lowrank_layer *tied; /* its layer's, owned */
    double readers; /* as many times as much work as its node do all readers of its weight */
    double rows;    /* of outputs of all of them per sample; 0: not known */
    double parameters, macs, seconds;
    double energy; /* of its outputs: what errors of ways are parts of */
    double weight; /* of its error against those of others */
    double effect; /* what an error in it does to the outputs, by that error; 1: not measured */
    bool in_family;
    c2s_gram *gram; /* of a table, or kept until the family has its ways; NULL: nothing is */
    C2S_VEC(c2s_lowrank_way) ways;
    size_t chosen; /* of the ways, or C2S_RANK_AS_IS */
    /* 1 + the family that is written as one layer instead; 0: by itself. */
    size_t joined;
} c2s_lowrank_item;

/* Layers that read the same rows, which may be one (c2s_lowrank_layer_join). */
typedef struct c2s_lowrank_family {
    C2S_VEC(size_t) items; /* of the plan, in order */
    c2s_lowrank_layer *members;
    c2s_lowrank_item joint; /* all together; as it is: each by itself */
} c2s_lowrank_family;

typedef struct c2s_lowrank_plan {
    C2S_VEC(c2s_lowrank_item) items;
    C2S_VEC(c2s_lowrank_family) families;
    c2s_lowrank_unit unit;
    /* Weights that were two and are one now (c2s_lowrank_tie_turned), which count but stay. */
    double tied_before, tied_after;
    size_t multiple;   /* ranks are rounded to */
    const char *forms; /* names of those that may be chosen, separated by ;. "" all */
    bool codes_follow; /* then of all those that do not amplify */
} c2s_lowrank_plan;

void c2s_lowrank_plan_free(c2s_lowrank_plan *plan);
double c2s_lowrank_cost(const c2s_lowrank_plan *plan, const c2s_lowrank_item *item,
                        const c2s_lowrank_way *way); /* way NULL: as it is */

/* Fills in the ways of an item: all forms, at ranks that save something. `rank`: that one only;
 * 0: some. */
c2s_status c2s_lowrank_plan_ways(const c2s_lowrank_plan *plan, const c2s_lowrank_target *target,
                                 size_t rank, c2s_lowrank_item *item);
/* Sets what is chosen of the ways that are not slower. `value`: the rank, or the part. Families are
 * made one layer where that is better for all together. */
void c2s_lowrank_plan_choose(c2s_lowrank_plan *plan, c2s_lowrank_goal goal, double value);
/* What errors of the outputs of all members are worth, in the unit in which errors of layers are
 * held against each other: for c2s_lowrank_target, to free. */
c2s_status c2s_lowrank_family_outer(const c2s_lowrank_plan *plan, const c2s_lowrank_family *family,
                                    double **out);
/* The sum of costs as they are, and as they were chosen. */
void c2s_lowrank_plan_costs(const c2s_lowrank_plan *plan, double *before, double *after);

/* Items, and behind them those that stand for whole families: for who looks at all that is chosen.
 */
size_t c2s_lowrank_plan_count(const c2s_lowrank_plan *plan);
c2s_lowrank_item *c2s_lowrank_plan_item(const c2s_lowrank_plan *plan, size_t index);

#endif
