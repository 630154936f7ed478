/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/weight_samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "passes/measure/reconstruct.h"
#include "passes/quant/gptq.h"
#include "passes/quant/weight_bias.h"

typedef struct learning {
    c2s_model *model, *reference; /* reference: NULL with one stage */
    const c2s_weight_samples *how;
    c2s_planned_weight **planned; /* by node id of the readers */
    const c2s_value **target;     /* by node id: the reader's output in the reference */
} learning;

static double decibels(double signal, double error) {
    return error > 0 ? 10 * log10(signal / error) : INFINITY;
}

/* ---- one weight ---- */

/* What the weight should be for inputs that have changed, as a tensor of floats; the weight itself
 * if there is no better one. */
static c2s_status aim(const c2s_linear_site *site, const c2s_tensor *weights, const c2s_gram *gram,
                      const c2s_cross *cross, double damping, c2s_tensor **out) {
    float *values;
    if (!cross) {
        *out = c2s_tensor_ref(weights);
        return C2S_OK;
    }
    C2S_TRY(c2s_weights_load(weights, &values));
    c2s_status status = c2s_tensor_create(C2S_FLOAT, weights->type.rank, weights->type.dim, out);
    if (status == C2S_OK) {
        status = c2s_reconstruct(site, gram, cross, damping, values, c2s_tensor_mutable(*out));
        if (status != C2S_OK) {
            c2s_tensor_unref(*out);
            *out = c2s_tensor_ref(weights);
            status = status == C2S_ERR_MEMORY ? status : C2S_OK;
        }
        if (status != C2S_OK)
            c2s_tensor_unref(*out);
    }
    free(values);
    return status;
}

/* The codes; `centred`: a bias will make up for mean errors. */
static c2s_status encode_weight(const learning *l, const c2s_linear_site *site,
                                c2s_planned_weight *p, const c2s_gram *gram, const c2s_cross *cross,
                                bool centred) {
    c2s_gptq_options how = c2s_gptq_usual;
    c2s_gptq_error error;
    c2s_coding coding = p->coding;
    c2s_tensor *aimed;
    how.damping = c2s_gptq_damping(gram, l->how->damping);
    how.centred = centred;
    how.relax = l->how->relax;
    C2S_TRY(aim(site, p->weight->constant, gram, cross, how.damping, &aimed));
    if (p->weight->type.dtype != C2S_FLOAT)
        coding.scale_dtype = p->weight->type.dtype;
    const c2s_status status = c2s_gptq_encode(site, aimed, gram, &coding, &how, &p->codes, &error);
    c2s_tensor_unref(aimed);
    if (status == C2S_OK)
        c2s_log(1, "%s: SQNR of its output %.1f dB, with the nearest codes %.1f dB",
                c2s_node_text(site->node), decibels(error.signal, error.error),
                decibels(error.signal, error.nearest));
    return status;
}

static c2s_status encode(const learning *l, const c2s_linear_site *site, c2s_planned_weight *p,
                         const c2s_gram *gram, const c2s_cross *cross) {
    c2s_weight_bias bias;
    if (!l->how->correct || !c2s_weight_bias_of(p, &bias))
        return encode_weight(l, site, p, gram, cross, false);
    if (!cross) {
        C2S_TRY(encode_weight(l, site, p, gram, NULL, true));
        return c2s_weight_bias_measure(p, site, gram, NULL);
    }
    c2s_centred centred;
    C2S_TRY(c2s_centred_create(site, gram, cross, &centred));
    c2s_status status = encode_weight(l, site, p, &centred.gram, &centred.cross, true);
    c2s_centred_free(&centred);
    return status == C2S_OK ? c2s_weight_bias_measure(p, site, gram, cross) : status;
}

static c2s_status take_moments(void *user, const c2s_linear_site *site, c2s_gram *gram,
                               const c2s_cross *cross) {
    const learning *l = user;
    c2s_planned_weight *p = l->planned[site->node->id];
    if (gram->rows == 0)
        return C2S_OK;
    const c2s_status status = encode(l, site, p, gram, cross);
    /* Moments that are not finite, or weights: the other methods may do, or say what is wrong. */
    return status == C2S_ERR_MEMORY ? status : C2S_OK;
}

static void no_moments(void *user, const c2s_node *node, const char *reason) {
    (void)user;
    c2s_log(1, "%s: rounded without samples: %s", c2s_node_text(node), reason);
}

/* ---- stages ---- */

static bool is_linear(const c2s_planned_weight *p) {
    c2s_linear_site site;
    return p->slot == 1 && !p->codes.codes && !c2s_linear_site_of(p->node, &site);
}

/* Readers of one input that follow each other are a family: they learn from the same moments. */
static size_t count_families(const c2s_weight_plan *plan) {
    const c2s_value *last = NULL;
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const c2s_planned_weight *p = &plan->at[i];
        if (!is_linear(p))
            continue;
        count += p->node->inputs[0].value != last;
        last = p->node->inputs[0].value;
    }
    return count;
}

/* The copy has the same nodes in the same order. */
static void make_reference(learning *l) {
    l->reference = c2s_model_copy(l->model);
    const c2s_node *copy = l->reference->graph->first;
    for (const c2s_node *node = l->model->graph->first; node; node = node->next, copy = copy->next)
        l->target[node->id] = c2s_node_out(copy, 0);
}

static c2s_status collect(learning *l, const c2s_gram_request *requests, size_t count) {
    const c2s_pass_context *context = l->how->context;
    const c2s_gram_options o = {.evaluator = context->evaluator,
                                .eval = context->eval,
                                .cache = context->gram_cache,
                                .feed = context->feed,
                                .reference = l->reference ? l->reference->graph : NULL,
                                .memory = l->how->memory,
                                .take = take_moments,
                                .refuse = no_moments,
                                .user = l};
    return c2s_gram_collect(l->model->graph, requests, count, &o);
}

/* Codes for `families` from weight *next on, which are then written. */
static c2s_status run_stage(learning *l, c2s_weight_plan *plan, size_t *next, size_t families,
                            c2s_status (*write)(void *, c2s_planned_weight *), void *user) {
    C2S_VEC(c2s_gram_request) requests = {0};
    C2S_VEC(c2s_planned_weight *) weights = {0};
    const c2s_value *last = NULL;
    for (size_t begun = 0; *next < plan->count; ++*next) {
        c2s_planned_weight *p = &plan->at[*next];
        if (!is_linear(p))
            continue;
        begun += p->node->inputs[0].value != last;
        if (begun > families)
            break;
        last = p->node->inputs[0].value;
        l->planned[p->node->id] = p;
        /* Of a body that runs several times it is not known which run is beside which. */
        c2s_vec_push(&requests,
                     (c2s_gram_request){.node = p->node,
                                        .target = l->reference ? l->target[p->node->id] : NULL});
        c2s_vec_push(&weights, p);
    }
    c2s_status status = collect(l, requests.at, requests.count);
    for (size_t i = 0; i < weights.count && status == C2S_OK; i++)
        if (weights.at[i]->codes.codes)
            status = write(user, weights.at[i]);
    c2s_vec_free(&requests);
    c2s_vec_free(&weights);
    return status;
}

c2s_status c2s_weight_samples_encode(c2s_model *model, c2s_weight_plan *plan,
                                     const c2s_weight_samples *how,
                                     c2s_status (*write)(void *user, c2s_planned_weight *p),
                                     void *user) {
    const size_t families = count_families(plan), nodes = model->nodes.count + 1;
    const size_t stages = families < how->stages ? families : how->stages;
    learning l = {.model = model, .how = how};
    c2s_status status = C2S_OK;
    l.planned = c2s_zalloc(nodes * sizeof *l.planned);
    l.target = c2s_zalloc(nodes * sizeof *l.target);
    if (stages > 1)
        make_reference(&l);
    for (size_t next = 0, stage = 0; stage < stages && status == C2S_OK; stage++) {
        const size_t from = families * stage / stages, to = families * (stage + 1) / stages;
        c2s_progress("quantize_weights", (double)stage / (double)stages);
        status = run_stage(&l, plan, &next, to - from, write, user);
        if (status == C2S_OK)
            status = c2s_graph_infer(model->graph);
    }
    c2s_model_destroy(l.reference);
    free(l.planned);
    free(l.target);
    return status;
}
