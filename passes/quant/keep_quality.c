/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "passes/quant/quantizing.h"
#include "passes/quant/repair.h"

typedef struct repair {
    c2s_quantizing *job;
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

static void log_layers(const repair *r, const bool *floats, const double *noise) {
    for (size_t i = 0; i < r->layers.count; i++)
        if (!isnan(noise[i]))
            c2s_log(floats[i] ? 1 : 2, "quantize: %s alone leaves %.1f dB%s",
                    c2s_node_text(r->layers.at[i]), -10 * log10(noise[i]),
                    floats[i] ? ": it stays in float" : "");
}

c2s_status c2s_quantizing_keep_quality(c2s_quantizing *j) {
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
