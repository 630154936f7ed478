/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators whose output elements depend on the elements at the same place of the (broadcast)
 * inputs. Such an operator is a set of block functions, one per wide type; the driver widens the
 * inputs block by block, so the loops run over contiguous arrays.
 */
#ifndef C2S_OPS_POINTWISE_H
#define C2S_OPS_POINTWISE_H

#include "base/simd.h"
#include "ops/broadcast.h"
#include "ops/infer_tensor.h"

enum { C2S_POINTWISE_INPUTS = 3, C2S_BLOCK_ELEMENTS = 512 };

/* Computes n elements. in[k] is NULL for an input left out. `params` is the operator's own. */
typedef void (*c2s_block)(const void *const *in, void *out, size_t n, const void *params);

typedef struct c2s_blocks {
    c2s_block f32, f64, i64, u64; /* NULL: the operator does not take such elements */
} c2s_blocks;

/* The block function for a dtype; fails if there is none. */
c2s_status c2s_blocks_pick(const c2s_blocks *blocks, c2s_dtype dtype, c2s_block *out);

typedef struct c2s_pointwise {
    c2s_block block;
    c2s_wide in[C2S_POINTWISE_INPUTS];
    c2s_wide out;
    const void *params;
} c2s_pointwise;

/* out = block(in[0], in[1], ...), inputs broadcast to the shape of out. */
void c2s_pointwise_run(const c2s_pointwise *p, const c2s_tensor *const *in, unsigned in_count,
                       c2s_tensor *out);

/* The first `operands` inputs have one dtype, the output the same. */
c2s_status c2s_pointwise_eval(c2s_eval *e, const c2s_blocks *blocks, unsigned operands,
                              const void *params);
/* The same for functions whose integer results wrap around, so that their low bits depend on low
 * bits alone: `low` has blocks for elements of 8, 16 and 32 bits, which need not be widened. */
c2s_status c2s_wrapping_eval(c2s_eval *e, const c2s_blocks *blocks, const c2s_block low[3],
                             unsigned operands);
/* The same with a bool output: the blocks write uint8_t. */
c2s_status c2s_predicate_eval(c2s_eval *e, const c2s_blocks *blocks, unsigned operands,
                              const void *params);
/* Folds any number of inputs with a two-operand block; then applies `finish` (may be NULL) with
 * the number of inputs as a const size_t * in params. */
c2s_status c2s_variadic_eval(c2s_eval *e, const c2s_blocks *blocks, const c2s_blocks *finish);

/* ---- writing block functions ----
 * C2S_BLOCK1(name, f32, float, expression of x) defines name_f32; inside, T is the wide type and
 * p the params pointer. C2S_BLOCK2: of x and y. C2S_TEST1, C2S_TEST2: bool results. */
#define C2S_BLOCK_PARAMETERS (const void *const *in, void *out, size_t n, const void *p)
#define C2S_BLOCK_LOOP(name, ...)                                                                  \
    C2S_INLINE void name##_loop C2S_BLOCK_PARAMETERS {                                             \
        (void)p;                                                                                   \
        __VA_ARGS__                                                                                \
    }                                                                                              \
    C2S_SIMD(name, name##_loop, C2S_BLOCK_PARAMETERS, (in, out, n, p))
#define C2S_UNARY_LOOP(name, suffix, type, result, ...)                                            \
    C2S_BLOCK_LOOP(                                                                                \
        name##_##suffix, typedef type T; const T *restrict a_ = in[0]; result *restrict r_ = out;  \
        for (size_t i_ = 0; i_ < n; i_++) {                                                        \
            const T x = a_[i_];                                                                    \
            r_[i_] = (result)(__VA_ARGS__);                                                        \
        })
#define C2S_BINARY_LOOP(name, suffix, type, result, ...)                                           \
    C2S_BLOCK_LOOP(                                                                                \
        name##_##suffix, typedef type T; const T *restrict a_ = in[0];                             \
        const T *restrict b_ = in[1]; result *restrict r_ = out;                                   \
        for (size_t i_ = 0; i_ < n; i_++) {                                                        \
            const T x = a_[i_], y = b_[i_];                                                        \
            r_[i_] = (result)(__VA_ARGS__);                                                        \
        })
/* NAME_low, the blocks of c2s_wrapping_eval: of x and y as uint32_t. */
#define C2S_LOW_LOOP(name, suffix, type, ...)                                                      \
    C2S_BLOCK_LOOP(                                                                                \
        name##_##suffix, const type *restrict a_ = in[0]; const type *restrict b_ = in[1];         \
        type *restrict r_ = out; for (size_t i_ = 0; i_ < n; i_++) {                               \
            const uint32_t x = a_[i_], y = b_[i_];                                                 \
            r_[i_] = (type)(__VA_ARGS__);                                                          \
        })
#define C2S_LOW_BLOCKS2(name, ...)                                                                 \
    C2S_LOW_LOOP(name, low8, uint8_t, __VA_ARGS__)                                                 \
    C2S_LOW_LOOP(name, low16, uint16_t, __VA_ARGS__)                                               \
    C2S_LOW_LOOP(name, low32, uint32_t, __VA_ARGS__)                                               \
    static const c2s_block name##_low[3] = {name##_low8, name##_low16, name##_low32};
#define C2S_BLOCK1(name, suffix, type, ...) C2S_UNARY_LOOP(name, suffix, type, type, __VA_ARGS__)
#define C2S_BLOCK2(name, suffix, type, ...) C2S_BINARY_LOOP(name, suffix, type, type, __VA_ARGS__)
#define C2S_TEST1(name, suffix, type, ...)  C2S_UNARY_LOOP(name, suffix, type, uint8_t, __VA_ARGS__)
#define C2S_TEST2(name, suffix, type, ...)  C2S_BINARY_LOOP(name, suffix, type, uint8_t, __VA_ARGS__)
#define C2S_FLOAT_BLOCKS1(name, ...)                                                               \
    C2S_BLOCK1(name, f32, float, __VA_ARGS__) C2S_BLOCK1(name, f64, double, __VA_ARGS__)
#define C2S_FLOAT_BLOCKS2(name, ...)                                                               \
    C2S_BLOCK2(name, f32, float, __VA_ARGS__) C2S_BLOCK2(name, f64, double, __VA_ARGS__)

#endif
