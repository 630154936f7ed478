/* SPDX-License-Identifier: Apache-2.0
 *
 * A graph that is run piece by piece on all samples, so that what comes out of one piece can be
 * looked at, and changed, before the next one takes it. All pieces together take about as long as
 * one run of the graph.
 */
#ifndef C2S_MEASURE_PIECEWISE_H
#define C2S_MEASURE_PIECEWISE_H

#include "eval/evaluator.h"
#include "eval/feed.h"

typedef struct c2s_pieces_options {
    const c2s_evaluator *evaluator;
    c2s_eval_options eval;
    const c2s_feed *feed;
    size_t samples; /* at most, as sample_order.h chooses them; 0: all */
    size_t most;    /* pieces, at most */
} c2s_pieces_options;

typedef struct c2s_pieces c2s_pieces;

/* `cuts`: what nodes of the graph compute, in the order of its list; piece after piece ends with
 * some of them, the last one with the last. The graph is copied. Fails if there are no samples, or
 * they do not fit. */
c2s_status c2s_pieces_open(const c2s_graph *graph, const c2s_value *const *cuts, size_t count,
                           const c2s_pieces_options *options, c2s_pieces **out);
void c2s_pieces_close(c2s_pieces *pieces); /* NULL is allowed */

size_t c2s_pieces_count(const c2s_pieces *pieces);
size_t c2s_pieces_samples(const c2s_pieces *pieces);
/* The cuts that a piece ends with: from *first to *end - 1. */
void c2s_pieces_range(const c2s_pieces *pieces, size_t piece, size_t *first, size_t *end);

/* Runs a piece; those before have been run. */
c2s_status c2s_pieces_run(c2s_pieces *pieces, size_t piece);
/* What a cut of the last piece is, by sample. A tensor may be replaced: later pieces take that one.
 * Gone when the next piece is run, unless some piece needs it. */
c2s_tensor **c2s_pieces_at(c2s_pieces *pieces, size_t cut);

#endif
