/* SPDX-License-Identifier: Apache-2.0
 *
 * A model of float32, float16 or bfloat16 in another type of numbers. In double it is the arbiter
 * where two float32 results differ.
 */
#ifndef C2S_TESTS_RETYPED_H
#define C2S_TESTS_RETYPED_H

#include <string.h>

#include "eval/evaluator.h"
#include "ir/convert.h"

static inline c2s_tensor *converted(const c2s_tensor *from, c2s_dtype dtype) {
    c2s_tensor *to;
    if (c2s_tensor_create(dtype, from->type.rank, from->type.dim, &to) != C2S_OK)
        return NULL;
    double *values = malloc((from->count + 1) * sizeof *values);
    c2s_load_f64(from->type.dtype, c2s_tensor_data(from), 0, from->count, values);
    c2s_store_f64(dtype, c2s_tensor_mutable(to), 0, to->count, values);
    free(values);
    return to;
}

static inline bool is_retyped(c2s_dtype dtype) {
    return dtype == C2S_FLOAT || dtype == C2S_FLOAT16 || dtype == C2S_BFLOAT16;
}

static inline bool is_float_tensor(const c2s_tensor *t) {
    return t && t->type.kind == C2S_KIND_TENSOR && is_retyped(t->type.dtype);
}

/* Scales of Resize are float32 by definition, and CastLike asks for a type. */
static inline bool keeps_type(const c2s_value *value) {
    c2s_value_each_use(use, value) {
        if ((c2s_node_is(use->user, "Resize") && use->slot == 2) ||
            (c2s_node_is(use->user, "CastLike") && use->slot == 1))
            return true;
    }
    return false;
}

/* For models without bodies whose operators take the type wherever they take float. Types that
 * attributes give stay. */
static inline c2s_model *model_retyped(const c2s_model *model, c2s_dtype dtype) {
    c2s_model *copy = c2s_model_copy(model);
    for (size_t i = 0; i < copy->values.count; i++) {
        c2s_value *value = copy->values.at[i];
        if (!value || keeps_type(value))
            continue;
        c2s_type type = value->def == copy->graph->entry ? value->type : c2s_type_unknown();
        if (is_float_tensor(value->constant)) {
            c2s_tensor *constant = converted(value->constant, dtype);
            c2s_value_set_constant(value, constant);
            c2s_tensor_unref(constant);
        } else if (!value->constant) {
            if (is_retyped(type.dtype))
                type.dtype = dtype;
            c2s_value_set_type(value, &type);
        }
        if (is_float_tensor(value->initial)) {
            c2s_tensor *initial = converted(value->initial, dtype);
            c2s_tensor_unref(value->initial);
            value->initial = initial;
        }
    }
    if (c2s_graph_infer(copy->graph) == C2S_OK)
        return copy;
    c2s_model_destroy(copy);
    return NULL;
}

/* Runs the model in double; output `index` as float32, NULL if that cannot be done. */
static inline c2s_tensor *output_in_double(const c2s_model *model, c2s_tensor *const *in,
                                           unsigned index) {
    c2s_model *wide = model_retyped(model, C2S_DOUBLE);
    if (!wide)
        return NULL;
    unsigned inputs = c2s_graph_input_count(wide->graph);
    unsigned outputs = c2s_graph_output_count(wide->graph);
    c2s_tensor **wide_in = calloc(inputs + 1u, sizeof *wide_in);
    c2s_tensor **out = calloc(outputs + 1u, sizeof *out), *result = NULL;
    for (unsigned k = 0; k < inputs; k++)
        if (in[k])
            wide_in[k] =
                is_float_tensor(in[k]) ? converted(in[k], C2S_DOUBLE) : c2s_tensor_ref(in[k]);
    c2s_session *session = NULL;
    if (c2s_evaluator_reference.open(wide->graph, NULL, &session) == C2S_OK &&
        c2s_evaluator_reference.run(session, (const c2s_tensor *const *)wide_in, out) == C2S_OK &&
        out[index]->type.dtype == C2S_DOUBLE)
        result = converted(out[index], C2S_FLOAT);
    c2s_evaluator_reference.close(session);
    for (unsigned k = 0; k < inputs; k++)
        c2s_tensor_unref(wide_in[k]);
    for (unsigned k = 0; k < outputs; k++)
        c2s_tensor_unref(out[k]);
    free(wide_in);
    free(out);
    c2s_model_destroy(wide);
    return result;
}

#endif
