/* SPDX-License-Identifier: Apache-2.0
 *
 * MatMul and Gemm with a constant matrix that DequantizeLinear makes of integers of 4 bits, or of 8
 * by blocks: the matrix is not made, its integers are multiplied (runtime/block_product.h).
 */
#ifndef C2S_RUNTIME_BLOCK_MATMUL_H
#define C2S_RUNTIME_BLOCK_MATMUL_H

#include "runtime/kernel.h"

/* Settles, while types are planned, that the step (DequantizeLinear) makes its output only where
 * somebody asks for it: out[0]->dequantizer. */
bool c2s_block_matmul_defers(c2s_step *step);
/* Prepares the step if its matrix is such; false: it is not, and nothing has changed. */
bool c2s_block_matmul_prepare(c2s_step *step);

#endif
