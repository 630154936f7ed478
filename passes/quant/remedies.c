/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/remedies.h"

#include <math.h>
#include <stdlib.h>

#include "base/log.h"

/* What remedies change. */
typedef struct settings {
    c2s_dtype activations;
    c2s_range_method method;
    c2s_bias_correction correction;
    c2s_rounding rounding;
} settings;

typedef struct remedy {
    const char *name;
    /* Changes the settings; false: it does not apply. */
    bool (*set)(const c2s_quantizing *j, settings *s);
} remedy;

static bool try_ranges(const c2s_quantizing *j, settings *s) {
    const bool tried = s->method == C2S_RANGE_AUTO;
    s->method = c2s_quantizing_has_data(j) && !tried ? C2S_RANGE_AUTO : C2S_RANGE_MSE;
    return s->method != j->method;
}

static bool take_extremes(const c2s_quantizing *j, settings *s) {
    s->method = C2S_RANGE_MINMAX;
    return s->method != j->method;
}

static bool correct_biases(const c2s_quantizing *j, settings *s) {
    s->correction = C2S_CORRECT_MEASURED;
    return j->correction == C2S_CORRECT_NOTHING && !j->keep_biases;
}

static bool round_by_samples(const c2s_quantizing *j, settings *s) {
    s->rounding = C2S_ROUND_GPTQ;
    return j->rounding == C2S_ROUND_NEAREST && !j->keep_rounding;
}

/* Where some layers alone cannot have them. */
static bool widen(const c2s_quantizing *j, settings *s) {
    s->activations = C2S_UINT16;
    return j->activations == C2S_UNDEFINED && !j->target->mixes_widths &&
           c2s_target_takes(j->target->activations, C2S_UINT16);
}

static const remedy remedies[] = {
    {"ranges by another method", try_ranges},
    {"ranges of all that was seen", take_extremes},
    {"biases that make up for mean errors", correct_biases},
    {"weights rounded by samples", round_by_samples},
    {"activations of 16 bits", widen},
};

/* ---- trying ---- */

c2s_status c2s_remedies_measure(c2s_quantizing *j, c2s_quality_result *result, bool *holds) {
    c2s_model *model;
    C2S_TRY(c2s_quantizing_build(j, j->vetoed, j->force, false, &model));
    const c2s_status status = c2s_quality_measure(j->context->quality, model->graph, 0, result);
    c2s_model_destroy(model);
    *holds = status == C2S_OK && c2s_budget_holds(&j->context->budget, result, NULL, 0);
    return status;
}

static settings settings_of(const c2s_quantizing *j) {
    return (settings){j->activations, j->method, j->correction, j->rounding};
}

/* Everything that follows from the settings. */
static c2s_status prepare(c2s_quantizing *j, const settings *s) {
    const bool choose = s->method != j->method || s->activations != j->activations;
    j->activations = s->activations;
    j->method = s->method;
    j->correction = s->correction;
    j->rounding = s->rounding;
    if (choose) {
        c2s_quantizing_forget_correction(j);
        c2s_quantizing_forget_rounding(j);
        C2S_TRY(c2s_quantizing_choose(j));
    }
    C2S_TRY(c2s_quantizing_learn(j, j->vetoed));
    return c2s_quantizing_correct(j, j->vetoed);
}

static c2s_status try_remedy(c2s_quantizing *j, const remedy *r, c2s_quality_result *best,
                             bool *holds) {
    const settings before = settings_of(j);
    settings after = before;
    c2s_quality_result result;
    if (!r->set(j, &after))
        return C2S_OK;
    C2S_TRY(prepare(j, &after));
    bool now;
    C2S_TRY(c2s_remedies_measure(j, &result, &now));
    const bool better = now || result.sqnr_db > best->sqnr_db;
    const double unknown = (double)NAN;
    c2s_stats_remedy(j->stats,
                     &(c2s_remedy){.what = r->name,
                                   .before_db = best->sqnr_db,
                                   .after_db = result.sqnr_db,
                                   .alone_db = unknown,
                                   .alone_kl = unknown,
                                   .kept = better},
                     NULL);
    c2s_log(1, "quantize: all layers, %s: SQNR %.1f dB, was %.1f%s", r->name, result.sqnr_db,
            best->sqnr_db, better ? "" : ": not taken");
    if (!better)
        return prepare(j, &before);
    *best = result;
    *holds = now;
    return C2S_OK;
}

c2s_status c2s_remedies_try(c2s_quantizing *j) {
    c2s_quality_result result;
    bool holds;
    C2S_TRY(c2s_remedies_measure(j, &result, &holds));
    for (size_t k = 0; k < sizeof remedies / sizeof *remedies && !holds; k++)
        C2S_TRY(try_remedy(j, &remedies[k], &result, &holds));
    return C2S_OK;
}
