/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/range_entropy.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"

enum { CANDIDATES = 256 };

/* Bins in use: those between `least` and `most`, the extremes of the numbers and 0. */
typedef struct distribution {
    const c2s_value_stats *stats;
    const c2s_code_grid *grid;
    double width, low, high;
    unsigned bins;
    int first;
    double *count; /* of bin k, from `first` on, zeros left out */
    double *reference;
    int *code;     /* of the bin's middle; by bin */
    double *share; /* by code */
    unsigned *filled;
} distribution;

static void sum_by_code(distribution *d, unsigned from, unsigned to, c2s_affine affine) {
    const unsigned codes = (unsigned)(d->grid->most - d->grid->least) + 1;
    for (unsigned c = 0; c < codes; c++) {
        d->share[c] = 0;
        d->filled[c] = 0;
    }
    for (unsigned k = from; k < to; k++) {
        const double middle = ((double)d->first + k + 0.5) * d->width;
        const double code = rint(middle / (double)affine.scale + (double)affine.zero);
        const double in = fmin(fmax(code, (double)d->grid->least), (double)d->grid->most);
        d->code[k] = (int)(in - (double)d->grid->least);
        d->share[d->code[k]] += d->count[k];
        d->filled[d->code[k]] += d->count[k] > 0;
    }
}

/* Of the reference from the distribution of codes, over bins `from` to `to`; up to a constant. */
static double divergence(const distribution *d, unsigned from, unsigned to, double total,
                         double inside) {
    const double least = 1e-4 * inside / (to - from); /* for a bin that no code gives anything */
    double sum = 0;
    for (unsigned k = from; k < to; k++) {
        if (d->reference[k] <= 0)
            continue;
        const int code = d->code[k];
        const double other = d->count[k] > 0 ? d->share[code] / d->filled[code] : least;
        sum += d->reference[k] * log(d->reference[k] / total * inside / other);
    }
    const double zeros = (double)d->stats->zeros;
    if (zeros > 0)
        sum += zeros * log(inside / total);
    return sum / total;
}

static double judge(distribution *d, double share) {
    const double low = d->low * share, high = d->high * share;
    unsigned from = (unsigned)fmax(floor(low / d->width) - d->first, 0);
    unsigned to = (unsigned)fmin(ceil(high / d->width) - d->first, d->bins);
    double inside = (double)d->stats->zeros, below = 0, above = 0;
    for (unsigned k = 0; k < d->bins; k++) {
        d->reference[k] = d->count[k];
        *(k < from ? &below : k < to ? &inside : &above) += d->count[k];
    }
    d->reference[from] += below;
    d->reference[to - 1] += above;
    if (inside <= 0)
        return INFINITY;
    sum_by_code(d, from, to, c2s_affine_of_range(d->grid, (float)low, (float)high));
    return divergence(d, from, to, inside + below + above, inside);
}

static double search(distribution *d) {
    const double codes = (double)(d->grid->most - d->grid->least) + 1;
    const double range = (d->high - d->low) / d->width; /* in bins */
    double best = 1, least = INFINITY;
    for (int k = CANDIDATES; k > 0; k--) {
        const double share = (double)k / CANDIDATES;
        if (share < 1 && share * range < codes)
            break;
        const double found = judge(d, share);
        if (found < least) {
            least = found;
            best = share;
        }
    }
    return best;
}

double c2s_range_entropy(const c2s_value_stats *stats, const c2s_code_grid *grid) {
    const c2s_histogram *h = &stats->histogram;
    distribution d = {.stats = stats, .grid = grid, .width = ldexp(1, h->exponent)};
    d.low = fmin((double)stats->min, 0);
    d.high = fmax((double)stats->max, 0);
    if (grid->symmetric) {
        d.high = fmax(d.high, -d.low);
        d.low = -d.high;
    }
    if (!grid->whole || d.high <= d.low)
        return 1;
    d.first = (int)floor(d.low / d.width);
    d.bins = (unsigned)((int)floor(d.high / d.width) - d.first) + 1;
    const size_t codes = (size_t)(grid->most - grid->least) + 1;
    d.count = c2s_zalloc(d.bins * sizeof *d.count);
    d.reference = c2s_zalloc(d.bins * sizeof *d.reference);
    d.code = c2s_zalloc(d.bins * sizeof *d.code);
    d.share = c2s_zalloc(codes * sizeof *d.share);
    d.filled = c2s_zalloc(codes * sizeof *d.filled);
    for (unsigned k = 0; k < h->capacity; k++)
        if (h->bin[k] > 0)
            d.count[h->first + (int)k - d.first] = (double)h->bin[k];
    d.count[-d.first] -= (double)stats->zeros;
    const double best = search(&d);
    free(d.count);
    free(d.reference);
    free(d.code);
    free(d.share);
    free(d.filled);
    return best;
}
