/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/vary_sample.h"

#include <stdbool.h>
#include <string.h>

/* Integers of fewer may well be no sequence. */
enum { LEAST_SPAN = 8 };

static c2s_status mix(const c2s_tensor *a, const c2s_tensor *b, float part, c2s_tensor **out) {
    C2S_TRY(c2s_tensor_create(C2S_FLOAT, a->type.rank, a->type.dim, out));
    const float *x = c2s_tensor_data(a), *y = c2s_tensor_data(b);
    float *z = c2s_tensor_mutable(*out);
    for (size_t i = 0; i < a->count; i++)
        z[i] = (1 - part) * x[i] + part * y[i];
    return C2S_OK;
}

/* Elements in a span of the last axis come from b: so much of it, from that part of where it may
 * begin on. */
static c2s_status splice(const c2s_tensor *a, const c2s_tensor *b, double from, double part,
                         c2s_tensor **out) {
    const size_t extent = (size_t)a->type.dim[a->type.rank - 1], size = c2s_tensor_size(a);
    const size_t rows = a->count / extent, element = size / a->count;
    const size_t count = (size_t)(part * (double)extent);
    const size_t first = (size_t)(from * (double)(extent - count + 1));
    C2S_TRY(c2s_tensor_create(a->type.dtype, a->type.rank, a->type.dim, out));
    char *to = c2s_tensor_mutable(*out);
    memcpy(to, c2s_tensor_data(a), size);
    for (size_t r = 0; r < rows; r++) {
        const size_t at = (r * extent + first) * element;
        memcpy(to + at, (const char *)c2s_tensor_data(b) + at, count * element);
    }
    return C2S_OK;
}

static bool may_splice(c2s_tensor *const *a, c2s_tensor *const *b, unsigned inputs) {
    for (unsigned k = 0; k < inputs; k++) {
        if (!a[k] && !b[k])
            continue;
        if (!a[k] || !b[k] || !c2s_type_equal(&a[k]->type, &b[k]->type) ||
            !c2s_dtype_is_integer(a[k]->type.dtype) || a[k]->count == 0 ||
            c2s_tensor_size(a[k]) < a[k]->count) /* 4 bits */
            return false;
    }
    return true;
}

static bool is_long(const c2s_tensor *t) {
    return t->type.rank > 0 && t->type.dim[t->type.rank - 1] >= LEAST_SPAN;
}

c2s_status c2s_vary_sample(c2s_tensor *const *a, c2s_tensor *const *b, unsigned inputs,
                           const c2s_picture *pictures, c2s_random *random, c2s_tensor **out) {
    const bool splices = may_splice(a, b, inputs);
    const double from = c2s_random_uniform(random), part = c2s_random_uniform(random) / 2;
    for (unsigned k = 0; k < inputs; k++) {
        if (!a[k])
            continue;
        const bool same = b[k] && c2s_type_equal(&a[k]->type, &b[k]->type);
        if (pictures && pictures[k].is && same)
            C2S_TRY(c2s_vary_picture(&pictures[k], a[k], b[k], random, &out[k]));
        else if (a[k]->type.dtype == C2S_FLOAT && same)
            C2S_TRY(mix(a[k], b[k], (float)part, &out[k]));
        else if (splices && is_long(a[k]))
            C2S_TRY(splice(a[k], b[k], from, part, &out[k]));
        else
            out[k] = c2s_tensor_ref(a[k]);
    }
    return C2S_OK;
}
