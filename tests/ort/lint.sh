# SPDX-License-Identifier: Apache-2.0
# What `onnx-c2s lint --target ort-cpu` says will fuse, ONNX Runtime fuses: over all quantizers of a model that came
# quantized, and of the shared models quantized for every target, in several ways. What --fix writes loads, and
# nothing in it is useless any more.
. "$(dirname "$0")/../shared.sh"
need_program
need_shared models
need_shared data
need_onnxruntime
/usr/bin/python3 -c 'import onnx' 2>/dev/null || skip "python3-onnx is not installed"

ways=('' force 'force, activations=int8' 'target=openvino, force' 'target=tensorrt, force' target=qnn
    'target=qnn, activations=uint16' 'target=generic, force' 'force, exclude=Conv' 'force, per_channel=no, weights=uint8')
names=(mlperf-resnet8 ort-cnn-mnist-pytorch)

cp "$C2S_SHARED/models/micro-kws-qdq/model.onnx" "$scratch/micro-kws-qdq.onnx"
for name in "${names[@]}"; do
    [ -f "$C2S_SHARED/data/$name/calib.npz" ] || continue
    for k in "${!ways[@]}"; do
        "$C2S_BIN" -q --no-prove --samples 2 --calib "$C2S_SHARED/data/$name/calib.npz" \
            --passes "cleanup,recompose,fuse,quantize(method=minmax${ways[$k]:+, }${ways[$k]})" \
            "$C2S_SHARED/models/$name/model.onnx" "$scratch/$name-$k.onnx" || fail "$name: quantize(${ways[$k]})"
    done
done
for model in "$scratch"/*.onnx; do
    "$C2S_BIN" -q lint --fix "$model" "$scratch/fixed-$(basename "$model")" || fail "lint --fix $model"
done
: >"$scratch/list"
for model in "$scratch"/*.onnx; do
    "$C2S_BIN" lint --json "$model" >"$model.json" || fail "lint $model"
    printf '%s\t%s\n' "$model" "$model.fused" >>"$scratch/list"
done
node "$C2S_SOURCE/tests/ort/fused.js" "$scratch/list" || fail "ONNX Runtime does not load every model"

for model in "$scratch"/*.onnx; do
    /usr/bin/python3 "$C2S_SOURCE/tests/ort/lint_truth.py" "$model.json" "$model" "$model.fused" >"$scratch/one"
    head -n 1 "$scratch/one" >>"$scratch/counts"
    tail -n +2 "$scratch/one" | sed "s|^..*|$(basename "$model"): &|"
    case "$model" in */fixed-*)
        grep -q '"useless": 0' "$model.json" || fail "$(basename "$model"): useless pairs are left" ;;
    esac
done
awk '
    { hit += $1; false_alarm += $2; miss += $3; none += $4 }
    END {
        precision = hit / (hit + false_alarm); recall = hit / (hit + miss)
        printf "%d links: %d fuse, as predicted; precision %.2f %%, recall %.2f %%\n", hit + false_alarm + miss + none, hit, 100 * precision, 100 * recall
        exit !(hit > 500 && none > 100 && precision >= 0.99 && recall >= 0.99)
    }' "$scratch/counts" || fail "expected 99 % of both, over at least 500 that fuse and 100 that do not"
