/* SPDX-License-Identifier: Apache-2.0 */
#include "ir/convert.h"

#include "ir/convert_bits.h"

float c2s_f16_to_f32(uint16_t bits) {
    return c2s_bits_f16_load(bits);
}

uint16_t c2s_f32_to_f16(float value) {
    return (uint16_t)c2s_bits_f16_store(value);
}

uint16_t c2s_f64_to_f16(double value) {
    return c2s_f32_to_f16(c2s_bits_odd(value));
}

float c2s_bf16_to_f32(uint16_t bits) {
    return c2s_bits_float((uint32_t)bits << 16);
}

uint16_t c2s_f32_to_bf16(float value) {
    return (uint16_t)c2s_bits_bf16_store(value);
}

float c2s_f8_to_f32(c2s_dtype dtype, uint8_t bits) {
    float value;
    c2s_load_f32(dtype, &bits, 0, 1, &value);
    return value;
}

uint8_t c2s_f32_to_f8(c2s_dtype dtype, float value, bool saturate) {
    uint8_t code = 0;
    c2s_store_f8(dtype, &code, 1, &value, saturate);
    return code;
}
