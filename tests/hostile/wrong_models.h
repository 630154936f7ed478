/* SPDX-License-Identifier: Apache-2.0
 *
 * Models that break the format's rules, each in one way: all must be refused as invalid (status 3).
 */
#ifndef C2S_TESTS_WRONG_MODELS_H
#define C2S_TESTS_WRONG_MODELS_H

#include "unit/make_proto.h"

/* ---- names and edges ---- */

static void wrong_cycle(Onnx__ModelProto *m) {
    add_node(m->graph, "Add", "y,b", "a");
    add_node(m->graph, "Relu", "a", "b");
}
static void wrong_own_input(Onnx__ModelProto *m) {
    add_node(m->graph, "Relu", "a", "a");
}
static void wrong_dangling_input(Onnx__ModelProto *m) {
    add_node(m->graph, "Add", "x,nowhere", "a");
}
static void wrong_dangling_output(Onnx__ModelProto *m) {
    add_output(m->graph, "nothing", 4);
}
static void wrong_value_twice(Onnx__ModelProto *m) {
    add_node(m->graph, "Abs", "x", "y");
}
static void wrong_input_twice(Onnx__ModelProto *m) {
    add_input(m->graph, "x", 4);
}
static void wrong_initializer_twice(Onnx__ModelProto *m) {
    add_initializer(m->graph, "w", 2);
    add_initializer(m->graph, "w", 2);
}
static void wrong_node_redefines_input(Onnx__ModelProto *m) {
    add_node(m->graph, "Abs", "x", "x");
}
static void wrong_node_redefines_initializer(Onnx__ModelProto *m) {
    add_initializer(m->graph, "w", 4);
    add_node(m->graph, "Abs", "x", "w");
}
static void wrong_nameless_input(Onnx__ModelProto *m) {
    add_input(m->graph, "", 4);
}
static void wrong_nameless_initializer(Onnx__ModelProto *m) {
    add_initializer(m->graph, "", 4);
}
static void wrong_name_encoding(Onnx__ModelProto *m) {
    m->graph->node[0]->name = proto_text("\xff\xfe");
}
static void wrong_value_encoding(Onnx__ModelProto *m) {
    m->graph->input[0]->name = m->graph->node[0]->input[0] = proto_text("a\xc0\x80");
}
static void wrong_no_operator(Onnx__ModelProto *m) {
    m->graph->node[0]->op_type = NULL;
}
static void wrong_no_graph(Onnx__ModelProto *m) {
    m->graph = NULL;
}

/* ---- tensors ---- */

static Onnx__TensorProto *wrong_weight(Onnx__ModelProto *m) {
    Onnx__TensorProto *tensor = add_initializer(m->graph, "w", 4);
    add_node(m->graph, "Add", "x,w", "s");
    return tensor;
}
static void wrong_negative_extent(Onnx__ModelProto *m) {
    wrong_weight(m)->dims[0] = -4;
}
static void wrong_huge_extent(Onnx__ModelProto *m) {
    wrong_weight(m)->dims[0] = INT64_MAX;
}
static void wrong_overflow(Onnx__ModelProto *m) {
    Onnx__TensorProto *w = wrong_weight(m);
    w->n_dims = 0;
    for (int i = 0; i < 4; i++)
        PROTO_ADD(w->n_dims, w->dims, (int64_t)1 << 32);
}
static void wrong_overflow_to_zero(Onnx__ModelProto *m) {
    wrong_overflow(m);
    m->graph->initializer[0]->raw_data.len = 0; /* 2^128 elements, modulo 2^64 */
}
static void wrong_short_data(Onnx__ModelProto *m) {
    wrong_weight(m)->raw_data.len = 15;
}
static void wrong_long_data(Onnx__ModelProto *m) {
    Onnx__TensorProto *w = wrong_weight(m);
    *w = *proto_raw("w", C2S_FLOAT, 4, 17);
}
static void wrong_no_data(Onnx__ModelProto *m) {
    wrong_weight(m)->has_raw_data = 0;
}
static void wrong_few_numbers(Onnx__ModelProto *m) {
    Onnx__TensorProto *w = wrong_weight(m);
    w->has_raw_data = 0;
    PROTO_ADD(w->n_float_data, w->float_data, 1.0f);
}
static void wrong_field_of_data(Onnx__ModelProto *m) {
    Onnx__TensorProto *w = wrong_weight(m);
    w->has_raw_data = 0;
    for (int i = 0; i < 4; i++)
        PROTO_ADD(w->n_int64_data, w->int64_data, i);
}
static void wrong_no_type(Onnx__ModelProto *m) {
    wrong_weight(m)->data_type = 0;
}
static void wrong_unknown_type(Onnx__ModelProto *m) {
    wrong_weight(m)->data_type = -1;
}
static void wrong_sparse_index(Onnx__ModelProto *m) {
    Onnx__SparseTensorProto *sparse = new_sparse_tensor_proto();
    sparse->values = proto_raw("w", C2S_FLOAT, 1, 4);
    sparse->indices = proto_raw("", C2S_INT64, 1, 8);
    memset(sparse->indices->raw_data.data, 0x7f, 8);
    PROTO_ADD(sparse->n_dims, sparse->dims, 4);
    PROTO_ADD(m->graph->n_sparse_initializer, m->graph->sparse_initializer, sparse);
    add_node(m->graph, "Add", "x,w", "s");
}
static void wrong_external_nowhere(Onnx__ModelProto *m) {
    Onnx__TensorProto *w = wrong_weight(m);
    w->has_raw_data = 0;
    w->has_data_location = 1;
    w->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}
static void wrong_external_path(Onnx__ModelProto *m) {
    wrong_external_nowhere(m);
    Onnx__TensorProto *w = m->graph->initializer[0];
    Onnx__StringStringEntryProto *entry = new_string_string_entry_proto();
    entry->key = proto_text("location");
    entry->value = proto_text("../../../../etc/passwd");
    PROTO_ADD(w->n_external_data, w->external_data, entry);
}

/* ---- attributes and types ---- */

static Onnx__NodeProto *wrong_node(Onnx__ModelProto *m, const char *type, const char *inputs) {
    Onnx__NodeProto *node = add_node(m->graph, type, inputs, "r");
    add_output(m->graph, "r", 4);
    return node;
}
static void wrong_attribute_type(Onnx__ModelProto *m) {
    Onnx__AttributeProto *axis = add_attribute(wrong_node(m, "Softmax", "x"), "axis",
                                               ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    axis->has_f = 1;
}
static void wrong_attribute_without_name(Onnx__ModelProto *m) {
    add_attribute(wrong_node(m, "Softmax", "x"), "", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
}
static void wrong_attribute_twice(Onnx__ModelProto *m) {
    Onnx__NodeProto *node = wrong_node(m, "Softmax", "x");
    for (int i = 0; i < 2; i++)
        add_attribute(node, "axis", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT)->has_i = 1;
}
static void wrong_attribute_missing(Onnx__ModelProto *m) {
    wrong_node(m, "Cast", "x"); /* has to say to what */
}
static void wrong_no_tensor(Onnx__ModelProto *m) {
    add_attribute(wrong_node(m, "Constant", ""), "value",
                  ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR);
}
static void wrong_no_body(Onnx__ModelProto *m) {
    add_attribute(wrong_node(m, "If", "x"), "then_branch",
                  ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH);
}
static void wrong_operand_type(Onnx__ModelProto *m) {
    add_initializer(m->graph, "w", 4)->data_type = C2S_INT32;
    wrong_node(m, "Add", "x,w");
}
static void wrong_operand_rank(Onnx__ModelProto *m) {
    add_initializer(m->graph, "w", 4);
    wrong_node(m, "Conv", "x,w");
}
static void wrong_extents(Onnx__ModelProto *m) {
    add_initializer(m->graph, "w", 3);
    wrong_node(m, "Add", "x,w");
}
static void wrong_operand_count(Onnx__ModelProto *m) {
    wrong_node(m, "MatMul", "x");
}
static void wrong_operand_left_out(Onnx__ModelProto *m) {
    wrong_node(m, "Add", ",x");
}
static void wrong_axis(Onnx__ModelProto *m) {
    Onnx__AttributeProto *axis = add_attribute(wrong_node(m, "Softmax", "x"), "axis",
                                               ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    axis->has_i = 1;
    axis->i = INT64_MIN;
}

/* ---- functions ---- */

static Onnx__FunctionProto *wrong_function(Onnx__ModelProto *m, const char *name,
                                           const char *callee) {
    Onnx__FunctionProto *function = new_function_proto();
    function->domain = proto_text("local");
    function->name = proto_text(name);
    proto_names("x", &function->n_input, &function->input);
    proto_names("y", &function->n_output, &function->output);
    Onnx__NodeProto *node = proto_node(callee, "x", "y");
    node->domain = proto_text("local");
    PROTO_ADD(function->n_node, function->node, node);
    PROTO_ADD(m->n_functions, m->functions, function);
    return function;
}
static void wrong_recursion(Onnx__ModelProto *m) {
    wrong_function(m, "f", "f");
}
static void wrong_mutual_recursion(Onnx__ModelProto *m) {
    wrong_function(m, "f", "g");
    wrong_function(m, "g", "h");
    wrong_function(m, "h", "f");
}
static void wrong_function_twice(Onnx__ModelProto *m) {
    wrong_function(m, "f", "Unknown");
    wrong_function(m, "f", "Unknown");
}
static void wrong_function_output(Onnx__ModelProto *m) {
    wrong_function(m, "f", "Unknown")->node[0]->output[0] = proto_text("z");
}

typedef struct wrong_model {
    const char *name;
    void (*change)(Onnx__ModelProto *m); /* of y = Relu(x), four floats */
} wrong_model;

#define WRONG(name)                                                                                \
    { #name, wrong_##name }
static const wrong_model wrong_models[] = {
    WRONG(cycle),
    WRONG(own_input),
    WRONG(dangling_input),
    WRONG(dangling_output),
    WRONG(value_twice),
    WRONG(input_twice),
    WRONG(initializer_twice),
    WRONG(node_redefines_input),
    WRONG(node_redefines_initializer),
    WRONG(nameless_input),
    WRONG(nameless_initializer),
    WRONG(name_encoding),
    WRONG(value_encoding),
    WRONG(no_operator),
    WRONG(no_graph),
    WRONG(negative_extent),
    WRONG(huge_extent),
    WRONG(overflow),
    WRONG(overflow_to_zero),
    WRONG(short_data),
    WRONG(long_data),
    WRONG(no_data),
    WRONG(few_numbers),
    WRONG(field_of_data),
    WRONG(no_type),
    WRONG(unknown_type),
    WRONG(sparse_index),
    WRONG(external_nowhere),
    WRONG(external_path),
    WRONG(attribute_type),
    WRONG(attribute_without_name),
    WRONG(attribute_twice),
    WRONG(attribute_missing),
    WRONG(no_tensor),
    WRONG(no_body),
    WRONG(operand_type),
    WRONG(operand_rank),
    WRONG(extents),
    WRONG(operand_count),
    WRONG(operand_left_out),
    WRONG(axis),
    WRONG(recursion),
    WRONG(mutual_recursion),
    WRONG(function_twice),
    WRONG(function_output),
};
enum { WRONG_MODELS = sizeof wrong_models / sizeof *wrong_models };

/* ---- bytes ---- */

/* Messages in messages, which no struct can hold: fields of these numbers in turn, `levels` times
 * around what stands innermost. From malloc. */
static void *wrong_nesting(const unsigned *fields, unsigned field_count, unsigned outside,
                           unsigned levels, size_t *size) {
    const size_t room = (size_t)(levels + 2) * 8 * field_count;
    uint8_t *buffer = malloc(room), *at = buffer + room;
    assert_non_null(buffer);
    for (unsigned i = (levels + 1) * field_count; i-- > 0;) {
        const unsigned number =
            i < outside ? fields[i] : fields[outside + (i - outside) % (field_count - outside)];
        uint8_t prefix[8];
        size_t length = 0, inner = (size_t)(buffer + room - at);
        uint32_t key = number << 3 | 2;
        for (; key >= 0x80; key >>= 7)
            prefix[length++] = (uint8_t)(key | 0x80);
        prefix[length++] = (uint8_t)key;
        for (; inner >= 0x80; inner >>= 7)
            prefix[length++] = (uint8_t)(inner | 0x80);
        prefix[length++] = (uint8_t)inner;
        at -= length;
        memcpy(at, prefix, length);
    }
    *size = (size_t)(buffer + room - at);
    memmove(buffer, at, *size);
    return buffer;
}

typedef struct wrong_nest {
    const char *name;
    unsigned fields[8], count, outside; /* the first `outside` only once */
} wrong_nest;

static const wrong_nest wrong_nests[] = {
    {"nested_bodies", {7, 1, 5, 6}, 4, 1}, /* graph.node.attribute.g.node... */
    {"nested_function_bodies",
     {25, 7, 5, 6, 1, 5, 6},
     7,
     4},                                          /* functions.node.attribute.g.node... */
    {"nested_sequences", {7, 11, 2, 4, 1}, 5, 3}, /* graph.input.type.sequence_type.elem_type */
    {"nested_optionals", {7, 11, 2, 9, 1}, 5, 3},
    {"nested_maps", {7, 11, 2, 5, 2}, 5, 3},
    {"nested_training", {20, 2, 1, 5, 6}, 5, 2},
};
enum { WRONG_NESTS = sizeof wrong_nests / sizeof *wrong_nests, WRONG_DEPTH = 10000 };

/* The model of that number, from malloc; NULL: there are no more. */
static void *wrong_model_make(unsigned number, size_t *size, const char **name) {
    if (number < WRONG_MODELS) {
        Onnx__ModelProto *m = proto_small_model();
        *name = wrong_models[number].name;
        wrong_models[number].change(m);
        return proto_pack(&m->base, size);
    }
    number -= WRONG_MODELS;
    if (number < WRONG_NESTS) {
        const wrong_nest *n = &wrong_nests[number];
        *name = n->name;
        return wrong_nesting(n->fields, n->count, n->outside, WRONG_DEPTH, size);
    }
    number -= WRONG_NESTS;
    static const char *const texts[] = {"",
                                        "\n",
                                        "hello",
                                        "\x08",
                                        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                                        "\x3a\xff\xff\xff\xff\x0f",
                                        "\x3a\x80\x80\x80\x80\x80\x80\x80"};
    static const char *const names[] = {"nothing",           "one_byte",    "text",
                                        "no_number",         "long_number", "length_past_end",
                                        "length_without_end"};
    if (number >= sizeof texts / sizeof *texts)
        return NULL;
    *name = names[number];
    *size = strlen(texts[number]);
    return strdup(texts[number]);
}

#endif
