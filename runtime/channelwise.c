/* SPDX-License-Identifier: Apache-2.0
 *
 * Our own loops over float tensors, row-major or in blocks of channels, where oneDNN has none
 * (instance normalization) or a slower one (batch normalization).
 */
#include <math.h>

#include "runtime/layout.h"

/* Below this many elements one thread is faster. */
#define PARALLEL_ELEMENTS 65536

static bool is_float(const c2s_type *type) {
    return c2s_type_is_tensor(type) && type->dtype == C2S_FLOAT;
}

/* ---- BatchNormalization ---- */

static bool batch_norm_accepts(const c2s_step *step) {
    const c2s_type *x = c2s_step_type(step, 0);
    if (!c2s_step_wants(step, 0) || !is_float(x) || x->rank < 2 ||
        !c2s_type_equal(x, &step->out[0]->type) ||
        c2s_attr_int(step->node, "training_mode", 0) != 0)
        return false;
    for (unsigned k = 1; k < step->out_count; k++)
        if (c2s_step_wants(step, k))
            return false;
    for (unsigned k = 1; k <= 4; k++) {
        const c2s_type *type = c2s_step_type(step, k);
        if (!is_float(type) || type->rank != 1 || type->dim[0] != x->dim[1])
            return false;
    }
    return true;
}

static const float *numbers(const c2s_step *step, unsigned input) {
    return c2s_tensor_data(step->in[input]->tensor);
}

/* ---- layouts ---- */

/* The tensor as planes, each of which holds the elements of `block` channels in turns. */
typedef struct planes {
    size_t count, elements; /* elements: of a plane */
    size_t channels, block;
} planes;

static c2s_status planes_prepare(c2s_step *step) {
    c2s_const_md layout = c2s_step_layout(step, 0);
    int64_t block = c2s_layout_block(layout, c2s_step_type(step, 0));
    if (!layout || (block != 8 && block != 16))
        return C2S_OK;
    C2S_TRY(c2s_step_take(step, 0, layout));
    return c2s_step_give(step, 0, layout);
}

static planes planes_of(const c2s_step *step) {
    const c2s_type *type = c2s_step_type(step, 0);
    c2s_const_md layout = c2s_slot_md(step->in[0]);
    planes p = {.channels = (size_t)type->dim[1],
                .block = layout ? (size_t)c2s_layout_block(layout, type) : 1};
    p.count = (size_t)type->dim[0] * ((p.channels + p.block - 1) / p.block);
    p.elements = p.block;
    for (int i = 2; i < type->rank; i++)
        p.elements *= (size_t)type->dim[i];
    return p;
}

/* What happens to the channels of one plane: (x - mean) * factor + shift; all 0 for the channels
 * that only fill the block. */
enum { MOST_BLOCK = 16 };
typedef struct affine {
    float mean[MOST_BLOCK], factor[MOST_BLOCK], shift[MOST_BLOCK];
} affine;

static void apply_1(const float *x, float *y, size_t count, const affine *a) {
    float mean = a->mean[0], factor = a->factor[0], shift = a->shift[0];
    for (size_t k = 0; k < count; k++)
        y[k] = (x[k] - mean) * factor + shift;
}

static void apply_8(const float *x, float *y, size_t count, const affine *a) {
    for (size_t k = 0; k < count; k += 8)
        for (size_t l = 0; l < 8; l++)
            y[k + l] = (x[k + l] - a->mean[l]) * a->factor[l] + a->shift[l];
}

static void apply(const float *x, float *y, const planes *p, const affine *a) {
    if (p->block == 1)
        apply_1(x, y, p->elements, a);
    else if (p->block == 8)
        apply_8(x, y, p->elements, a);
    else
        for (size_t k = 0; k < p->elements; k += 16)
            for (size_t l = 0; l < 16; l++)
                y[k + l] = (x[k + l] - a->mean[l]) * a->factor[l] + a->shift[l];
}

/* The first channel of a plane, and how many of its channels exist. */
static size_t channels_of(const planes *p, size_t plane, size_t *first) {
    size_t blocks = (p->channels + p->block - 1) / p->block;
    *first = plane % blocks * p->block;
    return p->channels - *first < p->block ? p->channels - *first : p->block;
}

/* ---- BatchNormalization ---- */

static c2s_status batch_norm_run(c2s_step *step) {
    planes p = planes_of(step);
    if (step->in[0]->tensor->count == 0)
        return C2S_OK;
    const float *x = numbers(step, 0), *scale = numbers(step, 1), *shift = numbers(step, 2);
    const float *mean = numbers(step, 3), *variance = numbers(step, 4);
    float *y = c2s_tensor_mutable(step->out[0]->tensor);
    double epsilon = (double)c2s_attr_float(step->node, "epsilon", 1e-5f);
#pragma omp parallel for if (p.count * p.elements >= PARALLEL_ELEMENTS)
    for (size_t i = 0; i < p.count; i++) {
        affine a = {{0}, {0}, {0}};
        size_t first, count = channels_of(&p, i, &first);
        for (size_t l = 0; l < count; l++) {
            size_t c = first + l;
            a.mean[l] = mean[c];
            a.factor[l] = (float)((double)scale[c] / sqrt((double)variance[c] + epsilon));
            a.shift[l] = shift[c];
        }
        apply(x + i * p.elements, y + i * p.elements, &p, &a);
    }
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_batch_norm = {
    .name = "batch_norm",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = batch_norm_accepts,
    .prepare = planes_prepare,
    .run = batch_norm_run,
};

/* ---- InstanceNormalization ---- */

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

enum { LANES = 16, STRETCH = 64 * LANES };

static double term(float x, float mean, bool squares) {
    double d = (double)x - (double)mean;
    return squares ? d * d : d;
}

static void sum_exactly(const float *x, const planes *p, const float *mean, bool squares,
                        double sum[MOST_BLOCK]) {
    for (size_t l = 0; l < p->block; l++)
        sum[l] = 0;
    for (size_t k = 0; k < p->elements; k++)
        sum[k % p->block] += term(x[k], mean[k % LANES], squares);
}

/* Sums of x - mean, or of its squares, over the elements of each channel: in float over short
 * stretches, in double over these; all in double where float overflows. */
static void sum_up(const float *x, const planes *p, const float *mean, bool squares,
                   double sum[MOST_BLOCK]) {
    double lanes[LANES] = {0}, all = 0;
    size_t whole = p->elements / LANES * LANES;
    for (size_t start = 0; start < whole; start += STRETCH) {
        size_t end = start + STRETCH < whole ? start + STRETCH : whole;
        float part[LANES] = {0};
        for (size_t k = start; k < end; k += LANES)
            for (size_t l = 0; l < LANES; l++) {
                float d = x[k + l] - mean[l];
                part[l] += squares ? d * d : d;
            }
        for (size_t l = 0; l < LANES; l++)
            lanes[l] += (double)part[l];
    }
    for (size_t l = 0; l < p->block; l++)
        sum[l] = 0;
    for (size_t l = 0; l < LANES; l++) {
        sum[l % p->block] += lanes[l];
        all += lanes[l];
    }
    for (size_t k = whole; k < p->elements; k++)
        sum[k % p->block] += term(x[k], mean[k % LANES], squares);
    if (!isfinite(all))
        sum_exactly(x, p, mean, squares, sum);
}

static void spread(const double *sum, const planes *p, float mean[MOST_BLOCK]) {
    double count = (double)(p->elements / p->block);
    for (size_t l = 0; l < MOST_BLOCK; l++)
        mean[l] = (float)(sum[l % p->block] / count);
}

static c2s_status instance_norm_run(c2s_step *step) {
    planes p = planes_of(step);
    if (step->in[0]->tensor->count == 0)
        return C2S_OK;
    const float *x = numbers(step, 0), *scale = numbers(step, 1), *shift = numbers(step, 2);
    float *y = c2s_tensor_mutable(step->out[0]->tensor);
    double epsilon = (double)c2s_attr_float(step->node, "epsilon", 1e-5f);
#pragma omp parallel for if (p.count * p.elements >= PARALLEL_ELEMENTS)
    for (size_t i = 0; i < p.count; i++) {
        affine a = {{0}, {0}, {0}};
        double sum[MOST_BLOCK];
        const float *plane = x + i * p.elements;
        size_t first, count = channels_of(&p, i, &first);
        sum_up(plane, &p, a.mean, false, sum);
        spread(sum, &p, a.mean);
        sum_up(plane, &p, a.mean, true, sum);
        for (size_t l = 0; l < count; l++) {
            double variance = sum[l] / (double)(p.elements / p.block);
            a.factor[l] = (float)((double)scale[first + l] / sqrt(variance + epsilon));
            a.shift[l] = shift[first + l];
        }
        apply(plane, y + i * p.elements, &p, &a);
    }
    return C2S_OK;
}

const c2s_kernel_family c2s_kernels_instance_norm = {
    .name = "instance_norm",
    .flags = C2S_KERNEL_LAYOUTS,
    .accepts = instance_norm_accepts,
    .prepare = planes_prepare,
    .run = instance_norm_run,
};
