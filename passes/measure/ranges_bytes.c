/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as they are in memory (little-endian): a count of samples and their numbers, a count of
 * values, and for each its name, its sums, the bins that are not empty, the channels.
 */
#include "passes/measure/ranges_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- writing ---- */

static void put(c2s_byte_vec *out, const void *data, size_t size) {
    if (size == 0)
        return;
    c2s_vec_reserve(out, out->count + size);
    memcpy(out->at + out->count, data, size);
    out->count += size;
}

#define PUT(out, value) put(out, &(value), sizeof(value))

/* What is stored of a histogram beside the bins. */
typedef struct grid {
    uint32_t capacity, from, count; /* bins [from, from + count) follow */
    int32_t exponent, first;
} grid;

static void put_histogram(c2s_byte_vec *out, const c2s_histogram *h) {
    grid g = {h->capacity, 0, h->capacity, h->exponent, h->first};
    while (g.count > 0 && h->bin[g.count - 1] == 0)
        g.count--;
    while (g.from < g.count && h->bin[g.from] == 0)
        g.from++;
    g.count -= g.from;
    PUT(out, g);
    put(out, h->bin + g.from, g.count * sizeof *h->bin);
}

static void put_channels(c2s_byte_vec *out, const c2s_channel_stats *s) {
    const int64_t head[3] = {s->axis, s->refuted, (int64_t)s->extent};
    PUT(out, head);
    put(out, s->count, s->extent * sizeof *s->count);
    put(out, s->min, s->extent * sizeof *s->min);
    put(out, s->max, s->extent * sizeof *s->max);
    put(out, s->sum, s->extent * sizeof *s->sum);
    put(out, s->sum_squares, s->extent * sizeof *s->sum_squares);
}

/* The plain members, together. */
typedef struct sums {
    uint64_t samples, count, ignored, zeros;
    double sum_min, sum_max, sum, sum_squares;
    float min, max;
} sums;

static void put_stats(c2s_byte_vec *out, const c2s_value_stats *s) {
    const uint64_t length = strlen(s->name);
    const sums plain = {s->samples, s->count, s->ignored,     s->zeros, s->sum_min,
                        s->sum_max, s->sum,   s->sum_squares, s->min,   s->max};
    PUT(out, length);
    put(out, s->name, length);
    PUT(out, plain);
    put_histogram(out, &s->histogram);
    put_channels(out, &s->channels);
}

void c2s_ranges_write(const c2s_ranges *r, c2s_byte_vec *out) {
    const uint64_t seen = r->seen.count, count = r->count;
    PUT(out, seen);
    put(out, r->seen.at, r->seen.count * sizeof *r->seen.at);
    PUT(out, count);
    for (size_t k = 0; k < r->count; k++)
        put_stats(out, &r->stats[k]);
}

/* ---- reading ---- */

typedef struct reader {
    const char *at;
    size_t left;
    size_t bins; /* of all histograms: those that are empty take no bytes, but memory */
    bool full;   /* more than there may be */
} reader;

static bool get(reader *r, void *data, size_t size) {
    if (size > r->left)
        return false;
    if (size > 0)
        memcpy(data, r->at, size);
    r->at += size;
    r->left -= size;
    return true;
}

#define GET(r, value) get(r, value, sizeof *(value))

/* Room for `count` elements that must be there. */
static void *get_array(reader *r, uint64_t count, size_t size) {
    if (count > r->left / size)
        return NULL;
    void *data = c2s_alloc_array((size_t)count + 1, size);
    get(r, data, (size_t)count * size);
    return data;
}

static bool get_histogram(reader *r, c2s_histogram *h) {
    grid g;
    if (!GET(r, &g) || g.capacity < 16 || g.capacity > 65536 || g.from > g.capacity ||
        g.count > g.capacity - g.from || g.first > 0 || g.first <= -65536 || g.exponent < -126 ||
        g.exponent > 128)
        return false;
    r->bins += g.capacity;
    r->full = !c2s_memory_allows(r->bins, sizeof *h->bin);
    if (r->full)
        return false;
    c2s_histogram_init(h, g.capacity);
    h->exponent = g.exponent;
    h->first = g.first;
    return get(r, h->bin + g.from, g.count * sizeof *h->bin);
}

static bool get_channels(reader *r, c2s_channel_stats *s) {
    int64_t head[3];
    if (!get(r, head, sizeof head) || head[0] < -128 || head[0] > 127 || head[2] < 0)
        return false;
    s->axis = (int)head[0];
    s->refuted = head[1] != 0;
    if (head[2] == 0)
        return true;
    const uint64_t extent = (uint64_t)head[2];
    s->extent = (size_t)extent;
    s->count = get_array(r, extent, sizeof *s->count);
    s->min = s->count ? get_array(r, extent, sizeof *s->min) : NULL;
    s->max = s->min ? get_array(r, extent, sizeof *s->max) : NULL;
    s->sum = s->max ? get_array(r, extent, sizeof *s->sum) : NULL;
    s->sum_squares = s->sum ? get_array(r, extent, sizeof *s->sum_squares) : NULL;
    return s->sum_squares != NULL;
}

static bool get_stats(reader *r, c2s_value_stats *s) {
    uint64_t length;
    sums p;
    if (!GET(r, &length) || length > r->left)
        return false;
    s->name = c2s_zalloc((size_t)length + 1);
    if (!get(r, s->name, (size_t)length) || !GET(r, &p) || !get_histogram(r, &s->histogram) ||
        !get_channels(r, &s->channels))
        return false;
    s->samples = p.samples;
    s->count = p.count;
    s->ignored = p.ignored;
    s->zeros = p.zeros;
    s->min = p.min;
    s->max = p.max;
    s->sum_min = p.sum_min;
    s->sum_max = p.sum_max;
    s->sum = p.sum;
    s->sum_squares = p.sum_squares;
    return isfinite(p.min) && isfinite(p.max);
}

static bool get_all(reader *r, c2s_ranges *out) {
    uint64_t seen, count;
    if (!GET(r, &seen))
        return false;
    out->seen.at = get_array(r, seen, sizeof *out->seen.at);
    if (!out->seen.at)
        return false;
    out->seen.count = (size_t)seen;
    out->seen.capacity = (size_t)seen + 1;
    if (!GET(r, &count) || count > r->left / 100) /* a value takes more bytes */
        return false;
    out->stats = c2s_zalloc((size_t)(count + 1) * sizeof *out->stats);
    for (out->count = 0; out->count < count;)
        if (!get_stats(r, &out->stats[out->count++]))
            return false;
    for (size_t k = 1; k < out->count; k++)
        if (strcmp(out->stats[k - 1].name, out->stats[k].name) >= 0)
            return false;
    return r->left == 0;
}

static bool covers(const c2s_ranges *have, const c2s_ranges *wanted) {
    for (size_t k = 0; k < wanted->count; k++) {
        const c2s_value_stats *want = &wanted->stats[k];
        const c2s_value_stats *found = c2s_ranges_of(have, want->name);
        if (!found || found->histogram.capacity != want->histogram.capacity ||
            (want->channels.axis != C2S_NO_CHANNELS && found->channels.axis != want->channels.axis))
            return false;
    }
    return true;
}

c2s_status c2s_ranges_read(c2s_ranges *ranges, const void *data, size_t size, bool *taken) {
    reader r = {.at = data, .left = size};
    c2s_ranges *found = c2s_zalloc(sizeof *found);
    const bool good = get_all(&r, found);
    *taken = good && covers(found, ranges);
    if (*taken) { /* all of it, also what was not asked for: the next one may */
        const c2s_ranges own = *ranges;
        *ranges = *found;
        *found = own;
    }
    c2s_ranges_free(found);
    if (r.full)
        return c2s_fail_alloc(r.bins, sizeof(uint64_t));
    return good ? C2S_OK : c2s_fail(C2S_ERR_INVALID, "the statistics in it are damaged");
}
