/* SPDX-License-Identifier: Apache-2.0
 *
 * Scores that a mask has put far below all others: Softmax makes 0 of them, however far that is.
 */
#ifndef C2S_PASSES_QUANT_HIDDEN_SCORES_H
#define C2S_PASSES_QUANT_HIDDEN_SCORES_H

#include "passes/measure/ranges.h"

/* Numbers of the value that are less than this may be raised to it. Minus infinity: none, or others
 * than Softmax read it. */
float c2s_hidden_scores_below(const c2s_value *value, const c2s_value_stats *stats);

#endif
