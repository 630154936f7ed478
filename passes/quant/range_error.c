/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/range_error.h"

#include <math.h>

c2s_affine c2s_affine_of_range(const c2s_code_grid *grid, float low, float high) {
    const double least = low < 0 ? (double)low : 0, most = high > 0 ? (double)high : 0;
    c2s_affine affine;
    if (grid->symmetric) {
        const double codes = fmin((double)grid->most - (double)grid->middle,
                                  (double)grid->middle - (double)grid->least);
        affine = (c2s_affine){(float)(fmax(most, -least) / codes), grid->middle};
    } else {
        const double codes = (double)grid->most - (double)grid->least;
        affine.scale = (float)(most / codes - least / codes);
        affine.zero = 0;
        if (affine.scale > 0)
            affine.zero = rintf((float)((double)grid->least - least / (double)affine.scale));
        affine.zero = fminf(fmaxf(affine.zero, grid->least), grid->most);
    }
    if (!(affine.scale > 0) || !isfinite(affine.scale))
        affine.scale = 1;
    return affine;
}

void c2s_affine_reach(const c2s_code_grid *grid, c2s_affine affine, float *low, float *high) {
    *low = (grid->least - affine.zero) * affine.scale;
    *high = (grid->most - affine.zero) * affine.scale;
}

/* ---- whole codes: the integral in closed form ---- */

typedef struct steps {
    double scale, low, high; /* between the outer codes lie whole steps, 0 among their ends */
} steps;

/* Integral of (y - nearest step)^2 over y from 0 to x. */
static double integral_to(const steps *s, double x) {
    const double sign = x < 0 ? -1 : 1, end = x < 0 ? -s->low : s->high;
    const double to = fabs(x), inside = fmin(to, end), half = s->scale / 2;
    const double whole = floor(inside / s->scale + 0.5), beyond = inside - whole * s->scale;
    double sum = whole * s->scale * half * half / 3 + beyond * beyond * beyond / 3;
    if (to > end) {
        const double out = to - end;
        sum += out * out * out / 3;
    }
    return sign * sum;
}

static double error_at(const steps *s, double x) {
    const double inside = fmin(fmax(x, s->low), s->high);
    const double error = x - rint(inside / s->scale) * s->scale;
    return error * error;
}

static double whole_error(const steps *s, double from, double to) {
    if (to - from <= 1e-6 * s->scale) /* nothing is left of the difference of two integrals */
        return error_at(s, from + (to - from) / 2);
    return (integral_to(s, to) - integral_to(s, from)) / (to - from);
}

/* ---- other codes: the mean over points ---- */

static double other_error(const c2s_code_grid *grid, c2s_affine affine, double from, double to) {
    enum { POINTS = 8 };
    float x[POINTS];
    for (int i = 0; i < POINTS; i++)
        x[i] = (float)(from + (to - from) * (i + 0.5) / POINTS);
    return c2s_code_grid_error(grid, affine, x, NULL, POINTS) / POINTS;
}

double c2s_range_error(const c2s_value_stats *stats, const c2s_code_grid *grid, c2s_affine affine) {
    const c2s_histogram *h = &stats->histogram;
    const double scale = (double)affine.scale, zero = (double)affine.zero;
    const steps s = {scale, ((double)grid->least - zero) * scale,
                     ((double)grid->most - zero) * scale};
    const double width = ldexp(1, h->exponent);
    double sum = 0;
    for (unsigned k = 0; k < h->capacity; k++) {
        const uint64_t zeros = (int)k == -h->first ? stats->zeros : 0;
        if (h->bin[k] <= zeros)
            continue;
        const double edge = ((double)h->first + k) * width;
        const double from = fmax(edge, (double)stats->min);
        const double to = fmin(edge + width, (double)stats->max);
        const double mean =
            grid->whole ? whole_error(&s, from, to) : other_error(grid, affine, from, to);
        sum += (double)(h->bin[k] - zeros) * mean;
    }
    return stats->count ? sum / (double)stats->count : 0;
}
