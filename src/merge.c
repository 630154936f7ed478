/* SPDX-License-Identifier: Apache-2.0
 *
 * Two models as one: the second runs behind the first, on its results, or beside it.
 */
#include <stdlib.h>
#include <string.h>

#include "c2s.h"
#include "io/normalise.h"
#include "io/opset.h"
#include "ir/graph.h"
#include "ops/infer.h"

/* ---- one opset for both ---- */

static c2s_status raise(c2s_model *model, int64_t opset) {
    C2S_TRY(c2s_model_normalise(model));
    C2S_TRY(c2s_graph_infer(model->graph));
    if (c2s_model_opset(model, "") == opset)
        return C2S_OK;
    return c2s_model_convert_opset(model, opset, NULL);
}

static c2s_status agree_on_others(c2s_model *first, const c2s_model *second) {
    for (size_t i = 0; i < second->opsets.count; i++) {
        const c2s_opset *opset = &second->opsets.at[i];
        int64_t version = c2s_model_opset(first, opset->domain);
        if (version == 0)
            c2s_model_set_opset(first, opset->domain, opset->version);
        else if (version != opset->version)
            return c2s_fail(C2S_ERR_UNSUPPORTED, "the models import versions %lld and %lld of %s",
                            (long long)version, (long long)opset->version,
                            opset->domain[0] ? opset->domain : "ai.onnx");
    }
    return C2S_OK;
}

static c2s_status agree_on_opset(c2s_model *first, c2s_model *second) {
    int64_t a = c2s_model_opset(first, ""), b = c2s_model_opset(second, "");
    if (a != b && a > 0 && b > 0) {
        C2S_TRY(c2s_model_normalise(first));
        C2S_TRY(c2s_model_normalise(second));
        a = c2s_model_opset(first, "");
        b = c2s_model_opset(second, "");
        C2S_TRY(raise(a < b ? first : second, a < b ? b : a));
    }
    return agree_on_others(first, second);
}

/* ---- connections ---- */

typedef struct merger {
    c2s_model *first, *second;
    c2s_value **inputs;  /* per input of the second */
    c2s_value **outputs; /* per output of the second */
    bool *used;          /* per output of the first: it is connected */
} merger;

static int find_output(const c2s_graph *graph, const char *name) {
    for (unsigned i = 0; i < c2s_graph_output_count(graph); i++)
        if (strcmp(c2s_graph_output_name(graph, i), name) == 0)
            return (int)i;
    return -1;
}

static int find_input(const c2s_graph *graph, const char *name) {
    for (unsigned i = 0; i < c2s_graph_input_count(graph); i++)
        if (strcmp(c2s_graph_input(graph, i)->name, name) == 0)
            return (int)i;
    return -1;
}

/* The type of a value of the first model that is to be an input of the second; false: it does not
 * fit. */
static bool merged_type(const merger *m, const c2s_value *value, const c2s_value *input,
                        c2s_type *type) {
    *type = input->type;
    for (int i = 0; i < type->rank; i++)
        type->dim[i] = c2s_dim_import(m->first->dims, m->second->dims, type->dim[i]);
    return c2s_type_merge(type, &value->type);
}

static c2s_status connect(merger *m, unsigned output, unsigned input) {
    c2s_value *from = c2s_graph_output(m->first->graph, output);
    const c2s_value *to = c2s_graph_input(m->second->graph, input);
    char a[160], b[160];
    c2s_type both;
    if (!merged_type(m, from, to, &both))
        return c2s_fail(C2S_ERR_INVALID, "output \"%s\" is %s, input \"%s\" is %s",
                        c2s_graph_output_name(m->first->graph, output),
                        c2s_type_text(m->first->dims, &from->type, a, sizeof a), to->name,
                        c2s_type_text(m->second->dims, &to->type, b, sizeof b));
    if (m->inputs[input])
        return c2s_fail(C2S_ERR_USAGE, "input \"%s\" is connected twice", to->name);
    m->inputs[input] = from;
    m->used[output] = true;
    return C2S_OK;
}

static c2s_status connect_by_name(merger *m, const c2s_connection *connection) {
    int output = find_output(m->first->graph, connection->output);
    int input = find_input(m->second->graph, connection->input);
    if (output < 0)
        return c2s_fail(C2S_ERR_USAGE, "the first model has no output \"%s\"", connection->output);
    if (input < 0)
        return c2s_fail(C2S_ERR_USAGE, "the second model has no input \"%s\"", connection->input);
    return connect(m, (unsigned)output, (unsigned)input);
}

/* What has the same name; else the only output with the only input. */
static c2s_status connect_naturally(merger *m) {
    unsigned outputs = c2s_graph_output_count(m->first->graph), count = 0, needed = 0, last = 0;
    for (unsigned i = 0; i < c2s_graph_input_count(m->second->graph); i++) {
        const c2s_value *input = c2s_graph_input(m->second->graph, i);
        int output = find_output(m->first->graph, input->name);
        if (output >= 0) {
            C2S_TRY(connect(m, (unsigned)output, i));
            count++;
        }
        needed += !input->initial;
        last = input->initial ? last : i;
    }
    if (count > 0)
        return C2S_OK;
    if (outputs == 1 && needed == 1)
        return connect(m, 0, last);
    return c2s_fail(C2S_ERR_USAGE, "no output of the first model has the name of an input of the "
                                   "second: say which belong together");
}

/* Inputs of the same name and type are one. */
static void share_inputs(merger *m) {
    for (unsigned i = 0; i < c2s_graph_input_count(m->second->graph); i++) {
        const c2s_value *input = c2s_graph_input(m->second->graph, i);
        int same = find_input(m->first->graph, input->name);
        c2s_type type;
        if (same < 0 || m->inputs[i])
            continue;
        c2s_value *other = c2s_graph_input(m->first->graph, (unsigned)same);
        if (merged_type(m, other, input, &type))
            m->inputs[i] = other;
    }
}

/* ---- the result ---- */

static void add_outputs(merger *m) {
    c2s_graph *graph = m->first->graph;
    unsigned count = c2s_graph_output_count(graph), more = c2s_graph_output_count(m->second->graph);
    c2s_value **values = c2s_alloc_array(count + 1, sizeof(c2s_value *));
    const char **names = c2s_alloc_array(count + 1, sizeof(char *));
    for (unsigned i = 0; i < count; i++) {
        values[i] = c2s_graph_output(graph, i);
        names[i] = c2s_graph_output_name(graph, i);
    }
    c2s_node_resize_inputs(graph->exit, 0);
    for (unsigned i = 0; i < count; i++)
        if (!m->used[i])
            c2s_graph_add_output(graph, values[i], names[i]);
    for (unsigned i = 0; i < more; i++)
        c2s_graph_add_output(graph, m->outputs[i], m->outputs[i]->name);
    free(values);
    free(names);
}

static c2s_status merge(merger *m, const c2s_merge_options *o) {
    C2S_TRY(agree_on_opset(m->first, m->second));
    for (unsigned i = 0; i < o->connection_count; i++)
        C2S_TRY(connect_by_name(m, &o->connections[i]));
    if (o->connection_count == 0 && !o->parallel)
        C2S_TRY(connect_naturally(m));
    if (o->share)
        share_inputs(m);
    C2S_TRY(c2s_model_append(m->first, m->second, m->inputs, m->outputs));
    add_outputs(m);
    if (m->first->ir_version < m->second->ir_version)
        m->first->ir_version = m->second->ir_version;
    C2S_TRY(c2s_model_verify(m->first));
    c2s_model *check = c2s_model_copy(m->first);
    c2s_status status = c2s_model_normalise(check);
    if (status == C2S_OK)
        status = c2s_graph_infer(check->graph);
    c2s_model_destroy(check);
    if (status == C2S_ERR_UNSUPPORTED) { /* that can be said of the parts, too */
        c2s_error_clear();
        status = C2S_OK;
    }
    return status;
}

c2s_status c2s_model_merge(c2s_model *first, c2s_model *second, const c2s_merge_options *options) {
    static const c2s_merge_options defaults = {0};
    unsigned inputs = c2s_graph_input_count(second->graph);
    merger m = {.first = first, .second = second};
    m.inputs = c2s_zalloc((inputs + 1) * sizeof(c2s_value *));
    m.outputs = c2s_zalloc((c2s_graph_output_count(second->graph) + 1) * sizeof(c2s_value *));
    m.used = c2s_zalloc(c2s_graph_output_count(first->graph) + 1);
    c2s_status status = merge(&m, options ? options : &defaults);
    free(m.inputs);
    free(m.outputs);
    free(m.used);
    return status;
}
