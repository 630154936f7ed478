# SPDX-License-Identifier: Apache-2.0
# onnx-c2s ops: patterns, domains, what is missing, JSON.
. "$(dirname "$0")/../shared.sh"
need_program

expect() { # operators, in order, for these arguments
    wanted=$1
    shift
    found=$("$C2S_BIN" ops "$@" | sed 1d | cut -d ' ' -f 1 | tr '\n' ' ')
    [ "$found" = "$wanted" ] || fail "ops $*: found $found, expected $wanted"
}
expect "Conv ConvInteger ConvTranspose " --domain ai.onnx 'Conv*'
expect "Gelu com.microsoft.Gelu " Gelu
expect "com.microsoft.Gelu " --domain com.microsoft Gelu
expect "com.microsoft.Gelu " com.microsoft.Gelu
expect "Gelu Identity " Identity ai.onnx.Gelu
expect "Upsample ai.onnx.preview.training.Gradient " Upsample Gradient

# Facts of the standard: Conv changed in opsets 1, 11, 22; Upsample is gone since 10.
"$C2S_BIN" ops Conv Upsample Relu BitShift Sigmoid >"$scratch/table"
grep -q '^Conv  *1,11,22  *yes  *yes  *yes  *yes  *linear  *yes  *[1-9][0-9]*+[1-9][0-9]*$' "$scratch/table" ||
    fail "the row of Conv: $(cat "$scratch/table")"
grep -q '^Upsample  *1,7,9,(10)  *rewritten ' "$scratch/table" || fail "the row of Upsample: $(cat "$scratch/table")"
grep -q '^Relu .* 0  *yes  *clamp ' "$scratch/table" || fail "the row of Relu: $(cat "$scratch/table")"
grep -q '^BitShift .* none ' "$scratch/table" || fail "the row of BitShift: $(cat "$scratch/table")"
grep -q '^Sigmoid .* range ' "$scratch/table" || fail "the row of Sigmoid: $(cat "$scratch/table")"

status=0
"$C2S_BIN" ops NoSuchOperator >"$scratch/none" 2>"$scratch/message" || status=$?
[ "$status" -ne 0 ] || fail "no operator is found, and the status is 0"
[ ! -s "$scratch/none" ] || fail "no operator is found, and something is printed"
grep -q 'no operator' "$scratch/message" || fail "the message: $(cat "$scratch/message")"

"$C2S_BIN" ops --missing >"$scratch/missing"
[ "$(cat "$scratch/missing")" = "no operator of ONNX lacks anything" ] ||
    fail "operators lack something: $(cat "$scratch/missing")"

"$C2S_BIN" ops --json Conv >"$scratch/json"
tr -d ' \n' <"$scratch/json" | grep -q '"type":"Conv","since":\[1,11,22\],.*"quant":"linear"' ||
    fail "JSON: $(cat "$scratch/json")"
