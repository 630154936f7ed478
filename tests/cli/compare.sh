# SPDX-License-Identifier: Apache-2.0
# onnx-c2s compare: metrics as numpy computes them, labels, noise, layers, conditions.
. "$(dirname "$0")/../shared.sh"
need_program
cd "$scratch"
model="$C2S_SOURCE/samples/digits/model.onnx"
data="$C2S_SOURCE/samples/digits/test.npz"
calib="$C2S_SOURCE/samples/digits/calib.npz"

"$C2S_BIN" -q --calib "$calib" --data "$data" --passes 'cleanup,fuse,quantize_weights(bits=4),cleanup' "$model" small.onnx

# The tolerance decides unless there is a condition.
status=0
"$C2S_BIN" compare "$model" small.onnx --data "$data" --samples 60 >text 2>err || status=$?
[ $status -eq 7 ] || fail "4-bit weights: status $status, expected 7: $(cat err)"
for word in output max_abs sqnr kl top1_agreement top5_agreement class_mean bytes 'standard error' differs '60 samples'; do
    grep -q "$word" text || fail "the table does not say '$word': $(cat text)"
done
"$C2S_BIN" compare "$model" small.onnx --data "$data" --samples 60 --fail-if 'sqnr < 5 || bytes > 1.0*ref' >text ||
    fail "conditions that do not hold failed: $(cat text)"
grep -q 'passed: bytes > 1.0\*ref (bytes [0-9]* B, reference [0-9]* B)' text || fail "no line for the condition: $(cat text)"
status=0
"$C2S_BIN" compare "$model" small.onnx --data "$data" --samples 60 --fail-if 'sqnr < 5' --fail-if 'bytes > 0.1*ref' >text 2>err || status=$?
[ $status -eq 7 ] || fail "a condition that holds: status $status, expected 7"
grep -q 'failed: bytes > 0.1\*ref (bytes' err || fail "the message does not name the condition: $(cat err)"
status=0
"$C2S_BIN" compare "$model" small.onnx --fail-if 'snqr < 5' >text 2>err || status=$?
[ $status -eq 2 ] || fail "an unknown name: status $status, expected 2"
grep -q 'there are ref max_abs .*top1_drop.*latency' err || fail "the message does not list the names: $(cat err)"

# Numbers against numpy.
python=/usr/bin/python3 # Debian's, which has numpy
$python -c 'import numpy' 2>/dev/null || skip "numpy is not installed"
"$C2S_BIN" run -q "$model" --data "$data" --samples 60 --out a
"$C2S_BIN" run -q small.onnx --data "$data" --samples 60 --out b
"$C2S_BIN" compare "$model" small.onnx --data "$data" --samples 60 --json >result.json 2>err || true
$python "$C2S_SOURCE/tests/cli/compare.py" result.json a b "$data"

# The same file against itself: nothing is lost, also under noise, and no layer diverges.
"$C2S_BIN" compare "$model" "$model" --data "$data" --samples 40 --noise 0.5 --layers --json >same.json
python3 - same.json <<'PYTHON' || fail "a model against itself: $(cat same.json)"
import json, sys
r = json.load(open(sys.argv[1]))
m = {name: pair["value"] for name, pair in r["metrics"].items()}
assert m["sqnr"] == "inf" and m["max_abs"] == 0 and m["kl"] == 0 and m["top1_agreement"] == 100
assert m["top1_drop"] == m["class_worst_drop"] == m["noise_top1_drop"] == 0
n = r["metrics"]["noise_sqnr"]
assert n["value"] == n["reference"] and 0 < n["value"] < 40, n
assert 20 < m["noise_top1"] < m["top1"] and m["noise_agreement"] < 100
assert r["first_divergence"] is None and r["unmatched"] == 0
assert all(l["matched"] == "name" and l["metrics"]["max_abs"] == 0 for l in r["layers"])
PYTHON

# An output of another shape or type is as far away as can be by any metric, beside one that is equal.
cat >two.onnxtxt <<'MODEL'
<ir_version: 10, opset_import: ["" : 21]>
g (float[N,3] x) => (float[N,3] y, float[M,3] z) { y = Relu(x) z = Neg(x) }
MODEL
sed 's/z = Neg(x)/n = Neg(x) z = Concat<axis = 0>(n, n)/' two.onnxtxt >longer.onnxtxt
sed 's/float\[M,3\] z/double[M,3] z/; s/z = Neg(x)/n = Neg(x) z = Cast<to = 11>(n)/' two.onnxtxt >wider.onnxtxt
for other in longer wider; do
    for condition in 'mismatches > 0' 'max_abs > 1' 'mean_rel > 1' 'cosine < 0.9' 'psnr < 9' 'kl > 1' 'top1_agreement < 50'; do
        status=0
        "$C2S_BIN" compare two.onnxtxt $other.onnxtxt --fail-if "$condition" >text 2>err || status=$?
        [ $status -eq 7 ] || fail "$other: '$condition': status $status, expected 7: $(cat text err)"
    done
done

# Labels that no rows of scores fit are not passed over in silence.
$python - "$data" <<'PYTHON'
import numpy, sys
data = dict(numpy.load(sys.argv[1]))
data["labels"] = numpy.eye(10, dtype=numpy.int64)[data["labels"]]
numpy.savez("one_hot.npz", **data)
PYTHON
"$C2S_BIN" compare "$model" "$model" --data one_hot.npz --samples 9 >text 2>err || fail "one-hot labels: $(cat err)"
grep -q 'the labels fit no rows' err || fail "nothing said of labels that do not fit: $(cat err)"

# Memory does not grow with the number of samples: kept outputs would take 8 KB each. Sanitizers keep what is freed.
cat >wide.onnxtxt <<'MODEL'
<ir_version: 10, opset_import: ["" : 21]>
g (float[1,1000] x) => (float[1,1000] y) { y = Relu(x) }
MODEL
[ -n "${C2S_SANITIZE:-}" ] || $python - "$C2S_BIN" <<'PYTHON' || fail "memory grows with the number of samples"
import resource, subprocess, sys
most = []
for samples in ("20", "20", "12000"):
    subprocess.run([sys.argv[1], "compare", "-q", "wide.onnxtxt", "wide.onnxtxt", "--layers", "--threads", "1",
                    "--samples", samples], check=True)
    most.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
print("most memory:", most, "KB")
sys.exit(most[2] > most[1] + 20000)
PYTHON

# Layers: one weight of one convolution is changed, which then comes first and diverges first.
cat >a.onnxtxt <<'MODEL'
<ir_version: 10, opset_import: ["" : 21]>
g (float[1,4] x) => (float[1,4] y)
<float[4] w = {1, 2, 3, 4}, float[4] v = {2, 3, 1, 4}>
{ first = Mul(x, w)
  middle = Sqrt(first)
  second = Mul(middle, v)
  y = Add(second, w) }
MODEL
sed 's/{2, 3, 1, 4}/{2, 3, 1, 4.5}/' a.onnxtxt >b.onnxtxt
"$C2S_BIN" compare a.onnxtxt b.onnxtxt --layers --json >layers.json 2>err && fail "other weights: expected status 7"
python3 - layers.json <<'PYTHON' || fail "layers: $(cat layers.json)"
import json, sys
r = json.load(open(sys.argv[1]))
assert r["first_divergence"] == "second", r["first_divergence"]
assert [l["value"] for l in r["layers"]][0] == "second"
by = {l["value"]: l for l in r["layers"]}
assert by["first"]["metrics"]["max_abs"] == 0 and by["middle"]["metrics"]["sqnr"] == "inf"
assert by["second"]["added_noise"] > by["y"]["added_noise"] == 0
PYTHON
# Names that are gone: structure finds them.
sed 's/first/p/g; s/middle/q/g; s/second/r/g' b.onnxtxt >c.onnxtxt
"$C2S_BIN" compare a.onnxtxt c.onnxtxt --layers --json >layers.json 2>err && fail "other weights: expected status 7"
python3 - layers.json <<'PYTHON' || fail "layers without names: $(cat layers.json)"
import json, sys
r = json.load(open(sys.argv[1]))
by = {l["value"]: l for l in r["layers"]}
assert by["second"]["other"] == "r" and by["second"]["matched"] == "structure"
assert by["y"]["matched"] == "name" and r["first_divergence"] == "second"
PYTHON
"$C2S_BIN" compare a.onnxtxt c.onnxtxt --layers >text 2>err || true
grep -q 'the first that diverges is "second"' text || fail "the table does not name the layer: $(cat text)"

# Bodies are compared trip by trip: what goes wrong in one is named where it does, not where it comes out.
cat >loop.onnxtxt <<'MODEL'
<ir_version: 10, opset_import: ["" : 21]>
g (float[1,4] x) => (float[1,4] y)
<float[4] w = {1, 2, 3, 4}, int64 three = {3}, bool yes = {1}>
{ h = Mul(x, w)
  l = Loop <body = step (int64 i, bool go, float[1,4] before) => (bool again, float[1,4] after)
    <float[4] v = {2, 3, 1, 4}>
    { again = Identity(go)
      p = Mul(before, h)
      q = Tanh(p)
      after = Add(q, v) }> (three, yes, h)
  y = Neg(l) }
MODEL
sed 's/{2, 3, 1, 4}/{2, 3, 1, 4.5}/; s/\bp\b/other/g' loop.onnxtxt >loop_weight.onnxtxt
"$C2S_BIN" compare loop.onnxtxt loop_weight.onnxtxt --layers --json >layers.json 2>err && fail "a weight in a body: expected status 7"
python3 - layers.json <<'PYTHON' || fail "layers in a body: $(cat layers.json)"
import json, sys
r = json.load(open(sys.argv[1]))
assert r["layers"][0]["value"] == "after" and r["layers"][0]["place"] == 'Add in body of Loop "l"'
by = {l["value"]: l for l in r["layers"]}
assert by["p"]["other"] == "other" and by["h"]["metrics"]["max_abs"] == 0 and r["unmatched"] == 0
assert not any(l["other_trips"] for l in r["layers"])
PYTHON
sed 's/three = {3}/three = {2}/' loop.onnxtxt >loop_trips.onnxtxt
for pair in "loop.onnxtxt loop_trips.onnxtxt" "loop_trips.onnxtxt loop.onnxtxt"; do
    # shellcheck disable=SC2086 # two names
    "$C2S_BIN" compare $pair --layers >text 2>err && fail "$pair: expected status 7"
    grep -q 'the first that diverges is "p" of node "p" (Mul in body of Loop "l")' text || fail "$pair: $(cat text)"
    grep -q '^q .* other trips' text || fail "$pair: the table does not say 'other trips': $(cat text)"
done

# What differs in shape is no number.
sed 's/y = Add(second, w)/t = Add(second, w) y = Concat<axis = 0>(t, t)/; s/float\[1,4\] y/float[2,4] y/' a.onnxtxt >d.onnxtxt
status=0
"$C2S_BIN" compare a.onnxtxt d.onnxtxt >text 2>err || status=$?
[ $status -eq 7 ] || fail "another shape: status $status, expected 7"
grep -q 'other type' text || fail "the table does not say 'other type': $(cat text)"
status=0
"$C2S_BIN" compare a.onnxtxt d.onnxtxt --fail-if 'sqnr < 10' >text 2>err || status=$?
[ $status -eq 7 ] || fail "another shape, with a condition: status $status, expected 7: $(cat text err)"
