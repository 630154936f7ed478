/* SPDX-License-Identifier: Apache-2.0 */
#include "io/load_attr.h"

#include "io/load_tensor.h"
#include "io/load_type.h"

c2s_attr_kind c2s_attr_proto_kind(const Onnx__AttributeProto *proto) {
    if (proto->has_type && proto->type > 0 && proto->type <= (int)C2S_ATTR_TYPES)
        return (c2s_attr_kind)proto->type;
    if (proto->has_type && proto->type != 0)
        return C2S_ATTR_UNDEFINED; /* of a later standard */
    if (proto->has_f)
        return C2S_ATTR_FLOAT;
    if (proto->has_i)
        return C2S_ATTR_INT;
    if (proto->has_s)
        return C2S_ATTR_STRING;
    if (proto->t)
        return C2S_ATTR_TENSOR;
    if (proto->g)
        return C2S_ATTR_GRAPH;
    if (proto->n_floats)
        return C2S_ATTR_FLOATS;
    if (proto->n_ints)
        return C2S_ATTR_INTS;
    if (proto->n_strings)
        return C2S_ATTR_STRINGS;
    if (proto->n_tensors)
        return C2S_ATTR_TENSORS;
    return proto->n_graphs ? C2S_ATTR_GRAPHS : C2S_ATTR_UNDEFINED;
}

static c2s_string load_string(c2s_model *model, const ProtobufCBinaryData *bytes) {
    const char *text = bytes->len ? (const char *)bytes->data : "";
    return (c2s_string){c2s_arena_memdup(model->arena, text, bytes->len), bytes->len};
}

static const c2s_string *load_strings(c2s_model *model, const Onnx__AttributeProto *proto) {
    c2s_string *strings = c2s_arena_array(model->arena, proto->n_strings, sizeof *strings);
    for (size_t i = 0; i < proto->n_strings; i++)
        strings[i] = load_string(model, &proto->strings[i]);
    return strings;
}

static c2s_status load_tensors(c2s_model *model, const Onnx__AttributeProto *proto,
                               struct c2s_origin *origin, c2s_attr *attr) {
    c2s_tensor **tensors = c2s_arena_array(model->arena, proto->n_tensors, sizeof *tensors);
    for (size_t i = 0; i < proto->n_tensors; i++) {
        c2s_status status = c2s_tensor_load(proto->tensors[i], origin, &tensors[i]);
        if (status != C2S_OK) {
            while (i-- > 0)
                c2s_tensor_unref(tensors[i]);
            return status;
        }
    }
    attr->tensors = (const c2s_tensor *const *)tensors;
    return C2S_OK;
}

/* Bodies are found by counting: a node with thousands of them would take forever. */
#define BODIES_MAX 16

static c2s_graph *new_body(c2s_node *node, const Onnx__GraphProto *proto) {
    c2s_graph *body = c2s_graph_create(node->graph->model, node, proto->name ? proto->name : "");
    body->origin = proto;
    return body;
}

static c2s_status load_single(c2s_node *node, const Onnx__AttributeProto *proto,
                              struct c2s_origin *origin, c2s_attr *attr) {
    c2s_model *model = node->graph->model;
    switch (attr->kind) {
    case C2S_ATTR_FLOAT:
        attr->f = proto->f;
        return C2S_OK;
    case C2S_ATTR_INT:
        attr->i = proto->i;
        return C2S_OK;
    case C2S_ATTR_STRING:
        attr->s = load_string(model, &proto->s);
        return C2S_OK;
    case C2S_ATTR_TENSOR:
        if (!proto->t)
            return c2s_fail(C2S_ERR_INVALID, "found no tensor");
        c2s_tensor *tensor;
        C2S_TRY(c2s_tensor_load(proto->t, origin, &tensor));
        attr->t = tensor;
        return C2S_OK;
    case C2S_ATTR_GRAPH:
        if (!proto->g)
            return c2s_fail(C2S_ERR_INVALID, "found no graph");
        attr->g = new_body(node, proto->g);
        return C2S_OK;
    default:
        if (proto->tp) {
            c2s_type *type = c2s_arena_alloc(model->arena, sizeof *type);
            *type = c2s_type_load(model, proto->tp);
            attr->type = type;
        }
        return C2S_OK;
    }
}

static c2s_status load_list(c2s_node *node, const Onnx__AttributeProto *proto,
                            struct c2s_origin *origin, c2s_attr *attr) {
    c2s_model *model = node->graph->model;
    switch (attr->kind) {
    case C2S_ATTR_FLOATS:
        attr->floats = proto->floats;
        attr->count = proto->n_floats;
        return C2S_OK;
    case C2S_ATTR_INTS:
        attr->ints = proto->ints;
        attr->count = proto->n_ints;
        return C2S_OK;
    case C2S_ATTR_STRINGS:
        attr->strings = load_strings(model, proto);
        attr->count = proto->n_strings;
        return C2S_OK;
    case C2S_ATTR_TENSORS:
        C2S_TRY(load_tensors(model, proto, origin, attr));
        attr->count = proto->n_tensors;
        return C2S_OK;
    case C2S_ATTR_GRAPHS: {
        c2s_graph **graphs = c2s_arena_array(model->arena, proto->n_graphs, sizeof *graphs);
        for (size_t i = 0; i < proto->n_graphs; i++)
            graphs[i] = new_body(node, proto->graphs[i]);
        attr->graphs = graphs;
        attr->count = proto->n_graphs;
        return C2S_OK;
    }
    default:
        attr->count = attr->kind == C2S_ATTR_SPARSES ? proto->n_sparse_tensors
                      : attr->kind == C2S_ATTR_TYPES ? proto->n_type_protos
                                                     : 0;
        return C2S_OK;
    }
}

c2s_status c2s_attr_load(c2s_node *node, const Onnx__AttributeProto *proto,
                         struct c2s_origin *origin) {
    c2s_model *model = node->graph->model;
    const char *name = proto->name ? proto->name : "";
    c2s_attr attr = {.name = c2s_name_intern(model->names, name), .origin = proto};
    if (proto->ref_attr_name && proto->ref_attr_name[0]) {
        attr.reference = c2s_name_intern(model->names, proto->ref_attr_name);
        attr.reference_kind = c2s_attr_proto_kind(proto);
        c2s_attr_append(node, &attr);
        return C2S_OK;
    }
    attr.kind = c2s_attr_proto_kind(proto);
    c2s_status status;
    switch (attr.kind) {
    case C2S_ATTR_FLOAT:
    case C2S_ATTR_INT:
    case C2S_ATTR_STRING:
    case C2S_ATTR_TENSOR:
    case C2S_ATTR_GRAPH:
    case C2S_ATTR_TYPE:
        attr.count = 1;
        status = load_single(node, proto, origin, &attr);
        break;
    default:
        status = load_list(node, proto, origin, &attr);
    }
    if (status != C2S_OK) {
        c2s_note("attribute \"%s\"", name);
        return status;
    }
    c2s_attr_append(node, &attr);
    if ((attr.kind == C2S_ATTR_GRAPH || attr.kind == C2S_ATTR_GRAPHS) &&
        c2s_node_body(node, BODIES_MAX))
        return c2s_fail(C2S_ERR_UNSUPPORTED, "found more than %d bodies", BODIES_MAX);
    return C2S_OK;
}
