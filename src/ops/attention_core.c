/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/attention_core.h"

#include <inttypes.h>
#include <math.h>

#include "ir/convert.h"
#include "ops/vector_matrix.h"

c2s_status c2s_heads_of(const c2s_type *type, int64_t heads, const char *what, c2s_heads *out) {
    const c2s_dim *d = type->dim;
    if (type->rank == 4) {
        *out = (c2s_heads){d[0], d[1], d[2], d[3], d[1] * d[2] * d[3], d[2] * d[3], d[3]};
        return C2S_OK;
    }
    if (type->rank != 3)
        return c2s_fail(C2S_ERR_INVALID, "%s has rank %d, expected 3 or 4", what, type->rank);
    if (heads < 1 || d[2] % heads != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "%s has %" PRId64 " elements per position, expected a "
                        "multiple of %" PRId64 " heads",
                        what, d[2], heads);
    int64_t width = d[2] / heads;
    *out = (c2s_heads){d[0], heads, d[1], width, d[1] * d[2], width, d[2]};
    return C2S_OK;
}

c2s_status c2s_attention_check(const c2s_heads *q, const c2s_heads *k, const c2s_heads *v) {
    if (q->batch != k->batch || k->batch != v->batch)
        return c2s_fail(C2S_ERR_INVALID,
                        "Q, K and V have batches of %" PRId64 ", %" PRId64 " and %" PRId64,
                        q->batch, k->batch, v->batch);
    if (k->heads != v->heads || k->length != v->length)
        return c2s_fail(C2S_ERR_INVALID,
                        "K has %" PRId64 " heads of %" PRId64 " positions, V %" PRId64
                        " of %" PRId64,
                        k->heads, k->length, v->heads, v->length);
    if (q->width != k->width)
        return c2s_fail(C2S_ERR_INVALID, "heads of Q have %" PRId64 " elements, of K %" PRId64,
                        q->width, k->width);
    if (k->heads < 1 ? q->heads > 0 : q->heads % k->heads != 0)
        return c2s_fail(C2S_ERR_INVALID,
                        "Q has %" PRId64 " heads, expected a multiple of K's %" PRId64, q->heads,
                        k->heads);
    return C2S_OK;
}

double *c2s_attention_turn(c2s_workspace *ws, const c2s_heads *k, const double *k_at) {
    size_t count = (size_t)(k->batch * k->heads * k->width * k->length);
    double *turned = c2s_workspace_array(ws, count, sizeof *turned);
    if (!turned)
        return NULL;
    double *to = turned;
    for (int64_t h = 0; h < k->batch * k->heads; h++) {
        const double *from = k_at + c2s_heads_at(k, h / k->heads, h % k->heads, 0);
        for (int64_t w = 0; w < k->width; w++)
            for (int64_t j = 0; j < k->length; j++)
                *to++ = from[j * k->of_position + w];
    }
    return turned;
}

void c2s_attention_scores(const c2s_heads *q, const double *q_at, const c2s_heads *k,
                          const double *k_turned, int64_t batch, double scale, double *scores) {
    int64_t group = k->heads ? q->heads / k->heads : 1;
#pragma omp parallel for schedule(static) if (q->heads * q->length * k->length > 1000)
    for (int64_t r = 0; r < q->heads * q->length; r++) {
        int64_t h = r / q->length;
        const double *row = q_at + c2s_heads_at(q, batch, h, r % q->length);
        const double *keys = k_turned + (batch * k->heads + h / group) * k->width * k->length;
        double *to = scores + r * k->length;
        for (int64_t j = 0; j < k->length; j++)
            to[j] = 0.0;
        c2s_vector_matrix(row, q->width, keys, k->length, k->length, to);
        for (int64_t j = 0; j < k->length; j++)
            to[j] *= scale;
    }
}

void c2s_attention_softmax(double *row, int64_t count) {
    double most = -INFINITY, sum = 0.0;
    for (int64_t j = 0; j < count; j++)
        most = row[j] > most || isnan(row[j]) ? row[j] : most;
    for (int64_t j = 0; j < count; j++) {
        row[j] = most == -INFINITY ? 0.0 : exp(row[j] - most);
        sum += row[j];
    }
    for (int64_t j = 0; j < count && most != -INFINITY; j++)
        row[j] /= sum;
}

void c2s_attention_mix(const c2s_heads *v, const double *v_at, const double *p, int64_t batch,
                       const c2s_heads *y, double *y_at) {
    int64_t group = v->heads ? y->heads / v->heads : 1;
#pragma omp parallel for schedule(static) if (y->heads * y->length * v->length > 1000)
    for (int64_t r = 0; r < y->heads * y->length; r++) {
        int64_t h = r / y->length;
        double *to = y_at + c2s_heads_at(y, batch, h, r % y->length);
        for (int64_t w = 0; w < y->width; w++)
            to[w] = 0.0;
        c2s_vector_matrix(p + r * v->length, v->length, v_at + c2s_heads_at(v, batch, h / group, 0),
                          v->of_position, v->width, to);
    }
}

void c2s_attention_rotate(double *x, int64_t half, bool interleaved, const double *cosine,
                          const double *sine) {
    for (int64_t k = 0; k < half; k++) {
        const int64_t a = interleaved ? 2 * k : k, b = interleaved ? a + 1 : k + half;
        const double real = x[a], imaginary = x[b];
        x[a] = cosine[k] * real - sine[k] * imaginary;
        x[b] = sine[k] * real + cosine[k] * imaginary;
    }
}

void c2s_attention_round(c2s_dtype dtype, double *values, int64_t count) {
    if (dtype == C2S_FLOAT16)
        for (int64_t i = 0; i < count; i++)
            values[i] = (double)c2s_f16_to_f32(c2s_f64_to_f16(values[i]));
    else if (dtype == C2S_BFLOAT16)
        for (int64_t i = 0; i < count; i++)
            values[i] = (double)c2s_bf16_to_f32(c2s_f32_to_bf16((float)values[i]));
}
