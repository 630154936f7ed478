# SPDX-License-Identifier: Apache-2.0
"""Inputs to start from that are too many for the repo: shared_seeds.py SHARED FOLDER

Writes into FOLDER/TARGET what the operator cases below SHARED have: small models, their data, pictures; and real
models without their weights. FOLDER/models gets real models as they are, for the targets that
change the structure of a model (grown_model.h): those that run fast enough to be run many times."""
import glob
import os
import shutil
import sys

MOST_BYTES = 8192
shared, folder = sys.argv[1:]


def write(target, name, data):
    if len(data) > MOST_BYTES:
        return
    os.makedirs(os.path.join(folder, target), exist_ok=True)
    with open(os.path.join(folder, target, name), "wb") as file:
        file.write(data)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """Of a message: number, whole field as bytes, value (a number, or the bytes of what has a length)."""
    at = 0
    while at < len(data):
        start = at
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        else:
            size, at = varint(data, at) if tag & 7 == 2 else ({1: 8, 5: 4}[tag & 7], at)
            value, at = data[at:at + size], at + size
        yield tag >> 3, data[start:at], value


def field(data, wanted):
    """The bytes of the first field of that number in a message, of those that have a length."""
    return next((value for number, _, value in fields(data) if number == wanted and isinstance(value, bytes)), b"")


def as_varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def with_length(number, data):
    return as_varint(number << 3 | 2) + as_varint(len(data)) + data


def with_number(number, value):
    return as_varint(number << 3) + as_varint(value)


for path in sorted(glob.glob(os.path.join(shared, "onnx-cases", "*", "*", "model.onnx"))):
    name = os.path.basename(os.path.dirname(path))
    with open(path, "rb") as file:
        model = file.read()
    write("load", name, model)
    write("graph", name, model)
    for k, data in enumerate(sorted(glob.glob(os.path.join(os.path.dirname(path), "test_data_set_0", "*.pb")))):
        with open(data, "rb") as file:
            tensor = file.read()
        if "image_decoder" in name and "input" in data:
            write("images", name, b"torch\n" + field(tensor, 9))
        elif k == 0 and len(tensor) < 512:
            write("data", name + ".pb", b"\2" + tensor)

MOST_MODEL_BYTES = 2500000
MOST_ELEMENTS = 16  # of weights that stay: shapes, axes, scales
# Too slow: they take images of many pixels or long sounds.
SLOW = {"basic-pitch", "crepe-tiny", "deeplab-v3-mnv2", "mlperf-resnet8", "mobilenetv1-025-128-dq", "ppocr-v2-cls", "ppocr-v3-det",
        "squeezenet-fp16-winml", "style-mosaic", "superres-pytorch", "ultraface-rfb-320", "yunet-n-320"}


def as_input(tensor):
    """The ValueInfoProto of a TensorProto; None if it has few elements."""
    dims, dtype, name, count = [], 0, b"", 1
    for number, _, value in fields(tensor):
        if number == 1:
            dims += [value] if isinstance(value, int) else unpacked(value)
        elif number == 2:
            dtype = value
        elif number == 8:
            name = value
    for extent in dims:
        count *= extent
    if count <= MOST_ELEMENTS:
        return None
    shape = b"".join(with_length(1, with_number(1, extent)) for extent in dims)
    kind = with_length(1, with_number(1, dtype) + with_length(2, shape))
    return name, with_length(1, name) + with_length(2, kind)


def unpacked(data):
    at, values = 0, []
    while at < len(data):
        value, at = varint(data, at)
        values.append(value)
    return values


def without_weights(model):
    """Large weights become inputs of their type; what is said of values on the way goes."""
    INITIALIZER, INPUT, VALUE_INFO = 5, 11, 13
    out = b""
    for number, whole, graph in fields(model):
        if number != 7:
            out += whole
            continue
        parts = list(fields(graph))
        known = {field(value, 1) for part, _, value in parts if part == INPUT}
        kept = b""
        for part, field_bytes, value in parts:
            given = as_input(value) if part == INITIALIZER else None
            if part == VALUE_INFO or given and given[0] in known:
                continue
            kept += with_length(INPUT, given[1]) if given else field_bytes
        out += with_length(7, kept)
    return out


own = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "samples", "digits", "model.onnx")
paths = [own] + sorted(glob.glob(os.path.join(shared, "models", "*", "model.onnx")))
os.makedirs(os.path.join(folder, "models"), exist_ok=True)
for path in paths:
    name = os.path.basename(os.path.dirname(path))
    if os.path.getsize(path) > MOST_MODEL_BYTES:
        continue
    if name not in SLOW:
        shutil.copyfile(path, os.path.join(folder, "models", name + ".onnx"))
    with open(path, "rb") as file:
        bare = without_weights(file.read())
    write("load", "bare_" + name, bare)
    write("graph", "bare_" + name, bare)
