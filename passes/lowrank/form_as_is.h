/* SPDX-License-Identifier: Apache-2.0
 *
 * No form: one matrix of full rank, for layers that stay as they are and make up for the errors of
 * those before them.
 */
#ifndef C2S_PASSES_LOWRANK_FORM_AS_IS_H
#define C2S_PASSES_LOWRANK_FORM_AS_IS_H

#include "passes/lowrank/lowrank_form.h"

extern const c2s_lowrank_form c2s_lowrank_form_as_is;

#endif
