# SPDX-License-Identifier: Apache-2.0
# Whatever ONNX Runtime infers of a value, onnx-c2s infers too. Its session tells the types of
# outputs, so every value is made one; python3-onnx edits and reads the files.
. "$(dirname "$0")/../shared.sh"
. "$(dirname "$0")/list.bash"
need_program
need_onnxruntime
/usr/bin/python3 -c 'import onnx' 2>/dev/null || skip "python3-onnx is not installed"
list_models >"$scratch/list"
compare() {
    /usr/bin/python3 "$C2S_SOURCE/tests/inference/compare.py" "$@"
}

failed=0
for variant in "" --free; do
    rm -rf "$scratch/exposed" "$scratch/typed"
    mkdir "$scratch/exposed" "$scratch/typed"
    compare --expose "$scratch/exposed" $variant "$scratch/list" >"$scratch/copies"
    node "$C2S_SOURCE/tests/inference/ort_types.js" "$scratch/copies" "$scratch/typed"
    compare --exceptions "$C2S_SOURCE/tests/inference/ort_wrong.tsv" --typed "$scratch/typed" \
        "$C2S_BIN" "$scratch/copies" || failed=1
done
[ "$failed" -eq 0 ] || fail "ONNX Runtime knows more of some values"
