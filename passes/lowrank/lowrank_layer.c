/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_layer.h"

#include <stdlib.h>
#include <string.h>

#include "ops/op.h"

/* ---- which ---- */

static bool is_constant(const c2s_value *value) {
    return value && value->constant && value->constant->type.kind == C2S_KIND_TENSOR &&
           c2s_dtype_is_float(value->constant->type.dtype);
}

static const char *site_of(const c2s_node *node, c2s_linear_site *site) {
    if (node->op != &c2s_op_gather)
        return c2s_linear_reader_of(node, site);
    const c2s_value *table = c2s_node_in(node, 0);
    if (!table || table->type.rank != 2 || !c2s_type_is_static(&table->type) ||
        c2s_attr_int(node, "axis", 0) != 0)
        return "it does not read rows of a table";
    if (table->type.dtype == C2S_BFLOAT16)
        return "ONNX Runtime 1.30 looks up rows of bfloat16, and multiplies none";
    *site = (c2s_linear_site){.node = node,
                              .input = c2s_node_in(node, 1),
                              .weight = table,
                              .groups = 1,
                              .k = (size_t)table->type.dim[0],
                              .n = (size_t)table->type.dim[1],
                              .k_step = (size_t)table->type.dim[1],
                              .n_step = 1};
    return site->k == 0 || site->n == 0 ? "its table is empty" : NULL;
}

static void find_add(c2s_lowrank_layer *layer) {
    const c2s_value *y = layer->node->outputs[0];
    if (y->use_count != 1 || y->uses->user->op != &c2s_op_add ||
        y->uses->slot >= y->uses->user->formal_count)
        return;
    c2s_node *add = y->uses->user;
    const unsigned slot = 1 - y->uses->slot;
    const c2s_value *vector = c2s_node_in(add, slot);
    if (!c2s_is_output_vector(vector, layer->site.n) || vector->type.rank > y->type.rank)
        return;
    layer->add = add;
    layer->add_slot = slot;
    layer->has_bias = true;
}

/* B of a cell is [directions, 2 * gates * hidden]: of the input, and of the state. */
static bool has_cell_bias(const c2s_lowrank_layer *layer) {
    const c2s_value *bias = c2s_node_in(layer->node, 3);
    return !bias || (is_constant(bias) && bias->type.rank == 2 &&
                     bias->constant->count == 2 * layer->site.n);
}

static void find_bias(c2s_lowrank_layer *layer) {
    const c2s_node *node = layer->node;
    const c2s_value *bias = c2s_node_in(node, 2);
    if (node->op == &c2s_op_matmul)
        find_add(layer);
    else if (c2s_node_is_recurrent(node))
        layer->has_bias = has_cell_bias(layer);
    else if (node->op != &c2s_op_gather)
        layer->has_bias = !bias || c2s_is_output_vector(bias, layer->site.groups * layer->site.n);
}

const char *c2s_lowrank_layer_of(c2s_node *node, c2s_lowrank_layer *out) {
    *out = (c2s_lowrank_layer){.node = node};
    const char *reason = site_of(node, &out->site);
    if (reason)
        return reason;
    const c2s_value *weight = out->site.weight;
    if (!is_constant(weight) || weight->initial)
        return "its weight is no constant of floats";
    if (!c2s_node_is_recurrent(node) && (node->output_count < 1 || !node->outputs[0]))
        return "nothing reads it";
    find_bias(out);
    return NULL;
}

bool c2s_lowrank_layer_aims(const c2s_lowrank_layer *layer) {
    return layer->node->op != &c2s_op_gather && !c2s_node_is_recurrent(layer->node) &&
           layer->tied_count == 0;
}

/* ---- reading ---- */

static c2s_status read_bias(const c2s_lowrank_layer *layer, double **out) {
    const size_t channels = layer->site.groups * layer->site.n;
    const bool own = !layer->add && !c2s_node_is_recurrent(layer->node);
    const c2s_value *bias = own ? c2s_node_in(layer->node, 2) : NULL;
    const double beta = (double)c2s_attr_float(layer->node, "beta", 1);
    C2S_TRY(c2s_scratch(channels, sizeof **out, out));
    memset(*out, 0, channels * sizeof **out);
    if (!layer->has_bias || !bias)
        return C2S_OK;
    c2s_tensor_load_f64(bias->constant, 0, channels, *out);
    for (size_t c = 0; c < channels; c++)
        (*out)[c] *= beta;
    return C2S_OK;
}

static c2s_status read_one(const c2s_lowrank_layer *layer, double **weights, double **bias) {
    const c2s_linear_site *s = &layer->site;
    const double alpha = (double)c2s_attr_float(layer->node, "alpha", 1);
    const bool scaled = layer->node->op == &c2s_op_gemm;
    const size_t count = s->weight->constant->count;
    double *raw;
    *weights = *bias = NULL;
    C2S_TRY(c2s_scratch(count, sizeof *raw, &raw));
    c2s_status status = c2s_scratch(count, sizeof **weights, weights);
    if (status == C2S_OK)
        status = read_bias(layer, bias);
    if (status == C2S_OK) {
        c2s_tensor_load_f64(s->weight->constant, 0, count, raw);
        double *to = *weights;
        for (size_t g = 0; g < s->groups; g++)
            for (size_t i = 0; i < s->k; i++)
                for (size_t j = 0; j < s->n; j++)
                    *to++ = raw[g * s->group_step + i * s->k_step + j * s->n_step] *
                            (scaled ? alpha : 1);
    } else {
        free(*weights);
        *weights = NULL;
    }
    free(raw);
    return status;
}

/* Columns of the members side by side. */
static c2s_status read_joint(const c2s_lowrank_layer *layer, double **weights, double **bias) {
    const c2s_linear_site *s = &layer->site;
    C2S_TRY(c2s_scratch(s->k, s->n * sizeof **weights, weights));
    C2S_TRY(c2s_scratch(s->n, sizeof **bias, bias));
    for (size_t m = 0, first = 0; m < layer->member_count; m++) {
        const c2s_lowrank_layer *member = &layer->members[m];
        const size_t n = member->site.n;
        double *own, *own_bias;
        C2S_TRY(read_one(member, &own, &own_bias));
        for (size_t i = 0; i < s->k; i++)
            memcpy(*weights + i * s->n + first, own + i * n, n * sizeof *own);
        memcpy(*bias + first, own_bias, n * sizeof *own_bias);
        free(own);
        free(own_bias);
        first += n;
    }
    return C2S_OK;
}

c2s_status c2s_lowrank_layer_read(const c2s_lowrank_layer *layer, double **weights, double **bias) {
    if (layer->member_count == 0)
        return read_one(layer, weights, bias);
    *weights = *bias = NULL;
    const c2s_status status = read_joint(layer, weights, bias);
    if (status != C2S_OK) {
        free(*weights);
        free(*bias);
        *weights = *bias = NULL;
    }
    return status;
}

/* ---- several ---- */

static bool may_join(const c2s_lowrank_layer *a, const c2s_lowrank_layer *b) {
    return a->node->op == b->node->op && a->has_bias == b->has_bias && a->site.groups == 1 &&
           b->tied_count == 0 && c2s_lowrank_layer_aims(a) &&
           c2s_linear_site_shares(&a->site, &b->site) &&
           a->site.weight->constant->type.dtype == b->site.weight->constant->type.dtype;
}

bool c2s_lowrank_layer_join(const c2s_lowrank_layer *members, size_t count,
                            c2s_lowrank_layer *out) {
    *out = members[0];
    out->members = members;
    out->member_count = count;
    out->add = NULL;
    for (size_t m = 1; m < count; m++) {
        if (!may_join(&members[0], &members[m]) ||
            !c2s_add_size(out->site.n, members[m].site.n, &out->site.n))
            return false;
    }
    return true;
}

static bool reads_alike(const c2s_lowrank_layer *a, const c2s_lowrank_layer *b) {
    return a->node->op == b->node->op && a->site.groups == b->site.groups &&
           a->site.k_step == b->site.k_step && a->site.n_step == b->site.n_step &&
           c2s_attr_float(a->node, "alpha", 1) == c2s_attr_float(b->node, "alpha", 1);
}

const char *c2s_lowrank_layer_tie(c2s_lowrank_layer *layer, const c2s_lowrank_layer *others,
                                  size_t count) {
    if (layer->site.weight->use_count != count + 1)
        return "others read its weight, which are no layers";
    for (size_t i = 0; i < count; i++)
        if (!reads_alike(layer, &others[i]))
            return "others read its weight in another way";
    layer->tied = others;
    layer->tied_count = count;
    if (count > 0) {
        layer->has_bias = false;
        layer->add = NULL;
    }
    return NULL;
}
