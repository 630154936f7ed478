/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of eight floats, exact to a few units in the last place. The coefficients are least
 * squares fits of the relative error, weighted until it was even.
 */
#ifndef C2S_RUNTIME_VECTOR_MATH_H
#define C2S_RUNTIME_VECTOR_MATH_H

#include "runtime/vector.h"

/* coefficients[0] + coefficients[1] * x + ... */
C2S_V8_INLINE c2s_v8 v8_polynomial(c2s_v8 x, const float *coefficients, int count) {
    c2s_v8 y = v8_set(coefficients[count - 1]);
    for (int i = count - 2; i >= 0; i--)
        y = v8_fma(y, x, v8_set(coefficients[i]));
    return y;
}

/* Below 2^-126: 0. */
C2S_V8_INLINE c2s_v8 v8_exp(c2s_v8 x) {
    static const float series[] = {
        1, 1, 0.4999999341f, 0.1666652010f, 4.166839428e-2f, 8.368780736e-3f, 1.381446381e-3f};
    c2s_v8 n = v8_round(x * v8_set(1.44269504f));
    n = v8_at_least(v8_at_most(n, v8_set(128)), v8_set(-127)); /* 2^-127 comes out as 0 */
    c2s_v8 in = v8_at_least(v8_at_most(x, v8_set(88.8f)), v8_set(-88));
    c2s_v8 rest = v8_fma(n, v8_set(-0.693145752f), in); /* ln 2 in two parts, the first short */
    rest = v8_fma(n, v8_set(-1.42860677e-6f), rest);
    c2s_v8 half = v8_at_most(n, v8_set(127)); /* 2^128 in two steps */
    return v8_polynomial(rest, series, 7) * v8_power_of_two(half) *
           v8_if_less(v8_set(127.5f), n, v8_set(2), v8_set(1));
}

C2S_V8_INLINE c2s_v8 v8_sigmoid(c2s_v8 x) {
    return v8_set(1) / (v8_set(1) + v8_exp(v8_set(0) - x));
}

C2S_V8_INLINE c2s_v8 v8_tanh(c2s_v8 x) {
    static const float p[] = {9.999999934e-1f,  1.308360915e-1f,  3.103507058e-3f,  1.114956702e-5f,
                              -2.020568064e-8f, 5.268341723e-11f, -8.463480855e-14f},
                       q[] = {1, 4.641693621e-1f, 2.449339337e-2f, 2.545488747e-4f};
    c2s_v8 in = v8_at_least(v8_at_most(x, v8_set(9.01f)), v8_set(-9.01f)), square = in * in;
    c2s_v8 y = in * v8_polynomial(square, p, 7) / v8_polynomial(square, q, 4);
    y = v8_at_least(v8_at_most(y, v8_set(1)), v8_set(-1));
    return v8_if_less(v8_set(9.01f), v8_abs(x), v8_with_sign(v8_set(1), x), y);
}

C2S_V8_INLINE c2s_v8 v8_erf(c2s_v8 x) {
    static const float p[] = {1.128379110f,    1.998861447e-1f,  5.056812678e-2f, 3.699959669e-3f,
                              1.418101402e-4f, -1.957676794e-6f, 1.992504071e-8f},
                       q[] = {1, 5.104761458e-1f, 1.149824403e-1f, 1.434986373e-2f,
                              9.556369783e-4f};
    c2s_v8 end = v8_set(3.92f), in = v8_at_least(v8_at_most(x, end), v8_set(-3.92f));
    c2s_v8 square = in * in;
    c2s_v8 y = in * v8_polynomial(square, p, 7) / v8_polynomial(square, q, 5);
    return v8_if_less(end, v8_abs(x), v8_with_sign(v8_set(1), x), y);
}

C2S_V8_INLINE c2s_v8 v8_gelu(c2s_v8 x) {
    c2s_v8 half = v8_set(0.5f) * x;
    return v8_fma(half, v8_erf(x * v8_set(0.707106781f)), half);
}

/* The form with tanh. */
C2S_V8_INLINE c2s_v8 v8_gelu_tanh(c2s_v8 x) {
    c2s_v8 half = v8_set(0.5f) * x;
    c2s_v8 inner = v8_set(0.797884561f) * v8_fma(v8_set(0.044715f) * x * x, x, x);
    return v8_fma(half, v8_tanh(inner), half);
}

#endif
