/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/norm.h"

#include <math.h>

enum { PIECE = 512, LANES = 8 };

/* Sum of f(x) over a run, in LANES chains. */
#define SUM_OF(name, term)                                                                         \
    C2S_INLINE void name##_loop(const double *restrict from, size_t n, double center,              \
                                double *restrict lane) {                                           \
        for (size_t k = 0; k < n; k += LANES)                                                      \
            for (size_t l = 0; l < LANES; l++) {                                                   \
                const double x = from[k + l];                                                      \
                lane[l] += term;                                                                   \
            }                                                                                      \
        (void)center;                                                                              \
    }                                                                                              \
    C2S_SIMD(name##_piece, name##_loop,                                                            \
             (const double *from, size_t n, double center, double *lane), (from, n, center, lane)) \
    static double name(const c2s_tensor *tensor, size_t start, size_t n, double center) {          \
        double buffer[PIECE], lane[LANES] = {0};                                                   \
        for (size_t done = 0; done < n; done += PIECE) {                                           \
            const size_t piece = n - done < PIECE ? n - done : PIECE;                              \
            for (size_t k = piece; k % LANES; k++)                                                 \
                buffer[k] = center;                                                                \
            c2s_wide_load(C2S_WIDE_F64, tensor->type.dtype, c2s_tensor_data(tensor), start + done, \
                          piece, buffer);                                                          \
            name##_piece(buffer, piece, center, lane);                                             \
        }                                                                                          \
        return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +                                       \
               ((lane[4] + lane[5]) + (lane[6] + lane[7]));                                        \
    }
SUM_OF(sum_plain, x)
SUM_OF(sum_square, (x - center) * (x - center))

C2S_INLINE void affine_loop(double *x, size_t n, double center, double factor, double offset) {
    for (size_t k = 0; k < n; k++)
        x[k] = (x[k] - center) * factor + offset;
}
C2S_SIMD(affine, affine_loop, (double *x, size_t n, double center, double factor, double offset),
         (x, n, center, factor, offset))

double c2s_norm_sum(const c2s_tensor *x, size_t start, size_t n) {
    return sum_plain(x, start, n, 0);
}

double c2s_norm_sum_square(const c2s_tensor *x, size_t start, size_t n, double center) {
    return sum_square(x, start, n, center);
}

void c2s_norm_moments(const c2s_tensor *x, size_t start, size_t n, double *mean, double *variance) {
    *mean = sum_plain(x, start, n, 0) / (double)n;
    *variance = sum_square(x, start, n, *mean) / (double)n;
}

void c2s_norm_affine(const c2s_tensor *x, c2s_tensor *y, size_t start, size_t n, double center,
                     double factor, double offset) {
    double buffer[PIECE];
    for (size_t done = 0; done < n; done += PIECE) {
        const size_t piece = n - done < PIECE ? n - done : PIECE;
        c2s_wide_load(C2S_WIDE_F64, x->type.dtype, c2s_tensor_data(x), start + done, piece, buffer);
        affine(buffer, piece, center, factor, offset);
        c2s_wide_store(C2S_WIDE_F64, y->type.dtype, c2s_tensor_mutable(y), start + done, piece,
                       buffer);
    }
}

c2s_status c2s_norm_infer_channels(c2s_infer *i, int least, unsigned count, int64_t also) {
    const c2s_type *x = c2s_infer_type(i, 0);
    C2S_TRY(c2s_infer_tensors(i, count + 1));
    C2S_TRY(c2s_infer_rank(i, 0, least, C2S_MAX_RANK));
    if (x->dtype && !c2s_dtype_is_float(x->dtype))
        return c2s_fail(C2S_ERR_INVALID, "input 0 has elements of type %s, expected floats",
                        c2s_dtype_name(x->dtype));
    i->out[0] = *x;
    const c2s_dim channels = x->kind != C2S_KIND_TENSOR || x->rank < 0 ? C2S_DIM_SYMBOLIC
                             : x->rank > 1                             ? x->dim[1]
                                                                       : 1;
    for (unsigned k = 1; k <= count; k++) {
        const c2s_type *type = c2s_infer_type(i, k);
        C2S_TRY(c2s_infer_rank(i, k, 1, 1));
        if (type->kind != C2S_KIND_TENSOR || type->rank != 1 || !c2s_dim_is_known(type->dim[0]) ||
            !c2s_dim_is_known(channels) || type->dim[0] == channels)
            continue;
        if (also == 0 || type->dim[0] != also)
            return c2s_fail(C2S_ERR_INVALID,
                            "input %u has %lld elements, but there are %lld channels", k,
                            (long long)type->dim[0], (long long)channels);
    }
    return C2S_OK;
}
