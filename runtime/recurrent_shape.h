/* SPDX-License-Identifier: Apache-2.0
 *
 * LSTM and GRU as kernels know them: constant weights, the default activations, no clipping, steps
 * before batch.
 */
#ifndef C2S_RUNTIME_RECURRENT_SHAPE_H
#define C2S_RUNTIME_RECURRENT_SHAPE_H

#include "runtime/kernel.h"

/* ONNX's slots. */
enum {
    C2S_RNN_X,
    C2S_RNN_W,
    C2S_RNN_R,
    C2S_RNN_B,
    C2S_RNN_LENGTHS,
    C2S_RNN_INITIAL_H,
    C2S_RNN_INITIAL_C,
    C2S_RNN_PEEPHOLES
};

typedef struct c2s_recurrent_shape {
    bool lstm, linear; /* linear: a GRU with linear_before_reset */
    bool reversed;     /* the only direction runs backwards */
    int gates;         /* i o f c, or z r h */
    int64_t steps, batch, inputs, hidden, directions;
} c2s_recurrent_shape;

/* False if the step is anything else. */
bool c2s_recurrent_describe(const c2s_step *step, c2s_recurrent_shape *out);

/* One direction. Pointers into the node's operands. */
typedef struct c2s_recurrent_cell {
    int64_t inputs, hidden;
    const float *w, *r;      /* [gates * hidden, inputs], [gates * hidden, hidden] */
    const float *bias;       /* [gates * hidden]: both of ONNX's added up, but for the next */
    const float *state_bias; /* [hidden], of the h gate with linear_before_reset */
    const float *peepholes;  /* [3 * hidden] in the order i o f, or NULL */
} c2s_recurrent_cell;

/* One step of one sequence: from state h (and c, in place) to `next`, which is other memory. What
 * the input adds to the gates is in `gates`, or, if that is NULL, computed of x. Where
 * c2s_processor_has_fma(). */
void c2s_lstm_step(const c2s_recurrent_cell *cell, const float *x, const float *gates,
                   const float *h, float *c, float *next);
/* `scratch`: 2 * hidden floats. */
void c2s_gru_step(const c2s_recurrent_cell *cell, const float *x, const float *gates,
                  const float *h, float *scratch, float *next);
void c2s_linear_gru_step(const c2s_recurrent_cell *cell, const float *x, const float *gates,
                         const float *h, float *next);

#endif
