# SPDX-License-Identifier: Apache-2.0
# The pass quantize_dynamic on models of products: ONNX Runtime makes one operator of each product, and the outputs keep
# their quality, also with signed weights, whose sums saturate on processors without VNNI unless that is seen to: unsigned
# ones, which are exact everywhere, must not be much better. --format float takes all of it back.
. "$(dirname "$0")/../shared.sh"
need_program
need_shared models
need_onnxruntime

operators() { # MODEL TYPE...: how many nodes of these operators
    local model=$1 type
    shift
    for type; do "$C2S_BIN" info "$model" | awk -v t="$type" '$1 == t { print $2 }'; done | awk '{ n += $1 } END { print n + 0 }'
}
: >"$scratch/list"
: >"$scratch/fuse"
names=(tinystories-mlm stories260k magika-v2 velardo-genre-mlp byte-bidi-lstm dtln-1)
for name in "${names[@]}"; do
    model="$C2S_SHARED/models/$name/model.onnx"
    for weights in int8 uint8; do
        new="$scratch/$name.$weights.onnx"
        "$C2S_BIN" -q --no-prove --passes "cleanup,recompose,fuse,quantize_dynamic(target=ort-cpu,weights=$weights)" \
            "$model" "$new" || fail "$name: quantize_dynamic"
        "$C2S_BIN" info "$new" | grep -q '^form: dynamic' || fail "$name: info does not see it"
        printf '%s\t%s\n' "$new" "$new.fused" >>"$scratch/fuse"
        printf '%s %s\t%s\t%s\n' "$name" "$weights" "$model" "$new" >>"$scratch/list"
    done
    "$C2S_BIN" -q --no-prove --passes none --format float "$new" "$scratch/$name.float.onnx" || fail "$name: --format float"
    "$C2S_BIN" info "$scratch/$name.float.onnx" | grep -q '^form: float$' || fail "$name: codes are left"
    printf '%s float\t%s\t%s\n' "$name" "$model" "$scratch/$name.float.onnx" >>"$scratch/list"
done

node "$C2S_SOURCE/tests/ort/fused.js" "$scratch/fuse" || fail "ONNX Runtime does not load every model"
while IFS=$'\t' read -r new fused; do
    wanted=$(operators "$new" MatMulInteger)
    found=$(operators "$fused" com.microsoft.DynamicQuantizeMatMul com.microsoft.MatMulIntegerToFloat)
    echo "$(basename "$new"): $found of $wanted products are one operator"
    [ "$found" -eq "$wanted" ] || fail "$(basename "$new"): $wanted products, ONNX Runtime fuses $found"
done <"$scratch/fuse"

node "$C2S_SOURCE/tests/ort/agree.js" --optimize all --list "$scratch/list" >"$scratch/out" || true
awk '
    $1 == "FAILED" { print; wrong++; next }
    !/SQNR/ { next }
    {
        match($0, /SQNR [-0-9.a-zA-Z]*/)
        db = substr($0, RSTART + 5, RLENGTH - 5)
        db = db ~ /^[Ii]nf/ ? 300 : db + 0
        sub(/:$/, "", $3)
        sqnr[$2, $3] = db
        names[$2]
        printf "%-20s %-6s %6.1f dB\n", $2, $3, db
        if (db < 25) { print "FAILED  " $2 " " $3 ": expected 25 dB"; wrong++ }
    }
    END {
        for (name in names)
            if (sqnr[name, "int8"] < sqnr[name, "uint8"] - 10) {
                print "FAILED  " name ": signed weights lose more than 10 dB against unsigned ones"
                wrong++
            }
        exit wrong > 0 || length(names) < 6
    }' "$scratch/out" || fail "quality"
