/* SPDX-License-Identifier: Apache-2.0
 *
 * Elementwise functions of one tensor as oneDNN knows them.
 */
#ifndef C2S_RUNTIME_DNNL_ELTWISE_H
#define C2S_RUNTIME_DNNL_ELTWISE_H

#include "runtime/dnnl_primitive.h"

typedef struct c2s_eltwise {
    dnnl_alg_kind_t kind;
    float alpha, beta;
} c2s_eltwise;

/* What the step's node computes; false if oneDNN has no such function or a worse one. Relu is not
 * among them, since oneDNN's turns NaN into 0. */
bool c2s_eltwise_of(const c2s_step *step, c2s_eltwise *out);

#endif
