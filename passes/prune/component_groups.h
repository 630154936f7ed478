/* SPDX-License-Identifier: Apache-2.0
 *
 * The classes of a component sorted into groups: those that meet the same spaces, and are pinned
 * for the same reason, are units of one group.
 */
#ifndef C2S_PASSES_PRUNE_COMPONENT_GROUPS_H
#define C2S_PASSES_PRUNE_COMPONENT_GROUPS_H

#include "passes/prune/prune_groups.h"

/* Appends the groups with units, axes, spaces and pins; the rest is zero. */
void c2s_component_groups(c2s_prune_groups *out, const c2s_component *c);

#endif
