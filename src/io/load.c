/* SPDX-License-Identifier: Apache-2.0 */
#include "io/load.h"

#include <string.h>

#include "io/load_function.h"
#include "io/load_graph.h"
#include "io/load_message.h"
#include "io/text.h"

static const char *text_of(const char *text) {
    return text ? text : "";
}

static c2s_status load_opsets(c2s_model *model, const Onnx__ModelProto *proto) {
    for (size_t i = 0; i < proto->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *opset = proto->opset_import[i];
        const char *domain = text_of(opset->domain);
        if (strcmp(domain, "ai.onnx") == 0)
            domain = "";
        c2s_opset entry = {c2s_name_intern(model->names, domain), opset->version, opset};
        c2s_vec_push(&model->opsets, entry);
    }
    return C2S_OK;
}

static c2s_status fill_model(c2s_model *model, const Onnx__ModelProto *proto) {
    if (!proto->graph)
        return c2s_fail(C2S_ERR_INVALID, "found no graph, expected an ONNX model");
    model->ir_version = proto->ir_version;
    C2S_TRY(load_opsets(model, proto));
    C2S_TRY(c2s_functions_load(model, proto));
    return c2s_graph_load(model->graph, proto->graph, model->origin);
}

/* Takes over the reference of `origin`. */
static c2s_status build_model(const char *path, struct c2s_origin *origin, c2s_model **out) {
    const char *shown = strcmp(path, "-") == 0 ? "standard input" : path;
    c2s_model *model = c2s_model_create();
    model->origin = origin;
    model->path = c2s_arena_strdup(model->arena, path);
    c2s_status status = fill_model(model, origin->message);
    if (status != C2S_OK) {
        c2s_model_destroy(model);
        c2s_note("%s", shown);
        return status;
    }
    *out = model;
    return C2S_OK;
}

c2s_status c2s_model_load(const char *path, c2s_model **out) {
    struct c2s_origin *origin;
    *out = NULL;
    if (c2s_text_is_path(path))
        return c2s_text_load(path, out);
    C2S_TRY(c2s_message_load(path, &onnx__model_proto__descriptor, &origin));
    return build_model(path, origin, out);
}

c2s_status c2s_model_load_memory(void *data, size_t size, const char *path, c2s_model **out) {
    struct c2s_origin *origin;
    *out = NULL;
    C2S_TRY(c2s_message_parse(data, size, path, &onnx__model_proto__descriptor, &origin));
    return build_model(path, origin, out);
}

const char *c2s_load_library_version(void) {
    return protobuf_c_version();
}
