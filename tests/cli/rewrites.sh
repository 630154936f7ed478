# SPDX-License-Identifier: Apache-2.0
# Control over single rewrites: listed, left out, explained, logged, counted.
. "$(dirname "$0")/../shared.sh"
need_program
cat >"$scratch/in.onnxtxt" <<'END'
<ir_version: 8, opset_import: ["" : 17]>
g (float[1,2,4,4] x) => (float[1,2,4,4] y, float[2,4] z)
<float[2,2,1,1] w = {1.0, 2.0, 3.0, 4.0}, float[2,1,1] s = {2.0, 3.0}, int64[2] shape = {2, 16}>
{
    [conv] c = Conv (x, w)
    [scale] m = Mul (c, s)
    [same] i = Identity (m)
    [relu] y = Relu (i)
    [flat] f = Reshape (x, shape)
    [a] a = Constant <value = int64[1] {0}> ()
    [b] b = Constant <value = int64[1] {4}> ()
    [one] one = Constant <value = int64[1] {1}> ()
    [cut] z = Slice (f, a, b, one)
}
END
# job OPTION...: runs the default job; what it prints is in $scratch/out.
job() {
    "$C2S_BIN" "$@" "$scratch/in.onnxtxt" "$scratch/out.onnxtxt" >"$scratch/out" 2>"$scratch/err" || fail "$*: $(cat "$scratch/err")"
}
model_has() { grep -q "$1" "$scratch/out.onnxtxt" || fail "expected $1 in $(cat "$scratch/out.onnxtxt")"; }
model_lacks() { ! grep -q "$1" "$scratch/out.onnxtxt" || fail "did not expect $1 in $(cat "$scratch/out.onnxtxt")"; }
says() { grep -Eq -- "$1" "$scratch/out" || fail "expected /$1/, found: $(cat "$scratch/out")"; }

job
model_lacks 'Mul\|Identity'
job --skip linear-affine
model_has Mul
model_lacks Identity
job --skip linear-affine@scale --skip identity@other
model_has Mul
model_lacks Identity
job --skip linear-affine@other
model_lacks Mul

job --explain scale
says '^node "scale" \(Mul\)$'
says 'linear-affine applied at node "scale" \(Mul\); gone: .*"scale"'
job --skip linear-affine --explain scale
says 'linear-affine not applied at node "scale" \(Mul\): left out on request'
job --explain relu
says 'pattern not found: .*clip-clip'

job --log-rewrites "$scratch/log" --json
grep -q "^fuse	linear-affine	node \"scale\" (Mul)	gone: .*\"scale\"" "$scratch/log" || fail "log: $(cat "$scratch/log")"
says '"rule": "linear-affine"'
rewrites=$(wc -l <"$scratch/log")
job --log-rewrites "$scratch/log" --stop-after 2
[ "$rewrites" -gt 2 ] && [ "$(wc -l <"$scratch/log")" -eq 2 ] || fail "--stop-after 2: $rewrites before, $(wc -l <"$scratch/log") after"

job --annotate
"$C2S_BIN" -q --annotate "$scratch/in.onnxtxt" "$scratch/out.onnx" || fail "--annotate"
grep -aq 'linear-affine(.*conv.*scale)' "$scratch/out.onnx" || fail "--annotate: no history in the file"
"$C2S_BIN" -q "$scratch/out.onnx" "$scratch/again.onnx" || fail "a model with a history"
grep -aq 'linear-affine(.*conv.*scale)' "$scratch/again.onnx" || fail "a history is lost"

job --print-after cleanup
grep -q 'm = Mul' "$scratch/err" && ! grep -q 'Identity' "$scratch/err" || fail "--print-after: $(cat "$scratch/err")"

"$C2S_BIN" --list-rules >"$scratch/out"
says '^fuse$'
says '^  linear-affine +Conv, '
for wrong in '--skip no-such-rule' '--skip dead-nodes' '--explain nobody' '--print-after nothing'; do
    status=0
    "$C2S_BIN" $wrong "$scratch/in.onnxtxt" "$scratch/none.onnxtxt" >/dev/null 2>"$scratch/err" || status=$?
    [ "$status" -eq 2 ] && [ ! -e "$scratch/none.onnxtxt" ] || fail "$wrong: status $status, $(cat "$scratch/err")"
done
