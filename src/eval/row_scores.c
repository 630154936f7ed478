/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/row_scores.h"

#include <math.h>
#include <stdlib.h>

#include "eval/output_scores.h"
#include "ir/convert.h"

/* Probabilities below this count as this: a 0 that was none would make the divergence infinite. */
#define LEAST_PROBABILITY 1e-12

/* Indices of the largest elements, the first of equal ones first. */
static unsigned find_largest(const double *row, size_t width, unsigned most, size_t *top) {
    unsigned count = 0;
    for (size_t i = 0; i < width; i++) {
        if (isnan(row[i]) || (count == most && !(row[i] > row[top[count - 1]])))
            continue;
        unsigned at = count < most ? count++ : count - 1;
        for (; at > 0 && row[i] > row[top[at - 1]]; at--)
            top[at] = top[at - 1];
        top[at] = i;
    }
    return count;
}

static bool is_distribution(const double *row, size_t width) {
    double sum = 0;
    for (size_t i = 0; i < width; i++) {
        if (!(row[i] >= -1e-6))
            return false;
        sum += row[i];
    }
    return fabs(sum - 1) < 1e-3;
}

static void softmax(double *row, size_t width) {
    double largest = -INFINITY, sum = 0;
    for (size_t i = 0; i < width; i++)
        largest = fmax(largest, row[i]);
    for (size_t i = 0; i < width; i++)
        sum += row[i] = exp(row[i] - largest);
    for (size_t i = 0; i < width; i++)
        row[i] /= sum;
}

static void normalise(double *row, size_t width) {
    double sum = 0;
    for (size_t i = 0; i < width; i++)
        sum += row[i] = fmax(row[i], 0);
    for (size_t i = 0; i < width && sum > 0; i++)
        row[i] /= sum;
}

/* Changes the rows. */
static double divergence_of(double *p, double *q, size_t width) {
    for (size_t i = 0; i < width; i++)
        if (!isfinite(p[i]) || !isfinite(q[i]))
            return INFINITY;
    if (is_distribution(p, width)) {
        normalise(p, width);
        normalise(q, width);
    } else {
        softmax(p, width);
        softmax(q, width);
    }
    double sum = 0;
    for (size_t i = 0; i < width; i++)
        if (p[i] > 0)
            sum += p[i] * log(fmax(p[i], LEAST_PROBABILITY) / fmax(q[i], LEAST_PROBABILITY));
    return fmax(sum, 0);
}

static void add_row(c2s_row_scores *s, double *p, double *q, size_t width) {
    size_t a[C2S_TOP], b[C2S_TOP];
    const unsigned na = find_largest(p, width, C2S_TOP, a), nb = find_largest(q, width, C2S_TOP, b);
    s->rows++;
    s->agreeing += (na == 0 && nb == 0) || (na > 0 && nb > 0 && a[0] == b[0]);
    if (width > C2S_TOP) {
        s->wide_rows++;
        for (unsigned i = 0; i < na; i++)
            for (unsigned k = 0; k < nb; k++)
                s->shared += a[i] == b[k];
    }
    s->divergence += divergence_of(p, q, width);
}

c2s_status c2s_row_scores_add(c2s_row_scores *s, const c2s_tensor *reference,
                              const c2s_tensor *found) {
    const size_t rows = c2s_rows_of(reference);
    if (rows == 0 || !c2s_is_float_tensor(found) ||
        !c2s_type_same_extents(&reference->type, &found->type))
        return C2S_OK;
    const size_t width = reference->count / rows;
    double *p;
    C2S_TRY(c2s_scratch(width, 2 * sizeof *p, &p));
    double *q = p + width;
    for (size_t row = 0; row < rows; row++) {
        c2s_load_f64(reference->type.dtype, c2s_tensor_data(reference), row * width, width, p);
        c2s_load_f64(found->type.dtype, c2s_tensor_data(found), row * width, width, q);
        add_row(s, p, q, width);
    }
    free(p);
    return C2S_OK;
}

double c2s_per_cent(uint64_t part, uint64_t whole) {
    return whole ? 100 * (double)part / (double)whole : (double)NAN;
}

void c2s_row_scores_metrics(const c2s_row_scores *s, double value[C2S_METRIC_COUNT]) {
    if (s->rows == 0)
        return;
    c2s_metric_worsen(C2S_METRIC_KL, &value[C2S_METRIC_KL], s->divergence / (double)s->rows);
    c2s_metric_worsen(C2S_METRIC_TOP1_AGREEMENT, &value[C2S_METRIC_TOP1_AGREEMENT],
                      c2s_per_cent(s->agreeing, s->rows));
    c2s_metric_worsen(C2S_METRIC_TOP5_AGREEMENT, &value[C2S_METRIC_TOP5_AGREEMENT],
                      c2s_per_cent(s->shared, C2S_TOP * s->wide_rows));
}
