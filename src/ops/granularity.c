/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/granularity.h"

#include <inttypes.h>

/* Elements of one segment where a single scale serves the whole tensor. */
#define CHUNK ((size_t)1 << 16)

static c2s_status check_shape(const c2s_type *x, const c2s_type *scale, int axis,
                              int64_t block_size) {
    for (int a = 0; a < x->rank; a++) {
        int64_t extent = x->dim[a];
        int64_t wanted = a == axis ? extent / block_size + (extent % block_size != 0) : extent;
        if (scale->dim[a] != wanted)
            return c2s_fail(C2S_ERR_INVALID,
                            "the scale's extent on axis %d is %" PRId64 ", expected %" PRId64
                            " for block_size %" PRId64,
                            a, scale->dim[a], wanted, block_size);
    }
    return C2S_OK;
}

c2s_status c2s_granularity_of(const c2s_type *x, const c2s_type *scale, int64_t axis,
                              int64_t block_size, c2s_granularity *out) {
    size_t count, scales;
    if (!c2s_type_elements(x, &count) || !c2s_type_elements(scale, &scales))
        return c2s_fail(C2S_ERR_INVALID, "the tensor has too many elements");
    if (block_size < 0)
        return c2s_fail(C2S_ERR_INVALID, "block_size is %" PRId64 ", expected at least 0",
                        block_size);
    *out = (c2s_granularity){.outer = 1, .axis = count, .inner = 1, .block = 1};
    if (scales == 1 && scale->rank <= 1 && block_size == 0) {
        out->per_tensor = true;
        out->segments = count / CHUNK + (count % CHUNK != 0);
        return C2S_OK;
    }
    int a = 0;
    if (x->rank != 1)
        C2S_TRY(c2s_infer_axis(axis, x->rank, &a));
    int scale_rank = block_size > 0 ? x->rank : 1;
    if (scale->rank != scale_rank)
        return c2s_fail(C2S_ERR_INVALID, "the scale has rank %d, expected %d", scale->rank,
                        scale_rank);
    out->axis = (size_t)x->dim[a];
    for (int k = 0; k < x->rank; k++)
        *(k < a ? &out->outer : &out->inner) *= k == a ? 1 : (size_t)x->dim[k];
    if (block_size > 0) {
        C2S_TRY(check_shape(x, scale, a, block_size));
        out->blocked = true;
        out->block = (size_t)block_size;
        out->blocks = (size_t)scale->dim[a];
        out->segments = out->outer * (out->inner > 1 ? out->axis : out->blocks);
    } else {
        if (scale->dim[0] != x->dim[a])
            return c2s_fail(C2S_ERR_INVALID,
                            "the scale has %" PRId64 " elements, expected %" PRId64 " as axis %d",
                            scale->dim[0], x->dim[a], a);
        out->blocks = out->axis;
        out->segments = out->outer * (out->inner > 1 ? out->axis : 1);
    }
    if (count == 0)
        out->segments = 0;
    return C2S_OK;
}

c2s_granularity_run c2s_granularity_segment(const c2s_granularity *g, size_t index) {
    if (g->per_tensor) {
        size_t start = index * CHUNK, rest = g->axis - start;
        return (c2s_granularity_run){start, rest < CHUNK ? rest : CHUNK, 0, 0};
    }
    if (g->inner > 1) {
        size_t scale = index % g->axis;
        if (!g->blocked)
            return (c2s_granularity_run){index * g->inner, g->inner, scale, 0};
        scale = (index / g->axis * g->blocks + scale / g->block) * g->inner;
        return (c2s_granularity_run){index * g->inner, g->inner, scale, 1};
    }
    if (!g->blocked)
        return (c2s_granularity_run){index * g->axis, g->axis, 0, 1};
    size_t first = index % g->blocks * g->block, rest = g->axis - first;
    return (c2s_granularity_run){index / g->blocks * g->axis + first,
                                 rest < g->block ? rest : g->block, index, 0};
}
