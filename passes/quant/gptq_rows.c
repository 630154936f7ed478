/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/gptq_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/simd.h"
#include "passes/quant/gptq_relax.h"
#include "passes/quant/gptq_sweeps.h"

/* Weights that are rounded before the others hear of it. */
enum { BLOCK = 128 };

c2s_status c2s_gptq_rows_create(size_t k, size_t classes, size_t count, c2s_gptq_rows *out) {
    *out = (c2s_gptq_rows){.count = count};
    void *arrays[] = {&out->weights, &out->codes, &out->error, &out->pull, &out->spare};
    c2s_status status = c2s_scratch(classes, count * sizeof *out->affines, &out->affines);
    for (unsigned i = 0; i < 5 && status == C2S_OK; i++)
        status = c2s_scratch(k, count * sizeof(float), arrays[i]);
    if (status != C2S_OK)
        c2s_gptq_rows_free(out);
    return status;
}

void c2s_gptq_rows_free(c2s_gptq_rows *rows) {
    free(rows->weights);
    free(rows->affines);
    free(rows->codes);
    free(rows->error);
    free(rows->pull);
    free(rows->spare);
    *rows = (c2s_gptq_rows){0};
}

C2S_INLINE void add_scaled_loop(float *restrict to, const float *restrict from, float by,
                                size_t n) {
    for (size_t i = 0; i < n; i++)
        to[i] += by * from[i];
}
C2S_SIMD(add_scaled, add_scaled_loop, (float *to, const float *from, float by, size_t n),
         (to, from, by, n))

void c2s_gptq_add_scaled(float *to, const float *from, float by, size_t n) {
    add_scaled(to, from, by, n);
}

/* ---- single codes ---- */

float c2s_gptq_nearest(const c2s_code_grid *grid, c2s_affine a, float weight) {
    float code;
    if (!grid->whole) {
        c2s_code_grid_round(grid, a, &weight, 1, &code);
        return code;
    }
    code = rintf(weight / a.scale) + a.zero;
    code = code >= grid->least ? code : grid->least;
    return code <= grid->most ? code : grid->most;
}

/* With codes x of the one activation and y of the other one, a x + b y has 16 bits. */
float c2s_gptq_within(const c2s_gptq_pairs *pairs, const float *codes, size_t from, size_t j,
                      float code) {
    const float most = pairs->most[j];
    for (unsigned p = 0; p < C2S_GPTQ_PARTNERS; p++) {
        const size_t other = pairs->partner[p][j];
        if (other == SIZE_MAX || other < from || !(most > 0))
            continue;
        const float low = codes[other] * pairs->least[other],
                    high = codes[other] * pairs->most[other];
        code = fminf(code, floorf((32767 - fmaxf(low, high)) / most));
        code = fmaxf(code, ceilf((-32768 - fminf(low, high)) / most));
    }
    return code;
}

/* ---- errors ---- */

/* |e L|^2 less what damping adds: e G e for the moments as measured, of each row. */
static void squared_errors(const c2s_gptq_moments *m, size_t rows, const float *e, float *spare,
                           double *errors) {
    const size_t k = m->k;
    for (size_t r = 0; r < rows; r++) {
        errors[r] = 0;
        for (size_t i = 0; i < k; i++)
            errors[r] -= (double)m->added[i] * (double)e[r * k + i] * (double)e[r * k + i];
    }
    for (size_t from = 0; from < k; from += BLOCK) {
        const size_t width = k - from < BLOCK ? k - from : BLOCK;
        const c2s_product shape = {.m = rows, .n = width, .k = k - from};
        c2s_float_multiply(&shape, (c2s_float_part){e + from, k},
                           (c2s_float_part){m->factor + from * k + from, k}, spare, width);
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < width; i++)
                errors[r] += (double)spare[r * width + i] * (double)spare[r * width + i];
    }
    for (size_t r = 0; r < rows; r++)
        errors[r] = errors[r] > 0 ? errors[r] : 0;
}

static void find_errors(const c2s_gptq_moments *m, const c2s_gptq_search *s, c2s_gptq_rows *rows) {
    const size_t k = m->k, classes = s->classes->count;
    for (size_t r = 0; r < rows->count; r++)
        for (size_t j = 0; j < k; j++) {
            const size_t at = r * k + j;
            rows->error[at] =
                rows->weights[at] -
                c2s_gptq_value(rows->affines[r * classes + s->classes->of[j]], rows->codes[at]);
        }
}

void c2s_gptq_rows_nearest(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                           c2s_gptq_rows *rows) {
    const size_t k = m->k, classes = s->classes->count;
    for (size_t r = 0; r < rows->count; r++)
        for (size_t j = 0; j < k; j++)
            rows->codes[r * k + j] = c2s_gptq_nearest(
                s->grid, rows->affines[r * classes + s->classes->of[j]], rows->weights[r * k + j]);
}

/* ---- one after the other ---- */

/* The scale of the class that ends with column j: what remains of component i counts L_ii^2. */
static void choose_scale(const c2s_gptq_moments *m, const c2s_gptq_search *s, c2s_gptq_rows *rows,
                         size_t row, size_t j) {
    const unsigned class = s->classes->of[j];
    const size_t count = s->classes->start[class + 1] - s->classes->start[class], at = row * m->k;
    float *become = rows->spare + at, *importance = rows->error + at; /* not in use for these yet */
    for (size_t i = j + 1 - count; i <= j; i++) {
        const float factor = m->factor[i * m->k + i];
        become[i] = rows->weights[at + i] + rows->pull[at + i] / factor;
        importance[i] = factor * factor;
    }
    const c2s_affine a = c2s_code_grid_choose(s->grid, C2S_SCALE_MSE, become + j + 1 - count,
                                              importance + j + 1 - count, count);
    if (a.scale > 0)
        rows->affines[row * s->classes->count + class] = a;
}

/* With G = L L^T the error is |e L|^2, and component j of e L has weights j and later: going down
 * from the last one, each weight makes up for those behind it. carried [j] = sum of e_i L_ij over
 * those i > j that are rounded; what remains of component j goes to `rest`. */
static void round_block(const c2s_gptq_moments *m, const c2s_gptq_search *s, c2s_gptq_rows *rows,
                        size_t row, size_t from, size_t to) {
    const size_t at = row * m->k;
    const c2s_affine *affines = rows->affines + row * s->classes->count;
    float *carried = rows->pull + at, *codes = rows->codes + at;
    for (size_t j = to; j-- > from;) {
        const float *factor = m->factor + j * m->k;
        if (s->choose && (j + 1 == m->k || s->classes->of[j + 1] != s->classes->of[j]))
            choose_scale(m, s, rows, row, j);
        const c2s_affine a = affines[s->classes->of[j]];
        float code = c2s_gptq_nearest(s->grid, a, rows->weights[at + j] + carried[j] / factor[j]);
        if (s->pairs)
            code = c2s_gptq_within(s->pairs, codes, j, j, code);
        codes[j] = code;
        const float e = rows->error[at + j] = rows->weights[at + j] - c2s_gptq_value(a, code);
        rows->spare[at + j] = e * factor[j] + carried[j];
        c2s_gptq_add_scaled(carried + from, factor + from, e, j - from);
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
        const c2s_product shape = {.m = rows->count, .n = from, .k = to - from, .keep = 1};
        c2s_float_multiply(&shape, (c2s_float_part){rows->error + from, k},
                           (c2s_float_part){m->factor + from * k, k}, rows->pull, k);
    }
}

/* e L L^T, from the e L that is in `spare`. */
static void find_pull(const c2s_gptq_moments *m, c2s_gptq_rows *rows) {
    const size_t k = m->k;
    for (size_t from = 0; from < k; from += BLOCK) {
        const size_t width = k - from < BLOCK ? k - from : BLOCK;
        const c2s_product shape = {
            .transpose_b = true, .m = rows->count, .n = width, .k = from + width};
        c2s_float_multiply(&shape, (c2s_float_part){rows->spare, k},
                           (c2s_float_part){m->factor + from * k, k}, rows->pull + from, k);
    }
}

/* ---- all of it ---- */

/* What was there before, for rows that come out no better. */
typedef struct fallback {
    float *codes;
    c2s_affine *affines;
    double error[C2S_GPTQ_ROWS];
} fallback;

static void choose_rows(const c2s_gptq_moments *m, const c2s_gptq_search *s, c2s_gptq_rows *rows,
                        const fallback *before, c2s_gptq_error *error) {
    const size_t k = m->k, classes = s->classes->count;
    double now[C2S_GPTQ_ROWS];
    squared_errors(m, rows->count, rows->error, rows->spare, now);
    for (size_t r = 0; r < rows->count; r++) {
        error->nearest += before->error[r];
        if (now[r] < before->error[r]) {
            error->error += now[r];
            continue;
        }
        error->error += before->error[r];
        memcpy(rows->codes + r * k, before->codes + r * k, k * sizeof *rows->codes);
        memcpy(rows->affines + r * classes, before->affines + r * classes,
               classes * sizeof *rows->affines);
    }
}

static c2s_status round_rows(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                             c2s_gptq_rows *rows, fallback *before, c2s_gptq_error *error) {
    const size_t count = rows->count * m->k;
    double signal[C2S_GPTQ_ROWS];
    squared_errors(m, rows->count, rows->weights, rows->spare, signal);
    for (size_t r = 0; r < rows->count; r++)
        error->signal += signal[r];
    find_errors(m, s, rows);
    squared_errors(m, rows->count, rows->error, rows->spare, before->error);
    memcpy(before->codes, rows->codes, count * sizeof *rows->codes);
    memcpy(before->affines, rows->affines, rows->count * s->classes->count * sizeof *rows->affines);
    if (s->relax) {
        C2S_TRY(c2s_gptq_relax(m, s, rows));
    } else {
        round_in_order(m, s, rows);
        find_pull(m, rows);
        if (s->sweeps > 0)
            C2S_TRY(c2s_gptq_sweep(m, s, rows));
    }
    choose_rows(m, s, rows, before, error);
    return C2S_OK;
}

c2s_status c2s_gptq_rows_round(const c2s_gptq_moments *moments, const c2s_gptq_search *search,
                               c2s_gptq_rows *rows, c2s_gptq_error *error) {
    fallback before = {0};
    c2s_status status = c2s_scratch(moments->k, rows->count * sizeof(float), &before.codes);
    if (status == C2S_OK)
        status =
            c2s_scratch(search->classes->count, rows->count * sizeof(c2s_affine), &before.affines);
    if (status == C2S_OK)
        status = round_rows(moments, search, rows, &before, error);
    free(before.codes);
    free(before.affines);
    return status;
}
