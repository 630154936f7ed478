/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/gptq_sweeps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A sweep that takes off less of a row's error is its last one. */
#define LEAST_GAIN 1e-3
/* Changes that gain less, relative to what they move, are rounding errors. */
#define TINY 1e-6f

/* ---- codes ---- */

/* The code becomes the best one while the others stay. */
static void improve_code(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                         const c2s_gptq_rows *rows, size_t row, size_t j) {
    const size_t k = m->k, at = row * k;
    const float *moments = m->damped + j * k;
    float *error = rows->error + at + j, *pull = rows->pull + at;
    const c2s_affine a = rows->affines[row * s->classes->count + s->classes->of[j]];
    float code =
        c2s_gptq_nearest(s->grid, a, rows->weights[at + j] - *error + pull[j] / moments[j]);
    if (code != rows->codes[at + j] && s->pairs)
        code = c2s_gptq_within(s->pairs, rows->codes + at, 0, j, code);
    if (code == rows->codes[at + j])
        return;
    const float after = rows->weights[at + j] - c2s_gptq_value(a, code), by = after - *error;
    if (!(2 * by * pull[j] + by * by * moments[j] < -TINY * fabsf(*error * pull[j])))
        return;
    rows->codes[at + j] = code;
    *error = after;
    c2s_gptq_add_scaled(pull, moments, by, k);
}

/* ---- scales ---- */

/* The columns of a class: their moments, side by side. */
static void gather(const c2s_gptq_moments *m, const size_t *column, size_t count, float *moments) {
    for (size_t i = 0; i < count; i++)
        memcpy(moments + i * m->k, m->damped + column[i] * m->k, m->k * sizeof *moments);
}

/* The scale of these weights that is best for their codes: level * (scale + by) in place of level *
 * scale changes the error by -2 by (level . pull) + by^2 (level H level). `level` [count] is
 * theirs, `curve` level H. What the errors change by goes to `change` [count]. */
static bool improve_scale(const c2s_gptq_search *s, const c2s_gptq_rows *rows, size_t k, size_t row,
                          const size_t *column, size_t count, c2s_affine *a, const float *level,
                          const float *curve, float *change) {
    const size_t at = row * k;
    double along = 0, bend = 0;
    for (size_t i = 0; i < count; i++) {
        along += (double)level[i] * (double)rows->pull[at + column[i]];
        bend += (double)level[i] * (double)curve[i];
    }
    memset(change, 0, count * sizeof *change);
    if (!(bend > 0))
        return false;
    const float scale = c2s_code_grid_scale(s->grid, (double)a->scale + along / bend);
    const double by = (double)scale - (double)a->scale;
    if (!(-2 * by * along + by * by * bend < -(double)TINY * fabs(by * along)))
        return false;
    a->scale = scale;
    for (size_t i = 0; i < count; i++) {
        float *error = &rows->error[at + column[i]];
        const float after =
            rows->weights[at + column[i]] - c2s_gptq_value(*a, rows->codes[at + column[i]]);
        change[i] = after - *error;
        *error = after;
    }
    return true;
}

/* Room for the largest class. */
typedef struct scale_room {
    float *moments, *inner;        /* [most, k], [most, most] */
    float *level, *curve, *change; /* [rows, most] */
} scale_room;

static void improve_class(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                          const c2s_gptq_rows *rows, const bool *active, size_t class,
                          const scale_room *room) {
    const size_t k = m->k, count = s->classes->start[class + 1] - s->classes->start[class];
    const size_t *column = s->classes->column + s->classes->start[class];
    const float *moments = count == k ? m->damped : room->moments;
    if (count < k) /* else the columns are in order */
        gather(m, column, count, room->moments);
    for (size_t i = 0; i < count && count < k; i++)
        for (size_t j = 0; j < count; j++)
            room->inner[i * count + j] = moments[i * k + column[j]];
    for (size_t r = 0; r < rows->count; r++)
        for (size_t i = 0; i < count; i++)
            room->level[r * count + i] =
                rows->codes[r * k + column[i]] - rows->affines[r * s->classes->count + class].zero;
    const c2s_product inner = {.m = rows->count, .n = count, .k = count};
    c2s_float_multiply(&inner, (c2s_float_part){room->level, count},
                       (c2s_float_part){count < k ? room->inner : m->damped, count}, room->curve,
                       count);
    bool any = false;
    for (size_t r = 0; r < rows->count; r++) {
        float *change = room->change + r * count;
        memset(change, 0, count * sizeof *change);
        if (active[r])
            any |= improve_scale(s, rows, k, r, column, count,
                                 &rows->affines[r * s->classes->count + class],
                                 room->level + r * count, room->curve + r * count, change);
    }
    const c2s_product all = {.m = rows->count, .n = k, .k = count, .keep = 1};
    if (any)
        c2s_float_multiply(&all, (c2s_float_part){room->change, count},
                           (c2s_float_part){moments, k}, rows->pull, k);
}

/* ---- sweeps ---- */

static double damped_error(const c2s_gptq_moments *m, const c2s_gptq_rows *rows, size_t row) {
    double sum = 0;
    for (size_t i = row * m->k; i < (row + 1) * m->k; i++)
        sum += (double)rows->error[i] * (double)rows->pull[i];
    return sum;
}

/* Sweeps that refit scales first: in later ones hardly any changes. */
enum { REFITS = 2 };

/* One sweep over scales and codes; rows that gained too little are no longer active. */
static bool sweep_rows(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                       const c2s_gptq_rows *rows, unsigned sweep, bool *active,
                       const scale_room *room) {
    double before[C2S_GPTQ_ROWS];
    bool any = false;
    for (size_t r = 0; r < rows->count; r++)
        before[r] = damped_error(m, rows, r);
    for (size_t c = 0; s->refit && sweep < REFITS && c < s->classes->count; c++)
        improve_class(m, s, rows, active, c, room);
    for (size_t j = m->k; j-- > 0;)
        for (size_t r = 0; r < rows->count; r++)
            if (active[r])
                improve_code(m, s, rows, r, j);
    for (size_t r = 0; r < rows->count; r++) {
        active[r] = active[r] && damped_error(m, rows, r) < (1 - LEAST_GAIN) * before[r];
        any |= active[r];
    }
    return any;
}

static c2s_status make_room(const c2s_gptq_moments *m, const c2s_gptq_search *s, size_t rows,
                            scale_room *room) {
    size_t most = 1;
    for (size_t c = 0; s->refit && c < s->classes->count; c++) {
        const size_t count = s->classes->start[c + 1] - s->classes->start[c];
        most = count > most && count < m->k ? count : most;
    }
    const size_t widest = s->refit && s->classes->count == 1 ? m->k : most;
    *room = (scale_room){0};
    c2s_status status = c2s_scratch(most, (m->k + most) * sizeof(float), &room->moments);
    if (status == C2S_OK)
        status = c2s_scratch(widest, 3 * rows * sizeof(float), &room->level);
    if (status != C2S_OK) {
        free(room->moments);
        return status;
    }
    room->inner = room->moments + most * m->k;
    room->curve = room->level + rows * widest;
    room->change = room->curve + rows * widest;
    return C2S_OK;
}

c2s_status c2s_gptq_sweep(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                          c2s_gptq_rows *rows) {
    bool active[C2S_GPTQ_ROWS];
    scale_room room;
    C2S_TRY(make_room(m, s, rows->count, &room));
    for (size_t r = 0; r < rows->count; r++)
        active[r] = true;
    for (unsigned sweep = 0; sweep < s->sweeps && sweep_rows(m, s, rows, sweep, active, &room);
         sweep++) {
    }
    free(room.moments);
    free(room.level);
    return C2S_OK;
}
