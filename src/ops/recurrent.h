/* SPDX-License-Identifier: Apache-2.0
 *
 * What RNN, GRU and LSTM share: attributes, shapes, activation functions, directions, sequence
 * lengths. An operator adds its cell: how one step turns gates and state into the next state.
 */
#ifndef C2S_OPS_RECURRENT_H
#define C2S_OPS_RECURRENT_H

#include "ops/op.h"

typedef struct c2s_activation {
    double (*apply)(double x, double alpha, double beta);
    double alpha, beta;
} c2s_activation;

/* One direction of a layer while it runs. G: gates * hidden. */
typedef struct c2s_cell {
    int64_t hidden;
    c2s_activation function[3]; /* f, g, h as far as the operator has them */
    double clip;                /* limit of the functions' arguments; INFINITY: none */
    const double *recurrent;    /* R transposed: [hidden, G] */
    const double *bias;         /* recurrent part of B: [G] (zeros if left out) */
    const double *peephole;     /* P: [3 * hidden], or NULL */
    bool option;                /* LSTM: input_forget; GRU: linear_before_reset */
} c2s_cell;

/* `gates`: [G], the input's part W*x + Wb; may be overwritten. `h`, `c`: [hidden] states, updated;
 * c only if the operator has it. `scratch`: [G + hidden]. */
typedef void (*c2s_cell_step)(const c2s_cell *cell, double *gates, double *h, double *c,
                              double *scratch);

typedef struct c2s_recurrent {
    int gates;     /* 1, 3, 4 */
    int functions; /* per direction */
    const char *const *defaults;
    bool has_cell_state; /* inputs 6, 7 and output 2 of LSTM */
    const char *option;  /* name of the attribute behind c2s_cell.option, or NULL */
    c2s_cell_step step;
} c2s_recurrent;

/* f with its argument clipped. */
static inline double c2s_cell_apply(const c2s_cell *cell, int function, double x) {
    const c2s_activation *f = &cell->function[function];
    x = x > cell->clip ? cell->clip : x < -cell->clip ? -cell->clip : x;
    return f->apply(x, f->alpha, f->beta);
}

c2s_status c2s_recurrent_infer(c2s_infer *i, const c2s_recurrent *op);
c2s_status c2s_recurrent_eval(c2s_eval *e, const c2s_recurrent *op);
/* steps * batch * directions * gates * hidden * (inputs + hidden). */
int64_t c2s_recurrent_macs(const c2s_node *node);

/* Weights of input and state, Y and Y_h; gates lie along axis 1. */
#define C2S_RECURRENT_QUANT                                                                        \
    {                                                                                              \
        .kind = C2S_QUANT_FLOAT, .operands = C2S_SLOT(0) | C2S_SLOT(1) | C2S_SLOT(2),              \
        .results = C2S_SLOT(0) | C2S_SLOT(1), .weights = C2S_SLOT(1) | C2S_SLOT(2),                \
        .weight_axis = 1, .sum_axis = 2                                                            \
    }
#define C2S_RECURRENT_ATTRS                                                                        \
    {"activation_alpha", C2S_ATTR_FLOATS, false}, {"activation_beta", C2S_ATTR_FLOATS, false},     \
        {"activations", C2S_ATTR_STRINGS, false}, {"clip", C2S_ATTR_FLOAT, false},                 \
        {"direction", C2S_ATTR_STRING, false}, {"hidden_size", C2S_ATTR_INT, false}, {             \
        "layout", C2S_ATTR_INT, false                                                              \
    }

#endif
