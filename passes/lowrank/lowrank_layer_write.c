/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/name_after.h"
#include "ops/op.h"
#include "passes/lowrank/lowrank_layer_bias.h"

/* ---- weights ---- */

/* [out, in, kernel], or [in, out] of a matrix */
c2s_status c2s_lowrank_layer_tensor(const c2s_lowrank_layer *layer, const c2s_chain *chain,
                                    unsigned stage, const double *weights, c2s_tensor **out) {
    const c2s_stage *s = &chain->stage[stage];
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
    if (c2s_node_is_recurrent(layer->node) && stage + 1 == chain->count) { /* inside the cell */
        const int64_t *whole = site->weight->type.dim;
        const int64_t inside[] = {whole[0], whole[1], (int64_t)s->in};
        return c2s_tensor_from_f64(dtype, 3, inside, weights, out);
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

/* Those of the last stage for some of its outputs. */
static c2s_status some_outputs(const c2s_lowrank_layer *layer, const c2s_stage *s,
                               const c2s_tensor *all, size_t first, size_t count,
                               c2s_tensor **out) {
    const bool conv = layer->site.is_conv;
    const size_t inner = conv ? all->count / (s->groups * s->out) : s->in;
    int64_t dim[C2S_MAX_RANK];
    double *values, *some = NULL;
    memcpy(dim, all->type.dim, sizeof dim);
    dim[conv ? 0 : 1] = (int64_t)count;
    C2S_TRY(c2s_scratch(all->count, sizeof *values, &values));
    c2s_status status = c2s_scratch(count, inner * sizeof *some, &some);
    if (status == C2S_OK) {
        c2s_tensor_load_f64(all, 0, all->count, values);
        if (conv)
            memcpy(some, values + first * inner, count * inner * sizeof *some);
        else
            for (size_t i = 0; i < inner; i++)
                memcpy(some + i * count, values + i * s->out + first, count * sizeof *some);
        status = c2s_tensor_from_f64(all->type.dtype, all->type.rank, dim, some, out);
    }
    free(values);
    free(some);
    return status;
}

/* ---- nodes ---- */

/* A stage in front of the original node; stages count from 1. */
static c2s_status insert_stage(const c2s_lowrank_layer *member, const c2s_stage *s, unsigned index,
                               c2s_value *weight, c2s_value **x, c2s_node **out) {
    c2s_node *node = member->node;
    const bool looks_up = node->op == &c2s_op_gather && index == 1;
    const bool multiplies =
        (node->op == &c2s_op_gather && index > 1) || c2s_node_is_recurrent(node);
    const char *type = multiplies ? "MatMul" : node->type;
    char suffix[32];
    snprintf(suffix, sizeof suffix, "/rank_%u", index);
    char *name = c2s_alloc(strlen(c2s_node_name(node)) + sizeof suffix);
    strcpy(name, c2s_node_name(node));
    strcat(name, suffix);
    c2s_node *stage = c2s_node_create(node->graph, node, "", type, 2, 1);
    c2s_value_set_name(stage->outputs[0], c2s_name_fresh(node->graph->model->names, name));
    stage->name = stage->outputs[0]->name;
    free(name);
    c2s_use_set(&stage->inputs[looks_up ? 1 : 0], *x);
    c2s_use_set(&stage->inputs[looks_up ? 0 : 1], weight);
    if (member->site.is_conv)
        set_window(&member->site, s, stage);
    else if (member->site.input_by_column && index == 1)
        c2s_attr_set_int(stage, "transA", 1);
    *x = stage->outputs[0];
    *out = stage;
    return C2S_OK;
}

static void become_last(const c2s_lowrank_layer *layer, const c2s_stage *s, bool is_first,
                        c2s_value *x, c2s_value *weight) {
    c2s_node *node = layer->node;
    if (node->op == &c2s_op_gather && !is_first) {
        c2s_node_set_type(node, "", "MatMul");
        c2s_attr_remove(node, "axis");
    } else if (node->op == &c2s_op_gemm) {
        if (!is_first)
            c2s_attr_remove(node, "transA");
        c2s_attr_remove(node, "transB");
        c2s_attr_remove(node, "alpha");
    } else if (layer->site.is_conv) {
        set_window(&layer->site, s, node);
    }
    const bool looks_up = node->op == &c2s_op_gather;
    c2s_use_set(&node->inputs[looks_up ? 1 : 0], x);
    c2s_use_set(&node->inputs[looks_up ? 0 : 1], weight);
}

/* Outputs that stay, and what was made of them. */
static void become_concat(const c2s_lowrank_layer *layer, c2s_value *first, c2s_value *rest) {
    static const char *const attributes[] = {"transA",       "transB",  "alpha",     "beta",
                                             "kernel_shape", "strides", "dilations", "group",
                                             "pads",         "auto_pad"};
    c2s_node *node = layer->node;
    c2s_node_set_type(node, "", "Concat");
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        c2s_attr_remove(node, attributes[i]);
    c2s_attr_set_int(node, "axis", layer->site.is_conv ? 1 : -1);
    c2s_node_resize_inputs(node, 2);
    c2s_use_set(&node->inputs[0], first);
    c2s_use_set(&node->inputs[1], rest);
}

/* ---- the chain ---- */

typedef struct writing {
    const c2s_lowrank_layer *layer, *members;
    size_t count; /* of members */
    const c2s_chain *chain;
    c2s_tensor *const *weights;
    const double *shift;
    c2s_lowrank_biases own;
    c2s_value *x;     /* what the last stage reads */
    c2s_value **made; /* weights by stage, which operators with the same weight share */
} writing;

static c2s_value *constant_of(const writing *w, const c2s_lowrank_layer *member, unsigned stage,
                              c2s_tensor *tensor) {
    char suffix[32];
    if (w->layer->tied_count > 0 && w->made[stage - 1]) {
        c2s_tensor_unref(tensor);
        return w->made[stage - 1];
    }
    snprintf(suffix, sizeof suffix, "%u", stage);
    return w->made[stage - 1] =
               c2s_constant_after(member->node->graph, w->layer->site.weight, suffix, tensor);
}

static c2s_status write_shared(writing *w) {
    const c2s_lowrank_layer *first = &w->members[0];
    w->x = first->node->inputs[first->node->op == &c2s_op_gather ? 1 : 0].value;
    for (unsigned i = 0; i + 1 < w->chain->count; i++) {
        c2s_value *weight = constant_of(w, first, i + 1, c2s_tensor_ref(w->weights[i]));
        c2s_node *node;
        C2S_TRY(insert_stage(first, &w->chain->stage[i], i + 1, weight, &w->x, &node));
        if (w->chain->keeps_first && w->own.change)
            C2S_TRY(c2s_lowrank_set_bias(node, first, w->chain->stage[i].out, w->own.values));
        C2S_TRY(c2s_node_infer(node));
    }
    return C2S_OK;
}

/* The member's part of the last stage, whose outputs before it are `before`. */
static c2s_status write_member(const writing *w, const c2s_lowrank_layer *member, size_t before) {
    const unsigned last = w->chain->count - 1;
    const c2s_stage *s = &w->chain->stage[last];
    const size_t stays = w->chain->keeps_first ? s->in : 0; /* of the first member */
    const size_t own = member->site.groups * member->site.n, kept = before == 0 ? stays : 0;
    const bool adds = c2s_lowrank_adds_itself(member);
    c2s_tensor *part = NULL;
    c2s_node *owner = member->node; /* of the bias */
    if (w->count > 1)
        C2S_TRY(
            some_outputs(w->layer, s, w->weights[last], before + kept - stays, own - kept, &part));
    else
        part = c2s_tensor_ref(w->weights[last]);
    c2s_value *weight = constant_of(w, member, last + 1, part), *x = w->x;
    if (kept > 0) {
        C2S_TRY(insert_stage(member, s, last + 1, weight, &x, &owner));
        become_concat(member, w->x, x);
    } else {
        become_last(member, s, last == 0, x, weight);
    }
    if (w->own.change && adds)
        C2S_TRY(c2s_lowrank_set_bias(owner, member, own - kept, w->own.values + before + kept));
    else if (w->shift && member->add)
        C2S_TRY(c2s_lowrank_shift_add(member, w->shift + before));
    else if (w->shift && c2s_node_is_recurrent(member->node))
        C2S_TRY(c2s_lowrank_shift_cell(member, w->shift));
    if (owner != member->node)
        C2S_TRY(c2s_node_infer(owner));
    return c2s_node_infer(member->node);
}

static c2s_status write_all(writing *w) {
    c2s_status status = c2s_lowrank_biases_collect(w->layer, w->members, w->count, w->chain,
                                                   w->weights, w->shift, &w->own);
    if (status == C2S_OK)
        status = write_shared(w);
    for (size_t m = 0, before = 0; m < w->count && status == C2S_OK; m++) {
        status = write_member(w, &w->members[m], before);
        before += w->members[m].site.groups * w->members[m].site.n;
    }
    free(w->own.values);
    return status;
}

c2s_status c2s_lowrank_layer_write(const c2s_lowrank_layer *layer, const c2s_chain *chain,
                                   c2s_tensor *const *weights, const double *shift) {
    const bool several = layer->member_count > 0;
    c2s_value *made[C2S_CHAIN_MOST] = {0};
    writing w = {.layer = layer,
                 .members = several ? layer->members : layer,
                 .count = several ? layer->member_count : 1,
                 .chain = chain,
                 .weights = weights,
                 .shift = shift,
                 .made = made};
    C2S_TRY(write_all(&w));
    for (size_t t = 0; t < layer->tied_count; t++) {
        w.members = &layer->tied[t];
        C2S_TRY(write_all(&w));
    }
    return C2S_OK;
}
