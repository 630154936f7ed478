/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/unit_removal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passes/prune/fit_moments.h"
#include "passes/prune/unit_removal_state.h"

/* Multiplications from which on several threads are worth it. */
enum { PARALLEL_WORK = 1 << 18 };

void c2s_unit_removal_close(c2s_unit_removal *r) {
    for (size_t b = 0; b < r->count; b++) {
        free(r->blocks[b].inverse);
        free(r->blocks[b].weights);
        free(r->blocks[b].moments);
        free(r->blocks[b].first_weights);
        free(r->blocks[b].first);
        free(r->blocks[b].row);
        free(r->blocks[b].gone);
    }
    free(r->blocks);
    free(r->rows);
    free(r->solved);
    free(r->factor);
    free(r->column);
    free(r);
}

static void sort_rows(c2s_removal_block *b, const c2s_unit_map *map, size_t kernel, size_t units) {
    b->first = c2s_zalloc((units + 2) * sizeof *b->first);
    for (size_t e = 0; e < map->count; e++)
        if (map->unit_of[e] != C2S_NO_UNIT)
            b->first[map->unit_of[e] + 2] += kernel;
    for (size_t u = 0; u < units; u++)
        b->first[u + 2] += b->first[u + 1];
    b->row = c2s_alloc_array(b->first[units + 1] + 1, sizeof *b->row);
    for (size_t e = 0; e < map->count; e++)
        for (size_t i = 0; i < kernel && map->unit_of[e] != C2S_NO_UNIT; i++)
            b->row[b->first[map->unit_of[e] + 1]++] = (map->start + e) * kernel + i;
}

/* tr w^T G w */
static c2s_status energy_of(const c2s_removal_block *b, const double *moments, double *out) {
    double *product;
    const c2s_product shape = {.m = b->k, .n = b->n, .k = b->k};
    C2S_TRY(c2s_scratch(b->k, b->n * sizeof *product, &product));
    c2s_status status = c2s_matrix_multiply(&shape, moments, b->weights, product);
    *out = 0;
    for (size_t i = 0; i < b->k * b->n && status == C2S_OK; i++)
        *out += product[i] * b->weights[i];
    free(product);
    return status;
}

/* What returning units needs: H, as it was factored, and the weights. */
static c2s_status keep_first(c2s_removal_block *b, const double *factor) {
    const c2s_product shape = {.transpose_b = true, .m = b->k, .n = b->k, .k = b->k};
    C2S_TRY(c2s_scratch(b->k, b->k * sizeof(double), &b->moments));
    C2S_TRY(c2s_scratch(b->k, b->n * sizeof(double), &b->first_weights));
    memcpy(b->first_weights, b->weights, b->k * b->n * sizeof *b->weights);
    return c2s_matrix_multiply(&shape, factor, factor, b->moments);
}

/* H^-1 in the place of G; a copy of H's factor is needed meanwhile. */
static c2s_status invert(c2s_removal_block *b, double damping, bool returns) {
    double *factor;
    C2S_TRY(c2s_scratch(b->k, b->k * sizeof *factor, &factor));
    memcpy(factor, b->inverse, b->k * b->k * sizeof *factor);
    c2s_status status = c2s_cholesky(b->k, factor, &damping);
    if (status == C2S_OK && returns)
        status = keep_first(b, factor);
    if (status == C2S_OK)
        status = c2s_triangular_invert(b->k, factor);
    const c2s_product shape = {.transpose_a = true, .m = b->k, .n = b->k, .k = b->k};
    if (status == C2S_OK)
        status = c2s_matrix_multiply(&shape, factor, factor, b->inverse);
    free(factor);
    return status;
}

static c2s_status open_block(c2s_unit_removal *r, const c2s_reader *reader, size_t g,
                             const c2s_unit_map *map, const c2s_gram *gram, double damping) {
    c2s_removal_block *b = &r->blocks[r->count++];
    const c2s_linear_site *s = &reader->site;
    const float *weights = c2s_tensor_data(reader->site.weight->constant);
    b->k = s->k;
    b->n = s->n;
    sort_rows(b, map, reader->kernel, r->units);
    b->gone = c2s_zalloc(b->k + 1);
    C2S_TRY(c2s_scratch(b->k, b->n * sizeof(double), &b->weights));
    C2S_TRY(c2s_scratch(b->k, b->k * sizeof(double), &b->inverse));
    for (size_t i = 0; i < b->k; i++)
        for (size_t j = 0; j < b->n; j++)
            b->weights[i * b->n + j] = (double)weights[c2s_reader_index(reader, g, i, j)];
    c2s_centred_moments(gram, g, reader->bias_node != NULL, b->inverse);
    const bool vary = c2s_moments_vary(b->k, b->inverse);
    for (size_t i = 0; i < b->k && !vary; i++)
        b->inverse[i * b->k + i] = 1; /* those of the smallest weights go first */
    C2S_TRY(energy_of(b, b->inverse, &b->energy));
    for (size_t u = 0; u < r->units; u++) {
        const size_t rows = b->first[u + 1] - b->first[u];
        r->widest = rows > r->widest ? rows : r->widest;
    }
    return r->fitted ? invert(b, c2s_moments_damping(gram, damping), r->returns) : C2S_OK;
}

static c2s_status open_scratch(c2s_unit_removal *r) {
    size_t k = 1, n = 1;
    for (size_t b = 0; b < r->count; b++) {
        k = r->blocks[b].k > k ? r->blocks[b].k : k;
        n = r->blocks[b].n > n ? r->blocks[b].n : n;
    }
    const size_t widest = r->widest > 0 ? r->widest : 1;
    C2S_TRY(c2s_scratch(widest, n * sizeof(double), &r->rows));
    C2S_TRY(c2s_scratch(widest, n * sizeof(double), &r->solved));
    C2S_TRY(c2s_scratch(widest, widest * sizeof(double), &r->factor));
    return c2s_scratch(widest, k * sizeof(double), &r->column);
}

static c2s_status open_blocks(c2s_unit_removal *r, const c2s_readers *readers, size_t group,
                              c2s_gram *const *grams, double damping) {
    const c2s_group_readers *of = &readers->groups[group];
    size_t blocks = 0;
    for (size_t i = 0; i < of->at.count; i++)
        blocks += readers->at.at[of->at.at[i].reader].site.groups;
    r->blocks = c2s_zalloc((blocks + 1) * sizeof *r->blocks);
    for (size_t i = 0; i < of->at.count; i++) {
        const c2s_reader *reader = &readers->at.at[of->at.at[i].reader];
        for (size_t g = 0; g < reader->site.groups; g++)
            C2S_TRY(open_block(r, reader, g, of->at.at[i].map, grams[i], damping));
    }
    return open_scratch(r);
}

c2s_status c2s_unit_removal_open(const c2s_readers *readers, size_t group, size_t units,
                                 c2s_gram *const *grams, const double *added, c2s_removal_kind kind,
                                 double damping, c2s_unit_removal **out) {
    c2s_unit_removal *r = c2s_zalloc(sizeof *r);
    *r = (c2s_unit_removal){.units = units,
                            .added = added,
                            .fitted = kind != C2S_REMOVAL_PLAIN,
                            .returns = kind == C2S_REMOVAL_RETURNS};
    const c2s_status status = open_blocks(r, readers, group, grams, damping);
    if (status != C2S_OK) {
        c2s_unit_removal_close(r);
        return status;
    }
    *out = r;
    return C2S_OK;
}

/* ---- what a unit costs ---- */

/* w_R and, fitted, (H^-1_RR)^-1 w_R into r->rows and r->solved; the cost of the unit. */
static c2s_status solve_unit(c2s_unit_removal *r, const c2s_removal_block *b, size_t unit,
                             double *cost) {
    const size_t *row = b->row + b->first[unit], count = b->first[unit + 1] - b->first[unit];
    const size_t n = b->n;
    *cost = 0;
    if (count == 1 && r->fitted) {
        const double *w = b->weights + row[0] * n, pivot = b->inverse[row[0] * b->k + row[0]];
        for (size_t j = 0; j < n; j++) {
            r->solved[j] = w[j] / pivot;
            *cost += r->solved[j] * w[j];
        }
        return C2S_OK;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(r->rows + i * n, b->weights + row[i] * n, n * sizeof *r->rows);
        for (size_t j = 0; j < count; j++)
            r->factor[i * count + j] = b->inverse[row[i] * b->k + row[j]];
    }
    if (r->fitted) {
        double damping = 0;
        memcpy(r->solved, r->rows, count * n * sizeof *r->rows);
        C2S_TRY(c2s_cholesky(count, r->factor, &damping));
        C2S_TRY(c2s_cholesky_solve(count, n, r->factor, r->solved));
    } else {
        const c2s_product shape = {.m = count, .n = n, .k = count};
        C2S_TRY(c2s_matrix_multiply(&shape, r->factor, r->rows, r->solved));
    }
    for (size_t i = 0; i < count * n; i++)
        *cost += r->solved[i] * r->rows[i];
    return C2S_OK;
}

c2s_status c2s_unit_removal_cost(c2s_unit_removal *r, size_t unit, double *cost) {
    *cost = r->added ? r->added[unit] : 0;
    for (size_t k = 0; k < r->count; k++) {
        double own;
        const c2s_removal_block *b = &r->blocks[k];
        if (b->energy <= 0 || b->first[unit + 1] == b->first[unit])
            continue;
        C2S_TRY(solve_unit(r, b, unit, &own));
        *cost += fmax(own, 0) / b->energy;
    }
    return C2S_OK;
}

/* ---- removing it ---- */

/* to -= sum_i by[i] from[i] */
static void subtract_rows(double *to, const double *from, const double *by, size_t count,
                          size_t n) {
    for (size_t i = 0; i < count; i++) {
        const double factor = by[i];
        const double *row = from + i * n;
        if (factor != 0)
            for (size_t j = 0; j < n; j++)
                to[j] -= factor * row[j];
    }
}

/* With X = (H^-1_RR)^-1 w_R and Z = (H^-1_RR)^-1 H^-1_R: every other row of w loses H^-1_iR X, and
 * of H^-1 H^-1_iR Z. */
static c2s_status remove_from(c2s_unit_removal *r, c2s_removal_block *b, size_t unit) {
    const size_t *row = b->row + b->first[unit], count = b->first[unit + 1] - b->first[unit];
    const size_t k = b->k, n = b->n;
    double cost, damping = 0, *across = NULL;
    if (count == 0 || !r->fitted || b->energy <= 0)
        return C2S_OK;
    C2S_TRY(solve_unit(r, b, unit, &cost));
    C2S_TRY(c2s_scratch(k, count * sizeof *across, &across));
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++)
            r->factor[i * count + j] = b->inverse[row[i] * k + row[j]];
        memcpy(r->column + i * k, b->inverse + row[i] * k, k * sizeof *r->column);
    }
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < count; j++)
            across[i * count + j] = b->inverse[i * k + row[j]];
    c2s_status status = c2s_cholesky(count, r->factor, &damping);
    if (status == C2S_OK)
        status = c2s_cholesky_solve(count, k, r->factor, r->column);
    for (size_t i = 0; i < count; i++)
        b->gone[row[i]] = true;
#pragma omp parallel for schedule(static) if (k * (k + n) * count > PARALLEL_WORK)
    for (size_t i = 0; i < k; i++) {
        if (b->gone[i] || status != C2S_OK)
            continue;
        subtract_rows(b->weights + i * n, r->solved, across + i * count, count, n);
        subtract_rows(b->inverse + i * k, r->column, across + i * count, count, k);
    }
    free(across);
    return status;
}

c2s_status c2s_unit_removal_take(c2s_unit_removal *r, size_t unit) {
    for (size_t k = 0; k < r->count; k++)
        C2S_TRY(remove_from(r, &r->blocks[k], unit));
    return C2S_OK;
}
