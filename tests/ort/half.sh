# SPDX-License-Identifier: Apache-2.0
# The pass half on every real model of the shared folder: ONNX Runtime takes what comes out, with all its
# optimizations, and its outputs keep 30 dB against the model as it was, or what they keep if the model is
# only cleaned (there is one whose outputs are noise on the stored inputs). bfloat16 weights likewise.
. "$(dirname "$0")/../shared.sh"
need_program
need_shared models
need_onnxruntime

: >"$scratch/list"
add() { # NAME MODEL NEW DATA PASSES
    "$C2S_BIN" -q --no-guard ${4:+--calib "$4" --data "$4"} --passes "$5" "$2" "$3" >"$scratch/log" 2>&1 ||
        fail "$1: onnx-c2s --passes $5: $(tail -n 1 "$scratch/log")"
    printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$scratch/list"
}
models=0
for model in "$C2S_SHARED"/models/*/model.onnx; do
    name=$(basename "$(dirname "$model")")
    data=$(find "$(dirname "$model")" -maxdepth 1 -name 'test_data_set_ort' | head -n 1)
    models=$((models + 1))
    add "$name base" "$model" "$scratch/$name.base.onnx" "$data" cleanup
    add "$name half" "$model" "$scratch/$name.half.onnx" "$data" cleanup,recompose,fuse,half
    case "$name" in mlperf-* | silero-vad | stories260k)
        add "$name bfloat16" "$model" "$scratch/$name.bfloat16.onnx" "$data" 'cleanup,half(type=bfloat16,sqnr=20)' ;;
    esac
done
[ "$models" -gt 0 ] || skip "there are no models in $C2S_SHARED/models"
node "$C2S_SOURCE/tests/ort/agree.js" --list "$scratch/list" >"$scratch/out" || true
awk '
    $1 == "FAILED" { print; wrong++; next }
    !/SQNR/ { next }
    {
        match($0, /SQNR [-0-9.a-zA-Z]*/)
        db = substr($0, RSTART + 5, RLENGTH - 5)
        db = db ~ /^[Ii]nf/ ? 300 : db + 0
        if ($3 == "base:") { base[$2] = db; next }
        floor = $3 == "half:" ? 30 : 15
        if (floor > base[$2] - 3) floor = base[$2] - 3
        printf "%-28s %-10s %6.1f dB\n", $2, $3, db
        count++
        if (db < floor) { print "    expected at least " floor; wrong++ }
    }
    END { print count " models"; exit wrong > 0 || count == 0 }' "$scratch/out" ||
    fail "float16 models that ONNX Runtime does not take, or that lost too much"
