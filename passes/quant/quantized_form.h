/* SPDX-License-Identifier: Apache-2.0
 *
 * The forms in which models are quantized: recognising them, and going back to floats.
 */
#ifndef C2S_PASSES_QUANT_QUANTIZED_FORM_H
#define C2S_PASSES_QUANT_QUANTIZED_FORM_H

#include "rewrite/stats.h"

/* What there is of each form, in all graphs and functions. */
typedef struct c2s_form {
    unsigned quantizers; /* QuantizeLinear of floats that are computed */
    unsigned qoperators; /* QLinearConv, QLinearMatMul, QLinearAdd, ... */
    unsigned dynamic;    /* DynamicQuantizeLinear, DynamicQuantizeMatMul, DynamicQuantizeLSTM */
    unsigned coded;      /* constants that are codes: read by DequantizeLinear, MatMulNBits, ... */
    unsigned codes[C2S_DTYPE_COUNT]; /* of those, by the type that is stored */
    unsigned halves; /* constants and inputs of float16 and bfloat16, and Casts to them */
} c2s_form;

/* Of a model as it was loaded: neither types nor a current opset are needed. */
void c2s_form_of(const c2s_model *model, c2s_form *out);
/* Codes of activations are there: quantizing again would round twice. */
bool c2s_form_is_quantized(const c2s_form *form);
/* "QDQ (34 quantizers), 21 constants as int8"; "float". */
const char *c2s_form_text(const c2s_form *form, char *text, size_t size);

/* Operators on codes become QDQ, as quantized_form(to=qdq) does. */
c2s_status c2s_form_to_qdq(c2s_model *model, c2s_stats *stats);
/* Everything back to floats, as quantized_form(to=float) does. */
c2s_status c2s_form_to_float(c2s_model *model, c2s_stats *stats);

#endif
