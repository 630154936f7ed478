/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said of a group: the node it is named by, what goes with it, whether other results
 * change.
 */
#ifndef C2S_PASSES_PRUNE_DESCRIBE_GROUP_H
#define C2S_PASSES_PRUNE_DESCRIBE_GROUP_H

#include "passes/prune/prune_groups.h"

/* Sets maker, granularity, nodes, parameters, macs and mixed_by of a group whose axes and spaces
 * are complete and in order. */
void c2s_describe_group(const c2s_tie_index *index, const c2s_node_works *works,
                        c2s_prune_group *group);

#endif
