/* SPDX-License-Identifier: Apache-2.0
 *
 * What a pass did, counted rewrite by rewrite. Every single change that a user could want to blame
 * or to leave out asks here first, so that a run can be stopped after any number of them.
 */
#ifndef C2S_REWRITE_STATS_H
#define C2S_REWRITE_STATS_H

#include <limits.h>

#include "ir/graph.h"

typedef struct c2s_rule_count {
    const char *name; /* static text */
    unsigned applied, refused;
} c2s_rule_count;

typedef struct c2s_stats {
    C2S_VEC(c2s_rule_count) rules; /* in order of first use */
    unsigned rewrites;             /* sum of applied */
    unsigned limit;                /* stop after this many rewrites */
    char last[256];                /* "conv-bn at node \"bn1\" (BatchNormalization)", or "" */
} c2s_stats;

#define C2S_STATS_NO_LIMIT UINT_MAX
/* Initializer of a c2s_stats. */
#define C2S_STATS_INIT {.limit = C2S_STATS_NO_LIMIT}

void c2s_stats_free(c2s_stats *stats);
/* False once the limit is reached: then nothing may be changed any more. */
static inline bool c2s_stats_may_apply(const c2s_stats *stats) {
    return stats->rewrites < stats->limit;
}
/* Counts a rewrite; the caller has asked c2s_stats_may_apply. `where`: c2s_node_text or the like.
 * Logged at verbosity 2. */
void c2s_stats_apply(c2s_stats *stats, const char *rule, const char *where);
/* Counts a refused match; logged at verbosity 1. */
void c2s_stats_refuse(c2s_stats *stats, const char *rule, const char *where, const char *reason);

#endif
