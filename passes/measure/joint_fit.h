/* SPDX-License-Identifier: Apache-2.0
 *
 * Constants of many layers fitted together, without labels: by steps against the gradient (Adam:
 * Kingma and Ba 2015, arXiv 1412.6980), so that values of a graph become what they are in a first
 * model. Where each layer is fitted by itself, least squares are better (reconstruct.h); this is
 * for what follows, since layers can make up for each other's errors through Relu and the like.
 *
 * Samples as they are layers of so many weights would learn by heart, therefore each is varied
 * every time (vary_sample.h).
 */
#ifndef C2S_PASSES_MEASURE_JOINT_FIT_H
#define C2S_PASSES_MEASURE_JOINT_FIT_H

#include "eval/feed.h"
#include "ops/op.h"

/* A constant of floats, an operand of `node` that no other node reads. */
typedef struct c2s_joint_parameter {
    c2s_node *node;
    unsigned slot;
    bool keeps_zeros; /* what is 0 stays so */
    int axis;         /* by whose indices sizes may differ: output channels; below 0: none */
} c2s_joint_parameter;

/* A value of the graph that is to be what `same` is in the first model: weight times the squared
 * error as a part of the energy of `same`. */
typedef struct c2s_joint_point {
    const c2s_value *value, *same;
    double weight;
    int axis;         /* of `gone`; below 0: everything counts */
    const bool *gone; /* by index of that axis: does not count */
    /* Rows along the last axis are scores of classes: instead of the squared error the divergence
     * of their Softmax from that of the first model, times weight, as a mean over rows. Nothing is
     * gone then. */
    bool scores;
} c2s_joint_point;

enum { C2S_JOINT_BATCH = 16 };

typedef struct c2s_joint_fit {
    const c2s_graph *graph, *first; /* with the same inputs; not changed but for the parameters */
    const c2s_joint_parameter *parameters;
    size_t parameter_count;
    const c2s_joint_point *points;
    size_t point_count;
    const c2s_feed *feed; /* as much of it as fits into 256 MB */
    size_t samples;       /* at most; 0: all */
    size_t epochs;        /* how often each sample is used */
    size_t batch;         /* samples of a step; 0: C2S_JOINT_BATCH */
    double rate;          /* of the first steps, as a part of the size of a channel's weights */
    bool uncorrelated;    /* steps of weights as if what they read were so (joint_basis.h) */
    bool pictures;        /* inputs that are such are varied as such, too (vary_picture.h) */
    /* How good the graph is with the parameters that it has now: errors[judged], one for each of
     * the samples that it is judged by; the less their sum the better. Asked before the first and
     * after each epoch. The best parameters stay, if they are certainly better than the first ones
     * (certain_gain.h): of a few samples, some of many parameters always do well by chance. */
    c2s_status (*judge)(void *user, double *errors);
    size_t judged; /* 0: 1 */
    void *user;
} c2s_joint_fit;

/* Samples of a step: C2S_JOINT_BATCH, fewer where there would be less than 400 steps. */
size_t c2s_joint_fit_batch(size_t samples, size_t epochs);

/* Writes the parameters; *before and *after: the sums of what `judge` says of those at first, and
 * of those that stay. The same result whatever the number of threads. C2S_ERR_UNSUPPORTED: the
 * graph cannot be derived (backward.h); nothing is changed then. */
c2s_status c2s_joint_fit_do(const c2s_joint_fit *fit, double *before, double *after);

#endif
