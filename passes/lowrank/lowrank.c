/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: matrix products, convolutions, tables of Gather with large weights
 * After:  two or three smaller ones behind each other, which give nearly the same (lowrank_form.h)
 * Leaves alone weights that others read or that are no constants, and what would not save anything
 *         or be slower.
 */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "passes/lowrank/lowrank_job.h"

/* Stages of refit: at most, and multiply-accumulates that they may take. */
enum { MOST_STAGES = 24, LEAST_STAGES = 3 };
#define STAGES_WORK 1.5e12

/* ---- options ---- */

static const c2s_option_spec options[] = {
    {"params", "auto",
     "keep this part of the weights of all layers that are considered; auto: as few as the bounds "
     "of the job allow, without bounds 0.75"},
    {"macs", "", "keep this part of their multiply-accumulates"},
    {"latency", "",
     "as long as the model takes may be this part of what it was, measured in the runtime on one "
     "thread"},
    {"ratio", "", "keep this part of the weights of each layer"},
    {"energy", "", "keep this part of the energy of each layer's output, at the least rank"},
    {"rank", "", "this rank for all layers"},
    {"max_drop", "", "as few weights as cost at most so many points of top-1; default: --max-drop"},
    {"min_sqnr", "", "as few weights as keep so many dB; default: --min-sqnr"},
    {"method", "auto",
     "plain: by the weights alone; whitened: least error of the outputs on the samples; refit: and "
     "layers make up for those before them; auto: refit if there are samples"},
    {"forms", "",
     "of these only, separated by ;: pair, channel, echelon, spatial, spatial-turned, tucker, "
     "decoupled, cp; all, but for echelon where values are quantized in the same job"},
    {"multiple", "8", "ranks are multiples of this"},
    {"timing", "yes", "take only what is no slower in the runtime, measured"},
    {"weigh", "yes",
     "hold errors of layers against each other by what they do to the outputs, measured"},
    {"joint", "yes",
     "layers that read the same rows may share all stages but the last: queries, keys and values"},
    {"damping", "0.001", "of second moments, as part of the mean of their diagonal"},
    {"memory", "1G", "bytes that second moments may take at a time"},
    {"stages", "auto",
     "refit: how often the samples are run at most; auto: 24, fewer for large models"},
    {"epochs", "auto",
     "refit: how often all samples are gone through at the end, to fit all layers together; auto: "
     "up to 30, fewer for large models, 0 for very large ones"},
    {"include", "", "only these: names or operators, as patterns, separated by ;"},
    {"exclude", "", "leave those alone: likewise"},
    {0}};

static bool is_given(const c2s_options *o, const char *name) {
    return c2s_option_text(o, name)[0] != '\0';
}

static c2s_status read_goal(c2s_lowrank_job *j, const c2s_options *o) {
    static const struct {
        const char *name;
        c2s_lowrank_goal goal;
        double most;
        c2s_lowrank_unit unit;
    } goals[] = {{"macs", C2S_LOWRANK_TOTAL, 1, C2S_LOWRANK_MACS},
                 {"latency", C2S_LOWRANK_TOTAL, 1, C2S_LOWRANK_SECONDS},
                 {"ratio", C2S_LOWRANK_RATIO, 1, C2S_LOWRANK_PARAMETERS},
                 {"energy", C2S_LOWRANK_ENERGY, 1, C2S_LOWRANK_PARAMETERS},
                 {"rank", C2S_LOWRANK_RANK, 1e9, C2S_LOWRANK_PARAMETERS}};
    const char *given = strcmp(c2s_option_text(o, "params"), "auto") != 0 ? "params" : NULL;
    j->goal = C2S_LOWRANK_TOTAL;
    j->value = 0.75;
    if (given)
        C2S_TRY(c2s_option_number(o, "params", 0, 1, &j->value));
    for (size_t i = 0; i < sizeof goals / sizeof *goals; i++) {
        if (!is_given(o, goals[i].name))
            continue;
        if (given)
            return c2s_fail(C2S_ERR_USAGE, "pass %s: options %s and %s exclude each other", o->pass,
                            given, goals[i].name);
        given = goals[i].name;
        j->goal = goals[i].goal;
        j->plan.unit = goals[i].unit;
        C2S_TRY(c2s_option_number(o, given, j->goal == C2S_LOWRANK_RANK ? 1 : 0, goals[i].most,
                                  &j->value));
    }
    j->automatic = !given;
    return C2S_OK;
}

static c2s_status read_budget(c2s_lowrank_job *j, const c2s_options *o) {
    j->budget = j->context->budget;
    if (is_given(o, "max_drop"))
        C2S_TRY(c2s_option_number(o, "max_drop", 0, 100, &j->budget.max_drop));
    if (is_given(o, "min_sqnr"))
        C2S_TRY(c2s_option_number(o, "min_sqnr", -100, 300, &j->budget.min_sqnr_db));
    if ((is_given(o, "max_drop") || is_given(o, "min_sqnr")) && !j->context->quality)
        return c2s_fail(C2S_ERR_USAGE, "pass %s: max_drop and min_sqnr need data, expected --calib",
                        o->pass);
    return C2S_OK;
}

static c2s_status read_method(c2s_lowrank_job *j, const c2s_options *o) {
    const char *method = c2s_option_text(o, "method");
    const bool data = j->context->feed && j->context->feed->count > 0;
    const bool automatic = strcmp(method, "auto") == 0, refit = strcmp(method, "refit") == 0;
    double stages = 0, epochs = -1;
    if (!automatic && !refit && strcmp(method, "plain") != 0 && strcmp(method, "whitened") != 0)
        return c2s_fail(C2S_ERR_USAGE,
                        "pass %s: option method is \"%s\", expected plain, whitened, refit or auto",
                        o->pass, method);
    C2S_TRY(c2s_option_number(o, "damping", 0, 1, &j->how.damping));
    C2S_TRY(c2s_option_bytes(o, "memory", &j->how.memory));
    if (strcmp(c2s_option_text(o, "stages"), "auto") != 0)
        C2S_TRY(c2s_option_number(o, "stages", 1, 1e6, &stages));
    if (strcmp(c2s_option_text(o, "epochs"), "auto") != 0)
        C2S_TRY(c2s_option_number(o, "epochs", 0, 1e6, &epochs));
    j->epochs = !automatic && !refit ? 0 : epochs < 0 ? SIZE_MAX : (size_t)epochs;
    j->how.whitened = automatic ? data : method[0] != 'p';
    j->how.stages = automatic || refit ? (size_t)stages : 1;
    return j->how.whitened && !data
               ? c2s_fail(C2S_ERR_USAGE, "pass %s: method %s needs samples, expected --calib",
                          o->pass, method)
               : C2S_OK;
}

static c2s_status check_forms(const char *text) {
    char *names = c2s_strdup(text), *state = NULL, *rest = names;
    c2s_status status = C2S_OK;
    for (char *name; status == C2S_OK && (name = strtok_r(rest, ";", &state)); rest = NULL)
        if (!c2s_lowrank_form_find(name))
            status = c2s_fail(C2S_ERR_USAGE, "option forms: \"%s\" is no form", name);
    free(names);
    return status;
}

static c2s_status read_options(c2s_lowrank_job *j, const c2s_options *o) {
    double multiple;
    c2s_name_filter_read(&j->include, c2s_option_text(o, "include"));
    c2s_name_filter_read(&j->exclude, c2s_option_text(o, "exclude"));
    j->plan.forms = c2s_option_text(o, "forms");
    C2S_TRY(check_forms(j->plan.forms));
    j->plan.codes_follow = j->context->codes_follow;
    C2S_TRY(c2s_option_number(o, "multiple", 1, 4096, &multiple));
    j->plan.multiple = (size_t)multiple;
    C2S_TRY(c2s_option_flag(o, "timing", &j->timed));
    C2S_TRY(c2s_option_flag(o, "weigh", &j->weighed));
    C2S_TRY(c2s_option_flag(o, "joint", &j->joined));
    C2S_TRY(read_goal(j, o));
    C2S_TRY(read_budget(j, o));
    return read_method(j, o);
}

/* Each stage runs all samples through two graphs. */
static void limit_stages(c2s_lowrank_job *j) {
    double work = 0;
    for (size_t i = 0; i < j->plan.items.count; i++)
        work += j->plan.items.at[i].macs;
    work *= j->context->feed ? 2 * (double)j->context->feed->count : 0;
    if (j->how.stages == 0)
        j->how.stages = (size_t)fmax(LEAST_STAGES, fmin(MOST_STAGES, STAGES_WORK / (work + 1)));
}

/* ---- the pass ---- */

static bool may_write(void *user, const c2s_lowrank_item *item) {
    c2s_lowrank_job *j = user;
    const c2s_node *node = item->layer.node;
    const c2s_lowrank_way *way = &item->ways.at[item->chosen];
    if (!c2s_stats_may_apply(j->stats))
        return false;
    c2s_stats_apply(j->stats, C2S_LOWRANK_KIND, c2s_node_text(node));
    c2s_stats_looked(j->stats, node);
    c2s_log(1, "lowrank: %s: %s, rank %zu: weights %.0f%%, energy kept %.2f%%", c2s_node_text(node),
            way->form->name, way->rank, 100 * way->parameters / item->parameters,
            100 * (1 - way->error));
    return true;
}

static void log_total(const c2s_lowrank_job *j) {
    static const char *const units[] = {"weights", "multiply-accumulates", "microseconds"};
    const bool timed = j->plan.unit == C2S_LOWRANK_SECONDS;
    double before, after;
    c2s_lowrank_plan_costs(&j->plan, &before, &after);
    c2s_log(1, "lowrank: %.0f of %.0f %s", after * (timed ? 1e6 : 1), before * (timed ? 1e6 : 1),
            units[j->plan.unit]);
    if (j->goal == C2S_LOWRANK_TOTAL && !j->automatic && !timed && after > before * j->value)
        c2s_log(0, "lowrank: no more than %.0f%% of the %s could be saved",
                100 * (1 - after / before), units[j->plan.unit]);
}

static c2s_status factorise(c2s_lowrank_job *j) {
    C2S_TRY(c2s_lowrank_find_layers(j));
    if (j->plan.items.count == 0)
        return C2S_OK;
    limit_stages(j);
    C2S_TRY(c2s_lowrank_find_ways(j));
    C2S_TRY(c2s_lowrank_decide(j));
    log_total(j);
    return c2s_lowrank_write(j, may_write, j);
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    c2s_lowrank_job j = {
        .model = model, .context = context, .stats = stats, .how = {.context = context}};
    c2s_status status = read_options(&j, o);
    if (status == C2S_OK)
        status = factorise(&j);
    c2s_lowrank_plan_free(&j.plan);
    c2s_lowrank_speeds_free(&j.speeds);
    c2s_name_filter_free(&j.include);
    c2s_name_filter_free(&j.exclude);
    return status;
}

static const c2s_rewrite_kind kinds[] = {
    {.name = C2S_LOWRANK_KIND,
     .summary = "a matrix product or convolution -> smaller ones behind each other"},
    {.name = C2S_LOWRANK_TIED_KIND,
     .summary = "the matrix of an output layer that is a table of Gather turned -> that table"},
    {0}};

const c2s_pass c2s_pass_lowrank = {.name = "lowrank",
                                   .summary = "large weights become products of smaller ones",
                                   .options = options,
                                   .kinds = kinds,
                                   .lossy = true,
                                   .on_float = true,
                                   .measures = true,
                                   .run = run};
