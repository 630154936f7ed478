# SPDX-License-Identifier: Apache-2.0
# onnx-c2s lint: which quantizers it counts, what it removes, which ranges it finds poor, its exit codes. Whether it is right
# about ONNX Runtime is for ort.lint.
. "$(dirname "$0")/../shared.sh"
need_program
command -v python3 >/dev/null || skip "python3 is not installed"
cd "$scratch"
cat >model.onnxtxt <<'TEXT'
<ir_version: 8, opset_import: ["" : 17]>
g (float[n,4] x) => (float[n,2] y, float[n,4] z)
<int8[4,2] w = {1, -2, 3, -4, 5, -6, 7, -8}, float sw = {0.05}, int8 zw = {0}, float sx = {0.1}, uint8 zx = {128},
 float sy = {0.02}, uint8 zy = {10}>
{
    q = QuantizeLinear (x, sx, zx)
    d = DequantizeLinear (q, sx, zx)
    v = DequantizeLinear (w, sw, zw)
    m = MatMul (d, v)
    p = QuantizeLinear (m, sy, zy)
    y = DequantizeLinear (p, sy, zy)
    [sine] s = Sin (x)
    k = QuantizeLinear (s, sx, zx)
    z = DequantizeLinear (k, sx, zx)
}
TEXT
# Eight samples of one row of four small numbers: of 256 codes the model's range of x gives them three.
python3 - <<'PYTHON'
import struct
rows = [((7 * k) % 17 - 8) / 100 for k in range(32)]
header = "{'descr': '<f4', 'fortran_order': False, 'shape': (8, 4), }"
header += " " * (117 - len(header)) + "\n"
with open("x.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack("<32f", *rows))
PYTHON

expect() { # STATUS PATTERN ARGUMENT...
    local wanted=$1 pattern=$2 status=0
    shift 2
    "$C2S_BIN" lint "$@" >out 2>err || status=$?
    [ $status -eq "$wanted" ] || fail "lint $*: status $status, expected $wanted: $(cat out err)"
    grep -Eqh -- "$pattern" out err || fail "lint $*: expected /$pattern/, found: $(cat out err)"
}

expect 0 '^3 pairs .* 0 fuse on both sides, 2 convert .*, 1 serve neither side$' model.onnxtxt
grep -q 'node "sine" (Sin) stays in float' out || fail "nothing is said of Sin: $(cat out)"
expect 2 'there is no target "nowhere"; there are .*ort-cpu' --target nowhere model.onnxtxt
expect 2 . --fix model.onnxtxt
expect 5 . no/such/model.onnx
expect 3 . --data x.npy --json "$C2S_SOURCE/tests/cli/lint.sh"

expect 0 'pairs removed: 1' --fix model.onnxtxt fixed.onnx
"$C2S_BIN" info fixed.onnx | grep -Eq '^nodes +7$' || fail "of 9 nodes other than 7 are left: $("$C2S_BIN" info fixed.onnx)"
expect 0 '^2 pairs .* 0 serve neither side$' fixed.onnx

expect 0 '^3 of 3 ranges are poor on 8 samples' --data x.npy model.onnxtxt
expect 0 . --data x.npy --json model.onnxtxt
python3 - <<'PYTHON' || fail "the report: $(cat out)"
import json
report = json.load(open("out"))
assert (report["target"], report["pairs"], report["useless"], report["removed"]) == ("ort-cpu", 3, 1, 0)
links = {(link["kind"], link["node"]): link for link in report["links"]}
assert links["dequantize", "d"]["fuses"] and links["dequantize", "d"]["partner_type"] == "MatMul"
assert links["dequantize", "v"]["constant"]
assert not links["quantize", "k"]["fuses"] and links["quantize", "k"]["partner_type"] == "Sin"
assert report["ranges"], report["ranges"]
PYTHON
