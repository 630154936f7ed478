/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/reconstruct.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ir/convert.h"

/* What the node adds to each output channel; zeros if nothing. An array to free. */
static c2s_status read_bias(const c2s_linear_site *s, double **out) {
    const c2s_node *node = s->node;
    const c2s_value *bias = c2s_node_in(node, 2);
    const size_t channels = s->groups * s->n;
    const double beta = (double)c2s_attr_float(node, "beta", 1);
    if (c2s_attr_float(node, "alpha", 1) != 1 ||
        (bias &&
         (!bias->constant || bias->constant->count != channels ||
          !c2s_dtype_is_float(bias->type.dtype) ||
          (bias->type.rank > 1 && bias->type.dim[bias->type.rank - 1] != (int64_t)channels))))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "%s scales its products, or its bias is no constant",
                        c2s_node_text(node));
    C2S_TRY(c2s_scratch(channels, sizeof **out, out));
    memset(*out, 0, channels * sizeof **out);
    if (bias)
        c2s_load_f64(bias->type.dtype, c2s_tensor_data(bias->constant), 0, channels, *out);
    for (size_t c = 0; c < channels; c++)
        (*out)[c] *= beta;
    return C2S_OK;
}

/* Matrices of one group. */
typedef struct group_matrices {
    double *factor, *weights, *rest; /* [k, k], [k, n], [k, n] */
} group_matrices;

/* v = w + (G + d)^-1 (x^T (y - bias) - G w). */
static c2s_status solve_group(const c2s_linear_site *s, const c2s_gram *gram,
                              const c2s_cross *cross, size_t group, const double *bias,
                              double damping, const group_matrices *m, const float *from,
                              float *to) {
    const size_t k = s->k, n = s->n, base = group * s->group_step;
    const double *moment = gram->moment + group * k * k;
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < n; j++) {
            m->weights[i * n + j] = (double)from[base + i * s->k_step + j * s->n_step];
            m->rest[i * n + j] = gram->sum[group * k + i] * bias[group * n + j] -
                                 cross->moment[(group * k + i) * n + j];
        }
    const c2s_product product = {.m = k, .n = n, .k = k, .keep = 1};
    C2S_TRY(c2s_matrix_multiply(&product, moment, m->weights, m->rest)); /* the rest, negative */
    memcpy(m->factor, moment, k * k * sizeof *moment);
    C2S_TRY(c2s_cholesky(k, m->factor, &damping));
    C2S_TRY(c2s_cholesky_solve(k, n, m->factor, m->rest));
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < n; j++)
            to[base + i * s->k_step + j * s->n_step] =
                (float)(m->weights[i * n + j] - m->rest[i * n + j]);
    return C2S_OK;
}

c2s_status c2s_reconstruct(const c2s_linear_site *s, const c2s_gram *gram, const c2s_cross *cross,
                           double damping, const float *weights, float *out) {
    group_matrices m = {0};
    double *bias;
    C2S_TRY(read_bias(s, &bias));
    c2s_status status = c2s_scratch(s->k, s->k * sizeof(double), &m.factor);
    if (status == C2S_OK)
        status = c2s_scratch(s->k, s->n * sizeof(double), &m.weights);
    if (status == C2S_OK)
        status = c2s_scratch(s->k, s->n * sizeof(double), &m.rest);
    for (size_t g = 0; g < s->groups && status == C2S_OK; g++)
        status = solve_group(s, gram, cross, g, bias, damping, &m, weights, out);
    free(m.factor);
    free(m.weights);
    free(m.rest);
    free(bias);
    return status;
}
