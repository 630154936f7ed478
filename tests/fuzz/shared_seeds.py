# SPDX-License-Identifier: Apache-2.0
"""Inputs to start from that are too many for the repo: shared_seeds.py SHARED FOLDER

Writes into FOLDER/TARGET what the operator cases below SHARED have: small models, their data, pictures."""
import glob
import os
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


def field(data, wanted):
    """The bytes of the first field of that number in a message, of those that have a length."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        size, at = varint(data, at) if tag & 7 in (0, 2) else ({1: 8, 5: 4}[tag & 7], at)
        if tag & 7 == 0:
            continue
        if tag >> 3 == wanted:
            return data[at:at + size]
        at += size
    return b""


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
