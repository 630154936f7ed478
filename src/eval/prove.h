/* SPDX-License-Identifier: Apache-2.0
 *
 * Proof by execution: a graph before and after a change runs on the same inputs, all outputs are
 * compared. The results before are computed once and serve every later graph.
 */
#ifndef C2S_EVAL_PROVE_H
#define C2S_EVAL_PROVE_H

#include "eval/quality.h"
#include "eval/random_inputs.h"

typedef struct c2s_prove_options {
    const c2s_evaluator *evaluator;
    c2s_eval_options eval;
    double tolerance; /* relative, see c2s_difference; 0: by element type */
    /* What to run on: `set_count` sets of one tensor per formal input (NULL: its initializer), or,
     * if `sets` is NULL, set_count (0: 2) random ones. */
    const c2s_tensor *const *const *sets;
    unsigned set_count;
    c2s_random_options random; /* sample and attempt are of no account */
} c2s_prove_options;

/* What a graph computes on some inputs. */
typedef struct c2s_baseline c2s_baseline;

/* Runs `graph`. If it cannot be run (an operator that is not known, random numbers inside, inputs
 * for which no random ones work), the call succeeds and c2s_prove gives the reason. Fails on
 * unusable options only. `options` are copied; nothing of the graph is kept. */
c2s_status c2s_baseline_create(const c2s_graph *graph, const c2s_prove_options *options,
                               c2s_baseline **out);
void c2s_baseline_destroy(c2s_baseline *baseline); /* NULL is allowed */
const c2s_prove_options *c2s_baseline_options(const c2s_baseline *baseline);
/* False: the graph could not be run. */
bool c2s_baseline_runs(const c2s_baseline *baseline);
unsigned c2s_baseline_sets(const c2s_baseline *baseline); /* of inputs */
/* Processor seconds that the last set took, the one that did not plan as well if there are more. */
double c2s_baseline_seconds(const c2s_baseline *baseline);
/* The sets' tensors in the order of this graph's inputs, set by set; those it does not have are
 * left out. Borrowed tensors in an array to free. */
const c2s_tensor **c2s_baseline_inputs(const c2s_baseline *baseline, const c2s_graph *graph);

typedef enum c2s_verdict {
    C2S_PROVED,
    C2S_DIFFERENT,     /* outputs differ by more than the tolerance, or the graph no longer runs */
    C2S_BEYOND_BUDGET, /* of a lossy pass: results lose more than they may */
    C2S_NOT_PROVED     /* the graph before could not be run */
} c2s_verdict;

typedef struct c2s_proof {
    c2s_verdict verdict;
    double error;   /* largest relative error of all outputs and inputs; NaN: nothing compared */
    double sqnr_db; /* smallest; infinite if all is equal */
    double seconds; /* of the processor that the last set took; 0: nothing ran */
    c2s_quality_result quality; /* of what a lossy pass made; 0 samples: not measured */
    char output[128];           /* DIFFERENT: the first output that does, shortened; else "" */
    char text[512];             /* DIFFERENT: which element, found and expected; BEYOND_BUDGET,
                                   NOT_PROVED: why; else "" */
} c2s_proof;

/* Holds `graph` against the baseline: inputs by name, outputs by position and name. */
void c2s_prove(const c2s_baseline *baseline, const c2s_graph *graph, c2s_proof *out);
/* The same for a graph that may compute something else: DIFFERENT if it does not run, or its
 * interface or the type of an output is another one, or an element became NaN or infinite.
 * `other_floats`: outputs may be of another type of float. */
void c2s_prove_runs(const c2s_baseline *baseline, const c2s_graph *graph, bool other_floats,
                    c2s_proof *out);

#endif
