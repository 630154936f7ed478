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

enum { C2S_POINTWISE_PARAMS = 3 };

typedef struct c2s_pointwise {
    c2s_block block;
    c2s_block finish;  /* of a fold, on its result; may be NULL */
    bool folds;        /* any number of inputs of type in[0], two at a time, from left to right */
    unsigned operands; /* else so many inputs of the node, in order */
    unsigned char slot[C2S_POINTWISE_INPUTS]; /* which */
    c2s_wide in[C2S_POINTWISE_INPUTS], out;
    union {
        double number[C2S_POINTWISE_PARAMS];
        bool flag[C2S_POINTWISE_PARAMS];
        size_t count;
        unsigned char bytes[C2S_POINTWISE_PARAMS * sizeof(double)];
    } params; /* what the block gets as `params` */
} c2s_pointwise;

/* ---- for operators: filling one in ---- */

/* The first `operands` inputs have this dtype, the output the same. */
c2s_status c2s_pointwise_same(c2s_pointwise *p, const c2s_blocks *blocks, c2s_dtype dtype,
                              unsigned operands);
/* The same for functions whose integer results wrap around, so that their low bits depend on low
 * bits alone: `low` has blocks for elements of 8, 16 and 32 bits, which need not be widened. */
c2s_status c2s_pointwise_wrapping(c2s_pointwise *p, const c2s_blocks *blocks,
                                  const c2s_block low[3], c2s_dtype dtype, unsigned operands);
/* With a bool output: the blocks write uint8_t. */
c2s_status c2s_pointwise_predicate(c2s_pointwise *p, const c2s_blocks *blocks, c2s_dtype dtype,
                                   unsigned operands);
/* Any number of inputs; `finish` (may be NULL) finds that number in params.count. */
c2s_status c2s_pointwise_fold(c2s_pointwise *p, const c2s_blocks *blocks, const c2s_blocks *finish,
                              c2s_dtype dtype, unsigned inputs);

/* ---- for drivers ---- */

/* The eval of operators that have `pointwise`. */
c2s_status c2s_pointwise_eval(c2s_eval *e);
/* out = block(in[0], in[1], ...), inputs broadcast to the shape of out; no fold. */
void c2s_pointwise_run(const c2s_pointwise *p, const c2s_tensor *const *in, unsigned in_count,
                       c2s_tensor *out);

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
/* NAME_low, the blocks of c2s_pointwise_wrapping: of x and y as uint32_t. */
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
