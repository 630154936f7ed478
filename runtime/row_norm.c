/* SPDX-License-Identifier: Apache-2.0
 *
 * LayerNormalization and RMSNormalization along rows of adjacent numbers: the operators, and what
 * was written out as others.
 */
#include <float.h>
#include <math.h>

#include "base/threads.h"
#include "runtime/dnnl_primitive.h"
#include "runtime/dnnl_processor.h"
#include "runtime/groups.h"
#include "runtime/vector.h"

C2S_V8_INLINE float sum_of(const float *x, int64_t count) {
    c2s_v8 sum[2] = {v8_set(0), v8_set(0)};
    int64_t i = 0;
    for (; i + 16 <= count; i += 16) {
        sum[0] = sum[0] + v8_load(x + i);
        sum[1] = sum[1] + v8_load(x + i + 8);
    }
    for (; i < count; i += 8)
        sum[0] = sum[0] + v8_load_most(x + i, count - i);
    return v8_sum(sum[0] + sum[1]);
}

/* Of x - mean. */
C2S_V8_INLINE float squares_of(const float *x, int64_t count, float mean) {
    c2s_v8 sum[2] = {v8_set(0), v8_set(0)}, less = v8_set(mean);
    int64_t i = 0;
    for (; i + 16 <= count; i += 16) {
        c2s_v8 a = v8_load(x + i) - less, b = v8_load(x + i + 8) - less;
        sum[0] = v8_fma(a, a, sum[0]);
        sum[1] = v8_fma(b, b, sum[1]);
    }
    float rest = 0;
    for (; i + 8 <= count; i += 8) {
        c2s_v8 a = v8_load(x + i) - less;
        sum[0] = v8_fma(a, a, sum[0]);
    }
    for (; i < count; i++)
        rest += (x[i] - mean) * (x[i] - mean);
    return v8_sum(sum[0] + sum[1]) + rest;
}

typedef struct norm {
    int64_t rows, length;
    const float *x, *scale, *shift; /* of `length`, or NULL */
    float *y;
    float epsilon;
    bool centred, guarded; /* squares that float cannot hold count, too */
} norm;

/* Where squares overflow, or something is not finite. */
static void norm_row_in_double(const norm *n, const float *x, float *y) {
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < n->length && n->centred; i++)
        mean += (double)x[i] / (double)n->length;
    for (int64_t i = 0; i < n->length; i++)
        variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n->length;
    double by = 1 / sqrt(variance + (double)n->epsilon);
    for (int64_t i = 0; i < n->length; i++)
        y[i] = (float)((((double)x[i] - mean) * by) * (n->scale ? (double)n->scale[i] : 1) +
                       (n->shift ? (double)n->shift[i] : 0));
}

C2S_V8 static void norm_row(const norm *n, int64_t row) {
    const float *x = n->x + row * n->length;
    float *y = n->y + row * n->length, length = (float)n->length;
    float mean = n->centred ? sum_of(x, n->length) / length : 0;
    float variance = squares_of(x, n->length, mean) / length;
    if (n->guarded && !(variance < FLT_MAX)) {
        norm_row_in_double(n, x, y);
        return;
    }
    c2s_v8 less = v8_set(mean), by = v8_set(1) / v8_sqrt(v8_set(variance + n->epsilon));
    for (int64_t i = 0; i < n->length; i += 8) {
        c2s_v8 v = (v8_load_most(x + i, n->length - i) - less) * by;
        if (n->scale)
            v = v * v8_load_most(n->scale + i, n->length - i);
        if (n->shift)
            v = v + v8_load_most(n->shift + i, n->length - i);
        v8_store_most(y + i, n->length - i, v);
    }
}

static void norm_rows(const void *context, size_t from, size_t to) {
    for (size_t row = from; row < to; row++)
        norm_row(context, (int64_t)row);
}

static const float *data_of(const c2s_step *step, unsigned input) {
    return step->in[input] ? c2s_tensor_data(step->in[input]->tensor) : NULL;
}

static bool written_norm_accepts(const c2s_step *step) {
    return c2s_dnnl_accepts(&step->out[0]->type);
}

static c2s_status written_norm_run(c2s_step *step) {
    const c2s_type *type = &step->out[0]->type;
    int64_t length = type->dim[type->rank - 1];
    norm n = {.rows = (int64_t)step->in[0]->tensor->count / length,
              .length = length,
              .x = data_of(step, 0),
              .scale = data_of(step, 1),
              .shift = data_of(step, 2),
              .y = c2s_tensor_mutable(step->out[0]->tensor),
              .epsilon = step->group->number,
              .centred = step->group->flag};
    c2s_share((size_t)n.rows, true, norm_rows, &n);
    return C2S_OK;
}

/* ---- the operators ---- */

static int64_t first_axis(const c2s_step *step) {
    int64_t axis = c2s_attr_int(step->node, "axis", -1);
    return axis < 0 ? axis + step->in[0]->type.rank : axis;
}

static bool is_row_or_nothing(const c2s_step *step, unsigned input, int64_t axis) {
    return !c2s_step_has(step, input) || (c2s_dnnl_accepts(c2s_step_type(step, input)) &&
                                          c2s_step_is_row(step, input, (int)axis));
}

static bool row_norm_accepts(const c2s_step *step) {
    const c2s_type *x = &step->in[0]->type;
    int64_t axis = x->rank > 0 ? first_axis(step) : -1;
    for (unsigned k = 1; k < step->out_count; k++)
        if (step->out[k])
            return false;
    return c2s_processor_has_fma() && c2s_dnnl_accepts(x) && axis >= 0 && axis < x->rank &&
           c2s_dnnl_accepts(&step->out[0]->type) && is_row_or_nothing(step, 1, axis) &&
           is_row_or_nothing(step, 2, axis);
}

static c2s_status row_norm_run(c2s_step *step) {
    const c2s_type *type = &step->in[0]->type;
    int64_t length = 1;
    for (int64_t i = first_axis(step); i < type->rank; i++)
        length *= type->dim[i];
    norm n = {.rows = (int64_t)step->in[0]->tensor->count / length,
              .length = length,
              .x = data_of(step, 0),
              .scale = data_of(step, 1),
              .shift = step->own_count > 2 ? data_of(step, 2) : NULL,
              .y = c2s_tensor_mutable(step->out[0]->tensor),
              .epsilon = c2s_attr_float(step->node, "epsilon", 1e-5f),
              .centred = step->node->op == &c2s_op_layer_normalization,
              .guarded = true};
    c2s_share((size_t)n.rows, true, norm_rows, &n);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_row_norm = {
    .name = "row_norm",
    .accepts = row_norm_accepts,
    .run = row_norm_run,
};

const c2s_kernel_family c2s_kernels_written_norm = {
    .name = "norm",
    .accepts = written_norm_accepts,
    .run = written_norm_run,
};
