/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/axis.h"

#include <stdlib.h>

enum { PANEL_WIDTH = 64, PARALLEL_ELEMENTS = 1 << 14 };

typedef struct axis_walk {
    c2s_wide wide;
    const c2s_tensor *in;
    c2s_tensor *out; /* NULL: nothing is stored */
    size_t n, inner, width, panels_across;
    void (*work)(const c2s_panel *panel);
    const void *params;
} axis_walk;

static void walk_panel(const axis_walk *walk, size_t index, void *data) {
    const size_t size = c2s_wide_size(walk->wide), inner = walk->inner, n = walk->n;
    const size_t outer = index / walk->panels_across;
    const size_t start = index % walk->panels_across * walk->width;
    const size_t width = inner - start < walk->width ? inner - start : walk->width;
    const c2s_panel panel = {.data = data,
                             .n = n,
                             .width = width,
                             .first = outer * n * inner + start,
                             .inner = inner,
                             .column = outer * inner + start,
                             .params = walk->params};
    /* A panel as wide as the tensor is contiguous there too. */
    const size_t rows = width == inner ? 1 : n, run = width == inner ? n * width : width;
    const c2s_dtype dtype = walk->in->type.dtype;
    for (size_t k = 0; k < rows; k++)
        c2s_wide_load(walk->wide, dtype, c2s_tensor_data(walk->in), panel.first + k * inner, run,
                      (char *)data + k * run * size);
    walk->work(&panel);
    if (walk->out)
        for (size_t k = 0; k < rows; k++)
            c2s_wide_store(walk->wide, walk->out->type.dtype, c2s_tensor_mutable(walk->out),
                           panel.first + k * inner, run, (char *)data + k * run * size);
}

static c2s_status walk_run(axis_walk *walk, int axis) {
    const c2s_type *type = &walk->in->type;
    size_t outer = 1, bytes;
    bool failed = false;
    walk->n = (size_t)type->dim[axis];
    walk->inner = 1;
    for (int d = 0; d < axis; d++)
        outer *= (size_t)type->dim[d];
    for (int d = axis + 1; d < type->rank; d++)
        walk->inner *= (size_t)type->dim[d];
    if (!outer || !walk->inner)
        return C2S_OK;
    walk->width = walk->inner < PANEL_WIDTH ? walk->inner : PANEL_WIDTH;
    walk->panels_across = (walk->inner + walk->width - 1) / walk->width;
    const size_t panels = outer * walk->panels_across;
    if (!c2s_mul_size(walk->n * walk->width, c2s_wide_size(walk->wide), &bytes))
        return c2s_fail(C2S_ERR_MEMORY, "an axis of %zu elements is too long", walk->n);
#pragma omp parallel if (walk->in->count >= PARALLEL_ELEMENTS && panels > 1)
    {
        void *data = c2s_try_alloc_aligned(bytes ? bytes : 1);
        if (!data) {
#pragma omp atomic write
            failed = true;
        }
#pragma omp for schedule(static)
        for (size_t p = 0; p < panels; p++)
            if (data)
                walk_panel(walk, p, data);
        free(data);
    }
    return failed
               ? c2s_fail(C2S_ERR_MEMORY, "no memory for %zu bytes of intermediate results", bytes)
               : C2S_OK;
}

c2s_status c2s_axis_each(c2s_wide wide, const c2s_tensor *in, int axis,
                         void (*work)(const c2s_panel *panel), const void *params) {
    axis_walk walk = {.wide = wide, .in = in, .work = work, .params = params};
    return walk_run(&walk, axis);
}

c2s_status c2s_axis_map(c2s_wide wide, const c2s_tensor *in, c2s_tensor *out, int axis,
                        void (*work)(const c2s_panel *panel), const void *params) {
    axis_walk walk = {.wide = wide, .in = in, .out = out, .work = work, .params = params};
    return walk_run(&walk, axis);
}
