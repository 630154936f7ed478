/* SPDX-License-Identifier: Apache-2.0
 *
 * A knapsack: which rank, and which form, each of several layers gets, for least error within what
 * all together may cost.
 */
#ifndef C2S_PASSES_LOWRANK_RANK_CHOICE_H
#define C2S_PASSES_LOWRANK_RANK_CHOICE_H

#include <stddef.h>

typedef struct c2s_rank_point {
    double cost, error;
} c2s_rank_point;

typedef struct c2s_rank_item {
    double cost;              /* as it is, with error 0 */
    double weight;            /* of its errors against those of others */
    const c2s_rank_point *at; /* what it could be */
    size_t count;
} c2s_rank_item;

#define C2S_RANK_AS_IS ((size_t)-1)

/* The choice of each item: an index into its points, or C2S_RANK_AS_IS. Points on the lower convex
 * hull of cost and error are taken in the order of error per saved unit, until the sum of costs is
 * at most `budget`: for these sums no choice has less error. What the last step has saved beyond
 * that goes to the items that lose most. Returns the sum, above the budget if nothing more can be
 * saved. */
double c2s_rank_choose(const c2s_rank_item *items, size_t count, double budget, size_t *chosen);

#endif
