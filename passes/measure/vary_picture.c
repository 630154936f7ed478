/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/vary_picture.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "ops/op.h"

/* Of the sides of a part: the least, the most that it is longer one way than the other; how often a
 * picture is cut to a part. */
#define LEAST_SIDE 0.5
#define MOST_LONG  0.2
#define CUT_OFTEN  0.8
/* Cases: means of two, boxes in another one. */
#define MIX_OFTEN 0.5
#define BOX_OFTEN 0.25
/* Of the second picture. */
#define MOST_PART 0.5

enum { COLOURS = 3, MOST_NODES = 8 };

/* ---- which are ---- */

/* The order of axes in which the node gives what it reads by this use; false: it is another. */
static bool passes_on(const c2s_use *use, int order[4]) {
    const c2s_node *node = use->user;
    size_t count = 0;
    const int64_t *perm =
        node->op == &c2s_op_transpose ? c2s_attr_ints(node, "perm", &count) : NULL;
    const bool same = node->op == &c2s_op_add || node->op == &c2s_op_sub ||
                      node->op == &c2s_op_mul || node->op == &c2s_op_div;
    int was[4];
    if (!(same || (perm && count == 4)) || node->outputs[0]->type.rank != 4)
        return false;
    for (int k = 0; k < 4; k++)
        was[k] = order[k];
    for (int k = 0; k < 4; k++)
        order[k] = same ? was[k] : was[perm[k]];
    return true;
}

/* order[k]: the axis of the input that axis k of what a convolution reads is. */
static bool reaches_conv(const c2s_value *value, int order[4]) {
    for (int nodes = 0; nodes < MOST_NODES && value->use_count == 1; nodes++) {
        const c2s_use *use = value->uses;
        if (use->user->op == &c2s_op_conv)
            return c2s_node_in(use->user, 0) == value;
        if (!passes_on(use, order))
            return false;
        value = use->user->outputs[0];
    }
    return false;
}

c2s_picture c2s_picture_of(const c2s_value *input) {
    int order[4] = {0, 1, 2, 3};
    const c2s_type *type = &input->type;
    if (type->dtype != C2S_FLOAT || type->rank != 4 || !reaches_conv(input, order) ||
        type->dim[order[1]] != COLOURS)
        return (c2s_picture){0};
    return (c2s_picture){true, order[1], order[2], order[3]};
}

/* ---- parts ---- */

/* What positions of an axis show: first + i * step of the picture. */
typedef struct line {
    size_t extent, stride;
    double first, step;
} line;

static line line_of(const c2s_tensor *t, int axis, double side, double place, bool mirrored) {
    line l = {.extent = (size_t)t->type.dim[axis], .stride = 1};
    const double last = (double)(l.extent - 1);
    for (int k = axis + 1; k < 4; k++)
        l.stride *= (size_t)t->type.dim[k];
    l.first = place * (1 - side) * last + (mirrored ? side * last : 0);
    l.step = mirrored ? -side : side;
    return l;
}

/* Between two elements: where they are, and the part of the second one. */
typedef struct place {
    size_t before, after;
    float part;
} place;

static place place_of(const line *l, size_t i) {
    const double last = (double)(l->extent - 1);
    const double at = fmin(fmax(l->first + (double)i * l->step, 0), last);
    const size_t before = (size_t)at;
    return (place){before * l->stride, (before + (before + 1 < l->extent)) * l->stride,
                   (float)(at - (double)before)};
}

static void show_plane(const line *rows, const line *columns, const place *across, const float *x,
                       float *y) {
    for (size_t i = 0; i < rows->extent; i++) {
        const place down = place_of(rows, i);
        for (size_t j = 0; j < columns->extent; j++) {
            const place *p = &across[j];
            const float *above = x + down.before, *below = x + down.after;
            const float upper = above[p->before] + p->part * (above[p->after] - above[p->before]);
            const float lower = below[p->before] + p->part * (below[p->after] - below[p->before]);
            y[i * rows->stride + j * columns->stride] = upper + down.part * (lower - upper);
        }
    }
}

/* Where one of them begins. */
static size_t plane_at(const c2s_picture *axes, const c2s_tensor *t, size_t plane) {
    const size_t channels = (size_t)t->type.dim[axes->channel];
    const int batch = 6 - axes->channel - axes->row - axes->column;
    size_t step[4] = {1, 1, 1, 1};
    for (int k = 2; k >= 0; k--)
        step[k] = step[k + 1] * (size_t)t->type.dim[k + 1];
    return plane / channels * step[batch] + plane % channels * step[axes->channel];
}

static size_t planes_of(const c2s_picture *axes, const c2s_tensor *t) {
    return t->count / ((size_t)t->type.dim[axes->row] * (size_t)t->type.dim[axes->column]);
}

static c2s_status show_part(const c2s_picture *axes, const c2s_tensor *a, c2s_random *random,
                            c2s_tensor **out) {
    const bool mirrored = c2s_random_uniform(random) < 0.5;
    const bool cut = c2s_random_uniform(random) < CUT_OFTEN;
    const double area =
        LEAST_SIDE * LEAST_SIDE + (1 - LEAST_SIDE * LEAST_SIDE) * c2s_random_uniform(random);
    const double longer = 1 + MOST_LONG * (2 * c2s_random_uniform(random) - 1);
    const double height = cut ? fmin(1, sqrt(area) * longer) : 1,
                 width = cut ? fmin(1, sqrt(area) / longer) : 1;
    const double down = c2s_random_uniform(random), right = c2s_random_uniform(random);
    const line rows = line_of(a, axes->row, height, down, false),
               columns = line_of(a, axes->column, width, right, mirrored);
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, 4, a->type.dim, out));
    place *across = c2s_alloc_array(columns.extent + 1, sizeof *across);
    for (size_t j = 0; j < columns.extent; j++)
        across[j] = place_of(&columns, j);
    const float *x = c2s_tensor_data(a);
    float *y = c2s_tensor_mutable(*out);
    for (size_t k = 0; k < planes_of(axes, a); k++) {
        const size_t at = plane_at(axes, a, k);
        show_plane(&rows, &columns, across, x + at, y + at);
    }
    free(across);
    return C2S_OK;
}

/* ---- of two ---- */

static void mix(c2s_tensor *a, const c2s_tensor *b, float part) {
    float *x = c2s_tensor_mutable(a);
    const float *y = c2s_tensor_data(b);
    for (size_t i = 0; i < a->count; i++)
        x[i] += part * (y[i] - x[i]);
}

static void put_box(const c2s_picture *axes, c2s_tensor *a, const c2s_tensor *b, double part,
                    c2s_random *random) {
    const line rows = line_of(a, axes->row, 1, 0, false),
               columns = line_of(a, axes->column, 1, 0, false);
    const size_t height = (size_t)(sqrt(part) * (double)rows.extent),
                 width = (size_t)(sqrt(part) * (double)columns.extent);
    const size_t top = (size_t)c2s_random_integer(random, 0, (int64_t)(rows.extent - height)),
                 left = (size_t)c2s_random_integer(random, 0, (int64_t)(columns.extent - width));
    float *x = c2s_tensor_mutable(a);
    const float *y = c2s_tensor_data(b);
    for (size_t k = 0; k < planes_of(axes, a); k++)
        for (size_t i = top; i < top + height; i++)
            for (size_t j = left; j < left + width; j++) {
                const size_t at = plane_at(axes, a, k) + i * rows.stride + j * columns.stride;
                x[at] = y[at];
            }
}

c2s_status c2s_vary_picture(const c2s_picture *axes, const c2s_tensor *a, const c2s_tensor *b,
                            c2s_random *random, c2s_tensor **out) {
    c2s_tensor *second = NULL;
    const double which = c2s_random_uniform(random), part = MOST_PART * c2s_random_uniform(random);
    C2S_TRY(show_part(axes, a, random, out));
    if (which >= MIX_OFTEN + BOX_OFTEN)
        return C2S_OK;
    C2S_TRY(show_part(axes, b, random, &second));
    if (which < MIX_OFTEN)
        mix(*out, second, (float)part);
    else
        put_box(axes, *out, second, part, random);
    c2s_tensor_unref(second);
    return C2S_OK;
}
