/* SPDX-License-Identifier: Apache-2.0
 *
 * The activations of ai.onnx as curves.
 */
#ifndef C2S_PASSES_KNOWN_CURVES_H
#define C2S_PASSES_KNOWN_CURVES_H

#include "passes/recompose/curve.h"

#define C2S_CURVE_PARAMETERS 2

typedef struct c2s_known_curve {
    const char *type;                             /* operator */
    int opset;                                    /* that has it first */
    const char *attributes[C2S_CURVE_PARAMETERS]; /* that the parameters are; NULL: fewer */
    const char *approximate;                      /* attribute of Gelu, or NULL */
} c2s_known_curve;

/* The activation that the curve is, up to a relative error of `tolerance`, and its parameters; NULL
 * if it is none. */
const c2s_known_curve *c2s_curve_recognise(const c2s_curve *curve, double tolerance,
                                           double parameters[C2S_CURVE_PARAMETERS]);

#endif
