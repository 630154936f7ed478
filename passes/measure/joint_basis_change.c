/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/joint_basis_state.h"

#include <math.h>
#include <string.h>

#include "base/linear_algebra.h"
#include "base/threads.h"

typedef enum change { ENTER, LEAVE, DERIVE } change;

static float inner(size_t count, const float *a, const float *b) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return (float)sum;
}

/* V = W L, c = b + W m; W = V L^-1, b = c - W m; dV = (dW - db m^T) L^-T, dc = db. */
static void change_group(const c2s_joint_layer *l, size_t g, const float *from, float *to,
                         change how) {
    const size_t n = l->site.n, k = l->site.k;
    const float *mean = l->mean + g * k, *bias = from + l->bias + g * n;
    float *bias_to = to + l->bias + g * n;
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < k; i++)
            l->from[j * k + i] = from[c2s_joint_layer_index(l, g, i, j)] -
                                 (how == DERIVE && l->has_bias ? bias[j] * mean[i] : 0);
    const c2s_product shape = {.transpose_b = how == DERIVE, .m = n, .n = k, .k = k};
    const float *matrix = (how == ENTER ? l->factor : l->inverse) + g * k * k;
    c2s_float_multiply(&shape, (c2s_float_part){l->from, k}, (c2s_float_part){matrix, k}, l->to, k);
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < k; i++)
            to[c2s_joint_layer_index(l, g, i, j)] = l->to[j * k + i];
    for (size_t j = 0; l->has_bias && how != DERIVE && j < n; j++)
        bias_to[j] = bias[j] + (how == ENTER ? inner(k, l->from + j * k, mean)
                                             : -inner(k, l->to + j * k, mean));
}

static void change_all(const c2s_joint_basis *b, const float *from, float *to, change how) {
    memcpy(to, from, b->count * sizeof *to);
#pragma omp parallel for schedule(dynamic) num_threads((int)c2s_most_threads())
    for (size_t i = 0; i < b->layers.count; i++)
        for (size_t g = 0; g < b->layers.at[i].site.groups; g++)
            change_group(&b->layers.at[i], g, from, to, how);
}

void c2s_joint_basis_enter(const c2s_joint_basis *b, const float *x, float *v) {
    change_all(b, x, v, ENTER);
}

void c2s_joint_basis_leave(const c2s_joint_basis *b, const float *v, float *x) {
    change_all(b, v, x, LEAVE);
}

void c2s_joint_basis_derive(const c2s_joint_basis *b, const float *dx, float *dv) {
    change_all(b, dx, dv, DERIVE);
}

/* Of row j: the deviation of what it gives; each of its coordinates has its part. */
static void scale_row(const c2s_joint_layer *l, size_t g, size_t j, const float *v, float *scale) {
    double sum = 0;
    size_t some = 0;
    for (size_t i = 0; i < l->site.k; i++) {
        const double value = (double)v[c2s_joint_layer_index(l, g, i, j)];
        sum += value * value;
        some += scale[c2s_joint_layer_index(l, g, i, j)] != 0;
    }
    for (size_t i = 0; some && i < l->site.k; i++)
        if (scale[c2s_joint_layer_index(l, g, i, j)] != 0)
            scale[c2s_joint_layer_index(l, g, i, j)] = (float)sqrt(sum / (double)some);
    if (l->has_bias)
        scale[l->bias + g * l->site.n + j] = (float)sqrt(sum);
}

void c2s_joint_basis_scale(const c2s_joint_basis *b, const float *v, float *scale) {
    for (size_t i = 0; i < b->layers.count; i++)
        for (size_t g = 0; g < b->layers.at[i].site.groups; g++)
            for (size_t j = 0; j < b->layers.at[i].site.n; j++)
                scale_row(&b->layers.at[i], g, j, v, scale);
}
