/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators on the bits of integers.
 */
#include <string.h>

#include "ops/pointwise.h"

#define BITWISE(symbol, name, ...)                                                                 \
    C2S_BLOCK2(symbol, u64, uint64_t, __VA_ARGS__)                                                 \
    C2S_LOW_BLOCKS2(symbol, __VA_ARGS__)                                                           \
    static const c2s_blocks symbol##_blocks = {.i64 = symbol##_u64, .u64 = symbol##_u64};          \
    static c2s_status symbol##_pointwise(const c2s_node *node, const c2s_fact *in,                 \
                                         c2s_pointwise *p) {                                       \
        (void)node;                                                                                \
        return c2s_pointwise_wrapping(p, &symbol##_blocks, symbol##_low, in[0].type->dtype, 2);    \
    }                                                                                              \
    const c2s_op c2s_op_##symbol = {.type = name,                                                  \
                                    .domain = "",                                                  \
                                    .inputs = {2, 2},                                              \
                                    .outputs = {1, 1},                                             \
                                    .quant = C2S_QUANT_ONLY(NONE),                                 \
                                    .flags = C2S_OP_ELEMENTWISE | C2S_OP_COMMUTATIVE,              \
                                    .infer = c2s_infer_broadcast_all,                              \
                                    .eval = c2s_pointwise_eval,                                    \
                                    .pointwise = symbol##_pointwise};

BITWISE(bitwise_and, "BitwiseAnd", (x & y))
BITWISE(bitwise_or, "BitwiseOr", x | y)
BITWISE(bitwise_xor, "BitwiseXor", x ^ y)

C2S_BLOCK1(bitwise_not, u64, uint64_t, ~x)
static const c2s_blocks bitwise_not_blocks = {.i64 = bitwise_not_u64, .u64 = bitwise_not_u64};
static c2s_status bitwise_not_pointwise(const c2s_node *node, const c2s_fact *in,
                                        c2s_pointwise *p) {
    (void)node;
    return c2s_pointwise_same(p, &bitwise_not_blocks, in[0].type->dtype, 1);
}
const c2s_op c2s_op_bitwise_not = {.type = "BitwiseNot",
                                   .domain = "",
                                   .inputs = {1, 1},
                                   .outputs = {1, 1},
                                   .quant = C2S_QUANT_ONLY(NONE),
                                   .flags = C2S_OP_ELEMENTWISE,
                                   .infer = c2s_infer_like_first,
                                   .eval = c2s_pointwise_eval,
                                   .pointwise = bitwise_not_pointwise};

/* Shifting by the width of the type or more leaves nothing; narrow types lose their high bits when
 * they are stored. */
C2S_BLOCK2(shift_left, u64, uint64_t, y < 64 ? x << y : 0)
C2S_BLOCK2(shift_right, u64, uint64_t, y < 64 ? x >> y : 0)
static const c2s_blocks shift_left_blocks = {.u64 = shift_left_u64};
static const c2s_blocks shift_right_blocks = {.u64 = shift_right_u64};
static c2s_status bit_shift_infer(c2s_infer *i) {
    const char *direction = c2s_attr_string(i->node, "direction", "");
    if (strcmp(direction, "LEFT") != 0 && strcmp(direction, "RIGHT") != 0)
        return c2s_fail(C2S_ERR_INVALID, "direction is \"%s\", expected \"LEFT\" or \"RIGHT\"",
                        direction);
    return c2s_infer_broadcast_all(i);
}
static c2s_status bit_shift_pointwise(const c2s_node *node, const c2s_fact *in, c2s_pointwise *p) {
    const bool left = strcmp(c2s_attr_string(node, "direction", ""), "LEFT") == 0;
    return c2s_pointwise_same(p, left ? &shift_left_blocks : &shift_right_blocks, in[0].type->dtype,
                              2);
}
static const c2s_attr_spec bit_shift_attrs[] = {{"direction", C2S_ATTR_STRING, true},
                                                {NULL, C2S_ATTR_UNDEFINED, false}};
const c2s_op c2s_op_bit_shift = {.type = "BitShift",
                                 .domain = "",
                                 .inputs = {2, 2},
                                 .outputs = {1, 1},
                                 .quant = C2S_QUANT_ONLY(NONE),
                                 .flags = C2S_OP_ELEMENTWISE,
                                 .attrs = bit_shift_attrs,
                                 .infer = bit_shift_infer,
                                 .eval = c2s_pointwise_eval,
                                 .pointwise = bit_shift_pointwise};
