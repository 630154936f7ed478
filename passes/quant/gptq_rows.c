/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/gptq_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/simd.h"

/* Weights that are rounded before the others hear of it, and how many of those hear at a time. */
enum { BLOCK = 32, CHUNK = 512 };

c2s_status c2s_gptq_rows_create(size_t k, size_t count, c2s_gptq_rows *out) {
    *out = (c2s_gptq_rows){.count = count};
    void *arrays[] = {&out->weights, &out->error, &out->pull, &out->scratch};
    c2s_status status = C2S_OK;
    for (unsigned i = 0; i < 4 && status == C2S_OK; i++)
        status = c2s_scratch(k, count * sizeof(double), arrays[i]);
    if (status == C2S_OK)
        status = c2s_scratch(k, count * sizeof *out->scale_of, &out->scale_of);
    if (status == C2S_OK)
        status = c2s_scratch(k, count * sizeof *out->codes, &out->codes);
    if (status != C2S_OK)
        c2s_gptq_rows_free(out);
    return status;
}

void c2s_gptq_rows_free(c2s_gptq_rows *rows) {
    free(rows->weights);
    free(rows->error);
    free(rows->pull);
    free(rows->scratch);
    free(rows->scale_of);
    free(rows->codes);
    *rows = (c2s_gptq_rows){0};
}

/* ---- single codes ---- */

static float nearest(const c2s_code_grid *grid, c2s_affine a, double weight) {
    float code, narrow = (float)weight;
    if (!grid->whole) {
        c2s_code_grid_round(grid, a, &narrow, 1, &code);
        return code;
    }
    code = rintf(narrow / a.scale) + a.zero;
    code = code >= grid->least ? code : grid->least;
    return code <= grid->most ? code : grid->most;
}

static double value_of(c2s_affine a, float code) {
    return (double)((code - a.zero) * a.scale);
}

C2S_INLINE void add_scaled_loop(double *restrict to, const double *restrict from, double by,
                                size_t n) {
    for (size_t i = 0; i < n; i++)
        to[i] += by * from[i];
}
C2S_SIMD(add_scaled, add_scaled_loop, (double *to, const double *from, double by, size_t n),
         (to, from, by, n))

/* ---- errors ---- */

/* out = e H for the damped H. */
static c2s_status pull_of(const c2s_gptq_moments *m, const c2s_gptq_rows *rows, const double *e,
                          double *out) {
    const c2s_product shape = {.m = rows->count, .n = m->k, .k = m->k};
    return c2s_matrix_multiply(&shape, e, m->damped, out);
}

/* e G e for the moments as measured, from pull = e H. */
static double squared_error(const c2s_gptq_moments *m, const double *e, const double *pull) {
    double sum = 0;
    for (size_t i = 0; i < m->k; i++)
        sum += e[i] * (pull[i] - (m->damped[i * m->k + i] - m->diagonal[i]) * e[i]);
    return sum > 0 ? sum : 0;
}

/* ---- each weight by itself ---- */

/* The nearest codes, and their errors per row. */
static c2s_status round_nearest(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                                c2s_gptq_rows *rows, double *errors) {
    for (size_t i = 0; i < rows->count * m->k; i++) {
        const c2s_affine a = s->affines[rows->scale_of[i]];
        rows->codes[i] = nearest(s->grid, a, rows->weights[i]);
        rows->error[i] = rows->weights[i] - value_of(a, rows->codes[i]);
    }
    C2S_TRY(pull_of(m, rows, rows->error, rows->pull));
    for (size_t r = 0; r < rows->count; r++)
        errors[r] = squared_error(m, rows->error + r * m->k, rows->pull + r * m->k);
    return C2S_OK;
}

/* ---- one after the other ---- */

/* With G = L L^T the error is |e L|^2, and component j of e L has weights j and later: going down
 * from the last one, each weight makes up for those behind it. carried [j] = sum of e_i L_ij over
 * those i > j that are rounded. */
static void round_block(const c2s_gptq_moments *m, const c2s_gptq_search *s, c2s_gptq_rows *rows,
                        size_t row, size_t from, size_t to) {
    const size_t at = row * m->k;
    double *carried = rows->pull + at;
    for (size_t j = to; j-- > from;) {
        const double *factor = m->factor + j * m->k;
        const c2s_affine a = s->affines[rows->scale_of[at + j]];
        const double wanted = rows->weights[at + j] + carried[j] / factor[j];
        rows->codes[at + j] = nearest(s->grid, a, wanted);
        rows->error[at + j] = rows->weights[at + j] - value_of(a, rows->codes[at + j]);
        add_scaled(carried + from, factor + from, rows->error[at + j], j - from);
    }
}

static void round_in_order(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                           c2s_gptq_rows *rows) {
    const size_t k = m->k;
    memset(rows->pull, 0, rows->count * k * sizeof *rows->pull);
    for (size_t to = k, from; to > 0; to = from) {
        from = to > BLOCK ? to - BLOCK : 0;
        for (size_t r = 0; r < rows->count; r++)
            round_block(m, s, rows, r, from, to);
        for (size_t c = 0; c < from; c += CHUNK)
            for (size_t r = 0; r < rows->count; r++)
                for (size_t j = from; j < to; j++)
                    add_scaled(rows->pull + r * k + c, m->factor + j * k + c,
                               rows->error[r * k + j], from - c < CHUNK ? from - c : CHUNK);
    }
}

/* ---- improvements ---- */

/* A sweep that takes off less of a row's error is its last one. */
#define LEAST_GAIN 1e-6

/* The code becomes the best one while the others stay. */
static void improve_code(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                         const c2s_gptq_rows *rows, size_t row, size_t j) {
    const size_t k = m->k, at = row * k;
    const double *moments = m->damped + j * k;
    double *error = rows->error + at + j, *pull = rows->pull + at;
    const c2s_affine a = s->affines[rows->scale_of[at + j]];
    const float code = nearest(s->grid, a, rows->weights[at + j] - *error + pull[j] / moments[j]);
    if (code == rows->codes[at + j])
        return;
    const double after = rows->weights[at + j] - value_of(a, code), by = after - *error;
    if (!(2 * by * pull[j] + by * by * moments[j] < -1e-12 * fabs(*error * pull[j])))
        return;
    rows->codes[at + j] = code;
    *error = after;
    add_scaled(pull, moments, by, k);
}

/* Which weights of a row have which scale. */
typedef struct member {
    size_t scale, weight;
} member;

static int compare_members(const void *a, const void *b) {
    const member *x = a, *y = b;
    if (x->scale != y->scale)
        return x->scale < y->scale ? -1 : 1;
    return x->weight < y->weight ? -1 : x->weight > y->weight;
}

/* The scale of these weights that is best for their codes: level * (scale + by) in place of level *
 * scale changes the error by -2 by (level . pull) + by^2 (level H level). */
static void improve_scale(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                          const c2s_gptq_rows *rows, size_t row, const member *members,
                          size_t count) {
    const size_t k = m->k, at = row * k;
    c2s_affine *a = &s->affines[members->scale];
    double *level = rows->scratch + at, along = 0, curve = 0;
    for (size_t i = 0; i < count; i++) {
        level[i] = (double)(rows->codes[at + members[i].weight] - a->zero);
        along += level[i] * rows->pull[at + members[i].weight];
    }
    for (size_t i = 0; i < count; i++) {
        const double *moments = m->damped + members[i].weight * k;
        double sum = 0;
        for (size_t j = 0; j < count; j++)
            sum += moments[members[j].weight] * level[j];
        curve += level[i] * sum;
    }
    if (!(curve > 0))
        return;
    const float scale = c2s_code_grid_scale(s->grid, (double)a->scale + along / curve);
    const double by = (double)scale - (double)a->scale;
    if (!(-2 * by * along + by * by * curve < -1e-9 * fabs(by * along)))
        return;
    a->scale = scale;
    for (size_t i = 0; i < count; i++) {
        const size_t w = members[i].weight;
        const double after = rows->weights[at + w] - value_of(*a, rows->codes[at + w]);
        add_scaled(rows->pull + at, m->damped + w * k, after - rows->error[at + w], k);
        rows->error[at + w] = after;
    }
}

/* Rows go together, since all of them need the same moments, which the cache holds for a while. */
static void improve_scales(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                           const c2s_gptq_rows *rows, const bool *active, const member *members) {
    const size_t k = m->k;
    size_t at[C2S_GPTQ_ROWS] = {0};
    for (bool more = true; more;) {
        more = false;
        for (size_t r = 0; r < rows->count; r++) {
            const member *own = members + r * k;
            size_t next = at[r];
            while (active[r] && next < k && own[next].scale == own[at[r]].scale)
                next++;
            if (next > at[r])
                improve_scale(m, s, rows, r, own + at[r], next - at[r]);
            more |= next > at[r];
            at[r] = next;
        }
    }
}

static double damped_error(const c2s_gptq_moments *m, const c2s_gptq_rows *rows, size_t row) {
    double sum = 0;
    for (size_t i = row * m->k; i < (row + 1) * m->k; i++)
        sum += rows->error[i] * rows->pull[i];
    return sum;
}

/* One sweep over scales and codes; rows that gained too little are no longer active. */
static bool sweep_rows(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                       const c2s_gptq_rows *rows, bool *active, const member *members) {
    double before[C2S_GPTQ_ROWS];
    bool any = false;
    for (size_t r = 0; r < rows->count; r++)
        before[r] = damped_error(m, rows, r);
    if (s->refit)
        improve_scales(m, s, rows, active, members);
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

/* ---- all of it ---- */

static c2s_status improve_rows(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                               const c2s_gptq_rows *rows) {
    const size_t k = m->k;
    bool active[C2S_GPTQ_ROWS];
    member *members;
    C2S_TRY(pull_of(m, rows, rows->error, rows->pull));
    C2S_TRY(c2s_scratch(k, rows->count * sizeof *members, &members));
    for (size_t r = 0; r < rows->count; r++) {
        active[r] = true;
        for (size_t i = 0; i < k; i++)
            members[r * k + i] = (member){rows->scale_of[r * k + i], i};
        if (s->refit)
            qsort(members + r * k, k, sizeof *members, compare_members);
    }
    for (unsigned sweep = 0; sweep < s->sweeps && sweep_rows(m, s, rows, active, members);
         sweep++) {
    }
    free(members);
    return C2S_OK;
}

/* What the nearest codes were, with their scales, for rows that come out no better. */
typedef struct fallback {
    float *codes;
    c2s_affine *affines;
    double error[C2S_GPTQ_ROWS];
} fallback;

static void choose_rows(const c2s_gptq_moments *m, const c2s_gptq_search *s, c2s_gptq_rows *rows,
                        const fallback *before, c2s_gptq_error *error) {
    for (size_t r = 0; r < rows->count; r++) {
        const size_t at = r * m->k;
        const double now = squared_error(m, rows->error + at, rows->pull + at);
        error->nearest += before->error[r];
        if (now < before->error[r]) {
            error->error += now;
            continue;
        }
        error->error += before->error[r];
        memcpy(rows->codes + at, before->codes + at, m->k * sizeof *rows->codes);
        for (size_t i = 0; s->refit && i < m->k; i++)
            s->affines[rows->scale_of[at + i]] = before->affines[at + i];
    }
}

static c2s_status round_rows(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                             c2s_gptq_rows *rows, fallback *before, c2s_gptq_error *error) {
    C2S_TRY(pull_of(m, rows, rows->weights, rows->scratch));
    for (size_t r = 0; r < rows->count; r++)
        error->signal += squared_error(m, rows->weights + r * m->k, rows->scratch + r * m->k);
    C2S_TRY(round_nearest(m, s, rows, before->error));
    for (size_t i = 0; i < rows->count * m->k; i++) {
        before->codes[i] = rows->codes[i];
        before->affines[i] = s->affines[rows->scale_of[i]];
    }
    round_in_order(m, s, rows);
    C2S_TRY(improve_rows(m, s, rows));
    choose_rows(m, s, rows, before, error);
    return C2S_OK;
}

c2s_status c2s_gptq_rows_round(const c2s_gptq_moments *moments, const c2s_gptq_search *search,
                               c2s_gptq_rows *rows, c2s_gptq_error *error) {
    fallback before = {0};
    c2s_status status = c2s_scratch(moments->k, rows->count * sizeof(float), &before.codes);
    if (status == C2S_OK)
        status = c2s_scratch(moments->k, rows->count * sizeof(c2s_affine), &before.affines);
    if (status == C2S_OK)
        status = round_rows(moments, search, rows, &before, error);
    free(before.codes);
    free(before.affines);
    return status;
}
