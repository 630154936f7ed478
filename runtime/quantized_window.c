/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/quantized_window.h"

/* Numbers beyond this make no sense. */
#define LARGEST ((int64_t)1 << 24)

static bool is_small(int64_t value, int64_t least) {
    return value >= least && value <= LARGEST;
}

bool c2s_quantized_window(const c2s_window *w, c2s_integer_shape *s) {
    if (w->rank < 1 || w->rank > 2)
        return false;
    for (int i = 0; i < 2; i++) {
        s->kernel[i] = s->stride[i] = s->dilation[i] = s->in[i] = s->out[i] = 1;
        s->pad[i] = 0;
    }
    for (int i = 0; i < w->rank; i++) {
        int axis = i + 2 - w->rank;
        if (!is_small(w->kernel[i], 1) || !is_small(w->stride[i], 1) ||
            !is_small(w->dilation[i], 1) || !is_small(w->pad_begin[i], 0) ||
            !is_small(w->in[i], 1) || !is_small(w->out[i], 1) ||
            !is_small(c2s_window_span(w, i), 1))
            return false;
        s->kernel[axis] = (size_t)w->kernel[i];
        s->stride[axis] = (size_t)w->stride[i];
        s->dilation[axis] = (size_t)w->dilation[i];
        s->pad[axis] = (size_t)w->pad_begin[i];
        s->in[axis] = (size_t)w->in[i];
        s->out[axis] = (size_t)w->out[i];
    }
    return true;
}
