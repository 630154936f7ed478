/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/range_trial.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "eval/sample_order.h"
#include "ir/convert.h"
#include "passes/quant/range_candidates.h"
#include "passes/quant/trial_graph.h"

enum {
    LEAST_SAMPLES = 8,
    MOST_SAMPLES = 128,
    ENOUGH = 8192 /* numbers in the outputs of all samples */
};

#define KEPT_BYTES (256 << 20) /* of tensors, at a time */

/* A question with more than one candidate. */
typedef struct open_question {
    c2s_range_candidates of;
    const c2s_value *value; /* of the trial's graph */
    c2s_tensor **seen;      /* by sample */
    size_t tried;           /* samples */
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
    double *signal;         /* by output: sum of squares, the mean over the samples */
} trial;

/* ---- what the tensors hold ---- */

static size_t bytes_of(const open_question *q) {
    const c2s_value_stats *s = q->of.of->stats;
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

static c2s_status round_tensor(const open_question *q, const c2s_range_candidate *c,
                               const c2s_tensor *x, c2s_tensor **out) {
    c2s_code_grid grid;
    C2S_TRY(c2s_code_grid_of(q->of.of->dtype, C2S_FLOAT, q->of.of->symmetric, false, &grid));
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, x->type.rank, x->type.dim, out));
    const c2s_affine a = c2s_affine_of_range(&grid, c->low, c->high);
    float *y = c2s_tensor_mutable(*out);
    if (x->count > 0)
        c2s_code_grid_round(&grid, a, c2s_tensor_data(x), x->count, y);
    for (size_t i = 0; i < x->count; i++)
        y[i] = (y[i] - a.zero) * a.scale;
    return C2S_OK;
}

static double square_of(const c2s_tensor *tensor) {
    double sum = 0;
    for (size_t i = 0; i < tensor->count; i++) {
        const double a = c2s_tensor_f64_at(tensor, i);
        sum += isfinite(a) ? a * a : 0;
    }
    return sum;
}

static void find_signals(trial *t) {
    for (unsigned k = 0; k < c2s_graph_output_count(t->graph); k++) {
        t->signal[k] = 0;
        for (size_t at = 0; at < t->samples; at++)
            if (c2s_value_stats_takes(&t->outputs[at][k]->type))
                t->signal[k] += square_of(t->outputs[at][k]) / (double)t->samples;
    }
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
        double noise = 0;
        for (size_t i = 0; i < first[k]->count; i++) {
            const double a = c2s_tensor_f64_at(first[k], i), b = c2s_tensor_f64_at(found[k], i);
            noise += isfinite(a) ? (a - b) * (a - b) : 0;
        }
        sum += noise > 0 ? noise / (t->signal[k] > 0 ? t->signal[k] : 1) : 0;
        counted++;
    }
    return isfinite(sum) && counted ? sum / counted : (double)INFINITY;
}

static c2s_status run_behind(const trial *t, c2s_trial_graph *behind, c2s_session *session,
                             open_question *q, size_t at) {
    const unsigned outputs = c2s_graph_output_count(t->graph);
    for (unsigned k = 0; k < q->of.count; k++) {
        if (q->of.at[k].out)
            continue;
        c2s_tensor *rounded = NULL, **in = NULL;
        c2s_tensor **out = c2s_zalloc((outputs + 1) * sizeof *out);
        c2s_status status = round_tensor(q, &q->of.at[k], q->seen[at], &rounded);
        if (status == C2S_OK)
            status = c2s_trial_graph_inputs(behind, t->feed, t->sample[at], rounded, &in);
        if (status == C2S_OK)
            status = session->evaluator->run(session, (const c2s_tensor *const *)in, out);
        if (status == C2S_OK)
            q->of.at[k].error[at] = compare(t, t->outputs[at], out);
        release(in, c2s_graph_input_count(behind->model->graph));
        release(out, outputs);
        c2s_tensor_unref(rounded);
        C2S_TRY(status);
    }
    return C2S_OK;
}

static c2s_status ask(const trial *t, open_question *q) {
    for (size_t k = 0; k < t->samples; k++)
        if (!q->seen[k] || q->seen[k]->type.dtype != C2S_FLOAT)
            return C2S_OK;
    c2s_trial_graph behind;
    c2s_session *session;
    C2S_TRY(c2s_trial_graph_open(t->graph, q->value, &behind));
    double *errors = c2s_zalloc(C2S_RANGE_CANDIDATES * t->samples * sizeof *errors);
    for (unsigned k = 0; k < q->of.count; k++)
        q->of.at[k].error = errors + k * t->samples;
    c2s_status status = t->evaluator->open(behind.model->graph, &t->eval, &session);
    if (status == C2S_OK) {
        while (status == C2S_OK && q->tried < t->samples) {
            status = run_behind(t, &behind, session, q, q->tried++);
            const bool doubled = q->tried >= LEAST_SAMPLES / 2 && (q->tried & (q->tried - 1)) == 0;
            if (doubled && !c2s_range_candidates_screen(&q->of, q->tried))
                break;
        }
        t->evaluator->close(session);
    }
    c2s_trial_graph_close(&behind);
    if (status == C2S_OK)
        c2s_range_candidates_answer(&q->of, q->tried);
    else
        c2s_note("what is behind \"%s\"", q->of.of->value->name);
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
        if (status == C2S_OK)
            find_signals(t);
        for (size_t k = t->from; k < t->to && status == C2S_OK; k++) {
            c2s_progress("trying ranges", (double)k / (double)t->count);
            status = ask(t, &t->open[k]);
        }
        forget(t);
        C2S_TRY(status);
    }
    return C2S_OK;
}

/* Few outputs say little: then more samples, as long as their tensors can be kept together. */
static size_t enough_samples(const trial *t) {
    size_t numbers = 0, bytes = 1;
    for (unsigned k = 0; k < c2s_graph_output_count(t->graph); k++) {
        size_t count;
        const c2s_type *type = &c2s_graph_output(t->graph, k)->type;
        numbers += c2s_type_is_static(type) && c2s_type_elements(type, &count) ? count : 1024;
    }
    for (size_t k = 0; k < t->count; k++)
        bytes += bytes_of(&t->open[k]);
    size_t samples = ENOUGH / (numbers ? numbers : 1);
    samples = samples < MOST_SAMPLES ? samples : MOST_SAMPLES;
    samples = samples < KEPT_BYTES / bytes ? samples : KEPT_BYTES / bytes;
    return samples > LEAST_SAMPLES ? samples : LEAST_SAMPLES;
}

static void choose_samples(trial *t) {
    if (t->samples == 0)
        t->samples = enough_samples(t);
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
        *q = (open_question){.value = NULL};
        C2S_TRY(c2s_range_candidates_find(&questions[k], &q->of));
        q->value = c2s_trial_find(t->graph, questions[k].value->name);
        t->count += q->of.count > 1 && q->value;
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
               .samples = samples};
    c2s_status status = list_questions(&t, questions, count);
    choose_samples(&t);
    t.outputs = c2s_zalloc(t.samples * sizeof *t.outputs);
    t.signal = c2s_zalloc((c2s_graph_output_count(t.graph) + 1) * sizeof *t.signal);
    if (status == C2S_OK)
        status = ask_all(&t);
    for (size_t k = 0; k < t.samples; k++)
        release(t.outputs[k], c2s_graph_output_count(t.graph));
    free(t.outputs);
    free(t.signal);
    free(t.sample);
    free(t.open);
    c2s_model_destroy(base);
    return status;
}
