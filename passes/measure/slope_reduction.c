/* SPDX-License-Identifier: Apache-2.0
 *
 * Means and maxima: pools and ReduceMean.
 */
#include <string.h>

#include "ops/broadcast.h"
#include "ops/window.h"
#include "passes/measure/slope_rules.h"
#include "passes/measure/window_rows.h"

static c2s_status global_average(const c2s_slope *s) {
    const size_t planes = s->out->count, size = planes ? s->in[0]->count / planes : 0;
    for (size_t p = 0; p < planes; p++)
        for (size_t i = 0; i < size; i++)
            s->dx[0][p * size + i] += s->dy[p] / (float)size;
    return C2S_OK;
}

/* Each window counts all of its positions, or those in the input. */
static c2s_status average(const c2s_slope *s) {
    c2s_window w;
    C2S_TRY(c2s_window_of(s->node, false, &s->in[0]->type, NULL, &w));
    const size_t in = (size_t)c2s_window_in_size(&w), out = (size_t)c2s_window_out_size(&w),
                 kernel = (size_t)c2s_window_kernel_size(&w),
                 planes = out ? s->out->count / out : 0;
    const bool all = c2s_attr_int(s->node, "count_include_pad", 0) != 0;
    C2S_TRY(c2s_float_room_for(s->scratch, in + 3 * out));
    float *ones = s->scratch->at, *count = ones + in, *met = count + out, *share = met + out;
    for (size_t i = 0; i < in; i++)
        ones[i] = 1;
    memset(count, 0, out * sizeof *count);
    for (size_t k = 0; k < kernel; k++) {
        c2s_window_gather(&w, ones, k, 0, out, met);
        for (size_t i = 0; i < out; i++)
            count[i] += all ? 1 : met[i];
    }
    for (size_t p = 0; p < planes; p++) {
        for (size_t i = 0; i < out; i++)
            share[i] = count[i] > 0 ? s->dy[p * out + i] / count[i] : 0;
        for (size_t k = 0; k < kernel; k++)
            c2s_window_scatter(&w, share, k, 0, out, s->dx[0] + p * in);
    }
    return C2S_OK;
}

/* The first greatest element of each window gets it all. */
static c2s_status maximum(const c2s_slope *s) {
    c2s_window w;
    C2S_TRY(c2s_window_of(s->node, false, &s->in[0]->type, NULL, &w));
    const size_t in = (size_t)c2s_window_in_size(&w), out = (size_t)c2s_window_out_size(&w),
                 kernel = (size_t)c2s_window_kernel_size(&w),
                 planes = out ? s->out->count / out : 0;
    const float *x = c2s_tensor_data(s->in[0]), *y = c2s_tensor_data(s->out);
    C2S_TRY(c2s_float_room_for(s->scratch, in + 3 * out));
    float *ones = s->scratch->at, *inside = ones + in, *left = inside + out, *met = left + out;
    for (size_t i = 0; i < in; i++)
        ones[i] = 1;
    for (size_t p = 0; p < planes; p++) {
        memcpy(left, s->dy + p * out, out * sizeof *left);
        for (size_t k = 0; k < kernel; k++) {
            c2s_window_gather(&w, ones, k, 0, out, inside);
            c2s_window_gather(&w, x + p * in, k, 0, out, met);
            for (size_t i = 0; i < out; i++) {
                const bool greatest = inside[i] > 0 && met[i] == y[p * out + i];
                met[i] = greatest ? left[i] : 0;
                left[i] = greatest ? 0 : left[i];
            }
            c2s_window_scatter(&w, met, k, 0, out, s->dx[0] + p * in);
        }
    }
    return C2S_OK;
}

/* Each element of y, which has the axes still, is broadcast to all that it is the mean of. */
static c2s_status mean(const c2s_slope *s) {
    const size_t count = s->in[0]->count, share = s->out->count ? count / s->out->count : 1;
    c2s_broadcast b;
    C2S_TRY(c2s_float_room_for(s->scratch, count));
    c2s_broadcast_init(&b, &s->in[0]->type, &s->out->type);
    const float *dy =
        c2s_broadcast_read(&b, c2s_wide_of(C2S_FLOAT), C2S_FLOAT, s->dy, 0, count, s->scratch->at);
    for (size_t i = 0; i < count; i++)
        s->dx[0][i] += dy[i] / (float)share;
    return C2S_OK;
}

c2s_slope_rule *c2s_slope_reduction(const c2s_node *node) {
    if (node->op == &c2s_op_global_average_pool)
        return global_average;
    if (node->op == &c2s_op_max_pool)
        return maximum;
    if (node->op == &c2s_op_average_pool) /* windows beyond the pads, of which a part counts */
        return c2s_attr_int(node, "ceil_mode", 0) && c2s_attr_int(node, "count_include_pad", 0)
                   ? NULL
                   : average;
    return node->op == &c2s_op_reduce_mean && c2s_attr_int(node, "keepdims", 1) ? mean : NULL;
}
