/* SPDX-License-Identifier: Apache-2.0
 *
 * Max, Min, Sum, Mean of any number of inputs, folded from left to right. NaN wins in Max and Min.
 */
#include "ops/contents.h"
#include "ops/pointwise.h"

#define VARIADIC(symbol, name, quantized, last, rule)                                              \
    static c2s_status symbol##_pointwise(const c2s_node *node, const c2s_fact *in,                 \
                                         c2s_pointwise *p) {                                       \
        return c2s_pointwise_fold(p, &symbol##_blocks, last, in[0].type->dtype,                    \
                                  node->formal_count);                                             \
    }                                                                                              \
    const c2s_op c2s_op_##symbol = {.type = name,                                                  \
                                    .domain = "",                                                  \
                                    .inputs = {1, C2S_VARIADIC},                                   \
                                    .outputs = {1, 1},                                             \
                                    .quant = C2S_QUANT_ARGUMENT quantized,                         \
                                    .flags = C2S_OP_ELEMENTWISE | C2S_OP_COMMUTATIVE,              \
                                    .infer = rule,                                                 \
                                    .eval = c2s_pointwise_eval,                                    \
                                    .pointwise = symbol##_pointwise};

C2S_FLOAT_BLOCKS2(max, x != x || x > y ? x : y)
C2S_BLOCK2(max, i64, int64_t, x > y ? x : y)
C2S_BLOCK2(max, u64, uint64_t, x > y ? x : y)
static const c2s_blocks max_blocks = {max_f32, max_f64, max_i64, max_u64};
static c2s_status max_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_broadcast_all(i));
    c2s_contents_fold(i, c2s_dim_max);
    return C2S_OK;
}
VARIADIC(max, "Max", (C2S_QUANT_VARIADIC(UNIFY)), NULL, max_infer)

C2S_FLOAT_BLOCKS2(min, x != x || x < y ? x : y)
C2S_BLOCK2(min, i64, int64_t, x < y ? x : y)
C2S_BLOCK2(min, u64, uint64_t, x < y ? x : y)
static const c2s_blocks min_blocks = {min_f32, min_f64, min_i64, min_u64};
static c2s_status min_infer(c2s_infer *i) {
    C2S_TRY(c2s_infer_broadcast_all(i));
    c2s_contents_fold(i, c2s_dim_min);
    return C2S_OK;
}
VARIADIC(min, "Min", (C2S_QUANT_VARIADIC(UNIFY)), NULL, min_infer)

C2S_FLOAT_BLOCKS2(sum, x + y)
static const c2s_blocks sum_blocks = {.f32 = sum_f32, .f64 = sum_f64};
VARIADIC(sum, "Sum", (C2S_QUANT_VARIADIC(OWN)), NULL, c2s_infer_broadcast_all)

C2S_FLOAT_BLOCKS1(mean_of, x / (T) * (const size_t *)p)
static const c2s_blocks mean_blocks = {.f32 = sum_f32, .f64 = sum_f64};
static const c2s_blocks mean_of_blocks = {.f32 = mean_of_f32, .f64 = mean_of_f64};
VARIADIC(mean, "Mean", (C2S_QUANT_VARIADIC(OWN)), &mean_of_blocks, c2s_infer_broadcast_all)
