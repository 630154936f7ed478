/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "eval/random_feed.h"
#include "ops/macs.h"
#include "passes/measure/linear_site.h"
#include "passes/quant/hidden_scores.h"
#include "passes/quant/logits.h"
#include "passes/quant/pair_order.h"
#include "passes/quant/quantizing.h"
#include "passes/quant/range_trial.h"

/* Sets those values that have scales, and, if layers may go back to float, those that would have
 * some then: results in the middle of what is done together. */
static void want_values(const c2s_quantizing *j, bool *wanted) {
    const bool all = j->context->quality && c2s_budget_is_bound(&j->context->budget);
    for (size_t id = 0; id < j->model->values.count; id++)
        wanted[id] = j->placement.values[id].role == C2S_ROLE_ACTIVATION;
    for (const c2s_node *node = j->model->graph->first; node && all; node = node->next) {
        if (!j->placement.nodes[node->id].integer)
            continue;
        for (unsigned k = 0; k < node->formal_count; k++)
            if (node->inputs[k].value && !node->inputs[k].value->constant)
                wanted[node->inputs[k].value->id] = true;
        for (unsigned k = 0; k < node->output_count; k++)
            if (node->outputs[k])
                wanted[node->outputs[k]->id] = true;
    }
}

/* The activations that have statistics, and their codes. */
static size_t list_activations(const c2s_quantizing *j, const c2s_ranges *ranges,
                               const bool *wanted, c2s_range_question *questions) {
    size_t count = 0;
    for (size_t id = 0; id < j->model->values.count; id++) {
        const c2s_placed_value *v = &j->placement.values[id];
        const c2s_value *value = j->model->values.at[id];
        const c2s_value_stats *stats = wanted[id] ? c2s_ranges_find(ranges, value) : NULL;
        if (!stats)
            continue;
        const c2s_dtype usual = j->activations ? j->activations : j->target->activation;
        questions[count++] =
            (c2s_range_question){.value = value,
                                 .stats = stats,
                                 .dtype = v->dtype ? v->dtype : usual,
                                 /* What a clamp leaves is on one side of 0. */
                                 .symmetric = (j->symmetric || j->target->symmetric) &&
                                              !j->placement.values[v->group].clamped};
    }
    return count;
}

/* ---- ranges by what they do to the outputs ---- */

enum { MOST_SAMPLES = 64, LEAST_SAMPLES = 8, MOST_PARTS = 12 };

/* Multiply-accumulates of a measurement, and of all of them: more samples, more parts than that
 * take too long. */
#define MEASURED_MACS 5e9
#define ALL_MACS      25e9

typedef struct trial {
    c2s_quantizing *job;
    const c2s_range_question *questions;
    size_t count;
    c2s_quality *quality;
    bool logits; /* outputs are compared in front of their Softmax */
} trial;

static void set_spans(c2s_quantizing *j, const c2s_range_question *questions, size_t count) {
    for (size_t k = 0; k < count; k++) {
        const c2s_range_question *q = &questions[k];
        const float low = c2s_hidden_scores_below(q->value, q->stats);
        j->spans[q->value->id] = (c2s_span){fmaxf(q->low, low), q->high};
    }
}

static c2s_status measure_answers(void *user, double *noise) {
    trial *t = user;
    c2s_quantizing *j = t->job;
    c2s_model *model;
    c2s_quality_result result;
    set_spans(j, t->questions, t->count);
    const bool portable = j->portable;
    j->portable = false; /* what becomes of weights takes longest, and hardly depends on ranges */
    c2s_status status = c2s_quantizing_build(j, j->vetoed, j->force, false, &model);
    j->portable = portable;
    if (status != C2S_OK)
        return status;
    if (t->logits) {
        c2s_model *whole = model;
        model = c2s_logits_model(whole->graph);
        c2s_model_destroy(whole);
    }
    status = c2s_quality_measure(t->quality, model->graph, 0, &result);
    if (status == C2S_OK)
        *noise = pow(10, -result.sqnr_db / 10);
    c2s_model_destroy(model);
    return status;
}

/* A Softmax on codes belongs to what is judged. */
static bool ends_in_logits(const c2s_quantizing *j) {
    const c2s_graph *graph = j->model->graph;
    for (unsigned k = 0; k < c2s_graph_output_count(graph); k++) {
        const c2s_node *softmax = c2s_logits_softmax(graph, k);
        if (softmax && j->placement.nodes[softmax->id].integer)
            return false;
    }
    return true;
}

/* Multiply-accumulates of a sample; where extents are free, tensors tell how large they were. */
static double macs_of(const c2s_quantizing *j, const c2s_range_question *questions, size_t count) {
    double macs = 1, larger = 1;
    for (const c2s_node *node = j->model->graph->first; node; node = node->next)
        macs += node->op->macs ? fmax((double)node->op->macs(node), 0) : 0;
    for (size_t k = 0; k < count; k++) {
        const c2s_value_stats *s = questions[k].stats;
        const double known = (double)c2s_macs_extents(&questions[k].value->type, 0, -1);
        if (s->samples > 0 && known > 0)
            larger = fmax(larger, (double)s->count / ((double)s->samples * known));
    }
    return macs * larger;
}

static c2s_status try_ranges(c2s_quantizing *j, c2s_range_question *questions, size_t count) {
    const c2s_pass_context *c = j->context;
    trial t = {.job = j, .questions = questions, .count = count, .logits = ends_in_logits(j)};
    const double macs = macs_of(j, questions, count);
    const double samples = fmin(fmax(MEASURED_MACS / macs, LEAST_SAMPLES), MOST_SAMPLES);
    c2s_model *first = t.logits ? c2s_logits_model(j->model->graph) : NULL;
    c2s_status status = c2s_quality_open(first ? first->graph : j->model->graph, c->evaluator,
                                         &c->eval, j->feed, (size_t)samples, &t.quality);
    c2s_model_destroy(first);
    if (status != C2S_OK)
        return status;
    const c2s_range_trial ranges = {.questions = questions,
                                    .count = count,
                                    .parts = (size_t)fmin(ALL_MACS / (macs * samples), MOST_PARTS),
                                    .measure = measure_answers,
                                    .user = &t};
    status = c2s_range_trial_run(&ranges);
    c2s_quality_close(t.quality);
    return status;
}

/* ---- choosing ---- */

static c2s_status answer(c2s_quantizing *j, c2s_range_question *questions, size_t count) {
    if (j->method == C2S_RANGE_AUTO && j->feed == j->context->feed) /* random ones: not worth it */
        return try_ranges(j, questions, count);
    for (size_t k = 0; k < count; k++) {
        c2s_range_question *q = &questions[k];
        C2S_TRY(c2s_range_choose(q->stats, j->method, j->percentile, q->dtype, q->symmetric,
                                 &q->low, &q->high));
    }
    return C2S_OK;
}

static c2s_status choose(c2s_quantizing *j, const c2s_ranges *ranges, const bool *wanted) {
    c2s_range_question *questions = c2s_alloc_array(j->model->values.count + 1, sizeof *questions);
    const size_t count = list_activations(j, ranges, wanted, questions);
    for (size_t id = 0; id < j->model->values.count; id++)
        j->spans[id] = C2S_SPAN_NONE;
    const c2s_status status = answer(j, questions, count);
    set_spans(j, questions, count);
    free(questions);
    return status;
}

/* ---- measuring ---- */

/* Readers with channels along different axes: none are told apart. */
static void want_axis(int8_t wanted, bool *known, int8_t *axis) {
    *axis = *known && *axis != wanted ? C2S_NO_CHANNELS : wanted;
    *known = true;
}

/* Input channels of sums of products: by them saturation is judged, and the mean that rounding
 * takes from the sums. */
static void find_channels(const c2s_quantizing *j, int8_t *axis) {
    bool *known = c2s_zalloc(j->model->values.count + 1);
    const bool portable = j->portable && !j->always && j->target->saturates,
               means = j->correction == C2S_CORRECT_ANALYTIC;
    for (const c2s_node *node = j->model->graph->first; node; node = node->next) {
        c2s_pair_order order;
        c2s_linear_site site;
        if (j->placement.nodes[node->id].integer && node->formal_count > 1 &&
            node->inputs[0].value && node->inputs[1].value &&
            c2s_attr_int(node, "transA", 0) == 0 &&
            ((portable && c2s_pair_order_of(node, &node->inputs[1].value->type, &order)) ||
             (means && !c2s_linear_site_of(node, &site))))
            want_axis(node->op == &c2s_op_conv ? 1 : -1, &known[node->inputs[0].value->id],
                      &axis[node->inputs[0].value->id]);
    }
    free(known);
}

static c2s_status measure(c2s_quantizing *j) {
    const size_t count = j->model->values.count;
    bool *wanted = c2s_zalloc(count + 1);
    want_values(j, wanted);
    int8_t *channels = c2s_alloc_array(count + 1, sizeof *channels);
    memset(channels, C2S_NO_CHANNELS, count + 1);
    find_channels(j, channels);
    const c2s_ranges_options o = {
        .eval = j->context->eval, .channel_axis = channels, .cache = j->context->ranges_cache};
    c2s_status status =
        c2s_ranges_collect(j->model->graph, j->feed, j->context->evaluator, wanted, &o, &j->ranges);
    j->spans = c2s_alloc_array(count + 1, sizeof *j->spans);
    if (status == C2S_OK)
        status = choose(j, j->ranges, wanted);
    free(channels);
    free(wanted);
    return status;
}

c2s_status c2s_quantizing_choose(c2s_quantizing *j) {
    bool *wanted = c2s_zalloc(j->model->values.count + 1);
    want_values(j, wanted);
    const c2s_status status = choose(j, j->ranges, wanted);
    free(wanted);
    return status;
}

c2s_status c2s_quantizing_measure(c2s_quantizing *j) {
    const c2s_pass_context *c = j->context;
    j->feed = c->feed;
    if (j->feed && j->feed->count > 0)
        return measure(j);
    c2s_log(0, "quantize: NO DATA (--calib): the ranges of activations are those on random inputs; "
               "on real ones the model may be far off");
    c2s_status status =
        c2s_random_feed_open(j->model->graph, c->evaluator, &c->eval, c->seed, &j->random);
    j->feed = j->random;
    if (status == C2S_OK)
        status = measure(j);
    if (status != C2S_OK)
        c2s_note("on random inputs, since no data were given (--calib)");
    return status;
}
