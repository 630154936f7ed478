/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/gram_consumer.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- matrices ---- */

c2s_status c2s_gram_zeros(size_t a, size_t b, double **out) {
    C2S_TRY(c2s_scratch(a, b * sizeof **out, out));
    memset(*out, 0, a * b * sizeof **out);
    return C2S_OK;
}

c2s_gram *c2s_gram_ref(c2s_gram *gram) {
    atomic_fetch_add(&gram->refs, 1);
    return gram;
}

void c2s_gram_unref(c2s_gram *gram) {
    if (!gram || atomic_fetch_sub(&gram->refs, 1) != 1)
        return;
    free(gram->moment);
    free(gram->sum);
    free(gram);
}

static c2s_status gram_create(const c2s_linear_site *site, c2s_gram **out) {
    c2s_gram *g = c2s_zalloc(sizeof *g);
    g->groups = site->groups;
    g->k = site->k;
    atomic_init(&g->refs, 1);
    c2s_status status = c2s_gram_zeros(g->groups * g->k, g->k, &g->moment);
    if (status == C2S_OK)
        status = c2s_gram_zeros(g->groups, g->k, &g->sum);
    *out = g;
    return status;
}

/* ---- memory ---- */

/* Bytes of x^T y for `n` columns of y; UINT64_MAX if that overflows. */
static uint64_t moment_bytes(const c2s_linear_site *site, size_t n) {
    size_t bytes;
    if (!c2s_mul_size(site->groups, site->k, &bytes) || !c2s_mul_size(bytes, n, &bytes) ||
        !c2s_mul_size(bytes, sizeof(double), &bytes))
        return UINT64_MAX;
    return bytes;
}

uint64_t c2s_gram_consumer_bytes(const c2s_gram_consumer *c) {
    return c2s_add_bytes(c->head == c ? moment_bytes(&c->site, c->site.k) : 0,
                         c->target ? moment_bytes(&c->site, c->site.n) : 0);
}

/* ---- begin and end ---- */

static c2s_status read_weights(c2s_gram_consumer *c) {
    const c2s_linear_site *s = &c->site;
    C2S_TRY(c2s_scratch(s->groups * s->k, s->n * sizeof *c->weights, &c->weights));
    for (size_t g = 0, at = 0; g < s->groups; g++)
        for (size_t i = 0; i < s->k; i++)
            for (size_t j = 0; j < s->n; j++)
                c->weights[at++] = (float)c2s_tensor_f64_at(
                    s->weight->constant, g * s->group_step + i * s->k_step + j * s->n_step);
    return C2S_OK;
}

c2s_status c2s_gram_consumer_begin(c2s_gram_consumer *c) {
    const c2s_linear_site *s = &c->site;
    if (c->head == c)
        C2S_TRY(gram_create(s, &c->gram));
    else
        c->gram = c2s_gram_ref(c->head->gram);
    if (c->target) {
        C2S_TRY(c2s_gram_zeros(s->groups * s->k, s->n, &c->cross.moment));
        C2S_TRY(c2s_gram_zeros(s->groups, s->n, &c->cross.sum));
    }
    c->now = true;
    return c->cutoff ? read_weights(c) : C2S_OK;
}

void c2s_gram_consumer_forget(c2s_gram_consumer *c) {
    free(c->y);
    free(c->besides);
    c->y = c->besides = NULL;
}

void c2s_gram_consumer_end(c2s_gram_consumer *c) {
    c2s_gram_consumer_forget(c);
    free(c->weights);
    c->weights = NULL;
    c2s_gram_unref(c->gram);
    free(c->cross.moment);
    free(c->cross.sum);
    c->gram = NULL;
    c->cross = (c2s_cross){0};
}
