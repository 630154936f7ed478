# SPDX-License-Identifier: Apache-2.0
# The report of the default job: on the sample model the figures must go down and the error be small.
. "$(dirname "$0")/../shared.sh"
need_program
model="$C2S_SOURCE/samples/digits/model.onnx"
data="$C2S_SOURCE/samples/digits/test.npz"

"$C2S_BIN" --data "$data" "$model" "$scratch/out.onnx" >"$scratch/table" 2>"$scratch/err"
cat "$scratch/table"
[ ! -s "$scratch/err" ] || fail "standard error is not empty: $(cat "$scratch/err")"
for word in before after nodes parameters bytes 'largest relative error'; do
    grep -q "$word" "$scratch/table" || fail "the report does not say '$word'"
done

"$C2S_BIN" --json --data "$data" "$model" "$scratch/out.onnx" >"$scratch/json"
value() { # KEY: its values, a line each, "before" first
    tr -d ' \n' <"$scratch/json" | grep -o "\"$1\":[0-9]*" | cut -d: -f2
}
for key in nodes parameters bytes; do
    mapfile -t pair < <(value $key)
    [ "${#pair[@]}" -eq 2 ] || fail "$key: expected two values in the JSON, found ${#pair[@]}"
    [ "${pair[1]}" -lt "${pair[0]}" ] || fail "$key went from ${pair[0]} to ${pair[1]}"
done
mapfile -t macs < <(value macs)
[ "${#macs[@]}" -eq 2 ] && [ "${macs[0]}" -ge "${macs[1]}" ] && [ "${macs[1]}" -gt 100000 ] ||
    fail "macs: expected more than 100000, no more after than before, found ${macs[*]}"
mapfile -t pair < <(value bytes)
[ "$(stat -c %s "$scratch/out.onnx")" -eq "${pair[1]}" ] || fail "the report says ${pair[1]} bytes, the file has another size"
grep -q rolled_back "$scratch/json" && fail "a pass was rolled back"

# No BatchNormalization, Constant or shape arithmetic is left of this model.
"$C2S_BIN" info "$scratch/out.onnx" >"$scratch/info"
for op in BatchNormalization Constant Identity ConstantOfShape Transpose Pad Slice; do
    ! grep -qw "$op" "$scratch/info" || fail "$op is still there: $(cat "$scratch/info")"
done

"$C2S_BIN" -q "$model" "$scratch/out.onnx" >"$scratch/quiet" 2>&1
[ ! -s "$scratch/quiet" ] || fail "-q prints: $(cat "$scratch/quiet")"
