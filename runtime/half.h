/* SPDX-License-Identifier: Apache-2.0
 *
 * float16 and bfloat16 inside a plan. Their operators are computed in float, as eval does, but the
 * results are kept in float from one to the next instead of being rounded in between: each such
 * value has a second base, `wide`, of type float, which kernels read and write as any other. Eval,
 * graph inputs and outputs and observers have the declared type; where a value is made in one type
 * and wanted in the other, a step converts it.
 *
 * What float16 cannot hold is infinite for whoever reads it next, as it is for eval.
 */
#ifndef C2S_RUNTIME_HALF_H
#define C2S_RUNTIME_HALF_H

#include "runtime/plan.h"

/* Settles which steps compute in float, and gives them wide slots. Types are known, readers not yet
 * counted. */
void c2s_plan_halves(c2s_plan *plan);

/* The slot of output `k` of the step's node in the type in which the step computes. */
c2s_slot *c2s_half_output(c2s_plan *plan, const c2s_step *step, unsigned k);

/* Adds the steps that make the value of `base` in its other type, if someone wants that: behind
 * `step`, which made it in this one. */
void c2s_half_finish(c2s_step *step, c2s_slot *base);

/* A row-major tensor in another of the three types. */
c2s_status c2s_half_cast(const c2s_tensor *in, c2s_dtype to, c2s_tensor **out);

/* Rounds to what the type can hold, in place or not. */
void c2s_half_round(c2s_dtype dtype, const float *in, float *out, size_t count);

/* After the step's kernel ran: false if an intermediate result of its posts may have been too large
 * for the declared type, so that eval has to say what comes out. May read tensors. */
bool c2s_half_holds(c2s_step *step);
/* After the step and c2s_range_follow: makes infinite what the declared type cannot hold. */
void c2s_half_follow(c2s_step *step);

/* The float forms of constants, one per session. */
void c2s_half_forget(c2s_plan_context *context); /* those that nobody else holds any more */
void c2s_half_free(c2s_plan_context *context);

extern const c2s_kernel_family c2s_kernels_convert;

#endif
