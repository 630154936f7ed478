/* SPDX-License-Identifier: Apache-2.0
 *
 * In this order, until the budget holds: what helps all layers (remedies.h); activations of 16 bits
 * for those layers that need them most, where the target mixes them with others; float for those.
 */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "passes/quant/quantizing.h"
#include "passes/quant/remedies.h"
#include "passes/quant/repair.h"

typedef enum relief { WIDER, IN_FLOAT } relief;

static const char *const reliefs[] = {"gets activations of 16 bits", "stays in float"};

typedef struct repair {
    c2s_quantizing *job;
    relief relief;
    C2S_VEC(const c2s_node *) layers; /* sums of products that run on integers */
    C2S_VEC(double) work;             /* their multiply-accumulates */
    const char **vetoed;              /* by node id */
} repair;

static const char in_float[] = "in float it keeps the quality that is wanted";

/* Ranges are known for what ran on integers with all layers, so nothing else may when there are
 * fewer. */
static void veto_others(c2s_quantizing *j) {
    for (const c2s_node *node = j->model->graph->first; node; node = node->next) {
        const c2s_placed_node *n = &j->placement.nodes[node->id];
        if (!n->integer && !j->vetoed[node->id])
            j->vetoed[node->id] = n->reason ? n->reason : "it stays in float";
    }
}

static void relieve(repair *r, const bool *chosen) {
    const size_t count = r->job->model->nodes.count;
    memcpy(r->vetoed, r->job->vetoed, count * sizeof *r->vetoed);
    for (size_t i = 0; i < r->layers.count; i++)
        if (r->relief == WIDER)
            r->job->wide[r->layers.at[i]->id] = chosen[i];
        else if (chosen[i])
            r->vetoed[r->layers.at[i]->id] = in_float;
}

static c2s_status measure_layers(void *user, const bool *chosen, size_t samples,
                                 c2s_quality_result *result) {
    repair *r = user;
    const c2s_pass_context *c = r->job->context;
    c2s_model *model;
    relieve(r, chosen);
    /* A few samples: a layer by itself, however little that pays. */
    C2S_TRY(c2s_quantizing_build(r->job, r->vetoed, r->job->force || samples > 0, false, &model));
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

/* The least relief with which the budget holds, or that of all layers. */
static c2s_status give_relief(repair *r, relief which) {
    c2s_quantizing *j = r->job;
    r->relief = which;
    c2s_repair_result result = {.layers =
                                    c2s_alloc_array(r->layers.count + 1, sizeof *result.layers)};
    const c2s_repair_problem problem = {.count = r->layers.count,
                                        .work = r->work.at,
                                        .budget = j->context->budget,
                                        .by_divergence = j->by_divergence,
                                        .measure = measure_layers,
                                        .what = reliefs[which],
                                        .user = r};
    const c2s_status status = c2s_repair(&problem, &result);
    if (status == C2S_OK) {
        bool *chosen = c2s_zalloc(r->layers.count + 1);
        for (size_t i = 0; i < r->layers.count; i++)
            chosen[i] = result.layers[i].in_float;
        c2s_repair_report(&problem, &result, r->layers.at, j->stats);
        relieve(r, chosen);
        memcpy(j->vetoed, r->vetoed, j->model->nodes.count * sizeof *j->vetoed);
        free(chosen);
    }
    free(result.layers);
    return status;
}

/* Codes of 16 bits need not leave anything out. */
static void span_all(c2s_quantizing *j) {
    const size_t count = j->model->values.count;
    j->wide = c2s_zalloc(j->model->nodes.count + 1);
    j->wide_spans = c2s_alloc_array(count + 1, sizeof *j->wide_spans);
    for (size_t id = 0; id < count; id++) {
        const c2s_value_stats *s = c2s_ranges_find(j->ranges, j->model->values.at[id]);
        j->wide_spans[id] = s ? (c2s_span){s->min, s->max} : j->spans[id];
    }
}

/* Other layers make other errors; what made up for those of all stays if that is better. */
static c2s_status correct_again(c2s_quantizing *j) {
    c2s_quality_result before, after;
    bool holds, still;
    C2S_TRY(c2s_remedies_measure(j, &before, &holds));
    c2s_bias_shift *shift = j->shift;
    j->shift = NULL;
    c2s_status status = c2s_quantizing_correct(j, j->vetoed);
    if (status == C2S_OK)
        status = c2s_remedies_measure(j, &after, &still);
    if (status != C2S_OK || (holds && !still) ||
        (holds == still && after.sqnr_db < before.sqnr_db)) {
        c2s_quantizing_forget_correction(j);
        j->shift = shift;
    } else {
        c2s_quantizing_free_shift(j, shift);
    }
    return status;
}

static c2s_status repair_layers(repair *r) {
    c2s_quantizing *j = r->job;
    c2s_quality_result result;
    bool holds;
    C2S_TRY(c2s_remedies_measure(j, &result, &holds));
    if (!holds && j->target->mixes_widths && j->activations == C2S_UNDEFINED) {
        span_all(j);
        /* What made up for the errors of 8 bits is itself an error where there are more. */
        c2s_quantizing_forget_correction(j);
        C2S_TRY(give_relief(r, WIDER));
        C2S_TRY(c2s_quantizing_learn(j, j->vetoed));
        C2S_TRY(correct_again(j));
        C2S_TRY(c2s_remedies_measure(j, &result, &holds));
    }
    if (holds)
        return C2S_OK;
    C2S_TRY(give_relief(r, IN_FLOAT));
    return correct_again(j);
}

c2s_status c2s_quantizing_keep_quality(c2s_quantizing *j) {
    const c2s_pass_context *c = j->context;
    if (!c->quality || !c2s_budget_is_bound(&c->budget))
        return C2S_OK;
    repair r = {.job = j};
    C2S_TRY(c2s_remedies_try(j));
    veto_others(j);
    list_layers(&r);
    r.vetoed = c2s_zalloc((j->model->nodes.count + 1) * sizeof *r.vetoed);
    const c2s_status status = repair_layers(&r);
    c2s_vec_free(&r.layers);
    c2s_vec_free(&r.work);
    free(r.vetoed);
    return status;
}
