/* SPDX-License-Identifier: Apache-2.0
 *
 * The equation of Einsum, and sums of products of strided arrays over named axes.
 */
#ifndef C2S_OPS_EINSUM_H
#define C2S_OPS_EINSUM_H

#include "ops/op.h"
#include "ops/wide.h"

/* Labels: 0 .. 51 are letters; the axes that "..." stands for follow, counted from the right. */
enum { C2S_EINSUM_LETTERS = 52, C2S_EINSUM_LABELS = 52 + C2S_MAX_RANK, C2S_EINSUM_OPERANDS = 64 };

typedef struct c2s_einsum_term {
    int count;
    uint8_t label[C2S_MAX_RANK];
} c2s_einsum_term;

typedef struct c2s_einsum {
    unsigned operands;
    c2s_einsum_term in[C2S_EINSUM_OPERANDS], out; /* labels of out are distinct */
} c2s_einsum;

/* Reads the equation for operands of the given ranks. */
c2s_status c2s_einsum_parse(const char *equation, const int *rank, unsigned operands,
                            c2s_einsum *out);

/* out = sum over all labels that are not in `e->out` of the product of the inputs. `type`: static
 * types; data are arrays of the wide type (F32, F64 or U64); `out` is dense. */
c2s_status c2s_einsum_compute(const c2s_einsum *e, c2s_wide wide, const c2s_type *const *type,
                              const void *const *data, void *out);

#endif
