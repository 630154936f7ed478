/* SPDX-License-Identifier: Apache-2.0
 *
 * Running a body again and again.
 */
#ifndef C2S_OPS_ITERATION_H
#define C2S_OPS_ITERATION_H

#include "ops/op.h"

typedef C2S_VEC(c2s_tensor *) c2s_tensor_list;

enum { C2S_MAX_ITERATIONS = 1 << 20 };

/* Loop and Scan alike: the first `carried` body outputs become inputs of the next iteration, the
 * rest is collected. */
typedef struct c2s_iteration {
    c2s_eval *e;
    const c2s_graph *body;
    unsigned lead;     /* body inputs before the carried ones */
    unsigned lead_out; /* body outputs before the carried ones */
    unsigned carried, collected;
    const c2s_tensor **in; /* of the body; carried ones are references */
    c2s_tensor **out;
    c2s_tensor_list *items; /* per collected output */
} c2s_iteration;

/* C2S_ERR_UNSUPPORTED unless bodies can be run. */
c2s_status c2s_iteration_need_runner(const c2s_eval *e);
/* `e`, `body`, `lead`, `lead_out` and `carried` are set, the rest is zero; `first` is the node's
 * input that the first carried value starts from. Close in any case. */
c2s_status c2s_iteration_open(c2s_iteration *it, unsigned first);
/* One run of the body; the lead outputs are left in it->out for the caller to release. */
c2s_status c2s_iteration_run(c2s_iteration *it);
/* Gives the outputs: carried values, then what was collected, stacked along `axes` (default 0),
 * backwards where `reverse` says 1. */
c2s_status c2s_iteration_finish(c2s_iteration *it, const int64_t *axes, size_t axis_count,
                                const int64_t *reverse, size_t reverse_count);
void c2s_iteration_close(c2s_iteration *it);

#endif
