/* SPDX-License-Identifier: Apache-2.0 */
#include "passes/lowrank/lowrank_layer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/name_after.h"
#include "ops/op.h"

/* ---- which ---- */

static bool is_constant(const c2s_value *value) {
    return value && value->constant && value->constant->type.kind == C2S_KIND_TENSOR &&
           c2s_dtype_is_float(value->constant->type.dtype);
}

static const char *site_of(const c2s_node *node, c2s_linear_site *site) {
    if (node->op != &c2s_op_gather)
        return c2s_linear_site_of(node, site);
    const c2s_value *table = c2s_node_in(node, 0);
    if (!table || table->type.rank != 2 || !c2s_type_is_static(&table->type) ||
        c2s_attr_int(node, "axis", 0) != 0)
        return "it does not read rows of a table";
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

/* [n], or [.., 1, n] */
static bool is_vector(const c2s_value *value, size_t n) {
    return is_constant(value) && value->constant->count == n && value->type.rank > 0 &&
           value->type.dim[value->type.rank - 1] == (int64_t)n;
}

static void find_add(c2s_lowrank_layer *layer) {
    const c2s_value *y = layer->node->outputs[0];
    if (y->use_count != 1 || y->uses->user->op != &c2s_op_add ||
        y->uses->slot >= y->uses->user->formal_count)
        return;
    c2s_node *add = y->uses->user;
    const unsigned slot = 1 - y->uses->slot;
    const c2s_value *vector = c2s_node_in(add, slot);
    if (!is_vector(vector, layer->site.n) || vector->type.rank > y->type.rank)
        return;
    layer->add = add;
    layer->add_slot = slot;
    layer->has_bias = true;
}

static void find_bias(c2s_lowrank_layer *layer) {
    const c2s_node *node = layer->node;
    const c2s_value *bias = c2s_node_in(node, 2);
    if (node->op == &c2s_op_matmul)
        find_add(layer);
    else if (node->op != &c2s_op_gather)
        layer->has_bias = !bias || is_vector(bias, layer->site.groups * layer->site.n);
}

const char *c2s_lowrank_layer_of(c2s_node *node, c2s_lowrank_layer *out) {
    *out = (c2s_lowrank_layer){.node = node};
    const char *reason = site_of(node, &out->site);
    if (reason)
        return reason;
    const c2s_value *weight = out->site.weight;
    if (!is_constant(weight) || weight->initial)
        return "its weight is no constant of floats";
    if (weight->use_count != 1)
        return "others read its weight";
    if (node->output_count < 1 || !node->outputs[0])
        return "nothing reads it";
    find_bias(out);
    return NULL;
}

/* ---- reading ---- */

static c2s_status read_bias(const c2s_lowrank_layer *layer, double **out) {
    const size_t channels = layer->site.groups * layer->site.n;
    const c2s_value *bias = layer->add ? NULL : c2s_node_in(layer->node, 2);
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

c2s_status c2s_lowrank_layer_read(const c2s_lowrank_layer *layer, double **weights, double **bias) {
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

/* ---- writing ---- */

static c2s_value *constant_of(const c2s_lowrank_layer *layer, const char *suffix,
                              c2s_tensor *tensor) {
    return c2s_constant_after(layer->node->graph, layer->site.weight, suffix, tensor);
}

/* [out, in, kernel], or [in, out] of a matrix */
c2s_status c2s_lowrank_layer_tensor(const c2s_lowrank_layer *layer, const c2s_stage *s,
                                    const double *weights, c2s_tensor **out) {
    const c2s_linear_site *site = &layer->site;
    int64_t dim[C2S_MAX_RANK] = {(int64_t)s->in, (int64_t)s->out};
    const c2s_dtype dtype = site->weight->constant->type.dtype;
    const size_t count = site->groups * c2s_stage_size(site, s);
    if (site->is_conv) {
        dim[0] = (int64_t)(site->groups * s->groups * s->out);
        dim[1] = (int64_t)s->in;
        for (int a = 0; a < site->window.rank; a++)
            dim[2 + a] = s->axes >> a & 1 ? site->window.kernel[a] : 1;
        return c2s_tensor_from_f64(dtype, 2 + site->window.rank, dim, weights, out);
    }
    double *turned;
    C2S_TRY(c2s_scratch(count, sizeof *turned, &turned));
    c2s_matrix_transpose(s->out, s->in, weights, turned);
    c2s_status status = c2s_tensor_from_f64(dtype, 2, dim, turned, out);
    free(turned);
    return status;
}

/* The original window on the stage's axes, none on the others. */
static void set_window(const c2s_linear_site *site, const c2s_stage *s, c2s_node *node) {
    static const char *const auto_pads[] = {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"};
    const c2s_window *w = &site->window;
    const size_t rank = (size_t)w->rank;
    int64_t kernel[C2S_MAX_RANK], stride[C2S_MAX_RANK], dilation[C2S_MAX_RANK];
    int64_t pads[2 * C2S_MAX_RANK];
    for (size_t a = 0; a < rank; a++) {
        const bool own = s->axes >> a & 1;
        kernel[a] = own ? w->kernel[a] : 1;
        stride[a] = own ? w->stride[a] : 1;
        dilation[a] = own ? w->dilation[a] : 1;
        pads[a] = own ? w->pad_begin[a] : 0;
        pads[rank + a] = own ? w->pad_end[a] : 0;
    }
    c2s_attr_set_ints(node, "kernel_shape", kernel, rank);
    c2s_attr_set_ints(node, "strides", stride, rank);
    c2s_attr_set_ints(node, "dilations", dilation, rank);
    c2s_attr_set_int(node, "group", (int64_t)(site->groups * s->groups));
    c2s_attr_remove(node, "auto_pad");
    c2s_attr_remove(node, "pads");
    if (w->auto_pad == C2S_PAD_EXPLICIT)
        c2s_attr_set_ints(node, "pads", pads, 2 * rank);
    else
        c2s_attr_set_string(node, "auto_pad", auto_pads[w->auto_pad]);
}

/* A stage in front of the original node. */
static c2s_status insert_stage(const c2s_lowrank_layer *layer, const c2s_stage *s, unsigned index,
                               c2s_value *weight, c2s_value **x) {
    c2s_node *node = layer->node;
    char suffix[32];
    snprintf(suffix, sizeof suffix, "/rank_%u", index);
    char *name = c2s_alloc(strlen(c2s_node_name(node)) + sizeof suffix);
    strcpy(name, c2s_node_name(node));
    strcat(name, suffix);
    const bool first_gather = node->op == &c2s_op_gather;
    c2s_node *stage = c2s_node_create(node->graph, node, "", node->type, 2, 1);
    c2s_value_set_name(stage->outputs[0], c2s_name_fresh(node->graph->model->names, name));
    stage->name = stage->outputs[0]->name;
    free(name);
    c2s_use_set(&stage->inputs[first_gather ? 1 : 0], *x);
    c2s_use_set(&stage->inputs[first_gather ? 0 : 1], weight);
    if (layer->site.is_conv)
        set_window(&layer->site, s, stage);
    else if (layer->site.input_by_column && index == 1)
        c2s_attr_set_int(stage, "transA", 1);
    *x = stage->outputs[0];
    return c2s_node_infer(stage);
}

static void become_last(const c2s_lowrank_layer *layer, const c2s_stage *s, c2s_value *x,
                        c2s_value *weight) {
    c2s_node *node = layer->node;
    if (node->op == &c2s_op_gather) {
        c2s_node_set_type(node, "", "MatMul");
        c2s_attr_remove(node, "axis");
    } else if (node->op == &c2s_op_gemm) {
        c2s_attr_remove(node, "transA");
        c2s_attr_remove(node, "transB");
        c2s_attr_remove(node, "alpha");
    } else if (layer->site.is_conv) {
        set_window(&layer->site, s, node);
    }
    c2s_use_set(&node->inputs[0], x);
    c2s_use_set(&node->inputs[1], weight);
}

static c2s_status shift_bias(const c2s_lowrank_layer *layer, const double *shift) {
    const size_t channels = layer->site.groups * layer->site.n;
    c2s_node *owner = layer->add ? layer->add : layer->node;
    const unsigned slot = layer->add ? layer->add_slot : 2;
    const c2s_value *old = c2s_node_in(owner, slot);
    double *values;
    C2S_TRY(c2s_scratch(channels, sizeof *values, &values));
    memset(values, 0, channels * sizeof *values);
    if (old)
        c2s_tensor_load_f64(old->constant, 0, channels, values);
    const double beta = (double)c2s_attr_float(owner, "beta", 1);
    for (size_t c = 0; c < channels; c++)
        values[c] = values[c] * beta + shift[c];
    const int64_t one_axis = (int64_t)channels;
    c2s_tensor *tensor;
    c2s_status status =
        c2s_tensor_from_f64(layer->site.weight->constant->type.dtype, old ? old->type.rank : 1,
                            old ? old->type.dim : &one_axis, values, &tensor);
    free(values);
    C2S_TRY(status);
    if (owner->formal_count <= slot)
        c2s_node_resize_inputs(owner, slot + 1);
    c2s_use_set(&owner->inputs[slot], constant_of(layer, "bias", tensor));
    c2s_attr_remove(owner, "beta");
    return C2S_OK;
}

c2s_status c2s_lowrank_layer_write(const c2s_lowrank_layer *layer, const c2s_chain *chain,
                                   c2s_tensor *const *weights, const double *shift) {
    c2s_value *x = layer->node->inputs[layer->node->op == &c2s_op_gather ? 1 : 0].value;
    for (unsigned i = 0; i < chain->count; i++) {
        char suffix[32];
        snprintf(suffix, sizeof suffix, "%u", i + 1);
        c2s_value *weight = constant_of(layer, suffix, c2s_tensor_ref(weights[i]));
        if (i + 1 < chain->count)
            C2S_TRY(insert_stage(layer, &chain->stage[i], i + 1, weight, &x));
        else
            become_last(layer, &chain->stage[i], x, weight);
    }
    if (shift)
        C2S_TRY(shift_bias(layer, shift));
    return c2s_node_infer(layer->node);
}
