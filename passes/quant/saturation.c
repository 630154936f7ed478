/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/saturation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Scales become larger by up to twice, in so many steps: then 7 bits are left, and all pairs fit.
 */
enum { STEPS = 8 };

/* ---- clipping ---- */

typedef struct mender {
    const c2s_pair_order *order;
    const c2s_code_limits *limits;
    const c2s_code_map *map;
    const float *weights, *importance; /* NULL: see the header; 1 */
    const float *given;                /* the codes before */
    float *codes;
    float scale; /* of the column's codes; 0: each has its own */
    const c2s_affine *affines;
    size_t column, start; /* where its first term lies */
    size_t *offset;       /* of term k from there */
    size_t clipped;
} mender;

static void set_column(mender *m, size_t column) {
    m->column = column;
    m->start = c2s_pair_place(m->order, column, 0);
}

static size_t place(const mender *m, size_t term) {
    return m->start + m->offset[term];
}

static float scale_at(const mender *m, size_t at) {
    return m->scale > 0 ? m->scale : m->affines[c2s_code_group(m->map, at)].scale;
}

/* Squared error of a weight with this code. */
static double error_at(const mender *m, size_t at, float code) {
    const double scale = (double)scale_at(m, at),
                 target = m->weights ? (double)m->weights[at] : (double)m->given[at] * scale,
                 error = target - (double)code * scale;
    return error * error * (m->importance ? (double)m->importance[at] : 1);
}

/* Of all pairs between 0 and these that fit, the best: the less is left of one, the more of the
 * other. Products of one alone always fit. */
static void clip_pair(void *context, size_t first, size_t second) {
    mender *m = context;
    const size_t i = place(m, first), k = place(m, second);
    const c2s_code_span x = c2s_pair_span(m->order, m->limits, m->column, first),
                        y = c2s_pair_span(m->order, m->limits, m->column, second);
    const float a = m->codes[i], b = m->codes[k], to_a = copysignf(1, a), to_b = copysignf(1, b);
    if (c2s_pair_fits(a, x, b, y))
        return;
    float left = a, right = 0, best_left = 0, best_right = 0;
    double best = INFINITY;
    for (;; left -= to_a) {
        while (right != b && c2s_pair_fits(left, x, right + to_b, y))
            right += to_b;
        const double error = error_at(m, i, left) + error_at(m, k, right);
        if (error < best) {
            best = error;
            best_left = left;
            best_right = right;
        }
        if (left == 0)
            break;
    }
    m->clipped += (size_t)(best_left != a) + (size_t)(best_right != b);
    m->codes[i] = best_left;
    m->codes[k] = best_right;
}

static double column_error(const mender *m) {
    double sum = 0;
    for (size_t k = 0; k < m->order->channels * m->order->positions; k++) {
        const size_t at = place(m, k);
        sum += error_at(m, at, m->codes[at]);
    }
    return sum;
}

/* ---- scales ---- */

/* Columns by the group of their scale: those of group g are column[start[g] ... start[g + 1]]. */
typedef struct columns {
    size_t *start, *column;
} columns;

static bool is_by_column(const c2s_pair_order *o, const c2s_code_map *map) {
    for (size_t c = 0; c < o->columns; c++)
        for (size_t k = 1; k < o->channels * o->positions; k++)
            if (c2s_code_group(map, c2s_pair_place(o, c, k)) !=
                c2s_code_group(map, c2s_pair_place(o, c, 0)))
                return false;
    return true;
}

static void sort_columns(const c2s_pair_order *o, const c2s_code_map *map, columns *out) {
    for (size_t c = 0; c < o->columns; c++)
        out->start[c2s_code_group(map, c2s_pair_place(o, c, 0))]++;
    for (size_t g = 0; g < map->groups; g++)
        out->start[g + 1] += out->start[g]; /* where those of group g end */
    for (size_t c = o->columns; c-- > 0;)
        out->column[--out->start[c2s_code_group(map, c2s_pair_place(o, c, 0))]] = c;
}

static void round_column(mender *m) {
    for (size_t k = 0; k < m->order->channels * m->order->positions; k++) {
        const size_t at = place(m, k);
        m->codes[at] = fminf(fmaxf(rintf(m->weights[at] / m->scale), -127), 127);
    }
}

/* The columns of one scale, with it enlarged by `step`; their error. */
static double try_step(mender *m, const columns *all, size_t group, float scale, unsigned step) {
    double error = 0;
    m->scale = scale * (1 + (float)step / STEPS);
    for (size_t k = all->start[group]; k < all->start[group + 1]; k++) {
        set_column(m, all->column[k]);
        if (step > 0)
            round_column(m);
        c2s_pair_each(m->order, clip_pair, m);
        error += column_error(m);
    }
    return error;
}

static void copy_columns(mender *m, const columns *all, size_t group, const float *from,
                         float *to) {
    for (size_t c = all->start[group]; c < all->start[group + 1]; c++) {
        set_column(m, all->column[c]);
        for (size_t k = 0; k < m->order->channels * m->order->positions; k++)
            to[place(m, k)] = from[place(m, k)];
    }
}

static void mend_group(mender *m, const columns *all, size_t group, float *affine_scale,
                       float *best_codes, c2s_saturation_result *result) {
    const float scale = *affine_scale;
    double best = INFINITY;
    unsigned best_step = 0;
    size_t clipped = 0;
    for (unsigned step = 0; step <= STEPS; step++) {
        m->clipped = 0;
        const double error = try_step(m, all, group, scale, step);
        if (!(error < best))
            continue;
        best = error;
        best_step = step;
        clipped = m->clipped;
        copy_columns(m, all, group, m->codes, best_codes);
        if (clipped == 0 && step == 0)
            break;
    }
    copy_columns(m, all, group, best_codes, m->codes);
    *affine_scale = scale * (1 + (float)best_step / STEPS);
    result->rescaled += best_step > 0;
    result->clipped += clipped;
}

static c2s_status mend_groups(mender *m, c2s_affine *affines, c2s_saturation_result *result) {
    const size_t groups = m->map->groups;
    columns all = {c2s_zalloc((groups + 1) * sizeof *all.start),
                   c2s_alloc_array(m->order->columns, sizeof *all.column)};
    float *best;
    c2s_status status = c2s_scratch(m->map->count, sizeof *best, &best);
    if (status == C2S_OK) {
        sort_columns(m->order, m->map, &all);
        for (size_t g = 0; g < groups; g++)
            if (affines[g].scale > 0)
                mend_group(m, &all, g, &affines[g].scale, best, result);
        free(best);
    }
    free(all.start);
    free(all.column);
    return status;
}

static double whole_error(mender *m) {
    double sum = 0;
    m->scale = 0;
    for (size_t c = 0; c < m->order->columns; c++) {
        set_column(m, c);
        sum += column_error(m);
    }
    return sum;
}

c2s_status c2s_saturation_mend(const c2s_pair_order *order, const c2s_code_limits *limits,
                               const c2s_type *type, const c2s_coding *coding, const float *weights,
                               float *codes, c2s_affine *affines, c2s_saturation_result *result) {
    c2s_code_map map;
    float *given;
    *result = (c2s_saturation_result){.pairs = c2s_saturation_count(order, limits, codes)};
    if (result->pairs == 0)
        return C2S_OK;
    C2S_TRY(c2s_code_map_of(type, coding, &map));
    C2S_TRY(c2s_scratch(map.count, sizeof *given, &given));
    memcpy(given, codes, map.count * sizeof *given);
    mender m = {.order = order,
                .limits = limits,
                .map = &map,
                .weights = weights,
                .importance = coding->importance,
                .given = given,
                .codes = codes,
                .affines = affines};
    const size_t terms = order->channels * order->positions;
    m.offset = c2s_alloc_array(terms, sizeof *m.offset);
    for (size_t k = 0; k < terms; k++)
        m.offset[k] = c2s_pair_place(order, 0, k);
    result->before = whole_error(&m);
    c2s_status status = C2S_OK;
    if (weights && is_by_column(order, &map)) {
        status = mend_groups(&m, affines, result);
    } else {
        for (size_t c = 0; c < order->columns; c++) {
            set_column(&m, c);
            c2s_pair_each(order, clip_pair, &m);
        }
        result->clipped = m.clipped;
    }
    result->after = whole_error(&m);
    free(m.offset);
    free(given);
    return status;
}
