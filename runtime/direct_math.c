/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/direct_math.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
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

/* Channels in tiles of nearly equal height: 7 are 4 and 3, not 6 and 1. */
static int64_t height_of(int64_t left) {
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
        height = height_of(d->group_out - out);
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

/* ---- bands ---- */

/* A band of one group of one image. */
typedef struct band {
    const c2s_direct *d;
    const c2s_direct_run *r;
    int64_t image, group, from, to;
    const float *base; /* what the first unit reads */
    float *lines;      /* results of phases that wait for the others */
    float *y;          /* the group's first channel */
} band;

/* Rows of places that are computed alike. */
typedef struct places {
    int64_t rows, length; /* results of each */
    const float *from;
    int64_t from_row;
    float *to;
    int64_t to_row, to_channel;
} places;

/* The next place of a walk over rows. A row that ends within a vector has its last one reach back,
 * if it can. */
typedef struct walk {
    int64_t row, column;
} walk;

static void set_place(const places *all, walk *next, c2s_direct_tile *tile, int at) {
    int64_t column = next->column;
    if (column + LANES > all->length && all->length >= LANES)
        column = all->length - LANES;
    tile->from[at] = all->from + next->row * all->from_row + column;
    tile->to[at] = all->to + next->row * all->to_row + column;
    tile->count[at] = least(LANES, all->length - column);
    next->column += LANES;
    if (next->column >= all->length)
        *next = (walk){next->row + 1, 0};
}

/* `tile` has its places; they move on from channel to channel. */
static void run_channels(const band *b, c2s_direct_tile *tile, int count, int64_t phase,
                         int64_t out_from, int64_t out_to) {
    const c2s_direct *d = b->d;
    int64_t kernel = d->row.kernel * d->column.kernel, before = d->taps_before[phase];
    const float *weights =
        b->r->weights + (b->group * kernel + before) * d->group_in * d->group_out;
    tile->taps = (d->taps_before[phase + 1] - before) * d->group_in;
    tile->offset = d->offset + before * d->group_in;
    for (int64_t out = out_from, height; out < out_to; out += height) {
        height = height_of(d->group_out - out);
        tile->weights = weights + out * tile->taps;
        tile->bias = b->r->bias + b->group * d->group_out + out;
        c2s_direct_tile_run(tile, (int)height, count);
        for (int p = 0; p < count; p++)
            tile->to[p] += height * tile->channel;
    }
}

static void run_places(const band *b, const places *all, int64_t phase, int64_t out_from,
                       int64_t out_to) {
    int64_t count = all->rows * ((all->length + LANES - 1) / LANES);
    int64_t at_once = c2s_direct_places((int)height_of(b->d->group_out));
    c2s_direct_tile tile;
    walk next = {0, 0};
    tile.low = b->r->low;
    tile.high = b->r->high;
    tile.channel = all->to_channel;
    for (int64_t left = count, here; left > 0; left -= here) {
        here = left >= 2 * at_once ? at_once : left > at_once ? (left + 1) / 2 : left;
        for (int p = 0; p < here; p++)
            set_place(all, &next, &tile, p);
        run_channels(b, &tile, (int)here, phase, out_from, out_to);
    }
}

static void run_whole(const band *b) {
    const c2s_direct *d = b->d;
    int64_t rows = b->to - b->from, units = d->column.units;
    places all = {.rows = d->joined ? 1 : rows,
                  .length = d->joined ? rows * units : units,
                  .from = b->base,
                  .from_row = d->row.step * d->pitch,
                  .to = b->y + b->from * d->column.out,
                  .to_row = d->column.out,
                  .to_channel = d->row.out * d->column.out};
    run_places(b, &all, 0, 0, d->group_out);
}

static int64_t line_of(const c2s_direct *d) {
    return (d->column.units + LANES - 1) / LANES * LANES;
}

/* The phases' results, one after the other, into a row. */
static void take_turns(const c2s_direct_axis *a, const float *lines, int64_t apart, float *row) {
    int64_t last = a->first + a->units * a->phases <= a->out ? a->units : a->units - 1;
    int64_t begin = a->first < 0 ? 1 : 0;
    if (a->phases == 2)
        for (int64_t u = begin; u < last; u++) {
            row[a->first + 2 * u] = lines[u];
            row[a->first + 2 * u + 1] = lines[apart + u];
        }
    for (int64_t u = 0; u < a->units; u++) {
        if (a->phases == 2 && u >= begin && u < last)
            continue;
        for (int64_t p = 0; p < a->phases; p++) {
            int64_t at = a->first + u * a->phases + p;
            if (at >= 0 && at < a->out)
                row[at] = lines[p * apart + u];
        }
    }
}

/* One row of the result, for a tile of channels. */
static void run_row(const band *b, int64_t unit, int64_t row_phase, int64_t out, int64_t height) {
    const c2s_direct *d = b->d;
    const c2s_direct_axis *c = &d->column;
    int64_t line = line_of(d), row = d->row.first + unit * d->row.phases + row_phase;
    for (int64_t p = 0; p < c->phases; p++) {
        places all = {.rows = 1,
                      .length = c->units,
                      .from = b->base + (unit - b->from) * d->row.step * d->pitch,
                      .to = b->lines + p * line,
                      .to_channel = c->phases * line};
        run_places(b, &all, row_phase * c->phases + p, out, out + height);
    }
    for (int64_t l = 0; l < height; l++)
        take_turns(c, b->lines + l * c->phases * line, line,
                   b->y + ((out + l) * d->row.out + row) * c->out);
}

static void run_phases(const band *b) {
    const c2s_direct *d = b->d;
    for (int64_t unit = b->from; unit < b->to; unit++)
        for (int64_t p = 0; p < d->row.phases; p++) {
            int64_t row = d->row.first + unit * d->row.phases + p;
            for (int64_t out = 0, height; out < d->group_out; out += height) {
                height = height_of(d->group_out - out);
                if (row >= 0 && row < d->row.out)
                    run_row(b, unit, p, out, height);
            }
        }
}

/* ---- what follows ---- */

enum { WIDTH = 16 };

/* The last columns, beside which there is no room. */
static void finish_narrow(const c2s_tail *tail, float *c, int64_t c_row, int64_t i, int64_t j,
                          int64_t rows, int64_t columns) {
    enum { ROWS = 32 };
    float copy[ROWS * WIDTH] = {0};
    for (int64_t from = 0; from < rows; from += ROWS) {
        int64_t here = least(ROWS, rows - from);
        for (int64_t k = 0; k < here; k++)
            memcpy(copy + k * WIDTH, c + (from + k) * c_row, (size_t)columns * sizeof *copy);
        c2s_tail_run(tail, copy, WIDTH, i + from, j, here, columns);
        for (int64_t k = 0; k < here; k++)
            memcpy(c + (from + k) * c_row, copy + k * WIDTH, (size_t)columns * sizeof *copy);
    }
}

static void run_tail(const band *b) {
    const c2s_direct *d = b->d;
    int64_t size = d->row.out * d->column.out, i = b->group * d->group_out;
    int64_t from = most(0, d->row.first + b->from * d->row.phases) * d->column.out;
    int64_t to = least(d->row.out, d->row.first + b->to * d->row.phases) * d->column.out;
    c2s_tail tail = *b->r->tail;
    for (unsigned k = 0; k < tail.count; k++)
        if (tail.op[k].column)
            tail.op[k].operand += b->image * d->groups * d->group_out * size;
    for (int64_t j = from; j < to; j += WIDTH)
        if (to - j >= WIDTH)
            c2s_tail_run(&tail, b->y + j, size, i, j, d->group_out, WIDTH);
        else
            finish_narrow(&tail, b->y + j, size, i, j, d->group_out, to - j);
}

/* ---- all ---- */

static size_t stage_size(const c2s_direct *d) {
    return d->staged ? (size_t)(d->group_in * d->channel) + LANES : 0;
}

size_t c2s_direct_work_size(const c2s_direct *d) {
    size_t lines = d->column.phases > 1 || d->row.phases > 1
                       ? (size_t)(d->column.phases * line_of(d)) * C2S_DIRECT_CHANNELS
                       : 0;
    return stage_size(d) + lines;
}

static void run_band(const c2s_direct *d, const c2s_direct_run *r, int64_t index, float *work) {
    int64_t bands = (d->row.units + d->band - 1) / d->band, part = index / bands;
    band b = {.d = d,
              .r = r,
              .image = part / d->groups,
              .group = part % d->groups,
              .from = index % bands * d->band,
              .lines = work + stage_size(d)};
    b.to = least(b.from + d->band, d->row.units);
    const float *x = r->x + part * d->group_in * d->row.in * d->column.in;
    b.y = r->y + part * d->group_out * d->row.out * d->column.out;
    b.base = d->staged ? work : x + b.from * d->row.step * d->pitch;
    if (d->staged)
        c2s_direct_stage(d, x, b.from, b.to, work);
    if (d->column.phases > 1 || d->row.phases > 1)
        run_phases(&b);
    else
        run_whole(&b);
    if (r->tail->count)
        run_tail(&b);
}

typedef struct whole {
    const c2s_direct *d;
    const c2s_direct_run *r;
} whole;

static void run_bands(const void *context, size_t from, size_t to) {
    const whole *all = context;
    size_t size = c2s_direct_work_size(all->d);
    float *work = all->r->work + size * (size_t)c2s_this_thread();
    memset(work, 0, stage_size(all->d) * sizeof *work);
    for (size_t i = from; i < to; i++)
        run_band(all->d, all->r, (int64_t)i, work);
}

void c2s_direct_run_all(const c2s_direct *d, const c2s_direct_run *r) {
    const whole all = {d, r};
    int64_t bands = (d->row.units + d->band - 1) / d->band;
    c2s_share((size_t)(d->images * d->groups * bands), true, run_bands, &all);
}
