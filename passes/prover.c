/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prover.h"

#include <stdlib.h>

#include "ir/clone.h"

typedef struct execution {
    c2s_prover prover;
    c2s_prove_options options;
    c2s_baseline *baseline;
} execution;

/* Evaluators know operators only: calls of functions are expanded, in a copy. */
static c2s_status expand(c2s_model *model, c2s_model **expanded) {
    *expanded = NULL;
    if (model->functions.count == 0)
        return C2S_OK;
    *expanded = c2s_model_copy(model);
    C2S_TRY(c2s_model_inline(*expanded, 0));
    return c2s_graph_infer((*expanded)->graph);
}

static c2s_status create_baseline(execution *e, c2s_model *model) {
    c2s_model *expanded;
    c2s_status status = expand(model, &expanded);
    if (status == C2S_OK)
        status = c2s_baseline_create((expanded ? expanded : model)->graph, &e->options,
                                     &e->baseline);
    c2s_model_destroy(expanded);
    return status;
}

static c2s_status prove(void *user, c2s_model *before, c2s_model *after, c2s_proof *result) {
    execution *e = user;
    if (!e->baseline)
        C2S_TRY(create_baseline(e, before));
    c2s_model *expanded;
    c2s_status status = expand(after, &expanded);
    if (status == C2S_OK)
        c2s_prove(e->baseline, (expanded ? expanded : after)->graph, result);
    c2s_model_destroy(expanded);
    return status;
}

c2s_prover *c2s_prover_create(const c2s_prove_options *options) {
    execution *e = c2s_zalloc(sizeof *e);
    e->prover = (c2s_prover){.prove = prove, .user = e};
    e->options = *options;
    return &e->prover;
}

void c2s_prover_destroy(c2s_prover *prover) {
    if (!prover)
        return;
    execution *e = prover->user;
    c2s_baseline_destroy(e->baseline);
    free(e);
}
