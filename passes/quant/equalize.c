/* SPDX-License-Identifier: Apache-2.0
 *
 * Before   convolutions or products whose channels have ranges of very different size
 * After    the same function: channel c of what one layer makes is multiplied by t[c], and so are
 *          the weights that make it; those of the next layer are divided by it
 * Refuses  when something in between depends on the size of the channels, see channel_group.h
 *
 * One scale for all channels of a tensor then loses less. Two ways to choose t:
 *
 *   weights      t = sqrt(r2 / r1) makes the largest weights of both layers, r1 and r2, equal
 *                channel by channel (Nagel et al. 2019, arXiv 1906.04721, equation 11);
 *   activations  t = r2^(1-a) / x^a shares the burden between the largest activation x and the
 *                weights that read it (SmoothQuant: Xiao et al. 2023, arXiv 2211.10438,
 *                equation 4).
 *
 * Clip to [0, high] stands in the way, unless clips=data: then channels that on the data never come
 * near `high`, before and after, are scaled, which other data may refute; the rest keeps t = 1.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "passes/quant/equalize_sites.h"

/* Factors below and above this are cut: weights of other tools' dead channels are noise. */
#define MOST_FACTOR 1024.0
/* Rounds end when no factor is farther from 1; smaller changes are none. */
#define SMALL_CHANGE 0.02
enum { MOST_ROUNDS = 20 };

/* ---- choosing factors ---- */

static double wanted_factor(const c2s_equalize_work *w, double made, double taken,
                            double activation) {
    if (w->by_activations)
        return activation > 0 && taken > 0
                   ? pow(taken, 1 - w->strength) / pow(activation, w->strength)
                   : 1;
    return made > 0 && taken > 0 ? sqrt(taken / made) : 1;
}

/* What all factors have in common changes nothing but the size of the tensor. So those that stay 1
 * should come out as that, else the mean of all. */
static void centre(const c2s_equalize_site *t, double *factor) {
    double sum[2] = {0, 0};
    size_t count[2] = {0, 0};
    for (size_t c = 0; c < t->group.classes; c++) {
        const bool fixed = t->limit[c] == 0;
        sum[fixed] += log(factor[c]);
        count[fixed]++;
    }
    const bool fixed = count[1] > 0;
    const double mean = count[fixed] ? exp(sum[fixed] / (double)count[fixed]) : 1;
    for (size_t c = 0; c < t->group.classes; c++)
        factor[c] /= mean;
}

/* One step towards equal channels; *change: the farthest that a factor was from 1. */
static c2s_status choose_factors(c2s_equalize_work *w, c2s_equalize_site *t, double *factor,
                                 double *change) {
    const size_t classes = t->group.classes;
    double *made = c2s_alloc_array(classes + 1, sizeof *made);
    double *taken = c2s_alloc_array(classes + 1, sizeof *taken);
    c2s_status status = c2s_channel_largest(&w->constants, &t->group, true, made);
    if (status == C2S_OK)
        status = c2s_channel_largest(&w->constants, &t->group, false, taken);
    for (size_t c = 0; c < classes && status == C2S_OK; c++)
        factor[c] = wanted_factor(w, made[c], taken[c], t->most[c] * t->factor[c]);
    if (status == C2S_OK)
        centre(t, factor);
    *change = 0;
    for (size_t c = 0; c < classes && status == C2S_OK; c++) {
        const double before = t->factor[c];
        double product = fmax(fmin(before * factor[c], MOST_FACTOR), 1 / MOST_FACTOR);
        product = t->limit[c] > 0 ? fmin(product, t->limit[c]) : 1;
        factor[c] = product / before;
        *change = fmax(*change, fabs(log(factor[c])));
    }
    free(made);
    free(taken);
    return status;
}

/* ---- the pass ---- */

static c2s_status scale(c2s_equalize_work *w, c2s_equalize_site *t, const double *factor) {
    for (size_t c = 0; c < t->group.classes; c++)
        t->factor[c] *= factor[c];
    return c2s_channel_scale(&w->constants, &t->group, factor);
}

static c2s_status balance(c2s_equalize_work *w) {
    double worst = INFINITY;
    for (unsigned round = 0; round < MOST_ROUNDS && worst > SMALL_CHANGE; round++) {
        worst = 0;
        for (size_t i = 0; i < w->sites.count; i++) {
            c2s_equalize_site *t = &w->sites.at[i];
            double change, *factor = c2s_alloc_array(t->group.classes + 1, sizeof *factor);
            c2s_status status = choose_factors(w, t, factor, &change);
            if (status == C2S_OK && change > SMALL_CHANGE)
                status = scale(w, t, factor);
            free(factor);
            C2S_TRY(status);
            worst = fmax(worst, change);
        }
    }
    return C2S_OK;
}

/* All channels come too near to what a Clip cuts off. */
static bool is_fixed(const c2s_equalize_site *t) {
    for (size_t c = 0; c < t->group.classes; c++)
        if (t->limit[c] > 0)
            return false;
    return true;
}

static bool leave_out(c2s_equalize_work *w, c2s_stats *stats) {
    size_t kept = 0;
    for (size_t i = 0; i < w->sites.count; i++) {
        c2s_equalize_site *t = &w->sites.at[i];
        const char *where = c2s_node_text(t->maker);
        const bool fixed = is_fixed(t);
        if (fixed)
            c2s_stats_refuse(stats, c2s_equalize_kind, where,
                             "a Clip cuts its channels off, or may (clips=data asks the data)");
        if (fixed || !c2s_stats_may_apply(stats) ||
            c2s_stats_skips(stats, c2s_equalize_kind, where)) {
            c2s_equalize_site_free(t);
            continue;
        }
        c2s_stats_apply(stats, c2s_equalize_kind, where);
        c2s_stats_looked(stats, t->maker);
        w->sites.at[kept++] = *t;
    }
    w->sites.count = kept;
    return kept > 0;
}

static c2s_status equalize(c2s_equalize_work *w, const c2s_pass_context *context,
                           c2s_stats *stats) {
    c2s_equalize_find(w, stats);
    if (w->by_activations || c2s_equalize_has_clamps(w))
        C2S_TRY(c2s_equalize_observe(w, context));
    if (!leave_out(w, stats))
        return C2S_OK;
    C2S_TRY(balance(w));
    c2s_channel_constants_write(&w->constants);
    return C2S_OK;
}

static c2s_status read_options(const c2s_options *o, const c2s_pass_context *context,
                               c2s_equalize_work *w) {
    const char *by = c2s_option_text(o, "by");
    const char *clips = c2s_option_text(o, "clips");
    C2S_TRY(c2s_option_number(o, "strength", 0, 1, &w->strength));
    if (strcmp(clips, "keep") != 0 && strcmp(clips, "data") != 0)
        return c2s_fail(C2S_ERR_USAGE, "pass %s: option clips is \"%s\", expected keep or data",
                        o->pass, clips);
    w->through_clips = *clips == 'd' && context->feed;
    if (strcmp(by, "auto") != 0 && strcmp(by, "weights") != 0 && strcmp(by, "activations") != 0)
        return c2s_fail(C2S_ERR_USAGE,
                        "pass %s: option by is \"%s\", expected auto, weights or activations",
                        o->pass, by);
    w->by_activations = *by == 'a' && (by[1] == 'c' || context->feed);
    return w->by_activations && !context->feed
               ? c2s_fail(C2S_ERR_USAGE, "pass %s: by=activations needs data", o->pass)
               : C2S_OK;
}

static c2s_status run(c2s_model *model, const c2s_options *options, const c2s_pass_context *context,
                      c2s_stats *stats) {
    c2s_equalize_work w = {.graph = model->graph};
    C2S_TRY(read_options(options, context, &w));
    c2s_status status = equalize(&w, context, stats);
    c2s_equalize_free(&w);
    return status;
}

static const c2s_option_spec options_of_equalize[] = {
    {"by", "auto", "what is made equal: weights, activations (needs data), or auto: what there is"},
    {"clips", "keep",
     "Clip to [0, high]: keep channels as they are, or ask the data which never reach it"},
    {"strength", "0.5", "by activations: 0 moves nothing into the weights, 1 all of it"},
    {0}};

static const c2s_rewrite_kind kinds[] = {
    {c2s_equalize_kind,
     "channels of different size between two layers -> of equal size, by scaled weights", false},
    {0}};

const c2s_pass c2s_pass_equalize = {
    .name = "equalize",
    .summary = "scales channels against each other, so that one scale per tensor fits them all",
    .options = options_of_equalize,
    .kinds = kinds,
    .learns = true,
    .on_float = true,
    .run = run,
};
