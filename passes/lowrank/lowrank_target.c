/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_target.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/linear_algebra.h"
#include "base/memory.h"

/* Damping by few rows: this part of variables / rows. */
#define FEW_ROWS 0.1
/* An input that varies by less than this part of its square does not: the rest is rounding. */
#define ROUNDING 1e-6
/* Damping that is always there: what says nothing of a weight leaves it as it is. */
#define LEAST_DAMPING 1e-9

/* y that the layer has beside what a bias in its reach adds is not its own product. */
static bool gives_products(const c2s_lowrank_layer *layer) {
    return layer->has_bias || !c2s_node_in(layer->node, 2);
}

c2s_status c2s_lowrank_target_open(const c2s_lowrank_layer *layer, const c2s_gram *gram,
                                   const c2s_cross *cross, double damping,
                                   c2s_lowrank_target *out) {
    const bool known = gram && gram->rows > 0;
    *out = (c2s_lowrank_target){.layer = layer, .gram = known ? gram : NULL, .damping = damping};
    if (known) {
        out->cross = gives_products(layer) ? cross : NULL;
        out->damping = fmax(damping, fmin(1, FEW_ROWS * (double)gram->k / (double)gram->rows));
    }
    return c2s_lowrank_layer_read(layer, &out->weights, &out->bias);
}

void c2s_lowrank_target_close(c2s_lowrank_target *target) {
    free(target->weights);
    free(target->bias);
    *target = (c2s_lowrank_target){0};
}

/* ---- problems ---- */

/* Nothing is left of the input if a bias takes its mean. */
static bool is_still(const c2s_lowrank_target *t, size_t group, size_t i) {
    const size_t k = t->gram->k;
    const double mean = t->gram->sum[group * k + i] / (double)t->gram->rows;
    const double square = t->gram->moment[(group * k + i) * k + i] / (double)t->gram->rows;
    return t->layer->has_bias && !(square - mean * mean > ROUNDING * square);
}

/* Moments of the group around the means if a bias takes those. */
static void fill_moment(const c2s_lowrank_target *t, size_t group, double *moment) {
    const size_t k = t->gram->k;
    const double *sum = t->gram->sum + group * k;
    memcpy(moment, t->gram->moment + group * k * k, k * k * sizeof *moment);
    for (size_t i = 0; t->layer->has_bias && i < k; i++)
        for (size_t j = 0; j < k; j++)
            moment[i * k + j] -= sum[i] * sum[j] / (double)t->gram->rows;
    for (size_t i = 0; i < k; i++) {
        if (!is_still(t, group, i))
            continue;
        for (size_t j = 0; j < k; j++)
            moment[i * k + j] = moment[j * k + i] = 0;
    }
}

/* Returns what it adds to the diagonal, which is more than nothing. */
static double damp(size_t k, double damping, double *moment) {
    double trace = 0;
    for (size_t i = 0; i < k; i++)
        trace += moment[i * (k + 1)];
    double more = fmax(damping, LEAST_DAMPING) * trace / (double)k;
    more = more > 0 ? more : 1;
    for (size_t i = 0; i < k; i++)
        moment[i * (k + 1)] += more;
    return more;
}

/* c = X^T y, less what the bias is: around the means, or as it stands. */
static void fill_cross(const c2s_lowrank_target *t, size_t group, double *c) {
    const size_t k = t->gram->k, n = t->layer->site.n;
    const double *x = t->gram->sum + group * k, *y = t->cross->sum + group * n;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < n; j++) {
            const double mean = t->layer->has_bias ? y[j] / (double)t->gram->rows : 0;
            c[i * n + j] = t->cross->moment[(group * k + i) * n + j] - x[i] * mean;
        }
    for (size_t i = 0; i < k; i++)
        if (is_still(t, group, i))
            memset(c + i * n, 0, n * sizeof *c);
}

/* The weights that come nearest to what the layer should give, of those near the old ones: with
 * (G + d) v = X^T y + d w, where `added` is d. */
static c2s_status aim(const c2s_lowrank_target *t, size_t group, const double *moment, double added,
                      double *weights) {
    const size_t k = t->gram->k, n = t->layer->site.n;
    double *factor, *rest = NULL, damping = 1e-12;
    C2S_TRY(c2s_scratch(k, k * sizeof *factor, &factor));
    c2s_status status = c2s_scratch(k, n * sizeof *rest, &rest);
    if (status == C2S_OK) {
        fill_cross(t, group, rest);
        memcpy(factor, moment, k * k * sizeof *factor);
        for (size_t i = 0; i < k * n; i++)
            rest[i] += added * weights[i];
        status = c2s_cholesky(k, factor, &damping);
    }
    if (status == C2S_OK)
        status = c2s_cholesky_solve(k, n, factor, rest);
    if (status == C2S_OK)
        memcpy(weights, rest, k * n * sizeof *weights);
    free(factor);
    free(rest);
    return status;
}

static c2s_status weigh_outputs(size_t k, size_t n, const double *outer, double **weights) {
    double *weighed;
    C2S_TRY(c2s_scratch(k, n * sizeof *weighed, &weighed));
    const c2s_status status =
        c2s_matrix_multiply(&(c2s_product){.m = k, .n = n, .k = n}, *weights, outer, weighed);
    if (status != C2S_OK) {
        free(weighed);
        return status;
    }
    free(*weights);
    *weights = weighed;
    return C2S_OK;
}

c2s_status c2s_lowrank_target_problem(const c2s_lowrank_target *t, size_t group,
                                      c2s_lowrank_problem *out) {
    const size_t k = t->layer->site.k, n = t->layer->site.n;
    double *weights, *moment = NULL;
    *out = (c2s_lowrank_problem){0};
    C2S_TRY(c2s_scratch(k, n * sizeof *weights, &weights));
    memcpy(weights, t->weights + group * k * n, k * n * sizeof *weights);
    c2s_status status = C2S_OK;
    if (t->gram) {
        status = c2s_scratch(k, k * sizeof *moment, &moment);
        if (status == C2S_OK) {
            fill_moment(t, group, moment);
            const double added = damp(k, t->damping, moment);
            status = t->cross ? aim(t, group, moment, added, weights) : C2S_OK;
        }
    }
    const double *outer = t->outer ? t->outer + group * n * n : NULL;
    if (status == C2S_OK && outer)
        status = weigh_outputs(k, n, outer, &weights);
    if (status == C2S_OK) {
        C2S_TRY(c2s_lowrank_problem_own(k, n, weights, moment, out));
        out->outer = outer;
        return C2S_OK;
    }
    free(weights);
    free(moment);
    return status;
}

/* ---- solutions ---- */

/* What the bias has to change by for the mean of the output to be right. */
static void group_shift(const c2s_lowrank_target *t, size_t group, const double *v, double *shift) {
    const c2s_linear_site *s = &t->layer->site;
    const double *x = t->gram->sum + group * s->k, rows = (double)t->gram->rows;
    const double *old = t->weights + group * s->k * s->n;
    for (size_t j = 0; j < s->n; j++) {
        double wanted =
            t->cross ? t->cross->sum[group * s->n + j] / rows - t->bias[group * s->n + j] : 0;
        for (size_t i = 0; i < s->k; i++)
            wanted += x[i] / rows * ((t->cross ? 0 : old[i * s->n + j]) - v[i * s->n + j]);
        shift[group * s->n + j] = wanted;
    }
}

static c2s_status solve_group(const c2s_lowrank_target *t, const c2s_lowrank_form *form,
                              size_t rank, size_t group, double *const *all,
                              c2s_lowrank_result *out) {
    const c2s_linear_site *s = &t->layer->site;
    c2s_lowrank_problem problem;
    double *own[C2S_CHAIN_MOST] = {0}, error;
    for (unsigned i = 0; i < out->chain.count; i++)
        own[i] = all[i] + group * c2s_stage_size(s, &out->chain.stage[i]);
    C2S_TRY(c2s_lowrank_target_problem(t, group, &problem));
    c2s_status status = c2s_lowrank_solve(form, s, &problem, rank, own, &error);
    c2s_lowrank_problem_close(&problem);
    double *matrix = out->matrix ? out->matrix + group * s->k * s->n : NULL;
    if (status == C2S_OK && matrix)
        status = c2s_chain_matrix(s, &out->chain, own, matrix);
    if (status == C2S_OK && out->shift)
        group_shift(t, group, matrix, out->shift);
    return status;
}

c2s_status c2s_lowrank_target_solve(const c2s_lowrank_target *t, const c2s_lowrank_form *form,
                                    size_t rank, c2s_lowrank_result *out) {
    const c2s_linear_site *s = &t->layer->site;
    double *weights[C2S_CHAIN_MOST];
    *out = (c2s_lowrank_result){0};
    form->chain(s, rank, &out->chain);
    C2S_TRY(c2s_lowrank_alloc(s, &out->chain, s->groups, weights));
    const bool shifts = t->gram && t->layer->has_bias;
    c2s_status status = C2S_OK;
    if (shifts)
        status = c2s_scratch(s->groups, s->n * sizeof *out->shift, &out->shift);
    if (status == C2S_OK && (shifts || t->cross))
        status = c2s_scratch(s->groups * s->k, s->n * sizeof *out->matrix, &out->matrix);
    for (size_t g = 0; g < s->groups && status == C2S_OK; g++)
        status = solve_group(t, form, rank, g, weights, out);
    if (!t->cross) {
        free(out->matrix);
        out->matrix = NULL;
    }
    for (unsigned i = 0; i < out->chain.count && status == C2S_OK; i++)
        status = c2s_lowrank_layer_tensor(t->layer, &out->chain, i, weights[i], &out->weights[i]);
    c2s_lowrank_free(weights);
    if (status != C2S_OK)
        c2s_lowrank_result_free(out);
    return status;
}

/* ---- judging ---- */

static double dot(size_t count, const double *a, const double *b) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* v^T G v - 2 v^T c, summed over outputs as they weigh. `moment` [k, k]; v, c, product [k, n]. */
static c2s_status group_loss(const c2s_lowrank_target *t, size_t group, double *moment, double **v,
                             double **c, double *product, double *loss) {
    const size_t k = t->layer->site.k, n = t->layer->site.n;
    const double *outer = t->outer ? t->outer + group * n * n : NULL;
    fill_moment(t, group, moment);
    fill_cross(t, group, *c);
    if (outer) {
        C2S_TRY(weigh_outputs(k, n, outer, v));
        C2S_TRY(weigh_outputs(k, n, outer, c));
    }
    C2S_TRY(c2s_matrix_multiply(&(c2s_product){.m = k, .n = n, .k = k}, moment, *v, product));
    *loss += dot(k * n, *v, product) - 2 * dot(k * n, *v, *c);
    return C2S_OK;
}

c2s_status c2s_lowrank_target_loss(const c2s_lowrank_target *t, const double *matrix,
                                   double *loss) {
    const size_t k = t->layer->site.k, n = t->layer->site.n;
    double *moment, *v = NULL, *c = NULL, *product = NULL;
    C2S_TRY(c2s_scratch(k, k * sizeof *moment, &moment));
    c2s_status status = c2s_scratch(k, n * sizeof *v, &v);
    if (status == C2S_OK)
        status = c2s_scratch(k, n * sizeof *c, &c);
    if (status == C2S_OK)
        status = c2s_scratch(k, n * sizeof *product, &product);
    *loss = 0;
    for (size_t g = 0; g < t->layer->site.groups && status == C2S_OK; g++) {
        memcpy(v, matrix + g * k * n, k * n * sizeof *v);
        status = group_loss(t, g, moment, &v, &c, product, loss);
    }
    free(moment);
    free(v);
    free(c);
    free(product);
    return status;
}

void c2s_lowrank_result_free(c2s_lowrank_result *result) {
    for (unsigned i = 0; i < C2S_CHAIN_MOST; i++)
        c2s_tensor_unref(result->weights[i]);
    free(result->shift);
    free(result->matrix);
    *result = (c2s_lowrank_result){0};
}
