/* SPDX-License-Identifier: Apache-2.0 */
#include "job_opset.h"

#include <math.h>

#include "base/timing.h"
#include "io/normalise.h"
#include "io/opset.h"
#include "ops/op.h"

c2s_status c2s_normal_copy(c2s_model *model, c2s_model **out) {
    *out = c2s_model_copy(model);
    c2s_status status = c2s_model_normalise(*out);
    if (status == C2S_OK)
        status = c2s_graph_infer((*out)->graph);
    if (status == C2S_OK)
        return C2S_OK;
    c2s_model_destroy(*out);
    *out = NULL;
    return status;
}

static c2s_status prove_conversion(c2s_model *before, c2s_model *after, const c2s_prover *prover,
                                   c2s_job_report *r, c2s_pass_report *step) {
    c2s_proof proof = {.verdict = C2S_NOT_PROVED};
    c2s_model *copy;
    C2S_TRY(c2s_normal_copy(after, &copy));
    c2s_status status = prover->prove(prover->user, before, copy, &proof);
    c2s_model_destroy(copy);
    C2S_TRY(status);
    if (proof.verdict == C2S_DIFFERENT)
        return c2s_fail(C2S_ERR_TOLERANCE, "%s", proof.text);
    if (proof.verdict == C2S_NOT_PROVED)
        c2s_job_note(r, "not proved: %s", proof.text);
    else
        step->error = proof.error;
    return C2S_OK;
}

static c2s_status convert_and_prove(c2s_model *model, int64_t opset, const c2s_prover *prover,
                                    c2s_job_report *r, c2s_pass_report *step) {
    c2s_model *before = c2s_model_copy(model);
    c2s_status status = c2s_model_convert_opset(model, opset, &step->rewrites);
    if (status == C2S_OK) {
        c2s_graph_sweep(model->graph);
        status = c2s_model_verify(model);
    }
    if (status == C2S_OK && opset >= C2S_NORMAL_OPSET)
        status = c2s_graph_infer(model->graph); /* passes need it */
    if (status == C2S_OK && prover)
        status = prove_conversion(before, model, prover, r, step);
    c2s_model_destroy(before);
    return status;
}

c2s_status c2s_job_convert_opset(c2s_model *model, int64_t opset, const c2s_prover *prover,
                                 c2s_job_report *r) {
    const int64_t from = c2s_model_opset(model, "");
    c2s_pass_report step = {.name = "opset", .error = (double)NAN};
    const double start = c2s_clock();
    c2s_status status = convert_and_prove(model, opset, prover, r, &step);
    step.seconds = c2s_clock() - start;
    step.outcome = C2S_APPLIED; /* the import, if nothing else */
    if (status != C2S_OK)
        c2s_note("opset %lld to %lld", (long long)from, (long long)opset);
    c2s_vec_push(&r->passes, step);
    return status;
}
