# SPDX-License-Identifier: Apache-2.0
# The table of operator versions against the definitions that python3-onnx carries: which versions
# there are, their element types, the attributes that they added, what is deprecated or a function.
. "$(dirname "$0")/../shared.sh"
python=/usr/bin/python3
"$python" -c 'import onnx.defs' 2>/dev/null || skip "python3-onnx is not installed"
"$python" "$C2S_SOURCE/tests/cli/op_versions.py" "$C2S_SOURCE/src/ops/op_version_list.h" ||
    fail "the table differs from onnx.defs"
