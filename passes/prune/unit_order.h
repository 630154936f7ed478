/* SPDX-License-Identifier: Apache-2.0
 *
 * In which order the units of a group are removed, and what that costs.
 *
 * A reader computes y = x w. Without the rows of w that belong to removed units, and with the rest
 * fitted anew by least squares, the error |x w - x' w'|^2 is known from H = x^T x + d I alone. The
 * rows R of one unit cost
 *
 *     tr w_R^T (H^-1_RR)^-1 w_R,
 *
 * the others become w - H^-1_:R (H^-1_RR)^-1 w_R, and H^-1 becomes H^-1 - H^-1_:R (H^-1_RR)^-1
 * H^-1_R: (optimal brain surgeon: Hassibi and Stork 1993; in blocks and with H^-1 updated: Frantar
 * and Alistarh 2022, arXiv 2208.11580; for channels, greedily and over one H: Meng et al. 2024,
 * arXiv 2403.12983). All readers of the group count, each relative to the energy of its output.
 *
 * Where the reader has a bias, the moments are those around the mean: the bias makes up for that.
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

/* By scores: the least goes first; errors are their sums. */
void c2s_unit_order_by_score(const double *score, size_t units, c2s_unit_order *out);

typedef enum c2s_order_rule {
    C2S_ORDER_FITTED, /* as above */
    C2S_ORDER_APART   /* w_R^T H_RR w_R: nothing is fitted, and units do not depend on each other
                         (for single channels: Wanda, Sun et al. 2023, arXiv 2306.11695) */
} c2s_order_rule;

/* grams[i] belongs to reader i of the group; `added`: further costs of each unit in the same
 * measure (what else reads the channels), or NULL. Units are ordered down to the last. */
c2s_status c2s_unit_order_by_moments(const c2s_readers *readers, size_t group, size_t units,
                                     c2s_gram *const *grams, const double *added,
                                     c2s_order_rule rule, double damping, c2s_unit_order *out);

/* d in parts of the mean of H's diagonal: what was asked for, and more where there are few rows for
 * as many columns: what fits these exactly fits others badly. None if none was
 * asked for. */
double c2s_moments_damping(const c2s_gram *gram, double asked);
/* Second moments of group g of a reader around the mean (`centred`), as c2s_gram holds them. */
void c2s_centred_moments(const c2s_gram *gram, size_t g, bool centred, double *out);

#endif
