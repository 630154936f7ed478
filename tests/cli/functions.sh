# SPDX-License-Identifier: Apache-2.0
# Model-local functions: executed as their body, attribute references included; expanded where that does not enlarge the
# model and means the same, else kept as they are.
. "$(dirname "$0")/../shared.sh"
need_program
cd "$scratch"

cat >model.onnxtxt <<'END'
<ir_version: 9, opset_import: ["" : 17, "local" : 1]>
g (float[N,4] x) => (float[N,4] y)
<float[4] one = {1.0, 1.0, 2.0, 3.0}>
{
    a = Add (x, one)
    b = local.scaled <alpha = 2.0> (a)
    c = Identity (b)
    y = Relu (c)
}
<domain: "local", opset_import: ["" : 17]>
scaled <alpha> (p) => (r)
{
    k = Constant <value_float : float = @alpha> ()
    r = Mul (p, k)
}
END
cat >plain.onnxtxt <<'END'
<ir_version: 9, opset_import: ["" : 17]>
g (float[N,4] x) => (float[N,4] y)
<float[4] one = {1.0, 1.0, 2.0, 3.0}, float two = {2.0}>
{
    a = Add (x, one)
    b = Mul (a, two)
    y = Relu (b)
}
END
"$C2S_BIN" --skip inline-function model.onnxtxt out.onnx >report
grep -q 'largest relative error of the outputs: 0' report || fail "it was not proved: $(cat report)"
"$C2S_BIN" -q --passes none out.onnx out.onnxtxt
grep -q 'k = Constant <value_float : float = @alpha> ()' out.onnxtxt || fail "the reference changed: $(cat out.onnxtxt)"
grep -q 'local.scaled <alpha = 2.0>' out.onnxtxt || fail "the call is gone: $(cat out.onnxtxt)"
"$C2S_BIN" -q compare out.onnx plain.onnxtxt

# text OPTION...: what the default job makes of model.onnxtxt, as text.
text() {
    "$C2S_BIN" -v "$@" model.onnxtxt out.onnx >report 2>err || fail "$*: status $?: $(cat err)"
    "$C2S_BIN" -q --passes none out.onnx out.onnxtxt
    "$C2S_BIN" -q compare out.onnx model.onnxtxt
}
text
! grep -q scaled out.onnxtxt || fail "the call is still there: $(cat out.onnxtxt)"
grep -q 'largest relative error of the outputs: 0' report || fail "it was not proved: $(cat report)"
"$C2S_BIN" -q compare out.onnx plain.onnxtxt

# Calls inside of functions and bodies; a function that nobody calls.
cat >model.onnxtxt <<'END'
<ir_version: 9, opset_import: ["" : 17, "local" : 1, "other" : 1]>
g (float[N,4] x, bool up) => (float[N,4] y)
{
    y = If <then_branch = t () => (p) { p = local.twice (x) }, else_branch = e () => (q) { q = Neg (x) }> (up)
}
<domain: "local", opset_import: ["" : 17, "other" : 1]>
twice (a) => (c)
{
    b = other.shifted (a)
    c = Add (b, b)
}
<domain: "other", opset_import: ["" : 17]>
shifted (a) => (b)
{
    one = Constant <value_float = 1.0> ()
    b = Add (a, one)
}
<domain: "other", opset_import: ["" : 17]>
unused (a) => (b)
{
    b = Neg (a)
}
END
text
! grep -q 'twice\|shifted\|unused' out.onnxtxt || fail "functions are left: $(cat out.onnxtxt)"

# Several calls of a large function stay, as does one that is written for another opset.
{
    printf '<ir_version: 9, opset_import: ["" : 17, "local" : 1]>\ng (float[N,4] x) => (float[N,4] y)\n{\n'
    printf '    a = local.chain (x)\n    b = local.chain (a)\n    y = local.newer (b)\n}\n'
    printf '<domain: "local", opset_import: ["" : 17]>\nchain (v0) => (v40)\n{\n'
    for ((i = 0; i < 40; i++)); do printf '    v%d = Sin (v%d)\n' $((i + 1)) "$i"; done
    printf '}\n<domain: "local", opset_import: ["" : 18]>\nnewer (a) => (b)\n{\n    b = ReduceMean <keepdims = 1> (a)\n}\n'
} >model.onnxtxt
text
[ "$(grep -c '= local.chain' out.onnxtxt)" -eq 2 ] || fail "the model has grown: $(cat out.onnxtxt)"
grep -q 'inline-function.*2 calls of 40 nodes' err || fail "no reason: $(cat err)"
grep -q '= local.newer' out.onnxtxt && grep -q 'written in opset 18 of ai.onnx' err || fail "no reason: $(cat err)"
text --opset 18
! grep -q 'local.newer' out.onnxtxt || fail "the opset is the same: $(cat out.onnxtxt)"
