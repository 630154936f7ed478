/* SPDX-License-Identifier: Apache-2.0
 *
 * The tensor is seen as groups of neighbouring axes that are all kept or all folded. If the last
 * group is kept, whole rows are folded into rows; if it is folded, each row into one number. A unit
 * of work is a piece of one row of results, or one result.
 */
#include "ops/reduce.h"

#include <math.h>
#include <string.h>

#include "base/threads.h"
#include "ops/elementary.h"

enum { PIECE = 512, LANES = 8, PARALLEL_ELEMENTS = 1 << 15 };

typedef struct group {
    size_t extent, stride;
} group;

typedef struct reduction {
    c2s_wide wide;
    const c2s_tensor *in;
    group kept[C2S_MAX_RANK], folded[C2S_MAX_RANK]; /* without the last group */
    int kept_count, folded_count;
    size_t row;      /* extent of the last group */
    bool row_folded; /* else kept */
    size_t results, folded_rows;
    const void *center;
    void *out;
} reduction;

void c2s_reduce_counts(const c2s_type *type, uint32_t axes, size_t *folded, size_t *results) {
    *folded = *results = 1;
    for (int d = 0; d < type->rank; d++)
        *(axes >> d & 1 ? folded : results) *= (size_t)type->dim[d];
}

static void plan(reduction *r, uint32_t axes) {
    const c2s_type *type = &r->in->type;
    size_t stride = 1;
    bool started = false;
    r->row = 1;
    r->row_folded = false;
    r->folded_rows = r->results = 1;
    for (int d = type->rank - 1; d >= 0; d--) {
        const size_t n = (size_t)type->dim[d];
        const bool fold = axes >> d & 1;
        if (!fold)
            r->results *= n;
        if (n == 1)
            continue;
        group *groups = fold ? r->folded : r->kept;
        int *count = fold ? &r->folded_count : &r->kept_count;
        if (!started || (r->row_folded == fold && stride == r->row)) {
            started = true;
            r->row_folded = fold;
            r->row *= n;
        } else {
            if (*count && groups[*count - 1].stride * groups[*count - 1].extent == stride)
                groups[*count - 1].extent *= n;
            else
                groups[(*count)++] = (group){n, stride};
            if (fold)
                r->folded_rows *= n;
        }
        stride *= n;
    }
}

/* Offset of combination `index` of the groups, the first group running fastest. */
static size_t offset_of(const group *groups, int count, size_t index) {
    size_t offset = 0;
    for (int g = 0; g < count; g++) {
        offset += index % groups[g].extent * groups[g].stride;
        index /= groups[g].extent;
    }
    return offset;
}

/* NAME_rows folds a row into a row of results. NAME_row folds a row into LANES partial results, so
 * that the additions of one result need not wait for each other. s: so far, x: element, m: center.
 */
#define FOLD(name, type, step)                                                                     \
    C2S_INLINE void name##_loop(void *to, const void *center, const void *from, size_t n) {        \
        type *restrict sum = to;                                                                   \
        const type *restrict row = from;                                                           \
        const type *restrict middle = center;                                                      \
        for (size_t k = 0; k < n; k++) {                                                           \
            const type s = sum[k], x = row[k], m = middle ? middle[k] : 0;                         \
            (void)m;                                                                               \
            sum[k] = step;                                                                         \
        }                                                                                          \
    }                                                                                              \
    C2S_INLINE void name##_lanes(void *lanes, const void *center, const void *from, size_t n) {    \
        type sum[LANES], middle[LANES] = {0};                                                      \
        const type *row = from;                                                                    \
        size_t k = 0;                                                                              \
        memcpy(sum, lanes, sizeof sum);                                                            \
        if (center)                                                                                \
            memcpy(middle, center, sizeof middle);                                                 \
        for (; k + LANES <= n; k += LANES)                                                         \
            for (size_t l = 0; l < LANES; l++) {                                                   \
                const type s = sum[l], x = row[k + l], m = middle[l];                              \
                (void)m;                                                                           \
                sum[l] = step;                                                                     \
            }                                                                                      \
        name##_loop(sum, center, row + k, n - k);                                                  \
        memcpy(lanes, sum, sizeof sum);                                                            \
    }                                                                                              \
    C2S_SIMD(name##_rows, name##_loop, (void *to, const void *center, const void *from, size_t n), \
             (to, center, from, n))                                                                \
    C2S_SIMD(name##_row, name##_lanes,                                                             \
             (void *lanes, const void *center, const void *from, size_t n),                        \
             (lanes, center, from, n))
FOLD(sum_f64, double, s + x)
FOLD(sum_u64, uint64_t, s + x)
FOLD(abs_f64, double, s + fabs(x))
FOLD(abs_i64, uint64_t, s + (x >> 63 ? 0 - x : x))
FOLD(square_f64, double, s + x * x)
FOLD(square_u64, uint64_t, s + x * x)
FOLD(product_f64, double, (s * x))
FOLD(product_u64, uint64_t, (s * x))
FOLD(max_f64, double, ((s != s) | (s > x)) ? s : x)
FOLD(max_i64, int64_t, s > x ? s : x)
FOLD(max_u64, uint64_t, s > x ? s : x)
FOLD(min_f64, double, ((s != s) | (s < x)) ? s : x)
FOLD(min_i64, int64_t, s < x ? s : x)
FOLD(min_u64, uint64_t, s < x ? s : x)
FOLD(exp_f64, double, s + c2s_exp(x - m))

typedef void (*fold_fn)(void *to, const void *center, const void *from, size_t n);
typedef struct fold_functions {
    fold_fn rows, row, join;
} fold_functions;
#define FUNCTIONS(name, joining)                                                                   \
    { name##_rows, name##_row, joining##_rows }
static const fold_functions functions[][3] = {
    [C2S_FOLD_SUM] = {FUNCTIONS(sum_f64, sum_f64), FUNCTIONS(sum_u64, sum_u64),
                      FUNCTIONS(sum_u64, sum_u64)},
    [C2S_FOLD_SUM_ABS] = {FUNCTIONS(abs_f64, sum_f64), FUNCTIONS(abs_i64, sum_u64),
                          FUNCTIONS(sum_u64, sum_u64)},
    [C2S_FOLD_SUM_SQUARE] = {FUNCTIONS(square_f64, sum_f64), FUNCTIONS(square_u64, sum_u64),
                             FUNCTIONS(square_u64, sum_u64)},
    [C2S_FOLD_PRODUCT] = {FUNCTIONS(product_f64, product_f64), FUNCTIONS(product_u64, product_u64),
                          FUNCTIONS(product_u64, product_u64)},
    [C2S_FOLD_MAX] = {FUNCTIONS(max_f64, max_f64), FUNCTIONS(max_i64, max_i64),
                      FUNCTIONS(max_u64, max_u64)},
    [C2S_FOLD_MIN] = {FUNCTIONS(min_f64, min_f64), FUNCTIONS(min_i64, min_i64),
                      FUNCTIONS(min_u64, min_u64)},
    [C2S_FOLD_SUM_EXP] = {FUNCTIONS(exp_f64, sum_f64)},
};

typedef union element {
    double f64;
    int64_t i64;
    uint64_t u64;
} element;

static element identity(c2s_fold fold, c2s_wide wide, c2s_dtype dtype) {
    const unsigned unused = 64 - c2s_dtype_bits(dtype);
    element e = {.u64 = 0};
    if (wide == C2S_WIDE_F64)
        e.f64 = fold == C2S_FOLD_PRODUCT ? 1
                : fold == C2S_FOLD_MAX   ? -INFINITY
                : fold == C2S_FOLD_MIN   ? INFINITY
                                         : 0;
    else if (fold == C2S_FOLD_PRODUCT)
        e.u64 = 1;
    else if (fold == C2S_FOLD_MAX && wide == C2S_WIDE_I64)
        e.i64 = INT64_MIN / ((int64_t)1 << unused);
    else if (fold == C2S_FOLD_MIN)
        e.u64 = (wide == C2S_WIDE_I64 ? (uint64_t)INT64_MAX : UINT64_MAX) >> unused;
    return e;
}

/* Elements at .. at + n of the input, in `buffer` or where they are. */
static const void *elements(const reduction *r, size_t at, size_t n, element *buffer) {
    const c2s_dtype dtype = r->in->type.dtype;
    const void *data = c2s_tensor_data(r->in);
    if (c2s_wide_is_storage(r->wide, dtype))
        return (const char *)data + at * sizeof(element);
    c2s_wide_load(r->wide, dtype, data, at, n, buffer);
    return buffer;
}

static void fold_into_row(const reduction *r, const fold_functions *f, element start, size_t unit) {
    const size_t pieces = (r->row + PIECE - 1) / PIECE, first = unit % pieces * PIECE;
    const size_t n = r->row - first < PIECE ? r->row - first : PIECE, kept = unit / pieces;
    const size_t base = offset_of(r->kept, r->kept_count, kept) + first;
    const size_t place = kept * r->row + first;
    element buffer[PIECE], *sum = (element *)r->out + place;
    for (size_t k = 0; k < n; k++)
        sum[k] = start;
    for (size_t row = 0; row < r->folded_rows; row++)
        f->rows(sum, r->center ? (const element *)r->center + place : NULL,
                elements(r, base + offset_of(r->folded, r->folded_count, row), n, buffer), n);
}

static void fold_to_one(const reduction *r, const fold_functions *f, element start, size_t unit) {
    const size_t base = offset_of(r->kept, r->kept_count, unit);
    element buffer[PIECE], lane[LANES], center[LANES];
    for (size_t k = 0; k < LANES; k++) {
        lane[k] = start;
        center[k] = r->center ? ((const element *)r->center)[unit] : (element){.u64 = 0};
    }
    for (size_t row = 0; row < r->folded_rows; row++) {
        const size_t at = base + offset_of(r->folded, r->folded_count, row);
        for (size_t k = 0; k < r->row; k += PIECE) {
            const size_t n = r->row - k < PIECE ? r->row - k : PIECE;
            f->row(lane, center, elements(r, at + k, n, buffer), n);
        }
    }
    for (size_t half = LANES / 2; half; half /= 2)
        f->join(lane, NULL, lane + half, half);
    ((element *)r->out)[unit] = lane[0];
}

typedef struct folding {
    reduction *r;
    fold_functions f;
    element start;
} folding;

static void fold_units(const void *context, size_t from, size_t to) {
    const folding *g = context;
    for (size_t unit = from; unit < to; unit++)
        if (g->r->row_folded)
            fold_to_one(g->r, &g->f, g->start, unit);
        else
            fold_into_row(g->r, &g->f, g->start, unit);
}

c2s_status c2s_reduce(c2s_fold fold, c2s_wide wide, const c2s_tensor *in, uint32_t axes,
                      const void *center, void *out) {
    reduction r = {.wide = wide, .in = in, .center = center, .out = out};
    const int kind = wide == C2S_WIDE_F64   ? 0
                     : wide == C2S_WIDE_I64 ? 1
                     : wide == C2S_WIDE_U64 ? 2
                                            : -1;
    if (kind < 0 || !c2s_wide_of(in->type.dtype))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "elements of type %s cannot be reduced",
                        c2s_dtype_name(in->type.dtype));
    const fold_functions f = functions[fold][kind];
    const element start = identity(fold, wide, in->type.dtype);
    plan(&r, axes);
    const size_t pieces = (r.row + PIECE - 1) / PIECE;
    const size_t units = r.row_folded ? r.results : r.row ? r.results / r.row * pieces : 0;
    const folding all = {&r, f, start};
    c2s_share(units, in->count >= PARALLEL_ELEMENTS, fold_units, &all);
    return C2S_OK;
}
