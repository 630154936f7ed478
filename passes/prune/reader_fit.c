/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/reader_fit.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passes/prune/fit_moments.h"

/* Of one group of the reader. */
typedef struct fit {
    const c2s_reader *reader;
    const c2s_reader_first *first;
    const c2s_gram *gram;
    const c2s_cross *cross;
    double damping;
    size_t k, n;
    double *moments;       /* [k, k] around the mean, or as they are */
    double *first_weights; /* [k, n] */
    double *weights;       /* [k, n] */
    double *rest;          /* [k, n] */
    float *out, *bias;     /* of the whole node; bias NULL: none */
} fit;

static bool centred(const fit *f) {
    return f->bias != NULL;
}

/* x^T y, or what that is where y = x w, less what the weights that stay give already. */
static c2s_status find_rest(fit *f, size_t g) {
    const size_t k = f->k, n = f->n;
    const c2s_product shape = {.m = k, .n = n, .k = k, .keep = 1};
    const double rows = (double)f->gram->rows;
    const double *sum = f->gram->sum + g * k;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < n; j++) {
            const size_t at = i * n + j;
            const double kept = f->first->removed[i] ? 0 : f->first_weights[at];
            f->weights[at] = f->cross ? kept : kept - f->first_weights[at];
            f->rest[at] = !f->cross    ? 0
                          : centred(f) ? sum[i] * f->cross->sum[g * n + j] / rows -
                                             f->cross->moment[(g * k + i) * n + j]
                                       : -f->cross->moment[(g * k + i) * n + j];
        }
    return c2s_matrix_multiply(&shape, f->moments, f->weights, f->rest);
}

/* Rows that are gone take no part. */
static void leave_out(fit *f) {
    for (size_t i = 0; i < f->k; i++) {
        if (!f->first->removed[i])
            continue;
        for (size_t j = 0; j < f->k; j++)
            f->moments[i * f->k + j] = f->moments[j * f->k + i] = 0;
        for (size_t j = 0; j < f->n; j++)
            f->rest[i * f->n + j] = 0;
    }
}

/* What the means of x and y leave; y has the bias in it. */
static void find_bias(fit *f, size_t g) {
    const double rows = f->gram->rows > 0 ? (double)f->gram->rows : 1;
    const double *sum = f->gram->sum + g * f->k;
    for (size_t j = 0; j < f->n; j++) {
        const size_t at = c2s_reader_bias_index(f->reader, g * f->n + j);
        const double before = c2s_tensor_f64_at(f->first->bias, at);
        double mean = f->cross ? f->cross->sum[g * f->n + j] / rows : 0;
        for (size_t i = 0; i < f->k; i++) {
            const double first = f->cross ? 0 : f->first_weights[i * f->n + j];
            mean += sum[i] / rows * (first - f->weights[i * f->n + j]);
        }
        f->bias[at] = (float)(f->cross ? mean : before + mean);
    }
}

static c2s_status fit_group(fit *f, size_t g) {
    const float *first = c2s_tensor_data(f->first->weight);
    double damping = c2s_moments_damping(f->gram, f->damping);
    for (size_t i = 0; i < f->k; i++)
        for (size_t j = 0; j < f->n; j++)
            f->first_weights[i * f->n + j] = (double)first[c2s_reader_index(f->reader, g, i, j)];
    c2s_centred_moments(f->gram, g, centred(f), f->moments);
    C2S_TRY(find_rest(f, g));
    leave_out(f);
    const bool vary = c2s_moments_vary(f->k, f->moments);
    if (vary)
        C2S_TRY(c2s_cholesky(f->k, f->moments, &damping));
    if (vary)
        C2S_TRY(c2s_cholesky_solve(f->k, f->n, f->moments, f->rest));
    else
        memset(f->rest, 0, f->k * f->n * sizeof *f->rest); /* weights stay, the bias is fitted */
    for (size_t i = 0; i < f->k; i++)
        for (size_t j = 0; j < f->n; j++) {
            const size_t at = i * f->n + j;
            f->weights[at] = f->first->removed[i] ? 0 : f->first_weights[at] - f->rest[at];
            f->out[c2s_reader_index(f->reader, g, i, j)] = (float)f->weights[at];
        }
    if (f->bias)
        find_bias(f, g);
    return C2S_OK;
}

static c2s_status open_fit(fit *f, c2s_tensor **weight, c2s_tensor **bias) {
    const c2s_type *type = &f->first->weight->type;
    C2S_TRY(c2s_scratch(f->k, f->k * sizeof(double), &f->moments));
    C2S_TRY(c2s_scratch(f->k, f->n * sizeof(double), &f->first_weights));
    C2S_TRY(c2s_scratch(f->k, f->n * sizeof(double), &f->weights));
    C2S_TRY(c2s_scratch(f->k, f->n * sizeof(double), &f->rest));
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, type->rank, type->dim, weight));
    f->out = c2s_tensor_mutable(*weight);
    if (f->first->bias) {
        const c2s_type *as = &f->first->bias->type;
        C2S_TRY(c2s_tensor_create(C2S_FLOAT, as->rank, as->dim, bias));
        f->bias = c2s_tensor_mutable(*bias);
        memcpy(f->bias, c2s_tensor_data(f->first->bias), c2s_tensor_size(*bias));
    }
    return C2S_OK;
}

static bool is_finite(const c2s_tensor *fitted) {
    if (!fitted)
        return true;
    const c2s_samples all = {c2s_tensor_data(fitted), 1, fitted->count, fitted->count, false};
    return c2s_samples_finite(&all);
}

c2s_status c2s_reader_fit(const c2s_reader *reader, const c2s_reader_first *first,
                          const c2s_gram *gram, const c2s_cross *cross, double damping) {
    c2s_tensor *weight = NULL, *bias = NULL;
    if (gram->rows == 0)
        return C2S_OK; /* no sample has come here */
    fit f = {.reader = reader,
             .first = first,
             .gram = gram,
             .cross = c2s_reader_adds(reader) ? NULL : cross,
             .damping = damping,
             .k = reader->site.k,
             .n = reader->site.n};
    c2s_status status = open_fit(&f, &weight, &bias);
    for (size_t g = 0; g < reader->site.groups && status == C2S_OK; g++)
        status = fit_group(&f, g);
    /* Targets that are not finite give no weights; those it has stay. */
    if (status == C2S_OK && is_finite(weight) && is_finite(bias)) {
        c2s_reader_write(reader->node, 1, weight);
        if (bias)
            c2s_reader_write(reader->bias_node, reader->bias_slot, bias);
    }
    free(f.moments);
    free(f.first_weights);
    free(f.weights);
    free(f.rest);
    c2s_tensor_unref(weight);
    c2s_tensor_unref(bias);
    return status;
}
