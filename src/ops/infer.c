/* SPDX-License-Identifier: Apache-2.0
 *
 * Inference of types: what operators call while they infer, and the drivers over nodes and graphs.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ops/infer.h"
#include "ops/op_versions.h"

enum { MAX_CONTENTS = 1024 };

/* ---- for operators ---- */

static const c2s_type unknown_type = {.kind = C2S_KIND_UNKNOWN, .rank = -1};

bool c2s_infer_has(const c2s_infer *i, unsigned input) {
    return input < i->in_count && i->in[input].type;
}

const c2s_type *c2s_infer_type(const c2s_infer *i, unsigned input) {
    return c2s_infer_has(i, input) ? i->in[input].type : &unknown_type;
}

bool c2s_infer_dims(const c2s_infer *i, unsigned input, const c2s_dim **dims, unsigned *count) {
    if (!c2s_infer_has(i, input))
        return false;
    const c2s_fact *fact = &i->in[input];
    if (fact->contents) {
        *dims = fact->contents;
        *count = fact->content_count;
        return true;
    }
    const c2s_tensor *t = fact->constant;
    if (!t || t->type.kind != C2S_KIND_TENSOR || t->count > MAX_CONTENTS)
        return false;
    c2s_dim *copy = c2s_arena_array(i->arena, t->count, sizeof *copy);
    for (size_t k = 0; k < t->count; k++)
        if (!c2s_tensor_i64_at(t, k, &copy[k]) || !c2s_dim_is_known(copy[k]))
            return false;
    *dims = copy;
    *count = (unsigned)t->count;
    return true;
}

bool c2s_infer_ints(const c2s_infer *i, unsigned input, const int64_t **ints, unsigned *count) {
    if (!c2s_infer_has(i, input))
        return false;
    const c2s_tensor *t = i->in[input].constant;
    if (t && t->type.kind == C2S_KIND_TENSOR && t->type.dtype == C2S_INT64 && t->count <= UINT32_MAX) {
        *ints = c2s_tensor_data(t);
        *count = (unsigned)t->count;
        return true;
    }
    if (!c2s_infer_dims(i, input, ints, count))
        return false;
    for (unsigned k = 0; k < *count; k++)
        if (!c2s_dim_is_known((*ints)[k]))
            return false;
    return true;
}

void c2s_infer_set_contents(c2s_infer *i, unsigned output, const c2s_dim *dims, unsigned count) {
    if (output >= i->out_count || count > MAX_CONTENTS)
        return;
    i->contents[output] =
        (const c2s_dim *)c2s_arena_memdup(i->arena, dims, count * sizeof *dims);
    i->content_count[output] = count;
}

c2s_status c2s_infer_broadcast(const c2s_infer *i, const c2s_type *a, const c2s_type *b,
                               c2s_type *out) {
    if (a->rank < 0 || b->rank < 0) {
        out->rank = -1;
        return C2S_OK;
    }
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (int k = 1; k <= out->rank; k++) {
        c2s_dim x = k <= a->rank ? a->dim[a->rank - k] : 1;
        c2s_dim y = k <= b->rank ? b->dim[b->rank - k] : 1;
        c2s_dim *z = &out->dim[out->rank - k];
        if (x == y || y == 1)
            *z = x;
        else if (x == 1)
            *z = y;
        else if (c2s_dim_is_known(x) && c2s_dim_is_known(y))
            return c2s_fail(C2S_ERR_INVALID,
                            "extents %lld and %lld of axis %d do not broadcast", (long long)x,
                            (long long)y, out->rank - k);
        /* A known extent above 1 wins: the symbolic one is equal to it or 1. */
        else if (c2s_dim_is_known(x) && x != 0)
            *z = x;
        else if (c2s_dim_is_known(y) && y != 0)
            *z = y;
        else
            *z = c2s_dim_max(i->dims, x, y);
    }
    return C2S_OK;
}

c2s_status c2s_infer_axis(int64_t axis, int rank, int *out) {
    if (axis < -rank || axis >= rank)
        return c2s_fail(C2S_ERR_INVALID, "axis %lld, expected %d to %d", (long long)axis, -rank,
                        rank - 1);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return C2S_OK;
}

c2s_status c2s_infer_need(const c2s_infer *i, unsigned required) {
    for (unsigned k = 0; k < required; k++)
        if (!c2s_infer_has(i, k))
            return c2s_fail(C2S_ERR_INVALID, "input %u is missing, %u are required", k, required);
    return C2S_OK;
}

/* ---- for the drivers ---- */

static c2s_status wrong_count(const char *what, unsigned count, const uint8_t range[2]) {
    if (range[1] == C2S_VARIADIC)
        return c2s_fail(C2S_ERR_INVALID, "%u %s, expected at least %u", count, what, range[0]);
    if (range[0] == range[1])
        return c2s_fail(C2S_ERR_INVALID, "%u %s, expected %u", count, what, range[0]);
    return c2s_fail(C2S_ERR_INVALID, "%u %s, expected %u to %u", count, what, range[0], range[1]);
}

c2s_status c2s_op_check_arity(const c2s_op *op, unsigned inputs, unsigned outputs) {
    if (inputs < op->inputs[0] || (op->inputs[1] != C2S_VARIADIC && inputs > op->inputs[1]))
        return wrong_count("inputs", inputs, op->inputs);
    if (outputs < op->outputs[0] || (op->outputs[1] != C2S_VARIADIC && outputs > op->outputs[1]))
        return wrong_count("outputs", outputs, op->outputs);
    return C2S_OK;
}

bool c2s_op_requires(const c2s_op *op, unsigned input) {
    enum { BEFORE_STATES = 2 }; /* of Loop, whose first two may be left out */
    if (op->inputs[1] != C2S_VARIADIC)
        return input < op->inputs[0];
    return op != &c2s_op_opaque && (op->inputs[0] > 0 || input >= BEFORE_STATES);
}

static bool is_of(const c2s_type *type, const c2s_op_operand *operand) {
    switch (type->kind) {
    case C2S_KIND_TENSOR:
        return operand->tensor >> type->dtype & 1;
    case C2S_KIND_SEQUENCE:
        return operand->sequence || operand->map;
    case C2S_KIND_OPTIONAL:
        return operand->optional || operand->optional_sequence;
    default:
        return operand->map;
    }
}

/* Does any version of the operator take the type there? */
static bool may_take(const c2s_op_versions *versions, unsigned slot, const c2s_type *type) {
    for (unsigned v = 0; v < versions->count; v++) {
        c2s_op_operand operand;
        if (c2s_op_input(&versions->versions[v], slot, &operand) && is_of(type, &operand))
            return true;
    }
    return false;
}

/* Which kinds of numbers an operator makes sense of is its own affair; text, complex numbers and
 * what is no tensor at all reach only those of the standard that are made for them. */
static c2s_status check_kinds(const c2s_node *node, const c2s_fact *in) {
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_type *type = in[k].type;
        if (!type || type->kind == C2S_KIND_UNKNOWN || type->kind == C2S_KIND_SPARSE ||
            type->kind == C2S_KIND_OPAQUE ||
            (type->kind == C2S_KIND_TENSOR &&
             (type->dtype == C2S_UNDEFINED || c2s_dtype_is_real(type->dtype))))
            continue;
        const c2s_op_versions *versions = c2s_op_versions_of(node->domain, node->type);
        if (!versions)
            return C2S_OK;
        if (!may_take(versions, k, type))
            return c2s_fail(C2S_ERR_INVALID, "input %u is %s, which %s cannot take", k,
                            type->kind == C2S_KIND_TENSOR ? c2s_dtype_name(type->dtype)
                                                          : "not a tensor",
                            node->type);
    }
    return C2S_OK;
}

c2s_status c2s_infer_run(const c2s_node *node, c2s_dims *dims, c2s_arena *arena,
                         const c2s_fact *in, bool concrete, c2s_inferred *result) {
    unsigned outputs = node->output_count;
    result->type = c2s_arena_array(arena, outputs, sizeof *result->type);
    result->contents = c2s_arena_array(arena, outputs, sizeof *result->contents);
    result->content_count = c2s_arena_array(arena, outputs, sizeof *result->content_count);
    for (unsigned k = 0; k < outputs; k++)
        result->type[k] = c2s_type_unknown();
    if (node->op == &c2s_op_opaque || c2s_attr_any_reference(node))
        return C2S_OK;
    c2s_infer i = {.node = node,
                   .dims = dims,
                   .arena = arena,
                   .in = in,
                   .in_count = node->formal_count,
                   .out = result->type,
                   .out_count = outputs,
                   .contents = result->contents,
                   .content_count = result->content_count,
                   .concrete = concrete};
    C2S_TRY(c2s_op_check_arity(node->op, i.in_count, outputs));
    for (unsigned k = 0; k < i.in_count; k++)
        if (!in[k].type && c2s_op_requires(node->op, k))
            return c2s_fail(C2S_ERR_INVALID, "input %u is left out", k);
    C2S_TRY(check_kinds(node, in));
    return node->op->infer ? node->op->infer(&i) : C2S_OK;
}

/* What an element type leaves open, the declared one may say. Types live in the model's arena. */
static const c2s_type *merge_element(c2s_arena *arena, const c2s_type *inferred,
                                     const c2s_type *declared) {
    if (!inferred)
        return declared;
    c2s_type merged = *inferred;
    if (declared) {
        c2s_type_merge(&merged, declared);
        if (merged.kind == declared->kind)
            merged.element = merge_element(arena, inferred->element, declared->element);
        if (c2s_type_equal(&merged, declared))
            return declared;
    } else if (merged.element) {
        merged.element = merge_element(arena, merged.element, NULL);
    }
    return (const c2s_type *)c2s_arena_memdup(arena, &merged, sizeof merged);
}

static void merge_output(c2s_value *value, c2s_type inferred, const c2s_dim *contents,
                         unsigned content_count) {
    c2s_model *model = value->graph->model;
    if (inferred.element)
        inferred.element = merge_element(model->arena, inferred.element, value->type.element);
    if (!c2s_type_merge(&inferred, &value->type) && c2s_log_wants(1)) {
        char declared[256], found[256];
        c2s_log(1, "value \"%s\": declared as %s, inferred as %s", value->name,
                c2s_type_text(model->dims, &value->type, declared, sizeof declared),
                c2s_type_text(model->dims, &inferred, found, sizeof found));
    }
    value->contents = contents;
    value->content_count = content_count;
    if (!c2s_type_equal(&inferred, &value->type) || contents)
        c2s_value_set_type(value, &inferred);
}

static c2s_status infer_into_values(c2s_node *node, const c2s_fact *in, c2s_arena *scratch) {
    c2s_model *model = node->graph->model;
    c2s_inferred result;
    C2S_TRY(c2s_infer_run(node, model->dims, scratch, in, false, &result));
    for (unsigned k = 0; k < node->output_count; k++) {
        c2s_value *value = node->outputs[k];
        if (!value || value->constant)
            continue;
        const c2s_dim *contents = NULL;
        unsigned count = result.content_count[k];
        if (result.contents[k]) { /* the same as before: keep the old array */
            bool same = value->contents && value->content_count == count &&
                        memcmp(value->contents, result.contents[k], count * sizeof *contents) == 0;
            contents = same ? value->contents
                            : (const c2s_dim *)c2s_arena_memdup(model->arena, result.contents[k],
                                                                count * sizeof *contents);
        }
        merge_output(value, result.type[k], contents, count);
    }
    return C2S_OK;
}

c2s_status c2s_node_infer(c2s_node *node) {
    c2s_fact small[16];
    c2s_fact *in = node->formal_count <= 16 ? small
                                            : c2s_alloc_array(node->formal_count, sizeof *in);
    for (unsigned k = 0; k < node->formal_count; k++) {
        const c2s_value *value = node->inputs[k].value;
        in[k] = (c2s_fact){0};
        if (value)
            in[k] = (c2s_fact){&value->type, value->constant, value->contents,
                               value->content_count};
    }
    c2s_arena *scratch = c2s_arena_create();
    c2s_status status = infer_into_values(node, in, scratch);
    c2s_arena_destroy(scratch);
    if (in != small)
        free(in);
    if (status != C2S_OK)
        c2s_note("%s", c2s_node_text(node));
    return status;
}

c2s_status c2s_graph_infer(c2s_graph *graph) {
    for (c2s_node *node = graph->first; node; node = node->next)
        C2S_TRY(c2s_node_infer(node));
    return C2S_OK;
}

c2s_status c2s_graph_infer_all(c2s_graph *graph) {
    c2s_status first = C2S_OK;
    char *message = NULL;
    for (c2s_node *node = graph->first; node; node = node->next) {
        c2s_status status = c2s_node_infer(node);
        if (status == C2S_OK || first != C2S_OK)
            continue;
        first = status;
        message = c2s_strdup(c2s_error());
    }
    if (first != C2S_OK)
        c2s_fail(first, "%s", message);
    free(message);
    return first;
}
