/* SPDX-License-Identifier: Apache-2.0
 *
 * Which code of a quantized weight stands for 0: its zero point, one for all, one per channel or
 * one per block.
 */
#ifndef C2S_PASSES_PRUNE_ZERO_CODE_H
#define C2S_PASSES_PRUNE_ZERO_CODE_H

#include "ir/graph.h"

typedef struct c2s_zero_codes {
    const c2s_tensor *points;                    /* NULL: 0 */
    int64_t dim[C2S_MAX_RANK], of[C2S_MAX_RANK]; /* extents of the weight, of the zero points */
    int rank;
} c2s_zero_codes;

/* Of a constant as an operand of a node. */
c2s_zero_codes c2s_zero_codes_of(const c2s_use *use);
double c2s_zero_code_at(const c2s_zero_codes *zeros, size_t element);

#endif
