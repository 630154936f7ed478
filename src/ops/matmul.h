/* SPDX-License-Identifier: Apache-2.0
 *
 * The shape rules of numpy's matmul, for every operator that multiplies stacks of matrices.
 */
#ifndef C2S_OPS_MATMUL_H
#define C2S_OPS_MATMUL_H

#include "ops/gemm.h"
#include "ops/op.h"

/* Shape of a product: `out` gets rank and dims. One-axis operands stand for a row (a) or column (b)
 * whose axis is left out of the result. Unknown ranks give an unknown rank. */
c2s_status c2s_matmul_infer(const c2s_infer *i, const c2s_type *a, const c2s_type *b,
                            c2s_type *out);

/* A product of static types as `batches` products of matrices. */
typedef struct c2s_matmul {
    c2s_gemm gemm;
    size_t batches;
    int rank;                                                                /* of the batch axes */
    size_t extent[C2S_MAX_RANK], a_step[C2S_MAX_RANK], b_step[C2S_MAX_RANK]; /* in matrices */
} c2s_matmul;
void c2s_matmul_plan(const c2s_type *a, const c2s_type *b, c2s_matmul *out);
/* Index of the operands' matrices for one batch. */
void c2s_matmul_batch(const c2s_matmul *plan, size_t batch, size_t *a, size_t *b);

/* All batches of the product; arrays of float, double, or wrapping integers. */
void c2s_matmul_f32(const c2s_matmul *plan, const float *a, const float *b, float *c);
void c2s_matmul_f64(const c2s_matmul *plan, const double *a, const double *b, double *c);
void c2s_matmul_u32(const c2s_matmul *plan, const uint32_t *a, const uint32_t *b, uint32_t *c);
void c2s_matmul_u64(const c2s_matmul *plan, const uint64_t *a, const uint64_t *b, uint64_t *c);

/* Multiply-accumulates of a node whose inputs `a` and output 0 are those of a matmul. */
int64_t c2s_matmul_macs(const c2s_node *node, unsigned a);

#endif
