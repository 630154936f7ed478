/* SPDX-License-Identifier: Apache-2.0
 *
 * A unit that is gone comes back. With P = H_KK^-1 of the rows K that are there, R its rows,
 * T = P H_KR, S = H_RR - H_RK T and c = H_R: (w_first - w):
 *
 *     the error is less by tr c^T S^-1 c,  w_R = S^-1 c,  w_K loses T S^-1 c,
 *     P becomes [P + T S^-1 T^T, -T S^-1; -S^-1 T^T, S^-1].
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passes/prune/unit_removal_state.h"

typedef struct comeback {
    const size_t *row;
    size_t count;   /* rows of the unit */
    double *across; /* T [k, count] */
    double *factor; /* of S [count, count] */
    double *lost;   /* c [count, n] */
    double *solved; /* S^-1 c */
} comeback;

static void close_comeback(comeback *c) {
    free(c->across);
    free(c->factor);
    free(c->lost);
    free(c->solved);
}

/* T, with zeros in rows that are gone. */
static void find_across(const c2s_removal_block *b, comeback *c) {
    memset(c->across, 0, b->k * c->count * sizeof *c->across);
    for (size_t i = 0; i < b->k; i++) {
        if (b->gone[i])
            continue;
        for (size_t j = 0; j < b->k; j++)
            for (size_t r = 0; r < c->count && !b->gone[j]; r++)
                c->across[i * c->count + r] +=
                    b->inverse[i * b->k + j] * b->moments[c->row[r] * b->k + j];
    }
}

static void find_rest(const c2s_removal_block *b, comeback *c) {
    for (size_t r = 0; r < c->count; r++)
        for (size_t q = 0; q < c->count; q++) {
            double rest = b->moments[c->row[r] * b->k + c->row[q]];
            for (size_t i = 0; i < b->k; i++)
                rest -= b->moments[c->row[r] * b->k + i] * c->across[i * c->count + q];
            c->factor[r * c->count + q] = rest;
        }
}

static void find_lost(const c2s_removal_block *b, comeback *c) {
    memset(c->lost, 0, c->count * b->n * sizeof *c->lost);
    for (size_t r = 0; r < c->count; r++)
        for (size_t i = 0; i < b->k; i++) {
            const double moment = b->moments[c->row[r] * b->k + i];
            const double *first = b->first_weights + i * b->n, *now = b->weights + i * b->n;
            for (size_t j = 0; j < b->n; j++)
                c->lost[r * b->n + j] += moment * (first[j] - (b->gone[i] ? 0 : now[j]));
        }
}

static c2s_status open_comeback(const c2s_removal_block *b, size_t unit, comeback *c) {
    double damping = 0;
    *c = (comeback){.row = b->row + b->first[unit], .count = b->first[unit + 1] - b->first[unit]};
    C2S_TRY(c2s_scratch(b->k + 1, (c->count + 1) * sizeof(double), &c->across));
    C2S_TRY(c2s_scratch(c->count + 1, c->count * sizeof(double), &c->factor));
    C2S_TRY(c2s_scratch(c->count + 1, b->n * sizeof(double), &c->lost));
    C2S_TRY(c2s_scratch(c->count + 1, b->n * sizeof(double), &c->solved));
    find_across(b, c);
    find_rest(b, c);
    find_lost(b, c);
    memcpy(c->solved, c->lost, c->count * b->n * sizeof *c->solved);
    C2S_TRY(c2s_cholesky(c->count, c->factor, &damping));
    return c2s_cholesky_solve(c->count, b->n, c->factor, c->solved);
}

static bool counts(const c2s_removal_block *b, size_t unit) {
    return b->energy > 0 && b->first[unit + 1] > b->first[unit];
}

c2s_status c2s_unit_removal_gain(c2s_unit_removal *r, size_t unit, double *gain) {
    *gain = r->added ? r->added[unit] : 0;
    for (size_t k = 0; k < r->count; k++) {
        const c2s_removal_block *b = &r->blocks[k];
        comeback c;
        double own = 0;
        if (!counts(b, unit))
            continue;
        const c2s_status status = open_comeback(b, unit, &c);
        for (size_t i = 0; i < c.count * b->n && status == C2S_OK; i++)
            own += c.lost[i] * c.solved[i];
        close_comeback(&c);
        C2S_TRY(status);
        *gain += fmax(own, 0) / b->energy;
    }
    return C2S_OK;
}

/* z: S^-1 T^T [count, k] */
static void write_inverse(c2s_removal_block *b, const comeback *c, const double *z) {
    for (size_t i = 0; i < b->k; i++)
        for (size_t r = 0; r < c->count && !b->gone[i]; r++) {
            const double across = c->across[i * c->count + r];
            for (size_t j = 0; j < b->k; j++)
                b->inverse[i * b->k + j] += across * z[r * b->k + j];
        }
    for (size_t r = 0; r < c->count; r++)
        for (size_t i = 0; i < b->k; i++)
            b->inverse[c->row[r] * b->k + i] = b->inverse[i * b->k + c->row[r]] = -z[r * b->k + i];
}

static c2s_status bring_back(c2s_removal_block *b, const comeback *c) {
    double *z, *unity = NULL;
    C2S_TRY(c2s_scratch(c->count, b->k * sizeof *z, &z));
    c2s_status status = c2s_scratch(c->count, c->count * sizeof *unity, &unity);
    if (status == C2S_OK) {
        c2s_matrix_transpose(b->k, c->count, c->across, z);
        status = c2s_cholesky_solve(c->count, b->k, c->factor, z);
    }
    if (status == C2S_OK) {
        memset(unity, 0, c->count * c->count * sizeof *unity);
        for (size_t r = 0; r < c->count; r++)
            unity[r * c->count + r] = 1;
        status = c2s_cholesky_solve(c->count, c->count, c->factor, unity);
    }
    if (status == C2S_OK) {
        for (size_t i = 0; i < b->k; i++)
            for (size_t r = 0; r < c->count && !b->gone[i]; r++)
                for (size_t j = 0; j < b->n; j++)
                    b->weights[i * b->n + j] -=
                        c->across[i * c->count + r] * c->solved[r * b->n + j];
        write_inverse(b, c, z);
        for (size_t r = 0; r < c->count; r++) {
            memcpy(b->weights + c->row[r] * b->n, c->solved + r * b->n, b->n * sizeof *c->solved);
            for (size_t q = 0; q < c->count; q++)
                b->inverse[c->row[r] * b->k + c->row[q]] = unity[r * c->count + q];
            b->gone[c->row[r]] = false;
        }
    }
    free(z);
    free(unity);
    return status;
}

c2s_status c2s_unit_removal_return(c2s_unit_removal *r, size_t unit) {
    for (size_t k = 0; k < r->count; k++) {
        c2s_removal_block *b = &r->blocks[k];
        comeback c;
        if (!counts(b, unit))
            continue;
        c2s_status status = open_comeback(b, unit, &c);
        if (status == C2S_OK)
            status = bring_back(b, &c);
        close_comeback(&c);
        C2S_TRY(status);
    }
    return C2S_OK;
}
