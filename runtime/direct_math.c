/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/direct_math.h"

#include <string.h>

#include "base/threads.h"
#include "runtime/direct_tiles.h"
#include "runtime/vector.h"

enum { LANES = C2S_DIRECT_LANES };

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
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
        height = c2s_direct_height(d->group_out - out);
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
    int64_t at_once = c2s_direct_places((int)c2s_direct_height(b->d->group_out));
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

static void put_unit(const c2s_direct_axis *a, const float *lines, int64_t apart, int64_t unit,
                     float *row) {
    for (int64_t p = 0; p < a->phases; p++) {
        int64_t at = a->first + unit * a->phases + p;
        if (at >= 0 && at < a->out)
            row[at] = lines[p * apart + unit];
    }
}

/* The results of phases, one line after the other, take turns in a row. */
C2S_V8 static void take_turns(const c2s_direct_axis *a, const float *lines, int64_t apart,
                              float *row) {
    int64_t unit = 0, last = a->first + a->units * a->phases <= a->out ? a->units : a->units - 1;
    if (a->first < 0)
        put_unit(a, lines, apart, unit++, row);
    for (; a->phases == 2 && unit + LANES <= last; unit += LANES) {
        float *to = row + a->first + 2 * unit;
        c2s_v8 low, high;
        v8_take_turns(v8_load(lines + unit), v8_load(lines + apart + unit), &low, &high);
        v8_store(to, low);
        v8_store(to + LANES, high);
    }
    for (; unit < a->units; unit++)
        put_unit(a, lines, apart, unit, row);
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
                height = c2s_direct_height(d->group_out - out);
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
    int64_t from = (d->row.first + b->from * d->row.phases) * d->column.out;
    from = from < 0 ? 0 : from;
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
    const size_t staged = stage_size(all->d);
    if (staged)
        memset(work, 0, staged * sizeof *work);
    for (size_t i = from; i < to; i++)
        run_band(all->d, all->r, (int64_t)i, work);
}

void c2s_direct_run_all(const c2s_direct *d, const c2s_direct_run *r) {
    const whole all = {d, r};
    int64_t bands = (d->row.units + d->band - 1) / d->band;
    c2s_share((size_t)(d->images * d->groups * bands), true, run_bands, &all);
}
