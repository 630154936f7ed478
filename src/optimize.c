/* SPDX-License-Identifier: Apache-2.0
 *
 * The main job: normalise, infer, run the pipeline with proof, report.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/map.h"
#include "count.h"
#include "eval/prove.h"
#include "io/dataset.h"
#include "io/normalise.h"
#include "io/opset.h"
#include "ir/graph_list.h"
#include "ir/swap.h"
#include "passes/custom/custom.h"
#include "passes/pipeline.h"
#include "ops/op.h"
#include "ops/op_versions.h"
#include "passes/prover.h"
#include "runtime/session.h"
#include "shapes.h"

enum {
    DATA_SAMPLES = 4,  /* of a data set, if nothing else is asked for */
    NORMAL_OPSET = 13, /* the oldest whose forms can be executed and counted */
};

typedef struct report {
    c2s_report public;
    c2s_arena *arena;
    c2s_trace *trace;
    C2S_VEC(const char *) notes;
    C2S_VEC(c2s_pass_report) passes;
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

/* A model that cannot be raised exactly stays as it is, and the report says why, unless it was
 * asked to be raised. */
static c2s_status normalise(c2s_model *model, bool asked, report *r, bool *usable) {
    c2s_model *raised = c2s_model_copy(model);
    c2s_status status = c2s_model_normalise(raised);
    *usable = status == C2S_OK;
    if (status == C2S_OK)
        c2s_model_swap(model, raised);
    else if (status == C2S_ERR_UNSUPPORTED && !asked) {
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
    const char *unproved = NULL;
    for (size_t i = 0; i < result->steps.count; i++) {
        const c2s_step_result *step = &result->steps.at[i];
        c2s_pass_report pass = step->report;
        pass.name = c2s_arena_strdup(r->arena, step->report.name);
        if (step->report.reason)
            pass.reason = c2s_arena_strdup(r->arena, step->report.reason);
        c2s_rule_report *rules = c2s_arena_array(r->arena, step->stats.rules.count, sizeof *rules);
        for (size_t k = 0; k < step->stats.rules.count; k++) {
            const c2s_rule_count *rule = &step->stats.rules.at[k];
            rules[k] = (c2s_rule_report){c2s_arena_strdup(r->arena, rule->name), rule->applied,
                                         rule->refused};
        }
        pass.rules = rules;
        pass.rule_count = (unsigned)step->stats.rules.count;
        const char **left_out = c2s_arena_array(r->arena, step->left_out.count, sizeof *left_out);
        for (size_t k = 0; k < step->left_out.count; k++)
            left_out[k] = c2s_arena_strdup(r->arena, step->left_out.at[k]);
        pass.left_out = left_out;
        pass.left_out_count = (unsigned)step->left_out.count;
        c2s_vec_push(&r->passes, pass);
        if (step->unproved)
            unproved = step->unproved;
    }
    if (unproved)
        add_note(r, "not proved: %s", unproved);
}

static void take_events(report *r) {
    const size_t count = r->trace->events.count;
    c2s_event_report *events = c2s_arena_array(r->arena, count, sizeof *events);
    for (size_t i = 0; i < count; i++) {
        const c2s_event *e = &r->trace->events.at[i];
        events[i] = (c2s_event_report){
            .pass = e->pass,
            .rule = e->kind,
            .where = e->where,
            .reason = e->reason,
            .nodes = e->nodes.at,
            .removed = e->removed.at,
            .node_count = (unsigned)e->nodes.count,
            .removed_count = (unsigned)e->removed.count,
        };
    }
    r->public.events = events;
    r->public.event_count = (unsigned)count;
}

/* "RULE" or "RULE@NODE". */
static c2s_skip parse_skip(const char *text, c2s_arena *arena) {
    char *kind = c2s_arena_strdup(arena, text), *at = strchr(kind, '@');
    if (at)
        *at++ = '\0';
    return (c2s_skip){kind, at, "left out on request"};
}

static bool is_slower(const c2s_prover *prover, c2s_model *model,
                      const c2s_pipeline_result *result, char text[C2S_SLOWER_TEXT]) {
    unsigned rewrites = 0;
    for (size_t i = 0; i < result->steps.count; i++)
        if (result->steps.at[i].report.outcome == C2S_APPLIED)
            rewrites += result->steps.at[i].report.rewrites;
    return rewrites > 0 && prover->slower(prover->user, model, text);
}

static void roll_all_back(c2s_pipeline_result *result, const char *why) {
    for (size_t i = 0; i < result->steps.count; i++) {
        c2s_pass_report *pass = &result->steps.at[i].report;
        if (pass->outcome != C2S_APPLIED)
            continue;
        pass->outcome = C2S_ROLLED_BACK;
        pass->reason = c2s_arena_strdup(result->arena, why);
        result->steps.at[i].left_out.count = 0;
    }
}

/* If the model as a whole has become slower, everything is done again, and now every pass is judged
 * by its speed, too. If that does not find out what it is, all of it goes. */
static c2s_status guard(c2s_model *model, c2s_model *before, const c2s_pipeline *pipeline,
                        c2s_pipeline_options *run, c2s_pipeline_result *result) {
    char text[C2S_SLOWER_TEXT];
    if (!is_slower(run->prover, model, result, text))
        return C2S_OK;
    c2s_log(0, "%s: looking for the rewrite to blame", text);
    c2s_pipeline_result_free(result);
    c2s_model *fresh = c2s_model_copy(before);
    c2s_model_swap(model, fresh);
    c2s_model_destroy(fresh);
    if (run->trace)
        c2s_trace_cut(run->trace, 0);
    run->guard = true;
    C2S_TRY(c2s_pipeline_run(pipeline, model, run, result));
    if (!is_slower(run->prover, model, result, text))
        return C2S_OK;
    fresh = c2s_model_copy(before);
    c2s_model_swap(model, fresh);
    c2s_model_destroy(fresh);
    if (run->trace)
        c2s_trace_cut(run->trace, 0);
    roll_all_back(result, text);
    c2s_log(0, "everything is rolled back: %s", text);
    return C2S_OK;
}

static c2s_status run_pipeline(c2s_model *model, const c2s_pipeline *pipeline,
                               const c2s_run_options *o, c2s_prover *prover, report *r) {
    C2S_VEC(c2s_skip) skips = {0};
    for (unsigned i = 0; i < o->skip_count; i++)
        c2s_vec_push(&skips, parse_skip(o->skip[i], r->arena));
    c2s_pipeline_options run = {
        .evaluator = &c2s_evaluator_onednn,
        .prover = prover,
        .bisect = !o->no_bisect,
        .skips = skips.at,
        .skip_count = skips.count,
        .limit = o->stop_after,
        .annotate = o->annotate,
        .trace = r->trace,
        .after = o->after_pass,
        .user = o->user,
    };
    c2s_model *before = prover && !o->no_guard ? c2s_model_copy(model) : NULL;
    c2s_pipeline_result result = {0};
    c2s_status status = c2s_pipeline_run(pipeline, model, &run, &result);
    if (status == C2S_OK && before) {
        c2s_prover_race(prover, before);
        status = guard(model, before, pipeline, &run, &result);
        c2s_prover_race(prover, NULL);
    }
    if (status == C2S_OK)
        take_results(&result, r);
    c2s_pipeline_result_free(&result);
    c2s_model_destroy(before);
    c2s_vec_free(&skips);
    return status;
}

/* A copy of the model in the forms that can be executed and counted. */
static c2s_status normal_copy(c2s_model *model, c2s_model **out) {
    *out = c2s_model_copy(model);
    c2s_status status = c2s_model_normalise(*out);
    if (status == C2S_OK)
        status = c2s_graph_infer((*out)->graph);
    if (status == C2S_OK)
        return C2S_OK;
    c2s_model_destroy(*out);
    *out = NULL;
    return status;
}

static c2s_status prove_conversion(c2s_model *before, c2s_model *after, const c2s_prover *prover,
                                   report *r, c2s_pass_report *step) {
    c2s_proof proof = {.verdict = C2S_NOT_PROVED};
    c2s_model *copy;
    C2S_TRY(normal_copy(after, &copy));
    c2s_status status = prover->prove(prover->user, before, copy, &proof);
    c2s_model_destroy(copy);
    C2S_TRY(status);
    if (proof.verdict == C2S_DIFFERENT)
        return c2s_fail(C2S_ERR_TOLERANCE, "%s", proof.text);
    if (proof.verdict == C2S_NOT_PROVED)
        add_note(r, "not proved: %s", proof.text);
    else
        step->error = proof.error;
    return C2S_OK;
}

static c2s_status convert_and_prove(c2s_model *model, int64_t opset, const c2s_prover *prover,
                                    report *r, c2s_pass_report *step) {
    c2s_model *before = c2s_model_copy(model);
    c2s_status status = c2s_model_convert_opset(model, opset, &step->rewrites);
    if (status == C2S_OK) {
        c2s_graph_sweep(model->graph);
        status = c2s_model_verify(model);
    }
    if (status == C2S_OK && opset >= NORMAL_OPSET)
        status = c2s_graph_infer(model->graph); /* passes need it */
    if (status == C2S_OK && prover)
        status = prove_conversion(before, model, prover, r, step);
    c2s_model_destroy(before);
    return status;
}

/* A step of its own in the report. What was asked for and cannot be had is a failure. */
static c2s_status convert_opset(c2s_model *model, int64_t opset, const c2s_prover *prover,
                                report *r) {
    const int64_t from = c2s_model_opset(model, "");
    c2s_pass_report step = {.name = "opset", .error = (double)NAN};
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    c2s_status status = convert_and_prove(model, opset, prover, r, &step);
    clock_gettime(CLOCK_MONOTONIC, &end);
    step.seconds =
        (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
    step.outcome = C2S_APPLIED; /* the import, if nothing else */
    if (status != C2S_OK)
        c2s_note("opset %lld to %lld", (long long)from, (long long)opset);
    c2s_vec_push(&r->passes, step);
    return status;
}

/* ---- the job ---- */

typedef struct job {
    c2s_model *model, *original; /* original: before its shapes were changed; NULL: they were not */
    const c2s_pipeline *pipeline;
    const c2s_run_options *o;
    c2s_shape_change change;
    samples samples;
    c2s_extents extents;
    report *r;
} job;

static void free_job(job *j) {
    free_samples(&j->samples);
    c2s_extents_free(&j->extents);
    c2s_shape_change_free(&j->change);
    c2s_model_destroy(j->original);
}

static bool wants_shapes(const c2s_run_options *o) {
    return o->dim_count > 0 || o->shape_count > 0;
}

static c2s_status change_shapes(job *j, c2s_model **checked) {
    const c2s_run_options *o = j->o;
    const c2s_shape_request request = {o->dims, o->dim_count, o->shapes, o->shape_count};
    C2S_TRY(c2s_shapes_apply(j->model, &request, &j->change));
    C2S_TRY(c2s_shapes_check(j->model, &j->change, checked));
    for (size_t i = 0; i < j->change.notes.count; i++)
        add_note(j->r, "%s", j->change.notes.at[i]);
    return C2S_OK;
}

/* Nothing but shapes changes: the model is neither raised nor inferred, a checked copy is. */
static c2s_status only_change_shapes(job *j) {
    c2s_model *checked = NULL;
    C2S_TRY(change_shapes(j, &checked));
    for (unsigned k = 0; k < c2s_graph_output_count(j->model->graph); k++) {
        c2s_value *output = c2s_graph_output(j->model->graph, k);
        c2s_type type = c2s_graph_output(checked->graph, k)->type;
        for (int i = 0; i < type.rank; i++)
            type.dim[i] = c2s_dim_import(j->model->dims, checked->dims, type.dim[i]);
        if (c2s_type_is_tensor(&type) && type.dtype && !output->constant)
            c2s_value_set_type(output, &type);
    }
    c2s_model_destroy(checked);
    return c2s_count_content(j->model, &j->r->public.after);
}

/* The results to hold every state against: those of the model as it was, if it can run on inputs of
 * the new shapes. That the change of shapes alone leaves them as they are is proved at once. */
static c2s_status prove_shapes(const job *j, c2s_prove_options *options, c2s_baseline **out) {
    options->random.dims = j->change.bound.at;
    options->random.dim_count = (unsigned)j->change.bound.count;
    C2S_TRY(c2s_baseline_create(j->original->graph, options, out));
    c2s_proof proof;
    c2s_prove(*out, j->model->graph, &proof);
    if (proof.verdict != C2S_DIFFERENT)
        return C2S_OK;
    c2s_baseline_destroy(*out);
    *out = NULL;
    return c2s_fail(C2S_ERR_TOLERANCE,
                    "with its shapes changed the model computes something else: %s", proof.text);
}

/* The passes, between raising, so that they see what the newer opset has, and lowering. */
static c2s_status run_steps(const job *j, c2s_prover *prover) {
    const c2s_run_options *o = j->o;
    c2s_status status = C2S_OK;
    if (o->opset > c2s_model_opset(j->model, ""))
        status = convert_opset(j->model, o->opset, prover, j->r);
    if (status == C2S_OK && j->pipeline->steps.count)
        status = run_pipeline(j->model, j->pipeline, o, prover, j->r);
    if (status == C2S_OK && o->opset && o->opset < c2s_model_opset(j->model, ""))
        status = convert_opset(j->model, o->opset, prover, j->r);
    return status;
}

static c2s_status prove_steps(job *j) {
    const c2s_run_options *o = j->o;
    report *r = j->r;
    c2s_prove_options proof = {
        .evaluator = &c2s_evaluator_onednn,
        .eval = {.threads = o->threads},
        .tolerance = o->tolerance,
        .sets = j->samples.sets ? (const c2s_tensor *const *const *)j->samples.sets : NULL,
        .set_count = j->samples.sets ? j->samples.count : o->samples,
        .random = {.seed = o->seed},
    };
    c2s_baseline *baseline = NULL;
    if (!o->no_prove && j->original && !j->change.overridden)
        C2S_TRY(prove_shapes(j, &proof, &baseline));
    c2s_prover *prover = o->no_prove ? NULL : c2s_prover_create(&proof, baseline);
    c2s_status status = run_steps(j, prover);
    c2s_prover_destroy(prover);
    for (size_t i = 0; i < r->passes.count; i++)
        if (r->passes.at[i].outcome == C2S_APPLIED && !isnan(r->passes.at[i].error))
            r->public.error = r->passes.at[i].error; /* each is against the first model */
    return status;
}

/* Costs are those for inputs of the new shapes, unless the model as it was cannot take them. */
static c2s_status prepare(job *j) {
    c2s_counts *before = &j->r->public.before;
    C2S_TRY(c2s_graph_infer(j->model->graph));
    if (wants_shapes(j->o)) {
        j->original = c2s_model_copy(j->model);
        C2S_TRY(change_shapes(j, NULL));
        C2S_TRY(c2s_graph_infer(j->model->graph));
    }
    C2S_TRY(c2s_extents_choose(j->model, NULL, 0, &j->extents));
    if (!j->change.overridden) {
        c2s_count_cost(j->original ? j->original : j->model, &j->extents, before);
        return C2S_OK;
    }
    c2s_extents old;
    C2S_TRY(c2s_extents_choose(j->original, NULL, 0, &old));
    c2s_count_cost(j->original, &old, before);
    c2s_extents_free(&old);
    return C2S_OK;
}

static c2s_status optimize(job *j) {
    report *r = j->r;
    const c2s_run_options *o = j->o;
    C2S_TRY(c2s_count_content(j->model, &r->public.before));
    r->public.after = r->public.before;
    r->public.opset_before = r->public.opset_after = c2s_model_opset(j->model, "");
    if (j->pipeline->steps.count == 0 && !o->opset)
        return wants_shapes(o) ? only_change_shapes(j) : C2S_OK;
    unsigned inputs = c2s_graph_input_count(j->model->graph);
    bool usable;
    C2S_TRY(normalise(j->model, o->opset != 0 || wants_shapes(o), r, &usable));
    if (!usable)
        return C2S_OK;
    C2S_TRY(prepare(j));
    if (o->data && !o->no_prove)
        C2S_TRY(load_samples(j->model, o, &j->samples));
    C2S_TRY(prove_steps(j));
    r->public.opset_after = c2s_model_opset(j->model, "");
    C2S_TRY(c2s_count_content(j->model, &r->public.after));
    c2s_model *copy = NULL;
    if (r->public.opset_after < NORMAL_OPSET)
        C2S_TRY(normal_copy(j->model, &copy));
    c2s_count_cost(copy ? copy : j->model, &j->extents, &r->public.after);
    c2s_model_destroy(copy);
    if (c2s_graph_input_count(j->model->graph) < inputs)
        add_note(r,
                 "%u initializers are no longer graph inputs (--keep-initializer-inputs keeps "
                 "them so)",
                 inputs - c2s_graph_input_count(j->model->graph));
    note_unknown_operators(j->model, r);
    return C2S_OK;
}

static c2s_status check_options(const c2s_run_options *o) {
    if (o->opset && (o->opset < C2S_OPSET_OLDEST || o->opset > C2S_OPSET_NEWEST))
        return c2s_fail(C2S_ERR_USAGE, "opset %lld, expected %d to %d", (long long)o->opset,
                        C2S_OPSET_OLDEST, C2S_OPSET_NEWEST);
    for (unsigned i = 0; i < o->skip_count; i++) {
        char kind[64];
        snprintf(kind, sizeof kind, "%.*s", (int)strcspn(o->skip[i], "@"), o->skip[i]);
        if (!c2s_rules_have(o->rules, kind))
            C2S_TRY(c2s_rewrite_check_name(kind));
    }
    return C2S_OK;
}

/* The passes that were asked for, with the rules that were given. */
static c2s_status make_pipeline(const c2s_run_options *o, c2s_pipeline **out) {
    const char *usual = o->rules ? C2S_DEFAULT_PASSES_WITH_RULES : C2S_DEFAULT_PASSES;
    C2S_TRY(c2s_pipeline_parse(o->passes ? o->passes : usual, out));
    if (o->rules && !c2s_pipeline_use(*out, c2s_rules_pass(o->rules)))
        return c2s_fail(C2S_ERR_USAGE, "there are rules, but the passes \"%s\" lack custom",
                        o->passes);
    if (o->keep_initializer_inputs)
        c2s_pipeline_set(*out, "cleanup", "keep_initializer_inputs", "yes");
    return C2S_OK;
}

c2s_status c2s_model_optimize(c2s_model *model, const c2s_run_options *options, c2s_report **out) {
    static const c2s_run_options defaults = {0};
    const c2s_run_options *o = options ? options : &defaults;
    if (out)
        *out = NULL;
    const c2s_log_sink sink = {o->verbosity, o->log, o->progress, o->user};
    const c2s_log_sink *previous = NULL;
    bool own_sink = o->log || o->progress;
    if (own_sink)
        previous = c2s_log_set_sink(&sink);
    const c2s_ceiling ceiling = c2s_ceiling_lower(o->memory_limit);
    c2s_pipeline *pipeline = NULL;
    c2s_status status = check_options(o);
    if (status == C2S_OK)
        status = make_pipeline(o, &pipeline);
    if (status == C2S_OK) {
        report *r = c2s_zalloc(sizeof *r);
        r->arena = c2s_arena_create();
        r->trace = o->trace ? c2s_trace_create() : NULL;
        r->public.error = (double)NAN;
        job j = {.model = model, .pipeline = pipeline, .o = o, .r = r};
        status = optimize(&j);
        if (status != C2S_OK && model->path[0])
            c2s_note("%s", model->path);
        free_job(&j);
        r->public.notes = r->notes.at;
        r->public.note_count = (unsigned)r->notes.count;
        r->public.passes = r->passes.at;
        r->public.pass_count = (unsigned)r->passes.count;
        if (r->trace)
            take_events(r);
        if (status == C2S_OK && out)
            *out = &r->public;
        else
            c2s_report_free(&r->public);
    }
    c2s_pipeline_free(pipeline);
    c2s_ceiling_restore(ceiling);
    if (own_sink)
        c2s_log_set_sink(previous);
    return status;
}

void c2s_report_free(c2s_report *public) {
    report *r = (report *)public;
    if (!r)
        return;
    c2s_vec_free(&r->notes);
    c2s_vec_free(&r->passes);
    c2s_trace_destroy(r->trace);
    c2s_arena_destroy(r->arena);
    free(r);
}
