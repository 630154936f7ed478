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
#include "ir/swap.h"
#include "passes/pass.h"
#include "passes/quant/insert.h"
#include "passes/quant/pair_order.h"
#include "passes/quant/range_trial.h"
#include "passes/quant/repair.h"

#include <math.h>
#include <string.h>

static const char kind[] = "quantize-node";

typedef struct job {
    c2s_model *model; /* a copy without holes: its own copies have the same ids */
    const c2s_pass_context *context;
    const c2s_feed *feed; /* the context's, or random samples */
    c2s_stats *stats;
    const c2s_target *target;
    c2s_dtype activations, weights;
    bool per_channel, symmetric, portable, always, force;
    c2s_range_method method;
    double percentile;
    c2s_name_filter include, exclude;
    unsigned asked;      /* candidates so far */
    const char **vetoed; /* by node id: why the node may not be quantized; NULL: it may */
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

static const char *ask(void *user, const c2s_node *node) {
    job *j = user;
    const char **why = &j->vetoed[node->id];
    if (j->stats->rewrites + j->asked >= j->stats->limit)
        *why = "the limit of rewrites is reached";
    else if (c2s_stats_skips(j->stats, kind, c2s_node_text(node)))
        *why = "left out on request";
    else
        j->asked++;
    return *why;
}

static c2s_placement_options placement_options(job *j) {
    return (c2s_placement_options){.target = j->target,
                                   .activations = j->activations,
                                   .weights = j->weights,
                                   .per_channel = j->per_channel,
                                   .force = j->force,
                                   .include = &j->include,
                                   .exclude = &j->exclude,
                                   .veto = ask,
                                   .user = j};
}

static c2s_status place(job *j) {
    const c2s_placement_options o = placement_options(j);
    j->vetoed = c2s_zalloc((j->model->nodes.count + 1) * sizeof *j->vetoed);
    return c2s_placement_make(j->model->graph, &o, &j->placement);
}

/* Next to something that is quantized, people ask why a node is not. */
static bool is_asked_about(const c2s_placement *p, const c2s_node *node) {
    const c2s_placed_node *n = &p->nodes[node->id];
    bool asked = n->row || n->rule.kind == C2S_QUANT_LINEAR;
    for (unsigned k = 0; k < node->formal_count && !asked; k++)
        asked = node->inputs[k].value && p->values[node->inputs[k].value->id].role;
    for (unsigned k = 0; k < node->output_count && !asked; k++)
        asked = node->outputs[k] && p->values[node->outputs[k]->id].role;
    return asked && n->reason && n->rule.kind != C2S_QUANT_NONE;
}

static void report(job *j, const c2s_graph *graph, const c2s_placement *placement) {
    for (const c2s_node *node = graph->first; node; node = node->next) {
        const c2s_placed_node *n = &placement->nodes[node->id];
        if (n->integer)
            c2s_stats_apply(j->stats, kind, c2s_node_text(node));
        else if (is_asked_about(placement, node))
            c2s_stats_refuse(j->stats, kind, c2s_node_text(node), n->reason);
        else
            continue;
        c2s_stats_looked(j->stats, node);
    }
}

/* ---- ranges ---- */

/* Sets those values that have scales, and, if layers may go back to float, those that would have
 * some then: results in the middle of what is done together. */
static void want_values(const job *j, bool *wanted) {
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
static size_t list_activations(const job *j, const c2s_ranges *ranges, const bool *wanted,
                               c2s_range_question *questions) {
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

static c2s_status choose(job *j, const c2s_ranges *ranges, const bool *wanted) {
    c2s_range_question *questions = c2s_alloc_array(j->model->values.count + 1, sizeof *questions);
    const size_t count = list_activations(j, ranges, wanted, questions);
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
    want_values(j, wanted);
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
        status = choose(j, j->ranges, wanted);
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

/* ---- building ---- */

static const char *refer(void *user, const c2s_node *node) {
    const char *const *vetoed = user;
    return vetoed[node->id];
}

static void log_insertion(const c2s_placement *p, const c2s_insert_result *r) {
    c2s_log(1, "quantize: %u nodes, %u pairs of quantizers, %u weights", p->integer_count, r->pairs,
            r->weights);
    if (r->clipped + r->rescaled > 0)
        c2s_log(1, "quantize: %u weights are clipped and %u scales larger for sums not to saturate",
                r->clipped, r->rescaled);
    if (r->repaired)
        c2s_log(1, "quantize: %u channels have larger scales for their biases to fit", r->repaired);
}

/* A quantized copy of the model. `vetoed` by node id. `last`: it is the one that stays. */
static c2s_status build(job *j, const char **vetoed, bool force, bool last, c2s_model **out) {
    c2s_model *model = c2s_model_copy(j->model);
    c2s_placement_options o = placement_options(j);
    c2s_placement placement;
    o.veto = refer;
    o.user = vetoed;
    o.force = force;
    c2s_status status = c2s_placement_make(model->graph, &o, &placement);
    if (status == C2S_OK && last)
        report(j, model->graph, &placement);
    const c2s_insert_options insert = {.spans = j->spans,
                                       .symmetric = j->symmetric,
                                       .portable = j->portable && j->target->saturates,
                                       .ranges = j->always ? NULL : j->ranges};
    c2s_insert_result result = {0};
    if (status == C2S_OK && placement.integer_count > 0)
        status = c2s_insert_quantizers(model, &placement, &insert, &result);
    if (status == C2S_OK && last && placement.integer_count > 0)
        log_insertion(&placement, &result);
    c2s_placement_free(&placement);
    if (status != C2S_OK) {
        c2s_model_destroy(model);
        model = NULL;
    }
    *out = model;
    return status;
}

/* ---- holding the budget ---- */

typedef struct repair {
    job *job;
    C2S_VEC(const c2s_node *) layers; /* sums of products that run on integers */
    C2S_VEC(double) work;             /* their multiply-accumulates */
    const char **vetoed;              /* by node id */
} repair;

static const char in_float[] = "in float it keeps the quality that is wanted";

/* Ranges are known for what ran on integers with all layers, so nothing else may when there are
 * fewer. */
static void veto_others(job *j) {
    for (const c2s_node *node = j->model->graph->first; node; node = node->next) {
        const c2s_placed_node *n = &j->placement.nodes[node->id];
        if (!n->integer && !j->vetoed[node->id])
            j->vetoed[node->id] = n->reason ? n->reason : "it stays in float";
    }
}

static void veto_layers(repair *r, const bool *floats) {
    memcpy(r->vetoed, r->job->vetoed, r->job->model->nodes.count * sizeof *r->vetoed);
    for (size_t i = 0; i < r->layers.count; i++)
        if (floats[i])
            r->vetoed[r->layers.at[i]->id] = in_float;
}

static c2s_status measure_layers(void *user, const bool *floats, size_t samples,
                                 c2s_quality_result *result) {
    repair *r = user;
    const c2s_pass_context *c = r->job->context;
    c2s_model *model;
    veto_layers(r, floats);
    /* A few samples: a layer by itself, however little that pays. */
    C2S_TRY(build(r->job, r->vetoed, r->job->force || samples > 0, false, &model));
    const c2s_status status = c2s_quality_measure(c->quality, model->graph, samples, result);
    c2s_model_destroy(model);
    return status;
}

static void list_layers(repair *r) {
    for (const c2s_node *node = r->job->model->graph->first; node; node = node->next) {
        const c2s_placed_node *n = &r->job->placement.nodes[node->id];
        if (!n->integer || n->head || n->rule.kind != C2S_QUANT_LINEAR)
            continue;
        const int64_t macs = node->op->macs ? node->op->macs(node) : 0;
        c2s_vec_push(&r->layers, node);
        c2s_vec_push(&r->work, macs > 0 ? (double)macs : 0);
    }
}

static void log_layers(const repair *r, const bool *floats, const double *noise) {
    for (size_t i = 0; i < r->layers.count; i++)
        if (!isnan(noise[i]))
            c2s_log(floats[i] ? 1 : 2, "quantize: %s alone leaves %.1f dB%s",
                    c2s_node_text(r->layers.at[i]), -10 * log10(noise[i]),
                    floats[i] ? ": it stays in float" : "");
}

/* Vetoes the layers that have to stay in float for the budget to hold. */
static c2s_status keep_quality(job *j) {
    const c2s_pass_context *c = j->context;
    if (!c->quality || !c2s_budget_is_bound(&c->budget))
        return C2S_OK;
    repair r = {.job = j};
    veto_others(j);
    list_layers(&r);
    r.vetoed = c2s_zalloc((j->model->nodes.count + 1) * sizeof *r.vetoed);
    bool *floats = c2s_zalloc(r.layers.count + 1);
    double *noise = c2s_alloc_array(r.layers.count + 1, sizeof *noise);
    const c2s_repair_problem problem = {.count = r.layers.count,
                                        .work = r.work.at,
                                        .budget = c->budget,
                                        .measure = measure_layers,
                                        .user = &r};
    c2s_status status = c2s_repair(&problem, floats, noise);
    if (status == C2S_OK) {
        log_layers(&r, floats, noise);
        for (size_t i = 0; i < r.layers.count; i++)
            if (floats[i])
                j->vetoed[r.layers.at[i]->id] = in_float;
    }
    c2s_vec_free(&r.layers);
    c2s_vec_free(&r.work);
    free(r.vetoed);
    free(floats);
    free(noise);
    return status;
}

/* ---- the pass ---- */

static c2s_status quantize(job *j, c2s_model **out) {
    C2S_TRY(place(j));
    if (j->placement.integer_count > 0) {
        C2S_TRY(measure_somehow(j));
        C2S_TRY(keep_quality(j));
    }
    return build(j, j->vetoed, j->force, true, out);
}

static c2s_status run(c2s_model *model, const c2s_options *o, const c2s_pass_context *context,
                      c2s_stats *stats) {
    job j = {.model = c2s_model_copy(model), .context = context, .stats = stats};
    c2s_model *quantized = NULL;
    c2s_status status = read_options(&j, o);
    if (status == C2S_OK)
        status = quantize(&j, &quantized);
    if (quantized)
        c2s_model_swap(model, quantized);
    c2s_model_destroy(quantized);
    c2s_model_destroy(j.model);
    c2s_name_filter_free(&j.include);
    c2s_name_filter_free(&j.exclude);
    c2s_placement_free(&j.placement);
    c2s_ranges_free(j.ranges);
    free(j.vetoed);
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
