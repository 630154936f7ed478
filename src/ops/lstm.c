/* SPDX-License-Identifier: Apache-2.0
 *
 * LSTM. Gates in the order i, o, f, c. The attribute clip limits the sums of the gates but not the
 * cell state on its way into h, as ONNX Runtime reads it.
 */
#include "ops/recurrent.h"
#include "ops/ties_rules.h"
#include "ops/vector_matrix.h"

static void lstm_step(const c2s_cell *cell, double *gates, double *h, double *c, double *scratch) {
    (void)scratch;
    int64_t n = cell->hidden;
    double *in = gates, *out = in + n, *forget = out + n, *candidate = forget + n;
    const double *p = cell->peephole;
    for (int64_t j = 0; j < 4 * n; j++)
        gates[j] += cell->bias[j];
    c2s_vector_matrix(h, n, cell->recurrent, 4 * n, 4 * n, gates);
    for (int64_t j = 0; j < n; j++) {
        double i = c2s_cell_apply(cell, 0, in[j] + (p ? p[j] * c[j] : 0.0));
        double f = cell->option
                       ? 1.0 - i
                       : c2s_cell_apply(cell, 0, forget[j] + (p ? p[2 * n + j] * c[j] : 0.0));
        c[j] = f * c[j] + i * c2s_cell_apply(cell, 1, candidate[j]);
        double o = c2s_cell_apply(cell, 0, out[j] + (p ? p[n + j] * c[j] : 0.0));
        h[j] = o * cell->function[2].apply(c[j], cell->function[2].alpha, cell->function[2].beta);
    }
}

static const char *const functions[] = {"Sigmoid", "Tanh", "Tanh"};

static const c2s_recurrent lstm = {
    .gates = 4,
    .functions = 3,
    .defaults = functions,
    .has_cell_state = true,
    .option = "input_forget",
    .step = lstm_step,
};

static c2s_status lstm_infer(c2s_infer *i) {
    return c2s_recurrent_infer(i, &lstm);
}

static c2s_status lstm_eval(c2s_eval *e) {
    return c2s_recurrent_eval(e, &lstm);
}

static const c2s_attr_spec lstm_attrs[] = {
    C2S_RECURRENT_ATTRS,
    {"input_forget", C2S_ATTR_INT, false},
    {0},
};

const c2s_op c2s_op_lstm = {
    .type = "LSTM",
    .domain = "",
    .inputs = {3, 8},
    .outputs = {0, 3},
    .quant = C2S_RECURRENT_QUANT,
    .attrs = lstm_attrs,
    .ties = c2s_ties_rnn,
    .refit = c2s_refit_rnn,
    .infer = lstm_infer,
    .eval = lstm_eval,
    .macs = c2s_recurrent_macs,
};
