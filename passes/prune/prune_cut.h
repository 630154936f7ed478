/* SPDX-License-Identifier: Apache-2.0
 *
 * Removing units of groups from the graph: constants lose their indices, values their extents,
 * attributes and constant operands that name extents (groups, heads, hidden size, lengths of a
 * Split, targets of Reshape, Slice, Expand) are refitted, types are inferred anew.
 *
 * The result computes what the model before computes with zeros in the place of what was removed,
 * wherever no group is `mixed_by` a node.
 */
#ifndef C2S_PASSES_PRUNE_PRUNE_CUT_H
#define C2S_PASSES_PRUNE_PRUNE_CUT_H

#include "passes/prune/prune_groups.h"

/* removed[k]: by unit of group k; NULL: none. Of each group some unit must stay. Afterwards the
 * groups describe a model that is no more, and can only be freed. C2S_ERR_UNSUPPORTED: a node
 * cannot follow; C2S_ERR_USAGE: a pinned group, or nothing would stay of an axis. In both cases
 * the model is half changed. */
c2s_status c2s_prune_cut(c2s_prune_groups *groups, const bool *const *removed);

bool c2s_prune_removes_any(const c2s_prune_groups *groups, const bool *const *removed);

#endif
