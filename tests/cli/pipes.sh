# SPDX-License-Identifier: Apache-2.0
# Standard input and output give the same bytes as files; so does a second run, and another number of
# threads.
. "$(dirname "$0")/../shared.sh"
need_program
model="$C2S_SOURCE/samples/digits/model.onnx"

"$C2S_BIN" -q --no-guard "$model" "$scratch/file.onnx"
"$C2S_BIN" -q --no-guard - - <"$model" >"$scratch/pipe.onnx"
cmp "$scratch/file.onnx" "$scratch/pipe.onnx" || fail "standard input and output give another model"
"$C2S_BIN" -q --no-guard --threads 1 "$model" "$scratch/again.onnx"
cmp "$scratch/file.onnx" "$scratch/again.onnx" || fail "a second run with one thread gives another model"
"$C2S_BIN" -q --no-prove "$model" "$scratch/unproved.onnx"
cmp "$scratch/file.onnx" "$scratch/unproved.onnx" || fail "without the proof the model is another one"

# The report leaves standard output to the model.
"$C2S_BIN" --no-guard "$model" - >"$scratch/out.onnx" 2>"$scratch/report"
cmp "$scratch/file.onnx" "$scratch/out.onnx" || fail "the report went into the model"
grep -q 'nodes' "$scratch/report" || fail "no report on standard error"

"$C2S_BIN" info - <"$scratch/file.onnx" >"$scratch/info"
grep -q 'image' "$scratch/info" || fail "info of standard input does not name the input: $(cat "$scratch/info")"

# A closed pipe ends the program with a status, not a signal.
status=0
{ "$C2S_BIN" "$model" - 2>/dev/null || echo $? >"$scratch/status"; } | true
if [ -e "$scratch/status" ]; then
    [ "$(cat "$scratch/status")" -eq 5 ] || fail "status $(cat "$scratch/status") for a closed pipe, expected 5"
fi

# Who reads the beginning of a text only gets that, and no message; nor is one lost where it is due.
for command in --help "info --values $model"; do
    "$C2S_BIN" $command 2>"$scratch/err" | head -c 1 >/dev/null || true
    [ ! -s "$scratch/err" ] || fail "$command, of which one byte is read: $(cat "$scratch/err")"
done
# Names from a file do not reach a terminal as commands.
printf '%s\n' '<ir_version: 8, opset_import: ["" : 17, "odd" : 1]>' \
    'g (float[2] x) => (float[2] "a\tb") { q = odd.Strange (x) "a\tb" = Relu (q) }' >"$scratch/odd.onnxtxt"
"$C2S_BIN" -q --passes none "$scratch/odd.onnxtxt" "$scratch/odd.onnx"
sed -i 's/Strange/Str\x1bng\x07/; s/a\tb/a\x1bb/g' "$scratch/odd.onnx"
for command in "info --values" "lint" "extract --to q" "" "prune-groups"; do
    "$C2S_BIN" $command "$scratch/odd.onnx" "$scratch/out.onnx" >"$scratch/text" 2>&1 ||
        "$C2S_BIN" $command "$scratch/odd.onnx" >"$scratch/text" 2>&1 || fail "$command: $(cat "$scratch/text")"
    tr -d '\n' <"$scratch/text" | grep -q '[[:cntrl:]]' && fail "$command shows control characters: $(cat -v "$scratch/text")"
done
if [ -c /dev/full ]; then
    status=0
    "$C2S_BIN" --help 2>"$scratch/err" >/dev/full || status=$?
    [ $status -eq 5 ] && grep -q 'cannot write' "$scratch/err" || fail "status $status for a full stream: $(cat "$scratch/err")"
fi
