/* SPDX-License-Identifier: Apache-2.0
 *
 * Before: operators on floats
 * After:  those that the target computes on integers stand between DequantizeLinear and
 *         QuantizeLinear, their weights and biases are codes
 * Leaves alone what the target does not compute on integers, or not faster.
 */
#include "eval/random_feed.h"
#include "passes/measure/ranges.h"
#include "base/log.h"
#include "passes/pass.h"
#include "passes/quant/insert.h"
#include "passes/quant/pair_order.h"
#include "passes/quant/range_trial.h"

#include <math.h>
#include <string.h>

static const char kind[] = "quantize-node";

typedef struct job {
    c2s_model *model;
    const c2s_pass_context *context;
    const c2s_feed *feed; /* the context's, or random samples */
    c2s_stats *stats;
    const c2s_target *target;
    c2s_dtype activations, weights;
    bool per_channel, symmetric, portable, always, force;
    c2s_range_method method;
    double percentile;
    c2s_name_filter include, exclude;
    unsigned asked; /* candidates so far */
    c2s_placement placement;
    c2s_ranges *ranges;
    c2s_span *spans; /* by value id */
} job;

/* ---- options ---- */

static const c2s_option_spec options[] = {
    {"target", "ort-cpu", "the runtime: ort-cpu, tensorrt, openvino, qnn or generic"},
    {"activations", "auto", "type of their codes: uint8, int8, uint16, int16; auto: the target's"},
    {"weights", "auto", "type of their codes: int8, uint8; auto: the target's"},
    {"per_channel", "yes", "a scale per output channel of weights, where the target can"},
    {"method", "auto", "ranges of activations: minmax, average, percentile, entropy, mse, auto"},
    {"percentile", "99.99", "of method=percentile: the share of numbers that lie in the range"},
    {"symmetric", "no", "zero points of activations in the middle, whatever the target wants"},
    {"portable", "yes",
     "sums are the same on processors without VNNI, for activations as the samples have them; "
     "always: for any; no"},
    {"include", "", "quantize only these: names or operators, as patterns, separated by ;"},
    {"exclude", "", "leave these in float: likewise"},
    {"force", "no", "quantize sums of products also where that costs time"},
    {0}};

static c2s_status read_dtype(const c2s_options *o, const char *name, c2s_dtype *out) {
    const char *text = c2s_option_text(o, name);
    *out = c2s_dtype_from_name(text);
    if (*out != C2S_UNDEFINED || strcmp(text, "auto") == 0)
        return C2S_OK;
    return c2s_fail(C2S_ERR_USAGE, "option %s is \"%s\", expected a type such as int8, or auto",
                    name, text);
}

static c2s_status read_options(job *j, const c2s_options *o) {
    c2s_name_filter_read(&j->include, c2s_option_text(o, "include"));
    c2s_name_filter_read(&j->exclude, c2s_option_text(o, "exclude"));
    C2S_TRY(c2s_target_read(c2s_option_text(o, "target"), &j->target));
    C2S_TRY(read_dtype(o, "activations", &j->activations));
    C2S_TRY(read_dtype(o, "weights", &j->weights));
    if (!c2s_range_method_named(c2s_option_text(o, "method"), &j->method))
        return c2s_fail(C2S_ERR_USAGE,
                        "option method is \"%s\", expected minmax, average, percentile, entropy, "
                        "mse or auto",
                        c2s_option_text(o, "method"));
    C2S_TRY(c2s_option_number(o, "percentile", 50, 100, &j->percentile));
    C2S_TRY(c2s_option_flag(o, "per_channel", &j->per_channel));
    C2S_TRY(c2s_option_flag(o, "symmetric", &j->symmetric));
    j->always = strcmp(c2s_option_text(o, "portable"), "always") == 0;
    j->portable = j->always;
    if (!j->always)
        C2S_TRY(c2s_option_flag(o, "portable", &j->portable));
    return c2s_option_flag(o, "force", &j->force);
}

/* ---- placing ---- */

static const char *veto(void *user, const c2s_node *node) {
    job *j = user;
    if (j->stats->rewrites + j->asked >= j->stats->limit)
        return "the limit of rewrites is reached";
    if (c2s_stats_skips(j->stats, kind, c2s_node_text(node)))
        return "left out on request";
    j->asked++;
    return NULL;
}

static c2s_status place(job *j) {
    const c2s_placement_options o = {.target = j->target,
                                     .activations = j->activations,
                                     .weights = j->weights,
                                     .per_channel = j->per_channel,
                                     .force = j->force,
                                     .include = &j->include,
                                     .exclude = &j->exclude,
                                     .veto = veto,
                                     .user = j};
    return c2s_placement_make(j->model->graph, &o, &j->placement);
}

/* Next to something that is quantized, people ask why a node is not. */
static bool is_asked_about(const job *j, const c2s_node *node) {
    const c2s_placed_node *n = &j->placement.nodes[node->id];
    bool asked = n->row || n->rule.kind == C2S_QUANT_LINEAR;
    for (unsigned k = 0; k < node->formal_count && !asked; k++)
        asked = node->inputs[k].value && j->placement.values[node->inputs[k].value->id].role;
    for (unsigned k = 0; k < node->output_count && !asked; k++)
        asked = node->outputs[k] && j->placement.values[node->outputs[k]->id].role;
    return asked && n->reason && n->rule.kind != C2S_QUANT_NONE;
}

static void report(job *j) {
    for (const c2s_node *node = j->model->graph->first; node; node = node->next) {
        const c2s_placed_node *n = &j->placement.nodes[node->id];
        if (n->integer)
            c2s_stats_apply(j->stats, kind, c2s_node_text(node));
        else if (is_asked_about(j, node))
            c2s_stats_refuse(j->stats, kind, c2s_node_text(node), n->reason);
        else
            continue;
        c2s_stats_looked(j->stats, node);
    }
}

/* ---- ranges ---- */

/* The activations that have statistics, and their codes. */
static size_t list_activations(const job *j, const c2s_ranges *ranges,
                               c2s_range_question *questions) {
    size_t count = 0;
    for (size_t id = 0; id < j->model->values.count; id++) {
        const c2s_placed_value *v = &j->placement.values[id];
        const c2s_value *value = j->model->values.at[id];
        const c2s_value_stats *stats =
            v->role == C2S_ROLE_ACTIVATION ? c2s_ranges_find(ranges, value) : NULL;
        if (!stats)
            continue;
        questions[count++] =
            (c2s_range_question){.value = value,
                                 .stats = stats,
                                 .dtype = v->dtype,
                                 /* What a clamp leaves is on one side of 0. */
                                 .symmetric = (j->symmetric || j->target->symmetric) &&
                                              !j->placement.values[v->group].clamped};
    }
    return count;
}

static c2s_status answer(const job *j, c2s_range_question *questions, size_t count) {
    const c2s_pass_context *c = j->context;
    if (j->method == C2S_RANGE_AUTO && j->feed == c->feed) /* random ones: not worth it */
        return c2s_range_trial(j->model->graph, j->feed, c->evaluator, &c->eval, 0, questions,
                               count);
    for (size_t k = 0; k < count; k++) {
        c2s_range_question *q = &questions[k];
        C2S_TRY(c2s_range_choose(q->stats, j->method, j->percentile, q->dtype, q->symmetric,
                                 &q->low, &q->high));
    }
    return C2S_OK;
}

static c2s_status choose(job *j, const c2s_ranges *ranges) {
    c2s_range_question *questions = c2s_alloc_array(j->model->values.count + 1, sizeof *questions);
    const size_t count = list_activations(j, ranges, questions);
    for (size_t id = 0; id < j->model->values.count; id++)
        j->spans[id] = C2S_SPAN_NONE;
    const c2s_status status = answer(j, questions, count);
    for (size_t k = 0; k < count && status == C2S_OK; k++)
        j->spans[questions[k].value->id] = (c2s_span){questions[k].low, questions[k].high};
    free(questions);
    return status;
}

/* Input channels of sums of products: by them saturation is judged. */
static void find_channels(const job *j, int8_t *axis) {
    for (const c2s_node *node = j->model->graph->first; node; node = node->next) {
        c2s_pair_order order;
        if (j->placement.nodes[node->id].integer && node->formal_count > 1 &&
            node->inputs[0].value && node->inputs[1].value &&
            c2s_attr_int(node, "transA", 0) == 0 &&
            c2s_pair_order_of(node, &node->inputs[1].value->type, &order))
            axis[node->inputs[0].value->id] = node->op == &c2s_op_conv ? 1 : -1;
    }
}

static c2s_status measure(job *j) {
    const size_t count = j->model->values.count;
    bool *wanted = c2s_zalloc(count + 1);
    for (size_t id = 0; id < count; id++)
        wanted[id] = j->placement.values[id].role == C2S_ROLE_ACTIVATION;
    int8_t *channels = c2s_alloc_array(count + 1, sizeof *channels);
    memset(channels, C2S_NO_CHANNELS, count + 1);
    if (j->portable && !j->always && j->target->saturates)
        find_channels(j, channels);
    const c2s_ranges_options o = {
        .eval = j->context->eval, .channel_axis = channels, .cache = j->context->ranges_cache};
    c2s_status status =
        c2s_ranges_collect(j->model->graph, j->feed, j->context->evaluator, wanted, &o, &j->ranges);
    j->spans = c2s_alloc_array(count + 1, sizeof *j->spans);
    if (status == C2S_OK)
        status = choose(j, j->ranges);
    free(channels);
    free(wanted);
    return status;
}

static c2s_status measure_somehow(job *j) {
    const c2s_pass_context *c = j->context;
    j->feed = c->feed;
    if (j->feed && j->feed->count > 0)
        return measure(j);
    c2s_log(0, "quantize: NO DATA (--calib): the ranges of activations are those on random inputs; "
               "on real ones the model may be far off");
    c2s_feed *random;
    c2s_status status =
        c2s_random_feed_open(j->model->graph, c->evaluator, &c->eval, c->seed, &random);
    if (status == C2S_OK) {
        j->feed = random;
        status = measure(j);
        c2s_random_feed_close(random);
    }
    if (status != C2S_OK)
        c2s_note("on random inputs, since no data were given (--calib)");
    return status;
}

/* ---- the pass ---- */

static c2s_status quantize(job *j) {
    c2s_insert_result result;
    C2S_TRY(place(j));
    report(j);
    if (j->placement.integer_count == 0)
        return C2S_OK;
    C2S_TRY(measure_somehow(j));
    const c2s_insert_options o = {.spans = j->spans,
                                  .symmetric = j->symmetric,
                                  .portable = j->portable && j->target->saturates,
                                  .ranges = j->always ? NULL : j->ranges};
    C2S_TRY(c2s_insert_quantizers(j->model, &j->placement, &o, &result));
    c2s_log(1, "quantize: %u nodes, %u pairs of quantizers, %u weights", j->placement.integer_count,
            result.pairs, result.weights);
    if (result.clipped + result.rescaled > 0)
        c2s_log(1, "quantize: %u weights are clipped and %u scales larger for sums not to saturate",
                result.clipped, result.rescaled);
    if (result.repaired)
        c2s_log(1, "quantize: %u channels have larger scales for their biases to fit",
                result.repaired);
    return C2S_OK;
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    job j = {.model = model, .context = context, .stats = stats};
    c2s_status status = read_options(&j, o);
    if (status == C2S_OK)
        status = quantize(&j);
    c2s_name_filter_free(&j.include);
    c2s_name_filter_free(&j.exclude);
    c2s_placement_free(&j.placement);
    c2s_ranges_free(j.ranges);
    free(j.spans);
    return status;
}

static const c2s_rewrite_kind kinds[] = {
    {.name = kind, .summary = "a node between DequantizeLinear and QuantizeLinear"}, {0}};

const c2s_pass c2s_pass_quantize = {
    .name = "quantize",
    .summary = "static quantization for a target: what it computes on integers gets scales",
    .options = options,
    .kinds = kinds,
    .lossy = true,
    .run = run};
