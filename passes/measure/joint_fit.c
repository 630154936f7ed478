/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/joint_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "passes/measure/certain_gain.h"
#include "passes/measure/joint_basis.h"
#include "passes/measure/joint_gradient.h"

#define MEAN_KEPT   0.9
#define SQUARE_KEPT 0.999
/* A gradient below this is none. */
#define LEAST_SLOPE 1e-12f
/* Of the steps, in which the rate grows. */
#define WARM_UP 0.05

typedef struct fitting {
    const c2s_joint_fit *fit;
    c2s_joint_gradient *gradients;
    c2s_joint_basis *basis;
    size_t count; /* of all parameters, which lie one behind the other */
    float *x, *first, *best, *gradient;
    float *v, *slope;     /* the coordinates of x and of the gradient (joint_basis.h) */
    float *scale;         /* by coordinate: what a rate of 1 is; 0: x stays 0 */
    float *mean, *square; /* moving averages of the slope and its square */
    size_t samples, judged, batch, steps, step;
    c2s_joint_sample *order;
    c2s_random random;
} fitting;

/* ---- parameters ---- */

static const c2s_tensor *content(const c2s_joint_parameter *q) {
    return c2s_node_in(q->node, q->slot)->constant;
}

/* Root of the mean square of what is not 0 in `runs` runs, each `step` behind the one before. */
static float size_of(const float *x, size_t runs, size_t step, size_t run) {
    double sum = 0;
    size_t some = 0;
    for (size_t r = 0; r < runs; r++)
        for (size_t i = 0; i < run; i++) {
            const double value = (double)x[r * step + i];
            sum += value * value;
            some += value != 0;
        }
    return some ? (float)sqrt(sum / (double)some) : 0;
}

/* Of a vector at least that of the node's weight. */
static float size_of_all(const c2s_joint_parameter *q) {
    const c2s_value *weight = c2s_node_in(q->node, 1);
    const float own = size_of(c2s_tensor_data(content(q)), 1, 0, content(q)->count);
    if (q->slot == 1 || !weight || !weight->constant || weight->type.dtype != C2S_FLOAT)
        return own;
    return fmaxf(own, size_of(c2s_tensor_data(weight->constant), 1, 0, weight->constant->count));
}

static void find_scale(const c2s_joint_parameter *q, const float *x, float *scale) {
    const c2s_type *type = &content(q)->type;
    const size_t count = content(q)->count, channels = q->axis < 0 ? 1 : (size_t)type->dim[q->axis];
    size_t inner = 1;
    for (int k = q->axis + 1; q->axis >= 0 && k < type->rank; k++)
        inner *= (size_t)type->dim[k];
    for (size_t c = 0; q->axis >= 0 && c < channels; c++) {
        const size_t step = channels * inner, runs = count / step;
        const float size = size_of(x + c * inner, runs, step, inner);
        for (size_t r = 0; r < runs; r++)
            for (size_t i = 0; i < inner; i++)
                scale[r * step + c * inner + i] = size;
    }
    const float all = q->axis < 0 ? size_of_all(q) : 0;
    for (size_t i = 0; i < count; i++)
        scale[i] = q->keeps_zeros && x[i] == 0 ? 0 : q->axis < 0 ? all : scale[i];
}

static void read_parameters(fitting *f) {
    size_t first = 0;
    for (size_t k = 0; k < f->fit->parameter_count; k++) {
        const c2s_tensor *tensor = content(&f->fit->parameters[k]);
        memcpy(f->x + first, c2s_tensor_data(tensor), tensor->count * sizeof *f->x);
        find_scale(&f->fit->parameters[k], f->x + first, f->scale + first);
        first += tensor->count;
    }
    memcpy(f->first, f->x, f->count * sizeof *f->first);
    memcpy(f->best, f->x, f->count * sizeof *f->best);
}

static c2s_status write_parameters(const fitting *f, const float *x) {
    for (size_t k = 0; k < f->fit->parameter_count; k++) {
        const c2s_joint_parameter *q = &f->fit->parameters[k];
        const c2s_type *type = &content(q)->type;
        c2s_tensor *tensor;
        C2S_TRY(c2s_tensor_create(C2S_FLOAT, type->rank, type->dim, &tensor));
        memcpy(c2s_tensor_mutable(tensor), x, tensor->count * sizeof *x);
        x += tensor->count;
        c2s_value_set_constant(c2s_node_in(q->node, q->slot), tensor);
        c2s_tensor_unref(tensor);
    }
    return C2S_OK;
}

/* ---- steps ---- */

/* What is not to move has moved if coordinates of others have a part in it. */
static void stay(fitting *f) {
    bool moved = false;
    for (size_t i = 0; i < f->count; i++) {
        if (f->scale[i] != 0 || f->x[i] == f->first[i])
            continue;
        f->x[i] = f->first[i];
        moved = true;
    }
    if (moved)
        c2s_joint_basis_enter(f->basis, f->x, f->v);
}

static void move(fitting *f, double rate) {
    const double step = (double)++f->step;
    const float whole_mean = (float)(rate / (1 - pow(MEAN_KEPT, step))),
                whole_square = (float)(1 / (1 - pow(SQUARE_KEPT, step)));
    c2s_joint_basis_derive(f->basis, f->gradient, f->slope);
    for (size_t i = 0; i < f->count; i++) {
        const float g = f->slope[i];
        f->mean[i] += (float)(1 - MEAN_KEPT) * (g - f->mean[i]);
        f->square[i] += (float)(1 - SQUARE_KEPT) * (g * g - f->square[i]);
        f->v[i] -= f->scale[i] * whole_mean * f->mean[i] /
                   (sqrtf(whole_square * f->square[i]) + LEAST_SLOPE);
    }
    c2s_joint_basis_leave(f->basis, f->v, f->x);
    stay(f);
}

/* Grows at first, then half a cosine down to 0. */
static double rate_now(const fitting *f) {
    const double at = ((double)f->step + 0.5) / (double)f->steps;
    const double grown = at < WARM_UP ? at / WARM_UP : 1;
    return f->fit->rate * grown * 0.5 * (1 + cos(acos(-1.0) * at));
}

/* Every sample once, with another one. */
static void shuffle(fitting *f) {
    for (size_t k = 0; k < f->samples; k++)
        f->order[k].sample = k;
    for (size_t k = f->samples; k > 1; k--) {
        const size_t j = (size_t)c2s_random_integer(&f->random, 0, (int64_t)k - 1);
        const size_t was = f->order[j].sample;
        f->order[j].sample = f->order[k - 1].sample;
        f->order[k - 1].sample = was;
    }
    for (size_t k = 0; k < f->samples; k++) {
        f->order[k].other = (size_t)c2s_random_integer(&f->random, 0, (int64_t)f->samples - 1);
        f->order[k].random = (c2s_random){c2s_random_bits(&f->random)};
    }
}

static c2s_status learn_all(fitting *f, double *loss) {
    *loss = 0;
    shuffle(f);
    for (size_t from = 0; from < f->samples; from += f->batch) {
        const size_t some = f->samples - from < f->batch ? f->samples - from : f->batch;
        C2S_TRY(
            c2s_joint_gradient_find(f->gradients, f->x, f->order + from, some, f->gradient, loss));
        move(f, rate_now(f));
    }
    *loss /= (double)f->samples;
    return C2S_OK;
}

/* What the judge says of the parameters as they are, and the sum of it. */
static c2s_status ask(const fitting *f, double *errors, double *sum) {
    C2S_TRY(f->fit->judge(f->fit->user, errors));
    *sum = 0;
    for (size_t i = 0; i < f->judged; i++)
        *sum += errors[i];
    return C2S_OK;
}

/* errors[3][judged]: of the first parameters, of the best and of those as they are. */
static c2s_status run_epochs(fitting *f, double *errors, double *before, double *after) {
    double *at_first = errors, *at_best = errors + f->judged, *now = at_best + f->judged;
    c2s_status status = ask(f, at_first, before);
    *after = *before;
    for (size_t epoch = 1; epoch <= f->fit->epochs && status == C2S_OK; epoch++) {
        double loss, error = *before;
        c2s_progress("fitting layers together", (double)epoch / (double)f->fit->epochs);
        status = learn_all(f, &loss);
        if (status == C2S_OK)
            status = write_parameters(f, f->x);
        if (status == C2S_OK)
            status = ask(f, now, &error);
        c2s_log(2, "joint fit: epoch %zu: error %.5f, judged %.5g", epoch, loss, error);
        if (status != C2S_OK || !(error < *after))
            continue;
        *after = error;
        memcpy(at_best, now, f->judged * sizeof *now);
        memcpy(f->best, f->x, f->count * sizeof *f->best);
    }
    const bool better = *after < *before && c2s_gain_is_certain(at_first, at_best, f->judged);
    if (*after < *before && !better) {
        c2s_log(1, "joint fit: an error of %.5g instead of %.5g may be chance", *after, *before);
        *after = *before;
    }
    const c2s_status written = write_parameters(f, better ? f->best : f->first);
    return status == C2S_OK ? written : status;
}

static c2s_status open_fitting(fitting *f) {
    for (size_t k = 0; k < f->fit->parameter_count; k++)
        f->count += content(&f->fit->parameters[k])->count;
    float **const rows[] = {&f->x,    &f->first,  &f->best, &f->gradient, &f->scale,
                            &f->mean, &f->square, &f->v,    &f->slope};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        C2S_TRY(c2s_scratch(f->count, sizeof **rows[k], rows[k]));
        memset(*rows[k], 0, f->count * sizeof **rows[k]);
    }
    read_parameters(f);
    C2S_TRY(c2s_joint_basis_open(f->fit, &f->basis));
    c2s_joint_basis_enter(f->basis, f->x, f->v);
    c2s_joint_basis_scale(f->basis, f->v, f->scale);
    C2S_TRY(c2s_joint_gradient_open(f->fit, &f->gradients));
    f->samples = c2s_joint_gradient_samples(f->gradients);
    f->order = c2s_alloc_array(f->samples + 1, sizeof *f->order);
    f->judged = f->fit->judged ? f->fit->judged : 1;
    f->batch = f->fit->batch ? f->fit->batch : C2S_JOINT_BATCH;
    f->steps = f->fit->epochs * ((f->samples + f->batch - 1) / f->batch);
    return C2S_OK;
}

size_t c2s_joint_fit_batch(size_t samples, size_t epochs) {
    enum { LEAST_STEPS = 400 };
    const size_t batch = samples * epochs / LEAST_STEPS;
    return batch < 1 ? 1 : batch < C2S_JOINT_BATCH ? batch : C2S_JOINT_BATCH;
}

c2s_status c2s_joint_fit_do(const c2s_joint_fit *fit, double *before, double *after) {
    fitting f = {.fit = fit, .random = {1}};
    *before = *after = 0;
    c2s_status status = open_fitting(&f);
    if (status == C2S_OK) {
        double *errors = c2s_zalloc(3 * f.judged * sizeof *errors);
        status = run_epochs(&f, errors, before, after);
        free(errors);
    }
    c2s_joint_basis_close(f.basis);
    c2s_joint_gradient_close(f.gradients);
    free(f.x);
    free(f.first);
    free(f.best);
    free(f.gradient);
    free(f.scale);
    free(f.mean);
    free(f.square);
    free(f.v);
    free(f.slope);
    free(f.order);
    return status;
}
