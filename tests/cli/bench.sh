# SPDX-License-Identifier: Apache-2.0
# onnx-c2s bench: the figures are there and fit together, as text and as JSON.
. "$(dirname "$0")/../shared.sh"
need_program
model="$C2S_SOURCE/samples/digits/model.onnx"
data="$C2S_SOURCE/samples/digits/test.npz"

"$C2S_BIN" bench --seconds 0.1 --threads 1 --nodes "$model" >"$scratch/text"
for word in 'inputs: ' 'median ' runs/s 'first run' operator kernel share GFLOP/s GB/s node 'peak memory' Conv; do
    grep -q "$word" "$scratch/text" || fail "the report does not say '$word': $(cat "$scratch/text")"
done

"$C2S_BIN" -q "$model" "$scratch/small.onnx"
"$C2S_BIN" bench --seconds 0.2 --data "$data" --samples 3 --vs "$scratch/small.onnx" --json "$model" >"$scratch/json"
number() { # KEY: its values, a line each
    tr -d ' \n' <"$scratch/json" | grep -o "\"$1\":[0-9.e+-]*" | cut -d: -f2
}
[ "$(number median_ms | wc -l)" -eq 2 ] || fail "expected two medians, found $(number median_ms)"
for runs in $(number runs); do
    [ "$runs" -ge 10 ] || fail "expected at least 10 runs, found $runs"
done
# Shares of the operators add up to 1, those of the nodes, too, for each of the two models.
number share | awk '{ sum += $1 } END { exit !(sum > 3.999 && sum < 4.001) }' || fail "shares: $(number share)"
for key in gflops gb_per_second; do
    [ "$(number $key | wc -l)" -eq "$(number share | wc -l)" ] || fail "not every row has $key"
done
[ "$(number macs | sort -n | tail -n 1)" -gt 100000 ] || fail "no operator has more than 100000 MACs"
tr -d '\n' <"$scratch/json" | awk '{
    match($0, /"ratio": *{[^}]*}/); text = substr($0, RSTART, RLENGTH); gsub(/[^0-9.e+ -]/, " ", text)
    for (i = 1; i <= split(text, field, " "); i++) if (field[i] ~ /^[0-9]/) v[++n] = field[i]
    exit !(n == 3)
}' || fail "the JSON holds no ratio with its two bounds: $(cat "$scratch/json")"

status=0
"$C2S_BIN" bench "$model" --vs "$scratch/none.onnx" >"$scratch/out" 2>&1 || status=$?
[ "$status" -eq 5 ] || fail "a model that is not there: expected status 5, found $status"
