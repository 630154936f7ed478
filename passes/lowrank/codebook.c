/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/codebook.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Cells that dynamic programming sees: at most, and for each centre. */
enum { MOST_CELLS = 4096, CELLS_OF_CENTRE = 64, MOST_ROUNDS = 50 };

typedef struct weighed {
    double value, weight;
} weighed;

/* Sums over the first i of them. */
typedef struct sums {
    double weight, first, second;
} sums;

static int by_value(const void *a, const void *b) {
    const weighed *x = a, *y = b;
    return x->value < y->value ? -1 : x->value > y->value;
}

static void add_up(const weighed *at, size_t count, sums *out) {
    out[0] = (sums){0, 0, 0};
    for (size_t i = 0; i < count; i++) {
        const double w = at[i].weight, v = at[i].value;
        out[i + 1] = (sums){out[i].weight + w, out[i].first + w * v, out[i].second + w * v * v};
    }
}

/* ---- dynamic programming ---- */

typedef struct table {
    const sums *sum;
    const double *before; /* least error of the first i cells with one centre fewer */
    double *now;
    uint32_t *cut; /* where the last centre's cells begin */
} table;

/* Squared error of cells i.. to j - 1 around their mean. */
static double spread(const sums *s, size_t i, size_t j) {
    const double weight = s[j].weight - s[i].weight, first = s[j].first - s[i].first;
    if (!(weight > 0))
        return 0;
    return fmax(0, s[j].second - s[i].second - first * first / weight);
}

/* For ends low..high, whose best cuts lie in from..to: cuts grow with ends. */
static void fill(const table *t, size_t low, size_t high, size_t from, size_t to) {
    if (low > high)
        return;
    const size_t end = low + (high - low) / 2;
    size_t best = from;
    double least = (double)INFINITY;
    for (size_t cut = from; cut <= to && cut < end; cut++) {
        const double error = t->before[cut] + spread(t->sum, cut, end);
        if (error >= least)
            continue;
        least = error;
        best = cut;
    }
    t->now[end] = least;
    t->cut[end] = (uint32_t)best;
    if (end > low)
        fill(t, low, end - 1, from, best);
    fill(t, end + 1, high, best, to);
}

static void mean_of(const sums *s, size_t i, size_t j, const weighed *cells, double *centre) {
    const double weight = s[j].weight - s[i].weight;
    *centre = weight > 0 ? (s[j].first - s[i].first) / weight : cells[i].value;
}

/* `cells` > most; `errors` [2, cells + 1], `cuts` [most, cells + 1]. */
static void divide(const weighed *at, const sums *sum, size_t cells, size_t most, double *errors,
                   uint32_t *cuts, double *centres) {
    double *before = errors, *now = errors + cells + 1;
    for (size_t end = 0; end <= cells; end++)
        before[end] = spread(sum, 0, end);
    for (size_t k = 1; k < most; k++) {
        const table t = {sum, before, now, cuts + k * (cells + 1)};
        fill(&t, k + 1, cells, k, cells - 1);
        for (size_t end = 0; end <= k; end++)
            now[end] = 0;
        double *swap = before;
        before = now;
        now = swap;
    }
    for (size_t k = most, end = cells; k-- > 0;) {
        const size_t begin = k > 0 ? cuts[k * (cells + 1) + end] : 0;
        mean_of(sum, begin, end, at, &centres[k]);
        end = begin;
    }
}

static c2s_status divide_cells(const weighed *at, size_t cells, size_t most, double *centres) {
    sums *sum = NULL;
    double *errors = NULL;
    uint32_t *cuts = NULL;
    c2s_status status = c2s_scratch(cells + 1, sizeof *sum, &sum);
    if (status == C2S_OK)
        status = c2s_scratch(cells + 1, 2 * sizeof *errors, &errors);
    if (status == C2S_OK)
        status = c2s_scratch(cells + 1, most * sizeof *cuts, &cuts);
    if (status == C2S_OK) {
        add_up(at, cells, sum);
        divide(at, sum, cells, most, errors, cuts, centres);
    }
    free(sum);
    free(errors);
    free(cuts);
    return status;
}

/* ---- cells ---- */

/* Equal values become one. Returns how many are left. */
static size_t merge_equal(weighed *at, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept > 0 && at[kept - 1].value == at[i].value)
            at[kept - 1].weight += at[i].weight;
        else
            at[kept++] = at[i];
    return kept;
}

/* As many neighbours to each cell, which is their mean. */
static void make_cells(const weighed *at, size_t count, size_t cells, weighed *out) {
    for (size_t c = 0; c < cells; c++) {
        const size_t begin = c * count / cells, end = (c + 1) * count / cells;
        double weight = 0, sum = 0;
        for (size_t i = begin; i < end; i++) {
            weight += at[i].weight;
            sum += at[i].weight * at[i].value;
        }
        out[c] = (weighed){weight > 0 ? sum / weight : at[begin].value, weight};
    }
}

/* The first of the ascending values that is above `bound`. */
static size_t above(const weighed *at, size_t count, double bound) {
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (at[middle].value <= bound)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Lloyd's iteration: centres are the means of what is nearest to them, until nothing moves. */
static void settle(const weighed *at, const sums *sum, size_t count, double *centres, size_t most) {
    bool moved = true;
    for (int round = 0; round < MOST_ROUNDS && moved; round++) {
        size_t begin = 0;
        moved = false;
        double last = centres[0];
        for (size_t k = 0; k < most; k++) {
            const double own = last;
            const double bound = k + 1 < most ? own + (centres[k + 1] - own) / 2 : (double)INFINITY;
            const size_t end = above(at, count, bound);
            last = k + 1 < most ? centres[k + 1] : 0;
            if (sum[end].weight > sum[begin].weight)
                centres[k] =
                    (sum[end].first - sum[begin].first) / (sum[end].weight - sum[begin].weight);
            moved |= centres[k] != own;
            begin = end;
        }
    }
}

/* Weights that were set to 0 stay it. */
static void keep_zero(const weighed *at, size_t count, double total, double *centres, size_t most) {
    const size_t end = above(at, count, 0);
    const bool has_zero = end > 0 && at[end - 1].value == 0;
    if (has_zero && at[end - 1].weight * (double)most >= total)
        centres[c2s_codebook_nearest(centres, most, 0)] = 0;
}

static c2s_status fit_sorted(const weighed *at, size_t count, size_t most, double *centres) {
    size_t cells = most * CELLS_OF_CENTRE;
    cells = cells < MOST_CELLS ? cells : MOST_CELLS;
    sums *sum = NULL;
    weighed *cell = NULL;
    if (count <= cells)
        return divide_cells(at, count, most, centres);
    c2s_status status = c2s_scratch(cells, sizeof *cell, &cell);
    if (status == C2S_OK)
        status = c2s_scratch(count + 1, sizeof *sum, &sum);
    if (status == C2S_OK) {
        make_cells(at, count, cells, cell);
        status = divide_cells(cell, cells, most, centres);
    }
    if (status == C2S_OK) {
        add_up(at, count, sum);
        settle(at, sum, count, centres, most);
    }
    free(cell);
    free(sum);
    return status;
}

c2s_status c2s_codebook_fit(const double *values, const double *weights, size_t count, size_t most,
                            double *centres, size_t *found) {
    weighed *at;
    double total = 0;
    C2S_TRY(c2s_scratch(count, sizeof *at, &at));
    for (size_t i = 0; i < count; i++) {
        at[i] = (weighed){values[i], weights ? weights[i] : 1};
        total += at[i].weight;
    }
    if (!(total > 0)) /* then one is as good as another */
        for (size_t i = 0; i < count; i++, total += 1)
            at[i].weight = 1;
    qsort(at, count, sizeof *at, by_value);
    const size_t different = merge_equal(at, count);
    c2s_status status = C2S_OK;
    *found = different < most ? different : most;
    if (different <= most) {
        for (size_t i = 0; i < different; i++)
            centres[i] = at[i].value;
    } else {
        status = fit_sorted(at, different, most, centres);
        if (status == C2S_OK)
            keep_zero(at, different, total, centres, most);
    }
    free(at);
    return status;
}

size_t c2s_codebook_nearest(const double *centres, size_t count, double value) {
    size_t low = 0, high = count - 1;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (value <= centres[middle] + (centres[middle + 1] - centres[middle]) / 2)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
