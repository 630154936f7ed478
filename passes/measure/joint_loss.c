/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/joint_loss.h"

#include <math.h>

double c2s_joint_compare(const c2s_joint_point *q, double factor, const c2s_tensor *now,
                         const c2s_tensor *first, float *slope) {
    const float *a = c2s_tensor_data(now), *b = c2s_tensor_data(first);
    const float scale = (float)(2 * factor);
    size_t inner = 1;
    double error = 0;
    for (int k = q->axis + 1; q->axis >= 0 && k < now->type.rank; k++)
        inner *= (size_t)now->type.dim[k];
    for (size_t from = 0, run = 0; from < now->count; from += inner, run++) {
        if (q->axis < 0)
            inner = now->count;
        else if (q->gone[run % (size_t)now->type.dim[q->axis]])
            continue;
        for (size_t i = from; i < from + inner; i++) {
            const float d = a[i] - b[i];
            error += (double)d * (double)d;
            if (slope)
                slope[i] += scale * d;
        }
    }
    return factor * error;
}

/* to = Softmax of a row. Returns the logarithm of the sum that it was divided by. */
static double distribution(const float *row, size_t n, float *to) {
    float most = row[0];
    double sum = 0;
    for (size_t i = 1; i < n; i++)
        most = row[i] > most ? row[i] : most;
    for (size_t i = 0; i < n; i++) {
        to[i] = expf(row[i] - most);
        sum += (double)to[i];
    }
    for (size_t i = 0; i < n; i++)
        to[i] = (float)((double)to[i] / sum);
    return (double)most + log(sum);
}

double c2s_joint_diverge(double factor, const c2s_tensor *now, const c2s_tensor *first,
                         float *slope, float *room) {
    const size_t n = (size_t)now->type.dim[now->type.rank - 1], rows = n ? now->count / n : 0;
    const float *a = c2s_tensor_data(now), *b = c2s_tensor_data(first);
    float *p = room, *q = room + n;
    double sum = 0;
    for (size_t r = 0; r < rows; r++, a += n, b += n) {
        const double was = distribution(b, n, p), is = distribution(a, n, q);
        for (size_t i = 0; i < n; i++)
            sum += (double)p[i] * (((double)b[i] - was) - ((double)a[i] - is));
        for (size_t i = 0; slope && i < n; i++)
            slope[r * n + i] += (float)(factor / (double)rows) * (q[i] - p[i]);
    }
    return rows ? factor * sum / (double)rows : 0;
}
