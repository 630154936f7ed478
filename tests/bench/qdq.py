#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Quantizes a float model for benchmarks: QuantizeLinear and DequantizeLinear around operators.

usage: qdq.py PROGRAM IN OUT [--activations uint8|int8] [--per-tensor]

PROGRAM is onnx-c2s: it folds batch normalization, and runs the model on random inputs for the ranges
of the activations. Weights are int8, symmetric, with a scale per output channel; biases are int32.
Accuracy is not the aim: the model has the shape that quantizers give.
"""
import argparse
import os
import subprocess
import tempfile

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

# Inputs that are activations; what follows behind these without a quantizer in between.
OPERATORS = {'Conv': 1, 'Gemm': 1, 'MatMul': 2, 'Add': 2, 'Mul': 2, 'MaxPool': 1, 'AveragePool': 1,
             'GlobalAveragePool': 1, 'Flatten': 1, 'Reshape': 1, 'Concat': 99, 'Transpose': 1}
CLAMPS = ('Relu', 'Clip')


def ranges_of(program, model, names, folder):
    observed = onnx.ModelProto()
    observed.CopyFrom(model)
    del observed.graph.output[:]
    safe = {name: f't{k}' for k, name in enumerate(names)}
    for name, short in safe.items():
        observed.graph.node.append(helper.make_node('Identity', [name], [short]))
        observed.graph.output.append(helper.make_tensor_value_info(short, TensorProto.FLOAT, None))
    path = os.path.join(folder, 'observed.onnx')
    onnx.save(observed, path)
    subprocess.run([program, 'run', '-q', path, '--samples', '1', '--out', folder], check=True)
    found = {}
    for name, short in safe.items():
        values = numpy.load(os.path.join(folder, short + '.npy'))
        found[name] = (min(0.0, float(values.min())), max(0.0, float(values.max())))
    return found


class Quantizer:
    def __init__(self, model, activations, per_channel):
        self.graph = model.graph
        self.activations = activations
        self.per_channel = per_channel
        self.weights = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        self.readers = {}
        for node in model.graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.outputs = {value.name for value in model.graph.output}
        self.done = {}
        self.nodes = []

    def merged(self, node):
        """The node's result goes to one clamp alone: that is quantized."""
        readers = self.readers.get(node.output[0], [])
        return (len(readers) == 1 and readers[0].op_type in CLAMPS and node.output[0] not in self.outputs)

    def wanted(self):
        names = []
        for node in self.graph.node:
            if node.op_type in OPERATORS:
                names += [name for name in node.input[:OPERATORS[node.op_type]] if name not in self.weights]
                if not self.merged(node):
                    names.append(node.output[0])
            elif node.op_type in CLAMPS:
                names.append(node.output[0])
        return list(dict.fromkeys(names))

    def constant(self, name, array):
        self.graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    def pair(self, name, quantizes, source, scale, zero):
        names = [self.constant(f'{name}_scale', scale), self.constant(f'{name}_zero', zero)]
        if quantizes:
            self.nodes.append(helper.make_node('QuantizeLinear', [source, *names], [f'{name}_codes']))
            source = f'{name}_codes'
        axis = {'axis': self.axis} if scale.ndim else {}
        self.nodes.append(helper.make_node('DequantizeLinear', [source, *names], [f'{name}_real'], **axis))
        return f'{name}_real'

    def activation(self, name, ranges):
        if name not in self.done:
            low, high = ranges[name]
            scale = numpy.float32(max(high - low, 1e-6) / 255)
            least, most, kind = (0, 255, numpy.uint8) if self.activations == 'uint8' else (-128, 127, numpy.int8)
            zero = numpy.array(numpy.clip(round(least - low / scale), least, most), kind)
            self.done[name] = (self.pair(name, True, name, numpy.array(scale), zero), scale)
        return self.done[name]

    def weight(self, node, name):
        array = self.weights[name]
        self.axis = 0 if node.op_type == 'Conv' or any(a.name == 'transB' and a.i for a in node.attribute) else array.ndim - 1
        others = tuple(i for i in range(array.ndim) if i != self.axis)
        most = numpy.abs(array).max(axis=others if self.per_channel else None)
        scale = (numpy.maximum(most, 1e-8) / 127).astype(numpy.float32)
        shape = [1] * array.ndim
        if scale.ndim:
            shape[self.axis] = -1
        codes = numpy.clip(numpy.rint(array / scale.reshape(shape)), -127, 127).astype(numpy.int8)
        label = f'{name}_{node.output[0]}'
        self.constant(f'{label}_codes', codes)
        return self.pair(label, False, f'{label}_codes', scale, numpy.zeros(scale.shape, numpy.int8)), scale

    def bias(self, node, name, scale):
        codes = numpy.rint(self.weights[name] / scale).astype(numpy.int32)
        scale = numpy.broadcast_to(scale, codes.shape).astype(numpy.float32).copy()
        label = f'{name}_{node.output[0]}'
        self.axis = 0
        self.constant(f'{label}_codes', codes)
        return self.pair(label, False, f'{label}_codes', scale, numpy.zeros(scale.shape, numpy.int32))

    def run(self, ranges):
        for node in list(self.graph.node):
            if node.op_type in OPERATORS:
                for k, name in enumerate(node.input[:OPERATORS[node.op_type]]):
                    if name not in self.weights:
                        node.input[k], x_scale = self.activation(name, ranges)
                if node.op_type in ('Conv', 'Gemm') or (node.op_type == 'MatMul' and node.input[1] in self.weights):
                    node.input[1], w_scale = self.weight(node, node.input[1])
                    if len(node.input) > 2 and node.input[2]:
                        node.input[2] = self.bias(node, node.input[2], x_scale * w_scale)
            self.nodes.append(node)
        for value in self.graph.output:
            if value.name in ranges:
                real, _ = self.activation(value.name, ranges)
                self.nodes.append(helper.make_node('Identity', [real], [f'{value.name}_quantized']))
                value.name = f'{value.name}_quantized'
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)
        used = {name for node in self.graph.node for name in node.input}
        kept = [t for t in self.graph.initializer if t.name in used]
        del self.graph.initializer[:]
        self.graph.initializer.extend(kept)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('program')
    parser.add_argument('source')
    parser.add_argument('target')
    parser.add_argument('--activations', default='uint8', choices=('uint8', 'int8'))
    parser.add_argument('--per-tensor', action='store_true')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folded = os.path.join(folder, 'folded.onnx')
        subprocess.run([options.program, '-q', '--no-prove', options.source, folded], check=True)
        model = onnx.load(folded)
        quantizer = Quantizer(model, options.activations, not options.per_tensor)
        quantizer.run(ranges_of(options.program, model, quantizer.wanted(), folder))
    del model.graph.value_info[:]
    onnx.save(model, options.target)


if __name__ == '__main__':
    main()
