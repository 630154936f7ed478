/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_worth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"
#include "eval/sample_order.h"
#include "passes/lowrank/output_changes.h"
#include "passes/quant/logits.h"

/* Multiply-accumulates that it may take; samples; outputs that are looked at one by one. */
#define MOST_WORK 3e11
enum { MOST_SAMPLES = 16, MOST_OUTPUTS = 1024 };
/* Rows of scores, or other elements, of all samples that say enough. */
enum { LEAST_ROWS = 48 };
/* Size of an error against that of the outputs; what is added to the diagonal, against its mean. */
#define PROBE   0.02
#define DAMPING 2

typedef struct worth {
    c2s_lowrank_job *job;
    size_t *samples, count;
    c2s_tensor ***inputs; /* by sample */
    unsigned input_count;
    c2s_changes *changes;
    c2s_type *type; /* of an item's outputs: [items, samples] */
    double *scale;  /* their root mean square, likewise */
    size_t *of_value;
    size_t now; /* the sample */
} worth;

/* ---- how many ---- */

static size_t directions(const c2s_lowrank_item *item) {
    const c2s_linear_site *s = &item->layer.site;
    return s->groups == 1 && s->n <= MOST_OUTPUTS ? s->n : 1;
}

static size_t samples_for(const c2s_lowrank_job *j) {
    double work = 0, runs = 0;
    for (size_t i = 0; i < j->plan.items.count; i++) {
        work += j->plan.items.at[i].macs;
        runs += (double)directions(&j->plan.items.at[i]);
    }
    const double most = fmin(MOST_SAMPLES, (double)j->context->feed->count);
    return (size_t)fmin(most, MOST_WORK / (work * runs + 1));
}

/* ---- the model as it is ---- */

/* What goes into a Softmax at the end is what is compared. */
static void take_logits(c2s_graph *graph) {
    for (unsigned k = 0; k < c2s_graph_output_count(graph); k++) {
        const c2s_node *softmax = c2s_logits_softmax(graph, k);
        if (softmax)
            c2s_use_set(&graph->exit->inputs[k], softmax->inputs[0].value);
    }
}

static c2s_status observe(void *user, const c2s_value *value, const c2s_tensor *tensor) {
    worth *w = user;
    const size_t at = w->of_value[value->id] * w->count + w->now;
    double sum = 0;
    w->type[at] = tensor->type;
    for (size_t i = 0; i < tensor->count; i++) {
        const double v = c2s_tensor_f64_at(tensor, i);
        sum += v * v;
    }
    w->scale[at] = tensor->count ? sqrt(sum / (double)tensor->count) : 0;
    return C2S_OK;
}

static c2s_status run_first(worth *w, const c2s_graph *graph, c2s_session *session) {
    const c2s_pass_context *c = w->job->context;
    const unsigned outputs = c2s_graph_output_count(graph);
    c2s_tensor **out = c2s_zalloc((outputs + 1u) * sizeof(c2s_tensor *));
    c2s_status status = C2S_OK;
    for (w->now = 0; w->now < w->count && status == C2S_OK; w->now++) {
        /* room for the error, the last input of the other graphs */
        c2s_tensor **in = w->inputs[w->now] = c2s_zalloc((w->input_count + 1u) * sizeof *in);
        status = c->feed->get(c->feed, graph, w->samples[w->now], in);
        if (status == C2S_OK)
            status = c->evaluator->run(session, (const c2s_tensor *const *)in, out);
        if (status == C2S_OK)
            status = c2s_changes_first(w->changes, w->now, out);
        for (unsigned k = 0; k < outputs; k++) {
            c2s_tensor_unref(out[k]);
            out[k] = NULL;
        }
    }
    free(out);
    return status;
}

static c2s_status observe_first(worth *w) {
    const c2s_lowrank_job *j = w->job;
    c2s_model *copy = c2s_model_copy(j->model);
    const c2s_node *node = copy->graph->first, *own = j->model->graph->first;
    c2s_eval_options eval = j->context->eval;
    c2s_session *session = NULL;
    bool *wanted = c2s_zalloc(copy->values.count + 1);
    w->of_value = c2s_zalloc((copy->values.count + 1) * sizeof *w->of_value);
    for (size_t i = 0; i < j->plan.items.count; own = own->next, node = node->next)
        if (own == j->plan.items.at[i].layer.node) {
            wanted[node->outputs[0]->id] = true;
            w->of_value[node->outputs[0]->id] = i++;
        }
    take_logits(copy->graph);
    c2s_graph_sweep(copy->graph);
    eval.observe = observe;
    eval.observe_user = w;
    eval.observe_value = wanted;
    c2s_status status = j->context->evaluator->open(copy->graph, &eval, &session);
    if (status == C2S_OK)
        status = run_first(w, copy->graph, session);
    if (session)
        j->context->evaluator->close(session);
    c2s_model_destroy(copy);
    free(wanted);
    return status;
}

/* ---- one layer ---- */

/* A copy whose last input is added to the layer's outputs. */
static c2s_model *with_error(const c2s_lowrank_item *item) {
    const c2s_node *like = item->layer.node;
    c2s_model *copy = c2s_model_copy(like->graph->model);
    c2s_node *node = copy->graph->first;
    for (const c2s_node *own = like->graph->first; own != like; own = own->next)
        node = node->next;
    c2s_value *y = node->outputs[0];
    c2s_value *error =
        c2s_graph_add_input(copy->graph, c2s_name_fresh(copy->names, "error"), &y->type);
    c2s_node *add = c2s_node_create(copy->graph, node->next, "", "Add", 2, 1);
    c2s_value_replace(y, add->outputs[0]);
    c2s_use_set(&add->inputs[0], y);
    c2s_use_set(&add->inputs[1], error);
    take_logits(copy->graph);
    c2s_graph_sweep(copy->graph);
    return copy;
}

/* The error: in one channel, or in all. Signs depend on the position alone, so that those of
 * channels belong together. */
static void fill_error(const c2s_lowrank_item *item, const c2s_type *type, size_t channel,
                       double size, uint64_t seed, float *out) {
    const c2s_linear_site *s = &item->layer.site;
    const size_t channels = s->groups * s->n;
    const bool all = directions(item) == 1 && channels > 1;
    size_t count = 1, inner = 1;
    for (int a = 0; a < type->rank; a++)
        count *= (size_t)type->dim[a];
    for (int a = 2; s->is_conv && a < type->rank; a++)
        inner *= (size_t)type->dim[a];
    c2s_random random = {seed};
    memset(out, 0, count * sizeof *out);
    for (size_t image = 0; image < count / (channels * inner); image++)
        for (size_t c = all ? 0 : channel; c < (all ? channels : channel + 1); c++)
            for (size_t p = 0; p < inner; p++)
                out[(image * channels + c) * inner + p] =
                    (float)(c2s_random_bits(&random) >> 63 ? size : -size);
}

static c2s_status run_error(const worth *w, size_t index, size_t sample, size_t channel,
                            c2s_session *session, float *change) {
    const c2s_lowrank_item *item = &w->job->plan.items.at[index];
    const c2s_type *type = &w->type[index * w->count + sample];
    const double size = PROBE * w->scale[index * w->count + sample];
    const unsigned outputs = c2s_graph_output_count(item->layer.node->graph);
    c2s_tensor **in = w->inputs[sample], *error, **out;
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, type->rank, type->dim, &error));
    out = c2s_zalloc((outputs + 1u) * sizeof(c2s_tensor *));
    fill_error(item, type, channel, size, 7919 * index + sample + 1, c2s_tensor_mutable(error));
    in[w->input_count] = error;
    c2s_status status =
        w->job->context->evaluator->run(session, (const c2s_tensor *const *)in, out);
    if (status == C2S_OK)
        status = c2s_changes_of(w->changes, sample, out, 1 / size, change);
    for (unsigned k = 0; k < outputs; k++)
        c2s_tensor_unref(out[k]);
    in[w->input_count] = NULL;
    c2s_tensor_unref(error);
    free(out);
    return status;
}

static c2s_status add_sample(const worth *w, size_t index, size_t sample, c2s_session *session,
                             double *h) {
    const size_t count = directions(&w->job->plan.items.at[index]);
    const size_t length = c2s_changes_length(w->changes, sample);
    float *change;
    if (!(w->scale[index * w->count + sample] > 0) || length == 0)
        return C2S_OK;
    C2S_TRY(c2s_scratch(count, length * sizeof *change, &change));
    c2s_status status = C2S_OK;
    for (size_t c = 0; c < count && status == C2S_OK; c++)
        status = run_error(w, index, sample, c, session, change + c * length);
    if (status == C2S_OK)
        status = c2s_gram_add(&(c2s_samples){change, length, count, length, true}, h);
    free(change);
    return status;
}

/* h [count, count]: sums over samples; a single number is that of all channels together. */
static c2s_status set_outer(const worth *w, c2s_lowrank_item *item, double *h) {
    const size_t n = item->layer.site.n, groups = item->layer.site.groups;
    const size_t count = directions(item);
    double trace = 0, damping = 0;
    c2s_symmetric_fill(count, h);
    for (size_t i = 0; i < count; i++)
        trace += h[i * (count + 1)] / (double)w->count;
    const double mean = fmax(trace / (double)(count == 1 ? groups * n : count), 1e-30);
    if (!isfinite(mean))
        return c2s_fail(C2S_ERR_INVALID, "outputs that are not finite");
    C2S_TRY(c2s_scratch(groups * n, n * sizeof *item->outer, &item->outer));
    memset(item->outer, 0, groups * n * n * sizeof *item->outer);
    for (size_t g = 0; g < groups; g++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                const double own = count == n ? h[i * n + j] / (double)w->count : i == j ? mean : 0;
                item->outer[(g * n + i) * n + j] = own + (i == j ? DAMPING * mean : 0);
            }
    for (size_t g = 0; g < groups; g++)
        C2S_TRY(c2s_cholesky(n, item->outer + g * n * n, &damping));
    return C2S_OK;
}

static c2s_status measure_item(worth *w, size_t index) {
    c2s_lowrank_item *item = &w->job->plan.items.at[index];
    const c2s_evaluator *e = w->job->context->evaluator;
    const size_t count = directions(item);
    c2s_model *copy = with_error(item);
    c2s_session *session = NULL;
    double *h = NULL;
    c2s_status status = c2s_graph_infer(copy->graph);
    if (status == C2S_OK)
        status = c2s_scratch(count, count * sizeof *h, &h);
    if (status == C2S_OK)
        status = e->open(copy->graph, &w->job->context->eval, &session);
    if (status == C2S_OK)
        memset(h, 0, count * count * sizeof *h);
    for (size_t s = 0; s < w->count && status == C2S_OK; s++)
        status = add_sample(w, index, s, session, h);
    if (status == C2S_OK)
        status = set_outer(w, item, h);
    if (session)
        e->close(session);
    free(h);
    c2s_model_destroy(copy);
    return status;
}

/* ---- all ---- */

static c2s_status measure(worth *w) {
    const size_t items = w->job->plan.items.count;
    C2S_TRY(observe_first(w));
    if (c2s_changes_rows(w->changes) < LEAST_ROWS)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the samples that there is time for say too little");
    for (size_t i = 0; i < items; i++) {
        c2s_progress("weighing outputs", (double)i / (double)items);
        C2S_TRY(measure_item(w, i));
    }
    return C2S_OK;
}

static void close_all(worth *w) {
    for (size_t s = 0; s < w->count; s++) {
        for (unsigned k = 0; w->inputs[s] && k < w->input_count; k++)
            c2s_tensor_unref(w->inputs[s][k]);
        free(w->inputs[s]);
    }
    c2s_changes_close(w->changes);
    free(w->inputs);
    free(w->samples);
    free(w->type);
    free(w->scale);
    free(w->of_value);
}

c2s_status c2s_lowrank_find_worth(c2s_lowrank_job *j, bool *measured) {
    const size_t items = j->plan.items.count;
    worth w = {.job = j};
    *measured = false;
    if (!j->context->feed || samples_for(j) < 1)
        return C2S_OK;
    w.samples = c2s_samples_list(j->context->feed->count, samples_for(j), &w.count);
    w.input_count = c2s_graph_input_count(j->model->graph);
    w.inputs = c2s_zalloc((w.count + 1) * sizeof *w.inputs);
    w.changes = c2s_changes_open(w.count, c2s_graph_output_count(j->model->graph));
    w.type = c2s_zalloc((items * w.count + 1) * sizeof *w.type);
    w.scale = c2s_zalloc((items * w.count + 1) * sizeof *w.scale);
    const c2s_status status = measure(&w);
    close_all(&w);
    *measured = status == C2S_OK;
    if (status == C2S_OK || status == C2S_ERR_MEMORY)
        return status;
    for (size_t i = 0; i < items; i++) {
        free(j->plan.items.at[i].outer);
        j->plan.items.at[i].outer = NULL;
    }
    c2s_log(1, "lowrank: what outputs are worth is not known: %s", c2s_error());
    return C2S_OK;
}
