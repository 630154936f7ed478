/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/conv_products.h"

#include <string.h>

#include "base/linear_algebra.h"
#include "base/memory.h"
#include "passes/measure/conv_planes.h"
#include "passes/measure/window_rows.h"

/* One group of one image: rows [k, positions] of windows, weights [n, k], outputs [n, positions].
 */
typedef struct part {
    const c2s_window *window;
    size_t k, n, kernel, plane, positions;
    bool is_plane;
} part;

static part part_of(const c2s_conv_shape *s) {
    const size_t kernel = (size_t)c2s_window_kernel_size(&s->window);
    return (part){.window = &s->window,
                  .k = (size_t)s->in * kernel,
                  .n = (size_t)s->out,
                  .kernel = kernel,
                  .plane = (size_t)c2s_window_in_size(&s->window),
                  .positions = (size_t)c2s_window_out_size(&s->window),
                  .is_plane = c2s_window_is_plane(&s->window)};
}

static bool is_depthwise(const c2s_conv_shape *s) {
    return s->in == 1 && s->out == 1;
}

size_t c2s_conv_scratch(const c2s_conv_shape *s) {
    const part p = part_of(s);
    c2s_conv_plane plane;
    size_t floats;
    if (is_depthwise(s) && c2s_conv_plane_of(&s->window, &plane))
        return c2s_conv_plane_scratch(&plane);
    return c2s_mul_size(p.k, p.positions, &floats) && c2s_mul_size(floats, 2, &floats) ? floats + 1
                                                                                       : 0;
}

static const float *gather(const part *p, const float *x, float *scratch) {
    if (p->is_plane)
        return x;
    for (size_t k = 0; k < p->k; k++)
        c2s_window_gather(p->window, x + k / p->kernel * p->plane, k % p->kernel, 0, p->positions,
                          scratch + k * p->positions);
    return scratch;
}

static void scatter(const part *p, const float *rows, float *dx) {
    for (size_t k = 0; k < p->k; k++)
        c2s_window_scatter(p->window, rows + k * p->positions, k % p->kernel, 0, p->positions,
                           dx + k / p->kernel * p->plane);
}

/* c [m, n] = op(a) op(b) + keep c, dense. (Depthwise, n 1, what BLAS does first is not worth it.)
 */
static void multiply(c2s_product shape, const float *a, const float *b, float *c) {
    const c2s_float_part left = {a, shape.transpose_a ? shape.m : shape.k},
                         right = {b, shape.transpose_b ? shape.k : shape.n};
    c2s_float_multiply(&shape, left, right, c, shape.n);
}

/* y += w x */
static void add_scaled(size_t count, float w, const float *x, float *y) {
    for (size_t i = 0; i < count; i++)
        y[i] += w * x[i];
}

static float inner(size_t count, const float *a, const float *b) {
    float sum[16] = {0}, total = 0;
    size_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (int lane = 0; lane < 16; lane++)
            sum[lane] += a[i + (size_t)lane] * b[i + (size_t)lane];
    for (; i < count; i++)
        total += a[i] * b[i];
    for (int lane = 0; lane < 16; lane++)
        total += sum[lane];
    return total;
}

float c2s_float_sum(const float *x, size_t count) {
    float sum[16] = {0}, total = 0;
    size_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (int lane = 0; lane < 16; lane++)
            sum[lane] += x[i + (size_t)lane];
    for (; i < count; i++)
        total += x[i];
    for (int lane = 0; lane < 16; lane++)
        total += sum[lane];
    return total;
}

/* y [n, positions] += w [n, k] rows [k, positions] */
static void forward(const part *p, const float *w, const float *rows, float *y) {
    if (p->n > 1) {
        multiply((c2s_product){.m = p->n, .n = p->positions, .k = p->k, .keep = 1}, w, rows, y);
        return;
    }
    for (size_t k = 0; k < p->k; k++)
        add_scaled(p->positions, w[k], rows + k * p->positions, y);
}

/* dw [n, k] += dy [n, positions] rows^T */
static void derive_weight(const part *p, const float *dy, const float *rows, float *dw) {
    if (p->n > 1) {
        multiply(
            (c2s_product){.transpose_b = true, .m = p->n, .n = p->k, .k = p->positions, .keep = 1},
            dy, rows, dw);
        return;
    }
    for (size_t k = 0; k < p->k; k++)
        dw[k] += inner(p->positions, dy, rows + k * p->positions);
}

/* rows [k, positions] = w^T dy, or added to what is there */
static void derive_rows(const part *p, const float *w, const float *dy, bool add, float *rows) {
    if (p->n > 1) {
        multiply(
            (c2s_product){
                .transpose_a = true, .m = p->k, .n = p->positions, .k = p->n, .keep = add},
            w, dy, rows);
        return;
    }
    if (!add)
        memset(rows, 0, p->k * p->positions * sizeof *rows);
    for (size_t k = 0; k < p->k; k++)
        add_scaled(p->positions, w[k], dy, rows + k * p->positions);
}

void c2s_conv_products(const c2s_conv_shape *s, const float *x, const float *weight,
                       const float *bias, float *scratch, float *y) {
    const part p = part_of(s);
    const size_t groups = (size_t)s->groups, channels = groups * p.n;
    c2s_conv_plane plane;
    if (is_depthwise(s) && c2s_conv_plane_of(&s->window, &plane)) {
        for (size_t i = 0; i < (size_t)s->batch * groups; i++)
            c2s_conv_plane_run(&plane, x + i * p.plane, weight + i % groups * p.k,
                               bias ? bias[i % groups] : 0, scratch, y + i * p.positions);
        return;
    }
    for (size_t i = 0; i < (size_t)s->batch * channels; i++)
        for (size_t at = 0; at < p.positions; at++)
            y[i * p.positions + at] = bias ? bias[i % channels] : 0;
    for (size_t i = 0; i < (size_t)s->batch * groups; i++) {
        const float *rows = gather(&p, x + i * (size_t)s->in * p.plane, scratch);
        forward(&p, weight + i % groups * p.n * p.k, rows, y + i * p.n * p.positions);
    }
}

void c2s_conv_derive(const c2s_conv_shape *s, const float *x, const float *weight, const float *dy,
                     float *scratch, float *dx, float *dweight) {
    const part p = part_of(s);
    const size_t groups = (size_t)s->groups;
    c2s_conv_plane plane;
    if (is_depthwise(s) && c2s_conv_plane_of(&s->window, &plane)) {
        for (size_t i = 0; i < (size_t)s->batch * groups; i++) {
            const size_t w = i % groups * p.k;
            c2s_conv_plane_derive(&plane, x + i * p.plane, weight + w, dy + i * p.positions,
                                  scratch, dx ? dx + i * p.plane : NULL,
                                  dweight ? dweight + w : NULL);
        }
        return;
    }
    float *back = scratch + p.k * p.positions;
    for (size_t i = 0; i < (size_t)s->batch * groups; i++) {
        const size_t input = i * (size_t)s->in * p.plane, w = i % groups * p.n * p.k;
        const float *slope = dy + i * p.n * p.positions;
        if (dweight)
            derive_weight(&p, slope, gather(&p, x + input, scratch), dweight + w);
        if (!dx)
            continue;
        float *rows = p.is_plane ? dx + input : back;
        derive_rows(&p, weight + w, slope, p.is_plane, rows);
        if (!p.is_plane)
            scatter(&p, rows, dx + input);
    }
}
