/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax along an axis that is not the last: neighbours belong to different sums, so that eight of
 * those are computed at a time. (oneDNN's goes along the axis in strides.)
 */
#include <math.h>

#include "base/threads.h"
#include "runtime/dnnl_processor.h"
#include "runtime/softmax.h"
#include "runtime/vector_math.h"

/* What is read three times stays in the first cache: 32 columns of 256 numbers. */
enum { COLUMNS = 32, EIGHTS = COLUMNS / 8 };

typedef struct columns {
    const float *x;
    float *y;
    size_t length, behind, chunks; /* of the axis; numbers of one place on it; parts of those */
} columns;

static bool describe(const c2s_step *step, columns *c) {
    int64_t dims[3];
    if (!c2s_softmax_extents(step, dims))
        return false;
    c->length = (size_t)dims[1];
    c->behind = (size_t)dims[2];
    c->chunks = (c->behind + COLUMNS - 1) / COLUMNS;
    return c->behind >= 8;
}

static bool columns_accepts(const c2s_step *step) {
    columns c;
    return c2s_processor_has_fma() && describe(step, &c);
}

/* `count`: columns, at most COLUMNS. */
C2S_V8 static void chunk(const columns *c, const float *x, float *y, int64_t count) {
    const unsigned eights = (unsigned)((count + 7) / 8);
    c2s_v8 most[EIGHTS], sum[EIGHTS];
    for (unsigned e = 0; e < eights; e++) {
        most[e] = v8_set(-INFINITY);
        sum[e] = v8_set(0);
    }
    for (size_t k = 0; k < c->length; k++)
        for (unsigned e = 0; e < eights; e++)
            most[e] = v8_at_least(v8_load_most(x + k * c->behind + 8 * e, count - 8 * e), most[e]);
    for (size_t k = 0; k < c->length; k++)
        for (unsigned e = 0; e < eights; e++) {
            const size_t at = k * c->behind + 8 * e;
            const c2s_v8 power = v8_exp(v8_load_most(x + at, count - 8 * e) - most[e]);
            sum[e] = sum[e] + power;
            v8_store_most(y + at, count - 8 * e, power);
        }
    for (unsigned e = 0; e < eights; e++)
        sum[e] = v8_set(1) / sum[e];
    for (size_t k = 0; k < c->length; k++)
        for (unsigned e = 0; e < eights; e++) {
            float *at = y + k * c->behind + 8 * e;
            v8_store_most(at, count - 8 * e, v8_load_most(at, count - 8 * e) * sum[e]);
        }
}

static void chunks(const void *context, size_t from, size_t to) {
    const columns *c = context;
    for (size_t i = from; i < to; i++) {
        const size_t first = i % c->chunks * COLUMNS,
                     at = i / c->chunks * c->length * c->behind + first, left = c->behind - first;
        chunk(c, c->x + at, c->y + at, (int64_t)(left < COLUMNS ? left : COLUMNS));
    }
}

static c2s_status columns_run(c2s_step *step) {
    columns c;
    if (!describe(step, &c))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "unexpected types");
    const size_t count = step->in[0]->tensor->count;
    c.x = c2s_tensor_data(step->in[0]->tensor);
    c.y = c2s_tensor_mutable(step->out[0]->tensor);
    if (count > 0)
        c2s_share(count / (c.length * c.behind) * c.chunks, true, chunks, &c);
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_softmax_columns = {
    .name = "softmax_columns",
    .accepts = columns_accepts,
    .run = columns_run,
    .finite_only = c2s_step_always,
};
