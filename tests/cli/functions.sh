# SPDX-License-Identifier: Apache-2.0
# Model-local functions: kept as they are, executed as their body, attribute references included.
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
"$C2S_BIN" model.onnxtxt out.onnx >report
grep -q 'largest relative error of the outputs: 0' report || fail "it was not proved: $(cat report)"
"$C2S_BIN" -q --passes none out.onnx out.onnxtxt
grep -q 'k = Constant <value_float : float = @alpha> ()' out.onnxtxt || fail "the reference changed: $(cat out.onnxtxt)"
grep -q 'local.scaled <alpha = 2.0>' out.onnxtxt || fail "the call is gone: $(cat out.onnxtxt)"
"$C2S_BIN" -q compare out.onnx plain.onnxtxt
