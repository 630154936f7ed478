/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/gptq.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "passes/quant/gptq_group.h"

const c2s_gptq_options c2s_gptq_usual = {.sweeps = 30, .again = 2};

double c2s_gptq_damping(const c2s_gram *gram, double asked) {
    if (asked > 0)
        return asked;
    return gram->rows > 0 ? fmin(fmax((double)gram->k / (double)gram->rows, 0.1), 1) : 1;
}

/* ---- scales ---- */

/* No scale serves two output channels. */
static c2s_status find_owners(c2s_gptq_encoding *e) {
    const c2s_linear_site *s = e->site;
    size_t *owner;
    C2S_TRY(c2s_scratch(e->map.groups, sizeof *owner, &owner));
    for (size_t g = 0; g < e->map.groups; g++)
        owner[g] = SIZE_MAX;
    e->own_scales = true;
    for (size_t channel = 0; channel < s->groups * s->n && e->own_scales; channel++)
        for (size_t i = 0; i < s->k; i++) {
            size_t *of = &owner[c2s_gptq_scale(e, channel / s->n, i, channel % s->n)];
            e->own_scales = e->own_scales && (*of == SIZE_MAX || *of == channel);
            *of = channel;
        }
    free(owner);
    return C2S_OK;
}

/* A row's index among its blocks of scales is a matter of the column alone, so that those of the
 * first row tell which columns go together in all of them. */
static c2s_status find_classes(c2s_gptq_encoding *e) {
    const size_t k = e->site->k;
    c2s_gptq_classes *c = &e->classes;
    size_t *class_of;
    C2S_TRY(c2s_scratch(e->map.groups, sizeof *class_of, &class_of));
    const c2s_status status = c2s_scratch(k, sizeof *c->of, &c->of);
    if (status == C2S_OK) {
        for (size_t g = 0; g < e->map.groups; g++)
            class_of[g] = SIZE_MAX;
        for (size_t i = 0; i < k; i++) {
            size_t *class = &class_of[c2s_gptq_scale(e, 0, i, 0)];
            *class = *class == SIZE_MAX ? c->count++ : *class;
            c->of[i] = (unsigned)*class;
        }
    }
    free(class_of);
    return status;
}

/* ---- all of it ---- */

static c2s_status encode_groups(c2s_gptq_encoding *e, c2s_gptq_error *error) {
    const size_t groups = e->site->groups;
    c2s_gptq_error *errors = c2s_zalloc(groups * sizeof *errors);
    c2s_status status = C2S_OK;
#pragma omp parallel for schedule(dynamic) if (groups > 1 && e->map.count > 1024)
    for (size_t g = 0; g < groups; g++) {
        const c2s_status own = c2s_gptq_group(e, g, &errors[g]);
        if (own != C2S_OK) {
#pragma omp critical
            status = own;
        }
    }
    for (size_t g = 0; g < groups; g++)
        c2s_gptq_add_error(error, &errors[g]);
    free(errors);
    return status == C2S_OK || groups == 1
               ? status
               : c2s_fail(status, "%s: a group could not be rounded", c2s_node_text(e->site->node));
}

static c2s_status prepare(c2s_gptq_encoding *e, const c2s_type *type, const c2s_coding *coding) {
    if (e->gram->groups != e->site->groups || e->gram->k != e->site->k)
        return c2s_fail(C2S_ERR_INVALID, "%s: moments of another shape than its weights",
                        c2s_node_text(e->site->node));
    C2S_TRY(c2s_coding_grid(type, coding, &e->grid));
    C2S_TRY(c2s_code_map_of(type, coding, &e->map));
    return e->map.count == e->site->groups * e->site->k * e->site->n
               ? C2S_OK
               : c2s_fail(C2S_ERR_INVALID, "%s: weights of another shape than it has",
                          c2s_node_text(e->site->node));
}

static c2s_status improve(c2s_gptq_encoding *e, c2s_gptq_error *error) {
    *error = (c2s_gptq_error){0};
    if (e->map.count == 0)
        return C2S_OK;
    c2s_status status = find_owners(e);
    if (status == C2S_OK)
        status = find_classes(e);
    if (status == C2S_OK)
        status = encode_groups(e, error);
    free(e->classes.of);
    return status;
}

c2s_status c2s_gptq_improve(const c2s_linear_site *site, const c2s_type *type, const float *weights,
                            const c2s_gram *gram, const c2s_coding *coding,
                            const c2s_gptq_options *options, c2s_affine *affines, float *codes,
                            c2s_gptq_error *error) {
    c2s_gptq_encoding e = {.site = site,
                           .gram = gram,
                           .options = options,
                           .weights = weights,
                           .given = true,
                           .codes = codes,
                           .affines = affines};
    C2S_TRY(prepare(&e, type, coding));
    return improve(&e, error);
}

static double sqnr_of(const c2s_gptq_encoding *e) {
    double signal = 0, noise = 0;
    for (size_t i = 0; i < e->map.count; i++) {
        const c2s_affine a = e->affines[c2s_code_group(&e->map, i)];
        const double w = (double)e->weights[i], d = w - (double)((e->codes[i] - a.zero) * a.scale);
        signal += w * w;
        noise += d * d;
    }
    return noise > 0 ? 10 * log10(signal / noise) : INFINITY;
}

static c2s_status encode(c2s_gptq_encoding *e, const c2s_type *type, const c2s_coding *coding,
                         c2s_codes *out, c2s_gptq_error *error) {
    c2s_coding even = *coding;
    even.importance = NULL; /* the search weighs errors by G better than its diagonal would */
    C2S_TRY(c2s_affines_choose(type, e->weights, &even, e->affines));
    C2S_TRY(improve(e, error));
    C2S_TRY(c2s_codes_pack(type, coding, e->codes, e->affines, out));
    out->sqnr_db = sqnr_of(e);
    return C2S_OK;
}

c2s_status c2s_gptq_encode(const c2s_linear_site *site, const c2s_tensor *weights,
                           const c2s_gram *gram, const c2s_coding *coding,
                           const c2s_gptq_options *options, c2s_codes *out, c2s_gptq_error *error) {
    c2s_gptq_encoding e = {.site = site, .gram = gram, .options = options};
    float *values;
    *out = (c2s_codes){0};
    *error = (c2s_gptq_error){0};
    C2S_TRY(prepare(&e, &weights->type, coding));
    C2S_TRY(c2s_weights_load(weights, &values));
    e.weights = values;
    c2s_status status = c2s_scratch(e.map.count, sizeof *e.codes, &e.codes);
    if (status == C2S_OK)
        status = c2s_scratch(e.map.groups, sizeof *e.affines, &e.affines);
    if (status == C2S_OK)
        status = encode(&e, &weights->type, coding, out, error);
    free(values);
    free(e.codes);
    free(e.affines);
    return status;
}
