/* SPDX-License-Identifier: Apache-2.0 */
#include "make_proto.h"

#include "message.h"

static c2s_node *node_at(const c2s_graph *graph, unsigned index) {
    c2s_node *node = graph->first;
    while (index-- > 0)
        node = node->next;
    return node;
}

static void expect_node(const Onnx__NodeProto *node, const char *type, const char *input,
                        const char *output) {
    assert_string_equal(node->op_type, type);
    assert_string_equal(node->input[0], input);
    assert_string_equal(node->output[0], output);
}

/* x -> Relu -> a -> Neg -> b -> Abs -> y */
static Onnx__ModelProto *chain(void) {
    Onnx__ModelProto *proto = proto_model();
    add_input(proto->graph, "x", 4);
    add_node(proto->graph, "Relu", "x", "a");
    add_node(proto->graph, "Neg", "a", "b");
    add_node(proto->graph, "Abs", "b", "y");
    add_output(proto->graph, "y", 4);
    return proto;
}

/* ---- what is kept ---- */

static ProtobufCMessageUnknownField unknown_field(void) {
    static uint8_t data[] = {3, 'n', 'e', 'w'};
    return (ProtobufCMessageUnknownField){.tag = 1000,
                                          .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
                                          .len = sizeof data,
                                          .data = data};
}
#define ADD_UNKNOWN(proto)                                                                         \
    PROTO_ADD((proto)->base.n_unknown_fields, (proto)->base.unknown_fields, unknown_field())

static Onnx__StringStringEntryProto *property(const char *key, const char *value) {
    Onnx__StringStringEntryProto *entry = new_string_string_entry_proto();
    entry->key = proto_text(key);
    entry->value = proto_text(value);
    return entry;
}

static Onnx__TensorAnnotation *annotation(const char *tensor, const char *scale) {
    Onnx__TensorAnnotation *proto = new_tensor_annotation();
    proto->tensor_name = proto_text(tensor);
    PROTO_ADD(proto->n_quant_parameter_tensor_names, proto->quant_parameter_tensor_names,
              property("SCALE_TENSOR", scale));
    return proto;
}

/* A chain with something in every place that the graph does not model. */
static Onnx__ModelProto *decorated(void) {
    Onnx__ModelProto *proto = chain();
    Onnx__GraphProto *graph = proto->graph;
    proto->producer_name = proto_text("somebody");
    proto->domain = proto_text("org.example");
    proto->has_model_version = 1;
    proto->model_version = 42;
    PROTO_ADD(proto->n_metadata_props, proto->metadata_props, property("author", "x"));
    ADD_UNKNOWN(proto);
    graph->doc_string = proto_text("about the graph");
    ADD_UNKNOWN(graph);
    for (size_t i = 0; i < 3; i++) {
        graph->node[i]->doc_string = proto_text("about the node");
        PROTO_ADD(graph->node[i]->n_metadata_props, graph->node[i]->metadata_props,
                  property("layer", "1"));
        ADD_UNKNOWN(graph->node[i]);
    }
    Onnx__AttributeProto *attr =
        add_attribute(graph->node[1], "beta", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    attr->has_i = 1;
    attr->doc_string = proto_text("about the attribute");
    attr = add_attribute(graph->node[1], "alpha", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    attr->has_i = 1;
    ADD_UNKNOWN(attr);
    Onnx__TensorProto *w = add_initializer(graph, "w", 4);
    w->doc_string = proto_text("about the weights");
    ADD_UNKNOWN(w);
    add_initializer(graph, "scale", 1);
    PROTO_ADD(graph->n_quantization_annotation, graph->quantization_annotation,
              annotation("w", "scale"));
    PROTO_ADD(graph->n_quantization_annotation, graph->quantization_annotation,
              annotation("b", "scale"));
    PROTO_ADD(graph->n_quantization_annotation, graph->quantization_annotation,
              annotation("elsewhere", "nowhere"));
    PROTO_ADD(graph->n_value_info, graph->value_info, proto_info("b", 4));
    PROTO_ADD(graph->n_value_info, graph->value_info, proto_info("a", 4));
    PROTO_ADD(graph->n_value_info, graph->value_info, proto_info("elsewhere", 4));
    graph->value_info[0]->doc_string = proto_text("about b");
    Onnx__TrainingInfoProto *training = new_training_info_proto();
    training->algorithm = new_graph_proto();
    add_node(training->algorithm, "Gradient", "a,b", "g");
    PROTO_ADD(proto->n_training_info, proto->training_info, training);
    return proto;
}

static void test_untouched(void **state) {
    (void)state;
    Onnx__ModelProto *proto = decorated();
    c2s_model *model = proto_loaded(proto);
    Onnx__ModelProto *saved = proto_saved(model);
    message_place place = {""};
    if (!message_equal(&proto->base, &saved->base, &place))
        fail_msg("differs at %s", place.text);
    proto->graph->node[1]->attribute[0]->doc_string[0] = 'A'; /* the comparison sees everything */
    assert_false(message_equal(&proto->base, &saved->base, &place));
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

static void test_changed_node(void **state) {
    (void)state;
    c2s_model *model = proto_loaded(decorated());
    c2s_node *neg = node_at(model->graph, 1);
    c2s_attr_set_int(neg, "beta", 7);
    c2s_attr_set_int(neg, "gamma", 8);
    c2s_node_set_type(neg, "", "Sign");
    Onnx__ModelProto *saved = proto_saved(model);
    const Onnx__NodeProto *node = saved->graph->node[1];
    expect_node(node, "Sign", "a", "b");
    assert_string_equal(node->doc_string, "about the node");
    assert_int_equal(node->n_metadata_props, 1);
    assert_int_equal(node->base.n_unknown_fields, 1);
    assert_int_equal(node->n_attribute, 3);
    assert_string_equal(node->attribute[0]->name, "beta");
    assert_int_equal(node->attribute[0]->i, 7);
    assert_string_equal(node->attribute[0]->doc_string, "about the attribute");
    assert_int_equal(node->attribute[1]->base.n_unknown_fields, 1);
    assert_string_equal(node->attribute[2]->name, "gamma");
    assert_int_equal(node->attribute[2]->type, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

/* All kinds of attributes that a pass can set survive a second load. */
static void test_new_attributes(void **state) {
    (void)state;
    c2s_model *model = proto_loaded(chain());
    c2s_node *node = node_at(model->graph, 0);
    const c2s_string strings[] = {{"one", 3}, {"", 0}};
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_i64(C2S_INT32, 0, NULL, (int64_t[]){-9}, &tensor), C2S_OK);
    c2s_attr_set_int(node, "i", INT64_MIN);
    c2s_attr_set_float(node, "f", 0.5f);
    c2s_attr_set_string(node, "s", "text");
    c2s_attr_set_ints(node, "is", (int64_t[]){1, -1}, 2);
    c2s_attr_set_floats(node, "fs", (float[]){1, -1}, 2);
    c2s_attr_set_strings(node, "ss", strings, 2);
    c2s_attr_set_tensor(node, "t", tensor);
    c2s_tensor_unref(tensor);
    void *data;
    size_t size;
    assert_int_equal(c2s_model_save_memory(model, &data, &size), C2S_OK);
    c2s_model *again = NULL;
    assert_int_equal(c2s_model_load_memory(data, size, "again", &again), C2S_OK);
    const c2s_node *loaded = node_at(again->graph, 0);
    assert_int_equal(loaded->attr_count, 7);
    for (unsigned i = 0; i < 7; i++)
        assert_true(c2s_attr_equal(&node->attrs[i], c2s_attr_find(loaded, node->attrs[i].name)));
    c2s_model_free(again);
    c2s_model_free(model);
}

/* ---- initializers ---- */

static void test_initializers(void **state) {
    (void)state;
    c2s_model *model = proto_loaded(decorated());
    c2s_value *w = model->graph->initializers.at[0];
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_i64(C2S_INT8, 1, (int64_t[]){2}, (int64_t[]){3, -4}, &tensor),
                     C2S_OK);
    c2s_value_set_constant(w, tensor);
    c2s_value_constant(model->graph, "w", tensor); /* takes the reference */
    Onnx__ModelProto *saved = proto_saved(model);
    assert_int_equal(saved->graph->n_initializer, 3);
    const Onnx__TensorProto *first = saved->graph->initializer[0];
    assert_string_equal(first->name, "w");
    assert_int_equal(first->data_type, C2S_INT8);
    assert_int_equal(first->n_dims, 1);
    assert_int_equal(first->dims[0], 2);
    assert_memory_equal(first->raw_data.data, ((int8_t[]){3, -4}), 2);
    assert_string_equal(first->doc_string, "about the weights");
    assert_int_equal(first->base.n_unknown_fields, 1);
    assert_string_equal(saved->graph->initializer[1]->name, "scale");
    assert_string_not_equal(saved->graph->initializer[2]->name, "w");
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

static void test_ir_version(void **state) {
    (void)state;
    Onnx__ModelProto *proto = chain(), *saved;
    proto->ir_version = 1; /* before there were opsets */
    proto->n_opset_import = 0;
    c2s_model *model = proto_loaded(proto);
    saved = proto_saved(model);
    assert_int_equal(saved->ir_version, 1);
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
    proto = chain();
    proto->ir_version = 3;
    add_input(proto->graph, "w", 4);
    add_initializer(proto->graph, "w", 4);
    model = proto_loaded(proto);
    saved = proto_saved(model);
    assert_int_equal(saved->ir_version, 3);
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_value_seal(c2s_graph_input(model->graph, 1));
    saved = proto_saved(model);
    assert_int_equal(saved->ir_version, 4);
    assert_int_equal(saved->graph->n_input, 1);
    assert_int_equal(saved->graph->n_initializer, 1);
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_create(C2S_INT4, 1, (int64_t[]){3}, &tensor), C2S_OK);
    memset(c2s_tensor_mutable(tensor), 0, 2);
    c2s_value_constant(model->graph, "four_bits", tensor);
    saved = proto_saved(model);
    assert_int_equal(saved->ir_version, 10);
    onnx__model_proto__free_unpacked(saved, NULL);
    model->ir_version = 11; /* a pass may ask for more */
    saved = proto_saved(model);
    assert_int_equal(saved->ir_version, 11);
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

/* ---- names of outputs ---- */

static void test_output_takes_its_name(void **state) {
    (void)state;
    c2s_model *model = proto_loaded(chain());
    /* y becomes what b was; the old y lives on in a new node. */
    c2s_node *abs = node_at(model->graph, 2);
    c2s_node *extra = c2s_node_create(model->graph, NULL, "", "Sqrt", 1, 1);
    c2s_use_set(&extra->inputs[0], abs->outputs[0]);
    c2s_use_set(&model->graph->exit->inputs[0], extra->outputs[0]);
    Onnx__ModelProto *saved = proto_saved(model);
    assert_int_equal(saved->graph->n_node, 4);
    assert_string_equal(saved->graph->node[3]->output[0], "y");
    assert_string_not_equal(saved->graph->node[2]->output[0], "y");
    assert_string_equal(saved->graph->node[3]->input[0], saved->graph->node[2]->output[0]);
    assert_string_equal(saved->graph->output[0]->name, "y");
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

static void test_output_is_input(void **state) {
    (void)state;
    c2s_model *model = proto_loaded(chain());
    c2s_use_set(&model->graph->exit->inputs[0], c2s_graph_input(model->graph, 0));
    c2s_graph_sweep(model->graph);
    Onnx__ModelProto *saved = proto_saved(model);
    assert_int_equal(saved->graph->n_node, 1);
    expect_node(saved->graph->node[0], "Identity", "x", "y");
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

static void test_value_is_two_outputs(void **state) {
    (void)state;
    Onnx__ModelProto *proto = chain();
    add_output(proto->graph, "b", 4);
    add_output(proto->graph, "a", 4);
    c2s_model *model = proto_loaded(proto);
    c2s_value *b = node_at(model->graph, 1)->outputs[0];
    c2s_use_set(&model->graph->exit->inputs[0], b); /* y, b, a = b, b, b */
    c2s_use_set(&model->graph->exit->inputs[2], b);
    Onnx__ModelProto *saved = proto_saved(model);
    const Onnx__GraphProto *graph = saved->graph;
    assert_int_equal(graph->n_node, 5);
    assert_string_equal(graph->node[1]->output[0], "b");
    expect_node(graph->node[3], "Identity", "b", "y");
    expect_node(graph->node[4], "Identity", "b", "a");
    assert_string_not_equal(graph->node[0]->output[0], "a");
    assert_string_equal(graph->node[1]->input[0], graph->node[0]->output[0]);
    assert_string_not_equal(graph->node[2]->output[0], "y");
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(proto_loaded(saved = proto_saved(model)));
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

/* A value that changes its name takes the bodies that capture it along. */
static void test_renamed_capture(void **state) {
    (void)state;
    Onnx__ModelProto *proto = chain();
    Onnx__NodeProto *branch = add_node(proto->graph, "If", "x", "z");
    Onnx__GraphProto *body = new_graph_proto();
    add_node(body, "Exp", "b", "t");
    add_output(body, "t", 4);
    add_attribute(branch, "then_branch", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH)->g = body;
    add_output(proto->graph, "z", 4);
    c2s_model *model = proto_loaded(proto);
    c2s_value *b = node_at(model->graph, 1)->outputs[0];
    c2s_use_set(&model->graph->exit->inputs[0], b);
    Onnx__ModelProto *saved = proto_saved(model);
    assert_string_equal(saved->graph->node[1]->output[0], "y");
    assert_string_equal(saved->graph->node[3]->attribute[0]->g->node[0]->input[0], "y");
    c2s_model_free(proto_loaded(saved));
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

/* Nobody sees the names of a body's outputs, so they yield to what the body captures. */
static void test_body_outputs(void **state) {
    (void)state;
    Onnx__ModelProto *proto = chain();
    Onnx__NodeProto *branch = add_node(proto->graph, "If", "x", "z");
    Onnx__GraphProto *body = new_graph_proto();
    add_node(body, "Exp", "b", "t");
    add_output(body, "b", 4); /* the captured value itself */
    add_output(body, "t", 4);
    add_attribute(branch, "then_branch", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH)->g = body;
    add_output(proto->graph, "z", 4);
    c2s_model *model = proto_loaded(proto);
    c2s_graph *then_branch = c2s_node_body(node_at(model->graph, 3), 0);
    c2s_value *t = then_branch->first->outputs[0];
    c2s_use_set(&then_branch->exit->inputs[0], t); /* both outputs are t now */
    Onnx__ModelProto *saved = proto_saved(model);
    const Onnx__GraphProto *g = saved->graph->node[3]->attribute[0]->g;
    assert_int_equal(g->n_node, 2);
    expect_node(g->node[0], "Exp", "b", "t");
    assert_string_equal(g->output[1]->name, "t");
    expect_node(g->node[1], "Identity", "t", g->output[0]->name);
    assert_string_not_equal(g->output[0]->name, "b");
    c2s_model_free(proto_loaded(saved));
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

/* ---- types and annotations ---- */

static void test_stale_information(void **state) {
    (void)state;
    c2s_model *model = proto_loaded(decorated());
    c2s_node *neg = node_at(model->graph, 1);
    c2s_value *a = neg->inputs[0].value, *b = neg->outputs[0];
    c2s_value_replace(b, a);
    c2s_node_remove(neg);
    c2s_type type = c2s_type_tensor(C2S_FLOAT, 2, (c2s_dim[]){2, 2});
    c2s_value_set_type(a, &type);
    Onnx__ModelProto *saved = proto_saved(model);
    const Onnx__GraphProto *graph = saved->graph;
    assert_int_equal(graph->n_value_info, 2);
    assert_string_equal(graph->value_info[0]->name, "a");
    assert_int_equal(graph->value_info[0]->type->tensor_type->shape->n_dim, 2);
    assert_string_equal(graph->value_info[1]->name, "elsewhere");
    assert_int_equal(graph->n_quantization_annotation, 2);
    assert_string_equal(graph->quantization_annotation[0]->tensor_name, "w");
    assert_string_equal(graph->quantization_annotation[1]->tensor_name, "elsewhere");
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

static void set_symbol(Onnx__ValueInfoProto *info, const char *symbol) {
    Onnx__TensorShapeProto__Dimension *dim = info->type->tensor_type->shape->dim[0];
    dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    dim->dim_param = proto_text(symbol);
}

static int64_t saved_extent(const Onnx__ValueInfoProto *info) {
    const Onnx__TensorShapeProto__Dimension *dim = info->type->tensor_type->shape->dim[0];
    bool known = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    return known ? dim->dim_value : -1;
}

/* What inference found out is no reason to change what the file says; a fixed input is. */
static void test_refined_types(void **state) {
    (void)state;
    Onnx__ModelProto *proto = chain();
    set_symbol(proto->graph->input[0], "batch");
    set_symbol(proto->graph->output[0], "rows");
    c2s_model *model = proto_loaded(proto);
    c2s_type type = c2s_type_tensor(C2S_FLOAT, 1, (c2s_dim[]){4});
    c2s_value_set_type(c2s_graph_output(model->graph, 0), &type);
    Onnx__ModelProto *saved = proto_saved(model);
    assert_int_equal(saved_extent(saved->graph->output[0]), -1);
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_value_set_type(c2s_graph_input(model->graph, 0), &type);
    saved = proto_saved(model);
    assert_int_equal(saved_extent(saved->graph->input[0]), 4);
    assert_int_equal(saved_extent(saved->graph->output[0]), 4);
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

/* ---- models that no file was read for ---- */

static void test_built_model(void **state) {
    (void)state;
    c2s_model *model = c2s_model_create();
    c2s_model_set_opset(model, "", 17);
    c2s_dim batch = c2s_dim_symbol(model->dims, "batch");
    c2s_type type = c2s_type_tensor(C2S_FLOAT, 2, (c2s_dim[]){batch, c2s_dim_fresh(model->dims)});
    c2s_value *x = c2s_graph_add_input(model->graph, "x", &type);
    c2s_node *node = c2s_node_create(model->graph, NULL, "", "Relu", 1, 1);
    c2s_use_set(&node->inputs[0], x);
    c2s_value_set_type(node->outputs[0], &type);
    c2s_graph_add_output(model->graph, node->outputs[0], "y");
    Onnx__ModelProto *saved = proto_saved(model);
    assert_int_equal(saved->ir_version, 3);
    assert_int_equal(saved->opset_import[0]->version, 17);
    assert_string_equal(saved->producer_name, "onnx-c2s");
    expect_node(saved->graph->node[0], "Relu", "x", "y");
    const Onnx__TensorShapeProto *shape = saved->graph->input[0]->type->tensor_type->shape;
    assert_string_equal(shape->dim[0]->dim_param, "batch");
    assert_int_equal(shape->dim[1]->value_case,
                     ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE__NOT_SET);
    c2s_model_free(proto_loaded(saved));
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

/* Functions have no initializers: what was folded in one becomes a Constant. */
static void test_function_constant(void **state) {
    (void)state;
    Onnx__ModelProto *proto = chain();
    Onnx__FunctionProto *function = new_function_proto();
    function->name = proto_text("twice");
    function->domain = proto_text("local");
    PROTO_ADD(function->n_input, function->input, proto_text("x"));
    PROTO_ADD(function->n_output, function->output, proto_text("y"));
    PROTO_ADD(function->n_node, function->node, proto_node("Add", "x,x", "y"));
    PROTO_ADD(proto->n_functions, proto->functions, function);
    c2s_model *model = proto_loaded(proto);
    c2s_graph *graph = model->functions.at[0]->graph;
    c2s_tensor *tensor;
    assert_int_equal(c2s_tensor_from_f64(C2S_FLOAT, 0, NULL, (double[]){2}, &tensor), C2S_OK);
    c2s_value *two = c2s_value_constant(graph, "two", tensor);
    c2s_use_set(&graph->first->inputs[1], two);
    Onnx__ModelProto *saved = proto_saved(model);
    const Onnx__FunctionProto *f = saved->functions[0];
    assert_int_equal(f->n_node, 2);
    assert_string_equal(f->node[0]->op_type, "Constant");
    assert_string_equal(f->node[0]->output[0], two->name);
    assert_string_equal(f->node[1]->input[1], two->name);
    assert_int_equal(f->node[0]->attribute[0]->t->raw_data.len, 4);
    c2s_model_free(proto_loaded(saved));
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_untouched),         cmocka_unit_test(test_changed_node),
        cmocka_unit_test(test_new_attributes),    cmocka_unit_test(test_initializers),
        cmocka_unit_test(test_ir_version),        cmocka_unit_test(test_output_takes_its_name),
        cmocka_unit_test(test_output_is_input),   cmocka_unit_test(test_value_is_two_outputs),
        cmocka_unit_test(test_renamed_capture),   cmocka_unit_test(test_body_outputs),
        cmocka_unit_test(test_stale_information), cmocka_unit_test(test_refined_types),
        cmocka_unit_test(test_built_model),       cmocka_unit_test(test_function_constant),
    };
    return cmocka_run_group_tests(tests, proto_setup, proto_teardown);
}
