# SPDX-License-Identifier: Apache-2.0
# Rules of files: applied, listed, explained, logged, left out; wrong ones are found and named; those of
# samples/rules do what they say.
. "$(dirname "$0")/../shared.sh"
need_program
samples="$C2S_SOURCE/samples/rules"
cat >"$scratch/in.onnxtxt" <<'END'
<ir_version: 8, opset_import: ["" : 17]>
g (float[3,2] x, float[1,2,4,4] i) => (float[2,4] y, float[1,2,4,4] z, float[2,4] h, float[2,4] s)
<float[3,4] w = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0}, float[2,2,1,1] k = {1.0, 2.0, 3.0, 4.0}, float two = {2.0}>
{
    [t] t = Transpose <perm = [1, 0]> (x)
    [product] y = MatMul (t, w)
    [quotient] q = Div (i, two)
    [conv] z = Conv (q, k)
    [hard] h = HardSwish (y)
    [gate] g = Sigmoid (y)
    [swish] s = Mul (g, y)
}
END
# job OPTION...: runs the default job, without the guard, which is a matter of time; what it prints is in $scratch/out and err.
job() {
    "$C2S_BIN" --no-guard "$@" "$scratch/in.onnxtxt" "$scratch/out.onnxtxt" >"$scratch/out" 2>"$scratch/err" || fail "$*: $(cat "$scratch/err")"
}
model_has() { grep -q "$1" "$scratch/out.onnxtxt" || fail "expected $1 in $(cat "$scratch/out.onnxtxt")"; }
model_lacks() { ! grep -q "$1" "$scratch/out.onnxtxt" || fail "did not expect $1 in $(cat "$scratch/out.onnxtxt")"; }
says() { grep -Eq -- "$1" "$scratch/out" || fail "expected /$1/, found: $(cat "$scratch/out")"; }
# refuses STATUS PATTERN OPTION...: one line on stderr, no output file.
refuses() {
    local wanted=$1 pattern=$2 status=0
    shift 2
    rm -f "$scratch/none.onnxtxt"
    "$C2S_BIN" "$@" "$scratch/in.onnxtxt" "$scratch/none.onnxtxt" >/dev/null 2>"$scratch/err" || status=$?
    [ $status -eq "$wanted" ] && [ ! -e "$scratch/none.onnxtxt" ] || fail "$*: status $status, expected $wanted: $(cat "$scratch/err")"
    [ "$(wc -l <"$scratch/err")" -eq 1 ] && grep -Eq -- "$pattern" "$scratch/err" || fail "$*: expected one line with /$pattern/, found: $(cat "$scratch/err")"
}

# The samples, with proof and, where ONNX does not know what they make, without.
job --strict --rules "$samples/gemm.rules" --rules "$samples/scale.rules" --passes custom
model_has 'y = Gemm <transA = 1> (x, w)'
model_has 'z = Conv (i, k)'
model_has 'k = {0.5, 1.0, 1.5, 2.0}'
model_lacks 'Transpose\|MatMul\|Div'
job --strict --rules "$samples/activations.rules" --skip swish --passes cleanup,recompose,fuse,custom
model_has 'Clip'
model_lacks 'HardSwish\|my.runtime'
job --rules "$samples/activations.rules"
says 'rolled back: swish at node "swish" \(Mul\)'
model_lacks 'my.runtime'
job --no-prove --rules "$samples/activations.rules"
model_has 's = my.runtime.Swish <beta = 1.0> (y)'
model_has '"my.runtime" : 1'

# Control over single rewrites.
job --rules "$samples/gemm.rules" --skip matmul-to-gemm@product
says '^custom: nothing to do'
job --rules "$samples/gemm.rules" --explain product --log-rewrites "$scratch/log" --passes cleanup,custom
says 'matmul-to-gemm applied at node "product" \(MatMul\)'
grep -q '^custom	gemm-transposed	node "product" (Gemm)	gone: "product", "t"' "$scratch/log" || fail "log: $(cat "$scratch/log")"
job --rules "$samples/scale.rules" --explain quotient --passes custom --skip div-to-mul
says 'div-to-mul not applied at node "quotient" \(Div\): left out on request'
job --rules "$samples/gemm.rules" --annotate --stop-after 1
says '^custom: applied, 1 rewrites'
"$C2S_BIN" --list-rules --rules "$samples/gemm.rules" >"$scratch/out"
says '^custom$'
says '^  gemm-transposed +Transpose -> Gemm becomes Gemm with transA$'
"$C2S_BIN" --list-rules --json --rules "$samples/scale.rules" >"$scratch/out"
says '"name": "div-to-mul"'
"$C2S_BIN" passes >"$scratch/out"
says '^custom: '

# Wrong rules: found by the proof, named, the rest stays.
cat >"$scratch/wrong.rules" <<'END'
rule no-hardness "wrong: HardSwish -> Neg" { pattern (X) => (Y) { Y = HardSwish (X) } replace { Y = Neg (X) } }
rule commutes "wrong: Div is not commutative" { pattern (X, C) => (Y) { Y = Div (X, C) } where not constant(X) replace { Y = Div (C, X) } }
rule good { pattern (X, W) => (Y) { T = Transpose <perm = [1, 0]> (X) Y = MatMul (T, W) } replace { Y = Gemm <transA = 1> (X, W) } }
END
job --rules "$scratch/wrong.rules" --passes custom
says '^custom: applied, 1 rewrites'
says 'rolled back: no-hardness at node "hard" \(HardSwish\)'
says 'rolled back: commutes at node "quotient" \(Div\)'
model_has 'Gemm <transA = 1>'
model_has 'HardSwish'
status=0
"$C2S_BIN" -q --strict --rules "$scratch/wrong.rules" "$scratch/in.onnxtxt" "$scratch/out.onnxtxt" 2>/dev/null || status=$?
[ $status -eq 7 ] || fail "--strict with a wrong rule: status $status, expected 7"
echo 'rule again { pattern (X) => (Y) { Y = Sigmoid (X) } replace { N = Sigmoid (X) Y = Sigmoid (N) } }' >"$scratch/endless.rules"
job --rules "$scratch/endless.rules"
says 'rolled back: again everywhere'

# What is no rule, no file, no pass.
printf 'rule a {\n  pattern (X) => (Y) { Y = Relo (X) }\n  replace { Y = Relu (X) }\n}\n' >"$scratch/typo.rules"
refuses 3 'typo\.rules:2:28: found "Relo", expected an operator of ai\.onnx' --rules "$scratch/typo.rules"
refuses 3 'typo\.rules:2:28' --list-rules --rules "$scratch/typo.rules"
refuses 3 'gemm\.rules:.*no other rewrite has' --rules "$samples/gemm.rules" --rules "$samples/gemm.rules"
refuses 3 'in\.onnx' --rules "$scratch/in.onnxtxt"
refuses 5 'nowhere\.rules' --rules "$scratch/nowhere.rules"
refuses 2 'lack custom' --rules "$samples/gemm.rules" --passes cleanup
refuses 2 'no rules' --passes custom
refuses 2 'no-such' --rules "$samples/gemm.rules" --skip no-such
head -c 100000 /dev/urandom >"$scratch/noise.rules"
refuses 3 'noise\.rules:1:' --rules "$scratch/noise.rules"
: >"$scratch/empty.rules"
job --rules "$scratch/empty.rules"
