/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "passes/quant/half_choice.h"

/* Where the error is too large, parts of the graph are tried in float: so many at a time, so often.
 */
enum { PARTS = 6, ROUNDS = 5 };

c2s_status c2s_half_margin(const c2s_half_bounds *b, const c2s_half_choice *choice,
                           double *margin) {
    const double bound = b->context->budget.min_sqnr_db; /* NaN: none */
    c2s_model *trial = c2s_model_copy(b->model);
    c2s_retype_counts counts = {0};
    c2s_quality_result own, all;
    c2s_status status = choice ? c2s_half_build(trial, choice, false, &counts)
                               : c2s_half_store(trial, b->type, &counts);
    if (status == C2S_OK)
        status = c2s_quality_measure(b->found, trial->graph, 0, &own);
    if (status == C2S_OK && !isnan(bound))
        status = c2s_quality_measure(b->context->quality, trial->graph, C2S_HALF_SAMPLES, &all);
    c2s_model_destroy(trial);
    *margin = status == C2S_OK ? own.sqnr_db - b->sqnr_db : -(double)INFINITY;
    if (status == C2S_OK && !isnan(bound))
        *margin = fmin(*margin, all.sqnr_db - bound);
    return status;
}

/* The choice with part `part` of the nodes that are half in float. */
static void set_part(const c2s_half_choice *from, size_t halves, unsigned part, bool *half) {
    size_t seen = 0;
    for (size_t i = 0; i < from->count; i++) {
        half[i] = from->half[i] && seen * PARTS / halves != part;
        seen += from->half[i];
    }
}

/* Takes the part away that costs most. */
static c2s_status leave_worst(const c2s_half_bounds *b, c2s_half_choice *choice, double *margin) {
    const size_t halves = c2s_half_count(choice);
    c2s_half_choice trial = *choice, best = *choice;
    double most = -(double)INFINITY;
    trial.half = c2s_zalloc(trial.count + 1);
    best.half = c2s_zalloc(best.count + 1);
    c2s_status status = C2S_OK;
    for (unsigned part = 0; part < PARTS && status == C2S_OK; part++) {
        double now;
        set_part(choice, halves, part, trial.half);
        c2s_half_settle(b->model->graph, &trial);
        status = c2s_half_margin(b, &trial, &now);
        if (status == C2S_OK && now > most) {
            most = now;
            memcpy(best.half, trial.half, best.count);
        }
    }
    for (size_t i = 0; i < best.count && status == C2S_OK && most >= *margin; i++)
        if (choice->half[i] && !best.half[i])
            c2s_half_keep_float(choice, i, "it costs more than outputs may lose");
    *margin = fmax(most, *margin);
    free(trial.half);
    free(best.half);
    return status;
}

c2s_status c2s_half_keep_margin(const c2s_half_bounds *b, c2s_half_choice *choice) {
    double margin;
    if (c2s_half_count(choice) == 0)
        return C2S_OK;
    C2S_TRY(c2s_half_margin(b, choice, &margin));
    for (unsigned round = 0; round < ROUNDS && margin < 0; round++) {
        const size_t before = c2s_half_count(choice);
        if (before == 0)
            return C2S_OK;
        c2s_log(1, "half: outputs are %.1f dB below what is wanted with %zu nodes", -margin,
                before);
        C2S_TRY(leave_worst(b, choice, &margin));
    }
    if (margin >= 0)
        return C2S_OK;
    for (size_t i = 0; i < choice->count; i++)
        if (choice->half[i])
            c2s_half_keep_float(choice, i, "outputs lose too much in float16");
    return C2S_OK;
}
