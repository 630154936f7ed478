/* SPDX-License-Identifier: Apache-2.0
 *
 * Before   layers of some width
 * After    narrower ones: groups of coupled channels (prune_groups.h) have lost the
 *          units that matter least, and what reads them has weights that make up for it
 * Refuses  groups that are pinned, and, unless mix=yes, those whose removal changes
 *          other results whatever their weights are
 *
 * The order in which units go, and what each number of them costs, comes from second moments of
 * what readers read (unit_order.h); how many go where, from these costs and what they save
 * (allocate.h). Then, from input to output, readers are fitted to what they gave in the first
 * model, on inputs as they are by then (reader_fit.h). All of that happens with zeros in the place
 * of units (prune_mask.h); at the end they are cut.
 */
#include "passes/pass.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "passes/prune/allocate.h"
#include "passes/prune/prune_cut.h"
#include "passes/prune/pruning.h"

#define KIND "prune-group"

/* ---- options ---- */

static c2s_status read_method(const c2s_options *o, bool has_data, c2s_pruning *p) {
    static const char *const names[] = {"obs", "activation", "l2", "l1", "scale"};
    const char *text = c2s_option_text(o, "method");
    if (strcmp(text, "auto") == 0) {
        p->method = has_data ? C2S_PRUNE_OBS : C2S_PRUNE_L2;
        return C2S_OK;
    }
    for (int k = 0; k < (int)(sizeof names / sizeof *names); k++)
        if (strcmp(text, names[k]) == 0) {
            p->method = (c2s_prune_method)k;
            return has_data || k > C2S_PRUNE_ACTIVATION
                       ? C2S_OK
                       : c2s_fail(C2S_ERR_USAGE, "pass %s: method=%s needs data", o->pass, text);
        }
    return c2s_fail(C2S_ERR_USAGE,
                    "pass %s: option method is \"%s\", expected auto, obs, activation, l2, l1 or "
                    "scale",
                    o->pass, text);
}

static const char *const ways[] = {"best", "outputs", "errors", "uniform"};

static c2s_status read_allocation(const c2s_options *o, bool has_data, c2s_pruning *p) {
    const char *text = c2s_option_text(o, "allocate");
    for (int k = 0; k < (int)(sizeof ways / sizeof *ways); k++)
        if (strcmp(text, ways[k]) == 0) {
            p->allocation = (c2s_prune_allocation)k;
            /* Both need to see outputs. */
            if (p->allocation <= C2S_PRUNE_OUTPUTS &&
                (!has_data || p->method > C2S_PRUNE_ACTIVATION))
                p->allocation = C2S_PRUNE_ERRORS;
            return C2S_OK;
        }
    return c2s_fail(C2S_ERR_USAGE,
                    "pass %s: option allocate is \"%s\", expected best, outputs, errors or uniform",
                    o->pass, text);
}

/* 0: not asked for. */
static c2s_status read_share(const c2s_options *o, const char *name, double *out) {
    *out = 0;
    if (!*c2s_option_text(o, name))
        return C2S_OK;
    return c2s_option_number(o, name, 0, 1, out);
}

static c2s_status read_options(const c2s_options *o, const c2s_pass_context *context,
                               c2s_pruning *p) {
    double round, samples, stages, ratio = 0;
    C2S_TRY(read_method(o, context->feed != NULL, p));
    C2S_TRY(read_allocation(o, context->feed != NULL, p));
    C2S_TRY(read_share(o, "macs", &p->macs));
    C2S_TRY(read_share(o, "params", &p->params));
    if (*c2s_option_text(o, "ratio") || (p->macs == 0 && p->params == 0))
        ratio = 0.25;
    if (*c2s_option_text(o, "ratio"))
        C2S_TRY(c2s_option_number(o, "ratio", 0, 1, &ratio));
    p->ratio = ratio;
    C2S_TRY(c2s_option_number(o, "round", 1, 1024, &round));
    C2S_TRY(c2s_option_number(o, "samples", 0, 1e9, &samples));
    C2S_TRY(c2s_option_number(o, "stages", 1, 1e6, &stages));
    C2S_TRY(c2s_option_number(o, "damping", 0, 1, &p->damping));
    C2S_TRY(c2s_option_flag(o, "refit", &p->refit));
    C2S_TRY(c2s_option_flag(o, "mix", &p->mix));
    p->round = (size_t)round;
    p->samples = (size_t)samples;
    p->stages = (size_t)stages;
    p->refit = p->refit && context->feed;
    return C2S_OK;
}

/* ---- which groups ---- */

static void choose_groups(c2s_pruning *p, c2s_stats *stats) {
    for (size_t k = 0; k < p->groups.groups.count; k++) {
        const c2s_prune_group *g = &p->groups.groups.at[k];
        char why[512];
        p->chosen[k] = false;
        if (g->pin.reason)
            c2s_stats_refuse(stats, KIND, g->name, c2s_pin_text(&g->pin, why, sizeof why));
        else if (g->graph != p->model->graph)
            c2s_stats_refuse(stats, KIND, g->name, "it is in a body");
        else if (g->mixed_by && !p->mix)
            c2s_stats_refuse(stats, KIND, g->name,
                             "other results would change, too (mix=yes prunes it all the same)");
        else
            p->chosen[k] = !c2s_stats_skips(stats, KIND, g->name);
    }
}

/* ---- how much ---- */

static void allocate(c2s_pruning *p, c2s_prune_allocation how) {
    const c2s_meter_unit unit = p->params > 0 ? C2S_METER_PARAMETERS : C2S_METER_MACS;
    const double share = p->params > 0 ? p->params : p->macs;
    const size_t count = p->groups.groups.count;
    c2s_prune_meter *meter = c2s_prune_meter_create(&p->groups, unit);
    size_t *readers = c2s_zalloc((count + 1) * sizeof *readers);
    const c2s_allocation a = {.groups = &p->groups,
                              .orders = p->orders,
                              .meter = meter,
                              .round = p->round,
                              .worth = how == C2S_PRUNE_OUTPUTS ? p->worth : NULL,
                              .readers = readers,
                              .counts = p->counts};
    memset(p->counts, 0, count * sizeof *p->counts);
    for (size_t k = 0; k < count; k++)
        readers[k] = p->readers.groups[k].at.count;
    if (share == 0)
        c2s_allocate_ratio(&a, p->ratio);
    else if (how == C2S_PRUNE_UNIFORM)
        c2s_allocate_uniform(&a, share * c2s_prune_meter_now(meter));
    else
        c2s_allocate_errors(&a, share * c2s_prune_meter_now(meter));
    free(readers);
    c2s_prune_meter_free(meter);
}

/* The ways of allocating, and more damping, one after the other; what is best on samples that were
 * not learnt from stays. */
static c2s_status allocate_best(c2s_pruning *p) {
    const double damping[] = {p->damping, fmin(10 * p->damping, 1)};
    c2s_prune_allocation best = C2S_PRUNE_OUTPUTS;
    double least = INFINITY, held = damping[0];
    for (int d = 0; d < 2; d++)
        for (int how = C2S_PRUNE_OUTPUTS; how <= C2S_PRUNE_UNIFORM; how++) {
            double noise;
            if (d == 1 && how != (int)best)
                continue;
            p->damping = damping[d];
            allocate(p, (c2s_prune_allocation)how);
            C2S_TRY(c2s_pruning_try(p, &noise));
            c2s_log(2, "prune: %s, damping %g: %.1f dB", ways[how], p->damping, -10 * log10(noise));
            if (noise < least) {
                least = noise;
                held = damping[d];
                best = (c2s_prune_allocation)how;
            }
        }
    p->damping = held;
    allocate(p, best);
    return C2S_OK;
}

/* Units that go, as far as the caller of the pass lets groups lose some. */
static void take_units(c2s_pruning *p, c2s_stats *stats) {
    for (size_t k = 0; k < p->groups.groups.count; k++) {
        const c2s_prune_group *g = &p->groups.groups.at[k];
        if (p->counts[k] == 0 || !c2s_stats_may_apply(stats))
            continue;
        char where[600];
        snprintf(where, sizeof where, "%s: %zu units of %zu", g->name, p->counts[k], g->units);
        p->removed[k] = c2s_unit_order_first(&p->orders[k], p->counts[k]);
        c2s_stats_apply(stats, KIND, where);
        c2s_stats_looked(stats, g->maker);
    }
}

/* ---- the pass ---- */

/* Fitting it several times takes no more than a minute or so. */
static bool is_small(const c2s_pruning *p) {
    c2s_prune_meter *meter = c2s_prune_meter_create(&p->groups, C2S_METER_MACS);
    const double samples =
        fmin((double)p->samples_of.learn.count, p->samples ? (double)p->samples : INFINITY);
    const double work = c2s_prune_meter_now(meter) * samples * (double)p->stages;
    c2s_prune_meter_free(meter);
    return work < 1e11;
}

static c2s_status prune(c2s_pruning *p, c2s_stats *stats) {
    c2s_prune_groups_find(p->model, &p->groups);
    c2s_pruning_open(p);
    choose_groups(p, stats);
    C2S_TRY(c2s_pruning_order(p));
    if (p->allocation == C2S_PRUNE_BEST && p->outputs && is_small(p))
        C2S_TRY(allocate_best(p));
    else
        allocate(p, p->allocation == C2S_PRUNE_BEST ? C2S_PRUNE_OUTPUTS : p->allocation);
    take_units(p, stats);
    if (!c2s_prune_removes_any(&p->groups, (const bool *const *)p->removed))
        return C2S_OK;
    if (p->context->feed) /* what was to be judged is */
        c2s_sample_split_join(&p->samples_of);
    C2S_TRY(c2s_pruning_apply(p));
    return c2s_prune_cut(&p->groups, (const bool *const *)p->removed);
}

static c2s_status run(c2s_model *model, const c2s_options *options, const c2s_pass_context *context,
                      c2s_stats *stats) {
    c2s_pruning p = {.model = model, .context = context};
    C2S_TRY(read_options(options, context, &p));
    if (context->feed)
        c2s_sample_split_open(context->feed, &p.samples_of);
    if (p.ratio == 0 && p.macs == 0 && p.params == 0)
        return C2S_OK;
    c2s_pruning_prepare(&p);
    const c2s_status status = prune(&p, stats);
    if (status == C2S_OK)
        c2s_pruning_tidy(&p);
    c2s_pruning_close(&p);
    return status;
}

static const c2s_option_spec options[] = {
    {"macs", "", "part of the multiply-accumulates that stays, such as 0.5"},
    {"params", "", "part of the parameters that stays"},
    {"ratio", "", "part of every group that goes (0.25 if nothing else is said)"},
    {"method", "auto",
     "what goes first: obs (what least squares cannot make up for), activation, l2, l1, scale (of "
     "normalisations); auto: obs with data, l2 without"},
    {"allocate", "best",
     "which groups lose how much: by what errors do to the outputs, by errors alone, uniform, or "
     "the best of these on samples that were not learnt from (large models: outputs)"},
    {"refit", "yes", "fit the weights of what reads pruned channels to the data"},
    {"round", "8", "widths that stay are multiples of this, in groups of eight times that or more"},
    {"samples", "512", "of the data, to learn from at most; 0: all"},
    {"stages", "16", "steps from input to output in which weights are fitted, at most"},
    {"damping", "0.03",
     "how much fitted weights are held, in parts of the mean second moment; 0: not at all"},
    {"mix", "no", "also groups whose removal changes other results (normalisation over channels)"},
    {0}};

static const c2s_rewrite_kind kinds[] = {
    {KIND, "removes units of a group of coupled channels, heads or hidden units", false}, {0}};

const c2s_pass c2s_pass_prune = {
    .name = "prune",
    .summary = "makes layers narrower where it costs least, and fits what is left",
    .options = options,
    .kinds = kinds,
    .learns = true,
    .lossy = true,
    .run = run,
};
