# SPDX-License-Identifier: Apache-2.0
# Quantized models in other forms: with its optimizations ONNX Runtime computes the same from QDQ as from operators on
# codes, bit for bit, and from what is converted back; ONNX's own cases of operators on codes give what they should as QDQ.
# Activations of 8-bit floats it runs as they are written; its optimizations would make QLinearConv of them, which has no such types.
. "$(dirname "$0")/../shared.sh"
need_program
need_shared models
need_shared data
need_shared onnx-cases
need_onnxruntime
agree="$C2S_SOURCE/tests/ort/agree.js"

c2s() { "$C2S_BIN" -q --no-prove "$@" || fail "onnx-c2s $*"; }
form() { "$C2S_BIN" info "$1" | sed -n 's/^form: //p'; }
shown() { # MODEL TEXT: info must say it
    form "$1" | grep -q -- "$2" || fail "$(basename "$1"): form is \"$(form "$1")\", expected $2"
}

cp "$C2S_SHARED/models/micro-kws-qdq/model.onnx" "$scratch/micro-kws-qdq.onnx"
for name in mlperf-resnet8 ort-cnn-mnist-pytorch mlperf-kws-dscnn; do
    for way in '' int8; do
        c2s --samples 2 --calib "$C2S_SHARED/data/$name/calib.npz" --calib-samples 8 --passes \
            "cleanup,recompose,fuse,quantize(method=minmax,force${way:+,activations=$way})" \
            "$C2S_SHARED/models/$name/model.onnx" "$scratch/$name${way:+-$way}.onnx"
    done
done
: >"$scratch/list"
for model in "$scratch"/*.onnx; do
    name=$(basename "$model" .onnx)
    shown "$model" QDQ
    for target in '' ort; do
        codes="$scratch/$name${target:+-$target}.codes"
        c2s --passes none --format qoperator ${target:+--target $target --opset 21} "$model" "$codes"
        c2s --passes none --format qdq "$codes" "$codes.back"
        shown "$codes" QOperator
        [ "$("$C2S_BIN" info --json "$codes.back" | sed -n 's/.*"qoperators": \([0-9]*\).*/\1/p')" = 0 ] ||
            fail "$name: operators on codes are left"
        printf '%s codes %s\t%s\t%s\n' "$name" "$target" "$model" "$codes" >>"$scratch/list"
        printf '%s back %s\t%s\t%s\n' "$name" "$target" "$model" "$codes.back" >>"$scratch/list"
    done
    c2s --passes none --format float "$model" "$scratch/$name.float"
    shown "$scratch/$name.float" '^float$'
done
node "$agree" --optimize all --list "$scratch/list" || fail "the forms differ"

: >"$scratch/list"
for folder in "$C2S_SHARED"/onnx-cases/node/test_qlinear*; do
    name=$(basename "$folder")
    "$C2S_BIN" -q --no-prove --passes none --format qdq "$folder/model.onnx" "$scratch/$name.qdq" || fail "$name"
    case "$name" in *float16) continue ;; esac # ONNX Runtime has no such scales
    shown "$scratch/$name.qdq" QDQ
    printf '%s\t%s\t%s\n' "$name" "$folder/model.onnx" "$scratch/$name.qdq" >>"$scratch/list"
done
node "$agree" --optimize all --list "$scratch/list" || fail "ONNX's cases differ"

name=mlperf-resnet8
: >"$scratch/jobs"
for type in float8e4m3fn float8e5m2; do
    c2s --calib "$C2S_SHARED/data/$name/calib.npz" --calib-samples 8 --passes \
        "cleanup,recompose,fuse,quantize(target=generic,activations=$type,weights=$type,method=minmax,force)" \
        "$C2S_SHARED/models/$name/model.onnx" "$scratch/$type.small"
    shown "$scratch/$type.small" "codes of $type"
    printf '%s\tdisabled\t%s\t%s\tinput_1\t%s\n' "$type" "$scratch/$type.small" "$scratch/$type.out" \
        "$C2S_SHARED/models/$name/test_data_set_ort/input_0.pb" >>"$scratch/jobs"
done
node "$C2S_SOURCE/tests/ort/run.js" "$scratch/jobs" "$scratch/results"
cat "$scratch/results"
[ "$(grep -c 'ok$' "$scratch/results")" -eq 2 ] || fail "ONNX Runtime does not run activations of 8-bit floats"
