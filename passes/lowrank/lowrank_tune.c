/* SPDX-License-Identifier: Apache-2.0
 *
 * All layers fitted together (joint_fit.h), when their forms and ranks are there: least squares fit
 * each by itself, to what it gave; together they can make up for what none of them can give.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/threads.h"
#include "passes/lowrank/lowrank_job.h"
#include "passes/measure/joint_fit.h"
#include "passes/measure/sample_split.h"
#include "passes/measure/spliced_feed.h"
#include "passes/quant/logits.h"

/* Of the first steps; where samples are spliced, whose rows are many and unlike. */
#define RATE         0.003
#define SPLICED_RATE 0.001
/* What all inner values together count beside each output. */
#define INNER_WEIGHT 4
/* Multiply-accumulates, of which a sample takes three times as many as it takes to run it: by
 * default no more epochs than take so many, and none if it were fewer than the least. */
#define WORK 3e11
enum { MOST_EPOCHS = 30, LEAST_EPOCHS = 3 };
/* As many samples are made of each one that can be spliced, for as many epochs less. */
enum { SPLICES = 10, SPLICED_BATCH = 8 };
/* Rows of scores have so many elements at least. */
enum { LEAST_CLASSES = 2 };

typedef struct tuning {
    c2s_lowrank_job *job;
    c2s_quality *quality; /* of samples that are held out */
    C2S_VEC(c2s_joint_parameter) parameters;
    C2S_VEC(c2s_joint_point) points;
} tuning;

/* ---- what is fitted ---- */

static void add_parameter(tuning *t, c2s_node *node, unsigned slot, int axis) {
    const c2s_value *value = c2s_node_in(node, slot);
    if (value && value->constant && !value->initial && value->use_count == 1 &&
        value->type.dtype == C2S_FLOAT && value->constant->count > 0)
        c2s_vec_push(&t->parameters, ((c2s_joint_parameter){node, slot, false, axis}));
}

static void find_parameters(tuning *t) {
    for (c2s_node *node = t->job->model->graph->first; node; node = node->next) {
        c2s_linear_site site;
        if (node->op == &c2s_op_gather && c2s_node_in(node, 0) &&
            c2s_node_in(node, 0)->type.rank == 2 && c2s_attr_int(node, "axis", 0) == 0)
            add_parameter(t, node, 0, 1);
        if (c2s_linear_site_of(node, &site))
            continue;
        add_parameter(t, node, 1, site.n_step >= site.k ? 0 : site.weight->type.rank - 1);
        if (node->op != &c2s_op_matmul)
            add_parameter(t, node, 2, -1);
    }
}

/* ---- what comes out ---- */

static bool has_scores(const c2s_value *value) {
    const c2s_type *type = &value->type;
    return type->rank > 1 && type->dim[type->rank - 1] >= LEAST_CLASSES;
}

/* In front of a last Softmax; where rows may be scores of classes, these count as such as well. */
static void find_outputs(tuning *t, const c2s_model *first) {
    const c2s_graph *graph = t->job->model->graph;
    for (unsigned k = 0; k < c2s_graph_output_count(graph); k++) {
        const c2s_node *now = c2s_logits_softmax(graph, k),
                       *was = c2s_logits_softmax(first->graph, k);
        const bool both = now && was;
        const c2s_value *value = both ? now->inputs[0].value : graph->exit->inputs[k].value;
        const c2s_value *same = both ? was->inputs[0].value : first->graph->exit->inputs[k].value;
        if (!value->def || value->def == graph->entry || value->type.dtype != C2S_FLOAT)
            continue;
        c2s_joint_point q = {.value = value, .same = same, .weight = 1, .axis = -1};
        c2s_vec_push(&t->points, q);
        q.scores = true;
        if (has_scores(value))
            c2s_vec_push(&t->points, q);
    }
}

/* NULL: the first model has no value of that name, or it is none to compare with. */
static const c2s_value *same_in(const c2s_model *first, const c2s_value *value) {
    for (const c2s_node *node = first->graph->first; node; node = node->next) {
        const c2s_value *same = node->outputs[0];
        if (same && strcmp(same->name, value->name) == 0)
            return node->op == value->def->op && c2s_type_equal(&same->type, &value->type) ? same
                                                                                           : NULL;
    }
    return NULL;
}

static bool is_point(const tuning *t, const c2s_value *value) {
    for (size_t k = 0; k < t->points.count; k++)
        if (t->points.at[k].value == value)
            return true;
    return false;
}

/* What layers read: few samples say more by these than by their outputs alone. */
static void find_inner(tuning *t, const c2s_model *first) {
    const c2s_graph *graph = t->job->model->graph;
    const size_t outputs = t->points.count;
    for (c2s_node *node = graph->first; node; node = node->next) {
        c2s_linear_site site;
        if (c2s_linear_site_of(node, &site))
            continue;
        const c2s_value *value = site.input;
        const bool inner = value->def && value->def != graph->entry && !value->constant &&
                           value->type.dtype == C2S_FLOAT && !is_point(t, value);
        const c2s_value *same = inner ? same_in(first, value) : NULL;
        if (same)
            c2s_vec_push(&t->points,
                         ((c2s_joint_point){
                             .value = value, .same = same, .weight = INNER_WEIGHT, .axis = -1}));
    }
    for (size_t k = outputs; k < t->points.count; k++)
        t->points.at[k].weight /= (double)(t->points.count - outputs);
}

/* ---- the fit ---- */

static c2s_status judge(void *user, double *error) {
    const tuning *t = user;
    c2s_quality_result result;
    C2S_TRY(c2s_quality_measure(t->quality, t->job->model->graph, 0, &result));
    *error = c2s_lowrank_noise(&result);
    return C2S_OK;
}

static size_t count_epochs(const c2s_lowrank_job *j) {
    const double samples = (double)j->context->feed->count;
    double work = 1;
    if (j->epochs != SIZE_MAX)
        return j->epochs;
    for (size_t i = 0; i < j->plan.items.count; i++)
        work += j->plan.items.at[i].macs;
    const double epochs = fmin(MOST_EPOCHS, WORK / (3 * work * samples));
    return epochs < LEAST_EPOCHS ? 0 : (size_t)epochs;
}

static c2s_status fit_all(tuning *t, const c2s_model *first, const c2s_feed *learn, size_t epochs) {
    const size_t times = epochs < SPLICES ? epochs : SPLICES;
    double before = 1, after = 1;
    c2s_spliced_feed more;
    c2s_spliced_feed_open(learn, t->job->model->graph, times, &more);
    const bool is_spliced = more.feed.count > learn->count;
    epochs = (epochs * learn->count + more.feed.count - 1) / more.feed.count;
    const c2s_joint_fit fit = {.graph = t->job->model->graph,
                               .first = first->graph,
                               .parameters = t->parameters.at,
                               .parameter_count = t->parameters.count,
                               .points = t->points.at,
                               .point_count = t->points.count,
                               .feed = &more.feed,
                               .epochs = epochs,
                               .batch = is_spliced ? SPLICED_BATCH
                                                   : c2s_joint_fit_batch(learn->count, epochs),
                               .rate = is_spliced ? SPLICED_RATE : RATE,
                               .judge = judge,
                               .user = t};
    if (fit.parameter_count == 0 || fit.point_count == 0)
        return C2S_OK;
    const unsigned threads = c2s_threads_use(t->job->context->eval.threads);
    c2s_status status = c2s_joint_fit_do(&fit, &before, &after);
    c2s_threads_restore(threads);
    if (status == C2S_OK)
        c2s_log(1, "lowrank: fitted together: an error of %.4f, it was %.4f", after, before);
    if (status == C2S_ERR_UNSUPPORTED) {
        c2s_log(1, "lowrank: layers are not fitted together: %s", c2s_error());
        c2s_error_clear();
        status = C2S_OK;
    }
    return status;
}

static bool any_chosen(c2s_lowrank_job *j) {
    for (size_t i = 0; i < c2s_lowrank_plan_count(&j->plan); i++)
        if (c2s_lowrank_plan_item(&j->plan, i)->chosen != C2S_RANK_AS_IS)
            return true;
    return false;
}

/* ---- bounds ---- */

static c2s_value *value_of(const c2s_joint_parameter *q) {
    return c2s_node_in(q->node, q->slot);
}

/* As it was searched for the model is within the bounds: what puts it beyond is taken back. */
static c2s_status tune_within(tuning *t, const c2s_model *first, const c2s_feed *learn,
                              size_t epochs) {
    const size_t count = t->parameters.count;
    c2s_quality_result result;
    c2s_tensor **was = c2s_zalloc((count + 1) * sizeof *was);
    for (size_t k = 0; k < count; k++)
        was[k] = c2s_tensor_ref(value_of(&t->parameters.at[k])->constant);
    c2s_status status = fit_all(t, first, learn, epochs);
    if (status == C2S_OK)
        status = c2s_quality_measure(t->job->context->quality, t->job->model->graph, 0, &result);
    const bool holds = status == C2S_OK && c2s_budget_holds(&t->job->budget, &result, NULL, 0);
    for (size_t k = 0; k < count; k++) {
        if (!holds)
            c2s_value_set_constant(value_of(&t->parameters.at[k]), was[k]);
        c2s_tensor_unref(was[k]);
    }
    if (status == C2S_OK && !holds)
        c2s_log(1, "lowrank: fitted together it would lose too much: %.1f dB", result.sqnr_db);
    free(was);
    return status;
}

/* ---- all ---- */

static c2s_status tune(c2s_lowrank_job *j, const c2s_model *first, const c2s_sample_split *split,
                       size_t epochs) {
    const c2s_pass_context *context = j->context;
    tuning t = {.job = j};
    c2s_graph_sweep(j->model->graph);
    find_parameters(&t);
    find_outputs(&t, first);
    find_inner(&t, first);
    c2s_status status = c2s_quality_open(first->graph, context->evaluator, &context->eval,
                                         &split->judge, 0, &t.quality);
    if (status == C2S_OK)
        status =
            (c2s_lowrank_is_bound(j) ? tune_within : fit_all)(&t, first, &split->learn, epochs);
    c2s_quality_close(t.quality);
    c2s_vec_free(&t.parameters);
    c2s_vec_free(&t.points);
    return status;
}

/* Each layer is fitted to all samples: so what is held out is judged with favour before, and what
 * is fitted together has to be better all the more. */
c2s_status c2s_lowrank_write(c2s_lowrank_job *j,
                             bool (*before)(void *user, const c2s_lowrank_item *item), void *user) {
    const bool learns = j->how.whitened && j->epochs > 0 && any_chosen(j);
    const size_t epochs = learns ? count_epochs(j) : 0;
    c2s_sample_split split = {.whole = true};
    if (epochs > 0)
        c2s_sample_split_open(j->context->feed, &split);
    c2s_model *first = split.whole /* too few to hold any out */ ? NULL : c2s_model_copy(j->model);
    c2s_status status = c2s_lowrank_apply(j->model, &j->plan, &j->how, before, user);
    if (status == C2S_OK && first)
        status = tune(j, first, &split, epochs);
    c2s_model_destroy(first);
    return status;
}
