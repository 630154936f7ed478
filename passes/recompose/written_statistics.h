/* SPDX-License-Identifier: Apache-2.0
 *
 * How exporters write mean and variance: rows 0 to 5 of the patterns of layer and instance
 * normalization, and the letters in them.
 *
 *     MEAN = ReduceMean(X)   D = X - MEAN   SQUARE = D * D   VARIANCE = ReduceMean(SQUARE)
 *     E = VARIANCE + EPSILON   ROOT = Sqrt(E)
 */
#ifndef C2S_PASSES_WRITTEN_STATISTICS_H
#define C2S_PASSES_WRITTEN_STATISTICS_H

#include "passes/recompose/normalised_axes.h"

enum {
    X = C2S_LETTER_A,
    MEAN,
    D,
    POWER,
    SQUARE,
    VARIANCE,
    EPSILON,
    E,
    ROOT,
    FIRST_FREE_LETTER
};

static const c2s_op *const squares[] = {&c2s_op_mul, &c2s_op_pow, NULL};

#define STATISTICS                                                                                 \
    {.op = &c2s_op_reduce_mean, .out = MEAN, .in = {X}},                                           \
        {.op = &c2s_op_sub, .out = D, .in = {X, MEAN}},                                            \
        {.any_of = squares, .out = SQUARE, .in = {D, POWER}},                                      \
        {.op = &c2s_op_reduce_mean, .out = VARIANCE, .in = {SQUARE}},                              \
        {.op = &c2s_op_add, .out = E, .in = {VARIANCE, EPSILON}}, {                                \
        .op = &c2s_op_sqrt, .out = ROOT, .in = { E }                                               \
    }

#endif
