/* SPDX-License-Identifier: Apache-2.0
 *
 * Where two graphs differ: nodes that are in one of them alone, or have other constants there, put
 * together with their neighbours of that kind and with what stands for them in the other graph.
 */
#ifndef C2S_CLI_CHANGED_REGIONS_H
#define C2S_CLI_CHANGED_REGIONS_H

#include "base/vec.h"
#include "ir/graph.h"

typedef C2S_VEC(const c2s_node *) cli_nodes;

typedef struct cli_region {
    cli_nodes before, after; /* in the order of their graphs */
    size_t alike;            /* regions of the same operators, this one included */
} cli_region;

typedef C2S_VEC(cli_region) cli_regions;

/* The largest first; of those that are alike only the first is there. */
void cli_regions_find(const c2s_graph *before, const c2s_graph *after, cli_regions *out);
void cli_regions_free(cli_regions *regions);

#endif
