/* SPDX-License-Identifier: Apache-2.0
 *
 * Models that compute with 16 bits, and passes that work on float32 alone.
 */
#ifndef C2S_PASSES_SIXTEEN_BITS_H
#define C2S_PASSES_SIXTEEN_BITS_H

#include "passes/pass.h"

/* Tells the user what helps, if the pass is one of these and the model one of those. */
void c2s_tell_of_16_bits(const c2s_pass *pass, const c2s_model *model);

#endif
