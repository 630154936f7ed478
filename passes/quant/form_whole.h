/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes back to floats and is no rule: models of 16-bit floats, cells that quantize.
 */
#ifndef C2S_PASSES_QUANT_FORM_WHOLE_H
#define C2S_PASSES_QUANT_FORM_WHOLE_H

#include "rewrite/stats.h"

/* The names of the rewrites. */
extern const char c2s_widen_half[], c2s_cell_float[];

/* DynamicQuantizeLSTM becomes LSTM, in bodies, too. */
c2s_status c2s_form_float_cells(c2s_model *model, c2s_stats *stats);

/* Values of float16 and bfloat16 become float in the main graph and in bodies, constants too;
 * inputs and outputs of the graph keep their types behind a Cast. What an operator must have as it
 * is (codes with 16-bit scales, functions) stays, between Casts. Types are inferred anew. */
c2s_status c2s_form_widen_halves(c2s_model *model, c2s_stats *stats);

#endif
