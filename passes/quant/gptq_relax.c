/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/gptq_relax.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "passes/quant/gptq_sweeps.h"

/* The share of the upper code is a sigmoid stretched beyond 0 and 1, and cut there. */
#define BELOW 0.1f
#define ABOVE 1.1f
/* Adam, by its usual moments. */
#define RATE   0.02f
#define FIRST  0.9f
#define SECOND 0.999f
#define TINY   1e-8f
/* Of the penalty 1 - |2 share - 1|^power: the power falls, after some steps without penalty. */
enum { STEPS = 800, FREE_STEPS = 160 };
#define HIGH_POWER 20.0f
#define LOW_POWER  2.0f
#define PENALTY    0.2f

typedef struct relaxation {
    float *variable, *share, *mean, *square; /* [rows, k] */
    float *unit;                             /* [rows]: what errors are divided by */
} relaxation;

static float share_of(float variable) {
    const float stretched = (ABOVE + BELOW) / (1 + expf(-variable)) - BELOW;
    return fminf(fmaxf(stretched, 0), 1);
}

static float slope_of(float variable, float share) {
    const float sigmoid = 1 / (1 + expf(-variable));
    return share > 0 && share < 1 ? (ABOVE + BELOW) * sigmoid * (1 - sigmoid) : 0;
}

/* The lower of the two codes beside a weight. */
static float code_below(const c2s_gptq_search *s, c2s_affine a, float weight) {
    const float code = floorf(weight / a.scale) + a.zero;
    return fminf(fmaxf(code, s->grid->least), s->grid->most - 1);
}

static c2s_affine affine_of(const c2s_gptq_search *s, const c2s_gptq_rows *rows, size_t row,
                            size_t j) {
    return rows->affines[row * s->classes->count + s->classes->of[j]];
}

/* Begins where the weights themselves are. */
static void begin(const c2s_gptq_moments *m, const c2s_gptq_search *s, const c2s_gptq_rows *rows,
                  relaxation *x) {
    for (size_t r = 0; r < rows->count; r++)
        for (size_t j = 0; j < m->k; j++) {
            const size_t at = r * m->k + j;
            const c2s_affine a = affine_of(s, rows, r, j);
            const float below = code_below(s, a, rows->weights[at]);
            const float rest = rows->weights[at] / a.scale - (below - a.zero);
            const float share = fminf(fmaxf(rest, 0.01f), 0.99f);
            x->variable[at] = -logf((ABOVE + BELOW) / (share + BELOW) - 1);
            x->mean[at] = x->square[at] = 0;
        }
}

/* rows->error with the shares, and its product with the moments. */
static void find_pull(const c2s_gptq_moments *m, const c2s_gptq_search *s, c2s_gptq_rows *rows,
                      relaxation *x) {
    const size_t k = m->k;
    for (size_t r = 0; r < rows->count; r++)
        for (size_t j = 0; j < k; j++) {
            const size_t at = r * k + j;
            const c2s_affine a = affine_of(s, rows, r, j);
            x->share[at] = share_of(x->variable[at]);
            rows->error[at] = rows->weights[at] -
                              c2s_gptq_value(a, code_below(s, a, rows->weights[at]) + x->share[at]);
        }
    const c2s_product shape = {.m = rows->count, .n = k, .k = k};
    c2s_float_multiply(&shape, (c2s_float_part){rows->error, k}, (c2s_float_part){m->damped, k},
                       rows->pull, k);
}

/* A row's error with the codes before, per weight. */
static void find_units(const c2s_gptq_moments *m, const c2s_gptq_rows *rows, relaxation *x) {
    const size_t k = m->k;
    const c2s_product shape = {.m = rows->count, .n = k, .k = k};
    c2s_float_multiply(&shape, (c2s_float_part){rows->error, k}, (c2s_float_part){m->damped, k},
                       rows->pull, k);
    for (size_t r = 0; r < rows->count; r++) {
        double sum = 0;
        for (size_t j = 0; j < k; j++)
            sum += (double)rows->error[r * k + j] * (double)rows->pull[r * k + j];
        x->unit[r] = sum > 0 ? (float)(sum / (double)k) : 1;
    }
}

static void step(const c2s_gptq_moments *m, const c2s_gptq_search *s, const c2s_gptq_rows *rows,
                 unsigned number, relaxation *x) {
    const bool penalised = number >= FREE_STEPS;
    const float done = penalised ? (float)(number - FREE_STEPS) / (STEPS - FREE_STEPS) : 0;
    const float power =
        LOW_POWER + (HIGH_POWER - LOW_POWER) * 0.5f * (1 + cosf(done * 3.14159265f));
    const float first = 1 - powf(FIRST, (float)number + 1),
                second = 1 - powf(SECOND, (float)number + 1);
    for (size_t at = 0; at < rows->count * m->k; at++) {
        const size_t row = at / m->k;
        const float share = x->share[at], away = 2 * share - 1;
        float slope = -2 * affine_of(s, rows, row, at % m->k).scale * rows->pull[at] / x->unit[row];
        if (penalised)
            slope -= PENALTY * 2 * power * powf(fabsf(away), power - 1) * copysignf(1, away);
        slope *= slope_of(x->variable[at], share);
        x->mean[at] = FIRST * x->mean[at] + (1 - FIRST) * slope;
        x->square[at] = SECOND * x->square[at] + (1 - SECOND) * slope * slope;
        x->variable[at] -= RATE * (x->mean[at] / first) / (sqrtf(x->square[at] / second) + TINY);
    }
}

static void take_codes(const c2s_gptq_moments *m, const c2s_gptq_search *s, c2s_gptq_rows *rows,
                       const relaxation *x) {
    for (size_t r = 0; r < rows->count; r++)
        for (size_t j = m->k; j-- > 0;) {
            const size_t at = r * m->k + j;
            const c2s_affine a = affine_of(s, rows, r, j);
            float code = code_below(s, a, rows->weights[at]) + (x->share[at] >= 0.5f);
            if (s->pairs)
                code = c2s_gptq_within(s->pairs, rows->codes + r * m->k, j, j, code);
            rows->codes[at] = code;
            rows->error[at] = rows->weights[at] - c2s_gptq_value(a, code);
        }
}

c2s_status c2s_gptq_relax(const c2s_gptq_moments *m, const c2s_gptq_search *s,
                          c2s_gptq_rows *rows) {
    const size_t count = rows->count * m->k;
    relaxation x;
    C2S_TRY(c2s_scratch(count + 1, 4 * sizeof *x.variable, &x.variable));
    x.share = x.variable + count;
    x.mean = x.share + count;
    x.square = x.mean + count;
    const c2s_status status = c2s_scratch(rows->count, sizeof *x.unit, &x.unit);
    if (status == C2S_OK) {
        find_units(m, rows, &x);
        begin(m, s, rows, &x);
        for (unsigned k = 0; k < STEPS; k++) {
            find_pull(m, s, rows, &x);
            step(m, s, rows, k, &x);
        }
        find_pull(m, s, rows, &x);
        take_codes(m, s, rows, &x);
        free(x.unit);
    }
    free(x.variable);
    return status;
}
