/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/channel_scale.h"

#include <math.h>
#include <string.h>

/* ---- constants ---- */

/* Its elements, to read (`change` false) or to change. */
static c2s_status floats_of(c2s_channel_constants *c, c2s_value *constant, bool change,
                            float **out) {
    size_t at = (size_t)(uintptr_t)c2s_map_get(&c->index, constant);
    if (!at) {
        c2s_tensor *copy;
        C2S_TRY(c2s_tensor_create(C2S_FLOAT, constant->type.rank, constant->type.dim, &copy));
        memcpy(c2s_tensor_mutable(copy), c2s_tensor_raw(constant->constant), c2s_tensor_size(copy));
        c2s_vec_push(&c->all, ((struct c2s_channel_constant){constant, copy, false}));
        at = c->all.count;
        c2s_map_put(&c->index, constant, (void *)(uintptr_t)at);
    }
    c->all.at[at - 1].changed |= change;
    *out = c2s_tensor_mutable(c->all.at[at - 1].content);
    return C2S_OK;
}

void c2s_channel_constants_write(c2s_channel_constants *c) {
    for (size_t i = 0; i < c->all.count; i++)
        if (c->all.at[i].changed)
            c2s_value_set_constant(c->all.at[i].value, c->all.at[i].content);
}

void c2s_channel_constants_free(c2s_channel_constants *c) {
    for (size_t i = 0; i < c->all.count; i++)
        c2s_tensor_unref(c->all.at[i].content);
    c2s_vec_free(&c->all);
    c2s_map_free(&c->index);
}

/* ---- walking over weights by channel ---- */

/* Class of the channel of weight (i, j) of a group: of output j, or of the input that i is of. */
typedef struct weight_classes {
    const unsigned *of; /* of the group's channels */
    size_t kernel;      /* 0: by output */
} weight_classes;

static unsigned class_at(const weight_classes *w, size_t i, size_t j) {
    return w->of[w->kernel ? i / w->kernel : j];
}

/* For each weight of an end: the largest magnitude by class goes into `most`, or, if that is NULL,
 * it is multiplied by the factor of its class. Inner loops run along neighbours. */
static void walk_weights(const c2s_channel_end *e, const unsigned *class_of, float *weights,
                         double *most, const double *factor) {
    const c2s_linear_site *s = &e->site;
    const size_t channels = e->extent / s->groups;
    const bool by_k = s->k_step <= s->n_step;
    const size_t outer = by_k ? s->n : s->k, inner = by_k ? s->k : s->n;
    const size_t outer_step = by_k ? s->n_step : s->k_step,
                 inner_step = by_k ? s->k_step : s->n_step;
    for (size_t g = 0; g < s->groups; g++) {
        const weight_classes classes = {class_of + e->first + g * channels,
                                        e->output ? 0 : s->k / channels};
        for (size_t a = 0; a < outer; a++) {
            float *weight = weights + g * s->group_step + a * outer_step;
            for (size_t b = 0; b < inner; b++, weight += inner_step) {
                const unsigned c = class_at(&classes, by_k ? b : a, by_k ? a : b);
                if (!most)
                    *weight = (float)((double)*weight * factor[c]);
                else if (fabs((double)*weight) > most[c])
                    most[c] = fabs((double)*weight);
            }
        }
    }
}

c2s_status c2s_channel_largest(c2s_channel_constants *constants, const c2s_channel_group *group,
                               bool output, double *most) {
    const size_t classes = group->classes;
    double *here = c2s_alloc_array(classes + 1, sizeof *here);
    c2s_status status = C2S_OK;
    memset(most, 0, classes * sizeof *most);
    for (size_t i = 0; i < group->ends.count && status == C2S_OK; i++) {
        const c2s_channel_end *e = &group->ends.at[i];
        float *weights;
        if (e->output != output)
            continue;
        status = floats_of(constants, c2s_node_in(e->site.node, 1), false, &weights);
        if (status != C2S_OK)
            break;
        memset(here, 0, classes * sizeof *here);
        walk_weights(e, group->class_of.at, weights, here, NULL);
        double largest = 0;
        for (size_t c = 0; c < classes; c++)
            largest = fmax(largest, here[c]);
        for (size_t c = 0; c < classes && largest > 0; c++)
            most[c] = fmax(most[c], here[c] / largest);
    }
    free(here);
    return status;
}

/* ---- scaling ---- */

static c2s_status scale_vector(c2s_channel_constants *constants, c2s_node *node, unsigned slot,
                               const unsigned *class_of, const double *factor) {
    c2s_value *constant = c2s_node_in(node, slot);
    float *floats;
    if (!constant)
        return C2S_OK;
    C2S_TRY(floats_of(constants, constant, true, &floats));
    for (int64_t i = 0; i < constant->type.dim[constant->type.rank - 1]; i++)
        floats[i] = (float)((double)floats[i] * factor[class_of[i]]);
    return C2S_OK;
}

static c2s_status scale_addend(c2s_channel_constants *constants, const c2s_channel_addend *a,
                               const unsigned *class_of, const double *factor) {
    c2s_value *constant = a->use->value;
    float *floats;
    C2S_TRY(floats_of(constants, constant, true, &floats));
    size_t count, inner = 1;
    if (!c2s_type_elements(&constant->type, &count))
        return C2S_OK;
    for (int k = a->axis + 1; k < constant->type.rank; k++)
        inner *= (size_t)constant->type.dim[k];
    for (size_t i = 0; i < count; i++)
        floats[i] = (float)((double)floats[i] * factor[class_of[a->first + i / inner % a->extent]]);
    return C2S_OK;
}

c2s_status c2s_channel_scale(c2s_channel_constants *constants, const c2s_channel_group *g,
                             const double *factor) {
    const unsigned *class_of = g->class_of.at;
    double *inverse = c2s_alloc_array(g->classes + 1, sizeof *inverse);
    for (size_t c = 0; c < g->classes; c++)
        inverse[c] = 1 / factor[c];
    c2s_status status = C2S_OK;
    for (size_t i = 0; i < g->ends.count && status == C2S_OK; i++) {
        const c2s_channel_end *e = &g->ends.at[i];
        c2s_node *node = (c2s_node *)(uintptr_t)e->site.node;
        float *weights;
        status = floats_of(constants, c2s_node_in(node, 1), true, &weights);
        if (status != C2S_OK)
            break;
        walk_weights(e, class_of, weights, NULL, e->output ? factor : inverse);
        if (e->output)
            status = scale_vector(constants, node, 2, class_of + e->first, factor);
    }
    for (size_t i = 0; i < g->norms.count && status == C2S_OK; i++) {
        const unsigned *of = class_of + g->norms.at[i].first;
        status = scale_vector(constants, g->norms.at[i].node, 1, of, factor);
        if (status == C2S_OK)
            status = scale_vector(constants, g->norms.at[i].node, 2, of, factor);
    }
    for (size_t i = 0; i < g->addends.count && status == C2S_OK; i++)
        status = scale_addend(constants, &g->addends.at[i], class_of, factor);
    free(inverse);
    return status;
}
