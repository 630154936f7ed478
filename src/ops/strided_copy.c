/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/strided_copy.h"

#include <assert.h>
#include <string.h>

/* Below this many bytes a copy is not worth waking other threads. */
#define PARALLEL_BYTES ((size_t)1 << 20)
/* Rows of a plane that one task handles. */
#define BLOCK 64
/* Runs shorter than this many bytes are not worth a call of memcpy. */
#define SHORT_RUN 32

void c2s_strided_axis(c2s_strided *plan, size_t extent, ptrdiff_t to, ptrdiff_t from) {
    assert(plan->rank < C2S_STRIDED_MAX_RANK);
    plan->extent[plan->rank] = extent;
    plan->to[plan->rank] = to;
    plan->from[plan->rank] = from;
    plan->rank++;
}

void c2s_strides_of(const c2s_type *type, size_t element, ptrdiff_t *stride) {
    size_t step = element; /* may wrap around if another extent is 0 */
    for (int axis = type->rank - 1; axis >= 0; axis--) {
        stride[axis] = (ptrdiff_t)step;
        step *= (size_t)type->dim[axis];
    }
}

void c2s_fill_elements(void *to, size_t element, size_t count, const void *value) {
    char *out = to;
    size_t total = element * count;
    if (!total)
        return;
    if (element == 1) {
        memset(out, *(const unsigned char *)value, count);
        return;
    }
    memcpy(out, value, element);
    for (size_t done = element; done < total;) {
        size_t step = done < total - done ? done : total - done;
        memcpy(out + done, out, step);
        done += step;
    }
}

/* Drops axes of extent 1, merges axes that are contiguous in both layouts, and puts the axis along
 * which the source is dense in front of the last one, so that the last two axes form the plane
 * that is copied at once. Returns false if there is nothing to copy. */
static bool simplify(const c2s_strided *plan, c2s_strided *out) {
    out->rank = 0;
    out->element = plan->element;
    for (int axis = 0; axis < plan->rank; axis++) {
        if (plan->extent[axis] == 0)
            return false;
    }
    for (int axis = 0; axis < plan->rank; axis++) {
        size_t extent = plan->extent[axis];
        if (extent == 1)
            continue;
        int last = out->rank - 1;
        if (last >= 0 && out->to[last] == plan->to[axis] * (ptrdiff_t)extent &&
            out->from[last] == plan->from[axis] * (ptrdiff_t)extent) {
            out->extent[last] *= extent;
            out->to[last] = plan->to[axis];
            out->from[last] = plan->from[axis];
        } else {
            c2s_strided_axis(out, extent, plan->to[axis], plan->from[axis]);
        }
    }
    while (out->rank < 2) { /* always a plane: rows of extent 1 in front */
        memmove(out->extent + 1, out->extent, (size_t)out->rank * sizeof *out->extent);
        memmove(out->to + 1, out->to, (size_t)out->rank * sizeof *out->to);
        memmove(out->from + 1, out->from, (size_t)out->rank * sizeof *out->from);
        out->extent[0] = 1;
        out->to[0] = out->from[0] = (ptrdiff_t)out->element;
        out->rank++;
    }
    int rows = out->rank - 2, dense = rows;
    if (out->from[rows + 1] != (ptrdiff_t)out->element) {
        for (int axis = 0; axis < rows; axis++) {
            if (out->from[axis] == (ptrdiff_t)out->element)
                dense = axis;
        }
    }
    if (dense != rows) {
        size_t extent = out->extent[dense];
        ptrdiff_t to = out->to[dense], from = out->from[dense];
        out->extent[dense] = out->extent[rows], out->extent[rows] = extent;
        out->to[dense] = out->to[rows], out->to[rows] = to;
        out->from[dense] = out->from[rows], out->from[rows] = from;
    }
    return true;
}

/* The first `count` rows of the plane of the last two axes, in tiles of edge * edge elements: few
 * enough cache lines on either side that they stay, also where their distance is a power of two.
 * `size` and `edge` are constants at every call, so that each memcpy becomes one move. */
static inline __attribute__((always_inline)) void plane_elements(const c2s_strided *p, char *to,
                                                                 const char *from, size_t count,
                                                                 size_t size, size_t edge) {
    int rows = p->rank - 2, columns = p->rank - 1;
    ptrdiff_t to_row = p->to[rows], from_row = p->from[rows];
    ptrdiff_t to_column = p->to[columns], from_column = p->from[columns];
    size_t width = p->extent[columns];
    for (size_t top = 0; top < count; top += edge) {
        size_t height = count - top < edge ? count - top : edge;
        for (size_t left = 0; left < width; left += edge) {
            size_t length = width - left < edge ? width - left : edge;
            char *out = to + (ptrdiff_t)top * to_row + (ptrdiff_t)left * to_column;
            const char *in = from + (ptrdiff_t)top * from_row + (ptrdiff_t)left * from_column;
            for (size_t row = 0; row < height; row++, out += to_row, in += from_row) {
                for (size_t column = 0; column < length; column++)
                    memcpy(out + (ptrdiff_t)column * to_column,
                           in + (ptrdiff_t)column * from_column, size);
            }
        }
    }
}

static void plane_copy(const c2s_strided *p, char *to, const char *from, size_t count) {
    int rows = p->rank - 2, columns = p->rank - 1;
    size_t width = p->extent[columns];
    bool dense_to = p->to[columns] == (ptrdiff_t)p->element && width * p->element >= SHORT_RUN;
    if (dense_to && p->from[columns] == (ptrdiff_t)p->element) {
        for (size_t row = 0; row < count; row++)
            memcpy(to + (ptrdiff_t)row * p->to[rows], from + (ptrdiff_t)row * p->from[rows],
                   width * p->element);
        return;
    }
    if (dense_to && p->from[columns] == 0) {
        for (size_t row = 0; row < count; row++)
            c2s_fill_elements(to + (ptrdiff_t)row * p->to[rows], p->element, width,
                              from + (ptrdiff_t)row * p->from[rows]);
        return;
    }
    switch (p->element) {
    case 1:
        plane_elements(p, to, from, count, 1, 16);
        break;
    case 2:
        plane_elements(p, to, from, count, 2, 16);
        break;
    case 4:
        plane_elements(p, to, from, count, 4, 8);
        break;
    case 8:
        plane_elements(p, to, from, count, 8, 8);
        break;
    default:
        assert(p->element == 16);
        plane_elements(p, to, from, count, 16, 8);
    }
}

/* Tasks are blocks of rows of planes, numbered with the row block running fastest. */
static void copy_tasks(const c2s_strided *p, char *to, const char *from, size_t begin, size_t end) {
    int outer = p->rank - 2;
    size_t row_blocks = (p->extent[outer] + BLOCK - 1) / BLOCK;
    size_t index[C2S_STRIDED_MAX_RANK] = {0};
    size_t block = begin % row_blocks, rest = begin / row_blocks;
    for (int axis = outer - 1; axis >= 0; axis--) {
        index[axis] = rest % p->extent[axis];
        rest /= p->extent[axis];
        to += (ptrdiff_t)index[axis] * p->to[axis];
        from += (ptrdiff_t)index[axis] * p->from[axis];
    }
    for (size_t task = begin; task < end; task++) {
        size_t row = block * BLOCK;
        size_t count = p->extent[outer] - row < BLOCK ? p->extent[outer] - row : BLOCK;
        plane_copy(p, to + (ptrdiff_t)row * p->to[outer], from + (ptrdiff_t)row * p->from[outer],
                   count);
        if (++block < row_blocks)
            continue;
        block = 0;
        for (int axis = outer - 1; axis >= 0; axis--) {
            to += p->to[axis];
            from += p->from[axis];
            if (++index[axis] < p->extent[axis])
                break;
            to -= (ptrdiff_t)index[axis] * p->to[axis];
            from -= (ptrdiff_t)index[axis] * p->from[axis];
            index[axis] = 0;
        }
    }
}

void c2s_strided_copy(const c2s_strided *plan, void *to, const void *from) {
    c2s_strided p;
    if (!simplify(plan, &p))
        return;
    size_t tasks = (p.extent[p.rank - 2] + BLOCK - 1) / BLOCK;
    size_t bytes = p.element * p.extent[p.rank - 1] * p.extent[p.rank - 2];
    for (int axis = 0; axis < p.rank - 2; axis++) {
        tasks *= p.extent[axis];
        bytes *= p.extent[axis];
    }
    if (bytes < PARALLEL_BYTES || tasks < 2) {
        copy_tasks(&p, to, from, 0, tasks);
        return;
    }
    size_t chunks = tasks < 64 ? tasks : 64;
#pragma omp parallel for schedule(static)
    for (size_t chunk = 0; chunk < chunks; chunk++)
        copy_tasks(&p, to, from,
                   tasks / chunks * chunk + (chunk < tasks % chunks ? chunk : tasks % chunks),
                   tasks / chunks * (chunk + 1) +
                       (chunk + 1 < tasks % chunks ? chunk + 1 : tasks % chunks));
}
