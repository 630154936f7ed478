# SPDX-License-Identifier: Apache-2.0
# What info and run tell about models that are out of the ordinary.
. "$(dirname "$0")/../shared.sh"
need_program

# model OPSETS GRAPH: writes $scratch/model.onnxtxt
model() {
    printf '<ir_version: 8, opset_import: [%s]>\n%s\n' "$1" "$2" >"$scratch/model.onnxtxt"
}
# tells VERB PATTERN / keeps_quiet VERB PATTERN: what onnx-c2s VERB prints of that model.
tells() {
    "$C2S_BIN" $1 "$scratch/model.onnxtxt" >"$scratch/out" 2>&1 || true
    grep -Eq -- "$2" "$scratch/out" || fail "$1: expected /$2/, found: $(cat "$scratch/out")"
}
keeps_quiet() {
    "$C2S_BIN" $1 "$scratch/model.onnxtxt" >"$scratch/out" 2>&1 || fail "$1: $(cat "$scratch/out")"
    ! grep -Eq -- "$2" "$scratch/out" || fail "$1: did not expect /$2/, found: $(cat "$scratch/out")"
}

# Experimental operators that normalisation replaces are known; ai.onnx comes first.
model '"ai.onnx.ml" : 1, "" : 7' 'g (float[1,3,8,8] x) => (float[1,3,6,6] y) { y = Crop <border = [1, 1, 1, 1]> (x) }'
tells info 'opset 7, ai.onnx.ml 1$'
keeps_quiet info unknown
model '"" : 12' 'g (float[1,3,8,8] x) => (float[1,3,6,6] y) { y = Crops <border = [1, 1, 1, 1]> (x) }'
tells info 'Crops +1 +unknown$'

model '"" : 17' 'g (float[4] x) => (float[4] y) <float zero = {0.0}> { z = Mul (x, zero) y = Div (x, z) }'
tells run '4 not finite$'
keeps_quiet run ' $'

model '"" : 17' 'g (float[6,2] x) => (seq(float[1,2]) y) { y = SplitToSequence (x) }'
tells run 'seq\(float\[1,2\]\), 6 items'

# Axes are drawn in range; where random numbers cannot serve, the message says that they were random.
model '"" : 17' 'g (float[3,4] x, int64 axis) => (float[3,4] y) { y = CumSum (x, axis) }'
keeps_quiet 'run --samples 20' 'axis [0-9]'
model '"" : 17' 'g (float[3,4] x, int64[1] step) => (float[n,4] y) <int64[1] b = {0}, int64[1] e = {3}> { y = Slice (x, b, e, b, step) }'
tells 'run --samples 50' 'random inputs \(--data PATH'
