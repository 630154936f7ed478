# SPDX-License-Identifier: Apache-2.0
# Attention of com.microsoft whose operands have widths that the file leaves open: read and written as it is.
. "$(dirname "$0")/../shared.sh"

model() { # model NAME INPUTS NODE
    cat >"$scratch/$1.onnxtxt" <<EOF
<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
g ($2) => (float[] y) { y = com.microsoft.$3 }
EOF
    "$C2S_BIN" --no-prove "$scratch/$1.onnxtxt" "$scratch/$1.onnx" >"$scratch/log" 2>&1 ||
        fail "$1: status $?: $(tail -n 1 "$scratch/log"), expected a model"
    "$C2S_BIN" info "$scratch/$1.onnx" >"$scratch/log" 2>&1 ||
        fail "info of $1: $(tail -n 1 "$scratch/log")"
    grep -q Attention "$scratch/log" || fail "$1 has no Attention any more: $(cat "$scratch/log")"
}

model projected "float[2,3,8] x, float[] w, float[24] b" "Attention <num_heads = 2> (x, w, b)"
model heads "float[1,3,W] q, float[1,3,W] k, float[1,3,W] v, float[24] b" \
    "MultiHeadAttention <num_heads = 2> (q, k, v, b)"
