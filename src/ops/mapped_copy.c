/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/mapped_copy.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/simd.h"
#include "ops/strided_copy.h"

/* A stretch of the innermost mapped axis: positions that rise by one, repeat, or are filled. */
typedef struct run {
    size_t start, count;
    int64_t in; /* first input position, -1: fill */
    bool same;  /* all take the position `in` */
} run;

typedef struct walk {
    const c2s_mapped *plan;
    int inner;                                   /* the innermost axis that has a map */
    size_t to[C2S_MAX_RANK], from[C2S_MAX_RANK]; /* bytes per position */
    const void *fill;
    const run *runs;
    size_t run_count; /* 0: element by element, since runs are short */
} walk;

/* From this many bytes on, the outermost axis is shared between threads. */
#define PARALLEL_BYTES ((size_t)1 << 19)

/* Writes the fill value over `bytes`. */
static void fill_bytes(const walk *w, char *to, size_t bytes) {
    c2s_fill_elements(to, w->plan->element, bytes / w->plan->element, w->fill);
}

static void copy_runs(const walk *w, char *to, const char *from) {
    size_t to_step = w->to[w->inner], from_step = w->from[w->inner];
    for (size_t k = 0; k < w->run_count; k++) {
        const run *r = &w->runs[k];
        char *out = to + r->start * to_step;
        const char *in = from + (size_t)(r->in < 0 ? 0 : r->in) * from_step;
        if (r->in < 0) {
            fill_bytes(w, out, r->count * to_step);
        } else if (!r->same) {
            memcpy(out, in, r->count * to_step);
        } else if (to_step == w->plan->element) {
            c2s_fill_elements(out, to_step, r->count, in);
        } else {
            for (size_t j = 0; j < r->count; j++)
                memcpy(out + j * to_step, in, to_step);
        }
    }
}

/* `size` is a constant where that pays. */
C2S_INLINE void pick(const walk *w, char *to, const char *from, size_t size) {
    const int64_t *map = w->plan->map[w->inner];
    for (size_t o = 0; o < w->plan->out[w->inner]; o++)
        memcpy(to + o * size, map[o] < 0 ? w->fill : from + (size_t)map[o] * size, size);
}

static void copy_elements(const walk *w, char *to, const char *from) {
    const size_t size = w->to[w->inner];
    if (size == 4)
        pick(w, to, from, 4);
    else if (size == 1)
        pick(w, to, from, 1);
    else
        pick(w, to, from, size);
}

static void copy_positions(const walk *w, int axis, size_t begin, size_t end, char *to,
                           const char *from);

static void copy_axis(const walk *w, int axis, char *to, const char *from) {
    if (axis == w->inner) {
        if (w->run_count)
            copy_runs(w, to, from);
        else
            copy_elements(w, to, from);
        return;
    }
    copy_positions(w, axis, 0, w->plan->out[axis], to, from);
}

static void copy_positions(const walk *w, int axis, size_t begin, size_t end, char *to,
                           const char *from) {
    const int64_t *map = w->plan->map[axis];
    for (size_t o = begin; o < end; o++) {
        int64_t in = map ? map[o] : (int64_t)o;
        if (in < 0)
            fill_bytes(w, to + o * w->to[axis], w->to[axis]);
        else if (o > begin && map && map[o - 1] == in) /* the previous row again */
            memcpy(to + o * w->to[axis], to + (o - 1) * w->to[axis], w->to[axis]);
        else
            copy_axis(w, axis + 1, to + o * w->to[axis], from + (size_t)in * w->from[axis]);
    }
}

/* Run lengths of the innermost map. `runs` has room for one run per position. */
static size_t find_runs(const int64_t *map, size_t count, run *runs) {
    size_t found = 0;
    for (size_t o = 0; o < count;) {
        size_t end = o + 1;
        bool same = true;
        if (end < count && map[o] >= 0 && map[end] == map[o] + 1) {
            same = false;
            while (end < count && map[end] == map[end - 1] + 1)
                end++;
        } else {
            while (end < count && map[end] == map[o])
                end++;
        }
        runs[found++] = (run){o, end - o, map[o], same && map[o] >= 0 && end - o > 1};
        o = end;
    }
    return found;
}

c2s_status c2s_mapped_copy(const c2s_mapped *plan, void *to, const void *from, const void *fill) {
    walk w = {.plan = plan, .inner = -1, .fill = fill};
    size_t to_step = plan->element, from_step = plan->element;
    for (int axis = plan->rank - 1; axis >= 0; axis--) {
        w.to[axis] = to_step;
        w.from[axis] = from_step;
        to_step *= plan->out[axis];
        from_step *= plan->in[axis];
        if (plan->map[axis] && w.inner < 0)
            w.inner = axis;
    }
    if (to_step == 0)
        return C2S_OK;
    if (w.inner < 0) {
        memcpy(to, from, to_step);
        return C2S_OK;
    }
    run *runs = c2s_try_alloc_aligned(plan->out[w.inner] * sizeof *runs);
    if (!runs)
        return c2s_fail_alloc(plan->out[w.inner], sizeof *runs);
    w.runs = runs;
    w.run_count = find_runs(plan->map[w.inner], plan->out[w.inner], runs);
    if (w.to[w.inner] == plan->element && w.run_count > plan->out[w.inner] / 8)
        w.run_count = 0;
    int outermost = 0;
    while (outermost < w.inner && plan->out[outermost] == 1)
        outermost++;
    const size_t extent = plan->out[outermost], parts = extent < 64 ? extent : 64;
    if (outermost == w.inner || to_step < PARALLEL_BYTES) {
        copy_axis(&w, 0, to, from);
    } else { /* axes of extent 1 before it may be mapped, too: positions are added up */
        const char *start = from;
        bool filled = false;
        for (int axis = 0; axis < outermost; axis++) {
            const int64_t in = plan->map[axis] ? plan->map[axis][0] : 0;
            filled |= in < 0;
            start += (size_t)(in < 0 ? 0 : in) * w.from[axis];
        }
        if (filled)
            fill_bytes(&w, to, to_step);
#pragma omp parallel for schedule(static)
        for (size_t part = 0; part < (filled ? 0 : parts); part++)
            copy_positions(&w, outermost, extent * part / parts, extent * (part + 1) / parts, to,
                           start);
    }
    free(runs);
    return C2S_OK;
}
