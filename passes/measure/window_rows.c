/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/window_rows.h"

#include <string.h>

/* The row of the input that a kernel row of an output row meets; -1: padding. */
static inline int64_t input_row(const c2s_window *w, int64_t out_row, int64_t kernel_row) {
    if (w->rank == 2) { /* one axis of rows: what follows, without divisions */
        const int64_t at = out_row * w->stride[0] + kernel_row * w->dilation[0] - w->pad_begin[0];
        return at < w->in[0] ? at : -1;
    }
    int64_t row = 0, scale = 1;
    for (int axis = w->rank - 2; axis >= 0; axis--) {
        const int64_t at = out_row % w->out[axis] * w->stride[axis] +
                           kernel_row % w->kernel[axis] * w->dilation[axis] - w->pad_begin[axis];
        if (at < 0 || at >= w->in[axis])
            return -1;
        row += at * scale;
        scale *= w->in[axis];
        out_row /= w->out[axis];
        kernel_row /= w->kernel[axis];
    }
    return row;
}

/* One kernel position, line by line of the output. Of the positions at .. next - 1 of the line at
 * hand, those from at + begin to at + end - 1 meet the input, from element `first` of the plane on.
 */
typedef struct walk {
    const c2s_window *w;
    int64_t kernel_row, width, in_width, stride;
    int64_t all_begin, all_end, in_column; /* of a whole line */
    int64_t out_row, column;               /* of the next line: where it starts */
    int64_t at, next, to;                  /* output positions */
    int64_t begin, end, first;
} walk;

static walk walk_of(const c2s_window *w, size_t kernel, size_t from, size_t to) {
    const int last = w->rank - 1;
    walk k = {.w = w,
              .kernel_row = (int64_t)kernel / w->kernel[last],
              .width = w->out[last],
              .in_width = w->in[last],
              .stride = w->stride[last],
              .next = (int64_t)from,
              .to = (int64_t)to};
    c2s_window_columns(w, (int64_t)kernel % w->kernel[last], &k.all_begin, &k.all_end,
                       &k.in_column);
    k.out_row = k.width ? k.next / k.width : 0;
    k.column = k.width ? k.next % k.width : 0;
    return k;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Lines are short: no divisions here. */
static inline bool walk_on(walk *k) {
    k->at = k->next;
    if (k->at >= k->to)
        return false;
    const int64_t from = k->column, in_row = input_row(k->w, k->out_row, k->kernel_row);
    k->next = least(k->at - from + k->width, k->to);
    k->begin = most(k->all_begin, from) - from;
    k->end = least(k->all_end - from, k->next - k->at);
    if (in_row < 0 || k->end < k->begin)
        k->begin = k->end = 0;
    k->first = in_row * k->in_width + k->in_column + (from + k->begin - k->all_begin) * k->stride;
    k->out_row++;
    k->column = 0;
    return true;
}

void c2s_window_gather(const c2s_window *w, const float *plane, size_t kernel, size_t from,
                       size_t to, float *out) {
    for (walk k = walk_of(w, kernel, from, to); walk_on(&k);) {
        const int64_t count = k.end - k.begin, rest = k.next - k.at - k.end;
        const float *source = plane + (count ? k.first : 0);
        float *line = out + (k.at - (int64_t)from), *met = line + k.begin;
        memset(line, 0, (size_t)k.begin * sizeof *line);
        if (k.stride == 1)
            memcpy(met, source, (size_t)count * sizeof *met);
        else
            for (int64_t i = 0; i < count; i++)
                met[i] = source[i * k.stride];
        memset(met + count, 0, (size_t)rest * sizeof *met);
    }
}

void c2s_window_scatter(const c2s_window *w, const float *in, size_t kernel, size_t from, size_t to,
                        float *plane) {
    for (walk k = walk_of(w, kernel, from, to); walk_on(&k);) {
        const float *line = in + (k.at - (int64_t)from) + k.begin;
        const int64_t count = k.end - k.begin;
        float *target = plane + (count ? k.first : 0);
        for (int64_t i = 0; i < count; i++)
            target[i * k.stride] += line[i];
    }
}

bool c2s_window_is_plane(const c2s_window *w) {
    for (int k = 0; k < w->rank; k++)
        if (w->kernel[k] != 1 || w->stride[k] != 1 || w->in[k] != w->out[k] || w->pad_begin[k])
            return false;
    return true;
}
