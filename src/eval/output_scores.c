/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/output_scores.h"

#include <math.h>

#include "ir/convert.h"

bool c2s_is_float_tensor(const c2s_tensor *t) {
    return c2s_type_is_tensor(&t->type) && c2s_dtype_is_float(t->type.dtype);
}

enum { CHUNK = 512 };

void c2s_output_power_add(c2s_output_power *p, const c2s_tensor *first, const c2s_tensor *found) {
    p->counts = true;
    if (!c2s_is_float_tensor(found) || !c2s_type_same_extents(&first->type, &found->type)) {
        p->noise = INFINITY;
        return;
    }
    const double mark = c2s_dtype_largest(first->type.dtype); /* no result: compare.c */
    double a[CHUNK], b[CHUNK];
    const size_t count = first->count;
    const void *x = c2s_tensor_data(first), *y = c2s_tensor_data(found);
    for (size_t at = 0; at < count; at += CHUNK) {
        const size_t n = count - at < CHUNK ? count - at : CHUNK;
        c2s_load_f64(first->type.dtype, x, at, n, a);
        c2s_load_f64(found->type.dtype, y, at, n, b);
        for (size_t i = 0; i < n; i++) {
            if (a[i] == b[i] || (isnan(a[i]) && isnan(b[i])) || isinf(a[i]))
                b[i] = a[i] = fabs(a[i]) < mark ? a[i] : 0;
            const double d = a[i] - b[i];
            p->signal += isnan(a[i]) ? 0 : a[i] * a[i];
            p->noise += isnan(d) ? INFINITY : d * d;
        }
    }
}

static double decibels(const c2s_output_power *p) {
    if (p->noise == 0)
        return INFINITY;
    return p->signal > 0 && isfinite(p->noise) ? 10 * log10(p->signal / p->noise) : -INFINITY;
}

size_t c2s_rows_of(const c2s_tensor *t) {
    if (!c2s_is_float_tensor(t) || t->type.rank < 1 || t->type.dim[t->type.rank - 1] < 2)
        return 0;
    return t->count / (size_t)t->type.dim[t->type.rank - 1];
}

/* The index of the first largest element of a row; -1 if it holds nothing but NaN. */
static int64_t argmax(const c2s_tensor *t, size_t row) {
    const size_t width = (size_t)t->type.dim[t->type.rank - 1];
    float chunk[CHUNK], best = -INFINITY;
    int64_t at_best = -1;
    for (size_t at = 0; at < width; at += CHUNK) {
        const size_t n = width - at < CHUNK ? width - at : CHUNK;
        c2s_load_f32(t->type.dtype, c2s_tensor_data(t), row * width + at, n, chunk);
        for (size_t i = 0; i < n; i++)
            if (chunk[i] > best || (at_best < 0 && !isnan(chunk[i]))) {
                best = chunk[i];
                at_best = (int64_t)(at + i);
            }
    }
    return at_best;
}

void c2s_row_tally_add(c2s_row_tally *t, const c2s_tensor *first, const c2s_tensor *found,
                       const int64_t *labels, int64_t offset) {
    const size_t rows = c2s_rows_of(first);
    if (c2s_rows_of(found) != rows)
        return;
    for (size_t row = 0; row < rows; row++) {
        const int64_t then = argmax(first, row), now = argmax(found, row);
        t->rows++;
        t->agreeing += then == now;
        if (!labels || labels[row] < 0)
            continue;
        const bool was = then == labels[row] + offset, is = now == labels[row] + offset;
        t->labelled++;
        t->hits_first += was;
        t->hits += is;
        t->gained += is && !was;
        t->lost += was && !is;
    }
}

static double percent(size_t part, size_t whole) {
    return whole ? 100 * (double)part / (double)whole : (double)NAN;
}

void c2s_scores_sum_up(const c2s_output_power *powers, unsigned outputs, const c2s_row_tally *t,
                       c2s_quality_result *result) {
    result->sqnr_db = INFINITY;
    for (unsigned k = 0; k < outputs; k++)
        if (powers[k].counts)
            result->sqnr_db = fmin(result->sqnr_db, decibels(&powers[k]));
    result->agreement = percent(t->agreeing, t->rows);
    result->top1 = percent(t->hits, t->labelled);
    result->top1_first = percent(t->hits_first, t->labelled);
    const double n = (double)t->labelled, gained = (double)t->gained, lost = (double)t->lost;
    const double variance = gained + lost - (gained - lost) * (gained - lost) / n;
    result->drop_error = t->labelled ? 100 * sqrt(fmax(variance, 0)) / n : (double)NAN;
}
