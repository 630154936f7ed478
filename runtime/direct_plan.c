/* SPDX-License-Identifier: Apache-2.0
 *
 * What direct convolutions read and where, and their weights in the order of use.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "runtime/direct_math.h"
#include "runtime/direct_tiles.h"

/* Rows of a band should not take more floats than STAGE, but for rows that many results share.
 * PARTS are enough for all threads, if they are not shorter than SHORT. */
enum { LANES = C2S_DIRECT_LANES, STAGE = 48 * 1024, MOST_BAND = 64, PARTS = 8, SHORT = 112 };

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* ---- axes ---- */

c2s_direct_axis c2s_direct_axis_of(bool transposed, int64_t in, int64_t out, int64_t kernel,
                                   int64_t stride, int64_t dilation, int64_t pad) {
    c2s_direct_axis a = {.in = in, .out = out, .kernel = kernel, .dilation = dilation};
    if (!transposed) {
        a.phases = 1;
        a.step = stride;
        a.units = out;
        a.origin = -pad;
        a.reach = (kernel - 1) * dilation + 1;
        return a;
    }
    int64_t unit = pad / stride;
    a.phases = stride;
    a.step = 1;
    a.units = (out - 1 + pad) / stride - unit + 1;
    a.first = unit * stride - pad;
    a.reach = (kernel - 1) * dilation / stride + 1;
    a.origin = unit - a.reach + 1;
    return a;
}

static int64_t phase_of(const c2s_direct_axis *a, int64_t k) {
    return k * a->dilation % a->phases;
}

/* Where kernel position k reads, counted from where its unit begins to. */
static int64_t offset_of(const c2s_direct *d, const c2s_direct_axis *a, int64_t k) {
    return d->transposed ? a->reach - 1 - k * a->dilation / a->phases : k * a->dilation;
}

/* True if no unit reads padding. */
static bool is_inside(const c2s_direct_axis *a) {
    return a->origin == 0 && (a->units - 1) * a->step + a->reach <= a->in;
}

/* ---- the plan ---- */

/* Rows so far apart share few places of the cache. */
static bool is_crowded(int64_t floats) {
    return floats % 512 == 0;
}

static int64_t uncrowded(int64_t floats) {
    return is_crowded(floats) ? floats + 2 * LANES : floats;
}

int64_t c2s_direct_rows(const c2s_direct *d, int64_t units) {
    return (units - 1) * d->row.step + d->row.reach;
}

/* Few rows stay in the cache, many share what they read and are staged once. */
static int64_t choose_band(const c2s_direct *d) {
    const c2s_direct_axis *a = &d->row;
    int64_t row = most(d->group_in * d->pitch * a->step, d->group_out * d->column.out * a->phases);
    int64_t band = most(STAGE / row, 2 * (a->reach - a->step) / a->step);
    if (d->images * d->groups < PARTS)
        band = least(band, most((a->units + PARTS - 1) / PARTS, SHORT / d->column.units));
    return most(1, least(least(band, a->units), MOST_BAND));
}

/* The results of each band that are computed as one row. */
static int64_t shortest_row(const c2s_direct *d) {
    int64_t last = d->row.units % d->band ? d->row.units % d->band : d->band;
    return d->joined ? last * d->column.units : d->column.units;
}

static void plan_in_place(c2s_direct *d) {
    d->pitch = d->column.in;
    d->channel = d->row.in * d->column.in;
    d->joined = d->row.reach == 1 && d->row.step == 1 && d->row.phases == 1 &&
                d->column.reach == 1 && d->column.phases == 1 && d->column.in == d->column.units;
    d->band = choose_band(d);
    d->staged = !is_inside(&d->row) || !is_inside(&d->column) || d->column.step != 1 ||
                shortest_row(d) < LANES || (is_crowded(d->channel) && d->group_in > LANES);
}

static void plan_staged(c2s_direct *d) {
    d->joined = false;
    d->lane_pitch = d->column.units + (d->column.reach - 1) / d->column.step + LANES;
    d->pitch = uncrowded(d->lane_pitch * d->column.step);
    d->band = choose_band(d);
    d->channel = uncrowded(c2s_direct_rows(d, d->band) * d->pitch);
}

static void set_offsets(c2s_direct *d) {
    const c2s_direct_axis *r = &d->row, *c = &d->column;
    ptrdiff_t *to = d->offset;
    int64_t taps = 0;
    for (int64_t p = 0; p < r->phases * c->phases; p++) {
        d->taps_before[p] = taps;
        for (int64_t i = 0; i < d->group_in; i++)
            for (int64_t y = 0; y < r->kernel; y++)
                for (int64_t x = 0; x < c->kernel; x++) {
                    if (phase_of(r, y) != p / c->phases || phase_of(c, x) != p % c->phases)
                        continue;
                    int64_t column = offset_of(d, c, x);
                    if (d->staged)
                        column = column % c->step * d->lane_pitch + column / c->step;
                    *to++ = i * d->channel + offset_of(d, r, y) * d->pitch + column;
                    taps += i == 0;
                }
    }
    d->taps_before[r->phases * c->phases] = taps;
}

bool c2s_direct_finish(c2s_direct *d) {
    if (d->row.phases > C2S_DIRECT_PHASES || d->column.phases > C2S_DIRECT_PHASES ||
        d->row.phases * d->column.phases > C2S_DIRECT_PHASES)
        return false;
    plan_in_place(d);
    if (d->staged)
        plan_staged(d);
    size_t taps = (size_t)(d->group_in * d->row.kernel * d->column.kernel);
    d->offset = c2s_alloc_array(taps, sizeof *d->offset);
    set_offsets(d);
    return true;
}

void c2s_direct_free(c2s_direct *d) {
    free(d->offset);
    d->offset = NULL;
}

/* ---- weights: [group][phase][tile of channels][tap][channel] ---- */

int64_t c2s_direct_height(int64_t left) {
    const int64_t full = C2S_DIRECT_CHANNELS;
    return left >= 2 * full ? full : left > full ? (left + 1) / 2 : left;
}

static float weight_at(const c2s_direct *d, const float *from, int64_t group, int64_t in,
                       int64_t out, int64_t tap) {
    int64_t kernel = d->row.kernel * d->column.kernel;
    int64_t pair = d->transposed ? (group * d->group_in + in) * d->group_out + out
                                 : (group * d->group_out + out) * d->group_in + in;
    return from[pair * kernel + tap];
}

static float *put_phase(const c2s_direct *d, const float *from, int64_t group, int64_t phase,
                        float *to) {
    const c2s_direct_axis *r = &d->row, *c = &d->column;
    for (int64_t out = 0, height; out < d->group_out; out += height) {
        height = c2s_direct_height(d->group_out - out);
        for (int64_t i = 0; i < d->group_in; i++)
            for (int64_t k = 0; k < r->kernel * c->kernel; k++)
                if (phase_of(r, k / c->kernel) * c->phases + phase_of(c, k % c->kernel) == phase)
                    for (int64_t l = 0; l < height; l++)
                        *to++ = weight_at(d, from, group, i, out + l, k);
    }
    return to;
}

void c2s_direct_weights(const c2s_direct *d, const float *from, float *to) {
    for (int64_t g = 0; g < d->groups; g++)
        for (int64_t p = 0; p < d->row.phases * d->column.phases; p++)
            to = put_phase(d, from, g, p, to);
}
