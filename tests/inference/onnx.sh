# SPDX-License-Identifier: Apache-2.0
# Whatever python3-onnx infers of a value, onnx-c2s infers too: of the files as they are, and with a
# symbol for every extent of the inputs.
. "$(dirname "$0")/../shared.sh"
. "$(dirname "$0")/list.bash"
need_program
/usr/bin/python3 -c 'import onnx' 2>/dev/null || skip "python3-onnx is not installed"
list_models >"$scratch/list"

failed=0
for variant in "" --free; do
    /usr/bin/python3 "$C2S_SOURCE/tests/inference/compare.py" $variant \
        --exceptions "$C2S_SOURCE/tests/inference/onnx_wrong.tsv" "$C2S_BIN" "$scratch/list" || failed=1
done
[ "$failed" -eq 0 ] || fail "onnx knows more of some values"
