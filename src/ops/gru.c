/* SPDX-License-Identifier: Apache-2.0
 *
 * GRU. Gates in the order z, r, h. The reset gate acts on the state before the recurrent product,
 * or with linear_before_reset on the product.
 */
#include <string.h>

#include "ops/recurrent.h"
#include "ops/ties_rules.h"
#include "ops/vector_matrix.h"

static void gru_step(const c2s_cell *cell, double *gates, double *h, double *c, double *scratch) {
    (void)c;
    int64_t n = cell->hidden;
    double *update = gates, *reset = gates + n, *candidate = gates + 2 * n;
    double *product = scratch, *state = scratch + n;
    for (int64_t j = 0; j < 2 * n; j++)
        gates[j] += cell->bias[j];
    c2s_vector_matrix(h, n, cell->recurrent, 3 * n, 2 * n, gates);
    for (int64_t j = 0; j < n; j++)
        reset[j] = c2s_cell_apply(cell, 0, reset[j]);
    for (int64_t j = 0; j < n; j++)
        state[j] = cell->option ? h[j] : reset[j] * h[j];
    memcpy(product, cell->bias + 2 * n, (size_t)n * sizeof *product);
    c2s_vector_matrix(state, n, cell->recurrent + 2 * n, 3 * n, n, product);
    for (int64_t j = 0; j < n; j++) {
        double z = c2s_cell_apply(cell, 0, update[j]);
        double sum = candidate[j] + (cell->option ? reset[j] * product[j] : product[j]);
        h[j] = (1.0 - z) * c2s_cell_apply(cell, 1, sum) + z * h[j];
    }
}

static const char *const functions[] = {"Sigmoid", "Tanh"};

static const c2s_recurrent gru = {
    .gates = 3,
    .functions = 2,
    .defaults = functions,
    .option = "linear_before_reset",
    .step = gru_step,
};

static c2s_status gru_infer(c2s_infer *i) {
    return c2s_recurrent_infer(i, &gru);
}

static c2s_status gru_eval(c2s_eval *e) {
    return c2s_recurrent_eval(e, &gru);
}

static const c2s_attr_spec gru_attrs[] = {
    C2S_RECURRENT_ATTRS,
    {"linear_before_reset", C2S_ATTR_INT, false},
    {0},
};

const c2s_op c2s_op_gru = {
    .type = "GRU",
    .domain = "",
    .inputs = {3, 6},
    .outputs = {0, 2},
    .quant = C2S_RECURRENT_QUANT,
    .attrs = gru_attrs,
    .ties = c2s_ties_rnn,
    .refit = c2s_refit_rnn,
    .infer = gru_infer,
    .eval = gru_eval,
    .macs = c2s_recurrent_macs,
};
