/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/conv_loops.h"

/* A window of one position with stride 1 sees rows as one long row: worth it where they are short.
 */
static void join_rows(c2s_window *w) {
    for (int a = 0; a < w->rank; a++)
        if (w->kernel[a] != 1 || w->stride[a] != 1 || w->pad_begin[a] != 0 || w->in[a] != w->out[a])
            return;
    if (w->in[w->rank - 1] >= 64)
        return;
    w->in[0] = w->out[0] = c2s_window_in_size(w);
    w->rank = 1;
}

#define T        float
#define OF(name) name##_f32
#include "ops/conv_loops.inc"
#undef T
#undef OF

#define T        double
#define OF(name) name##_f64
#include "ops/conv_loops.inc"
#undef T
#undef OF

#define T        uint32_t
#define OF(name) name##_u32
#include "ops/conv_loops.inc"
