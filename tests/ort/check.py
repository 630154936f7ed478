# SPDX-License-Identifier: Apache-2.0
"""check.py: onnx.checker on models and on what was made of them.

Reads lines "NAME<tab>ORIGINAL<tab>NEW..." from standard input. A new model may draw no complaint that
its original does not draw. Models of opsets that this version of onnx does not know are left out.
Exit status 1 if some new model does worse.
"""
import sys

import onnx
import onnx.defs


def known(model):
    versions = {"": onnx.defs.onnx_opset_version(), "ai.onnx.ml": 3, "ai.onnx.preview.training": 1}
    return model.ir_version <= onnx.IR_VERSION and all(
        o.version <= versions.get("" if o.domain == "ai.onnx" else o.domain, 0)
        for o in model.opset_import
    )


def complaint(model):
    try:
        onnx.checker.check_model(model, full_check=True)
        return ""
    except Exception as error:  # every kind: that is what is asked
        return " ".join(str(error).split()) or type(error).__name__


def main():
    checked = sound = worse = 0
    for line in sys.stdin:
        name, original, *new = line.rstrip("\n").split("\t")
        before = onnx.load(original)
        excused = not known(before) or complaint(before)
        for path in new:
            after = onnx.load(path)
            if not known(after):
                continue
            checked += 1
            found = complaint(after)
            sound += not found
            if found and not excused:
                worse += 1
                print(f"{name}: {path.rsplit('/', 1)[1]}: {found}")
    print(f"onnx {onnx.__version__}: {sound} of {checked} new models are sound, {worse} are worse than before")
    return 1 if worse else 0


sys.exit(main())
