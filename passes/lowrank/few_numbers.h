/* SPDX-License-Identifier: Apache-2.0
 *
 * Constants that hold so few different numbers that codes can name them all: masks, tables.
 */
#ifndef C2S_PASSES_LOWRANK_FEW_NUMBERS_H
#define C2S_PASSES_LOWRANK_FEW_NUMBERS_H

#include "passes/lowrank/clustered_weight.h"

/* Numbers and codes that are the constant without any error; infinities and both zeros are numbers
 * like others. *fits is false, and there is nothing to free: more than `most`, a NaN, or not
 * smaller. */
c2s_status c2s_few_numbers_fit(const c2s_tensor *constant, size_t most, c2s_dtype code,
                               c2s_clustered *out, bool *fits);

#endif
