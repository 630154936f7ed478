/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/range_trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "eval/sample_order.h"
#include "ir/convert.h"
#include "passes/quant/trial_graph.h"

enum { CANDIDATES = 12, BETWEEN = 3, SCREENED = 3 /* samples */ };

#define BETTER     0.95        /* by so much another range must be better than that of MSE */
#define SAME       0.02        /* of the width: ranges that differ less are one */
#define KEPT_BYTES (256 << 20) /* of tensors, at a time */

typedef struct candidate {
    float low, high;
    double *error; /* by sample */
    bool out;      /* was no better on the first samples */
} candidate;

/* A question with more than one candidate; 0 is that of MSE. */
typedef struct open_question {
    c2s_range_question *of;
    const c2s_value *value; /* of the trial's graph */
    candidate candidates[CANDIDATES];
    unsigned count;
    c2s_tensor **seen; /* by sample */
    size_t tried;      /* samples */
} open_question;

typedef struct trial {
    const c2s_graph *graph; /* c2s_trial_base's */
    const c2s_feed *feed;
    const c2s_evaluator *evaluator;
    c2s_eval_options eval;
    size_t *sample; /* which of the feed */
    size_t samples;
    open_question *open;
    size_t count, from, to; /* questions; those whose tensors are kept at the moment */
    size_t at;              /* sample that runs */
    c2s_tensor ***outputs;  /* of the graph, by sample; NULL: not run yet */
} trial;

/* ---- candidates ---- */

static void add_candidate(open_question *q, float low, float high) {
    if (!(high > low) || q->count == CANDIDATES)
        return;
    const float width = high - low;
    for (unsigned k = 0; k < q->count; k++)
        if (fabsf(q->candidates[k].low - low) <= (float)SAME * width &&
            fabsf(q->candidates[k].high - high) <= (float)SAME * width)
            return;
    q->candidates[q->count++] = (candidate){.low = low, .high = high};
}

static c2s_status find_candidates(c2s_range_question *question, open_question *q) {
    static const c2s_range_method methods[] = {C2S_RANGE_MSE, C2S_RANGE_MINMAX, C2S_RANGE_AVERAGE,
                                               C2S_RANGE_PERCENTILE, C2S_RANGE_ENTROPY};
    *q = (open_question){.of = question};
    float low[sizeof methods / sizeof *methods], high[sizeof methods / sizeof *methods];
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        C2S_TRY(c2s_range_choose(question->stats, methods[m], 0, question->dtype,
                                 question->symmetric, &low[m], &high[m]));
        add_candidate(q, low[m], high[m]);
    }
    question->low = low[0];
    question->high = high[0];
    question->error = question->mse_error = (double)NAN;
    for (int k = 1; k <= BETWEEN; k++) { /* MSE's and all that was seen */
        const float share = (float)k / (BETWEEN + 1);
        add_candidate(q, low[0] + share * (low[1] - low[0]), high[0] + share * (high[1] - high[0]));
    }
    add_candidate(q, 0.85f * low[0], 0.85f * high[0]);
    return C2S_OK;
}

/* ---- what the tensors hold ---- */

static size_t bytes_of(const open_question *q) {
    const c2s_value_stats *s = q->of->stats;
    return s->samples ? (size_t)(s->count / s->samples) * sizeof(float) : 0;
}

static c2s_status copy_tensor(const c2s_tensor *tensor, c2s_tensor **out) {
    C2S_TRY(c2s_tensor_create(tensor->type.dtype, tensor->type.rank, tensor->type.dim, out));
    if (tensor->count > 0)
        memcpy(c2s_tensor_mutable(*out), c2s_tensor_data(tensor), c2s_tensor_size(tensor));
    return C2S_OK;
}

static c2s_status observe(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    trial *t = user;
    for (size_t k = t->from; k < t->to; k++)
        if (t->open[k].value == value && !t->open[k].seen[t->at])
            return copy_tensor(tensor, &t->open[k].seen[t->at]);
    return C2S_OK;
}

static void release(c2s_tensor **tensors, size_t count) {
    for (size_t k = 0; tensors && k < count; k++)
        c2s_tensor_unref(tensors[k]);
    free(tensors);
}

static c2s_status run_sample(trial *t, c2s_session *session) {
    const unsigned inputs = c2s_graph_input_count(t->graph);
    const unsigned outputs = c2s_graph_output_count(t->graph);
    c2s_tensor **in = c2s_zalloc((inputs + 1) * sizeof *in);
    c2s_tensor **out = c2s_zalloc((outputs + 1) * sizeof *out);
    c2s_status status = t->feed->get(t->feed, t->graph, t->sample[t->at], in);
    if (status == C2S_OK)
        status = session->evaluator->run(session, (const c2s_tensor *const *)in, out);
    release(in, inputs);
    if (status == C2S_OK && !t->outputs[t->at])
        t->outputs[t->at] = out;
    else
        release(out, outputs);
    return status;
}

/* Runs the graph and keeps the tensors of questions `from` to `to`. */
static c2s_status see(trial *t) {
    const c2s_model *model = t->graph->model;
    bool *wanted = c2s_zalloc(model->values.count + 1);
    for (size_t k = t->from; k < t->to; k++) {
        t->open[k].seen = c2s_zalloc(t->samples * sizeof *t->open[k].seen);
        wanted[t->open[k].value->id] = true;
    }
    c2s_eval_options eval = t->eval;
    eval.observe = observe;
    eval.observe_user = t;
    eval.observe_value = wanted;
    c2s_session *session;
    c2s_status status = t->evaluator->open(t->graph, &eval, &session);
    if (status == C2S_OK) {
        for (t->at = 0; t->at < t->samples && status == C2S_OK; t->at++)
            status = run_sample(t, session);
        t->evaluator->close(session);
    }
    free(wanted);
    return status;
}

/* ---- one question ---- */

static c2s_status round_tensor(const open_question *q, const candidate *c, const c2s_tensor *x,
                               c2s_tensor **out) {
    c2s_code_grid grid;
    C2S_TRY(c2s_code_grid_of(q->of->dtype, C2S_FLOAT, q->of->symmetric, false, &grid));
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, x->type.rank, x->type.dim, out));
    const c2s_affine a = c2s_affine_of_range(&grid, c->low, c->high);
    float *y = c2s_tensor_mutable(*out);
    if (x->count > 0)
        c2s_code_grid_round(&grid, a, c2s_tensor_data(x), x->count, y);
    for (size_t i = 0; i < x->count; i++)
        y[i] = (y[i] - a.zero) * a.scale;
    return C2S_OK;
}

/* error^2 / output^2, the mean over outputs of floats; infinite if anything is no number any more.
 */
static double compare(const trial *t, c2s_tensor *const *first, c2s_tensor *const *found) {
    double sum = 0;
    unsigned counted = 0;
    for (unsigned k = 0; k < c2s_graph_output_count(t->graph); k++) {
        if (!c2s_value_stats_takes(&first[k]->type))
            continue;
        if (!c2s_type_equal(&first[k]->type, &found[k]->type))
            return INFINITY;
        double signal = 0, noise = 0;
        for (size_t i = 0; i < first[k]->count; i++) {
            const double a = c2s_tensor_f64_at(first[k], i), b = c2s_tensor_f64_at(found[k], i);
            if (!isfinite(a))
                continue;
            signal += a * a;
            noise += (a - b) * (a - b);
        }
        sum += noise > 0 ? noise / (signal > 0 ? signal : 1) : 0;
        counted++;
    }
    return isfinite(sum) && counted ? sum / counted : (double)INFINITY;
}

static c2s_status run_behind(const trial *t, c2s_trial_graph *behind, c2s_session *session,
                             open_question *q, size_t at) {
    const unsigned outputs = c2s_graph_output_count(t->graph);
    for (unsigned k = 0; k < q->count; k++) {
        if (q->candidates[k].out)
            continue;
        c2s_tensor *rounded = NULL, **in = NULL;
        c2s_tensor **out = c2s_zalloc((outputs + 1) * sizeof *out);
        c2s_status status = round_tensor(q, &q->candidates[k], q->seen[at], &rounded);
        if (status == C2S_OK)
            status = c2s_trial_graph_inputs(behind, t->feed, t->sample[at], rounded, &in);
        if (status == C2S_OK)
            status = session->evaluator->run(session, (const c2s_tensor *const *)in, out);
        if (status == C2S_OK)
            q->candidates[k].error[at] = compare(t, t->outputs[at], out);
        release(in, c2s_graph_input_count(behind->model->graph));
        release(out, outputs);
        c2s_tensor_unref(rounded);
        C2S_TRY(status);
    }
    return C2S_OK;
}

static double mean(const double *x, size_t count) {
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += x[k];
    return sum / (double)count;
}

/* The mean of log(error / that of MSE) over the samples, and its standard error. */
static double log_ratio(const candidate *c, const candidate *mse, size_t count, double *deviation) {
    double sum = 0, squares = 0;
    for (size_t k = 0; k < count; k++) {
        const double ratio = log(fmax(c->error[k], 1e-30) / fmax(mse->error[k], 1e-30));
        sum += ratio;
        squares += ratio * ratio;
    }
    const double average = sum / (double)count;
    *deviation =
        count > 1 ? sqrt(fmax(squares / (double)count - average * average, 0) / (double)(count - 1))
                  : 0;
    return average;
}

/* Leaves out what was no better on the samples so far. False: nothing but MSE is left. */
static bool screen(open_question *q) {
    bool any = false;
    for (unsigned k = 1; k < q->count; k++) {
        double deviation;
        const double found = log_ratio(&q->candidates[k], &q->candidates[0], q->tried, &deviation);
        q->candidates[k].out = found > log(BETTER);
        any = any || !q->candidates[k].out;
    }
    return any;
}

/* Better, and beyond what may be chance: by two standard errors. */
static void answer(open_question *q) {
    const candidate *mse = &q->candidates[0], *best = mse;
    double least = 0;
    for (unsigned k = 1; k < q->count; k++) {
        double deviation;
        if (q->candidates[k].out)
            continue;
        const double found = log_ratio(&q->candidates[k], mse, q->tried, &deviation);
        if (found + 2 * deviation < log(BETTER) && found < least) {
            best = &q->candidates[k];
            least = found;
        }
    }
    q->of->low = best->low;
    q->of->high = best->high;
    q->of->error = mean(best->error, q->tried);
    q->of->mse_error = mean(mse->error, q->tried);
    if (best != mse)
        c2s_log(1, "%s: [%g, %g] instead of [%g, %g]: the outputs' error is %.2f of what it was",
                q->of->value->name, (double)q->of->low, (double)q->of->high, (double)mse->low,
                (double)mse->high, exp(least));
}

static c2s_status ask(const trial *t, open_question *q) {
    for (size_t k = 0; k < t->samples; k++)
        if (!q->seen[k] || q->seen[k]->type.dtype != C2S_FLOAT)
            return C2S_OK;
    c2s_trial_graph behind;
    c2s_session *session;
    C2S_TRY(c2s_trial_graph_open(t->graph, q->value, &behind));
    double *errors = c2s_zalloc(CANDIDATES * t->samples * sizeof *errors);
    for (unsigned k = 0; k < q->count; k++)
        q->candidates[k].error = errors + k * t->samples;
    c2s_status status = t->evaluator->open(behind.model->graph, &t->eval, &session);
    if (status == C2S_OK) {
        while (status == C2S_OK && q->tried < t->samples) {
            status = run_behind(t, &behind, session, q, q->tried++);
            if (q->tried == SCREENED && !screen(q))
                break;
        }
        t->evaluator->close(session);
    }
    c2s_trial_graph_close(&behind);
    if (status == C2S_OK)
        answer(q);
    else
        c2s_note("what is behind \"%s\"", q->of->value->name);
    free(errors);
    return status;
}

/* ---- all of them ---- */

static void forget(trial *t) {
    for (size_t k = t->from; k < t->to; k++) {
        release(t->open[k].seen, t->samples);
        t->open[k].seen = NULL;
    }
}

static c2s_status ask_all(trial *t) {
    for (t->from = 0; t->from < t->count; t->from = t->to) {
        size_t bytes = 0;
        for (t->to = t->from; t->to < t->count; t->to++) {
            bytes += bytes_of(&t->open[t->to]) * t->samples;
            if (bytes > KEPT_BYTES && t->to > t->from)
                break;
        }
        c2s_status status = see(t);
        for (size_t k = t->from; k < t->to && status == C2S_OK; k++) {
            c2s_progress("trying ranges", (double)k / (double)t->count);
            status = ask(t, &t->open[k]);
        }
        forget(t);
        C2S_TRY(status);
    }
    return C2S_OK;
}

static void choose_samples(trial *t) {
    bool *chosen = c2s_alloc_array(t->feed->count, sizeof *chosen);
    c2s_samples_choose(t->feed->count, t->samples, chosen);
    t->samples = 0;
    t->sample = c2s_alloc_array(t->feed->count, sizeof *t->sample);
    for (size_t k = 0; k < t->feed->count; k++)
        if (chosen[k])
            t->sample[t->samples++] = k;
    free(chosen);
}

static c2s_status list_questions(trial *t, c2s_range_question *questions, size_t count) {
    t->open = c2s_alloc_array(count + 1, sizeof *t->open);
    for (size_t k = 0; k < count; k++) {
        open_question *q = &t->open[t->count];
        C2S_TRY(find_candidates(&questions[k], q));
        q->value = c2s_trial_find(t->graph, questions[k].value->name);
        t->count += q->count > 1 && q->value;
    }
    return C2S_OK;
}

c2s_status c2s_range_trial(const c2s_graph *graph, const c2s_feed *feed,
                           const c2s_evaluator *evaluator, const c2s_eval_options *eval,
                           size_t samples, c2s_range_question *questions, size_t count) {
    if (feed->count == 0)
        return c2s_fail(C2S_ERR_INVALID, "there are no samples to run the model on");
    c2s_model *base = c2s_trial_base(graph);
    trial t = {.graph = base->graph,
               .feed = feed,
               .evaluator = evaluator,
               .eval = *eval,
               .samples = samples ? samples : C2S_TRIAL_SAMPLES};
    c2s_status status = list_questions(&t, questions, count);
    choose_samples(&t);
    t.outputs = c2s_zalloc(t.samples * sizeof *t.outputs);
    if (status == C2S_OK)
        status = ask_all(&t);
    for (size_t k = 0; k < t.samples; k++)
        release(t.outputs[k], c2s_graph_output_count(t.graph));
    free(t.outputs);
    free(t.sample);
    free(t.open);
    c2s_model_destroy(base);
    return status;
}
