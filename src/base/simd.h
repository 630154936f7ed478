/* SPDX-License-Identifier: Apache-2.0
 *
 * Loops that are compiled twice: for every processor, and for those with AVX2, which are recognised
 * when the program runs. Both give the same bits: neither contracts a * b + c nor reorders sums.
 */
#ifndef C2S_BASE_SIMD_H
#define C2S_BASE_SIMD_H

/* In front of the functions that such a loop is made of. */
#define C2S_INLINE static inline __attribute__((always_inline))

/* Defines `static void name parameters`, which calls `loop`, a C2S_INLINE function, with
 * `arguments`:
 *     C2S_INLINE void scale_loop(float *x, size_t n, float by) { ... }
 *     C2S_SIMD(scale, scale_loop, (float *x, size_t n, float by), (x, n, by)) */
#define C2S_SIMD(...) C2S_SIMD_EXPANDED(__VA_ARGS__)
#if defined(__x86_64__)
#define C2S_SIMD_EXPANDED(name, loop, parameters, arguments)                                       \
    __attribute__((target("avx2"))) static void name##_avx2 parameters {                           \
        loop arguments;                                                                            \
    }                                                                                              \
    static void name parameters {                                                                  \
        if (__builtin_cpu_supports("avx2"))                                                        \
            name##_avx2 arguments;                                                                 \
        else                                                                                       \
            loop arguments;                                                                        \
    }
#else
#define C2S_SIMD_EXPANDED(name, loop, parameters, arguments)                                       \
    static void name parameters {                                                                  \
        loop arguments;                                                                            \
    }
#endif

#endif
