# SPDX-License-Identifier: Apache-2.0
# Operators that ONNX Runtime defines, one node at a time: our evaluation must give what it gives,
# and every operator of com.microsoft that we execute has a case.
. "$(dirname "$0")/../shared.sh"
need_program
need_onnxruntime
node "$C2S_SOURCE/tests/ort/operators.js" "$C2S_BIN" "$scratch" "$C2S_SOURCE"/tests/ort/cases/*.js
"$C2S_BIN" ops | sed -n 's/^com\.microsoft\.\([A-Za-z0-9]*\) .*/\1/p' | sort >"$scratch/known.txt"
# Not in the CPU build of ONNX Runtime, so that unit tests alone hold these.
sed '/^#/d' "$C2S_SOURCE/tests/ort/cases/not_on_cpu.txt" | sort >"$scratch/not_on_cpu.txt"
missing=$(sort "$scratch/operators.txt" "$scratch/not_on_cpu.txt" | comm -23 "$scratch/known.txt" - | tr '\n' ' ')
[ -z "$missing" ] || fail "no case in tests/ort/cases for $missing"
