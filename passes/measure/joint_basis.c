/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/linear_algebra.h"
#include "base/memory.h"
#include "eval/sample_order.h"
#include "passes/measure/backward.h"
#include "passes/measure/joint_basis_state.h"

/* Samples whose inputs are looked at; columns of a weight at most. */
enum { SAMPLES = 64, MOST_COLUMNS = 4096 };
/* Of a mean square this much, or less, around the mean is rounding. */
#define LEAST_PART 1e-6
/* What inputs deviate by at least, as a part of what they do in the mean. */
#define DAMPING 0.01

/* ---- which ---- */

static size_t count_of(const c2s_joint_parameter *q) {
    return c2s_node_in(q->node, q->slot)->constant->count;
}

/* `q` is a vector that is added to what `node` multiplies. */
static bool is_bias_of(const c2s_joint_parameter *q, const c2s_linear_site *site) {
    if (count_of(q) != site->groups * site->n)
        return false;
    return q->node == site->node ? q->slot == 2
                                 : q->node->op == &c2s_op_add && q->slot < 2 &&
                                       c2s_node_in(q->node, 1 - q->slot) == site->node->outputs[0];
}

static void find_gone(c2s_joint_layer *l) {
    const float *weight = c2s_tensor_data(l->site.weight->constant);
    for (size_t g = 0; g < l->site.groups; g++)
        for (size_t i = 0; i < l->site.k; i++) {
            bool any = false;
            for (size_t j = 0; j < l->site.n; j++)
                any |= weight[c2s_joint_layer_index(l, g, i, j) - l->weight] != 0;
            l->gone[g * l->site.k + i] = !any;
        }
}

static void list_layers(const c2s_joint_fit *fit, c2s_joint_basis *b) {
    for (size_t i = 0; i < fit->parameter_count; i++) {
        const c2s_joint_parameter *q = &fit->parameters[i];
        c2s_joint_layer l = {.weight = b->count, .bias = b->count + count_of(q)};
        b->count += count_of(q);
        if (!fit->uncorrelated || q->slot != 1 || c2s_linear_site_of(q->node, &l.site) ||
            l.site.k > MOST_COLUMNS)
            continue;
        l.gone = c2s_zalloc(l.site.groups * l.site.k + 1);
        if (q->keeps_zeros)
            find_gone(&l);
        l.has_bias = i + 1 < fit->parameter_count && is_bias_of(q + 1, &l.site);
        c2s_vec_push(&b->layers, l);
    }
}

/* ---- what they read ---- */

static c2s_status take(void *user, const c2s_linear_block *block) {
    c2s_joint_layer *l = user;
    const size_t k = l->site.k;
    const c2s_samples *x = &block->x;
    double *sum = l->sum + block->group * k;
    if (!c2s_samples_finite(x))
        return C2S_OK;
    if (block->group == 0)
        l->rows += (double)x->rows;
    for (size_t v = 0; v < k; v++)
        for (size_t r = 0; r < x->rows; r++)
            sum[v] += (double)x->at[x->by_column ? v * x->stride + r : r * x->stride + v];
    return c2s_gram_add(x, l->moment + block->group * k * k);
}

static c2s_status sum_up(const c2s_joint_fit *fit, c2s_joint_basis *b) {
    c2s_backward *run;
    const unsigned inputs = fit->graph->formal_inputs;
    c2s_status status = c2s_backward_open(fit->graph, NULL, &run);
    size_t count, *taken = c2s_samples_list(fit->feed->count, SAMPLES, &count);
    c2s_tensor **in = c2s_zalloc((inputs + 1u) * sizeof *in);
    for (size_t s = 0; s < count && status == C2S_OK; s++) {
        status = fit->feed->get(fit->feed, fit->graph, taken[s], in);
        if (status == C2S_OK)
            status = c2s_backward_run(run, (const c2s_tensor *const *)in);
        for (size_t k = 0; k < b->layers.count && status == C2S_OK; k++) {
            c2s_joint_layer *l = &b->layers.at[k];
            status = c2s_linear_rows(&l->site, c2s_backward_value(run, l->site.input), take, l);
        }
        for (unsigned k = 0; k < inputs; k++) {
            c2s_tensor_unref(in[k]);
            in[k] = NULL;
        }
    }
    free(in);
    free(taken);
    c2s_backward_close(run);
    return status;
}

static c2s_status open_sums(c2s_joint_basis *b) {
    for (size_t i = 0; i < b->layers.count; i++) {
        c2s_joint_layer *l = &b->layers.at[i];
        const size_t groups = l->site.groups, k = l->site.k;
        C2S_TRY(c2s_scratch(groups * k * k, sizeof *l->moment, &l->moment));
        memset(l->moment, 0, groups * k * k * sizeof *l->moment);
        l->sum = c2s_zalloc((groups * k + 1) * sizeof *l->sum);
    }
    return C2S_OK;
}

/* ---- coordinates ---- */

/* Around the mean, if there is a bias to make up for it, into a [k, k]; what is gone by itself. */
static c2s_status factorize_group(c2s_joint_layer *l, size_t g, double *a) {
    const size_t k = l->site.k;
    const double *moment = l->moment + g * k * k, *sum = l->sum + g * k;
    const bool *gone = l->gone + g * k;
    const double centred = l->has_bias ? 1 / l->rows : 0;
    double damping = DAMPING, trace = 0;
    for (size_t i = 0; i < k; i++)
        l->mean[g * k + i] = gone[i] ? 0 : (float)(centred * sum[i]);
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j <= i; j++)
            a[i * k + j] =
                gone[i] || gone[j] ? 0 : (moment[i * k + j] - centred * sum[i] * sum[j]) / l->rows;
    c2s_symmetric_fill(k, a);
    for (size_t i = 0; i < k; i++)
        if (a[i * (k + 1)] > LEAST_PART * moment[i * (k + 1)] / l->rows)
            trace += a[i * (k + 1)];
        else /* it does not vary */
            for (size_t j = 0; j < k; j++)
                a[i * k + j] = a[j * k + i] = 0;
    c2s_status status = trace > 0 ? c2s_cholesky(k, a, &damping) : C2S_ERR_INVALID;
    if (status == C2S_ERR_INVALID) { /* rounding is all that there is: coordinates as they are */
        c2s_error_clear();
        for (size_t i = 0; i < k * k; i++)
            a[i] = i % (k + 1) == 0;
        status = C2S_OK;
    }
    C2S_TRY(status);
    for (size_t i = 0; i < k * k; i++)
        l->factor[g * k * k + i] = (float)a[i];
    C2S_TRY(c2s_triangular_invert(k, a));
    for (size_t i = 0; i < k * k; i++)
        l->inverse[g * k * k + i] = (float)a[i];
    return C2S_OK;
}

static c2s_status factorize(c2s_joint_layer *l) {
    const size_t groups = l->site.groups, k = l->site.k, n = l->site.n;
    double *a;
    C2S_TRY(c2s_scratch(k * k, sizeof *a, &a));
    c2s_status status = c2s_scratch(groups * k * k, sizeof *l->factor, &l->factor);
    if (status == C2S_OK)
        status = c2s_scratch(groups * k * k, sizeof *l->inverse, &l->inverse);
    if (status == C2S_OK)
        status = c2s_scratch(n * k, sizeof *l->from, &l->from);
    if (status == C2S_OK)
        status = c2s_scratch(n * k, sizeof *l->to, &l->to);
    l->mean = c2s_zalloc((groups * k + 1) * sizeof *l->mean);
    for (size_t g = 0; g < groups && status == C2S_OK; g++)
        status = factorize_group(l, g, a);
    free(a);
    free(l->moment);
    l->moment = NULL;
    return status;
}

static void free_layer(c2s_joint_layer *l) {
    free(l->moment);
    free(l->sum);
    free(l->gone);
    free(l->factor);
    free(l->inverse);
    free(l->mean);
    free(l->from);
    free(l->to);
    *l = (c2s_joint_layer){0};
}

/* Multiply-accumulates of a step forward and backward; of its change of coordinates. */
static double work_of_step(const c2s_joint_fit *fit, const c2s_joint_layer *l, double samples) {
    const double batch = (double)(fit->batch ? fit->batch : C2S_JOINT_BATCH);
    return 3 * batch * l->rows / samples * (double)(l->site.groups * l->site.n * l->site.k);
}

static double work_of_change(const c2s_joint_layer *l) {
    return 2 * (double)(l->site.groups * l->site.n * l->site.k) * (double)l->site.k;
}

static c2s_status make_coordinates(const c2s_joint_fit *fit, c2s_joint_basis *b) {
    const double samples = fmin((double)fit->feed->count, SAMPLES);
    double step = 0;
    size_t kept = 0;
    for (size_t i = 0; i < b->layers.count; i++)
        step += work_of_step(fit, &b->layers.at[i], samples);
    for (size_t i = 0; i < b->layers.count; i++) {
        c2s_joint_layer *l = &b->layers.at[i];
        if (l->rows > 0 && work_of_change(l) <= step)
            C2S_TRY(factorize(l));
        else
            free_layer(l);
    }
    for (size_t i = 0; i < b->layers.count; i++)
        if (b->layers.at[i].factor)
            b->layers.at[kept++] = b->layers.at[i];
    b->layers.count = kept;
    return C2S_OK;
}

c2s_status c2s_joint_basis_open(const c2s_joint_fit *fit, c2s_joint_basis **out) {
    c2s_joint_basis *b = c2s_zalloc(sizeof *b);
    list_layers(fit, b);
    c2s_status status = open_sums(b);
    if (status == C2S_OK && b->layers.count > 0)
        status = sum_up(fit, b);
    if (status == C2S_OK)
        status = make_coordinates(fit, b);
    if (status != C2S_OK) {
        c2s_joint_basis_close(b);
        b = NULL;
    }
    *out = b;
    return status;
}

void c2s_joint_basis_close(c2s_joint_basis *b) {
    if (!b)
        return;
    for (size_t i = 0; i < b->layers.count; i++)
        free_layer(&b->layers.at[i]);
    c2s_vec_free(&b->layers);
    free(b);
}
