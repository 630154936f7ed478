/* SPDX-License-Identifier: Apache-2.0
 *
 * What the pass quantize does with a model that is quantized already.
 */
#include "base/log.h"
#include "passes/quant/quantized_form.h"
#include "passes/quant/quantizing.h"

const char c2s_requantize[] = "requantize";

static c2s_status back_to_float(c2s_quantizing *j) {
    c2s_stats own = C2S_STATS_INIT;
    c2s_status status = c2s_form_to_float(j->model, &own);
    c2s_stats_free(&own);
    if (status == C2S_OK)
        status = c2s_graph_infer(j->model->graph);
    if (status != C2S_OK)
        return status;
    c2s_model *compact = c2s_model_copy(j->model);
    c2s_model_destroy(j->model);
    j->model = compact;
    return C2S_OK;
}

c2s_status c2s_quantizing_meet_form(c2s_quantizing *j, bool requantize) {
    static const char where[] = "the model";
    char text[512];
    c2s_form form;
    c2s_form_of(j->model, &form);
    if (!c2s_form_is_quantized(&form) && form.halves == 0)
        return C2S_OK;
    c2s_form_text(&form, text, sizeof text);
    if (!requantize) {
        c2s_log(0,
                "quantize: the model is quantized already (%s): what has codes, or floats of 16 "
                "bits, stays as it is; quantize(requantize=yes) brings it back to floats first",
                text);
        c2s_stats_refuse(j->stats, c2s_requantize, where, "it was not asked for");
        return C2S_OK;
    }
    if (!c2s_stats_may_apply(j->stats) || c2s_stats_skips(j->stats, c2s_requantize, where))
        return C2S_OK;
    c2s_log(0, "quantize: the model is quantized already (%s): it is brought back to floats first",
            text);
    c2s_stats_apply(j->stats, c2s_requantize, where);
    return back_to_float(j);
}
