/* SPDX-License-Identifier: Apache-2.0
 *
 * For joint_basis.c, which finds coordinates, and joint_basis_change.c, which changes to them.
 */
#ifndef C2S_PASSES_MEASURE_JOINT_BASIS_STATE_H
#define C2S_PASSES_MEASURE_JOINT_BASIS_STATE_H

#include "base/vec.h"
#include "passes/measure/joint_basis.h"
#include "passes/measure/linear_site.h"

/* A weight, and the bias behind it. */
typedef struct c2s_joint_layer {
    c2s_linear_site site;
    size_t weight, bias; /* where they are among all parameters */
    bool has_bias;
    bool *gone;                     /* [groups, k]: inputs whose weights are 0, and stay so */
    double rows;                    /* of each group, that were summed over */
    double *moment, *sum;           /* [groups, k, k], [groups, k]: of what the weight reads */
    float *factor, *inverse, *mean; /* L, its inverse, m, by group */
    float *from, *to;               /* [n, k]: while coordinates change */
} c2s_joint_layer;

struct c2s_joint_basis {
    C2S_VEC(c2s_joint_layer) layers;
    size_t count; /* of all parameters */
};

/* Element (i, j) of the weight of a group, among all parameters. */
static inline size_t c2s_joint_layer_index(const c2s_joint_layer *l, size_t g, size_t i, size_t j) {
    return l->weight + g * l->site.group_step + i * l->site.k_step + j * l->site.n_step;
}

#endif
