/* SPDX-License-Identifier: Apache-2.0 */
#include "io/load_function.h"

#include <string.h>

#include "io/load_attr.h"
#include "io/load_graph.h"
#include "ir/function_calls.h"

static const char *text_of(const char *text) {
    return text ? text : "";
}

static const char *plain_domain(c2s_model *model, const char *text) {
    const char *domain = text_of(text);
    return c2s_name_intern(model->names, strcmp(domain, "ai.onnx") == 0 ? "" : domain);
}

static c2s_status load_function(c2s_model *model, const Onnx__FunctionProto *proto,
                                c2s_function *f) {
    f->origin = proto;
    for (size_t i = 0; i < proto->n_attribute; i++)
        c2s_vec_push(&f->attrs, c2s_name_intern(model->names, text_of(proto->attribute[i])));
    for (size_t i = 0; i < proto->n_attribute_proto; i++) {
        c2s_attr_kind kind = c2s_attr_proto_kind(proto->attribute_proto[i]);
        if (kind != C2S_ATTR_GRAPH && kind != C2S_ATTR_GRAPHS)
            C2S_TRY(c2s_attr_load(f->graph->entry, proto->attribute_proto[i], model->origin));
    }
    for (size_t i = 0; i < proto->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *opset = proto->opset_import[i];
        c2s_opset entry = {plain_domain(model, opset->domain), opset->version, opset};
        c2s_vec_push(&f->opsets, entry);
    }
    return c2s_graph_load_function(f->graph, proto, model->origin);
}

/* ---- circles and chains ---- */

static c2s_status load_all(c2s_model *model, const Onnx__ModelProto *proto) {
    for (size_t i = 0; i < proto->n_functions; i++) {
        const Onnx__FunctionProto *from = proto->functions[i];
        c2s_function *f = c2s_arena_alloc(model->arena, sizeof *f);
        f->domain = plain_domain(model, from->domain);
        f->name = c2s_name_intern(model->names, text_of(from->name));
        f->overload = c2s_name_intern(model->names, text_of(from->overload));
        f->graph = c2s_graph_create(model, NULL, f->name);
        c2s_vec_push(&model->functions, f);
        c2s_status status = load_function(model, from, f);
        if (status != C2S_OK) {
            c2s_note("function \"%s\"", f->name);
            return status;
        }
    }
    return C2S_OK;
}

c2s_status c2s_functions_load(c2s_model *model, const Onnx__ModelProto *proto) {
    C2S_TRY(load_all(model, proto));
    return c2s_functions_check(model);
}
