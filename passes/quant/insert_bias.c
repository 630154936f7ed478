/* SPDX-License-Identifier: Apache-2.0
 *
 * Biases: what they are corrected by, and int32 codes with the scale x * w[channel]. Where that is
 * so small that the bias would not fit, the weights of the channel get a larger scale.
 */
#include <float.h>
#include <math.h>

#include "passes/quant/insert_parts.h"
#include "passes/quant/rounding_shift.h"

/* Leaves room for the sums that are added to it. */
#define MOST_BIAS 0x1p30

bool c2s_insert_find_addends(const c2s_inserter *i, c2s_node *node, c2s_addends *out) {
    const c2s_placed_node *n = &i->p->nodes[node->id];
    *out = (c2s_addends){.adder = NULL};
    if (i->p->target->float_bias || !c2s_placement_bias(i->p, node, &out->adder, &out->slot))
        return false;
    for (unsigned k = 0; k < node->formal_count; k++)
        if (c2s_quant_has(n->rule.operands, k))
            *(c2s_quant_has(n->rule.weights, k) ? &out->weight : &out->x) = c2s_node_in(node, k);
    /* Sums of small floats are floats, and so is what is added to them. */
    return out->weight && out->x && !c2s_dtype_is_float(i->p->values[out->x->id].dtype);
}

float c2s_insert_scale_at(const c2s_coded *coded, size_t channel) {
    return (float)c2s_tensor_f64_at(coded->scale, channel % coded->scale->count);
}

/* ---- corrections ---- */

/* Adds to the bias what it is to be corrected by; makes one where there is none. */
static c2s_status correct_bias(c2s_inserter *i, c2s_node *node, const double *by, size_t channels) {
    c2s_node *adder;
    unsigned slot;
    if (!c2s_placement_bias(i->p, node, &adder, &slot))
        return C2S_OK;
    const c2s_value *bias = c2s_node_in(adder, slot);
    if (bias && (!bias->constant || bias->constant->count != channels))
        return C2S_OK;
    const int64_t count = (int64_t)channels;
    double *numbers = c2s_alloc_array(channels + 1, sizeof *numbers);
    for (size_t c = 0; c < channels; c++)
        numbers[c] = by[c] + (bias ? c2s_tensor_f64_at(bias->constant, c) : 0);
    c2s_tensor *tensor;
    const c2s_status status =
        bias ? c2s_tensor_from_f64(C2S_FLOAT, bias->type.rank, bias->type.dim, numbers, &tensor)
             : c2s_tensor_from_f64(C2S_FLOAT, 1, &count, numbers, &tensor);
    free(numbers);
    C2S_TRY(status);
    if (slot >= adder->formal_count)
        c2s_node_resize_inputs(adder, slot + 1);
    c2s_use_set(&adder->inputs[slot], c2s_insert_constant(i, bias ? bias : node->outputs[0],
                                                          bias ? "corrected" : "bias", tensor));
    return C2S_OK;
}

c2s_status c2s_insert_correct_biases(c2s_inserter *i) {
    for (c2s_node *node = i->graph->first; node && i->o->correction; node = node->next) {
        const c2s_bias_shift *shift = &i->o->correction[node->id];
        if (shift->count)
            C2S_TRY(correct_bias(i, node, shift->at, shift->count));
    }
    return C2S_OK;
}

/* The mean of the node's input is known by channel. */
static c2s_status make_up_for(c2s_inserter *i, c2s_node *node, const float *lost) {
    c2s_linear_site site;
    const c2s_value *x = c2s_node_in(node, 0);
    const c2s_value_stats *stats = x ? c2s_ranges_find(i->o->means, x) : NULL;
    if (!stats || !i->p->nodes[node->id].integer || c2s_linear_site_of(node, &site))
        return C2S_OK;
    const size_t channels = site.groups * site.n;
    double *shift = c2s_alloc_array(channels + 1, sizeof *shift);
    c2s_status status = C2S_OK;
    if (c2s_rounding_shift_by_channel(&site, lost, &stats->channels, shift))
        status = correct_bias(i, node, shift, channels);
    free(shift);
    return status;
}

c2s_status c2s_insert_make_up(c2s_inserter *i, const c2s_value *value, const c2s_coding *coding,
                              const c2s_codes *codes) {
    C2S_VEC(c2s_node *) readers = {0}; /* whose uses move when they get a bias */
    float *lost;
    C2S_TRY(c2s_rounding_lost(value->constant, codes, coding, &lost));
    c2s_value_each_use(use, value) {
        if (use->slot == 1)
            c2s_vec_push(&readers, use->user);
    }
    c2s_status status = C2S_OK;
    for (size_t k = 0; k < readers.count && status == C2S_OK; k++)
        status = make_up_for(i, readers.at[k], lost);
    c2s_vec_free(&readers);
    free(lost);
    return status;
}

/* ---- codes ---- */

/* Of a weight: with it the code of the bias fits, and has a scale that is no subnormal float. */
static double least_scale(double bias, double x) {
    return fmax(fabs(bias) / MOST_BIAS, (double)FLT_MIN) / x;
}

void c2s_insert_make_room(c2s_inserter *i, const c2s_value *weight, c2s_affine *affines,
                          size_t groups) {
    c2s_value_each_use(use, weight) {
        c2s_addends a;
        if (!c2s_insert_find_addends(i, use->user, &a) || a.weight != weight ||
            !i->coded[a.x->id].scale)
            continue;
        const c2s_value *bias = c2s_node_in(a.adder, a.slot);
        const double x = (double)c2s_insert_scale_at(&i->coded[a.x->id], 0);
        for (size_t k = 0; bias && k < bias->constant->count; k++) {
            c2s_affine *affine = &affines[k % groups];
            const double least = least_scale(c2s_tensor_f64_at(bias->constant, k), x);
            if ((double)affine->scale < least) {
                affine->scale = (float)least;
                i->result->repaired++;
            }
        }
    }
}

/* The zero point stays: all numbers that had codes have some. */
static c2s_status enlarge(c2s_inserter *i, const c2s_value *value, double least) {
    const unsigned group = i->p->values[value->id].group;
    c2s_coded own = i->coded[value->id];
    c2s_tensor *scale;
    C2S_TRY(c2s_tensor_from_f64(C2S_FLOAT, 0, NULL, &least, &scale));
    own.scale = scale;
    own.scale_value = c2s_insert_constant(i, value, "scale", scale);
    for (size_t id = 0; id < i->value_count; id++)
        if (i->coded[id].scale && i->p->values[id].group == group)
            i->coded[id] = own;
    i->result->repaired++;
    return C2S_OK;
}

c2s_status c2s_insert_make_room_at_run_time(c2s_inserter *i) {
    for (c2s_node *node = i->graph->first; node; node = node->next) {
        c2s_addends a;
        if (!i->p->nodes[node->id].integer || !c2s_insert_find_addends(i, node, &a) ||
            !i->coded[a.x->id].scale || !i->coded[a.weight->id].scale)
            continue;
        const c2s_value *bias = c2s_node_in(a.adder, a.slot);
        const double x = (double)c2s_insert_scale_at(&i->coded[a.x->id], 0);
        double least = 0;
        for (size_t k = 0; bias && k < bias->constant->count; k++)
            least = fmax(least, least_scale(c2s_tensor_f64_at(bias->constant, k), x));
        if ((double)c2s_insert_scale_at(&i->coded[a.weight->id], 0) < least)
            C2S_TRY(enlarge(i, a.weight, least));
    }
    return C2S_OK;
}

c2s_status c2s_insert_bias(c2s_inserter *i, const c2s_addends *a) {
    const c2s_coded *x = &i->coded[a->x->id], *w = &i->coded[a->weight->id];
    const c2s_value *value = c2s_node_in(a->adder, a->slot);
    if (!value)
        return C2S_OK;
    const c2s_tensor *bias = value->constant;
    const size_t scales = w->scale->count > 1 ? bias->count : 1;
    const int64_t count = (int64_t)bias->count, scale_count = (int64_t)scales;
    double *scale = c2s_alloc_array(scales, sizeof *scale);
    int64_t *code = c2s_zalloc((bias->count + scales) * sizeof *code);
    for (size_t k = 0; k < scales; k++)
        scale[k] = (double)(c2s_insert_scale_at(x, 0) * c2s_insert_scale_at(w, k));
    for (size_t k = 0; k < bias->count; k++)
        code[k] = (int64_t)rint(c2s_tensor_f64_at(bias, k) / scale[scales > 1 ? k : 0]);
    c2s_tensor *codes = NULL, *s = NULL, *zero = NULL;
    c2s_status status = c2s_tensor_from_i64(C2S_INT32, 1, &count, code, &codes);
    if (status == C2S_OK)
        status = c2s_tensor_from_f64(C2S_FLOAT, scales > 1, &scale_count, scale, &s);
    for (size_t k = 0; k < scales; k++)
        code[k] = 0;
    if (status == C2S_OK)
        status = c2s_tensor_from_i64(C2S_INT32, scales > 1, &scale_count, code, &zero);
    free(scale);
    free(code);
    if (status != C2S_OK) {
        c2s_tensor_unref(codes);
        c2s_tensor_unref(s);
        return status;
    }
    c2s_value *stored = c2s_insert_constant(i, value, "quantized", codes), *floats;
    const c2s_coded by = {.scale_value = c2s_insert_constant(i, value, "scale", s),
                          .zero_value = c2s_insert_constant(i, value, "zero_point", zero)};
    C2S_TRY(c2s_insert_node(i, a->adder, "DequantizeLinear", stored, &by, scales > 1 ? 0 : -1,
                            value, "dequantized", &floats));
    c2s_use_set(&a->adder->inputs[a->slot], floats);
    return C2S_OK;
}
