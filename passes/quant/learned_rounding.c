/* SPDX-License-Identifier: Apache-2.0
 *
 * Codes of weights that keep the sums of their layer on the samples (gptq.h), for layers whose
 * inputs are rounded, too: that is noise on top of the rows in float. Where biases are corrected
 * afterwards, rows count about their mean. Pairs that were mended for processors without VNNI stay
 * within what was found for them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "passes/quant/gptq.h"
#include "passes/quant/quantizing.h"

/* Samples for layers that have many rows in each, and for others. */
enum { FEW_SAMPLES = 32, MORE_SAMPLES = 256, MANY_ROWS = 16 };

typedef struct learning {
    c2s_quantizing *job;
    double nearest, error; /* sums over layers, each relative to its signal */
    size_t layers;
} learning;

/* ---- pairs ---- */

typedef struct pair_table {
    const c2s_pair_order *order;
    size_t *partner[C2S_GPTQ_PARTNERS];
} pair_table;

/* Variable i of a site is channel i / positions, terms run over channels first. */
static size_t variable_of(const pair_table *t, size_t term) {
    return term % t->order->channels * t->order->positions + term / t->order->channels;
}

static void add_partner(pair_table *t, size_t of, size_t other) {
    for (unsigned p = 0; p < C2S_GPTQ_PARTNERS; p++)
        if (t->partner[p][of] == SIZE_MAX || t->partner[p][of] == other) {
            t->partner[p][of] = other;
            return;
        }
}

static void add_pair(void *context, size_t first, size_t second) {
    pair_table *t = context;
    const size_t a = variable_of(t, first), b = variable_of(t, second);
    add_partner(t, a, b);
    add_partner(t, b, a);
}

/* `room`: partners, then limits; to be freed. */
static void find_bounds(const c2s_linear_site *s, const c2s_pair_order *order,
                        const c2s_rounded_weight *w, c2s_gptq_bounds *out, size_t **room) {
    *room = c2s_alloc_array(C2S_GPTQ_PARTNERS * s->k + 2 * s->groups * s->k + 1, sizeof **room);
    pair_table t = {.order = order};
    for (unsigned p = 0; p < C2S_GPTQ_PARTNERS; p++)
        out->partner[p] = t.partner[p] = *room + p * s->k;
    for (size_t i = 0; i < C2S_GPTQ_PARTNERS * s->k; i++)
        (*room)[i] = SIZE_MAX;
    c2s_pair_each(order, add_pair, &t);
    uint8_t *least = (uint8_t *)(*room + C2S_GPTQ_PARTNERS * s->k),
            *most = least + s->groups * s->k;
    const c2s_code_limits limits = {w->limits, w->limits ? w->limits + w->channels : NULL};
    for (size_t g = 0; g < s->groups; g++)
        for (size_t term = 0; term < s->k; term++) {
            const c2s_code_span span = c2s_pair_span(order, &limits, g * s->n, term);
            least[g * s->k + variable_of(&t, term)] = (uint8_t)span.least;
            most[g * s->k + variable_of(&t, term)] = (uint8_t)span.most;
        }
    out->least = least;
    out->most = most;
}

/* ---- one weight ---- */

static bool has_bias(const c2s_quantizing *j, const c2s_node *node) {
    c2s_node *adder;
    unsigned slot;
    return j->correction != C2S_CORRECT_NOTHING &&
           c2s_placement_bias(&j->placement, j->model->nodes.at[node->id], &adder, &slot);
}

static double decibels(double signal, double error) {
    return error > 0 ? 10 * log10(signal / error) : INFINITY;
}

static c2s_status improve(learning *l, const c2s_linear_site *site, const c2s_gram *gram,
                          c2s_rounded_weight *w, const c2s_gptq_options *options,
                          const float *weights, float *codes) {
    c2s_gptq_error error;
    for (size_t i = 0; i < w->count; i++)
        codes[i] = (float)w->codes[i];
    C2S_TRY(c2s_gptq_improve(site, &site->weight->type, weights, gram, &w->coding, options,
                             w->affines, codes, &error));
    for (size_t i = 0; i < w->count; i++)
        w->codes[i] = (int16_t)codes[i];
    if (error.signal > 0) {
        l->nearest += error.nearest / error.signal;
        l->error += error.error / error.signal;
        l->layers++;
    }
    c2s_log(2, "quantize: %s: rounded weights leave %.1f dB of its sums, the nearest %.1f dB",
            c2s_node_text(site->node), decibels(error.signal, error.error),
            decibels(error.signal, error.nearest));
    return C2S_OK;
}

static c2s_status take_moments(void *user, const c2s_linear_site *site, c2s_gram *gram,
                               const c2s_cross *cross) {
    learning *l = user;
    c2s_rounded_weight *w = &l->job->rounded[site->weight->id];
    c2s_gptq_options options = c2s_gptq_usual;
    c2s_gptq_bounds bounds;
    c2s_pair_order order;
    size_t *room = NULL;
    float *weights, *codes;
    (void)cross;
    if (gram->rows == 0)
        return C2S_OK;
    options.keep_scales = true; /* the bias has been made to fit */
    options.relax = l->job->rounding == C2S_ROUND_RELAXED;
    options.centred = has_bias(l->job, site->node);
    options.noise = w->x_scale * w->x_scale / 12;
    if (w->bounded && c2s_pair_order_of(site->node, &site->weight->type, &order)) {
        find_bounds(site, &order, w, &bounds, &room);
        options.bounds = &bounds;
    }
    c2s_status status = c2s_weights_load(site->weight->constant, &weights);
    if (status == C2S_OK) {
        status = c2s_scratch(w->count, sizeof *codes, &codes);
        if (status == C2S_OK) {
            status = improve(l, site, gram, w, &options, weights, codes);
            free(codes);
        }
        free(weights);
    }
    free(room);
    /* Moments that are not finite: the nearest codes stay. */
    return status == C2S_ERR_MEMORY ? status : C2S_OK;
}

/* ---- all of them ---- */

/* Rows of one sample, about. */
static bool has_many_rows(const c2s_node *node) {
    const c2s_type *y = &node->outputs[0]->type;
    const int channel = node->op == &c2s_op_conv ? 1 : y->rank - 1;
    double rows = 1;
    for (int k = node->op == &c2s_op_conv; k < y->rank; k++)
        if (k != channel)
            rows *= c2s_dim_is_known(y->dim[k]) ? (double)y->dim[k] : MANY_ROWS;
    return rows >= MANY_ROWS;
}

static c2s_status collect(learning *l, bool many) {
    c2s_quantizing *j = l->job;
    C2S_VEC(c2s_gram_request) requests = {0};
    for (const c2s_node *node = j->model->graph->first; node; node = node->next) {
        const c2s_value *weight = c2s_node_in(node, 1);
        if (weight && weight->constant && weight->use_count == 1 &&
            j->rounded[weight->id].x_scale > 0 && has_many_rows(node) == many)
            c2s_vec_push(&requests, (c2s_gram_request){.node = node});
    }
    const c2s_gram_options o = {.evaluator = j->context->evaluator,
                                .eval = j->context->eval,
                                .cache = j->context->gram_cache,
                                .feed = j->feed,
                                .samples = many ? FEW_SAMPLES : MORE_SAMPLES,
                                .take = take_moments,
                                .user = l};
    const c2s_status status =
        requests.count ? c2s_gram_collect(j->model->graph, requests.at, requests.count, &o)
                       : C2S_OK;
    c2s_vec_free(&requests);
    return status;
}

c2s_status c2s_quantizing_learn(c2s_quantizing *j, const char **vetoed) {
    learning l = {.job = j};
    c2s_model *model;
    c2s_quantizing_forget_rounding(j);
    j->rounded = c2s_zalloc((j->model->values.count + 1) * sizeof *j->rounded);
    if (j->rounding == C2S_ROUND_NEAREST || j->model->functions.count > 0)
        return C2S_OK;
    C2S_TRY(c2s_quantizing_build(j, vetoed, j->force, false, &model));
    c2s_model_destroy(model);
    c2s_status status = collect(&l, true);
    if (status == C2S_OK)
        status = collect(&l, false);
    if (status != C2S_OK)
        c2s_note("while weights are rounded");
    else if (l.layers > 0)
        c2s_log(
            1,
            "quantize: weights of %zu layers rounded by the samples: %.1f dB of their sums, with "
            "the nearest codes %.1f dB",
            l.layers, decibels((double)l.layers, l.error), decibels((double)l.layers, l.nearest));
    return status;
}

void c2s_quantizing_forget_rounding(c2s_quantizing *j) {
    for (size_t k = 0; j->rounded && k < j->model->values.count; k++)
        c2s_rounded_weight_free(&j->rounded[k]);
    free(j->rounded);
    j->rounded = NULL;
}
