/* SPDX-License-Identifier: Apache-2.0
 *
 * How often the rows of tables are read: the second moments of the unit vectors that Gather stands
 * for.
 */
#ifndef C2S_PASSES_LOWRANK_TABLE_MOMENT_H
#define C2S_PASSES_LOWRANK_TABLE_MOMENT_H

#include "passes/lowrank/lowrank_apply.h"

/* Calls `take` for each Gather of the plan's items that reads a table of few rows (their matrix has
 * as many columns); of those with the same indices for the first. Rows that no sample reads count
 * as half a time. */
c2s_status c2s_table_moments(const c2s_graph *graph, const c2s_lowrank_plan *plan,
                             const c2s_lowrank_how *how,
                             c2s_status (*take)(void *user, const c2s_node *node, c2s_gram *gram),
                             void *user);

#endif
