# SPDX-License-Identifier: Apache-2.0
# Models on 16-bit floats: passes that work on float32 alone say what helps, and that helps; errors are told against the
# first model, whatever lossy passes stand in between.
. "$(dirname "$0")/../shared.sh"
need_program

numbers() { # COUNT
    awk -v count="$1" 'BEGIN { for (i = 0; i < count; i++) printf "%s%.4f", i ? ", " : "", (i * 37 % 64 - 31.5) / 64 }'
}
cat >"$scratch/a.onnxtxt" <<END
<ir_version: 8, opset_import: ["" : 17]>
a (float16[24,32] x) => (float16[24,32] y)
<float16[32,32] w = {$(numbers 1024)}>
{
  a = MatMul(x, w)
  y = Relu(a)
}
END

run() { # PASSES
    "$C2S_BIN" --json --no-guard --passes "$1" "$scratch/a.onnxtxt" "$scratch/b.onnxtxt" >"$scratch/out" 2>"$scratch/err" ||
        fail "$1: $(cat "$scratch/err")"
}

run sparsify
grep -q 'sparsify: 1 layers compute with 16 bits.* the pass single' "$scratch/err" || fail "nothing helps: $(cat "$scratch/err")"
cmp -s <(grep MatMul "$scratch/a.onnxtxt" | tr -d ' ') <(grep MatMul "$scratch/b.onnxtxt" | tr -d ' ') || fail "sparsify changed a layer on 16 bits"

run 'single,sparsify,half'
! grep -q '16 bits' "$scratch/err" || fail "of what was made single: $(cat "$scratch/err")"
grep -q 'float16\[32,32\].* 0.0, 0.0, ' "$scratch/b.onnxtxt" ||
    fail "no zeros in float16: $(grep '32,32' "$scratch/b.onnxtxt" | cut -c1-300)"
grep -q 'Cast' "$scratch/b.onnxtxt" && fail "Casts stayed: $(cat "$scratch/b.onnxtxt" | cut -c1-200)"
python3 - "$scratch/out" <<'END' || fail "errors: $(cat "$scratch/out")"
import json, sys
report = json.load(open(sys.argv[1]))
single, sparsify, half = (step['error'] for step in report['passes'])
assert single < 0.01 and half < 0.01 and sparsify > 0.05, (single, sparsify, half)
assert abs(report['error'] - sparsify) < 0.02, report['error']
END

# The interface follows on request, with a proof as well, whatever stands behind it.
for passes in 'single(io=single)' 'single(io=single),half(io=half),cleanup' 'single(io=single),cleanup'; do
    run "$passes"
    type=float
    [ "${passes#*half}" = "$passes" ] || type=float16
    grep -q "a ($type\[24,32\] x) => ($type\[24,32\] y)" "$scratch/b.onnxtxt" ||
        fail "$passes: the interface is $(sed -n 2p "$scratch/b.onnxtxt"): $(cat "$scratch/out")"
    ! grep -q 'rolled back' "$scratch/out" || fail "$passes: $(cat "$scratch/out")"
done
