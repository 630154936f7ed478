/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/range_trial.h"

#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"

/* Where others are no better all that was seen stays: what few samples hardly show, those that come
 * later have, and what a range cuts off there is lost where the model is surest. */
static const c2s_range_method methods[] = {C2S_RANGE_MINMAX, C2S_RANGE_MSE, C2S_RANGE_PERCENTILE,
                                           C2S_RANGE_ENTROPY};
enum { METHODS = sizeof methods / sizeof *methods };

#define FOR_ALL   0.95 /* of the noise may be left for another method to be better */
#define FOR_PART  0.967
#define FAR_WORSE 2
#define SAME      0.02 /* of the width: ranges that differ less are one */

typedef struct range {
    float low, high;
} range;

typedef struct search {
    const c2s_range_trial *trial;
    range *range;            /* [question, method] */
    double for_all[METHODS]; /* noise */
    unsigned *taken;         /* by question: index of its method */
    double noise;            /* with those */
    unsigned measured, steps;
} search;

static range *range_of(const search *s, size_t question, unsigned method) {
    return &s->range[question * METHODS + method];
}

static c2s_status find_ranges(search *s) {
    for (size_t q = 0; q < s->trial->count; q++)
        for (unsigned m = 0; m < METHODS; m++) {
            const c2s_range_question *of = &s->trial->questions[q];
            range *r = range_of(s, q, m);
            C2S_TRY(c2s_range_choose(of->stats, methods[m], 0, of->dtype, of->symmetric, &r->low,
                                     &r->high));
        }
    return C2S_OK;
}

static void answer(const search *s, size_t question, unsigned method) {
    const range *r = range_of(s, question, method);
    s->trial->questions[question].low = r->low;
    s->trial->questions[question].high = r->high;
}

static void answer_with(const search *s, size_t from, size_t to, unsigned method) {
    for (size_t q = from; q < to; q++)
        answer(s, q, method);
}

static void answer_as_taken(const search *s, size_t from, size_t to) {
    for (size_t q = from; q < to; q++)
        answer(s, q, s->taken[q]);
}

static c2s_status measure(search *s, double *noise) {
    c2s_progress("trying ranges", (double)s->measured / (double)s->steps);
    s->measured++;
    C2S_TRY(s->trial->measure(s->trial->user, noise));
    if (isnan(*noise))
        *noise = INFINITY;
    return C2S_OK;
}

static void take(search *s, size_t from, size_t to, unsigned method, double noise) {
    for (size_t q = from; q < to; q++)
        s->taken[q] = method;
    s->noise = noise;
}

static c2s_status try_for_all(search *s) {
    const size_t count = s->trial->count;
    for (unsigned m = 0; m < METHODS; m++) {
        double noise;
        answer_with(s, 0, count, m);
        C2S_TRY(measure(s, &noise));
        s->for_all[m] = noise;
        c2s_log(1, "ranges by %s: SQNR %.1f dB", c2s_range_method_name(methods[m]),
                -10 * log10(noise));
        if (m == 0 || noise < FOR_ALL * s->noise)
            take(s, 0, count, m, noise);
    }
    answer_as_taken(s, 0, count);
    return C2S_OK;
}

/* Something else, and nothing that was far worse for the whole. */
static bool may_be_better(const search *s, size_t from, size_t to, unsigned method) {
    double best = INFINITY;
    for (unsigned m = 0; m < METHODS; m++)
        best = fmin(best, s->for_all[m]);
    if (s->for_all[method] > FAR_WORSE * best)
        return false;
    for (size_t q = from; q < to; q++) {
        const range *now = range_of(s, q, s->taken[q]), *then = range_of(s, q, method);
        const float least = (float)SAME * (now->high - now->low);
        if (fabsf(now->low - then->low) > least || fabsf(now->high - then->high) > least)
            return true;
    }
    return false;
}

static c2s_status try_for_part(search *s, size_t from, size_t to) {
    for (unsigned m = 0; m < METHODS; m++) {
        double noise;
        if (m == s->taken[from] || !may_be_better(s, from, to, m))
            continue;
        answer_with(s, from, to, m);
        C2S_TRY(measure(s, &noise));
        if (noise < FOR_PART * s->noise) {
            c2s_log(1, "%s%s%s by %s: SQNR %.1f dB", s->trial->questions[from].value->name,
                    to - from > 1 ? " to " : "",
                    to - from > 1 ? s->trial->questions[to - 1].value->name : "",
                    c2s_range_method_name(methods[m]), -10 * log10(noise));
            take(s, from, to, m, noise);
        }
        answer_as_taken(s, from, to);
    }
    return C2S_OK;
}

c2s_status c2s_range_trial_run(const c2s_range_trial *trial) {
    if (trial->count == 0)
        return C2S_OK;
    const size_t parts = trial->parts < trial->count ? trial->parts : trial->count;
    search s = {.trial = trial, .steps = METHODS + (unsigned)parts * (METHODS - 1)};
    s.range = c2s_alloc_array(trial->count * METHODS, sizeof *s.range);
    s.taken = c2s_zalloc(trial->count * sizeof *s.taken);
    c2s_status status = find_ranges(&s);
    if (status == C2S_OK)
        status = try_for_all(&s);
    /* A model that is not quantized, or exactly so, cannot become better. */
    for (size_t k = 0; k < parts && status == C2S_OK && s.noise > 0; k++)
        status = try_for_part(&s, k * trial->count / parts, (k + 1) * trial->count / parts);
    free(s.range);
    free(s.taken);
    return status;
}
