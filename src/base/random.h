/* SPDX-License-Identifier: Apache-2.0
 *
 * Deterministic random numbers, the same on every machine: the splitmix64 generator (Steele, Lea,
 * Flood, OOPSLA 2014, doi:10.1145/2660193.2660195). Not for secrets.
 */
#ifndef C2S_BASE_RANDOM_H
#define C2S_BASE_RANDOM_H

#include <stdint.h>

typedef struct c2s_random {
    uint64_t state; /* the seed */
} c2s_random;

static inline uint64_t c2s_random_bits(c2s_random *random) {
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* In [0, 1). */
static inline double c2s_random_uniform(c2s_random *random) {
    return (double)(c2s_random_bits(random) >> 11) * 0x1p-53;
}

/* In [low, high]; high >= low. The bias is below 2^-32 for ranges below 2^32. */
static inline int64_t c2s_random_integer(c2s_random *random, int64_t low, int64_t high) {
    uint64_t range = (uint64_t)high - (uint64_t)low + 1;
    uint64_t bits = c2s_random_bits(random);
    return range == 0 ? (int64_t)bits : (int64_t)((uint64_t)low + bits % range);
}

/* Normal with mean 0 and variance 1, by the sum of 12 uniform numbers (|x| <= 6): no libm call
 * whose last bit differs between machines. */
static inline double c2s_random_normal(c2s_random *random) {
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += c2s_random_uniform(random);
    return sum;
}

#endif
