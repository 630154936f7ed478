/* SPDX-License-Identifier: Apache-2.0
 *
 * Ties of RNN, GRU and LSTM. A hidden unit is one index in the block of every gate, in both
 * directions. It feeds all units through R, so its removal changes them: MIX. It changes nothing
 * else where its column of R (and what reads it in Y) is zero.
 */
#include "ops/op.h"
#include "ops/ties_rules.h"

enum { BATCH, HIDDEN, INPUTS };

void c2s_ties_rnn(c2s_ties *t) {
    enum { X, W, R, B, LENGTHS, INITIAL_H, INITIAL_C, P };
    enum { Y, Y_H, Y_C };
    bool batch_first = c2s_attr_int(t->node, "layout", 0) != 0;
    int batch = batch_first ? 0 : 1;
    c2s_ties_space(t, C2S_TIE_KEEP, c2s_ties_extent(t, false, X, batch));
    c2s_ties_in(t, BATCH, X, batch, 1);
    c2s_ties_in(t, BATCH, LENGTHS, 0, 1);
    c2s_ties_in(t, BATCH, INITIAL_H, batch, 1);
    c2s_ties_in(t, BATCH, INITIAL_C, batch, 1);
    c2s_ties_out(t, BATCH, Y, batch_first ? 0 : 2, 1);
    c2s_ties_out(t, BATCH, Y_H, batch, 1);
    c2s_ties_out(t, BATCH, Y_C, batch, 1);
    c2s_ties_space(t, C2S_TIE_MIX, c2s_ties_extent(t, false, R, 2));
    c2s_ties_in(t, HIDDEN, W, 1, 1);
    c2s_ties_in(t, HIDDEN, R, 1, 1);
    c2s_ties_in(t, HIDDEN, R, 2, 1);
    c2s_ties_in(t, HIDDEN, B, 1, 1);
    c2s_ties_in(t, HIDDEN, INITIAL_H, 2, 1);
    c2s_ties_in(t, HIDDEN, INITIAL_C, 2, 1);
    c2s_ties_in(t, HIDDEN, P, 1, 1);
    for (unsigned k = Y; k <= Y_C; k++)
        c2s_ties_out(t, HIDDEN, k, -1, 1);
    c2s_ties_space(t, C2S_TIE_SUM, c2s_ties_extent(t, false, W, 2));
    c2s_ties_in(t, INPUTS, X, 2, 1);
    c2s_ties_in(t, INPUTS, W, 2, 1);
}

c2s_status c2s_refit_rnn(const c2s_refit *r) {
    c2s_refit_attr(r, "hidden_size", HIDDEN, 1);
    return C2S_OK;
}
