/* SPDX-License-Identifier: Apache-2.0
 *
 * AveragePool and MaxPool over one or two axes: first the rows under a window become one line, then
 * the columns of the line. In any layout that has vectors: row-major or with channels innermost.
 */
#include "runtime/window_pool.h"

#include <math.h>
#include <stdlib.h>

#include "base/threads.h"
#include "runtime/dnnl_processor.h"
#include "runtime/layout.h"
#include "runtime/vector.h"

enum { LANES = 8, MOST_KERNEL = 32 };

typedef struct axis {
    int64_t in, out, kernel, stride, dilation, pad;
} axis;

typedef struct pool_state {
    bool is_max, counts_padding;
    axis row, column;
    int64_t planes, block; /* each plane has so many channels in turns: 1, or whole vectors */
    int64_t line;          /* columns under all windows of a row, padding included */
    float divisor[];       /* by column of the result: columns that count */
} pool_state;

/* ---- preparing ---- */

static axis axis_of(const c2s_pool *p, const c2s_step *step, int i) {
    const c2s_type *x = c2s_step_type(step, 0), *y = &step->out[0]->type;
    return (axis){.in = x->dim[i + 2],
                  .out = y->dim[i + 2],
                  .kernel = p->window.kernel[i],
                  .stride = p->window.strides[i],
                  .dilation = p->window.dilates[i] + 1,
                  .pad = p->window.pad_begin[i]};
}

static bool pool_accepts(const c2s_step *step) {
    c2s_pool p;
    if (!c2s_processor_has_fma() || !c2s_pool_of(step, &p) || c2s_step_type(step, 0)->rank > 4)
        return false;
    for (int i = 0; i < c2s_step_type(step, 0)->rank - 2; i++)
        if (p.window.kernel[i] > MOST_KERNEL)
            return false;
    return true;
}

static c2s_status choose_layout(c2s_step *step, int64_t *block) {
    c2s_const_md layout = c2s_step_layout(step, 0);
    c2s_md out;
    *block = c2s_layout_block(layout, c2s_step_type(step, 0));
    if (!layout || *block == 0 || *block % LANES) {
        *block = 1;
        return c2s_step_chooses(step) ? c2s_step_take(step, 0, NULL) : C2S_OK;
    }
    C2S_TRY(c2s_step_take(step, 0, layout));
    C2S_TRY(c2s_layout_blocked(&step->out[0]->type, *block, &out));
    c2s_status status = c2s_step_give(step, 0, out);
    c2s_md_free(out);
    return status;
}

/* Window positions that meet the input where the window begins at `at`. */
static int64_t count_inside(const axis *a, int64_t at) {
    int64_t count = 0;
    for (int64_t k = 0; k < a->kernel; k++)
        count += at + k * a->dilation >= 0 && at + k * a->dilation < a->in;
    return count;
}

static c2s_status pool_prepare(c2s_step *step) {
    c2s_pool p;
    int64_t block;
    const c2s_type *x = c2s_step_type(step, 0), *y = &step->out[0]->type;
    if (!c2s_pool_of(step, &p))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    C2S_TRY(choose_layout(step, &block));
    size_t columns = (size_t)y->dim[y->rank - 1];
    pool_state *s = step->state = c2s_zalloc(sizeof *s + columns * sizeof *s->divisor);
    s->is_max = p.kind == dnnl_pooling_max;
    s->counts_padding = p.kind == dnnl_pooling_avg_include_padding;
    s->column = axis_of(&p, step, x->rank - 3);
    s->row = x->rank == 4 ? axis_of(&p, step, 0) : (axis){1, 1, 1, 1, 1, 0};
    s->block = block;
    s->planes = x->dim[0] * ((x->dim[1] + block - 1) / block);
    const axis *c = &s->column;
    s->line = (c->out - 1) * c->stride + (c->kernel - 1) * c->dilation + 1;
    for (int64_t i = 0; i < c->out; i++)
        s->divisor[i] =
            (float)(s->counts_padding ? c->kernel : count_inside(c, i * c->stride - c->pad));
    return C2S_OK;
}

static void pool_release(c2s_step *step) {
    free(step->state);
    step->state = NULL;
}

/* ---- loops ---- */

C2S_V8_INLINE c2s_v8 fold(bool is_max, c2s_v8 a, c2s_v8 b) {
    if (is_max)
        return v8_at_least(a, b);
    return a + b;
}

/* Numbers at the same place of several rows become one. */
C2S_V8_INLINE void fold_rows(bool is_max, const float *const *rows, int64_t count, int64_t length,
                             float *to) {
    int64_t i = 0;
    for (; i + LANES <= length; i += LANES) {
        c2s_v8 all = v8_load(rows[0] + i);
        for (int64_t k = 1; k < count; k++)
            all = fold(is_max, all, v8_load(rows[k] + i));
        v8_store(to + i, all);
    }
    if (i == length)
        return;
    c2s_v8 all = v8_load_first(rows[0] + i, length - i);
    for (int64_t k = 1; k < count; k++)
        all = fold(is_max, all, v8_load_first(rows[k] + i, length - i));
    v8_store_first(to + i, length - i, all);
}

/* Eight numbers and those that follow them in steps. */
C2S_V8_INLINE c2s_v8 fold_along(bool is_max, const float *from, int64_t count, int64_t step) {
    c2s_v8 all = v8_load(from);
    for (int64_t k = 1; k < count; k++)
        all = fold(is_max, all, v8_load(from + k * step));
    return all;
}

C2S_V8_INLINE void fold_blocks(bool is_max, const pool_state *s, const float *line, float rows,
                               float *y) {
    const axis *c = &s->column;
    for (int64_t i = 0; i < c->out; i++)
        for (int64_t l = 0; l < s->block; l += LANES) {
            c2s_v8 all = fold_along(is_max, line + i * c->stride * s->block + l, c->kernel,
                                    c->dilation * s->block);
            if (!is_max)
                all = all / v8_set(rows * s->divisor[i]);
            v8_store(y + i * s->block + l, all);
        }
}

/* Row-major: windows at all columns, of which every stride-th counts. */
C2S_V8_INLINE void fold_columns(bool is_max, const pool_state *s, const float *line, float rows,
                                float *all, float *y) {
    const axis *c = &s->column;
    for (int64_t i = 0; i <= (c->out - 1) * c->stride; i += LANES)
        v8_store(all + i, fold_along(is_max, line + i, c->kernel, c->dilation));
    for (int64_t i = 0; i < c->out; i++)
        y[i] = is_max ? all[i * c->stride] : all[i * c->stride] / (rows * s->divisor[i]);
}

typedef struct run {
    const pool_state *s;
    const float *x;
    float *y, *work;
} run;

/* Floats of a line, and of as many windows. */
static size_t line_size(const pool_state *s) {
    return (size_t)((s->line + LANES) * s->block) + LANES;
}

C2S_V8_INLINE void run_row(bool is_max, const run *r, int64_t plane, int64_t out, float *line) {
    const pool_state *s = r->s;
    const axis *a = &s->row, *c = &s->column;
    const float *rows[MOST_KERNEL], *x = r->x + plane * a->in * c->in * s->block;
    float *y = r->y + (plane * a->out + out) * c->out * s->block;
    int64_t count = 0, used = c->in < s->line - c->pad ? c->in : s->line - c->pad;
    for (int64_t k = 0; k < a->kernel; k++) {
        int64_t at = out * a->stride - a->pad + k * a->dilation;
        if (at >= 0 && at < a->in)
            rows[count++] = x + at * c->in * s->block;
    }
    fold_rows(is_max, rows, count, used * s->block, line + c->pad * s->block);
    float divisor = (float)(s->counts_padding ? a->kernel : count);
    if (s->block == 1)
        fold_columns(is_max, s, line, divisor, line + line_size(s), y);
    else
        fold_blocks(is_max, s, line, divisor, y);
}

/* Parts are rows of the result. */
C2S_V8 static void run_rows(const void *context, size_t from, size_t to) {
    const run *r = context;
    const pool_state *s = r->s;
    float *line = r->work + (size_t)c2s_this_thread() * 2 * line_size(s);
    for (size_t i = 0; i < line_size(s); i++) /* padding stays, the rest is written */
        line[i] = s->is_max ? -INFINITY : 0;
    for (size_t i = from; i < to; i++) {
        int64_t plane = (int64_t)i / s->row.out, out = (int64_t)i % s->row.out;
        if (s->is_max)
            run_row(true, r, plane, out, line);
        else
            run_row(false, r, plane, out, line);
    }
}

static c2s_status pool_run(c2s_step *step) {
    const pool_state *s = step->state;
    size_t size;
    void *work;
    if (!c2s_mul_size(2 * line_size(s), (size_t)c2s_most_threads() * sizeof(float), &size))
        return c2s_fail(C2S_ERR_MEMORY, "the work space is too large");
    C2S_TRY(c2s_dnnl_work_space(step->dnnl, size, &work));
    const run r = {.s = s,
                   .x = c2s_tensor_data(step->in[0]->tensor),
                   .y = c2s_tensor_mutable(step->out[0]->tensor),
                   .work = work};
    c2s_share((size_t)(s->planes * s->row.out), true, run_rows, &r);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_pool = {
    .name = "pool",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = pool_accepts,
    .prepare = pool_prepare,
    .run = pool_run,
    .release = pool_release,
    .finite_only = c2s_step_always,
};
