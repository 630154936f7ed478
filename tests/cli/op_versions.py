# SPDX-License-Identifier: Apache-2.0
"""Compares the table of operator versions with onnx.defs, as far as the opsets of that go."""
import re
import sys

import onnx.defs

LETTERS = {
    "f": "float", "d": "double", "h": "float16", "b": "bfloat16", "i": "int32", "l": "int64",
    "w": "int16", "c": "int8", "I": "uint32", "L": "uint64", "W": "uint16", "C": "uint8",
    "t": "bool", "s": "string", "z": "complex64", "y": "complex128", "e": "float4e2m1",
    "x": "float8e8m0",
}
CLASSES = {"R": "hfd", "N": "cwilCWIL"}
GROUPS = {
    "8": ["float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz"],
    "4": ["int4", "uint4"],
    "2": ["int2", "uint2"],
}
CLASSES["A"] = CLASSES["R"] + CLASSES["N"] + "tszy"


REQUIRED = object()
# Versions whose element types a later release of ONNX changed.
REDEFINED = {("", "Erf", 13), ("", "GlobalLpPool", 2), ("", "GlobalLpPool", 22), ("", "GridSample", 16)}


def element_types(text, template):
    """The type strings of ONNX that the letters stand for."""
    found = set()
    for letter in text:
        names = GROUPS.get(letter) or [LETTERS[name] for name in CLASSES.get(letter, letter)]
        found |= {template % ("tensor(%s)" % name) for name in names}
    return found


def slot_types(text):
    found = set()
    text = text.rstrip("*")
    optional = re.search(r"\((.*)\)", text)
    if optional:
        text = text.replace(optional.group(0), "")
        inner = re.search(r"\[(.*)\]", optional.group(1))
        if inner:
            found |= element_types(inner.group(1), "optional(seq(%s))")
        found |= element_types(re.sub(r"\[.*\]", "", optional.group(1)), "optional(%s)")
    sequence = re.search(r"\[(.*)\]", text)
    if sequence:
        text = text.replace(sequence.group(0), "")
        if sequence.group(1) == "m":
            found.add("seq(map)")
        else:
            found |= element_types(sequence.group(1), "seq(%s)")
    if "m" in text:
        found.add("map")
        text = text.replace("m", "")
    return found | element_types(text, "%s")


def without_map_details(types):
    return {re.sub(r"map\(\w+, \w+\)", "map", re.sub(r"tensor\((\w+)\)", r"\1", t)) if "map" in t else t
            for t in types}


def sides(signature):
    inputs, outputs = signature.split(">")
    first = (inputs or outputs).split(",")[0].rstrip("*")

    def side(text):
        return [(s.replace("=", first), s) for s in text.split(",")] if text else []

    return side(inputs), side(outputs)


def listed_attributes(before, text):
    """The attributes of a version, name to default (None: none, REQUIRED), from those before it."""
    attributes = dict(before)
    for word in text.split():
        name, _, default = word.partition("=")
        if word.startswith("-"):
            del attributes[word[1:]]
        elif word.endswith("!"):
            attributes[word[:-1]] = REQUIRED
        else:
            attributes[name] = default if "=" in word else None
    return attributes


def same_default(attribute, listed):
    if attribute.required or listed is REQUIRED:
        return attribute.required and listed is REQUIRED
    if not attribute.default_value.type:
        return listed is None
    default = onnx.helper.get_attribute_value(attribute.default_value)
    if listed is None:
        return False
    if isinstance(default, list):
        return ",".join(d.decode() if isinstance(d, bytes) else str(d) for d in default) == listed
    if isinstance(default, bytes):
        return default.decode() == listed
    return abs(float(listed) - default) <= 1e-6 * abs(default)


def read_table(path):
    text = re.sub(r",\s*\n\s*", ", ", re.sub(r'"\s*\n\s*"', "", open(path).read()))
    table = {}
    for domain, name, rest in re.findall(r'^V\("(.*?)", "(.*?)", (.*\))\)$', text, re.M):
        versions = []
        for entry in re.findall(r'S\((\d+), (?:NULL|"(.*?)")(?:, (\w+))?(?:, "(.*?)")?\)', rest):
            since, types, flags, attributes = entry
            versions.append((int(since), types, flags, attributes))
        table[domain, name] = versions
    return table


def of_formal(formal, old, new):
    """A property of a parameter, whose name in Python changed with ONNX 1.13."""
    return getattr(formal, new) if hasattr(formal, new) else getattr(formal, old)


def type_of(formal):
    return of_formal(formal, "typeStr", "type_str")


def check(schema, entry, attributes):
    """Yields what differs between a schema and an entry, `attributes` being those of the entry."""
    _, types, flags, _ = entry
    if schema.deprecated != (flags == "GONE"):
        yield "deprecated is %s" % schema.deprecated
    if schema.deprecated:
        return
    if (schema.has_function or schema.has_context_dependent_function) and flags != "F":
        yield "is a function"
    constraints = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    formals = list(schema.inputs) + list(schema.outputs)
    for kind, slots, formals_ in zip(("input", "output"), sides(types), (schema.inputs, schema.outputs)):
        if len(slots) != len(formals_):
            yield "%d %ss in the table, %d in ONNX" % (len(slots), kind, len(formals_))
        for i, ((slot, written), formal) in enumerate(zip(slots, formals_)):
            expected = without_map_details(constraints.get(type_of(formal), [type_of(formal)]))
            redefined = (schema.domain, schema.name, schema.since_version) in REDEFINED
            if redefined:
                continue
            if slot_types(slot) != expected:
                yield "%s %d takes %s" % (kind, i, sorted(expected ^ slot_types(slot)))
            like_first = (type_of(formal) == type_of(formals[0]) and
                          of_formal(formal, "isHomogeneous", "is_homogeneous"))
            if like_first != ("=" in written) and not (formal is formals_[0] and kind == "input" or
                                                       (not schema.inputs and i == 0)):
                yield "%s %d: like the first is %s" % (kind, i, like_first)
            variadic = formal.option == onnx.defs.OpSchema.FormalParameterOption.Variadic
            if variadic != written.endswith("*"):
                yield "%s %d: variadic is %s" % (kind, i, variadic)
    if set(schema.attributes) != set(attributes):
        yield "attributes %s" % sorted(set(schema.attributes) ^ set(attributes))
    for name in set(schema.attributes) & set(attributes):
        if not same_default(schema.attributes[name], attributes[name]):
            yield "default of %s is %s in the table" % (name, attributes[name])


def main():
    table = read_table(sys.argv[1])
    newest = onnx.defs.onnx_opset_version()
    schemas = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        schemas.setdefault((schema.domain, schema.name), []).append(schema)
    failures = 0
    compared = 0
    for key, history in sorted(schemas.items()):
        history.sort(key=lambda schema: schema.since_version)
        versions = {entry[0]: entry for entry in table.get(key, [])}
        known = {schema.since_version for schema in history}
        surplus = [v for v in versions if v not in known and v <= newest and key[0] == ""]
        for since in surplus:
            print("%s.%s-%d: ONNX has no such version" % (*key, since))
            failures += 1
        attributes = {}
        for schema in history:
            entry = versions.get(schema.since_version)
            if entry:
                attributes = listed_attributes(attributes, entry[3])
            wrong = check(schema, entry, attributes) if entry else ["is not in the table"]
            for text in wrong:
                print("%s.%s-%d: %s" % (*key, schema.since_version, text))
                failures += 1
            compared += 1
    print("%d versions of %d operators compared, %d differences" % (compared, len(schemas), failures))
    sys.exit(failures > 0 or compared < 400)


main()
