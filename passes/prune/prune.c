/* SPDX-License-Identifier: Apache-2.0
 *
 * Before   layers of some width
 * After    narrower ones: groups of coupled channels (prune_groups.h) have lost the
 *          units that matter least, and what reads them has weights that make up for it
 * Refuses  groups that are pinned, those that save no work (unless parameters are to go), and,
 *          unless mix=yes, those whose removal changes other results whatever their weights are
 *
 * The order in which units go, and what each number of them costs, comes from second moments of
 * what readers read (unit_order.h); how many go where, from these costs and what they save
 * (allocate.h). Then, from input to output, readers are fitted to what they gave in the first
 * model, on inputs as they are by then (reader_fit.h), and all of them together (tune.c). All of
 * that happens with zeros in the place of units (prune_mask.h); at the end they are cut.
 */
#include "passes/pass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "passes/prune/prune_cut.h"
#include "passes/prune/pruning.h"

#define KIND "prune-group"

/* ---- options ---- */

static c2s_status read_method(const c2s_options *o, bool has_data, c2s_pruning *p) {
    static const char *const names[] = {"obs", "activation", "divergence", "l2", "l1", "scale"};
    const char *text = c2s_option_text(o, "method");
    p->automatic_method = strcmp(text, "auto") == 0;
    if (p->automatic_method) {
        p->method = has_data ? C2S_PRUNE_OBS : C2S_PRUNE_L2;
        return C2S_OK;
    }
    for (int k = 0; k < (int)(sizeof names / sizeof *names); k++)
        if (strcmp(text, names[k]) == 0) {
            p->method = (c2s_prune_method)k;
            return has_data || k > C2S_PRUNE_DIVERGENCE
                       ? C2S_OK
                       : c2s_fail(C2S_ERR_USAGE, "pass %s: method=%s needs data", o->pass, text);
        }
    return c2s_fail(C2S_ERR_USAGE,
                    "pass %s: option method is \"%s\", expected auto, obs, activation, "
                    "divergence, l2, l1 or scale",
                    o->pass, text);
}

static c2s_status read_allocation(const c2s_options *o, bool has_data, c2s_pruning *p) {
    const char *text = c2s_option_text(o, "allocate");
    for (int k = C2S_PRUNE_BEST; k <= C2S_PRUNE_UNIFORM; k++)
        if (strcmp(text, c2s_prune_ways[k]) == 0) {
            p->allocation = (c2s_prune_allocation)k;
            /* Both need to see outputs. */
            if (p->allocation <= C2S_PRUNE_OUTPUTS &&
                (!has_data || p->method > C2S_PRUNE_DIVERGENCE))
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
    double round = 0, samples, stages, rounds = 0, epochs = -1, steps, ratio = 0;
    C2S_TRY(read_method(o, context->feed != NULL, p));
    C2S_TRY(read_allocation(o, context->feed != NULL, p));
    C2S_TRY(read_share(o, "macs", &p->macs));
    C2S_TRY(read_share(o, "params", &p->params));
    C2S_TRY(read_share(o, "latency", &p->latency));
    p->automatic =
        p->macs == 0 && p->params == 0 && p->latency == 0 && !*c2s_option_text(o, "ratio");
    if (p->automatic)
        ratio = 0.25;
    if (*c2s_option_text(o, "ratio"))
        C2S_TRY(c2s_option_number(o, "ratio", 0, 1, &ratio));
    p->ratio = ratio;
    if (strcmp(c2s_option_text(o, "round"), "auto") != 0)
        C2S_TRY(c2s_option_number(o, "round", 1, 1024, &round));
    C2S_TRY(c2s_option_number(o, "samples", 0, 1e9, &samples));
    C2S_TRY(c2s_option_number(o, "stages", 1, 1e6, &stages));
    if (strcmp(c2s_option_text(o, "rounds"), "auto") != 0)
        C2S_TRY(c2s_option_number(o, "rounds", 1, 100, &rounds));
    if (strcmp(c2s_option_text(o, "epochs"), "auto") != 0)
        C2S_TRY(c2s_option_number(o, "epochs", 0, 1e6, &epochs));
    C2S_TRY(c2s_option_number(o, "steps", 1, 100, &steps));
    C2S_TRY(c2s_option_number(o, "damping", 0, 1, &p->asked_damping));
    p->damping = p->asked_damping;
    C2S_TRY(c2s_option_flag(o, "refit", &p->refit));
    C2S_TRY(c2s_option_flag(o, "mix", &p->mix));
    if (steps >= 2 && p->method > C2S_PRUNE_ACTIVATION)
        return c2s_fail(C2S_ERR_USAGE, "pass %s: steps need method=obs or activation", o->pass);
    p->round = (size_t)round;
    p->samples = (size_t)samples;
    p->stages = (size_t)stages;
    p->rounds = (size_t)rounds;
    p->epochs = epochs < 0 ? SIZE_MAX : (size_t)epochs;
    p->steps = (size_t)steps;
    p->by_laws = p->refit && !context->feed;
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
        else if (g->macs == 0 && p->params == 0)
            c2s_stats_refuse(stats, KIND, g->name, "it would save no work");
        else if (g->mixed_by && !p->mix)
            c2s_stats_refuse(stats, KIND, g->name,
                             "other results would change, too (mix=yes prunes it all the same)");
        else
            p->chosen[k] = !c2s_stats_skips(stats, KIND, g->name);
    }
}

/* ---- the pass ---- */

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

static void tell_work(const c2s_pruning *p) {
    c2s_prune_meter *meter = c2s_prune_meter_create(&p->groups, C2S_METER_MACS, NULL);
    const double before = c2s_prune_meter_now(meter);
    for (size_t k = 0; k < p->groups.groups.count; k++)
        for (size_t u = 0; p->removed[k] && u < p->groups.groups.at[k].units; u++)
            if (p->removed[k][u])
                c2s_prune_meter_move(meter, k, u, false);
    c2s_log(1, "prune: of %.0f multiply-accumulates %.0f stay, %.4f of them", before,
            c2s_prune_meter_now(meter), before > 0 ? c2s_prune_meter_now(meter) / before : 1);
    c2s_prune_meter_free(meter);
}

static c2s_status prune(c2s_pruning *p, c2s_stats *stats) {
    c2s_prune_groups_find(p->model, &p->groups);
    c2s_pruning_open(p);
    choose_groups(p, stats);
    p->small = c2s_pruning_is_small(p);
    if (p->rounds == 0)
        p->rounds = p->small ? 2 : 1;
    if (p->epochs == SIZE_MAX)
        p->epochs = c2s_pruning_epochs(p);
    if (!p->refit)
        p->epochs = 0;
    for (size_t step = 1; step < p->steps; step++)
        C2S_TRY(c2s_pruning_step(p, step));
    C2S_TRY(c2s_pruning_order(p));
    c2s_pruning_undo(p);
    C2S_TRY(c2s_pruning_choose(p));
    take_units(p, stats);
    if (!c2s_prune_removes_any(&p->groups, (const bool *const *)p->removed))
        return C2S_OK;
    if (p->context->feed) /* what was to be judged is, but for what says when to stop */
        c2s_pruning_learn_most(p);
    tell_work(p);
    C2S_TRY(c2s_pruning_apply(p));
    if (p->epochs > 0)
        C2S_TRY(c2s_pruning_tune(p));
    return c2s_prune_cut(&p->groups, (const bool *const *)p->removed);
}

/* The figures are those of docs/pruning.md at three quarters of the multiply-accumulates. */
static void warn(const c2s_pruning *p) {
    c2s_log(0,
            "prune: NO DATA (--calib): what goes is chosen by %s, and weights are not fitted; "
            "networks lost 0 to 64 points of top-1 so that lose 0 to 5 with data",
            p->laws.known > 0 ? "weights and batch normalizations" : "the size of weights");
}

static c2s_status run(c2s_model *model, const c2s_options *options, const c2s_pass_context *context,
                      c2s_stats *stats) {
    c2s_pruning p = {.model = model, .context = context};
    C2S_TRY(read_options(options, context, &p));
    if (p.ratio == 0 && p.macs == 0 && p.params == 0 && p.latency == 0)
        return C2S_OK;
    if (context->feed)
        c2s_sample_split_open(context->feed, &p.samples_of);
    c2s_pruning_prepare(&p);
    if (!context->feed)
        warn(&p);
    const c2s_status status = prune(&p, stats);
    if (status == C2S_OK)
        c2s_pruning_tidy(&p);
    c2s_pruning_close(&p);
    return status;
}

static const c2s_option_spec options[] = {
    {"macs", "", "part of the multiply-accumulates that stays, such as 0.5"},
    {"params", "", "part of the parameters that stays"},
    {"latency", "", "part of the time to run that stays, measured in this runtime on one thread"},
    {"ratio", "", "part of every group that goes (0.25 if nothing else is said)"},
    {"method", "auto",
     "what goes first: obs (what least squares cannot make up for), activation, divergence (of the "
     "outputs, if a unit alone goes), l2, l1, scale (of normalisations); auto: obs with data, l2 "
     "without"},
    {"allocate", "best",
     "which groups lose how much: by what errors do to the outputs, by errors alone, uniform, or "
     "the best of these on samples that were not learnt from (large models: outputs)"},
    {"refit", "yes", "fit the weights of what reads pruned channels to the data"},
    {"round", "auto",
     "widths that stay are multiples of this, in groups of that or more; auto: 8, in groups of 64 "
     "or more, with macs or latency of 16 or more; less where the budget is not met nearly"},
    {"samples", "512", "of the data, to learn from at most; 0: all"},
    {"stages", "16", "steps from input to output in which weights are fitted, at most"},
    {"steps", "1",
     "in which units go, first many, then ever fewer; each chooses on what the last one has left"},
    {"rounds", "auto",
     "how often each stage is fitted, since what Relu or Clip cut off differs then; auto: 2, large "
     "models 1"},
    {"epochs", "auto",
     "how often all samples are gone through at the end, to fit all weights that are left "
     "together; auto: 100, fewer as models and data grow, none where it would be less than 10"},
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
    .on_float = true,
    .run = run,
};
