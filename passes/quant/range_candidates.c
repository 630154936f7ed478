/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/range_candidates.h"

#include <math.h>

#include "base/log.h"

enum { BETWEEN = 3 };

#define BETTER 0.95 /* by so much another range must be better than that of MSE */
#define SAME   0.02 /* of the width: ranges that differ less are one */

static void add_candidate(c2s_range_candidates *q, float low, float high) {
    if (!(high > low) || q->count == C2S_RANGE_CANDIDATES)
        return;
    const float width = high - low;
    for (unsigned k = 0; k < q->count; k++)
        if (fabsf(q->at[k].low - low) <= (float)SAME * width &&
            fabsf(q->at[k].high - high) <= (float)SAME * width)
            return;
    q->at[q->count++] = (c2s_range_candidate){.low = low, .high = high};
}

c2s_status c2s_range_candidates_find(c2s_range_question *question, c2s_range_candidates *q) {
    static const c2s_range_method methods[] = {C2S_RANGE_MSE, C2S_RANGE_MINMAX, C2S_RANGE_AVERAGE,
                                               C2S_RANGE_PERCENTILE, C2S_RANGE_ENTROPY};
    *q = (c2s_range_candidates){.of = question};
    float low[sizeof methods / sizeof *methods], high[sizeof methods / sizeof *methods];
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        C2S_TRY(c2s_range_choose(question->stats, methods[m], 0, question->dtype,
                                 question->symmetric, &low[m], &high[m]));
        add_candidate(q, low[m], high[m]);
    }
    question->low = low[0];
    question->high = high[0];
    question->error = question->mse_error = (double)NAN;
    for (int k = 1; k <= BETWEEN; k++) { /* MSE's and all that was seen */
        const float share = (float)k / (BETWEEN + 1);
        add_candidate(q, low[0] + share * (low[1] - low[0]), high[0] + share * (high[1] - high[0]));
    }
    add_candidate(q, 0.85f * low[0], 0.85f * high[0]);
    return C2S_OK;
}

static double mean(const double *x, size_t count) {
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += x[k];
    return sum / (double)count;
}

/* How much less a candidate errs than MSE, by the mean over the samples; *chance is the standard
 * error of that. Means, not typical samples: clipping hurts few of them, and those a lot. */
static double gain(const c2s_range_candidate *c, const c2s_range_candidate *mse, size_t count,
                   double *chance) {
    double sum = 0, squares = 0;
    for (size_t k = 0; k < count; k++) {
        const double less = mse->error[k] - c->error[k];
        sum += less;
        squares += less * less;
    }
    const double average = sum / (double)count;
    *chance = 0;
    if (count > 1)
        *chance = sqrt(fmax(squares / (double)count - average * average, 0) / (double)(count - 1));
    return average;
}

bool c2s_range_candidates_screen(c2s_range_candidates *q, size_t samples) {
    bool any = false;
    for (unsigned k = 1; k < q->count; k++) {
        double chance;
        c2s_range_candidate *c = &q->at[k];
        c->out = c->out || !(gain(c, &q->at[0], samples, &chance) > 0);
        any = any || !c->out;
    }
    return any;
}

void c2s_range_candidates_answer(c2s_range_candidates *q, size_t samples) {
    const c2s_range_candidate *mse = &q->at[0], *best = mse;
    const double error = mean(mse->error, samples);
    double most = 0;
    for (unsigned k = 1; k < q->count; k++) {
        double chance;
        const c2s_range_candidate *c = &q->at[k];
        if (c->out)
            continue;
        const double found = gain(c, mse, samples, &chance);
        if (found - 3 * chance > (1 - BETTER) * error && found > most) {
            best = c;
            most = found;
        }
    }
    q->of->low = best->low;
    q->of->high = best->high;
    q->of->error = error - most;
    q->of->mse_error = error;
    if (best != mse)
        c2s_log(1, "%s: [%g, %g] instead of [%g, %g]: the outputs' error is %.2f of what it was",
                q->of->value->name, (double)best->low, (double)best->high, (double)mse->low,
                (double)mse->high, (error - most) / error);
}
