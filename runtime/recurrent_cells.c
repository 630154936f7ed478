/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights are read where they lie, in ONNX's order: eight rows, which are eight units of one gate,
 * make eight scalar products with the state, and these one vector of results.
 */
#include "runtime/recurrent_shape.h"
#include "runtime/vector_math.h"

/* sum[j] += x * row j of w, of which `rows` (up to 8) are there; the last stands for the others. */
C2S_V8_INLINE void add_products(const float *x, int64_t k, const float *w, int64_t rows,
                                c2s_v8 sum[8]) {
    const float *row[8];
#pragma GCC unroll 8
    for (int64_t j = 0; j < 8; j++)
        row[j] = w + (j < rows ? j : rows - 1) * k;
    int64_t p = 0;
    for (; p + 8 <= k; p += 8) {
        c2s_v8 v = v8_load(x + p);
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++)
            sum[j] = v8_fma(v, v8_load(row[j] + p), sum[j]);
    }
    if (p < k) {
        c2s_v8 v = v8_load_first(x + p, k - p);
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++)
            sum[j] = v8_fma(v, v8_load_first(row[j] + p, k - p), sum[j]);
    }
}

C2S_V8_INLINE c2s_v8 sums_of(c2s_v8 s[8]) {
    v8_transpose(s);
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

/* What input (NULL: it is in `gates`) and state (NULL: nothing) make of units u to u + count of a
 * gate. */
C2S_V8_INLINE c2s_v8 part(const c2s_recurrent_cell *cell, int64_t gate, int64_t u, int64_t count,
                          const float *x, const float *gates, const float *h) {
    c2s_v8 s[8];
    int64_t at = gate * cell->hidden + u;
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++)
        s[j] = v8_set(0);
    if (!gates && x)
        add_products(x, cell->inputs, cell->w + at * cell->inputs, count, s);
    if (h)
        add_products(h, cell->hidden, cell->r + at * cell->hidden, count, s);
    return sums_of(s);
}

/* The same with the bias. */
C2S_V8_INLINE c2s_v8 whole(const c2s_recurrent_cell *cell, int64_t number, int64_t u, int64_t count,
                           const float *x, const float *gates, const float *h) {
    int64_t at = number * cell->hidden + u;
    c2s_v8 sum = part(cell, number, u, count, x, gates, h) + v8_load_most(cell->bias + at, count);
    if (gates)
        sum = sum + v8_load_most(gates + at, count);
    return sum;
}

enum { I, O, F, C }; /* gates of LSTM; of GRU: */
enum { Z, R, H };

C2S_V8 void c2s_lstm_step(const c2s_recurrent_cell *cell, const float *x, const float *gates,
                          const float *h, float *c, float *next) {
    const float *p = cell->peepholes;
    int64_t n = cell->hidden;
    for (int64_t u = 0; u < n; u += 8) {
        int64_t count = n - u;
        c2s_v8 old = v8_load_most(c + u, count), i = whole(cell, I, u, count, x, gates, h),
               f = whole(cell, F, u, count, x, gates, h), o = whole(cell, O, u, count, x, gates, h),
               candidate = v8_tanh(whole(cell, C, u, count, x, gates, h));
        if (p) {
            i = v8_fma(v8_load_most(p + u, count), old, i);
            f = v8_fma(v8_load_most(p + 2 * n + u, count), old, f);
        }
        c2s_v8 new = v8_fma(v8_sigmoid(f), old, v8_sigmoid(i) * candidate);
        if (p)
            o = v8_fma(v8_load_most(p + n + u, count), new, o);
        v8_store_most(c + u, count, new);
        v8_store_most(next + u, count, v8_sigmoid(o) * v8_tanh(new));
    }
}

/* (1 - z) * candidate + z * h */
C2S_V8_INLINE void mix(c2s_v8 z, c2s_v8 candidate, const float *h, float *next, int64_t count) {
    v8_store_most(next, count, v8_fma(z, v8_load_most(h, count), (v8_set(1) - z) * candidate));
}

C2S_V8 void c2s_gru_step(const c2s_recurrent_cell *cell, const float *x, const float *gates,
                         const float *h, float *scratch, float *next) {
    int64_t n = cell->hidden;
    float *z = scratch, *reset = scratch + n;
    for (int64_t u = 0; u < n; u += 8) {
        int64_t count = n - u;
        c2s_v8 r = v8_sigmoid(whole(cell, R, u, count, x, gates, h));
        v8_store_most(z + u, count, v8_sigmoid(whole(cell, Z, u, count, x, gates, h)));
        v8_store_most(reset + u, count, r * v8_load_most(h + u, count));
    }
    for (int64_t u = 0; u < n; u += 8) {
        int64_t count = n - u;
        c2s_v8 candidate = v8_tanh(whole(cell, H, u, count, x, gates, reset));
        mix(v8_load_most(z + u, count), candidate, h + u, next + u, count);
    }
}

C2S_V8 void c2s_linear_gru_step(const c2s_recurrent_cell *cell, const float *x, const float *gates,
                                const float *h, float *next) {
    int64_t n = cell->hidden;
    for (int64_t u = 0; u < n; u += 8) {
        int64_t count = n - u;
        c2s_v8 z = v8_sigmoid(whole(cell, Z, u, count, x, gates, h)),
               r = v8_sigmoid(whole(cell, R, u, count, x, gates, h)),
               given = whole(cell, H, u, count, x, gates, NULL),
               state = part(cell, H, u, count, NULL, NULL, h) +
                       v8_load_most(cell->state_bias + u, count);
        mix(z, v8_tanh(v8_fma(r, state, given)), h + u, next + u, count);
    }
}
