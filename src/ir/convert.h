/* SPDX-License-Identifier: Apache-2.0
 *
 * Element conversion. Floats are rounded to nearest, ties to even, as the ONNX Cast operator
 * demands; the small float formats follow IEEE 754-2019, the OCP OFP8 specification (E4M3FN, E5M2),
 * the FNUZ formats of arXiv:2206.02915, and the OCP MX specification (E2M1, E8M0).
 */
#ifndef C2S_IR_CONVERT_H
#define C2S_IR_CONVERT_H

#include "ir/dtype.h"

float c2s_f16_to_f32(uint16_t bits);
uint16_t c2s_f32_to_f16(float value);
uint16_t c2s_f64_to_f16(double value);
float c2s_bf16_to_f32(uint16_t bits);
uint16_t c2s_f32_to_bf16(float value);
/* The 8- and 4-bit formats. `saturate`: out-of-range values and infinities become the largest
 * finite value of the sign; else NaN or infinity as the format has it. */
float c2s_f8_to_f32(c2s_dtype format, uint8_t bits);
uint8_t c2s_f32_to_f8(c2s_dtype format, float value, bool saturate);

/* Codes of the 8- and 4-bit formats, a byte each. */
void c2s_store_f8(c2s_dtype format, uint8_t *codes, size_t count, const float *in, bool saturate);

/* Arrays between a dtype's storage and float, double or int64. `start` counts elements (4- and
 * 2-bit types need not start at a byte). Integers narrow by wrapping around unless said otherwise;
 * floats to integers truncate towards zero. Complex, string: not accepted (assert). */
void c2s_load_f32(c2s_dtype dtype, const void *data, size_t start, size_t count, float *out);
void c2s_store_f32(c2s_dtype dtype, void *data, size_t start, size_t count, const float *in);
void c2s_load_f64(c2s_dtype dtype, const void *data, size_t start, size_t count, double *out);
void c2s_store_f64(c2s_dtype dtype, void *data, size_t start, size_t count, const double *in);
void c2s_load_i64(c2s_dtype dtype, const void *data, size_t start, size_t count, int64_t *out);
void c2s_store_i64(c2s_dtype dtype, void *data, size_t start, size_t count, const int64_t *in);

#endif
