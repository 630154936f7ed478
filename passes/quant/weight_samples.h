/* SPDX-License-Identifier: Apache-2.0
 *
 * Codes for planned weights by what samples say about the outputs of their readers.
 *
 * In one stage all moments are those of the graph in float. In more stages, weights are coded and
 * written in the order of their readers: each stage sees the inputs that the codes before it make,
 * and aims at the outputs of the graph in float, so that errors are made up for where they can be.
 */
#ifndef C2S_PASSES_QUANT_WEIGHT_SAMPLES_H
#define C2S_PASSES_QUANT_WEIGHT_SAMPLES_H

#include "passes/pass.h"
#include "passes/quant/weight_plan.h"

typedef struct c2s_weight_samples {
    const c2s_pass_context *context; /* with a feed */
    double damping;                  /* as of c2s_gptq_options */
    uint64_t memory;                 /* of second moments at a time */
    size_t stages;                   /* at most; at least 1 */
    bool relax;                      /* round as gptq_relax.h does */
    bool correct;                    /* biases make up for mean errors (weight_bias.h) */
} c2s_weight_samples;

/* Gives codes to those weights of the plan that are operand 1 of a linear operator
 * (c2s_linear_site_of) and have none yet. `write` is called for each of them with the codes, if
 * they could be made, and writes them; what is not written stays in float. */
c2s_status c2s_weight_samples_encode(c2s_model *model, c2s_weight_plan *plan,
                                     const c2s_weight_samples *how,
                                     c2s_status (*write)(void *user, c2s_planned_weight *p),
                                     void *user);

#endif
