# SPDX-License-Identifier: Apache-2.0
# Weights as codes, in the standard's form and in ONNX Runtime's: ONNX Runtime loads both, and
# computes the same from both, which hold the same codes; of the standard's it makes its own. Small floats, and
# weights that bodies read, give what the floats give that we say they stand for.
. "$(dirname "$0")/../shared.sh"
need_program
need_shared models
need_onnxruntime

failures=0
: >"$scratch/list"
for name in stories260k tinystories-mlm magika-v2 dtln-1; do
    model=$C2S_SHARED/models/$name/model.onnx
    for width in "bits=4,block=32" "bits=4,block=16,type=int" "bits=8,block=32" "bits=8,block=32,type=uint"; do
        for target in generic ort-cpu; do
            "$C2S_BIN" -q --no-prove --passes "cleanup,fuse,quantize_weights($width,method=mse,target=$target)" \
                "$model" "$scratch/$name,$width,$target.onnx" >"$scratch/log" 2>&1 || {
                echo "FAILED  $name $width $target: $(tail -n 1 "$scratch/log")"
                failures=$((failures + 1))
            }
        done
        printf '%s\t%s\t%s\n' "$name $width" "$scratch/$name,$width,generic.onnx" \
            "$scratch/$name,$width,ort-cpu.onnx" >>"$scratch/list"
    done
done
float() { # NAME MODEL PASS: and as floats
    "$C2S_BIN" -q --no-prove --passes "cleanup,fuse,quantize_weights($3,method=mse)" "$2" "$scratch/$1,$3.onnx" || fail "$1 $3"
    "$C2S_BIN" -q --no-prove --passes none --format float "$scratch/$1,$3.onnx" "$scratch/$1,$3.float.onnx" || fail "$1 $3"
    "$C2S_BIN" info "$scratch/$1,$3.float.onnx" | grep -q '^form: float$' || fail "$1 $3: codes are left"
    printf '%s\t%s\t%s\t%s\n' "$1 $3" "$scratch/$1,$3.float.onnx" "$scratch/$1,$3.onnx" "$(dirname "$2")/test_data_set_ort" >>"$scratch/list"
}
for type in float8e4m3fn float8e5m2; do
    for block in 0 32; do
        float stories260k "$C2S_SHARED/models/stories260k/model.onnx" "type=$type,block=$block"
        float magika-v2 "$C2S_SHARED/models/magika-v2/model.onnx" "type=$type,block=$block"
    done
done
for way in "bits=8" "bits=4" "type=float8e4m3fn"; do
    float silero-vad "$C2S_SHARED/models/silero-vad/model.onnx" "$way"
done
node "$C2S_SOURCE/tests/ort/agree.js" --list "$scratch/list" || failures=$((failures + 1))

# Each MatMul with such a weight becomes MatMulNBits when ONNX Runtime loads the standard's form.
name=tinystories-mlm
generic="$scratch/$name bits=4,block=32.onnx"
"$C2S_BIN" -q --no-prove --passes "cleanup,fuse,quantize_weights(bits=4,block=32,method=mse,include=MatMul)" \
    "$C2S_SHARED/models/$name/model.onnx" "$generic" || fail "$name"
printf '%s\t%s\n' "$generic" "$scratch/fused.onnx" >"$scratch/fuse"
node "$C2S_SOURCE/tests/ort/fused.js" "$scratch/fuse" || fail "$name does not load"
wanted=$("$C2S_BIN" info "$generic" | awk '$1 == "DequantizeLinear" { print $2 }')
found=$("$C2S_BIN" info "$scratch/fused.onnx" | awk '$1 == "com.microsoft.MatMulNBits" { print $2 }')
echo "$found of $wanted products with DequantizeLinear become MatMulNBits"
[ "${found:-0}" -eq "$wanted" ] || failures=$((failures + 1))
[ "$failures" -eq 0 ]
