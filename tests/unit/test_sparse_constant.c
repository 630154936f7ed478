/* SPDX-License-Identifier: Apache-2.0
 *
 * Constant with a sparse value (ONNX: SparseTensorProto), in a graph and in a function: it is read
 * as the dense tensor, from which everything is computed.
 */
#include "make_proto.h"
#include "run_text.h"

/* [0, 0, 2.5, 0] as one element at index 2. */
static Onnx__NodeProto *sparse_constant(const char *name) {
    static const float value = 2.5f;
    static const int64_t index = 2;
    Onnx__SparseTensorProto *sparse = new_sparse_tensor_proto();
    sparse->values = proto_raw("", C2S_FLOAT, 1, sizeof value);
    memcpy(sparse->values->raw_data.data, &value, sizeof value);
    sparse->indices = proto_raw("", C2S_INT64, 1, sizeof index);
    memcpy(sparse->indices->raw_data.data, &index, sizeof index);
    PROTO_ADD(sparse->n_dims, sparse->dims, 4);
    Onnx__NodeProto *node = proto_node("Constant", "", name);
    add_attribute(node, "sparse_value", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__SPARSE_TENSOR)
        ->sparse_tensor = sparse;
    return node;
}

static void expect_negated(const Onnx__ModelProto *proto) {
    static const float negated[4] = {-0.0f, -0.0f, -2.5f, -0.0f};
    c2s_model *model = proto_loaded(proto);
    c2s_tensor *out[16] = {0};
    if (run_model(model, out) != C2S_OK)
        fail_msg("%s", c2s_error());
    assert_int_equal(out[0]->type.rank, 1);
    assert_int_equal(out[0]->count, 4);
    assert_memory_equal(c2s_tensor_data(out[0]), negated, sizeof negated);
    c2s_tensor_unref(out[0]);
    c2s_model_free(model);
}

static void in_a_graph(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_model();
    PROTO_ADD(proto->graph->n_node, proto->graph->node, sparse_constant("c"));
    add_node(proto->graph, "Neg", "c", "y");
    add_output(proto->graph, "y", 4);
    expect_negated(proto);
}

static void in_a_function(void **state) {
    (void)state;
    Onnx__ModelProto *proto = proto_model();
    Onnx__OperatorSetIdProto *opset = new_operator_set_id_proto();
    opset->domain = proto_text("local");
    opset->has_version = 1;
    opset->version = 1;
    PROTO_ADD(proto->n_opset_import, proto->opset_import, opset);
    Onnx__FunctionProto *function = new_function_proto();
    function->domain = proto_text("local");
    function->name = proto_text("negated");
    proto_names("n", &function->n_output, &function->output);
    PROTO_ADD(function->n_opset_import, function->opset_import, proto->opset_import[0]);
    PROTO_ADD(function->n_node, function->node, sparse_constant("c"));
    PROTO_ADD(function->n_node, function->node, proto_node("Neg", "c", "n"));
    PROTO_ADD(proto->n_functions, proto->functions, function);
    add_node(proto->graph, "negated", "", "y")->domain = proto_text("local");
    add_output(proto->graph, "y", 4);
    expect_negated(proto);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_graph),
        cmocka_unit_test(in_a_function),
    };
    return cmocka_run_group_tests(tests, proto_setup, proto_teardown);
}
