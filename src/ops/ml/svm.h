/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels of support vector machines.
 */
#ifndef C2S_OPS_ML_SVM_H
#define C2S_OPS_ML_SVM_H

#include "ops/op.h"

typedef enum c2s_svm_kind {
    C2S_SVM_LINEAR,
    C2S_SVM_POLY,
    C2S_SVM_RBF,
    C2S_SVM_SIGMOID
} c2s_svm_kind;

typedef struct c2s_svm_kernel {
    c2s_svm_kind kind;
    double gamma, coef0, degree;
} c2s_svm_kernel;

/* Attributes kernel_type and kernel_params. */
c2s_status c2s_svm_kernel_read(const c2s_node *node, c2s_svm_kernel *kernel);
double c2s_svm_kernel_apply(const c2s_svm_kernel *kernel, size_t features, const double *x,
                            const float *vector);

#endif
