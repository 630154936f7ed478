/* SPDX-License-Identifier: Apache-2.0
 *
 * Counting multiply-accumulates: products of extents that saturate and take what is not known as 1.
 */
#ifndef C2S_OPS_MACS_H
#define C2S_OPS_MACS_H

#include "ops/op.h"

static inline int64_t c2s_macs_mul(int64_t a, int64_t b) {
    int64_t product;
    return c2s_mul_i64(a, b, &product) ? product : INT64_MAX;
}

/* Product of the extents from axis `from` to before axis `to`; to < 0: all that follow. */
static inline int64_t c2s_macs_extents(const c2s_type *type, int from, int to) {
    int64_t product = 1;
    int end = to < 0 || to > type->rank ? type->rank : to;
    for (int a = from; a < end; a++)
        if (c2s_dim_is_known(type->dim[a]))
            product = c2s_macs_mul(product, type->dim[a]);
    return product;
}

/* The same for an operand of a node: input or output `slot`; 1 if it is left out. */
static inline int64_t c2s_macs_input(const c2s_node *node, unsigned slot, int from, int to) {
    const c2s_value *value = c2s_node_in(node, slot);
    return value ? c2s_macs_extents(&value->type, from, to) : 1;
}

static inline int64_t c2s_macs_output(const c2s_node *node, unsigned slot, int from, int to) {
    const c2s_value *value = c2s_node_out(node, slot);
    return value ? c2s_macs_extents(&value->type, from, to) : 1;
}

#endif
