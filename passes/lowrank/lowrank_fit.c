/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* ---- moments ---- */

static c2s_status zeros(size_t a, size_t b, double **out) {
    C2S_TRY(c2s_scratch(a, b * sizeof **out, out));
    memset(*out, 0, a * b * sizeof **out);
    return C2S_OK;
}

static c2s_status open_cross(const c2s_linear_site *s, c2s_cross *cross) {
    if (cross->moment)
        return C2S_OK;
    C2S_TRY(zeros(s->groups * s->k, s->n, &cross->moment));
    return zeros(s->groups, s->n, &cross->sum);
}

static void add(size_t count, const double *from, double *to) {
    for (size_t i = 0; i < count; i++)
        to[i] += from[i];
}

c2s_status c2s_lowrank_add_grams(const c2s_gram *a, const c2s_gram *b, c2s_gram **out) {
    c2s_gram *sum = c2s_zalloc(sizeof *sum);
    const c2s_gram *const parts[] = {a, b};
    atomic_init(&sum->refs, 1);
    sum->groups = b->groups;
    sum->k = b->k;
    *out = sum;
    c2s_status status = zeros(b->groups * b->k, b->k, &sum->moment);
    if (status == C2S_OK)
        status = zeros(b->groups, b->k, &sum->sum);
    for (int p = 0; p < 2 && status == C2S_OK; p++) {
        if (!parts[p])
            continue;
        sum->rows += parts[p]->rows;
        add(b->groups * b->k * b->k, parts[p]->moment, sum->moment);
        add(b->groups * b->k, parts[p]->sum, sum->sum);
    }
    if (status != C2S_OK) {
        c2s_gram_unref(sum);
        *out = NULL;
    }
    return status;
}

c2s_status c2s_lowrank_moments_take(c2s_lowrank_moments *m, const c2s_lowrank_layer *layer,
                                    const c2s_linear_site *member, size_t before, c2s_gram *gram,
                                    const c2s_cross *cross) {
    const size_t n = layer->site.n, own = member->n;
    m->taken++;
    if (layer->tied_count > 0) {
        c2s_gram *sum;
        C2S_TRY(c2s_lowrank_add_grams(m->gram, gram, &sum));
        c2s_gram_unref(m->gram);
        m->gram = sum;
    } else if (!m->gram) {
        m->gram = c2s_gram_ref(gram);
    }
    if (!cross)
        return C2S_OK;
    C2S_TRY(open_cross(&layer->site, &m->cross));
    for (size_t i = 0; i < layer->site.groups * layer->site.k; i++)
        memcpy(m->cross.moment + i * n + before, cross->moment + i * own, own * sizeof(double));
    for (size_t g = 0; g < layer->site.groups; g++)
        memcpy(m->cross.sum + g * n + before, cross->sum + g * own, own * sizeof(double));
    m->cross.square += cross->square;
    return C2S_OK;
}

void c2s_lowrank_moments_free(c2s_lowrank_moments *m) {
    c2s_gram_unref(m->gram);
    free(m->cross.moment);
    free(m->cross.sum);
    *m = (c2s_lowrank_moments){0};
}

/* The learnt ones become those of both; the judge's may be shared, and stay. */
static c2s_status sum_moments(const c2s_lowrank_layer *layer, const c2s_lowrank_moments *a,
                              const c2s_lowrank_moments *b, c2s_gram **gram, c2s_cross *cross) {
    const size_t groups = layer->site.groups, k = layer->site.k, n = layer->site.n;
    *cross = (c2s_cross){0};
    *gram = NULL;
    C2S_TRY(open_cross(&layer->site, cross));
    C2S_TRY(c2s_lowrank_add_grams(a->gram, b->gram, gram));
    const c2s_lowrank_moments *const parts[] = {a, b};
    for (int p = 0; p < 2; p++) {
        add(groups * k * n, parts[p]->cross.moment, cross->moment);
        add(groups * n, parts[p]->cross.sum, cross->sum);
    }
    return C2S_OK;
}

/* ---- solving ---- */

static c2s_status solve(const c2s_lowrank_fit *f, const c2s_gram *gram, const c2s_cross *cross,
                        double damping, c2s_lowrank_result *out) {
    c2s_lowrank_target target;
    c2s_status status = c2s_lowrank_target_open(f->layer, gram, cross, damping, &target);
    target.outer = f->outer;
    for (size_t j = 0; f->added && status == C2S_OK && j < f->layer->site.n; j++)
        target.bias[j] += f->added[j];
    if (status == C2S_OK)
        status = c2s_lowrank_target_solve(&target, f->form, f->rank, out);
    c2s_lowrank_target_close(&target);
    return status;
}

static c2s_status judge_result(const c2s_lowrank_fit *f, const c2s_lowrank_moments *judge,
                               const c2s_lowrank_result *result, double *loss) {
    c2s_lowrank_target target;
    c2s_status status =
        c2s_lowrank_target_open(f->layer, judge->gram, &judge->cross, f->damping, &target);
    target.outer = f->outer;
    *loss = (double)INFINITY;
    if (status == C2S_OK && target.cross && result->matrix)
        status = c2s_lowrank_target_loss(&target, result->matrix, loss);
    c2s_lowrank_target_close(&target);
    return status;
}

/* The damping that is best on the samples that judge. */
static c2s_status choose_damping(const c2s_lowrank_fit *f, const c2s_lowrank_moments *learn,
                                 const c2s_lowrank_moments *judge, double *damping) {
    double least = (double)INFINITY;
    *damping = f->damping;
    for (double factor = 1; factor <= 1000; factor *= 10) {
        const double tried = fmin(1, fmax(f->damping, 1e-4) * factor);
        c2s_lowrank_result result;
        double loss;
        C2S_TRY(solve(f, learn->gram, &learn->cross, tried, &result));
        const c2s_status status = judge_result(f, judge, &result, &loss);
        c2s_lowrank_result_free(&result);
        C2S_TRY(status);
        if (!(loss < least))
            continue;
        least = loss;
        *damping = tried;
    }
    c2s_log(2, "lowrank: %s: damping %g", c2s_node_text(f->layer->node), *damping);
    return C2S_OK;
}

c2s_status c2s_lowrank_fit_solve(const c2s_lowrank_fit *f, const c2s_lowrank_moments *learn,
                                 const c2s_lowrank_moments *judge, c2s_lowrank_result *out) {
    const bool known = learn && learn->gram && learn->gram->rows > 0;
    const bool aims = known && learn->cross.moment;
    double damping;
    *out = (c2s_lowrank_result){0};
    if (!aims || !judge || !judge->gram || judge->gram->rows == 0 || !judge->cross.moment)
        return solve(f, known ? learn->gram : NULL, aims ? &learn->cross : NULL, f->damping, out);
    C2S_TRY(choose_damping(f, learn, judge, &damping));
    c2s_gram *gram;
    c2s_cross cross;
    c2s_status status = sum_moments(f->layer, learn, judge, &gram, &cross);
    if (status == C2S_OK)
        status = solve(f, gram, &cross, damping, out);
    c2s_gram_unref(gram);
    free(cross.moment);
    free(cross.sum);
    return status;
}
