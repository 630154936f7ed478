/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prover.h"

#include <stdlib.h>

typedef struct execution {
    c2s_prover prover;
    c2s_prove_options options;
    c2s_baseline *baseline;
} execution;

static c2s_status prove(void *user, c2s_model *before, c2s_model *after, c2s_proof *result) {
    execution *e = user;
    if (!e->baseline)
        C2S_TRY(c2s_baseline_create(before->graph, &e->options, &e->baseline));
    c2s_prove(e->baseline, after->graph, result);
    return C2S_OK;
}

c2s_prover *c2s_prover_create(const c2s_prove_options *options, c2s_baseline *baseline) {
    execution *e = c2s_zalloc(sizeof *e);
    e->prover = (c2s_prover){.prove = prove, .user = e};
    e->options = *options;
    e->baseline = baseline;
    return &e->prover;
}

void c2s_prover_destroy(c2s_prover *prover) {
    if (!prover)
        return;
    execution *e = prover->user;
    c2s_baseline_destroy(e->baseline);
    free(e);
}
