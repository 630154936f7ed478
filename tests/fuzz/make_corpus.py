#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the inputs that fuzzing starts from: tests/fuzz/make_corpus.py, with python3-numpy and python3-onnx.

Deterministic. What fuzzing found is beside them, under names that say what was wrong."""
import io
import os
import random
import struct

import numpy
import onnx
from onnx import numpy_helper

here = os.path.dirname(os.path.abspath(__file__))


def write(topic, name, data):
    folder = os.path.join(here, "corpus", topic)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data)


def arrays():
    x = numpy.arange(12, dtype=numpy.float32).reshape(4, 3)
    y = numpy.arange(4, dtype=numpy.int64)
    for name, value in {"float": x, "half": x.astype(numpy.float16), "bool": x > 3, "empty": x[:0],
                        "columns": numpy.asfortranarray(x), "text": numpy.array(["a", "bc"]),
                        "scalar": numpy.float64(1)}.items():
        stream = io.BytesIO()
        numpy.save(stream, value)
        write("data", name + ".npy", b"\0" + stream.getvalue())
    for name, save in {"stored": numpy.savez, "deflated": numpy.savez_compressed}.items():
        stream = io.BytesIO()
        save(stream, x=x, y=y, labels=y)
        write("data", name + ".npz", b"\1" + stream.getvalue())
    tensor = numpy_helper.from_array(x, "x")
    write("data", "tensor.pb", b"\2" + tensor.SerializeToString())
    sequence = onnx.SequenceProto(name="x", elem_type=1, tensor_values=[tensor, tensor])
    write("data", "sequence.pb", b"\2" + sequence.SerializeToString())


NO_CHANNELS = 127


def statistics():
    """What passes/measure/ranges_bytes.c writes."""
    def value(name, capacity, bins, extent):
        stats = struct.pack("<Q", len(name)) + name + struct.pack("<4Q4d2f", 2, 8, 0, 1, -2, 3, 1, 9, -1, 2)
        stats += struct.pack("<3I2i", capacity, 3, len(bins), 1, -8) + struct.pack("<%dQ" % len(bins), *bins)
        axis = 1 if extent else NO_CHANNELS
        stats += struct.pack("<3q", axis, 0, extent)
        return stats + struct.pack("<%dQ%df%df%dd%dd" % (5 * (extent,)), *(k % 5 for k in range(5 * extent)))
    def file(*values):
        return struct.pack("<3Q", 2, 0, 7) + struct.pack("<Q", len(values)) + b"".join(values)
    write("statistics", "one", file(value(b"x", 16, [1, 0, 5], 0)))
    write("statistics", "channels", file(value(b"a", 64, [2], 3), value(b"b/c", 2048, [], 0)))
    write("statistics", "none", file())
    write("statistics", "many_bins", file(*(value(b"%03d" % k, 65536, [1], 0) for k in range(20))))


def programs():
    """Seed 0 to 5, unchanged and with changes at random; for passes, each pipeline."""
    generator = random.Random(1)
    for k in range(48):
        changes = bytes(generator.randrange(256) for _ in range(0 if k < 6 else 8 * (1 + k // 12)))
        write("runtime", "grown_%02d" % k, bytes([k % 6]) + changes)
        write("passes", "grown_%02d" % k, bytes([k % 16, k // 2 % 6]) + changes)


arrays()
statistics()
programs()
