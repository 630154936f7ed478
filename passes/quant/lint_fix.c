/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "passes/quant/code_pair.h"
#include "passes/quant/lint.h"
#include "passes/quant/unsigned_codes.h"
#include "rewrite/rewrite.h"

/* Rounds of mending; each removes at least one fault. */
enum { MOST_ROUNDS = 64 };

typedef struct fixer {
    const c2s_target *target;
    c2s_model *model;
    c2s_lint lint;
    unsigned mended, removed;
} fixer;

/* ---- scales and zero points ---- */

static c2s_value *constant(c2s_model *model, const c2s_node *owner, const char *suffix,
                           c2s_tensor *tensor) {
    char name[256];
    snprintf(name, sizeof name, "%.200s_%s", owner->outputs[0]->name, suffix);
    return c2s_value_constant(model->graph, c2s_name_fresh(model->names, name), tensor);
}

static c2s_status give_scalar(fixer *f, c2s_node *codec, unsigned slot, const char *suffix) {
    const c2s_value *value = c2s_node_in(codec, slot);
    c2s_tensor *scalar;
    if (!value || !value->constant || value->constant->count != 1 || value->type.rank == 0)
        return C2S_OK;
    C2S_TRY(c2s_tensor_reshape(value->constant, 0, NULL, &scalar));
    c2s_use_set(&codec->inputs[slot], constant(f->model, codec, suffix, scalar));
    f->mended += slot == 1;
    return C2S_OK;
}

static c2s_status give_zero(fixer *f, c2s_node *codec) {
    const c2s_value *scale = c2s_node_in(codec, 1);
    const c2s_value *codes = c2s_is_quantizer(codec) ? codec->outputs[0] : codec->inputs[0].value;
    const int64_t zero = 0;
    c2s_tensor *tensor;
    if (c2s_node_in(codec, 2) || !scale->constant || scale->constant->count != 1 ||
        c2s_attr_has(codec, "output_dtype"))
        return C2S_OK;
    C2S_TRY(c2s_tensor_from_i64(codes->type.dtype, 0, NULL, &zero, &tensor));
    c2s_node_resize_inputs(codec, 3);
    c2s_use_set(&codec->inputs[2], constant(f->model, codec, "zero_point", tensor));
    f->mended++;
    return C2S_OK;
}

static c2s_status mend_parameters(fixer *f) {
    for (c2s_node *node = f->model->graph->first; node; node = node->next) {
        const bool blocks =
            c2s_attr_int(node, "block_size", 0) > 0; /* scales have the data's rank */
        if ((!c2s_is_quantizer(node) && !c2s_is_dequantizer(node)) || blocks)
            continue;
        C2S_TRY(give_scalar(f, node, 1, "scale"));
        C2S_TRY(give_scalar(f, node, 2, "zero_point"));
        C2S_TRY(give_zero(f, node));
    }
    return C2S_OK;
}

/* ---- readers ---- */

static c2s_node *dequantizer_of(fixer *f, c2s_node *quantizer) {
    c2s_value_each_use(use, quantizer->outputs[0]) {
        if (use->user != f->model->graph->exit && c2s_is_dequantizer(use->user) &&
            !c2s_code_pair_refuse(quantizer, use->user))
            return use->user;
    }
    c2s_node *dq = c2s_node_create(f->model->graph, quantizer->next, quantizer->domain,
                                   "DequantizeLinear", 3, 1);
    c2s_use_set(&dq->inputs[0], quantizer->outputs[0]);
    c2s_use_set(&dq->inputs[1], c2s_node_in(quantizer, 1));
    c2s_use_set(&dq->inputs[2], c2s_node_in(quantizer, 2));
    static const char *const granularity[] = {"axis", "block_size"};
    for (size_t i = 0; i < sizeof granularity / sizeof *granularity; i++)
        if (c2s_attr_has(quantizer, granularity[i]))
            c2s_attr_set_int(dq, granularity[i], c2s_attr_int(quantizer, granularity[i], 0));
    return dq;
}

/* Others can do with the codes, unless these clamp what was not clamped for them. */
static void mend_readers(fixer *f, const c2s_node *node) {
    c2s_value *result = node->outputs[0];
    c2s_node *quantizer = NULL;
    float high;
    C2S_VEC(c2s_use *) others = {0};
    c2s_value_each_use(use, result) {
        if (use->user != f->model->graph->exit && c2s_is_quantizer(use->user) && !quantizer)
            quantizer = use->user;
        else
            c2s_vec_push(&others, use);
    }
    const bool clamps = quantizer && c2s_code_pair_clamps(quantizer, &high);
    c2s_value *floats = quantizer && !clamps ? dequantizer_of(f, quantizer)->outputs[0] : NULL;
    for (size_t k = 0; floats && k < others.count; k++)
        c2s_use_set(others.at[k], floats);
    f->mended += floats && others.count > 0;
    c2s_vec_free(&others);
}

/* ---- biases ---- */

static c2s_status mend_bias(fixer *f, c2s_node *node, unsigned slot) {
    const c2s_value *value = c2s_node_in(node, slot);
    const c2s_node *x = f->lint.judge.source[node->inputs[0].value->id],
                   *w = f->lint.judge.source[node->inputs[1].value->id];
    const c2s_tensor *bias = value ? value->constant : NULL;
    if (!bias || !x || !w || bias->type.rank != 1 || bias->count == 0)
        return C2S_OK;
    const c2s_tensor *ws = c2s_node_in(w, 1)->constant;
    const double xs = c2s_tensor_f64_at(c2s_node_in(x, 1)->constant, 0);
    const int64_t count = (int64_t)bias->count;
    double *scale = c2s_alloc_array(bias->count, sizeof *scale);
    int64_t *code = c2s_alloc_array(bias->count, sizeof *code);
    bool fits = true;
    for (size_t k = 0; k < bias->count; k++) {
        scale[k] = (double)(float)(xs * c2s_tensor_f64_at(ws, k % ws->count));
        const double whole = rint(c2s_tensor_f64_at(bias, k) / scale[k]);
        fits &= fabs(whole) < 0x1p31;
        code[k] = fits ? (int64_t)whole : 0;
    }
    c2s_tensor *codes = NULL, *scales = NULL, *zeros = NULL;
    c2s_status status = C2S_OK;
    if (fits)
        status = c2s_tensor_from_i64(C2S_INT32, 1, &count, code, &codes);
    memset(code, 0, bias->count * sizeof *code);
    if (fits && status == C2S_OK)
        status = c2s_tensor_from_f64(C2S_FLOAT, 1, &count, scale, &scales);
    if (fits && status == C2S_OK)
        status = c2s_tensor_from_i64(C2S_INT32, 1, &count, code, &zeros);
    free(scale);
    free(code);
    if (status != C2S_OK || !fits) {
        c2s_tensor_unref(codes);
        c2s_tensor_unref(scales);
        return status;
    }
    c2s_node *dq = c2s_node_create(f->model->graph, node, "", "DequantizeLinear", 3, 1);
    c2s_use_set(&dq->inputs[0], constant(f->model, node, "bias_quantized", codes));
    c2s_use_set(&dq->inputs[1], constant(f->model, node, "bias_scale", scales));
    c2s_use_set(&dq->inputs[2], constant(f->model, node, "bias_zero_point", zeros));
    c2s_attr_set_int(dq, "axis", 0);
    c2s_use_set(&node->inputs[slot], dq->outputs[0]);
    f->mended++;
    return C2S_OK;
}

/* ---- rounds ---- */

static c2s_status mend_faults(fixer *f) {
    C2S_VEC(c2s_node *) nodes = {0};
    bool is_signed = false;
    c2s_status status = C2S_OK;
    for (c2s_node *node = f->model->graph->first; node; node = node->next)
        c2s_vec_push(&nodes, node);
    for (size_t k = 0; k < nodes.count && status == C2S_OK; k++) {
        const c2s_judged *judged = &f->lint.judge.nodes[nodes.at[k]->id];
        is_signed |= judged->fault == C2S_FAULT_SIGNED;
        if (judged->fault == C2S_FAULT_READERS)
            mend_readers(f, nodes.at[k]);
        else if (judged->fault == C2S_FAULT_BIAS && nodes.at[k]->op != &c2s_op_add)
            status = mend_bias(f, nodes.at[k], judged->slot);
    }
    c2s_vec_free(&nodes);
    return status == C2S_OK && is_signed
               ? c2s_codes_make_unsigned(f->model->graph, NULL, &f->mended)
               : status;
}

/* Neither maker nor any reader runs on integers. */
static bool is_useless(const fixer *f, const c2s_node *quantizer) {
    bool read = false;
    if (c2s_judge_fuses_maker(&f->lint.judge, quantizer))
        return false;
    c2s_value_each_use(use, quantizer->outputs[0]) {
        if (use->user == f->model->graph->exit || !c2s_is_dequantizer(use->user) ||
            c2s_code_pair_refuse(quantizer, use->user))
            return false;
        c2s_value_each_use(inner, use->user->outputs[0]) {
            read = true;
            if (c2s_judge_fuses_reader(&f->lint.judge, inner))
                return false;
        }
    }
    return read;
}

/* What the pair left of the floats, but for rounding. */
static c2s_status floats_of(fixer *f, c2s_node *quantizer, c2s_value **out) {
    c2s_value *x = quantizer->inputs[0].value;
    float high;
    *out = x;
    if (!c2s_code_pair_clamps(quantizer, &high))
        return C2S_OK;
    const bool open = isinf(high);
    c2s_node *clamp =
        c2s_node_create(f->model->graph, quantizer, "", open ? "Relu" : "Clip", open ? 1 : 3, 1);
    const double bounds[] = {0, (double)high};
    c2s_use_set(&clamp->inputs[0], x);
    for (unsigned k = 0; k < 2 && !open; k++) {
        c2s_tensor *bound;
        C2S_TRY(c2s_tensor_from_f64(x->type.dtype, 0, NULL, &bounds[k], &bound));
        c2s_use_set(&clamp->inputs[k + 1], constant(f->model, quantizer, "bound", bound));
    }
    *out = clamp->outputs[0];
    return c2s_node_infer(clamp);
}

static c2s_status remove_pairs(fixer *f) {
    C2S_VEC(c2s_node *) useless = {0};
    c2s_status status = C2S_OK;
    for (c2s_node *node = f->model->graph->first; node; node = node->next)
        if (c2s_is_quantizer(node) && is_useless(f, node))
            c2s_vec_push(&useless, node);
    for (size_t k = 0; k < useless.count && status == C2S_OK; k++) {
        C2S_VEC(c2s_value *) old = {0};
        c2s_value *floats;
        status = floats_of(f, useless.at[k], &floats);
        c2s_value_each_use(use, useless.at[k]->outputs[0]) {
            c2s_vec_push(&old, use->user->outputs[0]);
        }
        for (size_t n = 0; n < old.count && status == C2S_OK; n++)
            c2s_rewrite_replace(old.at[n], floats);
        c2s_vec_free(&old);
        f->removed++;
    }
    c2s_vec_free(&useless);
    return status;
}

static c2s_status settle(fixer *f) {
    c2s_lint_free(&f->lint);
    C2S_TRY(c2s_graph_sort(f->model->graph));
    c2s_graph_sweep(f->model->graph);
    C2S_TRY(c2s_graph_infer(f->model->graph));
    c2s_lint_run(f->target, f->model->graph, c2s_model_opset(f->model, ""), &f->lint);
    return C2S_OK;
}

static c2s_status fix(fixer *f) {
    unsigned before;
    C2S_TRY(mend_parameters(f));
    for (unsigned round = 0; round < MOST_ROUNDS; round++) {
        C2S_TRY(settle(f));
        before = f->mended;
        C2S_TRY(mend_faults(f));
        if (f->mended == before)
            break;
    }
    for (unsigned round = 0; round < MOST_ROUNDS; round++) {
        before = f->removed;
        C2S_TRY(remove_pairs(f));
        C2S_TRY(settle(f));
        if (f->removed == before)
            break;
    }
    return C2S_OK;
}

c2s_status c2s_lint_fix(const c2s_target *target, c2s_model *model, unsigned *mended,
                        unsigned *removed) {
    fixer f = {.target = target, .model = model};
    const c2s_status status = fix(&f);
    *mended = f.mended;
    *removed = f.removed;
    c2s_lint_free(&f.lint);
    return status;
}
