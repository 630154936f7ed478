/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/quant/weight_bias.h"

#include <stdlib.h>
#include <string.h>

#include "ir/name_after.h"
#include "ops/op.h"
#include "passes/quant/rounding_shift.h"

/* ---- where it is ---- */

static int64_t channels_of(const c2s_node *node, const c2s_value *weight) {
    const c2s_type *w = &weight->type;
    const bool by_row = node->op == &c2s_op_conv || c2s_attr_int(node, "transB", 0) != 0;
    return w->dim[by_row ? 0 : w->rank - 1];
}

static bool behind_product(c2s_node *node, int64_t channels, c2s_weight_bias *out) {
    const c2s_value *product = c2s_node_out(node, 0);
    if (!product || product->use_count != 1 || c2s_value_is_output(product) ||
        product->uses->user->op != &c2s_op_add)
        return false;
    out->adder = product->uses->user;
    out->slot = 1 - product->uses->slot;
    out->value = c2s_node_in(out->adder, out->slot);
    return c2s_is_output_vector(out->value, (size_t)channels);
}

bool c2s_weight_bias_of(const c2s_planned_weight *p, c2s_weight_bias *out) {
    c2s_node *node = p->node;
    const int64_t channels = channels_of(node, p->weight);
    if (node->graph->owner || p->weight->use_count != 1 || p->slot != 1)
        return false;
    if (node->op == &c2s_op_matmul)
        return p->weight->type.rank == 2 && behind_product(node, channels, out);
    if ((node->op != &c2s_op_conv && node->op != &c2s_op_gemm) ||
        c2s_attr_float(node, "alpha", 1) != 1 || c2s_attr_float(node, "beta", 1) != 1)
        return false;
    *out = (c2s_weight_bias){node, 2, c2s_node_in(node, 2)};
    return !out->value || c2s_is_output_vector(out->value, (size_t)channels);
}

/* ---- moments about means ---- */

c2s_status c2s_centred_create(const c2s_linear_site *s, const c2s_gram *gram,
                              const c2s_cross *cross, c2s_centred *out) {
    const size_t k = s->k, n = s->n;
    const double rows = (double)gram->rows;
    *out = (c2s_centred){.gram = {.groups = s->groups, .k = k, .rows = gram->rows}};
    c2s_status status = c2s_scratch(s->groups * k, k * sizeof(double), &out->gram.moment);
    if (status == C2S_OK)
        status = c2s_scratch(s->groups * k, n * sizeof(double), &out->cross.moment);
    out->gram.sum = c2s_zalloc((s->groups * k + 1) * sizeof(double));
    out->cross.sum = c2s_zalloc((s->groups * n + 1) * sizeof(double));
    for (size_t row = 0; row < s->groups * k && status == C2S_OK; row++) {
        const double mean = gram->sum[row] / rows, *of_x = gram->sum + row / k * k,
                     *of_y = cross->sum + row / k * n;
        for (size_t j = 0; j < k; j++)
            out->gram.moment[row * k + j] = gram->moment[row * k + j] - mean * of_x[j];
        for (size_t j = 0; j < n; j++)
            out->cross.moment[row * n + j] = cross->moment[row * n + j] - mean * of_y[j];
    }
    if (status != C2S_OK)
        c2s_centred_free(out);
    return status;
}

void c2s_centred_free(c2s_centred *c) {
    free(c->gram.moment);
    free(c->gram.sum);
    free(c->cross.moment);
    free(c->cross.sum);
    *c = (c2s_centred){.gram = {.k = 0}};
}

/* ---- what the means lack ---- */

/* The target's mean less that of the sums with the weights as they were, bias included. */
static void add_drift(const c2s_linear_site *s, const c2s_gram *gram, const c2s_cross *cross,
                      const float *weights, const c2s_value *bias, double *shift) {
    for (size_t c = 0; c < s->groups * s->n; c++) {
        const size_t g = c / s->n, base = g * s->group_step + c % s->n * s->n_step;
        double sum = cross->sum[c];
        for (size_t i = 0; i < s->k; i++)
            sum -= gram->sum[g * s->k + i] * (double)weights[base + i * s->k_step];
        shift[c] += sum / (double)gram->rows - (bias ? c2s_tensor_f64_at(bias->constant, c) : 0);
    }
}

static c2s_status measure(c2s_planned_weight *p, const c2s_linear_site *s, const c2s_gram *gram,
                          const c2s_cross *cross, const float *weights, const float *lost) {
    const size_t count = s->groups * s->k;
    double *mean = c2s_alloc_array(count + 1, sizeof *mean);
    for (size_t i = 0; i < count; i++)
        mean[i] = gram->sum[i] / (double)gram->rows;
    p->shift = c2s_zalloc((s->groups * s->n + 1) * sizeof *p->shift);
    c2s_rounding_shift(s, lost, mean, p->shift);
    free(mean);
    c2s_weight_bias bias;
    if (!cross || !c2s_weight_bias_of(p, &bias))
        return C2S_OK;
    /* The target of a product is that of the product alone. */
    add_drift(s, gram, cross, weights, bias.adder == p->node ? bias.value : NULL, p->shift);
    return C2S_OK;
}

c2s_status c2s_weight_bias_measure(c2s_planned_weight *p, const c2s_linear_site *site,
                                   const c2s_gram *gram, const c2s_cross *cross) {
    float *lost, *weights;
    C2S_TRY(c2s_rounding_lost(p->weight->constant, &p->codes, &p->coding, &lost));
    c2s_status status = c2s_weights_load(p->weight->constant, &weights);
    if (status == C2S_OK) {
        status = measure(p, site, gram, cross, weights, lost);
        free(weights);
    }
    free(lost);
    return status;
}

/* ---- writing ---- */

c2s_status c2s_weight_bias_write(const c2s_planned_weight *p) {
    c2s_weight_bias b;
    if (!p->shift || !c2s_weight_bias_of(p, &b))
        return C2S_OK;
    const int64_t channels = channels_of(p->node, p->weight);
    const c2s_dtype dtype = b.value ? b.value->type.dtype : p->node->outputs[0]->type.dtype;
    double *numbers = c2s_alloc_array((size_t)channels + 1, sizeof *numbers);
    for (int64_t c = 0; c < channels; c++)
        numbers[c] = p->shift[c] + (b.value ? c2s_tensor_f64_at(b.value->constant, (size_t)c) : 0);
    c2s_tensor *tensor;
    const c2s_status status = b.value ? c2s_tensor_from_f64(dtype, b.value->type.rank,
                                                            b.value->type.dim, numbers, &tensor)
                                      : c2s_tensor_from_f64(dtype, 1, &channels, numbers, &tensor);
    free(numbers);
    C2S_TRY(status);
    if (b.slot >= b.adder->formal_count)
        c2s_node_resize_inputs(b.adder, b.slot + 1);
    c2s_use_set(&b.adder->inputs[b.slot],
                c2s_constant_after(b.adder->graph, b.value ? b.value : p->weight,
                                   b.value ? "corrected" : "bias", tensor));
    return C2S_OK;
}
