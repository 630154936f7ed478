/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/gptq.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "passes/quant/gptq_rows.h"

const c2s_gptq_options c2s_gptq_usual = {.sweeps = 30};

/* The whole task; scales change on the way. */
typedef struct encoding {
    const c2s_linear_site *site;
    const c2s_gram *gram;
    const c2s_gptq_options *options;
    c2s_code_grid grid;
    c2s_code_map map;
    const float *weights;
    float *codes;
    c2s_affine *affines;
    bool own_scales; /* each belongs to one output channel */
} encoding;

double c2s_gptq_damping(const c2s_gram *gram, double asked) {
    if (asked > 0)
        return asked;
    return gram->rows > 0 ? fmin(fmax((double)gram->k / (double)gram->rows, 0.1), 1) : 1;
}

/* ---- scales ---- */

static size_t weight_index(const c2s_linear_site *s, size_t group, size_t i, size_t n) {
    return group * s->group_step + i * s->k_step + n * s->n_step;
}

/* No scale serves two output channels. */
static c2s_status find_owners(encoding *e) {
    const c2s_linear_site *s = e->site;
    size_t *owner;
    C2S_TRY(c2s_scratch(e->map.groups, sizeof *owner, &owner));
    for (size_t g = 0; g < e->map.groups; g++)
        owner[g] = SIZE_MAX;
    e->own_scales = true;
    for (size_t channel = 0; channel < s->groups * s->n && e->own_scales; channel++)
        for (size_t i = 0; i < s->k; i++) {
            size_t *of =
                &owner[c2s_code_group(&e->map, weight_index(s, channel / s->n, i, channel % s->n))];
            e->own_scales = e->own_scales && (*of == SIZE_MAX || *of == channel);
            *of = channel;
        }
    free(owner);
    return C2S_OK;
}

/* ---- one group of the operator ---- */

typedef struct by_diagonal {
    double diagonal;
    size_t index;
} by_diagonal;

static int compare_diagonals(const void *a, const void *b) {
    const by_diagonal *x = a, *y = b;
    if (x->diagonal != y->diagonal)
        return x->diagonal < y->diagonal ? -1 : 1;
    return x->index < y->index ? 1 : -1; /* of equals, the first comes first: rows go backwards */
}

/* The moments in the order in which weights are rounded (the last first), damped, with their
 * factor. */
static c2s_status order_moments(const double *moment, c2s_gptq_moments *m, double damping) {
    const size_t k = m->k;
    by_diagonal *order;
    C2S_TRY(c2s_scratch(k, sizeof *order, &order));
    for (size_t i = 0; i < k; i++)
        order[i] = (by_diagonal){moment[i * k + i], i};
    qsort(order, k, sizeof *order, compare_diagonals);
    for (size_t i = 0; i < k; i++) {
        m->order[i] = order[i].index;
        for (size_t j = 0; j < k; j++)
            m->damped[i * k + j] = moment[order[i].index * k + order[j].index];
        m->diagonal[i] = order[i].diagonal;
    }
    free(order);
    memcpy(m->factor, m->damped, k * k * sizeof *m->factor);
    C2S_TRY(c2s_cholesky(k, m->factor, &damping));
    for (size_t i = 0; i < k; i++) { /* as the factorization had it */
        double sum = 0;
        for (size_t j = 0; j <= i; j++)
            sum += m->factor[i * k + j] * m->factor[i * k + j];
        m->damped[i * k + i] = sum;
    }
    return C2S_OK;
}

static void moments_free(c2s_gptq_moments *m) {
    free(m->order);
    free(m->damped);
    free(m->factor);
    free(m->diagonal);
    *m = (c2s_gptq_moments){0};
}

static c2s_status moments_create(size_t k, c2s_gptq_moments *m) {
    *m = (c2s_gptq_moments){.k = k};
    c2s_status status = c2s_scratch(k, sizeof *m->order, &m->order);
    if (status == C2S_OK)
        status = c2s_scratch(k, k * sizeof(double), &m->damped);
    if (status == C2S_OK)
        status = c2s_scratch(k, k * sizeof(double), &m->factor);
    if (status == C2S_OK)
        status = c2s_scratch(k, sizeof(double), &m->diagonal);
    if (status != C2S_OK)
        moments_free(m);
    return status;
}

/* Weights, scales and codes of some output channels, to and from the tensor's order. */
static void load_rows(const encoding *e, const c2s_gptq_moments *m, size_t group, size_t first,
                      c2s_gptq_rows *rows) {
    for (size_t r = 0; r < rows->count; r++)
        for (size_t i = 0; i < m->k; i++) {
            const size_t index = weight_index(e->site, group, m->order[i], first + r);
            rows->weights[r * m->k + i] = (double)e->weights[index];
            rows->scale_of[r * m->k + i] = c2s_code_group(&e->map, index);
        }
}

static void store_rows(encoding *e, const c2s_gptq_moments *m, size_t group, size_t first,
                       const c2s_gptq_rows *rows) {
    for (size_t r = 0; r < rows->count; r++)
        for (size_t i = 0; i < m->k; i++)
            e->codes[weight_index(e->site, group, m->order[i], first + r)] =
                rows->codes[r * m->k + i];
}

static c2s_status encode_rows(encoding *e, const c2s_gptq_moments *m, size_t group, size_t first,
                              c2s_gptq_error *error) {
    c2s_gptq_rows rows;
    const size_t left = e->site->n - first;
    C2S_TRY(c2s_gptq_rows_create(m->k, left < C2S_GPTQ_ROWS ? left : C2S_GPTQ_ROWS, &rows));
    load_rows(e, m, group, first, &rows);
    const c2s_gptq_search search = {.grid = &e->grid,
                                    .affines = e->affines,
                                    .sweeps = e->options->sweeps,
                                    .refit = e->own_scales && !e->options->keep_scales};
    c2s_status status = c2s_gptq_rows_round(m, &search, &rows, error);
    if (status == C2S_OK)
        store_rows(e, m, group, first, &rows);
    c2s_gptq_rows_free(&rows);
    return status;
}

/* All output channels of a group; the sums are made in their order. */
static c2s_status encode_group(encoding *e, size_t group, c2s_gptq_error *error) {
    const size_t k = e->site->k, parts = (e->site->n + C2S_GPTQ_ROWS - 1) / C2S_GPTQ_ROWS;
    c2s_gptq_moments m;
    C2S_TRY(moments_create(k, &m));
    c2s_status status = order_moments(e->gram->moment + group * k * k, &m,
                                      c2s_gptq_damping(e->gram, e->options->damping));
    c2s_gptq_error *errors = c2s_zalloc((parts + 1) * sizeof *errors);
    bool failed = false;
    if (status == C2S_OK) {
#pragma omp parallel for schedule(dynamic) if (parts > 1)
        for (size_t part = 0; part < parts; part++)
            if (encode_rows(e, &m, group, part * C2S_GPTQ_ROWS, &errors[part]) != C2S_OK)
                failed = true;
    }
    for (size_t part = 0; part < parts; part++) {
        error->signal += errors[part].signal;
        error->nearest += errors[part].nearest;
        error->error += errors[part].error;
    }
    free(errors);
    moments_free(&m);
    return failed ? c2s_fail(C2S_ERR_MEMORY, "no memory to round %zu weights per output", k)
                  : status;
}

/* ---- all of it ---- */

static c2s_status encode_groups(encoding *e, c2s_gptq_error *error) {
    const size_t groups = e->site->groups;
    c2s_gptq_error *errors = c2s_zalloc(groups * sizeof *errors);
    c2s_status status = C2S_OK;
#pragma omp parallel for schedule(dynamic) if (groups > 1 && e->map.count > 1024)
    for (size_t g = 0; g < groups; g++) {
        const c2s_status own = encode_group(e, g, &errors[g]);
        if (own != C2S_OK) {
#pragma omp critical
            status = own;
        }
    }
    for (size_t g = 0; g < groups; g++) {
        error->signal += errors[g].signal;
        error->nearest += errors[g].nearest;
        error->error += errors[g].error;
    }
    free(errors);
    return status == C2S_OK || groups == 1
               ? status
               : c2s_fail(status, "%s: a group could not be rounded", c2s_node_text(e->site->node));
}

static double sqnr_of(const encoding *e) {
    double signal = 0, noise = 0;
    for (size_t i = 0; i < e->map.count; i++) {
        const c2s_affine a = e->affines[c2s_code_group(&e->map, i)];
        const double w = (double)e->weights[i], d = w - (double)((e->codes[i] - a.zero) * a.scale);
        signal += w * w;
        noise += d * d;
    }
    return noise > 0 ? 10 * log10(signal / noise) : INFINITY;
}

static c2s_status encode(encoding *e, const c2s_type *type, const c2s_coding *coding,
                         c2s_codes *out, c2s_gptq_error *error) {
    c2s_coding even = *coding;
    even.importance = NULL; /* the search weighs errors by G better than its diagonal would */
    C2S_TRY(c2s_affines_choose(type, e->weights, &even, e->affines));
    C2S_TRY(find_owners(e));
    C2S_TRY(encode_groups(e, error));
    C2S_TRY(c2s_codes_pack(type, coding, e->codes, e->affines, out));
    out->sqnr_db = sqnr_of(e);
    return C2S_OK;
}

c2s_status c2s_gptq_encode(const c2s_linear_site *site, const c2s_tensor *weights,
                           const c2s_gram *gram, const c2s_coding *coding,
                           const c2s_gptq_options *options, c2s_codes *out, c2s_gptq_error *error) {
    encoding e = {.site = site, .gram = gram, .options = options};
    float *values;
    *out = (c2s_codes){0};
    *error = (c2s_gptq_error){0};
    if (weights->count != site->groups * site->k * site->n || gram->groups != site->groups ||
        gram->k != site->k)
        return c2s_fail(C2S_ERR_INVALID, "%s: moments of another shape than its weights",
                        c2s_node_text(site->node));
    C2S_TRY(c2s_coding_grid(&weights->type, coding, &e.grid));
    C2S_TRY(c2s_code_map_of(&weights->type, coding, &e.map));
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
