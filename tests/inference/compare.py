#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds what onnx-c2s infers against what somebody else infers from the same file.

    compare.py [--exceptions FILE] [--typed FOLDER] [--free] PROGRAM LIST
    compare.py --expose FOLDER [--free] LIST

LIST: lines NAME<tab>PATH, models to compare. The other side is onnx.shape_inference of the installed
onnx package; with --typed, the types that FOLDER/NAME.onnx declares (a copy that another program
saved with the types it found). With --free, both sides get the model with a name for every extent of
its inputs and without any other type. --expose writes copies in which every value of the main graph
is an output of unknown type, and prints their list: what a program that tells the types of outputs
only is to be asked.

For every value that the other side knows something of, onnx-c2s must know as much: element type,
rank, and every extent, as a number where the other has a number, as an expression of named
dimensions where the other has a name. FILE lists what the other side has wrong: lines
MODEL<tab>VALUE<tab>REASON, VALUE as printed below or "*".

Prints one line per value that falls short. Exit status: 0 none, 1 some, 77 no onnx package.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import onnx
    from onnx import shape_inference
except ImportError:
    print("SKIPPED: python3-onnx is not installed")
    sys.exit(77)

ELEMENTS = ["undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool",
            "float16", "double", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn",
            "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0",
            "uint2", "int2"]


def ours_of(program, path):
    """(owner, attribute, ..., name) -> type, as onnx-c2s info --values has it."""
    run = subprocess.run([program, "info", "--values", "--json", path], capture_output=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.decode(errors="replace").strip())
    return {tuple(v["body"]) + (v["name"],): v for v in json.loads(run.stdout)["values"]}


def collect(graph, prefix, found):
    for info in list(graph.value_info) + list(graph.output):
        found[prefix + (info.name,)] = info.type
    for node in graph.node:
        owner = next((name for name in node.output if name), "")
        for attr in node.attribute:
            if attr.type == onnx.AttributeProto.GRAPH:
                collect(attr.g, prefix + (owner, attr.name), found)


def theirs_of(path, typed):
    model = onnx.load(typed or path, load_external_data=False)
    if not typed:
        model = shape_inference.infer_shapes(model, check_type=False, strict_mode=False, data_prop=True)
    found = {}
    collect(model.graph, (), found)
    return found


def freed(model):
    """Every extent of an input is a name of its own; all other types are to be inferred."""
    initializers = {tensor.name for tensor in model.graph.initializer}
    for number, info in enumerate(model.graph.input):
        if info.name not in initializers and info.type.WhichOneof("value") == "tensor_type":
            for axis, dim in enumerate(info.type.tensor_type.shape.dim):
                dim.dim_param = "n%d_%d" % (number, axis)
    del model.graph.value_info[:]
    for info in model.graph.output:
        if info.type.WhichOneof("value") == "tensor_type":
            info.type.tensor_type.ClearField("shape")
    return model


def exposed(model):
    """Every value of the main graph is an output, whose type is to be inferred."""
    initializers = {tensor.name for tensor in model.graph.initializer}
    known = initializers | {info.name for info in list(model.graph.input) + list(model.graph.output)}
    del model.graph.value_info[:]
    for node in model.graph.node:
        for name in node.output:
            if name and name not in known:
                known.add(name)
                model.graph.output.add().name = name
    return model


def expose(pairs, folder, free):
    for name, path in pairs:
        model = onnx.load(path, load_external_data=False)
        copy = os.path.join(folder, name + ".onnx")
        onnx.save(exposed(freed(model) if free else model), copy)
        print("%s\t%s" % (name, copy))
    return 0


def invented(name):
    """Names that programs give to extents they know nothing of."""
    return not name or name.startswith("unk__") or name.startswith("Dim") or "_o0__d" in name


def shortfall(theirs, ours):
    """What keeps `ours` (JSON) from saying all that `theirs` (TypeProto) does; None: nothing."""
    kind = theirs.WhichOneof("value")
    if kind in ("sequence_type", "optional_type"):
        inner = getattr(theirs, kind).elem_type
        if not inner.WhichOneof("value"):
            return None
        return shortfall(inner, ours["of"]) if "of" in ours else "not known what it holds"
    if kind != "tensor_type":
        return None
    tensor = theirs.tensor_type
    if "element" not in ours:
        return "no tensor"
    if tensor.elem_type and ELEMENTS[tensor.elem_type] != ours["element"]:
        return "elements " + ELEMENTS[tensor.elem_type]
    if not tensor.HasField("shape"):
        return None
    if ours["shape"] is None:
        return "rank %d" % len(tensor.shape.dim)
    if len(ours["shape"]) != len(tensor.shape.dim):
        return "contradiction: rank %d" % len(tensor.shape.dim)
    for axis, (dim, own) in enumerate(zip(tensor.shape.dim, ours["shape"])):
        if dim.WhichOneof("value") == "dim_value" and dim.dim_value >= 0:
            if own != dim.dim_value:
                return "%saxis %d is %d" % ("contradiction: " if isinstance(own, int) else "", axis, dim.dim_value)
        elif dim.WhichOneof("value") == "dim_param" and not invented(dim.dim_param):
            if isinstance(own, str) and re.fullmatch(r"unk__\d+", own):
                return "axis %d is %s" % (axis, dim.dim_param)
    return None


def compare(theirs, program, path):
    """(values that the other side knows, [(value, what falls short, our type)])."""
    try:
        ours = ours_of(program, path)
    except RuntimeError as error:
        return 0, [("*", "a model", str(error))]
    short, known = [], 0
    for key, type_ in sorted(theirs.items()):
        if key not in ours:
            continue
        known += 1
        problem = shortfall(type_, ours[key])
        if problem:
            short.append(("/".join(key), problem, "%s (%s)" % (ours[key]["type"], ours[key]["operator"])))
    return known, short


def read_exceptions(path):
    exceptions = {}
    if path:
        with open(path, encoding="utf-8") as stream:
            for line in stream:
                if line.strip() and not line.startswith("#"):
                    model, value, _reason = line.rstrip("\n").split("\t")
                    exceptions[model, value] = 0
    return exceptions


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exceptions")
    parser.add_argument("--typed")
    parser.add_argument("--free", action="store_true")
    parser.add_argument("--expose", metavar="FOLDER")
    parser.add_argument("program", nargs="?")
    parser.add_argument("list")
    options = parser.parse_args()
    with open(options.list, encoding="utf-8") as stream:
        pairs = [line.rstrip("\n").split("\t") for line in stream]
    if options.expose:
        return expose(pairs, options.expose, options.free)
    exceptions = read_exceptions(options.exceptions)
    models = values = failures = refused = 0
    scratch = tempfile.NamedTemporaryFile(suffix=".onnx")
    for name, path in pairs:
        typed = os.path.join(options.typed, name + ".onnx") if options.typed else None
        if typed and not os.path.exists(typed):
            refused += 1
            continue
        if options.free:
            onnx.save(freed(onnx.load(path, load_external_data=False)), scratch.name)
            path = scratch.name
        try:
            theirs = theirs_of(path, typed)
        except Exception:  # the other side has its own types for what a refusal is
            refused += 1
            continue
        known, short = compare(theirs, options.program, path)
        models += 1
        values += known
        for value, problem, own in short:
            key = (name, value) if (name, value) in exceptions else (name, "*")
            if key in exceptions:
                exceptions[key] += 1
                continue
            failures += 1
            print("%s: %s: theirs: %s; ours: %s" % (name, value, problem, own))
    print("%d models (the other side refuses %d), %d values that it knows, %d of them excepted, %d fall short" %
          (models, refused, values, sum(exceptions.values()), failures))
    return 1 if failures or not values else 0


if __name__ == "__main__":
    sys.exit(main())
