/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/measure/joint_gradient.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "eval/sample_order.h"
#include "passes/measure/backward.h"
#include "passes/measure/joint_loss.h"
#include "passes/measure/slope_rules.h"
#include "passes/measure/vary_sample.h"

/* Gradients are added in so many sums, whatever the number of threads: so they have the same bits.
 * Samples whose energy is looked at, and bytes of samples that are held. */
enum { LANES = 8, ENERGY_SAMPLES = 16 };
#define MOST_BYTES ((size_t)256 << 20)

typedef struct worker {
    c2s_backward *now, *first;
    c2s_float_room room;
} worker;

struct c2s_joint_gradient {
    const c2s_joint_fit *fit;
    size_t count;    /* of all parameters */
    float *lanes;    /* [LANES, count] */
    double *factors; /* by point: weight over energy */
    worker *workers;
    size_t worker_count;
    size_t samples;
    c2s_tensor ***inputs;  /* by sample */
    c2s_picture *pictures; /* by input */
};

static const c2s_tensor *content(const c2s_joint_parameter *q) {
    return c2s_node_in(q->node, q->slot)->constant;
}

/* ---- samples ---- */

static size_t bytes_of(c2s_tensor *const *in, unsigned inputs) {
    size_t bytes = 1;
    for (unsigned k = 0; k < inputs; k++)
        bytes += in[k] ? c2s_tensor_size(in[k]) : 0;
    return bytes;
}

static void release(c2s_joint_gradient *g, size_t sample) {
    for (unsigned k = 0; k < g->fit->graph->formal_inputs; k++)
        c2s_tensor_unref(g->inputs[sample][k]);
    free(g->inputs[sample]);
}

static bool is_finite(c2s_tensor *const *in, unsigned inputs) {
    double numbers[256];
    for (unsigned k = 0; k < inputs; k++) {
        const size_t count = in[k] && c2s_dtype_is_float(in[k]->type.dtype) ? in[k]->count : 0;
        for (size_t from = 0, some; from < count; from += some) {
            some = count - from < 256 ? count - from : 256;
            c2s_tensor_load_f64(in[k], from, some, numbers);
            for (size_t i = 0; i < some; i++)
                if (!isfinite(numbers[i]))
                    return false;
        }
    }
    return true;
}

/* Without those that hold infinite numbers or NaN, of which nothing can be learnt. */
static c2s_status read_samples(c2s_joint_gradient *g) {
    const c2s_feed *feed = g->fit->feed;
    const unsigned inputs = g->fit->graph->formal_inputs;
    size_t most, *taken = c2s_samples_list(feed->count, g->fit->samples, &most);
    c2s_status status = C2S_OK;
    g->inputs = c2s_zalloc((most + 1) * sizeof *g->inputs);
    for (size_t s = 0; s < most && status == C2S_OK; s++) {
        c2s_tensor **in = c2s_zalloc((inputs + 1u) * sizeof *in);
        g->inputs[g->samples++] = in;
        status = feed->get(feed, g->fit->graph, taken[s], in);
        if (status == C2S_OK && s == 0 && most > MOST_BYTES / bytes_of(in, inputs))
            most = MOST_BYTES / bytes_of(in, inputs) + 1;
        if (status == C2S_OK && !is_finite(in, inputs))
            release(g, --g->samples);
    }
    free(taken);
    if (status == C2S_OK && g->samples == 0)
        return c2s_fail(C2S_ERR_UNSUPPORTED, "there are no samples of finite numbers");
    return status;
}

/* ---- points ---- */

static c2s_status compare_scores(worker *w, const c2s_joint_point *q, const c2s_tensor *now,
                                 const c2s_tensor *first, double *loss) {
    const int rank = now->type.rank;
    if (rank < 1)
        return c2s_fail(C2S_ERR_INVALID, "\"%s\" has no rows", q->value->name);
    C2S_TRY(c2s_float_room_for(&w->room, 2 * (size_t)now->type.dim[rank - 1]));
    *loss +=
        c2s_joint_diverge(q->weight, now, first, c2s_backward_slope(w->now, q->value), w->room.at);
    return C2S_OK;
}

static c2s_status find_factors(c2s_joint_gradient *g) {
    const size_t step = g->samples / ENERGY_SAMPLES + 1;
    c2s_backward *first = g->workers[0].first;
    size_t runs = 0;
    for (size_t s = 0; s < g->samples; s += step, runs++) {
        C2S_TRY(c2s_backward_run(first, (const c2s_tensor *const *)g->inputs[s]));
        for (size_t k = 0; k < g->fit->point_count; k++) {
            const c2s_tensor *y = c2s_backward_value(first, g->fit->points[k].same);
            const float *at = c2s_tensor_data(y);
            for (size_t i = 0; i < y->count; i++)
                g->factors[k] += (double)at[i] * (double)at[i];
        }
    }
    for (size_t k = 0; k < g->fit->point_count; k++) {
        const double energy = g->factors[k] / (double)runs;
        g->factors[k] = energy > 0 ? g->fit->points[k].weight / energy : 0;
    }
    return C2S_OK;
}

/* ---- one sample ---- */

static c2s_status derive(c2s_joint_gradient *g, worker *w, c2s_tensor *const *in, float *gradient,
                         double *loss) {
    const c2s_joint_fit *fit = g->fit;
    C2S_TRY(c2s_backward_run(w->first, (const c2s_tensor *const *)in));
    C2S_TRY(c2s_backward_run(w->now, (const c2s_tensor *const *)in));
    for (size_t k = 0; k < fit->point_count; k++) {
        const c2s_joint_point *q = &fit->points[k];
        const c2s_tensor *now = c2s_backward_value(w->now, q->value),
                         *first = c2s_backward_value(w->first, q->same);
        if (!c2s_type_equal(&now->type, &first->type))
            return c2s_fail(C2S_ERR_INVALID, "\"%s\" has another shape than in the first model",
                            q->value->name);
        if (q->scores)
            C2S_TRY(compare_scores(w, q, now, first, loss));
        else
            *loss += c2s_joint_compare(q, g->factors[k], now, first,
                                       c2s_backward_slope(w->now, q->value));
    }
    for (size_t k = 0; k < fit->parameter_count; k++) {
        const c2s_joint_parameter *q = &fit->parameters[k];
        c2s_backward_collect(w->now, c2s_node_in(q->node, q->slot), gradient);
        gradient += content(q)->count;
    }
    return c2s_backward_propagate(w->now);
}

static c2s_status learn(c2s_joint_gradient *g, worker *w, const c2s_joint_sample *s,
                        float *gradient, double *loss) {
    const unsigned inputs = g->fit->graph->formal_inputs;
    c2s_tensor **in = c2s_zalloc((inputs + 1u) * sizeof *in);
    c2s_random random = s->random;
    c2s_status status = c2s_vary_sample(g->inputs[s->sample], g->inputs[s->other], inputs,
                                        g->pictures, &random, in);
    if (status == C2S_OK)
        status = derive(g, w, in, gradient, loss);
    for (unsigned k = 0; k < inputs; k++)
        c2s_tensor_unref(in[k]);
    free(in);
    return status;
}

/* ---- all ---- */

static c2s_status set_parameters(c2s_joint_gradient *g, const float *x) {
    for (size_t k = 0; k < g->fit->parameter_count; k++) {
        const c2s_joint_parameter *q = &g->fit->parameters[k];
        const c2s_type *type = &content(q)->type;
        c2s_tensor *tensor;
        C2S_TRY(c2s_tensor_create(C2S_FLOAT, type->rank, type->dim, &tensor));
        memcpy(c2s_tensor_mutable(tensor), x, tensor->count * sizeof *x);
        for (size_t w = 0; w < g->worker_count; w++)
            c2s_backward_set(g->workers[w].now, c2s_node_in(q->node, q->slot), tensor);
        x += tensor->count;
        c2s_tensor_unref(tensor);
    }
    return C2S_OK;
}

c2s_status c2s_joint_gradient_find(c2s_joint_gradient *g, const float *x,
                                   const c2s_joint_sample *samples, size_t count, float *gradient,
                                   double *loss) {
    double losses[LANES] = {0};
    c2s_status status = C2S_OK;
    C2S_TRY(set_parameters(g, x));
    memset(g->lanes, 0, LANES * g->count * sizeof *g->lanes);
#pragma omp parallel for schedule(dynamic) num_threads((int)g->worker_count)
    for (size_t lane = 0; lane < LANES; lane++)
        for (size_t k = lane; k < count; k += LANES) {
            const c2s_status own = learn(g, &g->workers[c2s_this_thread()], &samples[k],
                                         g->lanes + lane * g->count, &losses[lane]);
            if (own != C2S_OK) {
#pragma omp critical
                status = own;
            }
        }
    memcpy(gradient, g->lanes, g->count * sizeof *gradient);
    for (size_t lane = 0; lane < LANES; lane++) {
        *loss += losses[lane];
        for (size_t i = 0; lane > 0 && i < g->count; i++)
            gradient[i] += g->lanes[lane * g->count + i];
    }
    return status == C2S_OK || g->worker_count == 1 /* the message is this thread's */
               ? status
               : c2s_fail(status, "the gradient of a sample could not be found");
}

static c2s_status open_workers(c2s_joint_gradient *g) {
    const c2s_joint_fit *fit = g->fit;
    bool *wanted = c2s_zalloc(fit->graph->model->values.count + 1);
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < fit->parameter_count; k++)
        wanted[c2s_node_in(fit->parameters[k].node, fit->parameters[k].slot)->id] = true;
    g->workers = c2s_zalloc(((size_t)c2s_most_threads() + 1) * sizeof *g->workers);
    g->worker_count = (size_t)c2s_most_threads();
    for (size_t k = 0; k < g->worker_count && status == C2S_OK; k++) {
        status = c2s_backward_open(fit->graph, wanted, &g->workers[k].now);
        if (status == C2S_OK)
            status = c2s_backward_open(fit->first, NULL, &g->workers[k].first);
    }
    free(wanted);
    return status;
}

size_t c2s_joint_gradient_samples(const c2s_joint_gradient *g) {
    return g->samples;
}

c2s_status c2s_joint_gradient_open(const c2s_joint_fit *fit, c2s_joint_gradient **out) {
    c2s_joint_gradient *g = c2s_zalloc(sizeof *g);
    g->fit = fit;
    for (size_t k = 0; k < fit->parameter_count; k++)
        g->count += content(&fit->parameters[k])->count;
    g->factors = c2s_zalloc((fit->point_count + 1) * sizeof *g->factors);
    g->pictures = c2s_zalloc((fit->graph->formal_inputs + 1u) * sizeof *g->pictures);
    for (unsigned k = 0; fit->pictures && k < fit->graph->formal_inputs; k++)
        g->pictures[k] = c2s_picture_of(fit->graph->entry->outputs[k]);
    c2s_status status = c2s_scratch(LANES * g->count, sizeof *g->lanes, &g->lanes);
    if (status == C2S_OK)
        status = open_workers(g);
    if (status == C2S_OK)
        status = read_samples(g);
    if (status == C2S_OK)
        status = find_factors(g);
    if (status != C2S_OK) {
        c2s_joint_gradient_close(g);
        g = NULL;
    }
    *out = g;
    return status;
}

void c2s_joint_gradient_close(c2s_joint_gradient *g) {
    if (!g)
        return;
    for (size_t k = 0; k < g->worker_count; k++) {
        c2s_backward_close(g->workers[k].now);
        c2s_backward_close(g->workers[k].first);
        free(g->workers[k].room.at);
    }
    for (size_t s = 0; s < g->samples; s++)
        release(g, s);
    free(g->inputs);
    free(g->workers);
    free(g->factors);
    free(g->pictures);
    free(g->lanes);
    free(g);
}
