/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/runner.h"

#include <stdlib.h>

#include "ir/clone.h"

struct c2s_runner {
    const c2s_evaluator *evaluator;
    c2s_model *expanded; /* NULL: there was nothing to expand */
    c2s_session *session;
};

static c2s_status expand(c2s_runner *r, const c2s_graph **graph) {
    r->expanded = c2s_model_copy((*graph)->model);
    C2S_TRY(c2s_model_inline(r->expanded, 0));
    C2S_TRY(c2s_graph_infer(r->expanded->graph));
    *graph = r->expanded->graph;
    return C2S_OK;
}

c2s_status c2s_runner_open(const c2s_graph *graph, const c2s_evaluator *evaluator,
                           const c2s_eval_options *options, c2s_runner **out) {
    c2s_runner *r = c2s_zalloc(sizeof *r);
    r->evaluator = evaluator;
    c2s_status status = C2S_OK;
    if (graph->model->functions.count > 0)
        status = expand(r, &graph);
    if (status == C2S_OK)
        status = evaluator->open(graph, options, &r->session);
    if (status != C2S_OK) {
        c2s_runner_close(r);
        r = NULL;
    }
    *out = r;
    return status;
}

c2s_status c2s_runner_run(c2s_runner *r, const c2s_tensor *const *in, c2s_tensor **out) {
    return r->evaluator->run(r->session, in, out);
}

void c2s_runner_close(c2s_runner *r) {
    if (!r)
        return;
    if (r->session)
        r->evaluator->close(r->session);
    c2s_model_destroy(r->expanded);
    free(r);
}
