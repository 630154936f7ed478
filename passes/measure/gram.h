/* SPDX-License-Identifier: Apache-2.0
 *
 * Second moments of what linear operators read: G = X^T X over all rows of all samples. With them
 * the error that changed weights cause in the output, sum |x (w - w')|^2 = tr (w - w')^T G (w -
 * w'), and what minimises it, needs no data any more: rounding, least squares after columns of x
 * are gone, whitening.
 *
 * For reconstruction a second graph, the reference, runs on the same samples: x comes from the
 * graph as it is now, y from the value of the reference that the operator should give. X^T y gives
 * the weights (and, with the sums, the bias) that come closest to it.
 */
#ifndef C2S_PASSES_MEASURE_GRAM_H
#define C2S_PASSES_MEASURE_GRAM_H

#include <stdatomic.h>

#include "eval/evaluator.h"
#include "eval/feed.h"
#include "passes/measure/linear_site.h"

/* Of all consumers that read the same rows (c2s_linear_site_shares). */
typedef struct c2s_gram {
    size_t groups, k;
    uint64_t rows;  /* summed over, of each group */
    double *moment; /* [groups, k, k], symmetric */
    double *sum;    /* [groups, k], of x */
    atomic_uint refs;
} c2s_gram;

c2s_gram *c2s_gram_ref(c2s_gram *gram);
void c2s_gram_unref(c2s_gram *gram); /* NULL is allowed */

/* Of a consumer with a target. */
typedef struct c2s_cross {
    double *moment; /* [groups, k, n]: x^T y */
    double *sum;    /* [groups, n], of y */
    double square;  /* sum of y^2 */
} c2s_cross;

/* What comes behind the output (Relu, Clip) cuts it off at `low` and `high`. Where both the target
 * and what the operator gives now lie beyond the same end, nothing differs behind it, and y is what
 * the operator gives now. Fitting to this, over and over, lessens the squared error behind the
 * cut-off each time (Zhang et al. 2015, arXiv 1505.06798, have the same purpose). */
typedef struct c2s_gram_cutoff {
    float low, high;
    const float *added; /* [groups, n]: by the node or behind it to its products; NULL: nothing */
} c2s_gram_cutoff;

typedef struct c2s_gram_request {
    /* A linear operator; without target any c2s_linear_reader_of. */
    const c2s_node *node;    /* of the main graph, or of a body: then its rows are those of all runs
                                of that */
    const c2s_value *target; /* of the reference's main graph; of the type of the node's output.
                                NULL: none, as in bodies */
    /* Of the graph itself: what is added to the output behind the node, if `target` is the sum of
     * both; then y is the target less this, and makes up for its errors as well. Of the same type,
     * computed before the node's input. NULL: none. */
    const c2s_value *beside;
    const c2s_gram_cutoff *cutoff; /* of the target; NULL: none. The weight is constant then */
} c2s_gram_request;

typedef struct c2s_gram_options {
    const c2s_evaluator *evaluator;
    c2s_eval_options eval;
    const c2s_feed *feed;
    const c2s_graph *reference; /* NULL: no request has a target */
    size_t samples;             /* at most, spread evenly over the feed; 0: all */
    /* Rows of an operator that are taken at most, about, of all samples together, but eight for
     * each column: of convolutions over large images neighbours say the same. 0: all. */
    size_t rows;
    /* Where moments that were collected before are found, and new ones are kept; NULL: nowhere. */
    struct c2s_gram_cache *cache;
    uint64_t memory; /* bytes of matrices at a time, 0: 1 GB; if they would take more, the samples
                        are run several times */
    /* Called for each request, as soon as all its rows are in; for those in
     * the cache when the others are done. `cross`:
     * NULL without target; gone when `take` returns, `gram` unless it is referenced. */
    c2s_status (*take)(void *user, const c2s_linear_site *site, c2s_gram *gram,
                       const c2s_cross *cross);
    /* Called instead of it if there is no matrix: the node is no linear operator, its matrix alone
     * would take more than `memory`. May be NULL. */
    void (*refuse)(void *user, const c2s_node *node, const char *reason);
    void *user;
} c2s_gram_options;

/* Runs `graph`, the main graph of a model without functions, on the samples. Errors:
 * C2S_ERR_UNSUPPORTED: the model has functions; those of feed, evaluator and `take`. */
c2s_status c2s_gram_collect(const c2s_graph *graph, const c2s_gram_request *requests, size_t count,
                            const c2s_gram_options *options);

#endif
