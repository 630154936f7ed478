# SPDX-License-Identifier: Apache-2.0
# Real models frozen to the shapes of their stored inputs: no symbol is left in their inputs, and
# ONNX Runtime computes from those inputs what it computes with the model as it was.
. "$(dirname "$0")/../shared.sh"
need_program
need_shared models
need_onnxruntime

failures=0
: >"$scratch/list"
for model in "$C2S_SHARED"/models/*/model.onnx; do
    name=$(basename "$(dirname "$model")")
    mapfile -t shapes < <(node "$C2S_SOURCE/tests/ort/stored_shapes.js" "$model")
    [ "${#shapes[@]}" -gt 0 ] || continue
    if ! "$C2S_BIN" -q "${shapes[@]}" "$model" "$scratch/$name.onnx" >"$scratch/log" 2>&1; then
        echo "FAILED  $name: ${shapes[*]}: $(tail -n 1 "$scratch/log")"
        failures=$((failures + 1))
        continue
    fi
    if "$C2S_BIN" info "$scratch/$name.onnx" | grep '^input' | grep -q '\[[^]]*[a-z?]'; then
        echo "FAILED  $name: $("$C2S_BIN" info "$scratch/$name.onnx" | grep '^input')"
        failures=$((failures + 1))
    fi
    printf '%s\t%s\t%s\t%s\n' "$name" "$model" "$scratch/$name.onnx" \
        "$(dirname "$model")/test_data_set_ort" >>"$scratch/list"
done
[ -s "$scratch/list" ] || fail "no model has stored inputs"
node "$C2S_SOURCE/tests/ort/agree.js" --list "$scratch/list" || failures=$((failures + 1))
[ "$failures" -eq 0 ]
