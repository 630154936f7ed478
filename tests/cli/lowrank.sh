# SPDX-License-Identifier: Apache-2.0
# lowrank: bounds on answers need labels, goals exclude each other, -v tells what was chosen and what stays, and what is
# made does not depend on whether it is proved.
. "$(dirname "$0")/../shared.sh"
need_program

refuses() { # PATTERN PASSES: status 2, a message that fits, no output
    status=0
    rm -f "$scratch/none.onnx"
    "$C2S_BIN" --passes "$2" "$scratch/a.onnxtxt" "$scratch/none.onnx" >/dev/null 2>"$scratch/err" || status=$?
    [ "$status" -eq 2 ] && [ ! -e "$scratch/none.onnx" ] && grep -Eq -- "$1" "$scratch/err" ||
        fail "$2: status $status, expected /$1/, found: $(cat "$scratch/err")"
}

# 24 rows of 32 elements through a matrix [32, 32] of rank 2, twice, and a cell behind them.
numbers() { # ROWS COLUMNS
    awk -v rows="$1" -v columns="$2" 'BEGIN {
        for (i = 0; i < rows; i++)
            for (j = 0; j < columns; j++)
                printf "%s%.4f", i + j ? ", " : "", (i % 5 - 2) * (j % 3 - 1) / 9 + (i % 3 - 1) * (j % 7 - 3) / 19
    }'
}
cat >"$scratch/a.onnxtxt" <<END
<ir_version: 8, opset_import: ["" : 17]>
a (float[24,1,32] x) => (float[24,1,1,8] y)
<float[32,32] w = {$(numbers 32 32)}, float[1,8,32] i = {$(numbers 8 32)}, float[1,8,8] r = {$(numbers 8 8)}>
{
  a = MatMul(x, w)
  b = MatMul(a, w)
  y = RNN<hidden_size = 8>(b, i, r)
}
END

refuses 'max_drop needs labels, expected data that have them .--calib' 'lowrank(max_drop=1)'
refuses 'params and latency exclude each other' 'lowrank(params=0.5,latency=0.5)'
refuses 'latency' 'lowrank(latency=2)'
refuses '"cpd" is no form' 'lowrank(forms=pair;cpd)'

# One pair of factors for both products, one in front of the cell.
"$C2S_BIN" -v --no-guard --passes 'lowrank(rank=2,forms=pair,timing=no)' "$scratch/a.onnxtxt" "$scratch/b.onnxtxt" >"$scratch/out" 2>&1 ||
    fail "$(cat "$scratch/out")"
grep -q 'recurrent matrix stays' "$scratch/out" || fail "nothing said of the recurrent matrix: $(cat "$scratch/out")"
grep -q 'pair, energy by rank: .*99% at 2, of 32' "$scratch/out" || fail "no spectrum: $(cat "$scratch/out")"
[ "$(grep -c 'MatMul' "$scratch/b.onnxtxt")" -eq 5 ] || fail "expected 5 MatMul: $(cat "$scratch/b.onnxtxt")"
"$C2S_BIN" compare "$scratch/a.onnxtxt" "$scratch/b.onnxtxt" --fail-if "sqnr < 60" >"$scratch/out" 2>&1 || fail "results differ: $(cat "$scratch/out")"

# Two layers, of which the outputs show one a hundred times less: errors are weighed by that, with proof and without.
noise() { # SEED
    awk -v seed="$1" 'BEGIN {
        for (i = 0; i < 1024; i++) {
            seed = (seed * 1103515245 + 12345) % 2147483648
            printf "%s%.4f", i ? ", " : "", seed / 2147483648 - 0.5
        }
    }'
}
cat >"$scratch/a.onnxtxt" <<END
<ir_version: 8, opset_import: ["" : 17]>
a (float[24,32] x) => (float[24,32] y)
<float[32,32] w = {$(noise 1)}, float[32,32] v = {$(noise 2)}>
{
  part = Constant<value = float {0.01}>()
  a = MatMul(x, w)
  b = MatMul(x, v)
  c = Mul(b, part)
  y = Add(a, c)
}
END
make() { # NAME OPTIONS [ARGUMENTS]
    "$C2S_BIN" -q --no-guard "${@:3}" --passes "lowrank(params=0.6,forms=pair,timing=no,joint=no$2)" "$scratch/a.onnxtxt" "$scratch/$1.onnxtxt" ||
        fail "$1: status $?"
}
make proved ''
make unproved '' --no-prove
make unweighed ,weigh=no
cmp -s "$scratch/proved.onnxtxt" "$scratch/unproved.onnxtxt" || fail "--no-prove makes another model"
! cmp -s "$scratch/proved.onnxtxt" "$scratch/unweighed.onnxtxt" || fail "errors of layers are not weighed: the test says nothing"

# What codes are off grows in the form echelon: it is left out where they follow.
echelons() { # PASSES
    "$C2S_BIN" -v --no-guard --passes "$1" "$scratch/a.onnxtxt" "$scratch/b.onnxtxt" >"$scratch/out" 2>&1 || fail "$1: $(cat "$scratch/out")"
    grep -c ': echelon, rank' "$scratch/out" || true
}
only='lowrank(params=0.6,timing=no,joint=no)'
[ "$(echelons "$only")" -gt 0 ] || fail "no echelon: $(cat "$scratch/out")"
[ "$(echelons "$only,quantize_dynamic")" -eq 0 ] || fail "echelon in front of codes: $(cat "$scratch/out")"
