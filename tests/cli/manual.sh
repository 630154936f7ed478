# SPDX-License-Identifier: Apache-2.0
# The manual page knows every command and every option that --help shows, and the other way round.
. "$(dirname "$0")/../shared.sh"
need_program
page="$C2S_SOURCE/docs/onnx-c2s.1"

sed 's/\\-/-/g' "$page" >"$scratch/page"
for verb in '' info compare check run bench extract merge lint prune-groups ops passes; do
    "$C2S_BIN" $verb --help >"$scratch/help"
    [ -z "$verb" ] || grep -q "onnx-c2s $verb" "$scratch/page" || fail "the manual does not name the command $verb"
    sed -n 's/^ .*\(--[a-z-]*\).*/\1/p' "$scratch/help" | sed -n 's/^\(--[a-z-]*\)$/\1/p' >>"$scratch/options"
done
sort -u "$scratch/options" >"$scratch/known"
[ "$(wc -l <"$scratch/known")" -gt 10 ] || fail "--help shows only $(wc -l <"$scratch/known") options"
grep -o -- '--[a-z][a-z-]*' "$scratch/page" | sort -u >"$scratch/written"
diff "$scratch/known" "$scratch/written" >"$scratch/diff" || fail "--help (<) and the manual (>): $(cat "$scratch/diff")"
"$C2S_BIN" --version | grep -q '[0-9]\.[0-9]' || fail "--version shows no version"
