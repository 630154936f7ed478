/* SPDX-License-Identifier: Apache-2.0
 *
 * A graph run forward, with all that it computes kept, and then backward: from the derivatives of
 * some number by values of the graph to those by values before them, constants among these.
 *
 * For fitting several layers at once. On the calling thread; any number of them, of one graph or of
 * several, can be used at the same time by as many threads.
 */
#ifndef C2S_PASSES_MEASURE_BACKWARD_H
#define C2S_PASSES_MEASURE_BACKWARD_H

#include "ops/op.h"

typedef struct c2s_backward c2s_backward;

/* Of the main graph of a model, which is copied; values below are those of `graph` itself.
 * `wanted`: by value id, those whose derivatives are asked for; NULL: none, it only runs forward.
 * C2S_ERR_UNSUPPORTED: the graph has bodies, or operators that cannot be executed. */
c2s_status c2s_backward_open(const c2s_graph *graph, const bool *wanted, c2s_backward **out);
void c2s_backward_close(c2s_backward *b); /* NULL is allowed */

/* From now on a constant of floats has this content, of the same type; a reference is taken. */
void c2s_backward_set(c2s_backward *b, const c2s_value *constant, c2s_tensor *tensor);
/* One tensor per formal input, as c2s_evaluator.run. */
c2s_status c2s_backward_run(c2s_backward *b, const c2s_tensor *const *in);
/* What a value is in the last run. */
const c2s_tensor *c2s_backward_value(const c2s_backward *b, const c2s_value *value);

/* Derivatives by the elements of a value, 0 after each run: the caller adds some, and propagates.
 * NULL: the value does not depend on anything that is wanted, as far as derivatives are known
 * (slope_rules.h), or there is no memory. */
float *c2s_backward_slope(c2s_backward *b, const c2s_value *value);
/* From now on derivatives by a constant that is wanted are added up here, run by run, instead. */
void c2s_backward_collect(c2s_backward *b, const c2s_value *constant, float *sum);
/* Adds to derivatives those by way of all that values are read by. Once per run. */
c2s_status c2s_backward_propagate(c2s_backward *b);

#endif
