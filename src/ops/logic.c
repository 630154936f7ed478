/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparisons and the logic of bools.
 */
#include <string.h>

#include "ops/contents.h"
#include "ops/pointwise.h"

#define BINARY(symbol, name, quantized, traits, rule, function)                                    \
    const c2s_op c2s_op_##symbol = {.type = name,                                                  \
                                    .domain = "",                                                  \
                                    .inputs = {2, 2},                                              \
                                    .outputs = {1, 1},                                             \
                                    .quant = C2S_QUANT_ARGUMENT quantized,                         \
                                    .flags = C2S_OP_ELEMENTWISE | (traits),                        \
                                    .infer = rule,                                                 \
                                    .eval = c2s_pointwise_eval,                                    \
                                    .pointwise = function};

#define COMPARISON(symbol, name, contents, operation)                                              \
    C2S_TEST2(symbol, f32, float, x operation y)                                                   \
    C2S_TEST2(symbol, f64, double, x operation y)                                                  \
    C2S_TEST2(symbol, i64, int64_t, x operation y)                                                 \
    C2S_TEST2(symbol, u64, uint64_t, x operation y)                                                \
    static const c2s_blocks symbol##_blocks = {symbol##_f32, symbol##_f64, symbol##_i64,           \
                                               symbol##_u64};                                      \
    static c2s_status symbol##_infer(c2s_infer *i) {                                               \
        C2S_TRY(c2s_infer_predicate(i));                                                           \
        c2s_contents_fold(i, contents);                                                            \
        return C2S_OK;                                                                             \
    }
#define ORDERING(symbol, name, contents, operation)                                                \
    COMPARISON(symbol, name, contents, operation)                                                  \
    static c2s_status symbol##_pointwise(const c2s_node *node, const c2s_fact *in,                 \
                                         c2s_pointwise *p) {                                       \
        (void)node;                                                                                \
        return c2s_pointwise_predicate(p, &symbol##_blocks, in[0].type->dtype, 2);                 \
    }                                                                                              \
    BINARY(symbol, name, (C2S_QUANT_SLOTS(UNIFY, 3u, 0u)), 0, symbol##_infer, symbol##_pointwise)

ORDERING(less, "Less", c2s_dim_less, <)
ORDERING(less_or_equal, "LessOrEqual", c2s_dim_less_equal, <=)
ORDERING(greater, "Greater", c2s_dim_greater, >)
ORDERING(greater_or_equal, "GreaterOrEqual", c2s_dim_greater_equal, >=)

COMPARISON(equal, "Equal", c2s_dim_equal, ==)
static void equal_strings(const void *const *in, void *out, size_t n, const void *p) {
    const c2s_string *x = in[0], *y = in[1];
    uint8_t *r = out;
    (void)p;
    for (size_t k = 0; k < n; k++)
        r[k] = x[k].size == y[k].size &&
               (x[k].size == 0 || memcmp(x[k].data, y[k].data, x[k].size) == 0);
}
static c2s_status equal_pointwise(const c2s_node *node, const c2s_fact *in, c2s_pointwise *p) {
    (void)node;
    if (in[0].type->dtype != C2S_STRING)
        return c2s_pointwise_predicate(p, &equal_blocks, in[0].type->dtype, 2);
    *p = (c2s_pointwise){.block = equal_strings,
                         .operands = 2,
                         .slot = {0, 1},
                         .in = {C2S_WIDE_RAW16, C2S_WIDE_RAW16},
                         .out = C2S_WIDE_RAW1};
    return C2S_OK;
}
BINARY(equal, "Equal", (C2S_QUANT_SLOTS(UNIFY, 3u, 0u)), C2S_OP_COMMUTATIVE, equal_infer,
       equal_pointwise)

static c2s_status bools_infer(c2s_infer *i) {
    for (unsigned k = 0; k < i->in_count; k++) {
        const c2s_dtype dtype = c2s_infer_type(i, k)->dtype;
        if (dtype && dtype != C2S_BOOL)
            return c2s_fail(C2S_ERR_INVALID, "input %u has elements of type %s, expected bool", k,
                            c2s_dtype_name(dtype));
    }
    return c2s_infer_predicate(i);
}
static c2s_status bools_pointwise(c2s_pointwise *p, c2s_block block, unsigned operands) {
    *p = (c2s_pointwise){.block = block,
                         .operands = operands,
                         .slot = {0, 1},
                         .in = {C2S_WIDE_RAW1, C2S_WIDE_RAW1},
                         .out = C2S_WIDE_RAW1};
    return C2S_OK;
}
#define LOGIC(symbol, name, ...)                                                                   \
    C2S_TEST2(symbol, u8, uint8_t, __VA_ARGS__)                                                    \
    static c2s_status symbol##_pointwise(const c2s_node *node, const c2s_fact *in,                 \
                                         c2s_pointwise *p) {                                       \
        (void)node;                                                                                \
        (void)in;                                                                                  \
        return bools_pointwise(p, symbol##_u8, 2);                                                 \
    }                                                                                              \
    BINARY(symbol, name, (C2S_QUANT_ONLY(NONE)), C2S_OP_COMMUTATIVE, bools_infer,                  \
           symbol##_pointwise)

LOGIC(and, "And", (x != 0) & (y != 0))
LOGIC(or, "Or", (x != 0) | (y != 0))
LOGIC(xor, "Xor", (x != 0) ^ (y != 0))

C2S_TEST1(not, u8, uint8_t, x == 0)
static c2s_status not_pointwise(const c2s_node *node, const c2s_fact *in, c2s_pointwise *p) {
    (void)node;
    (void)in;
    return bools_pointwise(p, not_u8, 1);
}
const c2s_op c2s_op_not = {.type = "Not",
                           .domain = "",
                           .inputs = {1, 1},
                           .outputs = {1, 1},
                           .quant = C2S_QUANT_ONLY(NONE),
                           .flags = C2S_OP_ELEMENTWISE,
                           .infer = bools_infer,
                           .eval = c2s_pointwise_eval,
                           .pointwise = not_pointwise};
