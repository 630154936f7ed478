/* SPDX-License-Identifier: Apache-2.0
 *
 * The driver: applies rules until nothing matches, in time linear in nodes plus rewrites.
 */
#ifndef C2S_REWRITE_REWRITE_H
#define C2S_REWRITE_REWRITE_H

#include "rewrite/pattern.h"

typedef struct c2s_rule_count {
    const char *name;
    unsigned applied, refused;
} c2s_rule_count;

/* What a pass did: counts per rule, in first-use order. */
typedef struct c2s_stats {
    C2S_VEC(c2s_rule_count) rules;
    unsigned rewrites;  /* sum of applied */
    unsigned limit;     /* stop after this many rewrites; 0: no limit (used by --bisect) */
    /* Name of the last rewrite: "conv-bn at node \"bn1\" (BatchNormalization)" */
    char last[256];
} c2s_stats;

void c2s_stats_free(c2s_stats *stats);
/* Asks for permission and counts: false when the limit is reached, then nothing may be changed. */
bool c2s_stats_apply(c2s_stats *stats, const char *rule, const c2s_node *node);
/* Notes a refused match; logged at verbosity 1. */
void c2s_stats_refuse(c2s_stats *stats, const char *rule, const c2s_node *node, const char *reason);

/* Applies the rules (list ends with NULL) to graph and bodies to a fixed point. */
c2s_status c2s_rewrite(c2s_graph *graph, const c2s_rule *const *rules, c2s_stats *stats);

#endif
