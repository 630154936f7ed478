/* SPDX-License-Identifier: Apache-2.0 */
#include "io/normalise.h"

#include <string.h>

#include "io/gradient.h"
#include "io/opset.h"
#include "io/raise.h"
#include "ir/clone.h"
#include "ops/infer.h"

enum { OPSET_TARGET = 13 };

/* First row of `type`, or NULL. */
static const c2s_raise_row *rows_of(const char *type) {
    size_t count;
    const c2s_raise_row *rows = c2s_raise_rows(&count);
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(rows[middle].type, type) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && strcmp(rows[low].type, type) == 0 ? &rows[low] : NULL;
}

static c2s_status raise_node(c2s_raise *r, c2s_node *node) {
    if (node->domain[0])
        return c2s_gradient_is(node) ? c2s_gradient_expand(r, node) : C2S_OK;
    if (r->opset < 6)
        c2s_attr_remove(node, "consumed_inputs"); /* a hint of opset 1 that meant nothing */
    const c2s_raise_row *row = rows_of(node->type);
    if (!row)
        return C2S_OK;
    size_t count;
    const c2s_raise_row *end = c2s_raise_rows(&count);
    end += count;
    const char *type = node->type;
    for (; row < end && node->type == type && strcmp(row->type, type) == 0; row++)
        if (row->from <= r->opset && r->opset <= row->to)
            C2S_TRY(row->raise(r, node));
    return C2S_OK;
}

static c2s_status raise_graph(c2s_raise *r, c2s_graph *graph) {
    c2s_raise_level level = {.graph = graph, .outer = r->level};
    r->level = &level;
    c2s_status status = C2S_OK;
    for (c2s_node *node = graph->first, *next; node && status == C2S_OK; node = next) {
        /* A row inserts before the node, or right behind it what is already in its new form. */
        next = node->next;
        c2s_graph *body;
        for (unsigned i = 0; status == C2S_OK && (body = c2s_node_body(node, i)) != NULL; i++) {
            r->node = node;
            status = raise_graph(r, body);
        }
        r->node = node;
        if (status == C2S_OK)
            status = raise_node(r, node);
        if (status != C2S_OK)
            c2s_note("%s", c2s_node_text(node));
    }
    r->level = level.outer;
    return status;
}

/* All of a graph of `opset`; r->needs is what it takes afterwards, at least `opset`. */
static c2s_status raise_whole(c2s_raise *r, c2s_graph *graph, int64_t opset) {
    const int64_t least = opset > OPSET_TARGET ? opset : OPSET_TARGET;
    r->opset = opset;
    r->needs = least;
    C2S_TRY(raise_graph(r, graph));
    return c2s_graph_raise_opset(graph, least, r->needs);
}

static c2s_status raise_function(c2s_raise *r, c2s_function *function) {
    c2s_opset *opset = NULL;
    for (size_t i = 0; i < function->opsets.count && !opset; i++)
        if (!function->opsets.at[i].domain[0])
            opset = &function->opsets.at[i];
    if (!opset)
        return C2S_OK; /* nothing of ai.onnx inside */
    c2s_status status = raise_whole(r, function->graph, opset->version);
    if (status != C2S_OK) {
        c2s_note("function \"%s\"", function->name);
        return status;
    }
    if (opset->version < r->needs) {
        opset->version = r->needs;
        opset->origin = NULL;
    }
    return C2S_OK;
}

/* Models older than opset_import (IR 1 and 2) are of opset 1; later ones without an import use no
 * operator of ai.onnx. */
static int64_t effective_opset(const c2s_model *model) {
    int64_t opset = c2s_model_opset(model, "");
    return opset ? opset : model->ir_version < 3 ? 1 : OPSET_TARGET;
}

bool c2s_normalise_knows(const c2s_model *model, const c2s_node *node) {
    if (node->domain[0])
        return c2s_gradient_is(node);
    size_t count;
    const c2s_raise_row *row = rows_of(node->type), *end = c2s_raise_rows(&count) + count;
    const int64_t opset = effective_opset(model);
    for (; row && row < end && strcmp(row->type, node->type) == 0; row++)
        if (row->from <= opset && opset <= row->to)
            return true;
    return false;
}

static const char *kind_name(c2s_attr_kind kind) {
    static const char *const names[] = {
        "undefined",      "FLOAT",      "INT",        "STRING",  "TENSOR", "GRAPH",
        "FLOATS",         "INTS",       "STRINGS",    "TENSORS", "GRAPHS", "SPARSE_TENSOR",
        "SPARSE_TENSORS", "TYPE_PROTO", "TYPE_PROTOS"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

/* An attribute of another kind would be read as if it was not there. */
static c2s_status check_attributes(const c2s_node *node) {
    for (unsigned i = 0; i < node->attr_count; i++) {
        const c2s_attr *attr = &node->attrs[i];
        const c2s_attr_kind kind = attr->reference ? attr->reference_kind : attr->kind;
        for (const c2s_attr_spec *spec = node->op->attrs; spec && spec->name; spec++)
            if (strcmp(spec->name, attr->name) == 0 && spec->kind != kind &&
                kind != C2S_ATTR_UNDEFINED && spec->kind != C2S_ATTR_UNDEFINED)
                return c2s_fail(C2S_ERR_INVALID, "attribute \"%s\" is of type %s, expected %s",
                                attr->name, kind_name(kind), kind_name(spec->kind));
    }
    return C2S_OK;
}

/* Inference would see to it, but not everything is inferred: functions, branches that never run. */
static c2s_status check_operands(const c2s_node *node) {
    C2S_TRY(c2s_op_check_arity(node->op, node->formal_count, node->output_count));
    for (unsigned k = 0; k < node->formal_count; k++)
        if (!node->inputs[k].value && c2s_op_requires(node->op, k))
            return c2s_fail(C2S_ERR_INVALID, "input %u is left out", k);
    return C2S_OK;
}

static c2s_status check_nodes(const c2s_model *model) {
    for (size_t i = 0; i < model->nodes.count; i++) {
        const c2s_node *node = model->nodes.at[i];
        if (!node || !node->op || node->op == &c2s_op_opaque)
            continue;
        c2s_status status = check_attributes(node);
        if (status == C2S_OK)
            status = check_operands(node);
        if (status != C2S_OK) {
            c2s_note("%s", c2s_node_text(node));
            return status;
        }
    }
    return C2S_OK;
}

c2s_status c2s_model_normalise(c2s_model *model) {
    int64_t opset = c2s_model_opset(model, "");
    c2s_raise r = {.model = model};
    c2s_status status = raise_whole(&r, model->graph, effective_opset(model));
    const int64_t needs = r.needs, ir = c2s_opset_ir_version(needs);
    for (size_t i = 0; status == C2S_OK && i < model->functions.count; i++)
        status = raise_function(&r, model->functions.at[i]);
    if (status == C2S_OK)
        status = check_nodes(model);
    if (status != C2S_OK || opset >= needs)
        return status;
    c2s_model_set_opset(model, "", needs);
    if (model->ir_version < ir)
        model->ir_version = ir;
    return C2S_OK;
}

c2s_status c2s_model_infer_copy(const c2s_model *model, c2s_model **out) {
    c2s_model *copy = c2s_model_copy(model);
    c2s_graph_seal_inputs(copy->graph);
    c2s_status status = c2s_model_normalise(copy);
    if (status == C2S_OK)
        status = c2s_model_inline(copy, 0);
    if (status == C2S_OK)
        status = c2s_graph_infer(copy->graph);
    if (status != C2S_OK) {
        c2s_model_destroy(copy);
        copy = NULL;
    }
    *out = copy;
    return status;
}
