/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows first, then columns, with weights of 22 bits behind the point: sums of 255 * 2^22 fit 32
 * bits.
 */
#include "io/image_scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/simd.h"

enum { POINT = 22 };

/* For each pixel of the result: `count` pixels from `from` on, and their weights. */
typedef struct taps {
    int64_t first, most; /* pixel of the result; weights per pixel */
    int64_t *from, *count;
    int32_t *weight;
} taps;

static void free_taps(taps *t) {
    free(t->from);
    free(t->count);
    free(t->weight);
}

/* A triangle around the pixel's centre that reaches to its neighbours' centres in the coarser of
 * both grids, cut at the edges and normalised. */
static void find_weights(double centre, double reach, int64_t from, int64_t count, double *w,
                         int32_t *out) {
    double sum = 0;
    for (int64_t k = 0; k < count; k++) {
        const double distance = fabs(((double)(from + k) + 0.5 - centre) / reach);
        w[k] = distance < 1 ? 1 - distance : 0;
        sum += w[k];
    }
    for (int64_t k = 0; k < count; k++)
        out[k] = (int32_t)floor(w[k] / sum * (1 << POINT) + 0.5);
}

static c2s_status make_taps(int64_t in, int64_t out, int64_t first, int64_t count, taps *t) {
    const double scale = (double)in / (double)out, reach = scale > 1 ? scale : 1;
    size_t all;
    *t = (taps){.first = first, .most = (int64_t)ceil(reach) * 2 + 1};
    if (!c2s_mul_size((size_t)t->most, (size_t)count, &all) || all > SIZE_MAX / 8 ||
        !c2s_memory_allows(all, sizeof *t->weight))
        return c2s_fail_alloc((size_t)count, (size_t)t->most);
    t->from = c2s_alloc_array((size_t)count, sizeof *t->from);
    t->count = c2s_alloc_array((size_t)count, sizeof *t->count);
    t->weight = c2s_alloc_array(all, sizeof *t->weight);
    double *w = c2s_alloc_array((size_t)t->most, sizeof *w);
    for (int64_t k = 0; k < count; k++) {
        const double centre = ((double)(first + k) + 0.5) * scale;
        int64_t from = (int64_t)(centre - reach + 0.5), to = (int64_t)(centre + reach + 0.5);
        from = from < 0 ? 0 : from;
        to = to > in ? in : to;
        t->from[k] = from;
        t->count[k] = to - from;
        find_weights(centre, reach, from, to - from, w, t->weight + k * t->most);
    }
    free(w);
    return C2S_OK;
}

static uint8_t level(int32_t sum) {
    const int32_t value = sum >> POINT;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* One row of the result, three bytes a pixel. */
static void scale_row(const uint8_t *in, const taps *t, int64_t count, uint8_t *out) {
    for (int64_t x = 0; x < count; x++, out += 3) {
        const uint8_t *at = in + t->from[x] * 3;
        const int32_t *w = t->weight + x * t->most;
        int32_t r = 1 << (POINT - 1), g = r, b = r;
        for (int64_t k = 0; k < t->count[x]; k++, at += 3) {
            r += w[k] * at[0];
            g += w[k] * at[1];
            b += w[k] * at[2];
        }
        out[0] = level(r);
        out[1] = level(g);
        out[2] = level(b);
    }
}

C2S_INLINE void add_row_loop(const uint8_t *in, size_t bytes, int32_t weight, int32_t *sum) {
    for (size_t k = 0; k < bytes; k++)
        sum[k] += weight * in[k];
}

C2S_SIMD(add_row, add_row_loop, (const uint8_t *in, size_t bytes, int32_t weight, int32_t *sum),
         (in, bytes, weight, sum))

static void scale_columns(const uint8_t *rows, int64_t first_row, size_t bytes, const taps *t,
                          int64_t count, int32_t *sum, uint8_t *out) {
    for (int64_t y = 0; y < count; y++, out += bytes) {
        for (size_t k = 0; k < bytes; k++)
            sum[k] = 1 << (POINT - 1);
        for (int64_t k = 0; k < t->count[y]; k++)
            add_row(rows + (size_t)(t->from[y] + k - first_row) * bytes, bytes,
                    t->weight[y * t->most + k], sum);
        for (size_t k = 0; k < bytes; k++)
            out[k] = level(sum[k]);
    }
}

static c2s_status scale_with(const c2s_image *in, const taps *across, const taps *down,
                             const c2s_image_box *box, c2s_image *out) {
    const int64_t last = box->height - 1, from = down->from[0];
    const int64_t rows = down->from[last] + down->count[last] - from;
    const size_t bytes = (size_t)box->width * 3;
    c2s_image between;
    C2S_TRY(c2s_image_new(box->width, rows, &between));
    c2s_status status = c2s_image_new(box->width, box->height, out);
    if (status == C2S_OK) {
        int32_t *sum = c2s_alloc_array(bytes, sizeof *sum);
        for (int64_t y = 0; y < rows; y++)
            scale_row(in->rgb + (size_t)(from + y) * (size_t)in->width * 3, across, box->width,
                      between.rgb + (size_t)y * bytes);
        scale_columns(between.rgb, from, bytes, down, box->height, sum, out->rgb);
        free(sum);
    }
    c2s_image_drop(&between);
    return status;
}

c2s_status c2s_image_scale(const c2s_image *in, int64_t width, int64_t height,
                           const c2s_image_box *box, c2s_image *out) {
    taps across = {0}, down = {0};
    *out = (c2s_image){0};
    c2s_status status = make_taps(in->width, width, box->left, box->width, &across);
    if (status == C2S_OK)
        status = make_taps(in->height, height, box->top, box->height, &down);
    if (status == C2S_OK)
        status = scale_with(in, &across, &down, box, out);
    free_taps(&across);
    free_taps(&down);
    return status;
}
