/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of few rows: they are as fast as b can be read. It is read in the order in which it
 * lies, many lines at once.
 */
#include <string.h>

#include "base/threads.h"
#include "runtime/gemm_tiles.h"
#include "runtime/vector.h"

/* ---- rows of b are adjacent numbers: c += a[p] * row p, eight rows of b at a time ---- */

enum { AT_ONCE = 8, SPAN = 512 /* columns of c that stay in the cache */ };

C2S_V8_INLINE void add_lines(const float *a, int64_t a_column, const float *b, int64_t b_row,
                             float *c, int64_t columns, int lines) {
    c2s_v8 x[AT_ONCE];
#pragma GCC unroll 8
    for (int p = 0; p < lines; p++)
        x[p] = v8_set(a[p * a_column]);
    int64_t j = 0;
    for (; j + 8 <= columns; j += 8) {
        c2s_v8 sum = v8_load(c + j);
#pragma GCC unroll 8
        for (int p = 0; p < lines; p++)
            sum = v8_fma(x[p], v8_load(b + p * b_row + j), sum);
        v8_store(c + j, sum);
    }
    if (j < columns) {
        c2s_v8 sum = v8_load_first(c + j, columns - j);
#pragma GCC unroll 8
        for (int p = 0; p < lines; p++)
            sum = v8_fma(x[p], v8_load_first(b + p * b_row + j, columns - j), sum);
        v8_store_first(c + j, columns - j, sum);
    }
}

C2S_V8 static void add_span(const c2s_gemm *g, int64_t from, int64_t columns) {
    for (int64_t i = 0; i < g->m; i++)
        memset(g->c + i * g->c_row + from, 0, (size_t)columns * sizeof(float));
    for (int64_t p = 0; p < g->k; p += AT_ONCE)
        for (int64_t i = 0; i < g->m; i++) {
            const float *a = g->a + i * g->a_row + p * g->a_column, *b = g->b + p * g->b_row + from;
            float *c = g->c + i * g->c_row + from;
            int64_t left = g->k - p;
            if (left >= AT_ONCE)
                add_lines(a, g->a_column, b, g->b_row, c, columns, AT_ONCE);
            else
                for (int64_t q = 0; q < left; q++)
                    add_lines(a + q * g->a_column, g->a_column, b + q * g->b_row, g->b_row, c,
                              columns, 1);
        }
}

/* ---- columns of b are adjacent numbers: four scalar products at a time ---- */

C2S_V8_INLINE void dot_columns(const float *a, const float *b, int64_t b_column, int64_t k,
                               float *c, int columns) {
    c2s_v8 sum[4][2];
#pragma GCC unroll 4
    for (int j = 0; j < columns; j++)
        sum[j][0] = sum[j][1] = v8_set(0);
    int64_t p = 0;
    for (; p + 16 <= k; p += 16) {
        c2s_v8 x0 = v8_load(a + p), x1 = v8_load(a + p + 8);
#pragma GCC unroll 4
        for (int j = 0; j < columns; j++) {
            sum[j][0] = v8_fma(x0, v8_load(b + j * b_column + p), sum[j][0]);
            sum[j][1] = v8_fma(x1, v8_load(b + j * b_column + p + 8), sum[j][1]);
        }
    }
    for (; p < k; p += 8) {
        int64_t left = k - p;
        c2s_v8 x = v8_load_first(a + p, left);
#pragma GCC unroll 4
        for (int j = 0; j < columns; j++)
            sum[j][0] = v8_fma(x, v8_load_first(b + j * b_column + p, left), sum[j][0]);
    }
#pragma GCC unroll 4
    for (int j = 0; j < columns; j++)
        c[j] = v8_sum(sum[j][0] + sum[j][1]);
}

C2S_V8 static void dot_span(const c2s_gemm *g, int64_t from, int64_t columns) {
    int64_t j = 0;
    for (; j < columns; j += j + 4 <= columns ? 4 : 1)
        for (int64_t i = 0; i < g->m; i++) {
            const float *a = g->a + i * g->a_row, *b = g->b + (from + j) * g->b_column;
            float *c = g->c + i * g->c_row + from + j;
            if (j + 4 <= columns)
                dot_columns(a, b, g->b_column, g->k, c, 4);
            else
                dot_columns(a, b, g->b_column, g->k, c, 1);
        }
}

/* ---- both ---- */

/* The tail wants room for whole panels. */
static void run_tail(const c2s_gemm *g, int64_t from, int64_t columns) {
    float panel[C2S_GEMM_FEW * 16];
    for (int64_t j = from; j < from + columns; j += 16) {
        int64_t here = from + columns - j < 16 ? from + columns - j : 16;
        float *c = g->c + j;
        if (here == 16) {
            c2s_tail_run(g->tail, c, g->c_row, 0, j, g->m, here);
            continue;
        }
        memset(panel, 0, sizeof panel);
        for (int64_t i = 0; i < g->m; i++)
            memcpy(panel + i * 16, c + i * g->c_row, (size_t)here * sizeof *c);
        c2s_tail_run(g->tail, panel, 16, 0, j, g->m, here);
        for (int64_t i = 0; i < g->m; i++)
            memcpy(c + i * g->c_row, panel + i * 16, (size_t)here * sizeof *c);
    }
}

bool c2s_gemm_few_serves(const c2s_gemm *g) {
    return g->m <= C2S_GEMM_FEW &&
           (g->b_column == 1 || (g->b_row == 1 && (g->a_column == 1 || g->k == 1)));
}

/* Panels of 16 columns. */
static void run_panels(const void *context, size_t first, size_t last) {
    const c2s_gemm *g = context;
    bool dots = g->b_row == 1 && g->a_column == 1 && (g->b_column != 1 || g->n == 1);
    int64_t end = (int64_t)last * 16 < g->n ? (int64_t)last * 16 : g->n;
    for (int64_t from = (int64_t)first * 16; from < end; from += SPAN) {
        int64_t columns = end - from < SPAN ? end - from : SPAN;
        if (dots)
            dot_span(g, from, columns);
        else
            add_span(g, from, columns);
        if (g->tail)
            run_tail(g, from, columns);
    }
}

void c2s_gemm_few(const c2s_gemm *g, bool share) {
    c2s_share((size_t)c2s_gemm_panels(g->n), share, run_panels, g);
}
