/* SPDX-License-Identifier: Apache-2.0
 *
 * What the operators of ai.onnx.ml share: rows of features, scores and their transforms, labels.
 */
#ifndef C2S_OPS_ML_H
#define C2S_OPS_ML_H

#include "ops/op.h"

/* A matrix of real numbers: [N, C], or [C] as one row. */
typedef struct c2s_features {
    size_t rows, columns;
    double *at; /* free() */
} c2s_features;
c2s_status c2s_features_read(const c2s_tensor *tensor, c2s_features *out);

/* Multiply-accumulates of linear models and of support vectors: rows times coefficients, and rows
 * times the numbers of the vectors, whatever the kernel. */
int64_t c2s_coefficient_macs(const c2s_node *node);

/* Types of rows: [N] and [N, columns] where input 0 is [N, C] or [C]. */
c2s_type c2s_rows_type(const c2s_infer *i, c2s_dtype dtype);
c2s_type c2s_table_type(const c2s_infer *i, c2s_dtype dtype, c2s_dim columns);
/* Fails unless input 0 is a tensor of real numbers of rank 1 or 2, as far as known. */
c2s_status c2s_features_need(const c2s_infer *i);

typedef enum c2s_transform {
    C2S_TRANSFORM_NONE,
    C2S_TRANSFORM_SOFTMAX,
    C2S_TRANSFORM_LOGISTIC,
    C2S_TRANSFORM_SOFTMAX_ZERO, /* scores of 0 stay 0 */
    C2S_TRANSFORM_PROBIT
} c2s_transform;
/* Attribute post_transform by name. */
c2s_status c2s_transform_read(const c2s_node *node, c2s_transform *out);
void c2s_transform_apply(c2s_transform transform, double *scores, size_t count);
double c2s_logistic(double x);

/* The scores of one row of a classifier with one or two classes: one score becomes two as the sign
 * or the size of the score says, before the transform. `all_positive`: all weights are >= 0, so
 * that the score is the probability of the second class. Returns 1 if that class wins. `scores`
 * has room for two. */
int c2s_binary_scores(c2s_transform transform, double score, bool all_positive, double *scores);

/* Class labels: classlabels_int64s or classlabels_strings under any of these names. */
typedef struct c2s_labels {
    const int64_t *ints;
    const c2s_string *strings;
    size_t count;
} c2s_labels;
c2s_status c2s_labels_read(const c2s_node *node, const char *ints, const char *strings,
                           c2s_labels *out);
/* Gives labels by class index as output 0, [rows]. */
c2s_status c2s_labels_give(c2s_eval *e, const c2s_labels *labels, const size_t *index, size_t rows);

#endif
