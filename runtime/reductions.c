/* SPDX-License-Identifier: Apache-2.0
 *
 * ReduceSum, ReduceMean, ReduceProd, ReduceMax, ReduceMin over adjacent axes, and the global pools,
 * whose input may be in blocks of channels. Sums are in float over short stretches, in double over
 * these.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "runtime/layout.h"

typedef enum fold { SUM, MEAN, PROD, MAX, MIN } fold;

/* [outer, length, inner]: the middle goes. */
typedef struct reduction {
    fold fold;
    size_t outer, length, inner;
} reduction;

/* ---- which axes ---- */

static bool find_fold(const char *op, fold *out) {
    static const struct {
        const char *op;
        fold fold;
    } rows[] = {
        {"GlobalAveragePool", MEAN}, {"GlobalMaxPool", MAX}, {"ReduceMax", MAX},
        {"ReduceMean", MEAN},        {"ReduceMin", MIN},     {"ReduceProd", PROD},
        {"ReduceSum", SUM},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].op, op) == 0) {
            *out = rows[i].fold;
            return true;
        }
    return false;
}

/* Which axes go; false if they are not known here. */
static bool read_axes(const c2s_step *step, int rank, bool reduced[C2S_MAX_RANK]) {
    size_t count;
    const int64_t *axes = c2s_attr_ints(step->node, "axes", &count);
    if (c2s_step_has(step, 1)) {
        const c2s_tensor *tensor = c2s_step_constant(step, 1);
        if (!tensor || tensor->type.dtype != C2S_INT64)
            return false;
        axes = c2s_tensor_data(tensor);
        count = tensor->count;
    }
    bool all = count == 0;
    if (all && c2s_attr_int(step->node, "noop_with_empty_axes", 0) != 0)
        return false;
    for (int i = 0; i < rank; i++)
        reduced[i] = all;
    for (size_t k = 0; k < count; k++) {
        int64_t axis = axes[k] + (axes[k] < 0 ? rank : 0);
        if (axis < 0 || axis >= rank)
            return false;
        reduced[axis] = true;
    }
    return true;
}

static bool is_ours(const c2s_step *step) {
    return c2s_step_wants(step, 0) && c2s_dnnl_accepts(c2s_step_type(step, 0)) &&
           c2s_dnnl_accepts(&step->out[0]->type);
}

static bool describe(const c2s_step *step, reduction *r) {
    const c2s_type *x = c2s_step_type(step, 0);
    bool reduced[C2S_MAX_RANK];
    *r = (reduction){.outer = 1, .length = 1, .inner = 1};
    if (!is_ours(step) || !find_fold(step->node->type, &r->fold) ||
        !read_axes(step, x->rank, reduced))
        return false;
    for (int i = 0; i < x->rank; i++) {
        size_t extent = (size_t)x->dim[i];
        if (extent == 1)
            continue;
        if (reduced[i] && r->inner > 1)
            return false;
        if (reduced[i])
            r->length *= extent;
        else if (r->length > 1)
            r->inner *= extent;
        else
            r->outer *= extent;
    }
    return true;
}

/* ---- loops ---- */

/* `f` is a constant where these are called. */
static inline float fold_float(fold f, float a, float b) {
    return f == MAX ? (a > b ? a : b) : f == MIN ? (a < b ? a : b) : a + b;
}

static inline double fold_double(fold f, double a, double b) {
    return f == MAX ? (a > b ? a : b) : f == MIN ? (a < b ? a : b) : f == PROD ? a * b : a + b;
}

static double start_of(fold f) {
    return f == MAX ? -INFINITY : f == MIN ? INFINITY : f == PROD ? 1 : 0;
}

enum { COLUMNS = 64, STRETCH = 64, LANES = 16 };

/* Adds rows of up to COLUMNS numbers to `total`. */
static inline void fold_rows(fold f, const float *x, size_t rows, size_t row, size_t columns,
                             double *total) {
    float part[COLUMNS];
    for (size_t from = 0; from < rows; from += STRETCH) {
        size_t to = from + STRETCH < rows ? from + STRETCH : rows;
        memcpy(part, x + from * row, columns * sizeof *part);
        for (size_t i = from + 1; i < to; i++)
            for (size_t c = 0; c < columns; c++)
                part[c] = fold_float(f, part[c], x[i * row + c]);
        for (size_t c = 0; c < columns; c++)
            total[c] = fold_double(f, total[c], (double)part[c]);
    }
}

/* Products of floats may leave their range on the way. */
static void multiply_rows(const float *x, size_t rows, size_t row, size_t columns, double *total) {
    for (size_t i = 0; i < rows; i++)
        for (size_t c = 0; c < columns; c++)
            total[c] *= (double)x[i * row + c];
}

static inline void fold_some(fold f, const float *x, size_t rows, size_t row, size_t columns,
                             double *total) {
    if (f == PROD)
        multiply_rows(x, rows, row, columns, total);
    else if (columns == 8) /* known when compiling: sums stay in registers */
        fold_rows(f, x, rows, row, 8, total);
    else if (columns == LANES)
        fold_rows(f, x, rows, row, LANES, total);
    else if (columns == COLUMNS)
        fold_rows(f, x, rows, row, COLUMNS, total);
    else
        fold_rows(f, x, rows, row, columns, total);
}

static inline double fold_line(fold f, const float *x, size_t count) {
    double total[LANES], all = start_of(f);
    size_t whole = count / LANES * LANES;
    if (whole) {
        for (size_t l = 0; l < LANES; l++)
            total[l] = all;
        fold_some(f, x, whole / LANES, LANES, LANES, total);
        for (size_t l = 0; l < LANES; l++)
            all = fold_double(f, all, total[l]);
    }
    for (size_t k = whole; k < count; k++)
        all = fold_double(f, all, (double)x[k]);
    return all;
}

typedef struct run {
    reduction r;
    size_t pieces; /* of the inner axis */
    const float *x;
    float *y;
} run;

/* Parts are pieces of rows of the result. */
static inline void fold_parts(fold f, const run *all, size_t from, size_t to) {
    const reduction *r = &all->r;
    double scale = r->fold == MEAN ? (double)r->length : 1;
    for (size_t i = from; i < to; i++) {
        size_t outer = i / all->pieces, first = i % all->pieces * COLUMNS;
        const float *x = all->x + outer * r->length * r->inner + first;
        float *y = all->y + outer * r->inner + first;
        if (r->inner == 1) {
            *y = (float)(fold_line(f, x, r->length) / scale);
            continue;
        }
        size_t columns = r->inner - first < COLUMNS ? r->inner - first : COLUMNS;
        double total[COLUMNS];
        for (size_t c = 0; c < columns; c++)
            total[c] = start_of(f);
        fold_some(f, x, r->length, r->inner, columns, total);
        for (size_t c = 0; c < columns; c++)
            y[c] = (float)(total[c] / scale);
    }
}

static void run_parts(const void *context, size_t from, size_t to) {
    const run *all = context;
    switch (all->r.fold) {
    case SUM:
    case MEAN:
        fold_parts(SUM, all, from, to);
        break;
    case PROD:
        fold_parts(PROD, all, from, to);
        break;
    case MAX:
        fold_parts(MAX, all, from, to);
        break;
    case MIN:
        fold_parts(MIN, all, from, to);
        break;
    }
}

static c2s_status reduce_run(c2s_step *step) {
    run all = {.r = *(const reduction *)step->state,
               .x = c2s_tensor_data(step->in[0]->tensor),
               .y = c2s_tensor_mutable(step->out[0]->tensor)};
    all.pieces = (all.r.inner + COLUMNS - 1) / COLUMNS;
    c2s_share(all.r.outer * all.pieces, true, run_parts, &all);
    return C2S_OK;
}

static void reduce_release(c2s_step *step) {
    free(step->state);
    step->state = NULL;
}

static c2s_status keep(c2s_step *step, const reduction *r) {
    reduction *state = step->state = c2s_zalloc(sizeof *state);
    *state = *r;
    return C2S_OK;
}

/* ---- operators of axes ---- */

static bool reduce_accepts(const c2s_step *step) {
    reduction r;
    return describe(step, &r);
}

static c2s_status reduce_prepare(c2s_step *step) {
    reduction r;
    if (!describe(step, &r))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    return keep(step, &r);
}

const c2s_kernel_family c2s_kernels_reduce = {
    .name = "reduce",
    .accepts = reduce_accepts,
    .prepare = reduce_prepare,
    .run = reduce_run,
    .release = reduce_release,
    .finite_only = c2s_step_always,
};

/* ---- global pools ---- */

static bool global_pool_accepts(const c2s_step *step) {
    return is_ours(step) && c2s_step_type(step, 0)->rank >= 3;
}

/* In the layout that the input has. */
static c2s_status choose_layout(c2s_step *step, int64_t *block) {
    const c2s_type *x = c2s_step_type(step, 0);
    c2s_const_md layout = c2s_step_layout(step, 0);
    c2s_md out;
    *block = c2s_layout_block(layout, x);
    if (!layout || *block == 0) {
        *block = 1;
        return c2s_step_chooses(step) ? c2s_step_take(step, 0, NULL) : C2S_OK;
    }
    C2S_TRY(c2s_step_take(step, 0, layout));
    C2S_TRY(c2s_layout_blocked(&step->out[0]->type, *block, &out));
    c2s_status status = c2s_step_give(step, 0, out);
    c2s_md_free(out);
    return status;
}

static c2s_status global_pool_prepare(c2s_step *step) {
    const c2s_type *x = c2s_step_type(step, 0);
    int64_t block;
    reduction r = {.length = 1};
    find_fold(step->node->type, &r.fold);
    C2S_TRY(choose_layout(step, &block));
    r.outer = (size_t)(x->dim[0] * ((x->dim[1] + block - 1) / block));
    r.inner = (size_t)block;
    for (int i = 2; i < x->rank; i++)
        r.length *= (size_t)x->dim[i];
    return keep(step, &r);
}

const c2s_kernel_family c2s_kernels_global_pool = {
    .name = "global_pool",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = global_pool_accepts,
    .prepare = global_pool_prepare,
    .run = reduce_run,
    .release = reduce_release,
    .finite_only = c2s_step_always,
};
