/* SPDX-License-Identifier: Apache-2.0
 *
 * The evaluator on oneDNN. Plans are made per graph and set of input types and kept for the next
 * run with the same; constants are packed once per session.
 *
 * float16 and bfloat16 are computed in float. Integers and everything without a kernel run through
 * op->eval.
 */
#ifndef C2S_RUNTIME_SESSION_H
#define C2S_RUNTIME_SESSION_H

#include "eval/evaluator.h"

extern const c2s_evaluator c2s_evaluator_onednn;

/* A result that the caller no longer needs: its memory serves the next run, as freeing it would not.
 * Takes over the reference. */
void c2s_onednn_give_back(c2s_session *session, c2s_tensor *tensor);

/* How a node of the main graph was computed by the last successful run: the kernel family's name,
 * "eval", "constant" (computed once when planning) or NULL (not at all). */
const char *c2s_onednn_kernel_of(const c2s_session *session, const c2s_node *node);

/* Where the time of the main graph goes. Profiling costs two readings of the clock per step. */
typedef struct c2s_step_profile {
    const c2s_node *node;
    const char *kernel;         /* as c2s_onednn_kernel_of */
    uint64_t runs, nanoseconds; /* since profiling was switched on */
    uint64_t bytes;             /* of all inputs and outputs of one run */
} c2s_step_profile;

void c2s_onednn_profile(c2s_session *session, bool on);
/* What the last run's plan runs, in its order: nodes that are not constant, and under
 * the kernels "reorder" and "convert" changes of layout and type for the node or behind it. `out`
 * may be NULL: their number.
 */
size_t c2s_onednn_profile_read(const c2s_session *session, c2s_step_profile *out);

/* "oneDNN 2.6.3" */
const char *c2s_onednn_version(void);

#endif
