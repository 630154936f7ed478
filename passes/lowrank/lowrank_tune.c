/* SPDX-License-Identifier: Apache-2.0
 *
 * All layers fitted together (joint_fit.h), when their forms and ranks are there: least squares fit
 * each by itself, to what it gave; together they can make up for what none of them can give.
 */
#include <math.h>

#include "base/log.h"
#include "base/threads.h"
#include "passes/lowrank/lowrank_aims.h"
#include "passes/lowrank/lowrank_job.h"
#include "passes/measure/sample_split.h"
#include "passes/measure/spliced_feed.h"

/* Of the first steps; where samples are spliced, whose rows are many and unlike. */
#define RATE         0.003
#define SPLICED_RATE 0.001
/* Whether inner values count is tried with this part of the steps. */
enum { TRIAL_PART = 8 };
/* Multiply-accumulates, of which a sample takes three times as many as it takes to run it: by
 * default no more epochs than take so many, and none if it were fewer than the least. */
#define WORK 3e11
enum { MOST_EPOCHS = 30, LEAST_EPOCHS = 3 };
/* As many samples are made of each one that can be spliced, for as many epochs less. */
enum { SPLICES = 10, SPLICED_BATCH = 8 };

typedef struct tuning {
    c2s_lowrank_job *job;
    c2s_quality *quality; /* of samples that are held out */
    c2s_lowrank_aims aims;
    double judged; /* what the latest parameters are */
} tuning;

/* ---- how good, how long ---- */

static c2s_status judge(void *user, double *errors) {
    tuning *t = user;
    c2s_quality_result result;
    C2S_TRY(c2s_quality_measure(t->quality, t->job->model->graph, 0, &result));
    *errors = t->judged = c2s_lowrank_noise(&result);
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

/* ---- whether inner values count ---- */

/* The error in the end, which may be more than it was: so few steps have just begun. */
static c2s_status try_points(const tuning *t, const c2s_joint_fit *fit, size_t points,
                             c2s_tensor *const *held, double *error) {
    c2s_joint_fit trial = *fit;
    double before, best;
    trial.point_count = points;
    trial.epochs = fit->epochs / TRIAL_PART;
    if (trial.epochs == 0) {
        trial.epochs = 1;
        trial.samples = fit->feed->count * fit->epochs / TRIAL_PART + 1;
    }
    const c2s_status status = c2s_joint_fit_do(&trial, &before, &best);
    *error = t->judged;
    c2s_lowrank_aims_restore(&t->aims, held);
    return status;
}

/* Few samples say more of a deep model by its inner values as well; others have these in the way.
 */
static c2s_status choose_points(const tuning *t, c2s_joint_fit *fit) {
    double with, without;
    if (t->aims.points.count == t->aims.outputs)
        return C2S_OK;
    c2s_tensor **held = c2s_lowrank_aims_hold(&t->aims);
    c2s_status status = try_points(t, fit, t->aims.points.count, held, &with);
    if (status == C2S_OK)
        status = try_points(t, fit, t->aims.outputs, held, &without);
    c2s_lowrank_aims_drop(&t->aims, held);
    if (status == C2S_OK && !(with < without))
        fit->point_count = t->aims.outputs;
    if (status == C2S_OK)
        c2s_log(
            1,
            "lowrank: fitted a little together: an error of %.4f by inner values, %.4f by outputs",
            with, without);
    return status;
}

/* ---- the fit ---- */

static c2s_status fit_all(tuning *t, const c2s_model *first, const c2s_feed *learn, size_t epochs) {
    const size_t times = epochs < SPLICES ? epochs : SPLICES;
    double before = 1, after = 1;
    c2s_spliced_feed more;
    c2s_spliced_feed_open(learn, t->job->model->graph, times, &more);
    const bool is_spliced = more.feed.count > learn->count;
    epochs = (epochs * learn->count + more.feed.count - 1) / more.feed.count;
    c2s_joint_fit fit = {.graph = t->job->model->graph,
                         .first = first->graph,
                         .parameters = t->aims.parameters.at,
                         .parameter_count = t->aims.parameters.count,
                         .points = t->aims.points.at,
                         .point_count = t->aims.points.count,
                         .feed = &more.feed,
                         .epochs = epochs,
                         .batch =
                             is_spliced ? SPLICED_BATCH : c2s_joint_fit_batch(learn->count, epochs),
                         .rate = is_spliced ? SPLICED_RATE : RATE,
                         .judge = judge,
                         .user = t};
    if (fit.parameter_count == 0 || t->aims.outputs == 0)
        return C2S_OK;
    const unsigned threads = c2s_threads_use(t->job->context->eval.threads);
    c2s_status status = choose_points(t, &fit);
    if (status == C2S_OK)
        status = c2s_joint_fit_do(&fit, &before, &after);
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

/* As it was searched for the model is within the bounds: what puts it beyond is taken back. */
static c2s_status tune_within(tuning *t, const c2s_model *first, const c2s_feed *learn,
                              size_t epochs) {
    c2s_quality_result result;
    c2s_tensor **held = c2s_lowrank_aims_hold(&t->aims);
    c2s_status status = fit_all(t, first, learn, epochs);
    if (status == C2S_OK)
        status = c2s_quality_measure(t->job->context->quality, t->job->model->graph, 0, &result);
    const bool holds = status == C2S_OK && c2s_budget_holds(&t->job->budget, &result, NULL, 0);
    if (!holds)
        c2s_lowrank_aims_restore(&t->aims, held);
    c2s_lowrank_aims_drop(&t->aims, held);
    if (status == C2S_OK && !holds)
        c2s_log(1, "lowrank: fitted together it would lose too much: %.1f dB", result.sqnr_db);
    return status;
}

/* ---- all ---- */

static c2s_status tune(c2s_lowrank_job *j, const c2s_model *first, const c2s_sample_split *split,
                       size_t epochs) {
    const c2s_pass_context *context = j->context;
    tuning t = {.job = j};
    c2s_graph_sweep(j->model->graph);
    c2s_lowrank_aims_find(j->model->graph, first->graph, &t.aims);
    c2s_status status = c2s_quality_open(first->graph, context->evaluator, &context->eval,
                                         &split->judge, 0, &t.quality);
    if (status == C2S_OK)
        status =
            (c2s_lowrank_is_bound(j) ? tune_within : fit_all)(&t, first, &split->learn, epochs);
    c2s_quality_close(t.quality);
    c2s_lowrank_aims_close(&t.aims);
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
