/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/simd.h"

static c2s_status one_of(const char *what, const char *found, const char *const *allowed) {
    for (const char *const *name = allowed; *name; name++) {
        if (strcmp(found, *name) == 0)
            return C2S_OK;
    }
    return c2s_fail(C2S_ERR_INVALID, "%s is \"%s\", which is not known", what, found);
}

c2s_status c2s_resample_options_of(const c2s_node *node, c2s_resample_options *out) {
    static const char *const modes[] = {"nearest", "linear", "cubic", NULL};
    static const char *const nearest_modes[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                                "ceil", NULL};
    static const char *const transformations[] = {
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",   "align_corners",
        "asymmetric", "tf_crop_and_resize",   "tf_half_pixel_for_nn", NULL};
    const char *mode = c2s_attr_string(node, "mode", "nearest");
    out->transformation = c2s_attr_string(node, "coordinate_transformation_mode", "half_pixel");
    out->nearest = c2s_attr_string(node, "nearest_mode", "round_prefer_floor");
    C2S_TRY(one_of("mode", mode, modes));
    C2S_TRY(one_of("coordinate_transformation_mode", out->transformation, transformations));
    C2S_TRY(one_of("nearest_mode", out->nearest, nearest_modes));
    out->mode = mode[0] == 'n' ? C2S_NEAREST : mode[0] == 'l' ? C2S_LINEAR : C2S_CUBIC;
    out->cubic_a = (double)c2s_attr_float(node, "cubic_coeff_a", -0.75F);
    out->antialias = c2s_attr_int(node, "antialias", 0) != 0;
    out->exclude_outside = c2s_attr_int(node, "exclude_outside", 0) != 0;
    out->crops = strcmp(out->transformation, "tf_crop_and_resize") == 0;
    return C2S_OK;
}

bool c2s_resample_is_identity(const c2s_resample_options *options, const c2s_resample_axis *axis) {
    return axis->in == axis->out && axis->scale == 1 &&
           (!options->crops || (axis->roi[0] == 0 && axis->roi[1] == 1)) &&
           strcmp(options->transformation, "tf_half_pixel_for_nn") != 0;
}

/* Where output position o lies among the input positions. */
static double coordinate(const c2s_resample_options *options, const c2s_resample_axis *axis,
                         int64_t o) {
    const char *t = options->transformation;
    double x = (double)o, in = (double)axis->in, out = (double)axis->out, scale = axis->scale;
    if (strcmp(t, "asymmetric") == 0)
        return x / scale;
    if (strcmp(t, "align_corners") == 0) /* the resized length, not rounded down */
        return axis->out == 1 ? 0 : x * (in - 1) / (in * scale - 1);
    if (strcmp(t, "pytorch_half_pixel") == 0)
        return axis->out == 1 ? 0 : (x + 0.5) / scale - 0.5;
    if (strcmp(t, "tf_half_pixel_for_nn") == 0)
        return (x + 0.5) / scale;
    if (options->crops) {
        double begin = axis->roi[0], end = axis->roi[1];
        if (axis->out == 1)
            return 0.5 * (begin + end) * (in - 1);
        return begin * (in - 1) + x * (end - begin) * (in - 1) / (out - 1);
    }
    double shift = 0;
    if (strcmp(t, "half_pixel_symmetric") == 0)
        shift = in / 2 * (1 - out / (scale * in));
    return shift + (x + 0.5) / scale - 0.5;
}

static int64_t clamp(double at, int64_t extent) {
    return at > 0 ? (at < (double)extent ? (int64_t)at : extent - 1) : 0;
}

static int64_t nearest_position(const c2s_resample_options *options, double at, int64_t extent) {
    switch (options->nearest[0]) {
    case 'f':
        return clamp(floor(at), extent);
    case 'c':
        return clamp(ceil(at), extent);
    default:
        if (strcmp(options->nearest, "round_prefer_ceil") == 0)
            return clamp(floor(at + 0.5), extent);
        return clamp(ceil(at - 0.5), extent);
    }
}

/* The kernel of Keys' cubic convolution (1981) with parameter a. */
static double cubic(double a, double x) {
    x = fabs(x);
    if (x <= 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((x - 5) * x + 8) * x * a - 4 * a : 0;
}

static double kernel(const c2s_resample_options *options, double x) {
    if (options->mode == C2S_LINEAR)
        return fabs(x) < 1 ? 1 - fabs(x) : 0;
    return cubic(options->cubic_a, x);
}

/* Weights of one output position at input coordinate `at`. `stretch` <= 1 widens the kernel. */
static void weigh(const c2s_resample_options *options, int64_t extent, double at, double stretch,
                  size_t taps, int64_t *index, double *weight) {
    double reach = (options->mode == C2S_LINEAR ? 1 : 2) / stretch;
    double first = floor(at) + floor(-reach) + 1, sum = 0;
    for (size_t k = 0; k < taps; k++) {
        double position = first + (double)k;
        bool outside = position < 0 || position > (double)(extent - 1);
        weight[k] = kernel(options, (position - at) * stretch);
        if (outside && options->exclude_outside)
            weight[k] = 0;
        index[k] = clamp(position, extent);
        sum += weight[k];
    }
    for (size_t k = 0; k < taps && sum != 0; k++)
        weight[k] /= sum;
}

c2s_status c2s_resample_build(const c2s_resample_options *options, const c2s_resample_axis *axis,
                              c2s_resample_table *table) {
    *table = (c2s_resample_table){.taps = 1};
    double stretch = options->antialias && axis->scale < 1 ? axis->scale : 1;
    if (options->mode != C2S_NEAREST) {
        double taps = -2 * floor((options->mode == C2S_LINEAR ? -1 : -2) / stretch);
        if (!(taps < 0x1p31))
            return c2s_fail(C2S_ERR_INVALID, "scale %g is too small", axis->scale);
        table->taps = (size_t)taps;
    }
    size_t out = (size_t)axis->out, entries;
    if (!c2s_mul_size(out, table->taps, &entries))
        return c2s_fail(C2S_ERR_MEMORY, "scale %g is too small", axis->scale);
    C2S_TRY(c2s_scratch(entries, sizeof *table->index, &table->index));
    C2S_TRY(c2s_scratch(entries, sizeof *table->weight, &table->weight));
    if (options->crops)
        C2S_TRY(c2s_scratch(out, sizeof *table->outside, &table->outside));
    for (size_t o = 0; o < out; o++) {
        double at = coordinate(options, axis, (int64_t)o);
        int64_t *index = table->index + o * table->taps;
        double *weight = table->weight + o * table->taps;
        if (options->crops)
            table->outside[o] = !(at >= 0 && at <= (double)(axis->in - 1));
        if (options->mode == C2S_NEAREST) {
            *index = nearest_position(options, at, axis->in);
            *weight = 1;
        } else {
            weigh(options, axis->in, at, stretch, table->taps, index, weight);
        }
    }
    return C2S_OK;
}

void c2s_resample_free(c2s_resample_table *table) {
    free(table->index);
    free(table->weight);
    free(table->outside);
    *table = (c2s_resample_table){0};
}

/* One output row: the weighted sum of rows of `inner` elements. */
C2S_INLINE void sum_rows_loop(const int64_t *index, const double *weight, size_t taps, size_t inner,
                              const double *restrict from, double *restrict to) {
    memset(to, 0, inner * sizeof *to);
    for (size_t k = 0; k < taps; k++) {
        const double *row = from + (size_t)index[k] * inner;
        double w = weight[k];
        for (size_t j = 0; j < inner; j++)
            to[j] += w * row[j];
    }
}

C2S_SIMD(sum_rows, sum_rows_loop,
         (const int64_t *index, const double *weight, size_t taps, size_t inner, const double *from,
          double *to),
         (index, weight, taps, inner, from, to))

/* Along the last axis: every output element is a sum of a few elements of one row. */
C2S_INLINE void sum_columns_loop(const int64_t *index, const double *weight, size_t taps,
                                 size_t out, const double *restrict from, double *restrict to) {
    for (size_t p = 0; p < out; p++) {
        double sum = 0;
        for (size_t k = 0; k < taps; k++)
            sum += weight[p * taps + k] * from[index[p * taps + k]];
        to[p] = sum;
    }
}

void c2s_resample_apply(const c2s_resample_table *table, const c2s_resample_axis *axis,
                        size_t outer, size_t inner, const double *from, double *to) {
    size_t in = (size_t)axis->in, out = (size_t)axis->out, taps = table->taps;
    bool parallel = outer * out * inner > (size_t)1 << 16;
    (void)parallel;
#pragma omp parallel for schedule(static) if (parallel)
    for (size_t o = 0; o < outer; o++) {
        const double *row = from + o * in * inner;
        if (inner == 1 && taps == 2)
            sum_columns_loop(table->index, table->weight, 2, out, row, to + o * out);
        else if (inner == 1 && taps == 4)
            sum_columns_loop(table->index, table->weight, 4, out, row, to + o * out);
        else if (inner == 1)
            sum_columns_loop(table->index, table->weight, taps, out, row, to + o * out);
        for (size_t p = 0; inner > 1 && p < out; p++)
            sum_rows(table->index + p * taps, table->weight + p * taps, taps, inner, row,
                     to + (o * out + p) * inner);
    }
}
