/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/runner.h"

#include <stdlib.h>

#include "eval/float_types.h"
#include "ir/clone.h"

struct c2s_runner {
    const c2s_evaluator *evaluator;
    c2s_model *expanded; /* NULL: there was nothing to expand */
    c2s_session *session;
    const c2s_graph *graph; /* that runs */
    c2s_tensor **in;        /* what was converted for it */
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
    r->graph = graph;
    r->in = c2s_zalloc((c2s_graph_input_count(graph) + 1u) * sizeof *r->in);
    if (status != C2S_OK) {
        c2s_runner_close(r);
        r = NULL;
    }
    *out = r;
    return status;
}

/* References to all inputs, those of another type of float converted. */
static c2s_status convert_inputs(c2s_runner *r, const c2s_tensor *const *in) {
    c2s_status status = C2S_OK;
    for (unsigned k = 0; k < c2s_graph_input_count(r->graph) && status == C2S_OK; k++) {
        const c2s_type *want = &c2s_graph_input(r->graph, k)->type;
        if (in[k] && c2s_is_other_float(want, &in[k]->type))
            status = c2s_as_float_type(in[k], want->dtype, &r->in[k]);
        else
            r->in[k] = in[k] ? c2s_tensor_ref((c2s_tensor *)(uintptr_t)in[k]) : NULL;
    }
    return status;
}

static void release_inputs(c2s_runner *r) {
    for (unsigned k = 0; k < c2s_graph_input_count(r->graph); k++) {
        c2s_tensor_unref(r->in[k]);
        r->in[k] = NULL;
    }
}

static bool must_convert(const c2s_runner *r, const c2s_tensor *const *in) {
    for (unsigned k = 0; k < c2s_graph_input_count(r->graph); k++)
        if (in[k] && c2s_is_other_float(&c2s_graph_input(r->graph, k)->type, &in[k]->type))
            return true;
    return false;
}

c2s_status c2s_runner_run(c2s_runner *r, const c2s_tensor *const *in, c2s_tensor **out) {
    if (!must_convert(r, in))
        return r->evaluator->run(r->session, in, out);
    c2s_status status = convert_inputs(r, in);
    if (status == C2S_OK)
        status = r->evaluator->run(r->session, (const c2s_tensor *const *)r->in, out);
    release_inputs(r);
    return status;
}

void c2s_runner_close(c2s_runner *r) {
    if (!r)
        return;
    if (r->session)
        r->evaluator->close(r->session);
    c2s_model_destroy(r->expanded);
    free(r->in);
    free(r);
}
