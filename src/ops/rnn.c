/* SPDX-License-Identifier: Apache-2.0
 *
 * RNN: one layer of simple recurrence, h = f(W*x + R*h + Wb + Rb).
 */
#include "ops/recurrent.h"
#include "ops/ties_rules.h"
#include "ops/vector_matrix.h"

static void rnn_step(const c2s_cell *cell, double *gates, double *h, double *c, double *scratch) {
    (void)c, (void)scratch;
    int64_t n = cell->hidden;
    for (int64_t j = 0; j < n; j++)
        gates[j] += cell->bias[j];
    c2s_vector_matrix(h, n, cell->recurrent, n, n, gates);
    for (int64_t j = 0; j < n; j++)
        h[j] = c2s_cell_apply(cell, 0, gates[j]);
}

static const char *const functions[] = {"Tanh"};

static const c2s_recurrent rnn = {
    .gates = 1,
    .functions = 1,
    .defaults = functions,
    .step = rnn_step,
};

static c2s_status rnn_infer(c2s_infer *i) {
    return c2s_recurrent_infer(i, &rnn);
}

static c2s_status rnn_eval(c2s_eval *e) {
    return c2s_recurrent_eval(e, &rnn);
}

static const c2s_attr_spec rnn_attrs[] = {C2S_RECURRENT_ATTRS, {0}};

const c2s_op c2s_op_rnn = {
    .type = "RNN",
    .domain = "",
    .inputs = {3, 6},
    .outputs = {0, 2},
    .quant = C2S_RECURRENT_QUANT,
    .attrs = rnn_attrs,
    .ties = c2s_ties_rnn,
    .refit = c2s_refit_rnn,
    .infer = rnn_infer,
    .eval = rnn_eval,
    .macs = c2s_recurrent_macs,
};
