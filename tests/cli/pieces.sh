# SPDX-License-Identifier: Apache-2.0
# extract and merge: a model cut in two and put together again computes what it did.
. "$(dirname "$0")/../shared.sh"
need_program
c2s() { "$C2S_BIN" "$@" >"$scratch/out" 2>"$scratch/err" || fail "$*: $(cat "$scratch/err")"; }
says() { grep -Eq -- "$1" "$scratch/out" || fail "expected /$1/, found: $(cat "$scratch/out")"; }
refuses() { # PATTERN ARGUMENTS...: status 2 to 4, one line that fits, no output
    pattern=$1 status=0
    shift
    rm -f "$scratch/none.onnx"
    "$C2S_BIN" "$@" "$scratch/none.onnx" >/dev/null 2>"$scratch/err" || status=$?
    [ "$status" -ge 2 ] && [ "$status" -le 4 ] && [ ! -e "$scratch/none.onnx" ] && grep -Eq -- "$pattern" "$scratch/err" ||
        fail "$*: status $status, expected /$pattern/, found: $(cat "$scratch/err")"
}

cat >"$scratch/a.onnxtxt" <<'END'
<ir_version: 8, opset_import: ["" : 17]>
a (float[n,4] x, bool flip) => (float[n,3] y, float[n,3] z)
<float[4,3] w = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0}>
{
    [mm] p = MatMul (x, w)
    [cond] y = If (flip) <
        then_branch = yes () => (float[n,3] r) { r = Neg (p) },
        else_branch = no () => (float[n,3] s) { s = Relu (p) }
    >
    [exp] z = Exp (y)
}
END
a="$scratch/a.onnxtxt"
c2s extract --to p "$a" "$scratch/front.onnx"
says '^input   x  float\[n,4\]$'
says '^output  p  float\[n,3\]$'
! grep -q flip "$scratch/out" || fail "an input that nothing needs is still there"
c2s extract --from p "$a" "$scratch/back.onnx"
says '^input   flip  bool'
says '^input   p  float\[n,3\]$'
c2s merge "$scratch/front.onnx" "$scratch/back.onnx" "$scratch/again.onnx"
c2s compare "$a" "$scratch/again.onnx"
c2s merge --connect p=p "$scratch/front.onnx" "$scratch/back.onnx" "$scratch/again.onnx"
c2s compare "$a" "$scratch/again.onnx"

# Beside itself: names get numbers, captures in bodies follow.
c2s merge --parallel "$a" "$a" "$scratch/both.onnx"
says '^input   x_1  float\[n,4\]$'
says '^output  z_1  float\[n,3\]$'
c2s run "$scratch/both.onnx"
c2s extract --to z_1 "$scratch/both.onnx" "$scratch/second.onnx"
c2s run "$scratch/second.onnx"

c2s merge --parallel --share-inputs "$a" "$a" "$scratch/both.onnx"
! grep -q '_1.*bool\|x_1' "$scratch/out" || fail "inputs are not shared: $(cat "$scratch/out")"

# Another opset is raised, a single pair needs no names, what does not fit is refused.
printf '<ir_version: 7, opset_import: ["" : 11]>\ng (float[n,3] v) => (float[n] w) { w = ReduceSum <axes = [1], keepdims = 0> (v) }\n' >"$scratch/sum.onnxtxt"
c2s merge "$scratch/front.onnx" "$scratch/sum.onnxtxt" "$scratch/summed.onnx"
says '^output  w  float\[n\]$'
c2s run "$scratch/summed.onnx"
printf '<ir_version: 7, opset_import: ["" : 17]>\ng (int64[n,3] p) => (int64[n,3] w) { w = Neg (p) }\n' >"$scratch/ints.onnxtxt"
refuses 'output "p" is float.*input "p" is int64' merge "$scratch/front.onnx" "$scratch/ints.onnxtxt"
refuses 'no output "q"' merge --connect q=p "$scratch/front.onnx" "$scratch/back.onnx"
refuses 'no input "q"' merge --connect p=q "$scratch/front.onnx" "$scratch/back.onnx"
refuses 'expected OUTPUT=INPUT' merge --connect p "$scratch/front.onnx" "$scratch/back.onnx"
refuses 'say which belong together' merge "$a" "$scratch/sum.onnxtxt"
refuses 'no value "nobody"' extract --from nobody "$a"
refuses '"mm" is a node.*"p"' extract --to mm "$a"
refuses 'nothing lies between' extract --from z --to z "$a"
refuses 'given twice' extract --to y --to y "$a"
refuses 'no result' extract --to x "$a"

# Every model of the sample: cut at some value in the middle.
model="$C2S_SOURCE/samples/digits/model.onnx"
c2s extract --to "$("$C2S_BIN" info --values "$model" | awk '$2 == "MaxPool" {print $1; exit}')" "$model" "$scratch/front.onnx"
value=$(sed -n 's/^output  \([^ ]*\) .*/\1/p' "$scratch/out")
c2s extract --from "$value" "$model" "$scratch/back.onnx"
c2s merge "$scratch/front.onnx" "$scratch/back.onnx" "$scratch/again.onnx"
c2s compare "$model" "$scratch/again.onnx"
