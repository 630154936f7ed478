/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the pass quantized_form, one topic per file; quantized_form.c lists them.
 */
#ifndef C2S_PASSES_QUANT_FORM_RULES_H
#define C2S_PASSES_QUANT_FORM_RULES_H

#include "rewrite/builder.h"

/* ---- operators on codes and quantizers around operators ---- */
extern const c2s_rule c2s_rule_qoperator_qdq;                             /* form_qdq.c */
extern const c2s_rule c2s_rule_qdq_qoperator, c2s_rule_qdq_qoperator_ort; /* form_qoperator.c */
extern const c2s_rule c2s_rule_qdq_codes;                                 /* form_codes.c */

/* ---- to floats ---- */
extern const c2s_rule c2s_rule_pair_float, c2s_rule_codes_float,
    c2s_rule_codes_moved; /* form_float.c */
extern const c2s_rule c2s_rule_dynamic_float, c2s_rule_dynamic_matmul_float,
    c2s_rule_integer_matmul_float;                                 /* form_dynamic.c */
extern const c2s_rule c2s_rule_nbits_float, c2s_rule_gather_float; /* form_blocks.c */

/* ---- form_parts.c: what several of them take ---- */

/* A DequantizeLinear of these; `axis` counts if there are several scales, `zero` may be NULL. A
 * single scale becomes a scalar if it is constant, a single zero point beside several scales as
 * many as there are scales. NULL: failed. */
c2s_value *c2s_form_dequantize(c2s_builder *b, c2s_value *codes, c2s_value *scale, c2s_value *zero,
                               int axis);
/* Has DequantizeLinear, as above, such zero points beside such scales? */
bool c2s_form_zero_fits(const c2s_value *scale, const c2s_value *zero);
/* A constant of one element as a scalar; other values as they are, NULL too. */
c2s_value *c2s_form_scalar(c2s_builder *b, c2s_value *value);

/* The node that makes a value; NULL: it is given, or a constant. */
c2s_node *c2s_form_maker(const c2s_value *value);
/* The same if it is a DequantizeLinear of ai.onnx. */
const c2s_node *c2s_form_dequantizer(const c2s_value *value);
/* Codes of 8 bits: int8 or uint8. */
bool c2s_form_is_byte(c2s_dtype dtype);
/* The result has elements of the operands (those that its quantization rule names) and nothing
 * else, which may be codes as well as floats. */
bool c2s_form_moves(const c2s_node *node);

/* How many operands a node has at most that these rules rebuild. */
enum { C2S_FORM_INPUTS = 2 + 3 * 64 };

#endif
