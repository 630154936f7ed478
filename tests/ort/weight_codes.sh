# SPDX-License-Identifier: Apache-2.0
# Weights as codes, in the standard's form and in ONNX Runtime's: ONNX Runtime loads both, and
# computes the same from both, which hold the same codes.
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
node "$C2S_SOURCE/tests/ort/agree.js" --list "$scratch/list" || failures=$((failures + 1))
[ "$failures" -eq 0 ]
