/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps that one kernel carries out together: behind the first come members, which read results of
 * those before and what is there anyway.
 */
#ifndef C2S_RUNTIME_PLAN_MEMBERS_H
#define C2S_RUNTIME_PLAN_MEMBERS_H

#include "runtime/kernel.h"

/* Sets step->members to what follows and could join. */
void c2s_members_find(c2s_step *step, const c2s_kernel_family *kernel);
/* Inputs and outputs of the step and its members: what is read from outside and written for others.
 */
void c2s_members_set_operands(c2s_step *step);

#endif
