# SPDX-License-Identifier: Apache-2.0
# Operators that ONNX defines by a function: what they give equals what the body gives, both
# executed by us. The bodies are those of python3-onnx (opset 17), also the ones that depend on
# attributes and types of the operands.
. "$(dirname "$0")/../shared.sh"
need_program
python=/usr/bin/python3
"$python" -c 'import onnx.defs, numpy' 2>/dev/null || skip "python3-onnx is not installed"
"$python" "$C2S_SOURCE/tests/cli/function_bodies.py" "$scratch" ||
    fail "the operators without a case are listed above"

cd "$scratch"
failed=
count=0
for direct in *.direct.onnx; do
    name=${direct%.direct.onnx}
    count=$((count + 1))
    "$C2S_BIN" -q compare --tolerance 1e-5 --data "$name.npz" "$direct" "$name.body.onnx" 2>error || {
        echo "$name: status $?: $(cat error)"
        failed=1
    }
done
echo "$count operators and bodies compared"
[ -z "$failed" ] || fail "operators above differ from their bodies"
# The comparison sees a difference: two bodies that are not the same.
if "$C2S_BIN" -q compare --tolerance 1e-5 --data Celu.0.npz Celu.0.direct.onnx Celu.1.body.onnx 2>error; then
    fail "Celu with two values of alpha gives the same"
fi
