/* SPDX-License-Identifier: Apache-2.0
 *
 * Models of 16-bit floats, made models of 32-bit floats.
 */
#ifndef C2S_PASSES_QUANT_FORM_HALF_H
#define C2S_PASSES_QUANT_FORM_HALF_H

#include "rewrite/stats.h"

/* The name of the rewrite. */
extern const char c2s_widen_half[];

/* Values of float16 and bfloat16 become float in the main graph and in bodies, constants too;
 * inputs and outputs of the graph keep their types behind a Cast. What an operator must have as it
 * is (codes with 16-bit scales, functions) stays, between Casts. Types are inferred anew. */
c2s_status c2s_form_widen_halves(c2s_model *model, c2s_stats *stats);

#endif
