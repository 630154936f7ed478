/* SPDX-License-Identifier: Apache-2.0
 *
 * NaN and infinity. Some kernels treat them other than eval does: maximum and minimum lose NaN, and
 * so do Relu and Clip behind a convolution. Such a kernel runs where neither can occur, else eval
 * runs. To know that costs little: each step tells how large its results can be at most, from the
 * largest magnitudes of its inputs (interval arithmetic, rounded up); a tensor is read only where
 * nothing is known, or where the estimate has grown too large over many layers.
 */
#ifndef C2S_RUNTIME_RANGE_H
#define C2S_RUNTIME_RANGE_H

#include "runtime/kernel.h"

/* `most` of a slot of which nothing is known; infinite: it holds NaN or infinity. */
#define C2S_RANGE_UNKNOWN -1.0f

/* Settles step->rule, gain and guard, once the step has its kernel. */
void c2s_range_plan(c2s_step *step);
/* Before the kernel runs: false if eval has to. May read inputs. */
bool c2s_range_allows(c2s_step *step);
/* After the step: sets `most` of its outputs. */
void c2s_range_follow(c2s_step *step);

/* ---- what else knows ranges (runtime/half_run.c) ---- */

/* Reads a float form, and sets its `most`: infinite for NaN, too. */
void c2s_range_scan(c2s_slot *slot);
/* How large the results of the node itself can be, and what post `post` makes of such; else
 * C2S_RANGE_UNKNOWN. */
float c2s_range_of_node(const c2s_step *step);
float c2s_range_of_post(const c2s_step *step, unsigned post, float most);
/* The form of its operand that the step has taken; NULL: it has none. */
const c2s_slot *c2s_range_operand(const c2s_step *step, unsigned post);

#endif
