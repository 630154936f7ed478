/* SPDX-License-Identifier: Apache-2.0
 *
 * InstanceNormalization, together with what scales, shifts and clamps its results.
 *
 * Mean and variance come from one walk over memory: short stretches, which stay in the cache while
 * their own means and squares are found in float, are put together in double. Chan, Golub and
 * LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979.
 */
#include <math.h>

#include "runtime/channelwise.h"

static bool is_float(const c2s_type *type) {
    return c2s_type_is_tensor(type) && type->dtype == C2S_FLOAT;
}

static bool instance_norm_accepts(const c2s_step *step) {
    const c2s_type *x = c2s_step_type(step, 0);
    if (!c2s_step_wants(step, 0) || !is_float(x) || x->rank < 3 ||
        !c2s_type_equal(x, &step->out[0]->type))
        return false;
    for (unsigned k = 1; k <= 2; k++) {
        const c2s_type *type = c2s_step_type(step, k);
        if (!is_float(type) || type->rank != 1 || type->dim[0] != x->dim[1])
            return false;
    }
    return true;
}

/* ---- mean and variance ---- */

/* Of so many numbers: their mean, and the sum of squares of their distances from it. */
typedef struct moments {
    double count, mean, squares;
} moments;

static void add_moments(moments *to, double count, double mean, double squares) {
    double all = to->count + count, d = mean - to->mean;
    to->squares += squares + d * d * to->count / all * count;
    to->mean += d * count / all;
    to->count = all;
}

enum { LANES = 16, ROUNDS = 64, STRETCH = ROUNDS * LANES };

/* One stretch, element k in lane k % LANES. */
static void add_stretch(const float *x, moments to[LANES]) {
    float sum[LANES] = {0}, mean[LANES], rest[LANES] = {0}, squares[LANES] = {0};
    for (size_t k = 0; k < STRETCH; k += LANES)
        for (size_t l = 0; l < LANES; l++)
            sum[l] += x[k + l];
    for (size_t l = 0; l < LANES; l++)
        mean[l] = sum[l] / ROUNDS;
    for (size_t k = 0; k < STRETCH; k += LANES)
        for (size_t l = 0; l < LANES; l++) {
            float d = x[k + l] - mean[l];
            rest[l] += d;
            squares[l] += d * d;
        }
    for (size_t l = 0; l < LANES; l++) {
        double beside = (double)rest[l] / ROUNDS;
        add_moments(&to[l], ROUNDS, (double)mean[l] + beside,
                    (double)squares[l] - beside * (double)rest[l]);
    }
}

/* By channel of the plane, all in double. */
static void measure_exactly(const float *x, const c2s_planes *p, moments *m) {
    for (size_t l = 0; l < p->block; l++)
        m[l] = (moments){0};
    for (size_t k = 0; k < p->elements; k++)
        m[k % p->block].mean += (double)x[k];
    for (size_t l = 0; l < p->block; l++) {
        m[l].count = (double)(p->elements / p->block);
        m[l].mean /= m[l].count;
    }
    for (size_t k = 0; k < p->elements; k++) {
        double d = (double)x[k] - m[k % p->block].mean;
        m[k % p->block].squares += d * d;
    }
}

/* By channel of the plane; where float overflows, in double. */
static void measure(const float *x, const c2s_planes *p, moments m[C2S_MOST_BLOCK]) {
    moments lane[LANES] = {{0}};
    size_t whole = p->elements / STRETCH * STRETCH;
    for (size_t start = 0; start < whole; start += STRETCH)
        add_stretch(x + start, lane);
    bool finite = true;
    for (size_t l = 0; l < LANES; l++)
        finite = finite && isfinite(lane[l].squares);
    if (whole == 0 || !finite) {
        measure_exactly(x, p, m);
        return;
    }
    for (size_t l = 0; l < p->block; l++)
        m[l] = lane[l];
    for (size_t l = p->block; l < LANES; l++)
        add_moments(&m[l % p->block], lane[l].count, lane[l].mean, lane[l].squares);
    for (size_t k = whole; k < p->elements; k++)
        add_moments(&m[k % p->block], 1, (double)x[k], 0);
}

/* ---- running ---- */

static c2s_status instance_norm_run(c2s_step *step) {
    const c2s_norm_state *s = step->state;
    c2s_planes p = c2s_planes_of(step);
    if (step->in[0]->tensor->count == 0)
        return C2S_OK;
    const float *x = c2s_tensor_data(step->in[0]->tensor);
    const float *scale = c2s_tensor_data(step->in[1]->tensor);
    const float *shift = c2s_tensor_data(step->in[2]->tensor);
    float *y = c2s_tensor_mutable(step->out[0]->tensor);
    double epsilon = (double)c2s_attr_float(step->node, "epsilon", 1e-5f);
#pragma omp parallel for if (p.count * p.elements >= C2S_PLANES_PARALLEL)
    for (size_t i = 0; i < p.count; i++) {
        c2s_norm norm = {{0}, {0}, {0}};
        moments m[C2S_MOST_BLOCK];
        size_t first, count = c2s_planes_channels(&p, i, &first);
        measure(x + i * p.elements, &p, m);
        for (size_t l = 0; l < count; l++)
            c2s_norm_set(s, &norm, l, first + l, m[l].mean,
                         (double)scale[first + l] / sqrt(m[l].squares / m[l].count + epsilon),
                         (double)shift[first + l]);
        c2s_norm_apply(s, &norm, &p, first, x + i * p.elements, y + i * p.elements);
    }
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_instance_norm = {
    .name = "instance_norm",
    .flags = C2S_KERNEL_LAYOUTS | C2S_KERNEL_POSTS | C2S_KERNEL_KEEPS_NAN,
    .accepts = instance_norm_accepts,
    .prepare = c2s_norm_prepare,
    .run = instance_norm_run,
    .release = c2s_norm_release,
};
