/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/value_stats.h"

#include <stdlib.h>

#include "base/memory.h"
#include "ir/convert.h"
#include "passes/measure/spread.h"

void c2s_value_stats_init(c2s_value_stats *s, const char *name, unsigned bins, int axis) {
    *s = (c2s_value_stats){.name = c2s_strdup(name), .channels.axis = axis};
    c2s_histogram_init(&s->histogram, bins);
}

void c2s_value_stats_free(c2s_value_stats *s) {
    free(s->name);
    c2s_histogram_free(&s->histogram);
    c2s_channel_stats_free(&s->channels);
}

bool c2s_value_stats_takes(const c2s_type *type) {
    return type->kind == C2S_KIND_TENSOR &&
           (type->dtype == C2S_FLOAT || type->dtype == C2S_FLOAT16 || type->dtype == C2S_BFLOAT16 ||
            type->dtype == C2S_DOUBLE);
}

/* The histogram takes finite numbers alone: runs between the others. */
static void count_finite(c2s_histogram *h, const float *x, size_t count) {
    for (size_t from = 0, to; from < count; from = to + 1) {
        for (to = from; to < count && x[to] - x[to] == 0;)
            to++;
        c2s_histogram_add(h, x + from, to - from);
    }
}

static void add(c2s_value_stats *s, const c2s_type *type, const float *x, size_t count) {
    const c2s_spread spread = c2s_spread_of_many(x, count);
    s->ignored += spread.ignored;
    c2s_channel_stats_add(&s->channels, type, x);
    if (spread.count == 0)
        return;
    s->min = s->count == 0 || spread.min < s->min ? spread.min : s->min;
    s->max = s->count == 0 || spread.max > s->max ? spread.max : s->max;
    s->samples++;
    s->count += spread.count;
    s->zeros += spread.zeros;
    s->sum_min += (double)spread.min;
    s->sum_max += (double)spread.max;
    s->sum += spread.sum;
    s->sum_squares += spread.sum_squares;
    c2s_histogram_reach(&s->histogram, spread.min, spread.max);
    if (spread.ignored == 0)
        c2s_histogram_add(&s->histogram, x, count);
    else
        count_finite(&s->histogram, x, count);
}

c2s_status c2s_value_stats_add(c2s_value_stats *s, const c2s_tensor *tensor) {
    const size_t count = tensor->count;
    if (count == 0)
        return C2S_OK;
    if (tensor->type.dtype == C2S_FLOAT) {
        add(s, &tensor->type, c2s_tensor_data(tensor), count);
        return C2S_OK;
    }
    float *x;
    C2S_TRY(c2s_scratch(count, sizeof *x, &x));
    c2s_load_f32(tensor->type.dtype, c2s_tensor_data(tensor), 0, count, x);
    add(s, &tensor->type, x, count);
    free(x);
    return C2S_OK;
}
