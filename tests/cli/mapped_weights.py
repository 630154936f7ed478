#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mapped_weights.py make FOLDER | check FOLDER: a model of eight matrices of 32 MB beside it, mostly holes, and
whether out.onnx, made of it, has the same ones: two are equal, two of them one the transpose of another."""
import os
import random
import sys

import onnx
from onnx import helper

COUNT, ROWS, COLUMNS = 8, 4096, 2048
SIZE = ROWS * COLUMNS * 4


def names(model):
    return [node.input[1] for node in model.graph.node if node.op_type == 'MatMul']


def content(folder, tensor):
    """The pieces that `make` wrote, wherever they are now."""
    place = {entry.key: entry.value for entry in tensor.external_data}
    assert int(place['length']) == SIZE, place
    with open(os.path.join(folder, place['location']), 'rb') as data:
        pieces = []
        for at in (0, SIZE // 3, SIZE - 4096):
            data.seek(int(place['offset']) + at)
            pieces.append(data.read(4096))
    return pieces


def make(folder):
    rng = random.Random(1)
    model = helper.make_model(helper.make_graph([], 'g', [helper.make_tensor_value_info('x', 1, ['N', ROWS])], []),
                              opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    graph, last = model.graph, 'x'
    with open(os.path.join(folder, 'weights.bin'), 'wb') as data:
        for i in range(COUNT):
            rows, columns = (ROWS, COLUMNS) if i % 2 == 0 else (COLUMNS, ROWS)
            tensor = graph.initializer.add(name=f'w{i}', data_type=1, dims=[rows, columns], data_location=1)
            for key, value in (('location', 'weights.bin'), ('offset', i * SIZE), ('length', SIZE)):
                tensor.external_data.add(key=key, value=str(value))
            seed = 0 if i == 6 else i  # w6 is w0; w4 and w5 are zeros, one the transpose of the other
            if i not in (4, 5):
                for at in (0, SIZE // 3, SIZE - 4096):
                    data.seek(i * SIZE + at)
                    data.write(random.Random(seed).randbytes(4096))
            graph.node.append(helper.make_node('MatMul', [last, f'w{i}'], [f'y{i}'], name=f'product{i}'))
            last = f'y{i}'
        data.truncate(COUNT * SIZE)
    graph.output.add().CopyFrom(helper.make_tensor_value_info(last, 1, ['N', ROWS]))
    onnx.save(model, os.path.join(folder, 'in.onnx'))


def check(folder):
    before = onnx.load(os.path.join(folder, 'in.onnx'), load_external_data=False)
    after = onnx.load(os.path.join(folder, 'out.onnx'), load_external_data=False)
    old = {t.name: content(folder, t) for t in before.graph.initializer}
    new = {t.name: content(folder, t) for t in after.graph.initializer}
    assert len(new) == COUNT - 2, sorted(new)
    for name, pieces in new.items():
        assert pieces == old[name], name
    assert names(before)[:4] == names(after)[:4], names(after)


{'make': make, 'check': check}[sys.argv[1]](sys.argv[2])
