/* SPDX-License-Identifier: Apache-2.0
 *
 * What integers a graph can take at an input: indices must lie inside what they index.
 */
#ifndef C2S_EVAL_INDEX_RANGE_H
#define C2S_EVAL_INDEX_RANGE_H

#include "eval/concrete.h"

/* Follows an integer input of the main graph to where it is used as index, length or count, and
 * narrows or replaces [*low, *high] by what is allowed there. Left alone if there is no such use.
 */
void c2s_index_range(const c2s_concrete *concrete, const c2s_value *input, int64_t *low,
                     int64_t *high);

#endif
