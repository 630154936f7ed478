/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/range_choice.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "passes/quant/range_entropy.h"

static const char *const names[C2S_RANGE_METHODS] = {[C2S_RANGE_MINMAX] = "minmax",
                                                     [C2S_RANGE_AVERAGE] = "average",
                                                     [C2S_RANGE_PERCENTILE] = "percentile",
                                                     [C2S_RANGE_ENTROPY] = "entropy",
                                                     [C2S_RANGE_MSE] = "mse",
                                                     [C2S_RANGE_AUTO] = "auto"};

const char *c2s_range_method_name(c2s_range_method method) {
    assert(method < C2S_RANGE_METHODS);
    return names[method];
}

bool c2s_range_method_named(const char *name, c2s_range_method *out) {
    for (int k = 0; k < C2S_RANGE_METHODS; k++)
        if (strcmp(name, names[k]) == 0) {
            *out = (c2s_range_method)k;
            return true;
        }
    return false;
}

typedef struct range {
    double low, high;
} range;

/* ---- percentile ---- */

/* The number below which `count` numbers lie, spread evenly within their bins; zeros lie at 0. */
static double quantile(const c2s_value_stats *s, double count) {
    const c2s_histogram *h = &s->histogram;
    double below = 0;
    for (unsigned k = 0; k < h->capacity; k++) {
        const double zeros = (int)k == -h->first ? (double)s->zeros : 0;
        const double others = (double)h->bin[k] - zeros;
        const double from = fmax(c2s_histogram_edge(h, k), (double)s->min);
        const double to = fmin(c2s_histogram_edge(h, k + 1), (double)s->max);
        if (zeros > 0 && count <= below + zeros)
            return 0;
        below += zeros;
        if (others > 0 && count <= below + others)
            return from + (to - from) * (count - below) / others;
        below += others;
    }
    return (double)s->max;
}

/* Numbers of a magnitude up to x, in the same sense. */
static double within(const c2s_value_stats *s, double x) {
    const c2s_histogram *h = &s->histogram;
    double sum = (double)s->zeros;
    for (unsigned k = 0; k < h->capacity; k++) {
        const double zeros = (int)k == -h->first ? (double)s->zeros : 0;
        const double others = (double)h->bin[k] - zeros;
        const double from = fmax(c2s_histogram_edge(h, k), (double)s->min);
        const double to = fmin(c2s_histogram_edge(h, k + 1), (double)s->max);
        const double a = fmax(from, -x), b = fmin(to, x);
        if (others > 0 && b >= a)
            sum += to > from ? others * (b - a) / (to - from) : others;
    }
    return sum;
}

static range percentile(const c2s_value_stats *s, double percent, bool symmetric) {
    const double count = (double)s->count;
    if (!symmetric) {
        const double cut = count * (1 - percent / 100) / 2;
        return (range){quantile(s, cut), quantile(s, count - cut)};
    }
    double low = 0, high = fmax(-(double)s->min, (double)s->max);
    for (int turn = 0; turn < 40; turn++) {
        const double middle = (low + high) / 2;
        if (within(s, middle) < count * percent / 100)
            low = middle;
        else
            high = middle;
    }
    return (range){-high, high};
}

/* ---- least squared error ---- */

typedef struct search {
    const c2s_value_stats *stats;
    const c2s_code_grid *grid;
    range best;
    double least;
} search;

static void try_range(search *s, range r) {
    const c2s_affine affine = c2s_affine_of_range(s->grid, (float)r.low, (float)r.high);
    const double error = c2s_range_error(s->stats, s->grid, affine);
    if (error < s->least) {
        s->least = error;
        s->best = r;
    }
}

enum { LOW = 1, HIGH = 2 };

/* Shrinks one end, or both, from where it is widest: first by factors, then between the best one's
 * neighbours. */
static void search_end(search *s, range widest, int ends) {
    const range start = s->best;
    const double ratio = 0.9;
    double best = 1, step = 1 - ratio;
    for (int round = 0; round < 3; round++) {
        const double centre = best;
        const int from = round == 0 ? 0 : -4, to = round == 0 ? 50 : 4;
        for (int k = from; k <= to; k++) {
            const double factor = round == 0 ? pow(ratio, k) : centre * (1 + k * step / 5);
            const double before = s->least;
            if (factor > 1)
                continue;
            range r = start;
            if (ends & LOW)
                r.low = widest.low * factor;
            if (ends & HIGH)
                r.high = widest.high * factor;
            try_range(s, r);
            if (s->least < before)
                best = factor;
        }
        step /= round == 0 ? 1 : 5;
    }
}

static range least_squares(const c2s_value_stats *stats, const c2s_code_grid *grid, range widest) {
    search s = {stats, grid, widest, INFINITY};
    if (grid->symmetric)
        widest.high = fmax(widest.high, -widest.low), widest.low = -widest.high;
    try_range(&s, widest);
    search_end(&s, widest, LOW | HIGH);
    if (!grid->symmetric && widest.low < 0 && widest.high > 0)
        for (int turn = 0; turn < 2; turn++) {
            search_end(&s, widest, HIGH);
            search_end(&s, widest, LOW);
        }
    return s.best;
}

/* ---- public ---- */

c2s_status c2s_range_choose(const c2s_value_stats *stats, c2s_range_method method, double percent,
                            c2s_dtype dtype, bool symmetric, float *low, float *high) {
    c2s_code_grid grid;
    C2S_TRY(c2s_code_grid_of(dtype, C2S_FLOAT, symmetric, false, &grid));
    const range widest = {fmin((double)stats->min, 0), fmax((double)stats->max, 0)};
    range r = widest;
    if (stats->count > 0 && widest.low < widest.high)
        switch (method) {
        case C2S_RANGE_AVERAGE:
            r = (range){stats->sum_min / (double)stats->samples,
                        stats->sum_max / (double)stats->samples};
            break;
        case C2S_RANGE_PERCENTILE:
            r = percentile(stats, percent > 0 ? percent : C2S_RANGE_PERCENT, grid.symmetric);
            break;
        case C2S_RANGE_ENTROPY: {
            const double share = c2s_range_entropy(stats, &grid);
            r = (range){widest.low * share, widest.high * share};
            break;
        }
        case C2S_RANGE_MSE:
        case C2S_RANGE_AUTO:
            r = least_squares(stats, &grid, widest);
            break;
        default:
            break;
        }
    r.low = fmax(fmin(r.low, 0), widest.low);
    r.high = fmin(fmax(r.high, 0), widest.high);
    if (grid.symmetric)
        r.high = fmax(r.high, -r.low), r.low = -r.high;
    *low = (float)r.low;
    *high = (float)r.high;
    return C2S_OK;
}
