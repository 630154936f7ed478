/* SPDX-License-Identifier: Apache-2.0
 *
 * How large the weights of units are: what can be said of their importance without data.
 */
#ifndef C2S_PASSES_PRUNE_UNIT_NORMS_H
#define C2S_PASSES_PRUNE_UNIT_NORMS_H

#include "passes/prune/prune_groups.h"

typedef enum c2s_norm_weights {
    C2S_NORM_ALL,    /* matrices and kernels of all nodes of the group */
    C2S_NORM_SUMMED, /* those that sum over its channels */
    C2S_NORM_SCALES  /* scales of normalisations: they say how much of a channel passes */
} c2s_norm_weights;

/* Adds to norms[unit] the sum of |w|^power over the unit's part of each such constant, divided by
 * that over the whole constant. False: the group has none. */
bool c2s_unit_norms(const c2s_prune_groups *groups, const c2s_prune_group *group,
                    c2s_norm_weights which, int power, double *norms);

/* Of hidden units of recurrent cells: adds what the products with the recurrent matrices lose with a
 * unit if the others do not change, as a part of them all. energy[unit]: mean square of what the
 * unit gives. */
void c2s_unit_recurrences(const c2s_prune_group *group, const double *energy, double *scores);

#endif
