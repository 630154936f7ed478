/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/histogram.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/simd.h"
#include "base/threads.h"

enum {
    LEAST_EXPONENT = -126, /* 2^126, by which numbers are multiplied, is a float */
    TABLES = 4, /* equal numbers follow each other: one counter would wait for itself each time */
    BLOCK = 512,
    FEW = 4096 /* numbers that are not worth tables, nor threads */
};

void c2s_histogram_init(c2s_histogram *h, unsigned capacity) {
    assert(capacity >= 16 && capacity <= 65536);
    *h = (c2s_histogram){.bin = c2s_zalloc(capacity * sizeof *h->bin),
                         .capacity = capacity,
                         .exponent = LEAST_EXPONENT};
}

void c2s_histogram_free(c2s_histogram *h) {
    free(h->bin);
    *h = (c2s_histogram){0};
}

double c2s_histogram_edge(const c2s_histogram *h, unsigned k) {
    return ldexp((double)h->first + k, h->exponent);
}

/* ---- the range ---- */

static double cell_of(double x, int exponent) {
    return floor(ldexp(x, -exponent));
}

/* Bins of the present width move to where the first one is cell `first`. */
static void shift_down(c2s_histogram *h, int first) {
    size_t by = (size_t)(h->first - first);
    if (by == 0)
        return;
    assert(by < h->capacity);
    memmove(h->bin + by, h->bin, (h->capacity - by) * sizeof *h->bin);
    memset(h->bin, 0, by * sizeof *h->bin);
    h->first = first;
}

static int half_of(int cell) {
    return cell >= 0 ? cell / 2 : -((1 - cell) / 2);
}

/* Cells twice as wide. */
static void merge_pairs(c2s_histogram *h) {
    const int first = half_of(h->first);
    uint64_t *merged = c2s_zalloc(h->capacity * sizeof *merged);
    for (unsigned k = 0; k < h->capacity; k++)
        if (h->bin[k] > 0)
            merged[half_of(h->first + (int)k) - first] += h->bin[k];
    free(h->bin);
    h->bin = merged;
    h->first = first;
    h->exponent++;
}

static bool fits(const c2s_histogram *h, double low, double high) {
    return cell_of(high, h->exponent) - cell_of(low, h->exponent) < h->capacity;
}

void c2s_histogram_reach(c2s_histogram *h, float low, float high) {
    assert(isfinite(low) && isfinite(high));
    /* What is reached already: the first cell, and the last one that counts something. Empty bins
     * behind it are no claim. */
    double least = c2s_histogram_edge(h, 0), most = 0;
    for (unsigned k = h->capacity; k > 0 && most == 0; k--)
        if (h->bin[k - 1] > 0)
            most = fmax(most, c2s_histogram_edge(h, k - 1));
    least = fmin(least, (double)low);
    most = fmax(most, (double)high);
    while (!fits(h, least, most))
        merge_pairs(h);
    shift_down(h, (int)fmin(cell_of(least, h->exponent), h->first));
}

/* ---- counting ---- */

/* Indices of bins; a truncation that went up is mended. Indices outside cannot be, but would be
 * written to. */
C2S_INLINE void index_loop(const float *x, size_t count, float inverse, int first, int last,
                           int *index) {
    for (size_t i = 0; i < count; i++) {
        const float scaled = x[i] * inverse;
        int cell = (int)scaled;
        cell -= (float)cell > scaled;
        cell -= first;
        cell = cell < 0 ? 0 : cell;
        index[i] = cell > last ? last : cell;
    }
}

C2S_SIMD(find_index, index_loop,
         (const float *x, size_t count, float inverse, int first, int last, int *index),
         (x, count, inverse, first, last, index))

typedef struct counting {
    c2s_histogram *h;
    const float *x;
    pthread_mutex_t *lock;
} counting;

static void count_few(const counting *c, size_t from, size_t to) {
    const float inverse = ldexpf(1, -c->h->exponent);
    int index[BLOCK];
    for (size_t at = from; at < to; at += BLOCK) {
        const size_t n = to - at < BLOCK ? to - at : BLOCK;
        find_index(c->x + at, n, inverse, c->h->first, (int)c->h->capacity - 1, index);
        for (size_t i = 0; i < n; i++)
            c->h->bin[index[i]]++;
    }
}

/* At most 2^31 numbers: a table counts 32 bits. */
static void count_in_tables(const counting *c, size_t from, size_t to) {
    const float inverse = ldexpf(1, -c->h->exponent);
    const size_t bins = c->h->capacity;
    uint32_t *table = c2s_zalloc(TABLES * bins * sizeof *table);
    uint32_t *t0 = table, *t1 = t0 + bins, *t2 = t1 + bins, *t3 = t2 + bins;
    int index[BLOCK];
    for (size_t at = from; at < to; at += BLOCK) {
        const size_t n = to - at < BLOCK ? to - at : BLOCK;
        find_index(c->x + at, n, inverse, c->h->first, (int)bins - 1, index);
        size_t i = 0;
        for (; i + TABLES <= n; i += TABLES) {
            t0[index[i]]++;
            t1[index[i + 1]]++;
            t2[index[i + 2]]++;
            t3[index[i + 3]]++;
        }
        for (; i < n; i++)
            t0[index[i]]++;
    }
    pthread_mutex_lock(c->lock);
    for (size_t k = 0; k < bins; k++)
        c->h->bin[k] += (uint64_t)t0[k] + t1[k] + t2[k] + t3[k];
    pthread_mutex_unlock(c->lock);
    free(table);
}

static void count_part(const void *context, size_t from, size_t to) {
    const size_t most = (size_t)1 << 31;
    for (; to - from > most; from += most)
        count_in_tables(context, from, from + most);
    count_in_tables(context, from, to);
}

void c2s_histogram_add(c2s_histogram *h, const float *x, size_t count) {
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    const counting c = {h, x, &lock};
    if (count < FEW)
        count_few(&c, 0, count);
    else
        c2s_share(count, count >= 8 * FEW, count_part, &c);
    pthread_mutex_destroy(&lock);
}
