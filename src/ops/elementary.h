/* SPDX-License-Identifier: Apache-2.0
 *
 * Elementary functions without branches, for loops that vectorise: the same bits on every
 * processor and from every C library. They compute in double and are meant for results in float:
 * relative errors stay below 1e-12, so what is rounded to float is the correctly rounded result but
 * for about one argument in 10^5, and then its neighbour. c2s_exp is exact to 1 ulp of double.
 *
 * Powers series are Taylor's. The polynomials of erf are interpolations at Chebyshev's nodes.
 */
#ifndef C2S_OPS_ELEMENTARY_H
#define C2S_OPS_ELEMENTARY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/simd.h"

C2S_INLINE uint64_t c2s_double_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

C2S_INLINE double c2s_double_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Added to a double below 2^51, this leaves the nearest integer in the low bits. */
#define C2S_ROUND_MAGIC 0x1.8p52

/* 2^k for the integer k in the low bits of magic + k. */
C2S_INLINE double c2s_power_of_two(double with_magic) {
    return c2s_double_of((c2s_double_bits(with_magic) + 1023) << 52);
}

/* exp(r) - 1 for |r| <= ln(2) / 2. */
C2S_INLINE double c2s_exp_series(double r) {
    double p = 1.0 / 6227020800;
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    return p * (r * r) + r;
}

/* x = n ln(2) + r; returns r and magic + n. Exact products with the first part of ln(2). */
C2S_INLINE double c2s_exp_reduce(double x, double *with_magic) {
    *with_magic = x * 0x1.71547652b82fep+0 + C2S_ROUND_MAGIC;
    const double n = *with_magic - C2S_ROUND_MAGIC;
    return (x - n * 0x1.62e42fefa38p-1) - n * 0x1.ef35793c7673p-45;
}

C2S_INLINE double c2s_clamp(double x, double least, double most) {
    x = x < least ? least : x;
    return x > most ? most : x;
}

/* Any double; results below the normal numbers are rounded once. */
C2S_INLINE double c2s_exp(double x) {
    double whole;
    const double r = c2s_exp_reduce(c2s_clamp(x, -800, 800), &whole);
    const double half = (whole - C2S_ROUND_MAGIC) * 0.5 + C2S_ROUND_MAGIC;
    const double rest = (whole - C2S_ROUND_MAGIC) - (half - C2S_ROUND_MAGIC) + C2S_ROUND_MAGIC;
    return (1 + c2s_exp_series(r)) * c2s_power_of_two(half) * c2s_power_of_two(rest);
}

/* Beyond -200 .. 200, hence beyond every float: 0 and infinity. */
C2S_INLINE double c2s_exp_near(double x) {
    double whole;
    const double r = c2s_exp_reduce(c2s_clamp(x, -200, 200), &whole);
    const double scale = c2s_power_of_two(whole), value = c2s_exp_series(r) * scale + scale;
    return x > 200 ? HUGE_VAL : x < -200 ? 0 : value;
}

C2S_INLINE double c2s_expm1_near(double x) {
    double whole;
    const double r = c2s_exp_reduce(c2s_clamp(x, -200, 200), &whole);
    const double scale = c2s_power_of_two(whole);
    return c2s_exp_series(r) * scale + (scale - 1);
}

/* Of a positive normal double: x = 2^k m, m in [sqrt(1/2), sqrt(2)), s = (m - 1) / (m + 1),
 * log(m) = 2 (s + s^3 / 3 + s^5 / 5 + ...). */
C2S_INLINE double c2s_log_normal(double x) {
    const uint64_t root = 0x3fe6a09e667f3bcd,
                   shifted = c2s_double_bits(x) + 0x3ff0000000000000 - root;
    const double k = c2s_double_of(0x4330000000000000 | shifted >> 52) - (0x1p52 + 1023);
    const double m = c2s_double_of((shifted & 0x000fffffffffffff) + root);
    const double s = (m - 1) / (m + 1), z = s * s;
    double p = 2.0 / 21;
    p = p * z + 2.0 / 19;
    p = p * z + 2.0 / 17;
    p = p * z + 2.0 / 15;
    p = p * z + 2.0 / 13;
    p = p * z + 2.0 / 11;
    p = p * z + 2.0 / 9;
    p = p * z + 2.0 / 7;
    p = p * z + 2.0 / 5;
    p = p * z + 2.0 / 3;
    return k * 0x1.62e42fefa38p-1 + (s * 2 + (s * (z * p) + k * 0x1.ef35793c7673p-45));
}

/* Of a float. */
C2S_INLINE double c2s_log_near(double x) {
    const double log = c2s_log_normal(x);
    const double special = x == 0 ? -HUGE_VAL : (double)NAN;
    const double positive = x < HUGE_VAL ? log : x;
    return x > 0 ? positive : special;
}

/* Of 0 <= x <= 1: what 1 + x lost is added again. */
C2S_INLINE double c2s_log1p_unit(double x) {
    const double u = 1 + x;
    return c2s_log_normal(u) + (x - (u - 1)) / u;
}

C2S_INLINE double c2s_tanh_near(double x) {
    const double a = fabs(x), e = c2s_exp_near(-2 * a), z = x * x;
    const double series =
        x * (1 + z * (-1.0 / 3 + z * (2.0 / 15 + z * (-17.0 / 315 + z * (62.0 / 2835)))));
    return a < 0.0625 ? series : copysign((1 - e) / (1 + e), x);
}

C2S_INLINE double c2s_sigmoid_near(double x) {
    return 1 / (1 + c2s_exp_near(-x));
}

/* log(1 + exp(x)) */
C2S_INLINE double c2s_softplus_near(double x) {
    return (x > 0 ? x : 0) + c2s_log1p_unit(c2s_exp_near(-fabs(x)));
}

/* x tanh(log(1 + n)) with n = exp(x), which is n (n + 2) / (n (n + 2) + 2); 1 from x = 40 on. */
C2S_INLINE double c2s_mish_near(double x) {
    const double n = c2s_exp_near(x > 40 ? 40 : x), w = n * (n + 2);
    return x * (w / (w + 2));
}

/* x^y of floats but for zeros, infinities and NaN. Of a negative x the integer y gives the sign. */
C2S_INLINE double c2s_pow_near(double x, double y) {
    const double size = c2s_exp_near(y * c2s_log_normal(fabs(x)));
    const double whole = y + C2S_ROUND_MAGIC, near = whole - C2S_ROUND_MAGIC;
    const uint64_t odd = fabs(y) < 0x1p24 ? c2s_double_bits(whole) << 63 : 0;
    const double is_signed = c2s_double_of(c2s_double_bits(size) | odd);
    const double negative = near == y || fabs(y) >= 0x1p24 ? is_signed : (double)NAN;
    const double value = x < 0 ? negative : size;
    return y == 2 ? x * x : value;
}

/* erf(x) / x for |x| <= 1. */
C2S_INLINE double c2s_erf_series(double x) {
    const double z = x * x;
    double p = 0x1.43c85442bcd56p-27;
    p = p * z - 0x1.461e5a8d3ae54p-23;
    p = p * z + 0x1.b5d177c57bdecp-20;
    p = p * z - 0x1.f4680f04b34f5p-17;
    p = p * z + 0x1.f99c286256fc2p-14;
    p = p * z - 0x1.c02d68215c70fp-11;
    p = p * z + 0x1.565bcb0dae915p-8;
    p = p * z - 0x1.b82ce302cffa8p-6;
    p = p * z + 0x1.ce2f21a004150p-4;
    p = p * z - 0x1.812746b0373e4p-2;
    return p * z + 0x1.20dd750429b6cp+0;
}

/* erfc(a) for a >= 0.9: exp(-a^2) p(t) / (a + 3) with t = (a - 3) / (a + 3). */
C2S_INLINE double c2s_erfc_tail(double a) {
    const double near = c2s_clamp(a, 0.9, 12), t = (near - 3) / (near + 3);
    double p = -0x1.0ab9283df4203p-16;
    p = p * t + 0x1.b97416b9860c8p-16;
    p = p * t + 0x1.c295d434b1d64p-14;
    p = p * t - 0x1.20add876e53adp-12;
    p = p * t - 0x1.1f842491369cdp-11;
    p = p * t + 0x1.8da571b7c763cp-9;
    p = p * t - 0x1.3dd2752348f36p-10;
    p = p * t - 0x1.b7897b24320fep-6;
    p = p * t + 0x1.e995f0a0c1fd8p-4;
    p = p * t - 0x1.3deb215072a83p-2;
    p = p * t + 0x1.2e32694647ff2p-1;
    p = p * t - 0x1.c44c471b94e58p-1;
    p = p * t + 0x1.12f21ddd9f264p+0;
    return c2s_exp_near(-(a * a)) * p / (near + 3);
}

C2S_INLINE double c2s_erf_near(double x) {
    const double a = fabs(x);
    return a < 1 ? x * c2s_erf_series(x) : copysign(1 - c2s_erfc_tail(a), x);
}

C2S_INLINE double c2s_erfc_near(double x) {
    const double a = fabs(x), tail = c2s_erfc_tail(a);
    return a < 1 ? 1 - x * c2s_erf_series(x) : x < 0 ? 2 - tail : tail;
}

/* Sine and cosine of |x| <= 2^20: x = n pi/2 + r, n pi/2 in three parts of which the first two give
 * exact products. `quarters` is added to n: 0 for sine, 1 for cosine. */
C2S_INLINE double c2s_sine_near(double x, uint64_t quarters) {
    const double whole = x * 0x1.45f306dc9c883p-1 + C2S_ROUND_MAGIC, n = whole - C2S_ROUND_MAGIC;
    const double r = ((x - n * 0x1.921fb544p+0) - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69;
    const double z = r * r;
    double s = -1.0 / 1307674368000, c = 1.0 / 20922789888000;
    s = s * z + 1.0 / 6227020800;
    s = s * z - 1.0 / 39916800;
    s = s * z + 1.0 / 362880;
    s = s * z - 1.0 / 5040;
    s = s * z + 1.0 / 120;
    s = s * z - 1.0 / 6;
    s = r * (s * z + 1);
    c = c * z - 1.0 / 87178291200;
    c = c * z + 1.0 / 479001600;
    c = c * z - 1.0 / 3628800;
    c = c * z + 1.0 / 40320;
    c = c * z - 1.0 / 720;
    c = c * z + 1.0 / 24;
    c = c * z - 0.5;
    c = c * z + 1;
    const uint64_t quarter = c2s_double_bits(whole) + quarters;
    const double value = quarter & 1 ? c : s;
    return c2s_double_of(c2s_double_bits(value) ^ (quarter & 2) << 62);
}

#endif
