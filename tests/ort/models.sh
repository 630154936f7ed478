# SPDX-License-Identifier: Apache-2.0
# The default job, also to opset 21 and 23, opset 21 alone, and --target ort on every real model of the shared folder, without the
# guard, which is a matter of time; ONNX Runtime says whether the result still computes the same, onnx.checker whether it is worse
# formed than before.
. "$(dirname "$0")/../shared.sh"
need_program
need_shared models
need_shared models-untrained/light
need_onnxruntime

failures=0
models=0
: >"$scratch/list"
for model in "$C2S_SHARED"/models/*/model.onnx "$C2S_SHARED"/models-untrained/light/*.onnx; do
    name=$(basename "$(dirname "$model")")
    [ "$name" != light ] || name=$(basename "$model" .onnx)
    models=$((models + 1))
    for job in "" "--passes none --opset 21" "--no-prove --opset 21" "--no-prove --opset 23" "--no-prove --target ort"; do
        new="$scratch/$name$job.onnx"
        status=0
        "$C2S_BIN" -q --strict --no-guard $job "$model" "$new" >"$scratch/log" 2>&1 || status=$?
        if [ $status -eq 0 ]; then
            printf '%s\t%s\t%s\n' "$name${job:+ $job}" "$model" "$new" >>"$scratch/list"
        else
            echo "FAILED  $name: onnx-c2s $job ended with status $status: $(tail -n 1 "$scratch/log")"
            failures=$((failures + 1))
        fi
    done
done
echo "$models models, $failures jobs failed"
node "$C2S_SOURCE/tests/ort/agree.js" --list "$scratch/list" || failures=$((failures + 1))
if /usr/bin/python3 -c 'import onnx' 2>/dev/null; then
    /usr/bin/python3 "$C2S_SOURCE/tests/ort/check.py" <"$scratch/list" || failures=$((failures + 1))
fi
[ "$failures" -eq 0 ]
