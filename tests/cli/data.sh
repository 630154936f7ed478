# SPDX-License-Identifier: Apache-2.0
# Data on the command line: pictures become inputs as --image says, statistics are kept in a file and
# gone on from, and what does not fit is refused in one line.
. "$(dirname "$0")/../shared.sh"
need_program
cd "$scratch"

cat >model.onnxtxt <<'MODEL'
<ir_version: 10, opset_import: ["" : 17]>
g (float[n,3,8,8] x) => (float[n,4,8,8] y)
<float[4,3,1,1] w = {1, -2, 3, 0.5, 1, -1, 2, 2, -3, 0.1, 1, 1}>
{ c = Conv(x, w)
  y = Relu(c) }
MODEL
mkdir photos
for level in A B K a k z; do
    { printf 'P6\n8 8\n255\n'; head -c 192 /dev/zero | tr '\0' "$level"; } >"photos/$level.png"
done

"$C2S_BIN" run model.onnxtxt --data photos --image raw,resize=none --out out -q || fail "pictures are no data"
[ -s out/y.npy ] || fail "no output was written"
"$C2S_BIN" run model.onnxtxt --data photos --out out -q 2>message && fail "pictures were taken without --image"
grep -q -- '--image' message || fail "the message does not name --image: $(cat message)"
"$C2S_BIN" run model.onnxtxt --data photos --image raw,crop=9 --out out -q 2>message && fail "a crop of 9 was taken"
[ "$(wc -l <message)" = 1 ] || fail "more than one line: $(cat message)"
echo damaged >photos/9.jpg
"$C2S_BIN" run model.onnxtxt --data photos --image raw,resize=none --out out -q 2>message && fail "a damaged picture was taken"
grep -q 'photos/9.jpg: ' message || fail "the message does not name the picture: $(cat message)"
rm photos/9.jpg

job() {
    "$C2S_BIN" --passes 'quantize(method=mse,force=yes)' --no-guard --no-prove --calib photos --image "$@" \
        model.onnxtxt out.onnx -v >log 2>&1
}
job raw,resize=none --calib-samples 2 --calib-cache kept || fail "quantization failed: $(cat log)"
grep -q 'statistics of' log && fail "statistics were there before the first run"
job raw,resize=none --calib-samples 4 --calib-cache kept || fail "the second run failed: $(cat log)"
grep -q 'statistics of 2 samples were kept' log || fail "the second run knew nothing: $(cat log)"
cp out.onnx four.onnx
job raw,resize=none --calib-samples 4 || fail "the third run failed: $(cat log)"
cmp -s out.onnx four.onnx || fail "going on gives another model than starting anew"
job 01,resize=none --calib-cache kept && fail "statistics of other inputs were taken"
grep -q 'of other data' log || fail "the message does not say that the data differ: $(cat log)"
sed -i 's/-2, 3/-2, 4/' model.onnxtxt
job raw,resize=none --calib-cache kept && fail "statistics of another model were taken"
grep -q 'of another model' log || fail "the message does not say that the model differs: $(cat log)"

"$C2S_BIN" --passes 'quantize(force=yes)' --no-guard model.onnxtxt out.onnx >log 2>&1 || fail "no data: $(cat log)"
grep -q 'NO DATA' log || fail "without data nothing warns: $(cat log)"

# Outputs of any name stay in the folder, and none takes the file of another.
cat >names.onnxtxt <<'EOF'
<ir_version: 8, opset_import: ["" : 17]>
g (float[2] x) => (float[2] "a/b", float[2] a_b, float[2] "../out")
{
    "a/b" = Relu (x)
    a_b = Abs (x)
    "../out" = Neg (x)
}
EOF
"$C2S_BIN" run -q names.onnxtxt --out named || fail "run --out failed"
[ "$(ls named | tr '\n' ' ')" = "_._out.npy a_b.npy a_b_1.npy " ] || fail "three outputs, and the files: $(ls named)"
