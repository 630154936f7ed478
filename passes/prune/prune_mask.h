/* SPDX-License-Identifier: Apache-2.0
 *
 * Zeros in the place of units: the model stays as it is, and computes what it will compute when
 * they are cut (prune_cut.h). So many choices can be tried, and weights fitted, in one and the same
 * graph.
 */
#ifndef C2S_PASSES_PRUNE_PRUNE_MASK_H
#define C2S_PASSES_PRUNE_PRUNE_MASK_H

#include "passes/prune/prune_groups.h"

/* Where all that sums over the group's channels multiplies them with constants, zeros are written
 * to these alone, whatever the channels hold; else (scores of attention, recurrences) to all
 * constants of the units. A vector that others read, too, is copied for this node. The groups stay
 * what they are. */
c2s_status c2s_prune_mask(c2s_prune_groups *groups, const c2s_prune_group *group,
                          const bool *removed);

#endif
