/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/gptq_order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- moments ---- */

typedef struct by_diagonal {
    double of_class, diagonal;
    unsigned class;
    size_t index;
} by_diagonal;

static int compare_diagonals(const void *a, const void *b) {
    const by_diagonal *x = a, *y = b;
    if (x->of_class != y->of_class)
        return x->of_class < y->of_class ? -1 : 1;
    if (x->class != y->class)
        return x->class < y->class ? 1 : -1;
    if (x->diagonal != y->diagonal)
        return x->diagonal < y->diagonal ? -1 : 1;
    return x->index < y->index ? 1 : -1; /* of equals, the first comes first: rows go backwards */
}

/* Of variables i and j: about their means if those do not count, and with the noise. */
static double moment_at(const c2s_gram *g, const c2s_gptq_options *o, size_t group, size_t i,
                        size_t j) {
    double m = g->moment[(group * g->k + i) * g->k + j];
    if (o->centred && g->rows > 0)
        m -= g->sum[group * g->k + i] * g->sum[group * g->k + j] / (double)g->rows;
    if (i == j)
        m = fmax(m, 0) + o->noise * (double)g->rows;
    return m;
}

/* The variables in the order in which weights are rounded: the last first. */
static c2s_status choose_order(const c2s_gram *g, const c2s_gptq_options *o,
                               const unsigned *class_of, size_t group, size_t *order) {
    const size_t k = g->k;
    by_diagonal *all;
    double *of_class = c2s_zalloc((k + 1) * sizeof *of_class);
    const c2s_status status = c2s_scratch(k, sizeof *all, &all);
    for (size_t i = 0; i < k && class_of; i++)
        of_class[class_of[i]] += moment_at(g, o, group, i, i);
    for (size_t i = 0; i < k && status == C2S_OK; i++)
        all[i] = (by_diagonal){class_of ? of_class[class_of[i]] : 0, moment_at(g, o, group, i, i),
                               class_of ? class_of[i] : 0, i};
    free(of_class);
    C2S_TRY(status);
    qsort(all, k, sizeof *all, compare_diagonals);
    for (size_t i = 0; i < k; i++)
        order[i] = all[i].index;
    free(all);
    return C2S_OK;
}

/* In that order, damped, with their factor. `work` [k, k]. */
static c2s_status factor_moments(const c2s_gram *g, const c2s_gptq_options *o,
                                 const unsigned *class_of, size_t group, double *work,
                                 c2s_gptq_moments *m) {
    const size_t k = m->k;
    double damping = c2s_gptq_damping(g, o->damping);
    C2S_TRY(choose_order(g, o, class_of, group, m->order));
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < k; j++) {
            work[i * k + j] = moment_at(g, o, group, m->order[i], m->order[j]);
            m->damped[i * k + j] = (float)work[i * k + j];
        }
    C2S_TRY(c2s_cholesky(k, work, &damping));
    for (size_t i = 0; i < k; i++) {
        double sum = 0; /* what the factorization had there */
        for (size_t j = 0; j < k; j++) {
            m->factor[i * k + j] = (float)work[i * k + j];
            sum += j <= i ? work[i * k + j] * work[i * k + j] : 0;
        }
        m->added[i] = (float)(sum - moment_at(g, o, group, m->order[i], m->order[i]));
        m->damped[i * k + i] = (float)sum;
    }
    return C2S_OK;
}

void c2s_gptq_moments_free(c2s_gptq_moments *m) {
    free(m->order);
    free(m->damped);
    free(m->factor);
    free(m->added);
    *m = (c2s_gptq_moments){0};
}

c2s_status c2s_gptq_moments_create(const c2s_gram *g, const c2s_gptq_options *o,
                                   const unsigned *class_of, size_t group, c2s_gptq_moments *m) {
    const size_t k = g->k;
    double *work = NULL;
    *m = (c2s_gptq_moments){.k = k};
    c2s_status status = c2s_scratch(k, sizeof *m->order, &m->order);
    if (status == C2S_OK)
        status = c2s_scratch(k, k * sizeof *m->damped, &m->damped);
    if (status == C2S_OK)
        status = c2s_scratch(k, k * sizeof *m->factor, &m->factor);
    if (status == C2S_OK)
        status = c2s_scratch(k, sizeof *m->added, &m->added);
    if (status == C2S_OK)
        status = c2s_scratch(k, k * sizeof *work, &work);
    if (status == C2S_OK)
        status = factor_moments(g, o, class_of, group, work, m);
    free(work);
    if (status != C2S_OK)
        c2s_gptq_moments_free(m);
    return status;
}

/* ---- what belongs to columns, in the order of the moments ---- */

void c2s_gptq_columns_free(c2s_gptq_columns *c) {
    free(c->classes.of);
    free(c->classes.start);
    free(c->pairs.partner[0]);
    free(c->pairs.least);
    free(c->place);
}

static void order_classes(const c2s_gptq_classes *classes, const c2s_gptq_moments *m,
                          c2s_gptq_classes *out) {
    const size_t k = m->k;
    out->count = classes->count;
    out->column = out->start + k + 1;
    memset(out->start, 0, (k + 1) * sizeof *out->start);
    for (size_t i = 0; i < k; i++)
        out->start[1 + (out->of[i] = classes->of[m->order[i]])]++;
    for (size_t c = 0; c < out->count; c++)
        out->start[c + 1] += out->start[c];
    for (size_t i = k; i-- > 0;) /* fills each class from its end; starts are put right below */
        out->column[--out->start[1 + out->of[i]]] = i;
    for (size_t c = 0; c < out->count; c++)
        out->start[c] = out->start[c + 1];
    out->start[out->count] = k;
}

static void order_pairs(const c2s_gptq_bounds *b, const c2s_gptq_moments *m, size_t group,
                        c2s_gptq_columns *out) {
    const size_t k = m->k;
    for (size_t i = 0; i < k; i++)
        out->place[m->order[i]] = i;
    out->pairs.most = out->pairs.least + k;
    for (unsigned p = 0; p < C2S_GPTQ_PARTNERS; p++)
        out->pairs.partner[p] = out->pairs.partner[0] + p * k;
    for (size_t i = 0; i < k; i++) {
        const size_t variable = m->order[i];
        out->pairs.least[i] = (float)b->least[group * k + variable];
        out->pairs.most[i] = (float)b->most[group * k + variable];
        for (unsigned p = 0; p < C2S_GPTQ_PARTNERS; p++) {
            const size_t other = b->partner[p][variable];
            out->pairs.partner[p][i] = other == SIZE_MAX ? SIZE_MAX : out->place[other];
        }
    }
}

c2s_status c2s_gptq_columns_create(const c2s_gptq_classes *classes, const c2s_gptq_bounds *bounds,
                                   const c2s_gptq_moments *m, size_t group, c2s_gptq_columns *out) {
    const size_t k = m->k;
    *out = (c2s_gptq_columns){.place = NULL};
    c2s_status status = c2s_scratch(k, sizeof *out->classes.of, &out->classes.of);
    if (status == C2S_OK)
        status = c2s_scratch(2 * k + 1, sizeof *out->classes.start, &out->classes.start);
    if (status == C2S_OK)
        status = c2s_scratch(k, sizeof *out->place, &out->place);
    if (status == C2S_OK)
        status = c2s_scratch(C2S_GPTQ_PARTNERS, k * sizeof(size_t), &out->pairs.partner[0]);
    if (status == C2S_OK)
        status = c2s_scratch(2, k * sizeof(float), &out->pairs.least);
    if (status != C2S_OK) {
        c2s_gptq_columns_free(out);
        return status;
    }
    order_classes(classes, m, &out->classes);
    if (bounds)
        order_pairs(bounds, m, group, out);
    return C2S_OK;
}
