/* SPDX-License-Identifier: Apache-2.0
 *
 * How much the weights of errors count: what an error in one layer alone does to the outputs
 * (lowrank_weigh.c) is measured with small ones, and says too little where layers lose half of what
 * they give. So the choice with these weights, with their roots, and with none are written, and
 * what is best on samples that were not learnt from stays.
 */
#include <math.h>

#include "base/log.h"
#include "passes/lowrank/lowrank_job.h"
#include "passes/measure/sample_split.h"

static const double powers[] = {1, 0.5, 0};
enum { TRIALS = sizeof powers / sizeof *powers, LEAST_SAMPLES = 8 };
/* Multiply-accumulates that all trials may take; they have fewer stages rather than more work. */
#define WORK 5e11

static c2s_status weigh_by(c2s_lowrank_job *j, double power) {
    for (size_t i = 0; i < j->plan.items.count; i++)
        j->plan.items.at[i].weight = pow(j->plan.items.at[i].effect, power);
    C2S_TRY(c2s_lowrank_join_ways(j));
    return c2s_lowrank_search(j);
}

/* 0: they would take too long, or there is nothing to compare. */
static size_t stages_of(const c2s_lowrank_job *j) {
    const c2s_feed *feed = j->context->feed;
    bool weighed = false;
    double work = 1;
    for (size_t i = 0; i < j->plan.items.count; i++) {
        weighed |= j->plan.items.at[i].effect != 1;
        work += j->plan.items.at[i].macs;
    }
    if (!weighed || !j->how.whitened || j->plan.unit == C2S_LOWRANK_SECONDS ||
        c2s_lowrank_is_bound(j) || feed->count < LEAST_SAMPLES)
        return 0;
    return (size_t)fmin((double)j->how.stages, WORK / (2 * work * (double)feed->count * TRIALS));
}

static c2s_status try_power(c2s_lowrank_job *j, double power, const c2s_lowrank_how *how,
                            c2s_quality *quality, double *noise) {
    C2S_TRY(weigh_by(j, power));
    c2s_model *copy = c2s_model_copy(j->model);
    c2s_quality_result result;
    c2s_status status = c2s_lowrank_apply(copy, &j->plan, how, NULL, NULL);
    c2s_graph_sweep(copy->graph);
    if (status == C2S_OK)
        status = c2s_quality_measure(quality, copy->graph, 0, &result);
    c2s_model_destroy(copy);
    if (status == C2S_OK) {
        *noise = c2s_lowrank_noise(&result);
        c2s_log(1, "lowrank: errors weighed by effects to the power of %g: %.4f of noise", power,
                *noise);
    }
    return status;
}

static c2s_status find_power(c2s_lowrank_job *j, size_t stages, double *best) {
    const c2s_pass_context *context = j->context;
    c2s_pass_context learning = *context;
    c2s_sample_split split;
    c2s_quality *quality = NULL;
    double least = (double)INFINITY;
    c2s_sample_split_open(context->feed, &split);
    learning.feed = &split.learn;
    c2s_lowrank_how how = j->how;
    how.context = &learning;
    how.stages = stages;
    *best = powers[0];
    C2S_TRY(c2s_quality_open(j->model->graph, context->evaluator, &context->eval, &split.judge, 0,
                             &quality));
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < TRIALS && status == C2S_OK; k++) {
        double noise = (double)INFINITY;
        c2s_progress("comparing weights of errors", (double)k / TRIALS);
        status = try_power(j, powers[k], &how, quality, &noise);
        if (!(noise < least))
            continue;
        least = noise;
        *best = powers[k];
    }
    c2s_quality_close(quality);
    return status;
}

c2s_status c2s_lowrank_decide(c2s_lowrank_job *j) {
    const size_t stages = stages_of(j);
    double power = powers[0];
    c2s_status status = stages > 0 ? find_power(j, stages, &power) : C2S_OK;
    if (status == C2S_OK)
        status = stages > 0 ? weigh_by(j, power) : c2s_lowrank_search(j);
    c2s_lowrank_forget_moments(j);
    return status;
}
