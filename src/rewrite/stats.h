/* SPDX-License-Identifier: Apache-2.0
 *
 * What a pass did, counted rewrite by rewrite. Every single change that a user could want to blame
 * or to leave out asks here first, so that a run can be stopped after any number of them, and go on
 * without those that a user, or a failed proof, has named.
 */
#ifndef C2S_REWRITE_STATS_H
#define C2S_REWRITE_STATS_H

#include <limits.h>

#include "ir/graph.h"

/* A kind of rewrite that users can name. Names of rules (rewrite/pattern.h) are kinds, too. */
typedef struct c2s_rewrite_kind {
    const char *name, *summary;
    bool always; /* cannot be left out */
} c2s_rewrite_kind;

typedef struct c2s_rule_count {
    const char *name; /* static text */
    unsigned applied, refused;
} c2s_rule_count;

/* A rewrite to leave out: `kind` everywhere (`where` NULL), or at the node of that name, or at
 * exactly that place ("node \"bn1\" (BatchNormalization)"). */
typedef struct c2s_skip {
    const char *kind, *where;
    const char *reason; /* "left out on request" */
} c2s_skip;

/* What a lossy pass did for the outputs to be better, and what that bought. NaN: not measured. */
typedef struct c2s_remedy {
    const char *what;           /* static text */
    char *where;                /* a layer; NULL: several. Freed with the stats */
    double before_db, after_db; /* SQNR of the outputs */
    double alone_db, alone_kl;  /* of a layer, with nothing else changed: SQNR, and divergence as of
                                   c2s_quality_result */
    bool kept;
} c2s_remedy;

/* One place that a rewrite looked at closely. */
typedef struct c2s_event {
    const char *pass, *kind, *where;
    const char *reason;            /* why it was refused; NULL: it was applied */
    C2S_VEC(const char *) nodes;   /* names of the nodes it looked at */
    C2S_VEC(const char *) removed; /* of those that are gone with it */
} c2s_event;

/* All of them, if someone wants to read it. */
typedef struct c2s_trace {
    c2s_arena *arena; /* texts */
    const char *pass; /* the one that runs now */
    C2S_VEC(c2s_event) events;
} c2s_trace;

c2s_trace *c2s_trace_create(void);
void c2s_trace_destroy(c2s_trace *trace); /* NULL is allowed */
/* Forgets the events behind the first `count`. */
void c2s_trace_cut(c2s_trace *trace, size_t count);

typedef struct c2s_stats {
    C2S_VEC(c2s_rule_count) rules; /* in order of first use */
    C2S_VEC(c2s_remedy) remedies;  /* in the order in which they were tried */
    unsigned rewrites;             /* sum of applied */
    unsigned limit;                /* stop after this many rewrites */
    const c2s_skip *skips;         /* borrowed */
    size_t skip_count;
    c2s_trace *trace;    /* borrowed; NULL: nothing is recorded */
    bool annotate;       /* nodes that are made get a history */
    const char *endless; /* the rule that a run failed for because it finds no end, else NULL */
    /* The last rewrite: "conv-bn" and "node \"bn1\" (BatchNormalization)", or "". */
    char last_kind[48], last_where[512];
} c2s_stats;

#define C2S_STATS_NO_LIMIT UINT_MAX
/* Initializer of a c2s_stats. */
#define C2S_STATS_INIT                                                                             \
    { .limit = C2S_STATS_NO_LIMIT }

void c2s_stats_free(c2s_stats *stats);
/* False once the limit is reached: then nothing may be changed any more. */
static inline bool c2s_stats_may_apply(const c2s_stats *stats) {
    return stats->rewrites < stats->limit;
}
/* True if this rewrite is to be left out, which is then counted as refused. `where` as for
 * c2s_stats_apply. */
bool c2s_stats_skips(c2s_stats *stats, const char *kind, const char *where);
/* Counts a rewrite; the caller has asked c2s_stats_may_apply and c2s_stats_skips. `where`:
 * c2s_node_text or the like. Logged at verbosity 2. */
void c2s_stats_apply(c2s_stats *stats, const char *kind, const char *where);
/* Counts a refused match; logged at verbosity 1. */
void c2s_stats_refuse(c2s_stats *stats, const char *kind, const char *where, const char *reason);
/* Something was tried for all of what the pass changed, or for a layer: `where`, which is copied.
 */
void c2s_stats_remedy(c2s_stats *stats, const c2s_remedy *remedy, const char *where);
/* For the trace: the last rewrite or refusal looked at this node; it removed this one. */
void c2s_stats_looked(c2s_stats *stats, const c2s_node *node);
void c2s_stats_removed(c2s_stats *stats, const c2s_node *node);

#endif
