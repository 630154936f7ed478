/* SPDX-License-Identifier: Apache-2.0
 *
 * The main job: normalise, infer, run the pipeline with proof, report.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "count.h"
#include "io/normalise.h"
#include "io/opset.h"
#include "ir/swap.h"
#include "job_lossy.h"
#include "job_opset.h"
#include "job_report.h"
#include "job_samples.h"
#include "ops/op_versions.h"
#include "passes/custom/custom.h"
#include "passes/guard.h"
#include "runtime/session.h"
#include "shapes.h"

/* ---- steps of the job ---- */

/* A model that cannot be raised exactly stays as it is, and the report says why, unless it was
 * asked to be raised. */
static c2s_status normalise(c2s_model *model, bool asked, c2s_job_report *r, bool *usable) {
    c2s_model *raised = c2s_model_copy(model);
    c2s_status status = c2s_model_normalise(raised);
    *usable = status == C2S_OK;
    if (status == C2S_OK)
        c2s_model_swap(model, raised);
    else if (status == C2S_ERR_UNSUPPORTED && !asked) {
        c2s_job_note(r, "nothing was done: %s", c2s_error());
        status = C2S_OK;
    }
    c2s_model_destroy(raised);
    return status;
}

/* "RULE" or "RULE@NODE". */
static c2s_skip parse_skip(const char *text, c2s_arena *arena) {
    char *kind = c2s_arena_strdup(arena, text), *at = strchr(kind, '@');
    if (at)
        *at++ = '\0';
    return (c2s_skip){kind, at, "left out on request"};
}

static c2s_status run_pipeline(c2s_model *model, const c2s_pipeline *pipeline,
                               const c2s_run_options *o, const c2s_pass_context *context,
                               c2s_prover *prover, c2s_job_report *r) {
    C2S_VEC(c2s_skip) skips = {0};
    for (unsigned i = 0; i < o->skip_count; i++)
        c2s_vec_push(&skips, parse_skip(o->skip[i], r->arena));
    c2s_pipeline_options run = {
        .context = context,
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
    c2s_pipeline_result result = {0};
    c2s_status status = prover && !o->no_guard
                            ? c2s_guard_run(pipeline, model, &run, prover, &result)
                            : c2s_pipeline_run(pipeline, model, &run, &result);
    if (status == C2S_OK)
        c2s_job_take_results(&result, r);
    c2s_pipeline_result_free(&result);
    c2s_vec_free(&skips);
    return status;
}

/* ---- the job ---- */

typedef struct job {
    c2s_model *model, *original; /* original: before its shapes were changed; NULL: they were not */
    const c2s_pipeline *pipeline;
    const c2s_run_options *o;
    c2s_shape_change change;
    c2s_samples samples;
    c2s_extents extents;
    c2s_job_lossy lossy;
    c2s_job_report *r;
} job;

static void free_job(job *j) {
    c2s_job_lossy_close(&j->lossy);
    c2s_samples_free(&j->samples);
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
        c2s_job_note(j->r, "%s", j->change.notes.at[i]);
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

/* On inputs of the new shapes. */
static c2s_status run_original(const job *j, c2s_prove_options *options, c2s_baseline **out) {
    options->random.dims = j->change.bound.at;
    options->random.dim_count = (unsigned)j->change.bound.count;
    return c2s_baseline_create(j->original->graph, options, out);
}

/* The results to hold every state against: those of the model as it was, if it can run on inputs of
 * the new shapes. That the change of shapes alone leaves them as they are is proved at once. */
static c2s_status prove_shapes(const job *j, c2s_prove_options *options, c2s_baseline **out) {
    C2S_TRY(run_original(j, options, out));
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
        status = c2s_job_convert_opset(j->model, o->opset, prover, j->r);
    if (status == C2S_OK && j->pipeline->steps.count)
        status = run_pipeline(j->model, j->pipeline, o, &j->lossy.context, prover, j->r);
    if (status == C2S_OK && o->opset && o->opset < c2s_model_opset(j->model, ""))
        status = c2s_job_convert_opset(j->model, o->opset, prover, j->r);
    return status;
}

/* NULL: nobody needs one, or the prover will find it. */
static c2s_status open_baseline(const job *j, c2s_prove_options *options, c2s_baseline **out) {
    const bool proved = !j->o->no_prove, original = j->original && !j->change.overridden;
    const bool needed =
        proved ? c2s_pipeline_is_lossy(j->pipeline) : c2s_pipeline_measures(j->pipeline);
    if (original && proved)
        return prove_shapes(j, options, out);
    if (original && needed)
        return run_original(j, options, out);
    return needed ? c2s_baseline_create(j->model->graph, options, out) : C2S_OK;
}

static c2s_status prove_steps(job *j) {
    const c2s_run_options *o = j->o;
    c2s_job_report *r = j->r;
    c2s_prove_options proof = {
        .evaluator = &c2s_evaluator_onednn,
        .eval = {.threads = o->threads},
        .tolerance = o->tolerance,
        .sets = j->samples.sets ? (const c2s_tensor *const *const *)j->samples.sets : NULL,
        .set_count = j->samples.sets ? j->samples.count : o->samples,
        .random = {.seed = o->seed},
    };
    c2s_baseline *baseline = NULL;
    C2S_TRY(open_baseline(j, &proof, &baseline));
    c2s_prover *prover = o->no_prove ? NULL : c2s_prover_create(&proof, baseline);
    c2s_status status = c2s_job_lossy_open(j->model, j->pipeline, o, baseline, r, &j->lossy);
    if (prover)
        c2s_prover_set_budget(prover, j->lossy.quality, &j->lossy.context.budget);
    if (status == C2S_OK)
        status = run_steps(j, prover);
    for (size_t i = 0; i < r->passes.count; i++)
        if (r->passes.at[i].outcome == C2S_APPLIED && !isnan(r->passes.at[i].error))
            r->public.error =
                r->passes.at[i].error; /* against the first model, if none was lossy */
    if (status == C2S_OK && prover)
        c2s_prover_total(prover, j->model->graph, &r->public.error);
    c2s_prover_destroy(prover);
    if (!prover) /* which would own it */
        c2s_baseline_destroy(baseline);
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
    c2s_job_report *r = j->r;
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
    if (o->data && (!o->no_prove || c2s_pipeline_measures(j->pipeline)))
        C2S_TRY(c2s_samples_load(j->model, o, &j->samples));
    C2S_TRY(prove_steps(j));
    r->public.opset_after = c2s_model_opset(j->model, "");
    C2S_TRY(c2s_count_content(j->model, &r->public.after));
    c2s_model *copy = NULL;
    if (r->public.opset_after < C2S_NORMAL_OPSET)
        C2S_TRY(c2s_normal_copy(j->model, &copy));
    c2s_count_cost(copy ? copy : j->model, &j->extents, &r->public.after);
    c2s_model_destroy(copy);
    if (c2s_graph_input_count(j->model->graph) < inputs)
        c2s_job_note(r,
                     "%u initializers are no longer graph inputs (--keep-initializer-inputs keeps "
                     "them so)",
                     inputs - c2s_graph_input_count(j->model->graph));
    c2s_job_note_unknown(j->model, r);
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
        c2s_job_report *r = c2s_zalloc(sizeof *r);
        r->arena = c2s_arena_create();
        r->trace = o->trace ? c2s_trace_create() : NULL;
        r->public.error = (double)NAN;
        job j = {.model = model, .pipeline = pipeline, .o = o, .r = r};
        status = optimize(&j);
        if (status != C2S_OK && model->path[0])
            c2s_note("%s", model->path);
        free_job(&j);
        c2s_job_finish(r);
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
