/* SPDX-License-Identifier: Apache-2.0
 *
 * The main job: normalise, infer, run the pipeline with proof, report.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/map.h"
#include "count.h"
#include "eval/prove.h"
#include "io/dataset.h"
#include "io/normalise.h"
#include "ir/graph_list.h"
#include "ir/swap.h"
#include "passes/pipeline.h"
#include "passes/prover.h"
#include "runtime/session.h"

enum { DATA_SAMPLES = 4 }; /* of a data set, if nothing else is asked for */

typedef struct report {
    c2s_report public;
    c2s_arena *arena;
    C2S_VEC(const char *) notes;
} report;

static void add_note(report *r, const char *format, ...) C2S_PRINTF(2, 3);
static void add_note(report *r, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c2s_vec_push(&r->notes, c2s_arena_strdup(r->arena, text));
}

/* ---- samples of a data set ---- */

typedef struct samples {
    c2s_dataset *data;
    unsigned count, inputs;
    c2s_tensor ***sets;
} samples;

static void free_samples(samples *s) {
    for (unsigned i = 0; i < s->count; i++) {
        for (unsigned k = 0; s->sets[i] && k < s->inputs; k++)
            c2s_tensor_unref(s->sets[i][k]);
        free(s->sets[i]);
    }
    free(s->sets);
    c2s_dataset_close(s->data);
}

/* Spread evenly over the data: neighbours are often alike. */
static c2s_status load_samples(const c2s_model *model, const c2s_run_options *o, samples *s) {
    C2S_TRY(c2s_dataset_open(o->data, model->graph, &s->data));
    size_t available = c2s_dataset_count(s->data), wanted = o->samples ? o->samples : DATA_SAMPLES;
    s->count = (unsigned)(available < wanted ? available : wanted);
    s->inputs = c2s_graph_input_count(model->graph);
    s->sets = c2s_zalloc(s->count * sizeof *s->sets);
    for (unsigned i = 0; i < s->count; i++) {
        s->sets[i] = c2s_zalloc((s->inputs + 1) * sizeof **s->sets);
        C2S_TRY(c2s_dataset_sample(s->data, i * available / s->count, s->sets[i]));
    }
    return C2S_OK;
}

/* ---- steps of the job ---- */

/* A model that cannot be raised exactly stays as it is, and the report says why. */
static c2s_status normalise(c2s_model *model, report *r, bool *usable) {
    c2s_model *raised = c2s_model_copy(model);
    c2s_status status = c2s_model_normalise(raised);
    *usable = status == C2S_OK;
    if (status == C2S_OK)
        c2s_model_swap(model, raised);
    else if (status == C2S_ERR_UNSUPPORTED) {
        add_note(r, "nothing was done: %s", c2s_error());
        status = C2S_OK;
    }
    c2s_model_destroy(raised);
    return status;
}

static void note_unknown_operators(const c2s_model *model, report *r) {
    c2s_graph_list graphs = {0};
    c2s_graph_list_add(&graphs, model->graph);
    c2s_map seen = {0}; /* operator type -> count */
    C2S_VEC(const c2s_node *) first = {0};
    for (size_t i = 0; i < graphs.count; i++)
        for (const c2s_node *node = graphs.at[i]->first; node; node = node->next) {
            if (node->op != &c2s_op_opaque ||
                c2s_model_function(model, node->domain, node->type, node->overload))
                continue;
            uintptr_t count = (uintptr_t)c2s_map_get(&seen, node->type);
            if (count == 0)
                c2s_vec_push(&first, node);
            c2s_map_put(&seen, node->type, (void *)(count + 1));
        }
    for (size_t i = 0; i < first.count; i++) {
        const c2s_node *node = first.at[i];
        size_t count = (size_t)(uintptr_t)c2s_map_get(&seen, node->type);
        add_note(r, "left alone: %zu node%s of the unknown operator %s%s%s", count,
                 count == 1 ? "" : "s", node->domain, node->domain[0] ? "." : "", node->type);
    }
    c2s_vec_free(&first);
    c2s_map_free(&seen);
    c2s_vec_free(&graphs);
}

static void take_results(const c2s_pipeline_result *result, report *r) {
    size_t count = result->steps.count;
    c2s_pass_report *passes = c2s_arena_array(r->arena, count, sizeof *passes);
    const char *unproved = NULL;
    r->public.error = (double)NAN;
    for (size_t i = 0; i < count; i++) {
        const c2s_step_result *step = &result->steps.at[i];
        passes[i] = step->report;
        passes[i].name = c2s_arena_strdup(r->arena, step->report.name);
        if (step->report.reason)
            passes[i].reason = c2s_arena_strdup(r->arena, step->report.reason);
        c2s_rule_report *rules =
            c2s_arena_array(r->arena, step->stats.rules.count, sizeof *rules);
        for (size_t k = 0; k < step->stats.rules.count; k++) {
            const c2s_rule_count *rule = &step->stats.rules.at[k];
            rules[k] = (c2s_rule_report){c2s_arena_strdup(r->arena, rule->name), rule->applied,
                                         rule->refused};
        }
        passes[i].rules = rules;
        passes[i].rule_count = (unsigned)step->stats.rules.count;
        if (step->report.outcome == C2S_APPLIED && !isnan(step->report.error))
            r->public.error = step->report.error; /* each is against the first model */
        if (step->unproved)
            unproved = step->unproved;
    }
    r->public.passes = passes;
    r->public.pass_count = (unsigned)count;
    if (unproved)
        add_note(r, "not proved: %s", unproved);
}

static c2s_status run_pipeline(c2s_model *model, const c2s_pipeline *pipeline,
                               const c2s_run_options *o, const samples *s, report *r) {
    c2s_prove_options proof = {
        .evaluator = &c2s_evaluator_onednn,
        .eval = {.threads = o->threads},
        .tolerance = o->tolerance,
        .sets = s->sets ? (const c2s_tensor *const *const *)s->sets : NULL,
        .set_count = s->sets ? s->count : o->samples,
        .random = {.seed = o->seed, .dims = o->dims, .dim_count = o->dim_count},
    };
    c2s_prover *prover = o->no_prove ? NULL : c2s_prover_create(&proof);
    c2s_pipeline_options run = {
        .evaluator = &c2s_evaluator_onednn, .prover = prover, .bisect = o->bisect};
    c2s_pipeline_result result = {0};
    c2s_status status = c2s_pipeline_run(pipeline, model, &run, &result);
    if (status == C2S_OK)
        take_results(&result, r);
    c2s_pipeline_result_free(&result);
    c2s_prover_destroy(prover);
    return status;
}

static c2s_status optimize(c2s_model *model, const c2s_pipeline *pipeline,
                           const c2s_run_options *o, samples *s, c2s_extents *extents, report *r) {
    C2S_TRY(c2s_count_content(model, &r->public.before));
    r->public.after = r->public.before;
    if (pipeline->steps.count == 0)
        return C2S_OK;
    unsigned inputs = c2s_graph_input_count(model->graph);
    bool usable;
    C2S_TRY(normalise(model, r, &usable));
    if (!usable)
        return C2S_OK;
    C2S_TRY(c2s_graph_infer(model->graph));
    C2S_TRY(c2s_extents_choose(model, o->dims, o->dim_count, extents));
    c2s_count_cost(model, extents, &r->public.before);
    if (o->data && !o->no_prove)
        C2S_TRY(load_samples(model, o, s));
    C2S_TRY(run_pipeline(model, pipeline, o, s, r));
    C2S_TRY(c2s_count_content(model, &r->public.after));
    c2s_count_cost(model, extents, &r->public.after);
    if (c2s_graph_input_count(model->graph) < inputs)
        add_note(r, "%u initializers are no longer graph inputs (--keep-initializer-inputs keeps "
                    "them so)",
                 inputs - c2s_graph_input_count(model->graph));
    note_unknown_operators(model, r);
    return C2S_OK;
}

c2s_status c2s_model_optimize(c2s_model *model, const c2s_run_options *options,
                              c2s_report **out) {
    static const c2s_run_options defaults = {0};
    const c2s_run_options *o = options ? options : &defaults;
    if (out)
        *out = NULL;
    const c2s_log_sink sink = {o->verbosity, o->log, o->progress, o->user};
    const c2s_log_sink *previous = NULL;
    bool own_sink = o->log || o->progress;
    if (own_sink)
        previous = c2s_log_set_sink(&sink);
    c2s_pipeline *pipeline = NULL;
    c2s_status status = c2s_pipeline_parse(o->passes ? o->passes : C2S_DEFAULT_PASSES, &pipeline);
    if (status == C2S_OK) {
        if (o->keep_initializer_inputs)
            c2s_pipeline_set(pipeline, "cleanup", "keep_initializer_inputs", "yes");
        report *r = c2s_zalloc(sizeof *r);
        r->arena = c2s_arena_create();
        r->public.error = (double)NAN;
        samples s = {0};
        c2s_extents extents = {0};
        status = optimize(model, pipeline, o, &s, &extents, r);
        if (status != C2S_OK && model->path[0])
            c2s_note("%s", model->path);
        free_samples(&s);
        c2s_extents_free(&extents);
        r->public.notes = r->notes.at;
        r->public.note_count = (unsigned)r->notes.count;
        if (status == C2S_OK && out)
            *out = &r->public;
        else
            c2s_report_free(&r->public);
    }
    c2s_pipeline_free(pipeline);
    if (own_sink)
        c2s_log_set_sink(previous);
    return status;
}

void c2s_report_free(c2s_report *public) {
    report *r = (report *)public;
    if (!r)
        return;
    c2s_vec_free(&r->notes);
    c2s_arena_destroy(r->arena);
    free(r);
}
