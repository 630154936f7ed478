/* SPDX-License-Identifier: Apache-2.0
 *
 * Resize of the last one or two axes by interpolation, with the weights that eval has: row by row
 * of the result, first the rows of the input that it lies between, then the columns.
 */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "ops/resize_tables.h"
#include "runtime/dnnl_primitive.h"
#include "runtime/dnnl_processor.h"
#include "runtime/vector.h"

enum { OPERANDS = 4 };

/* One axis: each of `out` positions is a sum of `taps` positions. */
typedef struct axis {
    size_t in, out, taps;
    int32_t *index; /* NULL: positions stay as they are */
    float *weight;
} axis;

typedef struct planes {
    size_t count;
    axis row, column;
    const float *x;
    float *y;
} planes;

/* ---- preparing ---- */

static bool is_linear_or_cubic(const c2s_node *node) {
    c2s_resample_options options;
    if (c2s_resample_options_of(node, &options) != C2S_OK) {
        c2s_error_clear();
        return false;
    }
    return options.mode != C2S_NEAREST && !options.crops;
}

static bool planes_accepts(const c2s_step *step) {
    const c2s_type *x = c2s_step_type(step, 0), *y = &step->out[0]->type;
    if (!c2s_processor_has_fma() || !c2s_step_wants(step, 0) || !c2s_dnnl_accepts(x) ||
        !c2s_dnnl_accepts(y) || x->rank < 2 || y->rank != x->rank)
        return false;
    for (unsigned k = 1; k < OPERANDS; k++)
        if (c2s_step_has(step, k) && !c2s_step_constant(step, k))
            return false;
    return is_linear_or_cubic(step->node);
}

static void planes_release(c2s_step *step) {
    planes *p = step->state;
    if (!p)
        return;
    free(p->row.index);
    free(p->row.weight);
    free(p->column.index);
    free(p->column.weight);
    free(p);
    step->state = NULL;
}

static c2s_status take_axis(const c2s_resample_axis *from, const c2s_resample_table *table,
                            axis *to) {
    *to = (axis){.in = (size_t)from->in, .out = (size_t)from->out, .taps = table->taps};
    if (!table->index)
        return C2S_OK;
    if (from->in > INT32_MAX)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "the axis is too long");
    const size_t entries = to->out * to->taps;
    to->index = c2s_alloc_array(entries, sizeof *to->index);
    to->weight = c2s_alloc_array(entries, sizeof *to->weight);
    for (size_t k = 0; k < entries; k++) {
        to->index[k] = (int32_t)table->index[k];
        to->weight[k] = (float)table->weight[k];
    }
    return C2S_OK;
}

static c2s_status describe(const c2s_step *step, planes *p, c2s_resample_table *tables) {
    const c2s_type *x = c2s_step_type(step, 0);
    const c2s_tensor *in[OPERANDS] = {0};
    c2s_resample_axis axes[C2S_MAX_RANK];
    for (unsigned k = 1; k < OPERANDS; k++)
        in[k] = c2s_step_constant(step, k);
    C2S_TRY(c2s_resize_tables(step->node, x, &step->out[0]->type, in, OPERANDS, axes, tables));
    p->count = 1;
    for (int a = 0; a < x->rank - 2; a++) {
        if (tables[a].index)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "more than two axes change");
        p->count *= (size_t)x->dim[a];
    }
    C2S_TRY(take_axis(&axes[x->rank - 2], &tables[x->rank - 2], &p->row));
    return take_axis(&axes[x->rank - 1], &tables[x->rank - 1], &p->column);
}

static c2s_status planes_prepare(c2s_step *step) {
    c2s_resample_table tables[C2S_MAX_RANK] = {{0}};
    step->state = c2s_zalloc(sizeof(planes));
    const c2s_status status = describe(step, step->state, tables);
    c2s_resize_tables_free(tables);
    if (status != C2S_OK)
        planes_release(step);
    return status;
}

/* ---- running ---- */

/* to = sum over taps of weight * row */
C2S_V8 static void mix_rows(const axis *row, const int32_t *index, const float *weight,
                            const float *plane, size_t width, float *to) {
    for (size_t i = 0; i < width; i += 8) {
        const int64_t left = (int64_t)(width - i);
        c2s_v8 sum = v8_set(0);
        for (size_t k = 0; k < row->taps; k++) {
            const float *from = plane + (size_t)index[k] * width + i;
            sum = v8_fma(v8_load_most(from, left), v8_set(weight[k]), sum);
        }
        v8_store_most(to + i, left, sum);
    }
}

static void mix_columns(const axis *column, const float *from, float *to) {
    const int32_t *index = column->index;
    const float *weight = column->weight;
    if (column->taps == 2) {
        for (size_t o = 0; o < column->out; o++, index += 2, weight += 2)
            to[o] = from[index[0]] * weight[0] + from[index[1]] * weight[1];
        return;
    }
    for (size_t o = 0; o < column->out; o++, index += column->taps, weight += column->taps) {
        float sum = 0;
        for (size_t k = 0; k < column->taps; k++)
            sum += from[index[k]] * weight[k];
        to[o] = sum;
    }
}

/* Row `o` of a plane's result; `scratch` has room for a row of the input. */
static void make_row(const planes *p, const float *plane, size_t o, float *scratch, float *to) {
    const axis *row = &p->row, *column = &p->column;
    const float *between = plane + o * column->in;
    if (row->index) {
        float *mixed = column->index ? scratch : to;
        mix_rows(row, row->index + o * row->taps, row->weight + o * row->taps, plane, column->in,
                 mixed);
        between = mixed;
    }
    if (column->index)
        mix_columns(column, between, to);
    else if (between != to)
        memcpy(to, between, column->out * sizeof *to);
}

static void rows(const void *context, size_t from, size_t to) {
    const planes *p = context;
    float *scratch = c2s_alloc_array(p->column.in, sizeof *scratch);
    for (size_t i = from; i < to; i++)
        make_row(p, p->x + i / p->row.out * p->row.in * p->column.in, i % p->row.out, scratch,
                 p->y + i * p->column.out);
    free(scratch);
}

static c2s_status planes_run(c2s_step *step) {
    planes p = *(const planes *)step->state;
    p.x = c2s_tensor_data(step->in[0]->tensor);
    p.y = c2s_tensor_mutable(step->out[0]->tensor);
    c2s_share(p.count * p.row.out, true, rows, &p);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_resize_planes = {
    .name = "resize_planes",
    .accepts = planes_accepts,
    .prepare = planes_prepare,
    .run = planes_run,
    .release = planes_release,
    .finite_only = c2s_step_always,
};
