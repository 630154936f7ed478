/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/prune/sparse_weight.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passes/prune/fit_moments.h"

/* Columns whose weights are compared with each other, if no pattern says which. */
enum { BLOCK = 128 };

/* A group of the site: rows are outputs, columns inputs, those of one place of a kernel one after
 * the other. */
typedef struct matrix {
    const c2s_linear_site *site;
    const c2s_sparse_pattern *pattern;
    size_t group, k, n;
    size_t *input;   /* [k]: of a column */
    size_t run;      /* columns that follow each other in the pattern's sense */
    double *weights; /* [n, k] */
    double *factor;  /* [k, k], upper: H^-1 = factor^T factor; NULL: size alone counts */
    double *score;   /* [n, k]: what is least goes first */
    bool *gone;      /* [n, k] */
} matrix;

static size_t index_of(const matrix *m, size_t row, size_t column) {
    return m->group * m->site->group_step + m->input[column] * m->site->k_step +
           row * m->site->n_step;
}

static c2s_status open_matrix(const c2s_linear_site *site, const c2s_sparse_pattern *pattern,
                              matrix *m) {
    *m = (matrix){.site = site, .pattern = pattern, .k = site->k, .n = site->n};
    const size_t places = site->is_conv ? site->k / (size_t)site->weight->type.dim[1] : 1;
    m->run = site->k / places;
    C2S_TRY(c2s_scratch(m->k, sizeof *m->input, &m->input));
    for (size_t column = 0; column < m->k; column++)
        m->input[column] = column % m->run * places + column / m->run;
    C2S_TRY(c2s_scratch(m->n, m->k * sizeof *m->weights, &m->weights));
    C2S_TRY(c2s_scratch(m->n, m->k * sizeof *m->score, &m->score));
    return c2s_scratch(m->n, m->k * sizeof *m->gone, &m->gone);
}

static void close_matrix(matrix *m) {
    free(m->input);
    free(m->weights);
    free(m->factor);
    free(m->score);
    free(m->gone);
}

static void read_group(matrix *m, size_t group, const float *weights) {
    m->group = group;
    memset(m->gone, 0, m->n * m->k * sizeof *m->gone);
    for (size_t row = 0; row < m->n; row++)
        for (size_t column = 0; column < m->k; column++)
            m->weights[row * m->k + column] = (double)weights[index_of(m, row, column)];
}

static void write_group(const matrix *m, float *weights) {
    for (size_t row = 0; row < m->n; row++)
        for (size_t column = 0; column < m->k; column++) {
            const size_t at = row * m->k + column;
            weights[index_of(m, row, column)] = m->gone[at] ? 0 : (float)m->weights[at];
        }
}

/* ---- which weights go ---- */

static int compare_numbers(const void *x, const void *y) {
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* Scores of columns from `first` to `end` - 1. */
static void find_scores(matrix *m, size_t first, size_t end) {
    for (size_t row = 0; row < m->n; row++)
        for (size_t column = first; column < end; column++) {
            const double pivot = m->factor ? m->factor[column * m->k + column] : 1;
            const double lost = m->weights[row * m->k + column] / pivot;
            m->score[row * m->k + column] = lost * lost;
        }
}

/* The least part of all weights in these columns. */
static c2s_status mark_part(matrix *m, size_t first, size_t end) {
    const size_t width = end - first, count = m->n * width;
    const size_t less = (size_t)(m->pattern->ratio * (double)count);
    double *sorted;
    size_t marked = 0;
    C2S_TRY(c2s_scratch(count, sizeof *sorted, &sorted));
    for (size_t row = 0; row < m->n; row++)
        memcpy(sorted + row * width, m->score + row * m->k + first, width * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_numbers);
    const double limit = less < count ? sorted[less] : (double)INFINITY;
    free(sorted);
    for (size_t row = 0; row < m->n; row++)
        for (size_t column = first; column < end; column++) {
            const size_t at = row * m->k + column;
            m->gone[at] = m->score[at] < limit;
            marked += m->gone[at];
        }
    /* Of equal ones the first. */
    for (size_t row = 0; row < m->n && marked < less; row++)
        for (size_t column = first; column < end && marked < less; column++) {
            const size_t at = row * m->k + column;
            marked += !m->gone[at] && m->score[at] <= limit;
            m->gone[at] |= m->score[at] <= limit;
        }
    return C2S_OK;
}

/* All but the greatest of these columns, in each row. */
static void mark_pattern(matrix *m, size_t first, size_t end) {
    for (size_t row = 0; row < m->n; row++) {
        const double *score = m->score + row * m->k;
        for (size_t column = first; column < end; column++) {
            size_t greater = 0;
            for (size_t other = first; other < end; other++)
                greater += score[other] > score[column] ||
                           (score[other] == score[column] && other < column);
            m->gone[row * m->k + column] = greater >= m->pattern->keep;
        }
    }
}

/* Columns that are chosen together from `first` on. */
static size_t end_of_choice(const matrix *m, size_t first) {
    const size_t run_end = (first / m->run + 1) * m->run;
    const size_t end = first + (m->pattern->of ? m->pattern->of : m->factor ? BLOCK : m->k);
    if (m->pattern->of)
        return end < run_end ? end : run_end;
    return end < m->k ? end : m->k;
}

static c2s_status mark(matrix *m, size_t first, size_t end) {
    find_scores(m, first, end);
    if (m->pattern->of)
        mark_pattern(m, first, end);
    else
        C2S_TRY(mark_part(m, first, end));
    return C2S_OK;
}

c2s_status c2s_sparse_by_size(const c2s_linear_site *site, const c2s_sparse_pattern *pattern,
                              float *weights) {
    matrix m;
    c2s_status status = open_matrix(site, pattern, &m);
    for (size_t g = 0; g < site->groups && status == C2S_OK; g++) {
        read_group(&m, g, weights);
        for (size_t first = 0, end; first < m.k && status == C2S_OK; first = end) {
            end = end_of_choice(&m, first);
            status = mark(&m, first, end);
        }
        if (status == C2S_OK)
            write_group(&m, weights);
    }
    close_matrix(&m);
    return status;
}

/* ---- what the others make up for ---- */

/* With H = R R^T, R upper: H^-1 = (R^-1)^T R^-1. R is the lower factor of H with its rows and
 * columns reversed, reversed. */
static c2s_status find_factor(matrix *m, const c2s_gram *gram, bool centred, double damping) {
    const size_t k = m->k;
    double *moments, *reversed = NULL;
    C2S_TRY(c2s_scratch(k, k * sizeof *moments, &moments));
    c2s_status status = c2s_scratch(k, k * sizeof *reversed, &reversed);
    if (status == C2S_OK) {
        c2s_centred_moments(gram, m->group, centred, moments);
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < k; j++)
                reversed[(k - 1 - i) * k + (k - 1 - j)] = moments[m->input[i] * k + m->input[j]];
        status = c2s_cholesky(k, reversed, &damping);
    }
    if (status == C2S_OK)
        status = c2s_triangular_invert(k, reversed);
    for (size_t i = 0; i < k && status == C2S_OK; i++)
        for (size_t j = 0; j < k; j++)
            m->factor[i * k + j] = j < i ? 0 : reversed[(k - 1 - i) * k + (k - 1 - j)];
    free(moments);
    free(reversed);
    return status;
}

/* What goes in these columns is made up for by those behind. */
static void make_up(matrix *m, size_t first, size_t end) {
#pragma omp parallel for schedule(static)
    for (size_t row = 0; row < m->n; row++) {
        double *weights = m->weights + row * m->k;
        for (size_t column = first; column < end; column++) {
            const double *factor = m->factor + column * m->k;
            if (!m->gone[row * m->k + column])
                continue;
            const double error = weights[column] / factor[column];
            for (size_t behind = column; behind < m->k; behind++)
                weights[behind] -= error * factor[behind];
        }
    }
}

static void correct_bias(const matrix *m, const c2s_gram *gram, const float *before,
                         const float *after, float *bias) {
    const double rows = gram->rows > 0 ? (double)gram->rows : 1;
    for (size_t row = 0; row < m->n; row++) {
        double lost = 0;
        for (size_t column = 0; column < m->k; column++) {
            const size_t at = index_of(m, row, column);
            lost += gram->sum[m->group * m->k + m->input[column]] / rows *
                    ((double)before[at] - (double)after[at]);
        }
        bias[m->group * m->n + row] += (float)lost;
    }
}

static c2s_status fit_group(matrix *m, const c2s_gram *gram, double damping, float *weights,
                            const float *before, float *bias) {
    read_group(m, m->group, before);
    C2S_TRY(find_factor(m, gram, bias != NULL, c2s_moments_damping(gram, damping)));
    for (size_t first = 0, end; first < m->k; first = end) {
        end = end_of_choice(m, first);
        C2S_TRY(mark(m, first, end));
        make_up(m, first, end);
    }
    write_group(m, weights);
    if (bias)
        correct_bias(m, gram, before, weights, bias);
    return C2S_OK;
}

c2s_status c2s_sparse_by_moments(const c2s_linear_site *site, const c2s_sparse_pattern *pattern,
                                 const c2s_gram *gram, double damping, float *weights,
                                 float *bias) {
    matrix m;
    float *before = NULL;
    const size_t count = site->groups * site->k * site->n;
    c2s_status status = open_matrix(site, pattern, &m);
    if (status == C2S_OK)
        status = c2s_scratch(m.k, m.k * sizeof *m.factor, &m.factor);
    if (status == C2S_OK)
        status = c2s_scratch(count, sizeof *before, &before);
    if (status == C2S_OK)
        memcpy(before, weights, count * sizeof *before);
    for (m.group = 0; m.group < site->groups && status == C2S_OK; m.group++)
        status = fit_group(&m, gram, damping, weights, before, bias);
    free(before);
    close_matrix(&m);
    return status;
}
