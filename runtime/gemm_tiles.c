/* SPDX-License-Identifier: Apache-2.0
 *
 * A tile of 6 rows by 16 columns of c stays in registers: 12 sums of eight, two vectors of b, one
 * number of a. A panel of b of DEPTH rows stays in the first cache while the tiles of a block of
 * rows go along it; that block of a stays in the second. Where it meets enough panels it is packed:
 * the numbers of a tile then lie in the order in which they are read, whatever the steps of a.
 */
#include "runtime/gemm_tiles.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/vector.h"

enum { ROWS = 6, COLUMNS = 16, DEPTH = 384, BLOCK = 144 /* rows of a, a multiple of ROWS */ };
/* For so many columns a is packed. */
enum { WORTH = 8 * COLUMNS };

static int64_t ceiling(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

int64_t c2s_gemm_panels(int64_t n) {
    return ceiling(n, COLUMNS);
}

/* k in equal parts of at most DEPTH. */
static int64_t depth_of(int64_t k) {
    return ceiling(k, ceiling(k, DEPTH));
}

size_t c2s_gemm_packed_count(int64_t n, int64_t k) {
    return (size_t)c2s_gemm_panels(n) * COLUMNS * (size_t)k;
}

/* A row step of 0 says to tiles that a is packed. */
static bool packs_a(const c2s_gemm *g) {
    return g->a_column != 1 || g->a_row == 0 || g->n >= WORTH;
}

size_t c2s_gemm_work_count(const c2s_gemm *g) {
    return packs_a(g) ? (size_t)(least(BLOCK, g->m) * least(DEPTH, g->k)) + COLUMNS : 0;
}

/* ---- packing b: [part of k][panel][p][column] ---- */

C2S_V8 static void pack_rows(const float *b, int64_t row, int64_t depth, int64_t columns,
                             float *to) {
    if (columns == COLUMNS) {
        for (int64_t p = 0; p < depth; p++, b += row, to += COLUMNS) {
            v8_store(to, v8_load(b));
            v8_store(to + 8, v8_load(b + 8));
        }
        return;
    }
    for (int64_t p = 0; p < depth; p++, b += row, to += COLUMNS) {
        memset(to, 0, COLUMNS * sizeof *to);
        memcpy(to, b, (size_t)columns * sizeof *to);
    }
}

/* Columns of b are adjacent numbers: eight by eight. */
C2S_V8 static void pack_columns(const float *b, int64_t column, int64_t depth, int64_t columns,
                                float *to) {
    int64_t p = 0;
    for (; p + 8 <= depth; p += 8)
        for (int half = 0; half < COLUMNS; half += 8) {
            c2s_v8 r[8];
            for (int j = 0; j < 8; j++)
                r[j] = half + j < columns ? v8_load(b + (half + j) * column + p) : v8_set(0);
            v8_transpose(r);
            for (int i = 0; i < 8; i++)
                v8_store(to + (p + i) * COLUMNS + half, r[i]);
        }
    for (; p < depth; p++)
        for (int j = 0; j < COLUMNS; j++)
            to[p * COLUMNS + j] = j < columns ? b[j * column + p] : 0;
}

static void pack_any(const float *b, int64_t row, int64_t column, int64_t depth, int64_t columns,
                     float *to) {
    for (int64_t p = 0; p < depth; p++)
        for (int j = 0; j < COLUMNS; j++)
            to[p * COLUMNS + j] = j < columns ? b[p * row + j * column] : 0;
}

void c2s_gemm_pack(const c2s_gemm *g, int64_t from, int64_t to, float *packed) {
    int64_t depth = depth_of(g->k), width = c2s_gemm_panels(g->n) * COLUMNS;
    for (int64_t k = 0; k < g->k; k += depth) {
        int64_t here = least(depth, g->k - k);
        for (int64_t panel = from; panel < to; panel++) {
            const float *b = g->b + k * g->b_row + panel * COLUMNS * g->b_column;
            float *target = packed + k * width + panel * COLUMNS * here;
            int64_t columns = least(COLUMNS, g->n - panel * COLUMNS);
            if (g->b_column == 1)
                pack_rows(b, g->b_row, here, columns, target);
            else if (g->b_row == 1)
                pack_columns(b, g->b_column, here, columns, target);
            else
                pack_any(b, g->b_row, g->b_column, here, columns, target);
        }
    }
}

/* ---- packing a: [tile][p][row] ---- */

/* Rows in tiles of nearly equal height: 7 are 4 and 3, not 6 and 1. */
static int64_t height_of(int64_t left) {
    return left >= 2 * ROWS ? ROWS : ceiling(left, ceiling(left, ROWS));
}

/* Stores more than `height` numbers of the last columns: the next ones are written over that. */
C2S_V8 static void pack_tile(const float *a, int64_t a_row, int64_t a_column, int64_t height,
                             int64_t depth, float *to) {
    int64_t p = 0;
    for (; a_column == 1 && p + 8 <= depth; p += 8) {
        c2s_v8 r[8];
        for (int i = 0; i < 8; i++)
            r[i] = v8_load(a + (i < height ? i : 0) * a_row + p);
        v8_transpose(r);
        for (int i = 0; i < 8; i++)
            v8_store(to + (p + i) * height, r[i]);
    }
    for (; p < depth; p++)
        for (int64_t i = 0; i < height; i++)
            to[p * height + i] = a[i * a_row + p * a_column];
}

static void pack_a(const float *a, int64_t a_row, int64_t a_column, int64_t rows, int64_t depth,
                   float *to) {
    for (int64_t left = rows; left > 0;) {
        int64_t height = height_of(left);
        pack_tile(a, a_row, a_column, height, depth, to);
        a += height * a_row;
        to += height * depth;
        left -= height;
    }
}

/* ---- tiles ---- */

C2S_V8_INLINE void tile(int rows, const float *a, int64_t a_row, int64_t a_column, const float *b,
                        int64_t depth, float *c, int64_t c_row, bool first) {
    c2s_v8 sum[ROWS][2];
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
        sum[i][0] = first ? v8_set(0) : v8_load(c + i * c_row);
        sum[i][1] = first ? v8_set(0) : v8_load(c + i * c_row + 8);
    }
    for (int64_t p = 0; p < depth; p++, a += a_column, b += COLUMNS) {
        c2s_v8 b0 = v8_load(b), b1 = v8_load(b + 8);
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) {
            c2s_v8 x = v8_set(a[i * a_row]);
            sum[i][0] = v8_fma(x, b0, sum[i][0]);
            sum[i][1] = v8_fma(x, b1, sum[i][1]);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
        v8_store(c + i * c_row, sum[i][0]);
        v8_store(c + i * c_row + 8, sum[i][1]);
    }
}

/* a_row 0: a is packed. */
#define TILE(rows)                                                                                 \
    C2S_V8 static void tile_##rows(const float *a, int64_t a_row, const float *b, int64_t depth,   \
                                   float *c, int64_t c_row, bool first) {                          \
        if (a_row)                                                                                 \
            tile(rows, a, a_row, 1, b, depth, c, c_row, first);                                    \
        else                                                                                       \
            tile(rows, a, 1, rows, b, depth, c, c_row, first);                                     \
    }
TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)

typedef void tile_function(const float *, int64_t, const float *, int64_t, float *, int64_t, bool);
static tile_function *const tiles[ROWS + 1] = {NULL,   tile_1, tile_2, tile_3,
                                               tile_4, tile_5, tile_6};

/* Behind b, the panel that comes next is brought into the cache meanwhile, a part with each tile:
 * its first reader would wait. */
static void strip(const float *a, int64_t a_row, const float *b, int64_t rows, int64_t depth,
                  float *c, int64_t c_row, bool first) {
    const float *next = b + depth * COLUMNS;
    const int64_t lines = ceiling(depth, ceiling(rows, ROWS));
    for (int64_t left = rows; left > 0;) {
        int64_t height = height_of(left);
        for (int64_t i = 0; i < lines; i++, next += COLUMNS)
            __builtin_prefetch(next, 0, 2);
        tiles[height](a, a_row, b, depth, c, c_row, first);
        a += height * (a_row ? a_row : depth);
        c += height * c_row;
        left -= height;
    }
}

/* ---- blocks ---- */

/* Rows of the product that are computed together. */
typedef struct block {
    int64_t row, rows;
    float *packed; /* a part of k of a; NULL: it is read where it lies */
} block;

/* The last panel where it is not full: c has no room for all of it. */
static void finish_narrow(const c2s_gemm *g, const block *r, int64_t panel, float *c) {
    int64_t j = panel * COLUMNS;
    if (g->tail)
        c2s_tail_run(g->tail, c, COLUMNS, r->row, j, r->rows, g->n - j);
    for (int64_t i = 0; i < r->rows; i++)
        memcpy(g->c + (r->row + i) * g->c_row + j, c + i * COLUMNS, (size_t)(g->n - j) * sizeof *c);
}

static void run_block(const c2s_gemm *g, const block *r, int64_t from, int64_t to) {
    float narrow[BLOCK * COLUMNS];
    int64_t depth = depth_of(g->k), width = c2s_gemm_panels(g->n) * COLUMNS;
    int64_t full = least(to, g->n / COLUMNS);
    for (int64_t k = 0; k < g->k; k += depth) {
        int64_t here = least(depth, g->k - k), a_row = r->packed ? 0 : g->a_row;
        const float *a = g->a + r->row * g->a_row + k * g->a_column, *b = g->b + k * width;
        if (r->packed) {
            pack_a(a, g->a_row, g->a_column, r->rows, here, r->packed);
            a = r->packed;
        }
        for (int64_t panel = from; panel < full; panel++) {
            int64_t j = panel * COLUMNS;
            float *c = g->c + r->row * g->c_row + j;
            strip(a, a_row, b + j * here, r->rows, here, c, g->c_row, k == 0);
            if (g->tail && k + here == g->k)
                c2s_tail_run(g->tail, c, g->c_row, r->row, j, r->rows, COLUMNS);
        }
        if (full < to)
            strip(a, a_row, b + full * COLUMNS * here, r->rows, here, narrow, COLUMNS, k == 0);
    }
    if (full < to)
        finish_narrow(g, r, full, narrow);
}

void c2s_gemm_part(const c2s_gemm *g, int64_t row_from, int64_t row_to, int64_t from, int64_t to,
                   float *work) {
    int64_t rows = row_to - row_from, height = rows;
    if (rows > BLOCK) /* equal blocks of whole tiles */
        height = ceiling(ceiling(rows, ceiling(rows, BLOCK)), ROWS) * ROWS;
    for (int64_t row = row_from; row < row_to; row += height) {
        block r = {row, least(height, row_to - row), packs_a(g) ? work : NULL};
        run_block(g, &r, from, to);
    }
}
