/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "ir/convert.h"
#include "passes/quant/half_choice.h"

enum { CHUNK = 1024 };

/* Below that numbers have less than four bits; the least of all is 2^-24. */
#define FAINT 0x1p-20
/* The least number with all its bits. */
#define NORMAL 0x1p-14

const char *c2s_half_refuse_constant(const c2s_tensor *tensor, bool clamps) {
    double most = 0, sum = 0;
    size_t nonzero = 0;
    double part[CHUNK];
    for (size_t at = 0; at < tensor->count; at += CHUNK) {
        const size_t n = tensor->count - at < CHUNK ? tensor->count - at : CHUNK;
        c2s_tensor_load_f64(tensor, at, n, part);
        for (size_t i = 0; i < n; i++) {
            if (part[i] == 0 || !isfinite(part[i]))
                continue;
            nonzero++;
            sum += part[i] * part[i];
            most = fmax(most, fabs(part[i]));
        }
    }
    if (most > C2S_HALF_MOST && !clamps)
        return "a constant is beyond 65504";
    if (nonzero > 0 && most < FAINT)
        return "a constant vanishes";
    return nonzero > 1 && sqrt(sum / (double)nonzero) < NORMAL
               ? "most numbers of a constant lose bits below 2^-14"
               : NULL;
}

static bool clamp(float *x, size_t count) {
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const float most = (float)C2S_HALF_MOST;
        if (!(fabsf(x[i]) > most)) /* NaN, too */
            continue;
        any = true;
        x[i] = copysignf(most, x[i]);
    }
    return any;
}

c2s_status c2s_half_convert(const c2s_tensor *tensor, c2s_dtype dtype, c2s_tensor **out,
                            bool *clamped) {
    C2S_TRY(c2s_tensor_create(dtype, tensor->type.rank, tensor->type.dim, out));
    double from[CHUNK];
    float part[CHUNK];
    *clamped = false;
    for (size_t at = 0; at < tensor->count; at += CHUNK) {
        const size_t n = tensor->count - at < CHUNK ? tensor->count - at : CHUNK;
        c2s_tensor_load_f64(tensor, at, n, from);
        for (size_t i = 0; i < n; i++)
            part[i] = (float)from[i];
        if (dtype == C2S_FLOAT16)
            *clamped |= clamp(part, n);
        c2s_store_f32(dtype, c2s_tensor_mutable(*out), at, n, part);
    }
    return C2S_OK;
}
