/* SPDX-License-Identifier: Apache-2.0 */
/* Models that ONNX Runtime's JavaScript interface can run, whatever their inputs and outputs are: it
 * knows tensors of float, double, float16, string, bool and integers of 8 bits and more. Inputs of
 * other types become constants, outputs of other types are taken apart:
 *
 *     tensor of another type    its elements as float
 *     sequence                  its length, then its items
 *     optional                  whether it has an element, then the element
 */
#ifndef C2S_TESTS_OBSERVABLE_H
#define C2S_TESTS_OBSERVABLE_H

#include "onnx_cases.h"
#include "unit/make_proto.h"

static inline bool observable_dtype(c2s_dtype dtype) {
    return (dtype >= C2S_FLOAT && dtype <= C2S_UINT64);
}

static inline bool observable(const c2s_tensor *tensor) {
    return tensor->type.kind == C2S_KIND_TENSOR && observable_dtype(tensor->type.dtype);
}

/* ---- values ---- */

typedef C2S_VEC(c2s_tensor *) observed_list;

static inline void observed_free(observed_list *list) {
    for (size_t k = 0; k < list->count; k++)
        c2s_tensor_unref(list->at[k]);
    c2s_vec_free(list);
}

static inline void observe_number(c2s_dtype dtype, int64_t number, observed_list *list) {
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_i64(dtype, 0, NULL, &number, &tensor), C2S_OK);
    c2s_vec_push(list, tensor);
}

/* Appends what is seen of `value`. */
static inline void observe_value(const c2s_tensor *value, observed_list *list) {
    if (observable(value)) {
        c2s_vec_push(list, c2s_tensor_ref(value));
    } else if (value->type.kind == C2S_KIND_TENSOR) {
        c2s_tensor *floats;
        assert_int_equal(
            c2s_tensor_create(C2S_FLOAT, value->type.rank, value->type.dim, &floats), C2S_OK);
        for (size_t k = 0; k < value->count; k++)
            ((float *)c2s_tensor_mutable(floats))[k] = (float)c2s_tensor_f64_at(value, k);
        c2s_vec_push(list, floats);
    } else {
        const bool is_sequence = value->type.kind == C2S_KIND_SEQUENCE;
        observe_number(is_sequence ? C2S_INT64 : C2S_BOOL, (int64_t)value->count, list);
        for (size_t k = 0; k < value->count; k++)
            observe_value(c2s_tensor_item(value, k), list);
    }
}

/* ---- models ---- */

static inline Onnx__ValueInfoProto *observed_info(const char *name, c2s_dtype dtype) {
    Onnx__ValueInfoProto *info = proto_info(name, 1);
    info->type->tensor_type->elem_type = (int)dtype;
    info->type->tensor_type->shape = NULL;
    return info;
}

static inline const char *observed_name(const char *name, const char *what, size_t k) {
    char text[256];
    snprintf(text, sizeof text, "%s/%s%zu", name, what, k);
    return proto_text(text);
}

static inline void observed_output(Onnx__GraphProto *graph, const char *name, c2s_dtype dtype) {
    PROTO_ADD(graph->n_output, graph->output, observed_info(name, dtype));
}

/* A node with its names as they are, commas included. */
static inline Onnx__NodeProto *observed_node(const char *type, const char *const *inputs,
                                             size_t count, const char *output) {
    Onnx__NodeProto *node = new_node_proto();
    node->op_type = proto_text(type);
    for (size_t k = 0; k < count; k++)
        PROTO_ADD(node->n_input, node->input, proto_text(inputs[k]));
    PROTO_ADD(node->n_output, node->output, proto_text(output));
    return node;
}

static inline void observed_append(Onnx__GraphProto *graph, Onnx__NodeProto *node) {
    PROTO_ADD(graph->n_node, graph->node, node);
}

/* Makes the value `name`, which is expected to be like `want`, an output as observe_value has it. */
static inline void observe_output(Onnx__GraphProto *graph, const char *name,
                                  const c2s_tensor *want) {
    if (observable(want)) {
        observed_output(graph, name, want->type.dtype);
        return;
    }
    if (want->type.kind == C2S_KIND_TENSOR) {
        const char *floats = observed_name(name, "float", 0);
        Onnx__NodeProto *cast = observed_node("Cast", &name, 1, floats);
        Onnx__AttributeProto *to =
            add_attribute(cast, "to", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
        to->has_i = 1;
        to->i = C2S_FLOAT;
        observed_append(graph, cast);
        observed_output(graph, floats, C2S_FLOAT);
        return;
    }
    const bool is_sequence = want->type.kind == C2S_KIND_SEQUENCE;
    const char *count = observed_name(name, "count", 0);
    observed_append(graph, observed_node(is_sequence ? "SequenceLength" : "OptionalHasElement",
                                         &name, 1, count));
    observed_output(graph, count, is_sequence ? C2S_INT64 : C2S_BOOL);
    for (size_t k = 0; k < want->count; k++) {
        const char *item = observed_name(name, "item", k);
        const char *inputs[2] = {name, observed_name(name, "index", k)};
        if (is_sequence) {
            Onnx__TensorProto *index = new_tensor_proto();
            index->name = proto_text(inputs[1]);
            index->has_data_type = 1;
            index->data_type = C2S_INT64;
            PROTO_ADD(index->n_int64_data, index->int64_data, (int64_t)k);
            PROTO_ADD(graph->n_initializer, graph->initializer, index);
        }
        observed_append(graph, observed_node(is_sequence ? "SequenceAt" : "OptionalGetElement",
                                             inputs, is_sequence ? 2 : 1, item));
        observe_output(graph, item, c2s_tensor_item(want, k));
    }
}

static inline void *observed_unpack(const char *path, const ProtobufCMessageDescriptor *type) {
    void *data = NULL;
    size_t size;
    if (c2s_file_read(path, SIZE_MAX / 4, &data, &size) != C2S_OK)
        fail_msg("%s", c2s_error());
    ProtobufCAllocator allocator = proto_allocator();
    void *message = protobuf_c_message_unpack(type, &allocator, size, data);
    free(data);
    assert_non_null(message);
    return message;
}

static inline void observed_constant(Onnx__GraphProto *graph, const Onnx__TensorProto *tensor,
                                     const char *name) {
    Onnx__TensorProto *copy = new_tensor_proto();
    *copy = *tensor;
    copy->name = proto_text(name);
    PROTO_ADD(graph->n_initializer, graph->initializer, copy);
}

typedef C2S_VEC(Onnx__NodeProto *) observed_nodes;

static inline void observed_sequence(Onnx__GraphProto *graph, const Onnx__SequenceProto *sequence,
                                     const c2s_type *element, const char *name,
                                     observed_nodes *nodes) {
    C2S_VEC(const char *) items = {0};
    for (size_t k = 0; k < sequence->n_tensor_values; k++) {
        c2s_vec_push(&items, observed_name(name, "item", k));
        observed_constant(graph, sequence->tensor_values[k], items.at[k]);
    }
    Onnx__NodeProto *node = observed_node(items.count ? "SequenceConstruct" : "SequenceEmpty",
                                          items.at, items.count, name);
    if (!items.count) {
        Onnx__AttributeProto *dtype =
            add_attribute(node, "dtype", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
        dtype->has_i = 1;
        dtype->i = element->dtype;
    }
    c2s_vec_push(nodes, node);
    c2s_vec_free(&items);
}

/* The input `info` becomes what `file` stores; nodes that make it are added to `nodes`. */
static inline void observed_input(Onnx__GraphProto *graph, const Onnx__ValueInfoProto *info,
                                  const c2s_type *type, const char *file, observed_nodes *nodes) {
    const char *name = info->name;
    if (type->kind == C2S_KIND_TENSOR) {
        observed_constant(graph, observed_unpack(file, &onnx__tensor_proto__descriptor), name);
    } else if (type->kind == C2S_KIND_SEQUENCE) {
        observed_sequence(graph, observed_unpack(file, &onnx__sequence_proto__descriptor),
                          type->element, name, nodes);
    } else {
        const Onnx__OptionalProto *optional =
            observed_unpack(file, &onnx__optional_proto__descriptor);
        const char *element = observed_name(name, "element", 0);
        const bool present = optional->tensor_value || optional->sequence_value;
        if (optional->tensor_value)
            observed_constant(graph, optional->tensor_value, element);
        if (optional->sequence_value)
            observed_sequence(graph, optional->sequence_value, type->element->element, element,
                              nodes);
        Onnx__NodeProto *node = observed_node("Optional", &element, present ? 1 : 0, name);
        if (!present) {
            Onnx__AttributeProto *of =
                add_attribute(node, "type", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TYPE_PROTO);
            of->tp = info->type->optional_type->elem_type;
        }
        c2s_vec_push(nodes, node);
    }
}

/* Writes to `to` what can be seen of the model in `file` with the inputs of the folder `set`, and
 * appends to `job` the names and files of the inputs that remain: "<tab>NAME<tab>FILE" each.
 * `graph` and `data` are those of the case. */
static inline void observable_write(const char *file, const char *set, const c2s_graph *graph,
                                    const case_data *data, const char *to, FILE *job) {
    proto_setup(NULL);
    Onnx__ModelProto *model = observed_unpack(file, &onnx__model_proto__descriptor);
    Onnx__GraphProto *g = model->graph;
    observed_nodes nodes = {0};
    char input[PATH_MAX];
    for (unsigned k = 0; k < c2s_graph_input_count(graph); k++) {
        const c2s_value *value = c2s_graph_input(graph, k);
        size_t at = 0;
        if (!data->in[k])
            continue;
        case_path(input, "%s/input_%u.pb", set, k);
        if (observable(data->in[k])) {
            fprintf(job, "\t%s\t%s", value->name, input);
            continue;
        }
        while (at < g->n_input && strcmp(g->input[at]->name, value->name) != 0)
            at++;
        assert_true(at < g->n_input);
        observed_input(g, g->input[at], &value->type, input, &nodes);
        memmove(g->input + at, g->input + at + 1, (--g->n_input - at) * sizeof *g->input);
    }
    for (size_t k = 0; k < g->n_node; k++)
        c2s_vec_push(&nodes, g->node[k]);
    g->node = nodes.at;
    g->n_node = nodes.count;
    const size_t outputs = g->n_output;
    Onnx__ValueInfoProto **output = g->output;
    g->output = NULL;
    g->n_output = 0;
    for (size_t k = 0; k < outputs; k++)
        if (data->want[k] && observable(data->want[k]))
            PROTO_ADD(g->n_output, g->output, output[k]);
        else
            observe_output(g, output[k]->name, data->want[k]);
    size_t size;
    void *bytes = proto_pack(&model->base, &size);
    FILE *stream = fopen(to, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
    free(bytes);
    c2s_vec_free(&nodes);
    proto_teardown(NULL);
}

#endif
