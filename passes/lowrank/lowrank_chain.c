/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/linear_algebra.h"
#include "base/memory.h"

/* ---- sizes ---- */

unsigned c2s_site_axes(const c2s_linear_site *site) {
    return (1u << site->window.rank) - 1;
}

size_t c2s_site_kernel(const c2s_linear_site *site, unsigned axes) {
    size_t positions = 1; /* cannot overflow: the weight exists */
    for (int a = 0; a < site->window.rank; a++)
        if (axes >> a & 1)
            positions *= (size_t)site->window.kernel[a];
    return positions;
}

size_t c2s_site_channels(const c2s_linear_site *site) {
    return site->k / c2s_site_kernel(site, c2s_site_axes(site));
}

size_t c2s_stage_size(const c2s_linear_site *site, const c2s_stage *s) {
    return s->groups * s->out * s->in * c2s_site_kernel(site, s->axes);
}

size_t c2s_chain_size(const c2s_linear_site *site, const c2s_chain *chain) {
    size_t size = 0;
    for (unsigned i = 0; i < chain->count; i++)
        size += c2s_stage_size(site, &chain->stage[i]);
    return size;
}

/* Positions of the input along an axis for one of the output. */
static double spread(const c2s_window *w, int axis) {
    return w->out[axis] > 0 ? (double)w->in[axis] / (double)w->out[axis] : (double)w->stride[axis];
}

double c2s_chain_work(const c2s_linear_site *site, const c2s_chain *chain) {
    unsigned open = c2s_site_axes(site);
    double work = 0;
    for (unsigned i = 0; i < chain->count; i++) {
        open &= ~chain->stage[i].axes;
        double positions = 1;
        for (int a = 0; a < site->window.rank; a++)
            if (open >> a & 1)
                positions *= spread(&site->window, a);
        work += positions * (double)c2s_stage_size(site, &chain->stage[i]);
    }
    return work;
}

/* ---- projections ---- */

/* The position over `axes`, some of `of`, that belongs to a position over `of`. */
static size_t part_of(const c2s_window *w, unsigned of, size_t position, unsigned axes) {
    size_t part = 0, scale = 1;
    for (int a = w->rank - 1; a >= 0; a--) {
        if (!(of >> a & 1))
            continue;
        const size_t extent = (size_t)w->kernel[a], at = position % extent;
        position /= extent;
        if (axes >> a & 1) {
            part += at * scale;
            scale *= extent;
        }
    }
    return part;
}

size_t c2s_stage_columns(const c2s_linear_site *site, const c2s_stage *s, unsigned open) {
    return s->groups * s->out * c2s_site_kernel(site, open & ~s->axes);
}

/* For one group and one position over the axes that are left: which rows of the stage's input it
 * reads, in the order of its weights. */
static void list_rows(const c2s_linear_site *site, const c2s_stage *s, unsigned open, size_t group,
                      size_t rest, size_t *rows) {
    const size_t before = c2s_site_kernel(site, open), own = c2s_site_kernel(site, s->axes);
    for (size_t at = 0; at < before; at++) {
        if (part_of(&site->window, open, at, open & ~s->axes) != rest)
            continue;
        const size_t position = part_of(&site->window, open, at, s->axes);
        for (size_t i = 0; i < s->in; i++)
            rows[i * own + position] = (group * s->in + i) * before + at;
    }
}

/* Blocks of one group and position. */
typedef struct blocks {
    size_t inner;        /* rows that are read: in * own positions */
    size_t left;         /* positions that are left */
    size_t *rows;        /* [inner] */
    double *read, *made; /* [inner or out, m] */
} blocks;

static c2s_status apply_block(const c2s_stage *s, const blocks *b, size_t group, size_t rest,
                              const double *weights, bool back, const double *x, size_t m,
                              double *y) {
    const size_t from = back ? s->out : b->inner, to = back ? b->inner : s->out;
    const size_t row = m * sizeof *x, first = group * s->out;
    for (size_t i = 0; i < from; i++)
        memcpy(b->read + i * m, x + (back ? (first + i) * b->left + rest : b->rows[i]) * m, row);
    C2S_TRY(c2s_matrix_multiply(&(c2s_product){.transpose_a = back, .m = to, .n = m, .k = from},
                                weights + first * b->inner, b->read, b->made));
    for (size_t i = 0; i < to; i++)
        memcpy(y + (back ? b->rows[i] : (first + i) * b->left + rest) * m, b->made + i * m, row);
    return C2S_OK;
}

c2s_status c2s_stage_apply(const c2s_linear_site *site, const c2s_stage *s, unsigned open,
                           const double *weights, bool back, const double *x, size_t m, double *y) {
    blocks b = {.inner = s->in * c2s_site_kernel(site, s->axes),
                .left = c2s_site_kernel(site, open & ~s->axes)};
    const size_t most = b.inner > s->out ? b.inner : s->out;
    c2s_status status = c2s_scratch(b.inner, sizeof *b.rows, &b.rows);
    if (status == C2S_OK)
        status = c2s_scratch(most, m * sizeof *b.read, &b.read);
    if (status == C2S_OK)
        status = c2s_scratch(most, m * sizeof *b.made, &b.made);
    for (size_t i = 0; i < s->groups * b.left && status == C2S_OK; i++) {
        list_rows(site, s, open, i / b.left, i % b.left, b.rows);
        status = apply_block(s, &b, i / b.left, i % b.left, weights, back, x, m, y);
    }
    free(b.rows);
    free(b.read);
    free(b.made);
    return status;
}

static void set_identity(size_t n, double *a) {
    memset(a, 0, n * n * sizeof *a);
    for (size_t i = 0; i < n; i++)
        a[i * (n + 1)] = 1;
}

/* moment [m, m] = p^T G p by way of p^T G and its transpose, [m, k] each */
static c2s_status project_moment(const c2s_linear_site *site, const c2s_stage *s, unsigned open,
                                 const double *weights, const c2s_lowrank_problem *problem,
                                 double *moment) {
    const size_t k = problem->k, m = c2s_stage_columns(site, s, open);
    double *half = NULL, *turned = NULL, *identity = NULL;
    c2s_status status = c2s_scratch(m, k * sizeof *half, &half);
    if (status == C2S_OK)
        status = c2s_scratch(k, m * sizeof *turned, &turned);
    if (status == C2S_OK && !problem->moment) {
        status = c2s_scratch(m, m * sizeof *identity, &identity);
        if (status == C2S_OK) {
            set_identity(m, identity);
            status = c2s_stage_apply(site, s, open, weights, true, identity, m, turned);
        }
    } else if (status == C2S_OK) {
        status = c2s_stage_apply(site, s, open, weights, false, problem->moment, k, half);
        if (status == C2S_OK)
            c2s_matrix_transpose(m, k, half, turned);
    }
    if (status == C2S_OK)
        status = c2s_stage_apply(site, s, open, weights, false, turned, m, moment);
    free(half);
    free(turned);
    free(identity);
    return status;
}

c2s_status c2s_stage_project(const c2s_linear_site *site, const c2s_stage *s, unsigned open,
                             const double *weights, const c2s_lowrank_problem *problem,
                             c2s_lowrank_problem *out) {
    const size_t m = c2s_stage_columns(site, s, open);
    double *moment, *product = NULL;
    *out = (c2s_lowrank_problem){0};
    C2S_TRY(c2s_scratch(m, m * sizeof *moment, &moment));
    c2s_status status = c2s_scratch(m, problem->n * sizeof *product, &product);
    if (status == C2S_OK)
        status = project_moment(site, s, open, weights, problem, moment);
    if (status == C2S_OK)
        status =
            c2s_stage_apply(site, s, open, weights, false, problem->product, problem->n, product);
    if (status == C2S_OK)
        return c2s_lowrank_problem_behind(problem, m, moment, product, out);
    free(moment);
    free(product);
    return status;
}

/* [in, n] of a last stage behind outputs that stay: the identity, and its weights. */
static void keep_first(const c2s_stage *last, size_t n, const double *weights, double *out) {
    memset(out, 0, last->in * n * sizeof *out);
    for (size_t i = 0; i < last->in; i++) {
        out[i * n + i] = 1;
        for (size_t j = 0; j < last->out; j++)
            out[i * n + last->in + j] = weights[j * last->in + i];
    }
}

/* From the last stage, whose projection is its weights, back to the first. */
c2s_status c2s_chain_matrix(const c2s_linear_site *site, const c2s_chain *chain,
                            double *const *weights, double *out) {
    const size_t n = site->n;
    unsigned open[C2S_CHAIN_MOST + 1] = {c2s_site_axes(site)};
    const unsigned left = chain->count;
    double *at, *next = NULL;
    for (unsigned i = 0; i < chain->count; i++)
        open[i + 1] = open[i] & ~chain->stage[i].axes;
    C2S_TRY(c2s_scratch(n, n * sizeof *at, &at));
    if (chain->keeps_first)
        keep_first(&chain->stage[left - 1], n, weights[left - 1], at);
    else
        set_identity(n, at);
    c2s_status status = C2S_OK;
    for (unsigned i = left - chain->keeps_first; i-- > 0 && status == C2S_OK;) {
        const c2s_stage *s = &chain->stage[i];
        status = c2s_scratch(s->groups * s->in * c2s_site_kernel(site, open[i]), n * sizeof *next,
                             &next);
        if (status == C2S_OK)
            status = c2s_stage_apply(site, s, open[i], weights[i], true, at, n, next);
        free(at);
        at = next;
    }
    if (status == C2S_OK)
        memcpy(out, at, site->k * n * sizeof *out);
    free(at);
    return status;
}

/* ---- marginals ---- */

/* Of which a row of the whole problem is part. */
typedef struct place {
    size_t row, rest;
} place;

static place place_of(const c2s_linear_site *site, unsigned axes, size_t row) {
    const unsigned all = c2s_site_axes(site);
    const size_t kernel = c2s_site_kernel(site, all), own = c2s_site_kernel(site, axes);
    return (place){row / kernel * own + part_of(&site->window, all, row % kernel, axes),
                   part_of(&site->window, all, row % kernel, all & ~axes)};
}

/* `places`: room for site->k of them. */
static void fill_marginal(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                          unsigned axes, size_t k, place *places, double *weights, double *moment) {
    const size_t n = site->n, others = c2s_site_kernel(site, c2s_site_axes(site) & ~axes);
    for (size_t i = 0; i < site->k; i++)
        places[i] = place_of(site, axes, i);
    for (size_t i = 0; i < site->k; i++) {
        const place at = places[i];
        memcpy(weights + (at.row * others + at.rest) * n, problem->weights + i * n,
               n * sizeof *weights);
        for (size_t j = 0; moment && j < site->k; j++)
            if (places[j].rest == at.rest)
                moment[at.row * k + places[j].row] += problem->moment[i * site->k + j];
    }
}

c2s_status c2s_site_marginal(const c2s_linear_site *site, const c2s_lowrank_problem *problem,
                             unsigned axes, c2s_lowrank_problem *out) {
    const size_t others = c2s_site_kernel(site, c2s_site_axes(site) & ~axes);
    const size_t k = site->k / others, n = site->n * others;
    double *weights = NULL, *moment = NULL;
    place *places;
    *out = (c2s_lowrank_problem){0};
    C2S_TRY(c2s_scratch(site->k, sizeof *places, &places));
    c2s_status status = c2s_scratch(k, n * sizeof *weights, &weights);
    if (status == C2S_OK && problem->moment && !problem->plain_projections) {
        status = c2s_scratch(k, k * sizeof *moment, &moment);
        if (status == C2S_OK)
            memset(moment, 0, k * k * sizeof *moment);
    }
    if (status == C2S_OK)
        fill_marginal(site, problem, axes, k, places, weights, moment);
    free(places);
    if (status == C2S_OK)
        return c2s_lowrank_problem_own(k, n, weights, moment, out);
    free(weights);
    free(moment);
    return status;
}
