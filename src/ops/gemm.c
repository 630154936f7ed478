/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/gemm.h"

#include <stdbool.h>
#include <string.h>

#include "base/simd.h"

/* A unit of work is ROWS x COLUMNS of C; it goes through B in blocks of DEPTH rows, which stay in
 * the cache while the rows of A pass by. */
enum { ROWS = 64, COLUMNS = 256, DEPTH = 128, LANES = 8, FEW = 8 };

/* Products below this number of multiplications stay in one thread. */
#define PARALLEL_PRODUCTS ((double)(1 << 18))

static bool worth_threads(const c2s_gemm *g) {
    return (double)g->m * (double)g->n * (double)g->k >= PARALLEL_PRODUCTS;
}

#define T        float
#define OF(name) name##_f32
#include "ops/gemm_loops.inc"
#undef T
#undef OF

#define T        double
#define OF(name) name##_f64
#include "ops/gemm_loops.inc"
#undef T
#undef OF

#define T        uint32_t
#define OF(name) name##_u32
#include "ops/gemm_loops.inc"
#undef T
#undef OF

#define T        uint64_t
#define OF(name) name##_u64
#include "ops/gemm_loops.inc"
