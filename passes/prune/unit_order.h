/* SPDX-License-Identifier: Apache-2.0
 *
 * In which order the units of a group are removed, and what that costs: each time those go that
 * cost the readers of the group least by then (unit_removal.h).
 */
#ifndef C2S_PASSES_PRUNE_UNIT_ORDER_H
#define C2S_PASSES_PRUNE_UNIT_ORDER_H

#include "passes/measure/gram.h"
#include "passes/prune/readers.h"

/* error[n]: when the first n units of `order` are gone, summed over readers as parts of the energy
 * of their outputs; error[0] is 0. */
typedef struct c2s_unit_order {
    size_t units;
    uint32_t *order;
    double *error;
} c2s_unit_order;

void c2s_unit_order_free(c2s_unit_order *order);
/* By unit: is it one of the first `count`? To be freed. */
bool *c2s_unit_order_first(const c2s_unit_order *order, size_t count);

/* By scores: the least goes first; errors are their sums. */
void c2s_unit_order_by_score(const double *score, size_t units, c2s_unit_order *out);

typedef enum c2s_order_rule {
    C2S_ORDER_FITTED, /* what is left is fitted */
    C2S_ORDER_APART   /* nothing is fitted, and units do not depend on each other (for single
                         channels: Wanda, Sun et al. 2023, arXiv 2306.11695) */
} c2s_order_rule;

/* grams[i] belongs to reader i of the group; `added`: further costs of each unit in the same
 * measure (what else reads the channels), or NULL. Units are ordered down to the last. */
c2s_status c2s_unit_order_by_moments(const c2s_readers *readers, size_t group, size_t units,
                                     c2s_gram *const *grams, const double *added,
                                     c2s_order_rule rule, double damping, c2s_unit_order *out);

/* Local search among sets of `count` units that go, from the first ones of the order: one returns
 * and another one goes instead, as long as that costs less (OSSCAR: Meng et al. 2024, arXiv
 * 2403.12983). Changes the order, and the error at `count`. For orders by C2S_ORDER_FITTED. */
c2s_status c2s_unit_order_swap(const c2s_readers *readers, size_t group, c2s_gram *const *grams,
                               const double *added, double damping, size_t count,
                               c2s_unit_order *order);

#endif
