# SPDX-License-Identifier: Apache-2.0
"""Writes pairs of models into a folder: NAME.direct.onnx is one operator, NAME.body.onnx a call of a
local function that holds the body by which python3-onnx defines it, NAME.npz their inputs. Fails
where an operator that has a body has no case here."""
import sys

import numpy
import onnx
import onnx.defs
from onnx import helper

OPSET = 17
rng = numpy.random.default_rng(3)


def floats(*shape, scale=3.0, dtype=numpy.float32):
    return (rng.standard_normal(shape) * scale).astype(dtype)


def ints(high, *shape, dtype=numpy.int64):
    return rng.integers(0, high, shape).astype(dtype)


def scalar(value, dtype=numpy.float32):
    return numpy.array(value, dtype)


X = floats(2, 3, 4)
SCORES, LABELS, WEIGHTS = floats(4, 5), ints(5, 4), numpy.abs(floats(5))
IMAGES, IMAGE_LABELS = floats(2, 5, 3, 2), ints(5, 2, 3, 2)
DOUBLES = floats(2, 3, 4, dtype=numpy.float64)

# Operator: cases of (attributes, inputs, outputs).
CASES = {
    "BlackmanWindow": [({}, [scalar(9, numpy.int64)], 1),
                       ({"periodic": 0, "output_datatype": 11}, [scalar(8, numpy.int32)], 1)],
    "CastLike": [({}, [X, scalar(1, numpy.int32)], 1), ({}, [X, DOUBLES], 1),
                 ({}, [X > 0, X], 1)],
    "Celu": [({}, [X], 1), ({"alpha": 2.5}, [X], 1)],
    "Clip": [({}, [X], 1), ({}, [X, scalar(-1.5)], 1), ({}, [X, scalar(-1.5), scalar(2)], 1),
             ({}, [ints(9, 7), scalar(3, numpy.int64), scalar(5, numpy.int64)], 1)],
    "DynamicQuantizeLinear": [({}, [X], 3), ({}, [numpy.abs(X)], 3), ({}, [-numpy.abs(X)], 3)],
    "GreaterOrEqual": [({}, [X.round(), floats(3, 1).round()], 1),
                       ({}, [ints(4, 9), ints(4, 9)], 1)],
    "HammingWindow": [({}, [scalar(9, numpy.int64)], 1), ({"periodic": 0}, [scalar(8, numpy.int64)], 1)],
    "HannWindow": [({}, [scalar(9, numpy.int64)], 1), ({"periodic": 0}, [scalar(8, numpy.int64)], 1)],
    "HardSwish": [({}, [X], 1), ({}, [DOUBLES], 1)],
    "LayerNormalization": [({}, [X, floats(4), floats(4)], 3),
                           ({"axis": 1, "epsilon": 0.1}, [X, floats(3, 4)], 1),
                           ({"axis": -2}, [DOUBLES, floats(3, 4, dtype=numpy.float64)], 3)],
    "LeakyRelu": [({}, [X], 1), ({"alpha": 0.3}, [DOUBLES], 1)],
    "LessOrEqual": [({}, [X.round(), floats(3, 1).round()], 1), ({}, [ints(4, 9), ints(4, 9)], 1)],
    "LogSoftmax": [({}, [X], 1), ({"axis": 1}, [DOUBLES], 1)],
    "MeanVarianceNormalization": [({}, [floats(2, 3, 4, 5)], 1), ({"axes": [1, 2]}, [X], 1)],
    "NegativeLogLikelihoodLoss": [
        ({}, [SCORES, LABELS], 1), ({"reduction": "sum"}, [SCORES, LABELS, WEIGHTS], 1),
        ({"reduction": "none", "ignore_index": 1}, [IMAGES, IMAGE_LABELS], 1),
        ({"reduction": "mean", "ignore_index": 2}, [IMAGES, IMAGE_LABELS, WEIGHTS], 1)],
    "PRelu": [({}, [X, floats(4)], 1), ({}, [DOUBLES, floats(3, 1, dtype=numpy.float64)], 1)],
    "Range": [({}, [scalar(1), scalar(6), scalar(0.75)], 1),
              ({}, [scalar(9, numpy.int64), scalar(-4, numpy.int64), scalar(-3, numpy.int64)], 1)],
    "Relu": [({}, [X], 1), ({}, [DOUBLES], 1)],
    "Shrink": [({}, [X], 1), ({"lambd": 1.0, "bias": 0.25}, [X], 1)],
    "Softmax": [({}, [X], 1), ({"axis": 0}, [X * 30], 1), ({"axis": 1}, [DOUBLES], 1)],
    "SoftmaxCrossEntropyLoss": [
        ({}, [SCORES, LABELS], 2), ({"reduction": "sum"}, [SCORES, LABELS, WEIGHTS], 2),
        ({"reduction": "none", "ignore_index": 1}, [IMAGES, IMAGE_LABELS], 1),
        ({"reduction": "mean", "ignore_index": 2}, [IMAGES, IMAGE_LABELS, WEIGHTS], 2)],
}
# Bernoulli draws numbers; its body draws others.
NO_CASE = {"Bernoulli"}


def value_type(array):
    return helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(array.dtype)
                                         if hasattr(helper, "np_dtype_to_tensor_dtype")
                                         else onnx.mapping.NP_TYPE_TO_TENSOR_TYPE[array.dtype],
                                         array.shape)


def body_of(schema, node, types):
    """The function for this node."""
    function = onnx.FunctionProto()
    if schema.has_function:
        function.CopyFrom(schema.function_body)
    else:
        function.ParseFromString(schema.get_context_dependent_function(
            node.SerializeToString(), [t.SerializeToString() for t in types]))
    function.domain = "bodies"
    # A body for a node without its optional outputs still lists them.
    defined = {name for inner in function.node for name in inner.output}
    kept = [name for name in function.output if name in defined]
    del function.output[:]
    function.output.extend(kept)
    if not function.opset_import:
        function.opset_import.extend([helper.make_opsetid("", OPSET)])
    del function.attribute[:]
    function.attribute.extend(sorted(schema.attributes))
    return function


def attributes_of(schema, given):
    """Those given, and the defaults of the others."""
    found = []
    for name, attribute in sorted(schema.attributes.items()):
        if name in given:
            found.append(helper.make_attribute(name, given[name]))
        elif attribute.default_value.name:
            found.append(attribute.default_value)
    return found


def save(folder, name, graph_parts, functions):
    nodes, inputs, outputs = graph_parts
    graph = helper.make_graph(nodes, "g", inputs, outputs)
    model = helper.make_model(graph, functions=functions, ir_version=8, opset_imports=[
        helper.make_opsetid("", OPSET), helper.make_opsetid("bodies", 1)])
    with open("%s/%s.onnx" % (folder, name), "wb") as stream:
        stream.write(model.SerializeToString())


def write_case(folder, schema, number, attributes, arrays, output_count):
    names = ["x%d" % k for k in range(len(arrays))]
    outputs = ["y%d" % k for k in range(output_count)]
    types = [value_type(a) for a in arrays]
    node = helper.make_node(schema.name, names, outputs)
    node.attribute.extend(attributes_of(schema, attributes))
    call = onnx.NodeProto()
    call.CopyFrom(node)
    call.domain = "bodies"
    infos = [helper.make_value_info(n, t) for n, t in zip(names, types)]
    empty = [onnx.ValueInfoProto(name=n) for n in outputs]
    stem = "%s.%d" % (schema.name, number)
    save(folder, stem + ".direct", ([node], infos, empty), [])
    save(folder, stem + ".body", ([call], infos, empty), [body_of(schema, node, types)])
    numpy.savez("%s/%s.npz" % (folder, stem), **{n: a[numpy.newaxis] for n, a in zip(names, arrays)})


def write_sequence_map(folder, schema):
    """Sequences are made in the model: each element plus a tensor that all of them share."""
    kind = helper.make_tensor_type_proto(1, [2, 3])
    body = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["c"])], "body",
        [helper.make_value_info("a", kind), helper.make_value_info("b", kind)],
        [helper.make_value_info("c", kind)])
    arrays = [floats(2, 3) for _ in range(3)]
    make = helper.make_node("SequenceConstruct", ["x0", "x1"], ["s"])
    node = helper.make_node("SequenceMap", ["s", "x2"], ["t"], body=body)
    call = onnx.NodeProto()
    call.CopyFrom(node)
    call.domain = "bodies"
    join = helper.make_node("ConcatFromSequence", ["t"], ["y0"], axis=0)
    infos = [helper.make_value_info("x%d" % k, kind) for k in range(3)]
    types = [helper.make_sequence_type_proto(kind), kind]
    empty = [onnx.ValueInfoProto(name="y0")]
    save(folder, "SequenceMap.0.direct", ([make, node, join], infos, empty), [])
    save(folder, "SequenceMap.0.body", ([make, call, join], infos, empty),
         [body_of(schema, node, types)])
    numpy.savez(folder + "/SequenceMap.0.npz",
                **{"x%d" % k: a[numpy.newaxis] for k, a in enumerate(arrays)})


def main():
    missing = 0
    for schema in onnx.defs.get_all_schemas():
        if schema.domain or schema.since_version > OPSET or schema.name in NO_CASE:
            continue
        if not schema.has_function and not schema.has_context_dependent_function:
            continue
        if schema.name == "SequenceMap":
            write_sequence_map(sys.argv[1], schema)
        elif schema.name not in CASES:
            print("%s has a body and no case" % schema.name)
            missing += 1
        for number, case in enumerate(CASES.get(schema.name, [])):
            write_case(sys.argv[1], schema, number, *case)
    sys.exit(missing > 0)


main()
