/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/tensor_distance.h"

#include "ir/convert.h"

enum { CHUNK = 512 };

/* As SMALLEST_SCALE of compare.c: below it a reference counts as zero. */
#define SMALLEST_SCALE 1e-4

bool c2s_is_numeric_tensor(const c2s_tensor *t) {
    return c2s_type_is_tensor(&t->type) && c2s_dtype_is_real(t->type.dtype);
}

static double decibels(double signal, double noise) {
    if (noise == 0)
        return INFINITY;
    return signal > 0 && isfinite(noise) ? 10 * log10(signal / noise) : -INFINITY;
}

/* One sample's part of the sums; `largest` is the greatest finite magnitude. */
typedef struct sample {
    double max_abs, largest, signal, noise;
} sample;

/* `mark`: the largest number of the type, which is no result (compare.c). */
static void add_element(c2s_distance *d, sample *s, double a, double b, double mark) {
    const bool equal = a == b || (isnan(a) && isnan(b));
    const double difference = equal ? 0 : fabs(b - a);
    const double error = isnan(difference) ? INFINITY : difference;
    s->max_abs = error > s->max_abs ? error : s->max_abs;
    s->noise += error * error;
    d->sum_abs += error;
    if (isfinite(a) && (fabs(a) < mark || !equal)) {
        const double size = fabs(a);
        s->largest = size > s->largest ? size : s->largest;
        s->signal += a * a;
        d->magnitude += size;
        d->low = a < d->low ? a : d->low;
        d->high = a > d->high ? a : d->high;
    }
    if (isfinite(a) && isfinite(b) && (fabs(a) < mark || !equal)) {
        d->found += b * b;
        d->product += a * b;
    }
}

void c2s_distance_add(c2s_distance *d, const c2s_tensor *reference, const c2s_tensor *found) {
    if (!c2s_is_numeric_tensor(reference) || !c2s_is_numeric_tensor(found) ||
        !c2s_type_same_extents(&reference->type, &found->type)) {
        d->other_shape++;
        return;
    }
    double a[CHUNK], b[CHUNK];
    sample s = {.largest = SMALLEST_SCALE};
    const double mark = c2s_dtype_largest(reference->type.dtype);
    const size_t count = reference->count;
    const void *x = c2s_tensor_data(reference), *y = c2s_tensor_data(found);
    for (size_t at = 0; at < count; at += CHUNK) {
        const size_t n = count - at < CHUNK ? count - at : CHUNK;
        c2s_load_f64(reference->type.dtype, x, at, n, a);
        c2s_load_f64(found->type.dtype, y, at, n, b);
        for (size_t i = 0; i < n; i++)
            add_element(d, &s, a[i], b[i], mark);
    }
    d->samples++;
    d->elements += count;
    d->max_abs = fmax(d->max_abs, s.max_abs);
    d->max_rel = fmax(d->max_rel, s.max_abs / s.largest);
    d->signal += s.signal;
    d->noise += s.noise;
    d->least_sqnr_db = fmin(d->least_sqnr_db, decibels(s.signal, s.noise));
}

double c2s_distance_sqnr(const c2s_distance *d) {
    return d->samples ? decibels(d->signal, d->noise) : (double)NAN;
}

/* 1 if there is no difference, also between zeros; NaN against zeros otherwise. */
static double cosine(const c2s_distance *d) {
    if (d->noise == 0)
        return 1;
    if (!isfinite(d->noise))
        return -1;
    const double length = sqrt(d->signal) * sqrt(d->found);
    return length > 0 ? fmin(d->product / length, 1) : 0;
}

static double psnr(const c2s_distance *d) {
    const double peak = d->high - d->low;
    return decibels(peak > 0 ? peak * peak : 0, d->noise / (double)d->elements);
}

void c2s_distance_metrics(const c2s_distance *d, double value[C2S_METRIC_COUNT]) {
    if (d->elements == 0)
        return;
    const struct {
        c2s_metric_id id;
        double value;
    } row[] = {
        {C2S_METRIC_MAX_ABS, d->max_abs},
        {C2S_METRIC_MEAN_ABS, d->sum_abs / (double)d->elements},
        {C2S_METRIC_MAX_REL, d->max_rel},
        {C2S_METRIC_MEAN_REL, d->sum_abs == 0 ? 0 : d->sum_abs / d->magnitude},
        {C2S_METRIC_SQNR, c2s_distance_sqnr(d)},
        {C2S_METRIC_SQNR_SAMPLE, d->least_sqnr_db},
        {C2S_METRIC_PSNR, psnr(d)},
        {C2S_METRIC_COSINE, cosine(d)},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        c2s_metric_worsen(row[i].id, &value[row[i].id], row[i].value);
}
