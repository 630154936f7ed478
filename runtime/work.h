/* SPDX-License-Identifier: Apache-2.0
 *
 * How much there is to compute in a step, and how many threads that is worth.
 *
 * To start a parallel loop and to wait for its end takes 1.3 us right behind another loop and 3.5
 * us half a millisecond later, where the other threads still spin and have a processor to
 * themselves (libgomp, two cores of an AMD EPYC); more where they do not, and then half of the data
 * is in another processor's cache. So what takes less than 20 us stays on one thread. How long a
 * step takes is estimated from its types, never measured: the same model has the same threads, and
 * the same bits, in every run.
 */
#ifndef C2S_RUNTIME_WORK_H
#define C2S_RUNTIME_WORK_H

#include "runtime/kernel.h"

/* Nanoseconds on one thread, roughly, of what can be computed at the same time; infinite where
 * types are not known. */
double c2s_step_work(const c2s_step *step);

/* Settles whether `kernel`, which is about to be prepared, gets more than one thread. */
void c2s_step_choose_threads(c2s_step *step, const c2s_kernel_family *kernel);
/* From now on parallel loops have as many threads as the step wants; c2s_threads_restore takes the
 * result. Its kernel is prepared and run like that: oneDNN makes primitives for a number of
 * threads. */
unsigned c2s_step_threads(const c2s_step *step);

#endif
