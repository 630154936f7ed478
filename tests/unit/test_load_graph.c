/* SPDX-License-Identifier: Apache-2.0 */
#include "make_proto.h"

static c2s_node *node_at(const c2s_graph *graph, unsigned index) {
    c2s_node *node = graph->first;
    while (index-- > 0)
        node = node->next;
    return node;
}

static Onnx__GraphProto *add_body(Onnx__NodeProto *node, const char *attribute, const char *name) {
    Onnx__GraphProto *body = new_graph_proto();
    body->name = proto_text(name);
    add_attribute(node, attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH)->g = body;
    return body;
}

/* ---- order and names ---- */

static void test_unsorted(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_model();
    add_input(proto->graph, "x", 4);
    add_node(proto->graph, "Neg", "c", "d");
    add_node(proto->graph, "Abs", "x", "b");
    add_node(proto->graph, "Relu", "b", "c");
    add_output(proto->graph, "d", 4);
    c2s_model *model = proto_loaded(proto);
    assert_string_equal(node_at(model->graph, 0)->type, "Abs");
    assert_string_equal(node_at(model->graph, 1)->type, "Relu");
    assert_string_equal(node_at(model->graph, 2)->type, "Neg");
    c2s_model_free(model);
}

/* A body's use of a later value counts for the order too. */
static void test_unsorted_capture(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_model();
    add_input(proto->graph, "c", 1);
    Onnx__NodeProto *branch = add_node(proto->graph, "If", "c", "y");
    Onnx__GraphProto *body = add_body(branch, "then_branch", "then");
    add_node(body, "Abs", "late", "t");
    add_output(body, "t", 1);
    body = add_body(branch, "else_branch", "else");
    add_node(body, "Neg", "c", "t");
    add_output(body, "t", 1);
    add_node(proto->graph, "Relu", "c", "late");
    add_output(proto->graph, "y", 1);
    c2s_model *model = proto_loaded(proto);
    assert_string_equal(node_at(model->graph, 0)->type, "Relu");
    assert_string_equal(node_at(model->graph, 1)->type, "If");
    c2s_model_free(model);
}

static void test_refused_graphs(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_model();
    add_input(proto->graph, "x", 4);
    add_node(proto->graph, "Add", "x,b", "a")->name = proto_text("first");
    add_node(proto->graph, "Relu", "a", "b");
    proto_refused(proto, C2S_ERR_INVALID, "is part of a cycle");

    proto = proto_small_model();
    add_node(proto->graph, "Add", "x,nowhere", "a")->name = proto_text("first");
    proto_refused(proto, C2S_ERR_INVALID,
                  "test.onnx: node \"first\" (Add): input 1 is \"nowhere\", which nothing defines");

    proto = proto_small_model();
    add_output(proto->graph, "nothing", 4);
    proto_refused(proto, C2S_ERR_INVALID, "graph output \"nothing\" is defined by nothing");

    proto = proto_small_model();
    add_node(proto->graph, "Abs", "x", "y")->name = proto_text("again");
    proto_refused(proto, C2S_ERR_INVALID,
                  "node \"again\" (Abs): \"y\" is defined twice, also by node \"relu\" (Relu)");

    proto = proto_small_model();
    add_node(proto->graph, "Abs", "x", "x");
    proto_refused(proto, C2S_ERR_INVALID, "\"x\" is defined twice, also by an input");

    proto = proto_small_model();
    add_initializer(proto->graph, "w", 1);
    add_initializer(proto->graph, "w", 1);
    proto_refused(proto, C2S_ERR_INVALID, "\"w\" is defined twice, also by an initializer");

    proto = proto_small_model();
    add_initializer(proto->graph, "x", 4);
    add_initializer(proto->graph, "x", 4);
    proto_refused(proto, C2S_ERR_INVALID, "\"x\" is defined twice, also by an input");

    proto = proto_small_model();
    add_initializer(proto->graph, "", 1);
    proto_refused(proto, C2S_ERR_INVALID, "initializer 0: found no name");

    proto = proto_small_model();
    add_input(proto->graph, "", 1);
    proto_refused(proto, C2S_ERR_INVALID, "graph input 1: found no name");

    proto = proto_small_model();
    proto->graph->node[0]->op_type = NULL;
    proto_refused(proto, C2S_ERR_INVALID, "found no op_type");

    proto = proto_small_model();
    proto->graph = NULL;
    proto_refused(proto, C2S_ERR_INVALID, "found no graph");

    proto = proto_small_model();
    add_initializer(proto->graph, "w", 4)->raw_data.len = 15;
    proto_refused(proto, C2S_ERR_INVALID,
                  "tensor \"w\": found 15 bytes of data, expected 16 for 4 of float");
}

static void test_left_out(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_small_model();
    add_node(proto->graph, "Clip", "x,,x", "a");
    add_node(proto->graph, "Dropout", "x", ",mask");
    c2s_model *model = proto_loaded(proto);
    c2s_node *clip = node_at(model->graph, 1), *dropout = node_at(model->graph, 2);
    assert_int_equal(clip->formal_count, 3);
    assert_null(clip->inputs[1].value);
    assert_ptr_equal(clip->inputs[2].value, c2s_graph_input(model->graph, 0));
    assert_int_equal(dropout->output_count, 2);
    assert_null(dropout->outputs[0]);
    assert_string_equal(dropout->outputs[1]->name, "mask");
    c2s_model_free(model);
}

/* ---- bodies ---- */

static void test_captures(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_model();
    add_input(proto->graph, "c", 1);
    add_initializer(proto->graph, "w", 4);
    Onnx__NodeProto *outer = add_node(proto->graph, "If", "c", "y");
    Onnx__GraphProto *then_branch = add_body(outer, "then_branch", "then");
    Onnx__NodeProto *inner = add_node(then_branch, "If", "c", "r");
    Onnx__GraphProto *deep = add_body(inner, "then_branch", "deep");
    add_node(deep, "Add", "w,w", "r2");
    add_output(deep, "r2", 4);
    Onnx__GraphProto *direct = add_body(inner, "else_branch", "direct");
    add_output(direct, "w", 4); /* an outer value as output */
    add_output(then_branch, "r", 4);
    Onnx__GraphProto *else_branch = add_body(outer, "else_branch", "else");
    add_node(else_branch, "Neg", "w", "r"); /* a name of the other branch */
    add_output(else_branch, "r", 4);
    add_output(proto->graph, "y", 4);
    c2s_model *model = proto_loaded(proto);
    c2s_node *node = model->graph->first;
    assert_int_equal(node->formal_count, 1);
    assert_int_equal(node->input_count, 4); /* c, w for the first branch, w for the second */
    assert_ptr_equal(node->inputs[2].value, model->graph->initializers.at[0]);
    const c2s_graph *body = c2s_node_body(node, 0);
    assert_string_equal(body->name, "then");
    assert_int_equal(body->entry->output_count, 2);
    const c2s_value *capture = body->entry->outputs[1];
    assert_string_equal(capture->name, "w");
    assert_non_null(capture->constant);
    assert_int_equal(capture->type.dim[0], 4);
    assert_string_equal(c2s_node_body(node, 1)->first->outputs[0]->name, "r");
    assert_string_equal(body->first->outputs[0]->name, "r");
    Onnx__ModelProto *saved = proto_saved(model);
    Onnx__NodeProto *saved_inner = saved->graph->node[0]->attribute[0]->g->node[0];
    assert_int_equal(saved->graph->node[0]->n_input, 1);
    assert_string_equal(saved_inner->attribute[0]->g->node[0]->input[1], "w");
    assert_int_equal(saved_inner->attribute[1]->g->n_node, 0);
    onnx__model_proto__free_unpacked(saved, NULL);
    c2s_model_free(model);
}

static void test_shadowing(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_small_model();
    Onnx__NodeProto *node = add_node(proto->graph, "If", "x", "z");
    Onnx__GraphProto *body = add_body(node, "then_branch", "then");
    add_node(body, "Abs", "x", "y"); /* "y" is a value of the main graph too */
    add_node(body, "Neg", "y", "t");
    add_output(body, "t", 4);
    add_output(body, "y", 4);
    c2s_model *model = proto_loaded(proto);
    const c2s_graph *then_branch = c2s_node_body(node_at(model->graph, 1), 0);
    const c2s_value *renamed = then_branch->first->outputs[0];
    assert_string_not_equal(renamed->name, "y");
    assert_ptr_equal(then_branch->last->inputs[0].value, renamed);
    assert_int_equal(then_branch->entry->output_count, 1); /* x alone is captured */
    c2s_model_free(model);
}

static void test_refused_bodies(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_small_model();
    Onnx__NodeProto *node = add_node(proto->graph, "If", "x", "z");
    node->name = proto_text("choice");
    Onnx__GraphProto *body = add_body(node, "then_branch", "then");
    add_node(body, "Abs", "lost", "t");
    proto_refused(proto, C2S_ERR_INVALID,
                  "node \"choice\" (If): graph \"then\": node \"t\" (Abs): input 0 is \"lost\"");
    body->node[0]->input[0] = proto_text("z"); /* what the node itself gives */
    proto_refused(proto, C2S_ERR_INVALID, "is part of a cycle");
    for (int i = 0; i < 16; i++)
        add_body(node, "extra", "extra");
    proto_refused(proto, C2S_ERR_UNSUPPORTED, "found more than 16 bodies");
    node->n_attribute = 1;
    node->attribute[0]->g = NULL;
    proto_refused(proto, C2S_ERR_INVALID, "attribute \"then_branch\": found no graph");
}

/* ---- initializers and constants ---- */

static void test_initializers(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_small_model();
    add_input(proto->graph, "default", 4);
    add_initializer(proto->graph, "plain", 2);
    add_initializer(proto->graph, "default", 4);
    Onnx__SparseTensorProto *sparse = new_sparse_tensor_proto();
    sparse->values = proto_raw("thin", C2S_FLOAT, 1, 4);
    sparse->indices = proto_raw("", C2S_INT64, 1, 8);
    memset(sparse->indices->raw_data.data, 0, 8);
    sparse->indices->raw_data.data[0] = 2;
    PROTO_ADD(sparse->n_dims, sparse->dims, 3);
    PROTO_ADD(proto->graph->n_sparse_initializer, proto->graph->sparse_initializer, sparse);
    c2s_model *model = proto_loaded(proto);
    const c2s_value *value = c2s_graph_input(model->graph, 1);
    assert_string_equal(value->name, "default");
    assert_null(value->constant);
    assert_non_null(value->initial);
    assert_int_equal(model->graph->initializers.count, 2);
    value = model->graph->initializers.at[1];
    assert_string_equal(value->name, "thin");
    assert_int_equal(value->type.dim[0], 3);
    assert_memory_equal(c2s_tensor_data(value->constant), ((uint8_t[8]){0}), 8);
    c2s_model_free(model);
}

static void test_constants(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_small_model();
    Onnx__NodeProto *node = add_node(proto->graph, "Constant", "", "i");
    Onnx__AttributeProto *attr =
        add_attribute(node, "value_int", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    attr->has_i = 1;
    attr->i = -5;
    node = add_node(proto->graph, "Constant", "", "f");
    attr = add_attribute(node, "value_floats", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS);
    PROTO_ADD(attr->n_floats, attr->floats, 1.5f);
    PROTO_ADD(attr->n_floats, attr->floats, 2.5f);
    node = add_node(proto->graph, "Constant", "", "s");
    attr = add_attribute(node, "value_string", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    attr->has_s = 1;
    attr->s = (ProtobufCBinaryData){.len = 2, .data = (uint8_t *)proto_text("ok")};
    node = add_node(proto->graph, "Constant", "", "t");
    attr = add_attribute(node, "value", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR);
    attr->t = proto_raw("", C2S_UINT8, 3, 3);
    c2s_model *model = proto_loaded(proto);
    const c2s_tensor *tensor = node_at(model->graph, 1)->outputs[0]->constant;
    assert_int_equal(tensor->type.rank, 0);
    assert_int_equal(*(const int64_t *)c2s_tensor_data(tensor), -5);
    tensor = node_at(model->graph, 2)->outputs[0]->constant;
    assert_memory_equal(c2s_tensor_data(tensor), ((float[]){1.5f, 2.5f}), 8);
    tensor = node_at(model->graph, 3)->outputs[0]->constant;
    assert_memory_equal(((const c2s_string *)c2s_tensor_data(tensor))->data, "ok", 2);
    tensor = node_at(model->graph, 4)->outputs[0]->constant;
    assert_int_equal(tensor->type.dim[0], 3);
    c2s_model_free(model);
}

/* IR version 1 has no attribute types; proto3 writers leave out zeros. */
static void test_attribute_kinds(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_small_model();
    Onnx__NodeProto *node = proto->graph->node[0];
    Onnx__AttributeProto *untyped =
        add_attribute(node, "untyped", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED);
    untyped->has_type = 0;
    PROTO_ADD(untyped->n_ints, untyped->ints, 3);
    add_attribute(node, "zero", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    add_attribute(node, "later", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT)->type =
        (Onnx__AttributeProto__AttributeType)77;
    add_attribute(node, "given", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT)->ref_attr_name =
        proto_text("outside");
    c2s_model *model = proto_loaded(proto);
    const c2s_node *relu = model->graph->first;
    size_t count;
    assert_int_equal(c2s_attr_ints(relu, "untyped", &count)[0], 3);
    assert_int_equal(count, 1);
    assert_int_equal(c2s_attr_int(relu, "zero", 9), 0);
    assert_int_equal(c2s_attr_find(relu, "later")->kind, C2S_ATTR_UNDEFINED);
    assert_string_equal(c2s_attr_find(relu, "given")->reference, "outside");
    assert_int_equal(c2s_attr_int(relu, "given", 9), 9);
    c2s_model_free(model);
}

/* ---- types ---- */

static void set_dim(Onnx__ValueInfoProto *info, const char *param) {
    Onnx__TensorShapeProto__Dimension *dim = info->type->tensor_type->shape->dim[0];
    dim->value_case = param ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM
                            : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE__NOT_SET;
    dim->dim_param = param ? proto_text(param) : NULL;
}

static void test_dims(void **state) {
    (void)state;
    static const char *const params[] = {"batch", "batch", "2*batch + 1", "past-seq", "past",
                                         "seq",   "",      NULL};
    Onnx__ModelProto *proto = proto_model();
    for (unsigned i = 0; i < 8; i++) {
        char name[8];
        snprintf(name, sizeof name, "x%u", i);
        add_input(proto->graph, name, 1);
        set_dim(proto->graph->input[i], params[i]);
    }
    c2s_model *model = proto_loaded(proto);
    c2s_dim dim[8];
    for (unsigned i = 0; i < 8; i++) {
        dim[i] = c2s_graph_input(model->graph, i)->type.dim[0];
        assert_false(c2s_dim_is_known(dim[i]));
    }
    assert_true(dim[0] == dim[1]);
    c2s_dim twice = c2s_dim_mul(model->dims, 2, dim[0]);
    assert_true(dim[2] == c2s_dim_add(model->dims, twice, 1));
    assert_true(dim[3] != c2s_dim_sub(model->dims, dim[4], dim[5])); /* a name with a hyphen */
    assert_true(dim[6] != dim[7]);
    c2s_model_free(model);
}

static void test_value_info(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_small_model();
    add_node(proto->graph, "Neg", "y", "n");
    PROTO_ADD(proto->graph->n_value_info, proto->graph->value_info, proto_info("n", 4));
    PROTO_ADD(proto->graph->n_value_info, proto->graph->value_info, proto_info("unheard of", 4));
    Onnx__ValueInfoProto *later = proto_info("later", 4);
    later->type->tensor_type->elem_type = 99;
    add_node(proto->graph, "Abs", "y", "later");
    PROTO_ADD(proto->graph->n_value_info, proto->graph->value_info, later);
    c2s_model *model = proto_loaded(proto);
    const c2s_value *value = node_at(model->graph, 1)->outputs[0];
    assert_int_equal(value->type.dtype, C2S_FLOAT);
    assert_int_equal(value->type.dim[0], 4);
    assert_int_equal(node_at(model->graph, 0)->outputs[0]->type.rank, 1);
    assert_int_equal(node_at(model->graph, 2)->outputs[0]->type.dtype, C2S_UNDEFINED);
    c2s_model_free(model);
}

/* ---- functions ---- */

static Onnx__FunctionProto *add_function(Onnx__ModelProto *model, const char *name,
                                         const char *inputs, const char *outputs) {
    Onnx__FunctionProto *function = new_function_proto();
    function->domain = proto_text("local");
    function->name = proto_text(name);
    proto_names(inputs, &function->n_input, &function->input);
    proto_names(outputs, &function->n_output, &function->output);
    PROTO_ADD(model->n_functions, model->functions, function);
    return function;
}

static void call(Onnx__FunctionProto *function, const char *callee) {
    Onnx__NodeProto *node = proto_node(callee, "x", "y");
    node->domain = proto_text("local");
    PROTO_ADD(function->n_node, function->node, node);
}

static void test_functions(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_small_model();
    Onnx__FunctionProto *leaky = add_function(proto, "leaky", "x", "y");
    PROTO_ADD(leaky->n_attribute, leaky->attribute, proto_text("slope"));
    Onnx__NodeProto *node = proto_node("LeakyRelu", "x", "y");
    add_attribute(node, "alpha", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT)->ref_attr_name =
        proto_text("slope");
    PROTO_ADD(leaky->n_node, leaky->node, node);
    call(add_function(proto, "caller", "x", "y"), "leaky");
    c2s_model *model = proto_loaded(proto);
    assert_int_equal(model->functions.count, 2);
    const c2s_function *f = c2s_model_function(model, "local", "leaky", "");
    assert_non_null(f);
    assert_string_equal(f->attrs.at[0], "slope");
    assert_int_equal(c2s_graph_input_count(f->graph), 1);
    assert_string_equal(c2s_graph_output_name(f->graph, 0), "y");
    assert_string_equal(f->graph->first->attrs[0].reference, "slope");
    c2s_model_free(model);
}

static void test_refused_functions(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_small_model();
    call(add_function(proto, "self", "x", "y"), "self");
    proto_refused(proto, C2S_ERR_INVALID, "function \"self\" calls itself");
    proto = proto_small_model();
    call(add_function(proto, "a", "x", "y"), "b");
    call(add_function(proto, "b", "x", "y"), "c");
    call(add_function(proto, "c", "x", "y"), "b");
    proto_refused(proto, C2S_ERR_INVALID, "calls itself");
    proto = proto_small_model();
    add_function(proto, "twin", "x", "x");
    add_function(proto, "twin", "x", "x");
    proto_refused(proto, C2S_ERR_INVALID, "function \"twin\" is defined twice");
    proto->functions[1]->overload = proto_text("second");
    c2s_model_free(proto_loaded(proto));
    proto = proto_small_model();
    add_function(proto, "empty", "x", "y");
    proto_refused(proto, C2S_ERR_INVALID, "function \"empty\": graph output \"y\" is defined by");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unsorted),       cmocka_unit_test(test_unsorted_capture),
        cmocka_unit_test(test_refused_graphs), cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_captures),       cmocka_unit_test(test_shadowing),
        cmocka_unit_test(test_refused_bodies), cmocka_unit_test(test_initializers),
        cmocka_unit_test(test_constants),      cmocka_unit_test(test_attribute_kinds),
        cmocka_unit_test(test_dims),           cmocka_unit_test(test_value_info),
        cmocka_unit_test(test_functions),      cmocka_unit_test(test_refused_functions),
    };
    return cmocka_run_group_tests(tests, proto_setup, proto_teardown);
}
